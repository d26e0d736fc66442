"""One batch of dead letters: compared, backed up, sent, and deleted only once SQS has confirmed the send.

At-least-once, never at-most-once: a crash or a lost answer between send and delete leaves the letter where it was. It
is sent again only where a double is declared harmless, and then the double is named; else it stays, "unknown".

Batches are carried in several threads at once. A batch and all that is said of its letters belong to one of them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from ops_lib.change.backup import Backup
from ops_lib.change.held import Hand
from ops_lib.change.journal import Kind
from ops_lib.change.journal_entry import Draft
from ops_lib.change.message import confirms, entry_of, is_same, md5_of_body
from ops_lib.change.outcome import State, StepOutcome
from ops_lib.change.pace import Pace
from ops_lib.change.past import DELETE, SEND, SENT
from ops_lib.change.plan import Call
from ops_lib.change.send import Answered, Lost, NotDone, send
from ops_lib.change.step import ANEW, Applier
from ops_lib.change.work import Task, Work
from ops_lib.change.world import differences

MOST_REPLAYS = 3  # of one body: what comes back so often has a cause that a replay does not mend
Part = tuple[int, Mapping[str, Any]]  # what an entry says of one step


@dataclass
class Carrier:
    """Carries batches of letters that are in hand. `sent` is what this run has sent, by its new MessageIds; `bodies`
    the MD5s of it, `since` when it began."""

    applier: Applier
    backup: Backup
    hand: Hand
    pace: Pace
    sent: set[str] = field(default_factory=set)
    bodies: set[str] = field(default_factory=set)
    since: datetime = field(init=False)

    def __post_init__(self) -> None:
        self.since = self.applier.clock()

    def carry(self, batch: Sequence[Work]) -> list[StepOutcome]:
        """Return how each letter's step ended; none for a letter whose hold lapsed on the way: it is received again."""
        refusals = {work.task.number: self._refusal(work) for work in self._firmly_held(batch)}
        told = self.write([one for one in refusals.values() if one])
        ready = self._firmly_held(work for work in batch if refusals.get(work.task.number, ...) is None)
        try:
            self.backup.keep([(work.task.id, work.held.message) for work in ready])
        except OSError as error:
            words = f"its backup could not be written ({error.strerror or error}); nothing was changed"
            return told + self.write([work.task.ends("failed", words, barred=True) for work in ready])
        left, said = self._send([work for work in ready if not work.may_delete])
        return told + left + self._delete([work for work in ready if work.may_delete and work.held.is_firm], said)

    def write(self, outcomes: Sequence[StepOutcome], phase: str = "") -> list[StepOutcome]:
        """Write outcomes to the journal and return them; `phase`: of which call they say what came."""
        self._write(self._draft("outcome", phase, [(one.number, one.facts()) for one in outcomes]))
        return list(outcomes)

    def is_come_back(self, message: Mapping[str, Any]) -> bool:
        """Return whether a dead letter is one that this run has sent: by its id, or a new one of the same body."""
        sent_at_ms = int(message.get("Attributes", {}).get("SentTimestamp", 0))
        is_new = sent_at_ms >= self.since.timestamp() * 1000
        return message["MessageId"] in self.sent or (is_new and md5_of_body(message) in self.bodies)

    def _firmly_held(self, batch: Iterable[Work]) -> list[Work]:
        batch = list(batch)
        self.hand.renew([work.held for work in batch])
        return [work for work in batch if work.held.is_firm]

    def _refusal(self, work: Work) -> StepOutcome | None:
        """Return why a letter is not moved, None where it is to be."""
        task = work.task
        if not is_same(work.held, task.step):
            words = f"the message of that id has another content than the plan's; nothing was changed. {ANEW}"
            return task.ends("refused", words)
        if work.past.sent_as:
            return None
        if task.is_replay and work.replays >= MOST_REPLAYS:
            words = f"it was replayed by {work.replays} plans before and came back: mend the cause, or discard it"
            return task.ends("refused", words)
        changed = differences(self.applier.aws, task.step.conditions)
        if changed:
            listed = "; ".join(one.words() for one in changed)
            words = f"the world is not as the plan found it; the letter stays: {listed}. {ANEW}"
            return task.ends("refused", words, changed=changed)
        return None

    def _send(self, batch: Sequence[Work]) -> tuple[list[StepOutcome], list[Draft]]:
        """Send a batch, once more where its answer is lost and no double does harm.

        Return what was not sent, and what is to be written of all.
        """
        if not batch:
            return [], []
        in_doubt = {work.task.number for work in batch if work.past.maybe_sent}
        batch, answer = self._send_once(batch)
        if isinstance(answer, Lost) and all(work.task.step.harmless_twice for work in batch):
            words = f"{answer.words}; it is sent again"
            self.write([work.task.ends("unknown", words) for work in batch], SEND)
            in_doubt = {work.task.number for work in batch}
            batch, answer = self._send_once(batch)
        confirmed = _by_place(answer, "Successful")
        sent = [work for place, work in enumerate(batch) if _is_of(confirmed.get(place), work)]
        left = [
            self._unsent(place, work, answer, work.task.number in in_doubt)
            for place, work in enumerate(batch)
            if work not in sent
        ]
        for place, work in enumerate(batch):
            if work in sent:
                work.past.sent_as = str(confirmed[place]["MessageId"])
                work.past.doubles = work.task.step.doubles if work.task.number in in_doubt else work.past.doubles
                self.sent.add(work.past.sent_as)
                self.bodies.add(work.task.letter.md5_of_body)
        said = [_sent(work, work.task.number in in_doubt) for work in sent]
        return left, self._draft("outcome", SEND, [*said, *((one.number, one.facts()) for one in left)])

    def _send_once(self, batch: Sequence[Work]) -> tuple[list[Work], Answered | Lost | NotDone]:
        """Send what is still in hand once all intents are written; return that, and what SQS answered.

        In this order: whoever receives a letter after our hold has lapsed finds the intent in the journal.
        """
        self.pace.wait(len(batch))
        self._write(self._intent(batch, SEND))
        in_hand = [work for work in batch if work.held.is_firm]
        lapsed = "its hold lapsed before it was sent; it is received again"
        self.write([work.task.ends("failed", lapsed) for work in batch if work not in in_hand], SEND)
        if not in_hand:
            return [], NotDone("failed", "nothing was sent")
        entries = [entry_of(place, work.held) for place, work in enumerate(in_hand)]
        arguments = {"QueueUrl": in_hand[0].task.destination, "Entries": entries}
        return in_hand, send(self.applier.aws, Call("sqs", "SendMessageBatch", arguments))

    def _unsent(self, place: int, work: Work, answer: Answered | Lost | NotDone, in_doubt: bool) -> StepOutcome:
        if place in _by_place(answer, "Successful"):
            words = "SQS confirmed another content than was sent: the letter stays. Next: look at the main queue"
            return work.task.ends("unknown", words)
        if isinstance(answer, Lost):
            words = f"{answer.words}. The letter stays in its queue. Next: apply again, or look at its job"
            return work.task.ends("unknown", words)
        failed = answer if isinstance(answer, NotDone) else _refused(_by_place(answer, "Failed").get(place))
        words = f"{failed.words}. The letter stays in its queue" + (
            "; it may have been sent before" if in_doubt else ""
        )
        return work.task.ends("unknown" if in_doubt else "failed", words, barred=failed.kind == "barred")

    def _delete(self, batch: Sequence[Work], said: Sequence[Draft]) -> list[StepOutcome]:
        """Delete a batch once the journal has what is `said` of its send, and that it is meant to be deleted."""
        self._write([*said, *self._intent(batch, DELETE)])
        batch = self._firmly_held(batch)
        if not batch:
            return []
        entries = [{"Id": str(place), "ReceiptHandle": work.held.handle} for place, work in enumerate(batch)]
        call = Call("sqs", "DeleteMessageBatch", {"QueueUrl": self.hand.queue_url, "Entries": entries})
        answer = send(self.applier.aws, call)
        was_lost = isinstance(answer, Lost)
        if was_lost:
            answer = send(self.applier.aws, call)  # deleting twice is deleting once
        gone = _by_place(answer, "Successful")
        ended = [
            self._done(work) if place in gone else self._not_deleted(work, answer, was_lost)
            for place, work in enumerate(batch)
            if work.held.is_firm  # else its handle may have been stale, and SQS confirms what it has not done
        ]
        return self.write(ended, DELETE)

    def _done(self, work: Work) -> StepOutcome:
        if not work.task.is_replay:
            return work.task.ends("done", "discarded; its copy is in the backup")
        words = f"{self._told(work)}, deleted from the dead-letter queue"
        return work.task.ends("done", words, doubles=work.past.doubles)

    def _not_deleted(self, work: Work, answer: Answered | Lost | NotDone, was_lost: bool) -> StepOutcome:
        told = self._told(work) if work.task.is_replay else "not discarded"
        why = "SQS did not delete it" if isinstance(answer, Answered) else answer.words
        barred = isinstance(answer, NotDone) and answer.kind == "barred"
        state: State = "unknown" if was_lost else "failed"
        doubles = work.past.doubles if work.task.is_replay else ""
        return work.task.ends(
            state, f"{told}; {why}: it may come back. Next: apply again", doubles=doubles, barred=barred
        )

    def _told(self, work: Work) -> str:
        return f"sent as {work.past.sent_as}" if work.past.sent_as in self.sent else "sent by an earlier run"

    def _intent(self, batch: Sequence[Work], phase: str) -> list[Draft]:
        if not batch:
            return []
        operation = "SendMessageBatch" if phase == SEND else "DeleteMessageBatch"
        url = batch[0].task.destination if phase == SEND else self.hand.queue_url
        call = {"service": "sqs", "operation": operation, "arguments": {"QueueUrl": url}}
        title = batch[0].task.step.title if len(batch) == 1 else f"{phase} {len(batch)} letters"
        facts = {"title": title, "call": call}
        return self._draft("intent", phase, [_meant(work.task, phase) for work in batch], facts)

    def _draft(
        self, kind: Kind, phase: str, parts: Sequence[Part], facts: Mapping[str, Any] | None = None
    ) -> list[Draft]:
        """Return one entry about all these steps; none where there are none."""
        common = {**(facts or {}), **({"phase": phase} if phase else {})}
        each = [{"step": number, **said} for number, said in parts]
        at, plan = self.applier.clock(), self.applier.plan.id
        return [Draft(kind, plan, None, common | {"each": each}, at)] if each else []

    def _write(self, drafts: Sequence[Draft]) -> None:
        if drafts:
            self.applier.journal.write(drafts)


def _meant(task: Task, phase: str) -> Part:
    body = {"md5_of_body": task.letter.md5_of_body} if phase == SEND else {}
    return task.number, {"message_id": task.id} | body


def _sent(work: Work, in_doubt: bool) -> Part:
    facts = {"state": SENT, "sent_as": work.past.sent_as}
    return work.task.number, facts | ({"doubles": work.past.doubles} if in_doubt and work.past.doubles else {})


def _by_place(answer: Answered | Lost | NotDone, name: str) -> dict[int, Mapping[str, Any]]:
    """Return one list of a batch's answer by the places of its entries."""
    listed = answer.content.get(name, []) if isinstance(answer, Answered) else []
    return {int(one["Id"]): one for one in listed}


def _is_of(confirmed: Mapping[str, Any] | None, work: Work) -> bool:
    return confirmed is not None and confirms(confirmed, work.held)


def _refused(failure: Mapping[str, Any] | None) -> NotDone:
    one = failure or {"Code": "NoAnswer", "Message": "it is in no list of the answer"}
    return NotDone("failed", f"SQS did not take it: {one.get('Code')}: {one.get('Message', '')}")
