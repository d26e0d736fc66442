"""One batch of dead letters: compared, backed up, sent, and deleted only once SQS has confirmed the send.

At-least-once, never at-most-once: a crash or a lost answer between send and delete leaves the letter where it was. It
is sent again only where a double is declared harmless, and then the double is named; else it stays, "unknown".
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, NamedTuple

from ops_lib.change.backup import Backup
from ops_lib.change.held import Hand
from ops_lib.change.journal import Entry, Journal
from ops_lib.change.message import confirms, entry_of, is_same, md5_of_body
from ops_lib.change.outcome import State, StepOutcome
from ops_lib.change.past import DELETE, SEND, SENT, Past, Pasts
from ops_lib.change.plan import Call, Letter, Step
from ops_lib.change.send import Answered, Lost, NotDone, send
from ops_lib.change.step import ANEW, Applier
from ops_lib.change.world import differences

MOST_REPLAYS = 3  # of one body: what comes back so often has a cause that a replay does not mend


class Task(NamedTuple):
    """One letter to move: its step's number, the step, and what the journal says of the step from other runs."""

    number: int
    step: Step
    earlier: Sequence[Entry]

    @property
    def letter(self) -> Letter:
        assert self.step.letter is not None
        return self.step.letter

    @property
    def id(self) -> str:
        return self.letter.message_id

    @property
    def is_replay(self) -> bool:
        return self.step.call.operation == "SendMessage"

    @property
    def destination(self) -> str:
        return str(self.step.call.arguments["QueueUrl"])

    def ends(self, state: State, words: str, **more: Any) -> StepOutcome:
        """Return how its step ended."""
        return StepOutcome(self.number, self.step.title, state, words, **more)


@dataclass
class Carrier:
    """Carries batches of letters that are in hand; `pasts` is what the journal said once they were.

    `sent` is what this run has sent: new MessageIds by step number; `bodies` the MD5s of it, `since` when it began.
    """

    applier: Applier
    backup: Backup
    hand: Hand
    pasts: Pasts = field(default_factory=Pasts)
    sent: dict[int, str] = field(default_factory=dict)
    bodies: set[str] = field(default_factory=set)
    since: datetime = field(init=False)

    def __post_init__(self) -> None:
        self.since = self.applier.clock()

    @property
    def journal(self) -> Journal:
        return self.applier.journal

    def carry(self, batch: Sequence[Task]) -> Iterator[StepOutcome]:
        """Yield how each letter's step ended; none for a letter whose hold lapsed on the way: it is received again."""
        ready = []
        for task in self._firmly_held(batch):
            if refused := self._refusal(task):
                yield self.write(refused)
            else:
                ready.append(task)
        ready = self._firmly_held(ready)
        try:
            self.backup.keep([(task.id, self.hand.held[task.id].message) for task in ready])
        except OSError as error:
            words = f"its backup could not be written ({error.strerror or error}); nothing was changed"
            yield from (self.write(task.ends("failed", words, barred=True)) for task in ready)
            return
        yield from list(self._send([task for task in ready if not self._may_delete(task)]))
        yield from self._delete(self._firmly_held([task for task in ready if self._may_delete(task)]))

    def write(self, outcome: StepOutcome, phase: str = "") -> StepOutcome:
        """Write an outcome to the journal and return it; `phase`: of which call it says what came."""
        facts = outcome.facts() | ({"phase": phase} if phase else {})
        self.journal.append("outcome", self.applier.plan.id, outcome.number, facts, self.applier.clock())
        return outcome

    def past(self, task: Task) -> Past:
        """Return what is known of a task's letter, this run included."""
        past = self.pasts.of(task.id)
        return replace(past, sent_as=self.sent[task.number]) if task.number in self.sent else past

    def is_doubtful(self, task: Task) -> bool:
        """Return whether a letter may have been sent and must not be sent twice."""
        return task.is_replay and self.past(task).maybe_sent and not task.step.harmless_twice

    def is_come_back(self, message: Mapping[str, Any]) -> bool:
        """Return whether a dead letter is one that this run has sent: by its id, or a new one of the same body."""
        sent_at_ms = int(message.get("Attributes", {}).get("SentTimestamp", 0))
        is_new = sent_at_ms >= self.since.timestamp() * 1000
        return message["MessageId"] in self.sent.values() or (is_new and md5_of_body(message) in self.bodies)

    def _firmly_held(self, tasks: Sequence[Task]) -> list[Task]:
        self.hand.renew([task.id for task in tasks])
        return [task for task in tasks if task.id in self.hand.held]

    def _may_delete(self, task: Task) -> bool:
        return bool(self.past(task).sent_as) or not task.is_replay

    def _refusal(self, task: Task) -> StepOutcome | None:
        """Return why a letter is not moved, None where it is to be."""
        if not is_same(self.hand.held[task.id], task.step):
            words = f"the message of that id has another content than the plan's; nothing was changed. {ANEW}"
            return task.ends("refused", words)
        if self.past(task).sent_as:
            return None
        count = self.pasts.replays(task.letter.md5_of_body, but=self.applier.plan.id) if task.is_replay else 0
        if count >= MOST_REPLAYS:
            words = f"it was replayed by {count} plans before and came back: mend the cause, or discard it"
            return task.ends("refused", words)
        changed = differences(self.applier.aws, task.step.conditions)
        if changed:
            listed = "; ".join(one.words() for one in changed)
            words = f"the world is not as the plan found it; the letter stays: {listed}. {ANEW}"
            return task.ends("refused", words, changed=changed)
        return None

    def _send(self, tasks: Sequence[Task]) -> Iterator[StepOutcome]:
        """Send a batch, once more where its answer is lost and no double does harm; yield what was not sent."""
        if not tasks:
            return
        in_doubt = {task.number for task in tasks if self.past(task).maybe_sent}
        tasks, answer = self._send_once(tasks)
        if isinstance(answer, Lost) and all(task.step.harmless_twice for task in tasks):
            for task in tasks:
                self.write(task.ends("unknown", f"{answer.words}; it is sent again"), SEND)
            in_doubt = {task.number for task in tasks}
            tasks, answer = self._send_once(tasks)
        confirmed: dict[str, Mapping[str, Any]] = {}
        failures: dict[str, Mapping[str, Any]] = {}
        if isinstance(answer, Answered):
            confirmed = {one["Id"]: one for one in answer.content.get("Successful", [])}
            failures = {one["Id"]: one for one in answer.content.get("Failed", [])}
        for place, task in enumerate(tasks):
            one = confirmed.get(str(place))
            if one and confirms(one, self.hand.held[task.id]):
                self._note_sent(task, str(one["MessageId"]), task.step.doubles if task.number in in_doubt else "")
            elif one:
                words = "SQS confirmed another content than was sent: the letter stays. Next: look at the main queue"
                yield self.write(task.ends("unknown", words), SEND)
            else:
                failure = answer if not isinstance(answer, Answered) else _refused(failures.get(str(place)))
                yield self.write(_unsent(task, failure, task.number in in_doubt), SEND)

    def _send_once(self, tasks: Sequence[Task]) -> tuple[list[Task], Answered | Lost | NotDone]:
        """Send what is still in hand once all intents are written; return that, and what SQS answered.

        In this order: whoever receives a letter after our hold has lapsed finds the intent in the journal.
        """
        for task in tasks:
            self._intend(task, SEND)
        in_hand = [task for task in tasks if self.hand.holds(task.id)]
        for task in tasks:
            if task not in in_hand:
                self.write(task.ends("failed", "its hold lapsed before it was sent; it is received again"), SEND)
        if not in_hand:
            return [], NotDone("failed", "nothing was sent")
        entries = [entry_of(place, self.hand.held[task.id]) for place, task in enumerate(in_hand)]
        arguments = {"QueueUrl": in_hand[0].destination, "Entries": entries}
        return in_hand, send(self.applier.aws, Call("sqs", "SendMessageBatch", arguments))

    def _note_sent(self, task: Task, message_id: str, doubles: str) -> None:
        facts = {"state": SENT, "words": f"sent as {message_id}", "phase": SEND, "sent_as": message_id}
        facts |= {"doubles": doubles} if doubles else {}
        self.journal.append("outcome", self.applier.plan.id, task.number, facts, self.applier.clock())
        self.sent[task.number] = message_id
        self.bodies.add(task.letter.md5_of_body)
        if doubles:
            self.pasts.letters.setdefault(task.id, Past()).doubles = doubles

    def _delete(self, tasks: Sequence[Task]) -> Iterator[StepOutcome]:
        if not tasks:
            return
        for task in tasks:
            self._intend(task, DELETE)
        entries = [{"Id": str(n), "ReceiptHandle": self.hand.held[task.id].handle} for n, task in enumerate(tasks)]
        call = Call("sqs", "DeleteMessageBatch", {"QueueUrl": self.hand.queue_url, "Entries": entries})
        answer = send(self.applier.aws, call)
        was_lost = isinstance(answer, Lost)
        if was_lost:
            answer = send(self.applier.aws, call)  # deleting twice is deleting once
        gone = {one["Id"] for one in answer.content.get("Successful", [])} if isinstance(answer, Answered) else set()
        for place, task in enumerate(tasks):
            if not self.hand.holds(task.id):
                continue  # its handle may have been stale, and then SQS confirms what it has not done
            if str(place) in gone:
                self.hand.let_go([task.id])
                yield self.write(self._done(task), DELETE)
            else:
                yield self.write(self._not_deleted(task, answer, was_lost), DELETE)

    def _done(self, task: Task) -> StepOutcome:
        if not task.is_replay:
            return task.ends("done", "discarded; its copy is in the backup")
        return task.ends("done", f"{self._told(task)}, deleted from the dead-letter queue", doubles=self._doubles(task))

    def _not_deleted(self, task: Task, answer: Answered | Lost | NotDone, was_lost: bool) -> StepOutcome:
        told = self._told(task) if task.is_replay else "not discarded"
        why = "SQS did not delete it" if isinstance(answer, Answered) else answer.words
        barred = isinstance(answer, NotDone) and answer.kind == "barred"
        state: State = "unknown" if was_lost else "failed"
        words = f"{told}; {why}: it may come back. Next: apply again"
        return task.ends(state, words, doubles=self._doubles(task), barred=barred)

    def _told(self, task: Task) -> str:
        return f"sent as {self.sent[task.number]}" if task.number in self.sent else "sent by an earlier run"

    def _doubles(self, task: Task) -> str:
        return self.past(task).doubles if task.is_replay else ""

    def _intend(self, task: Task, phase: str) -> None:
        operation = "SendMessageBatch" if phase == SEND else "DeleteMessageBatch"
        arguments = {"QueueUrl": task.destination, "MessageId": task.id}
        call = {"service": "sqs", "operation": operation, "arguments": arguments}
        facts = {"title": task.step.title, "phase": phase, "call": call, "md5_of_body": task.letter.md5_of_body}
        self.journal.append("intent", self.applier.plan.id, task.number, facts, self.applier.clock())


def _refused(failure: Mapping[str, Any] | None) -> NotDone:
    one = failure or {"Code": "NoAnswer", "Message": "it is in no list of the answer"}
    return NotDone("failed", f"SQS did not take it: {one.get('Code')}: {one.get('Message', '')}")


def _unsent(task: Task, answer: Lost | NotDone, in_doubt: bool) -> StepOutcome:
    if isinstance(answer, Lost):
        words = f"{answer.words}. The letter stays in its queue. Next: apply again, or look at its job"
        return task.ends("unknown", words)
    words = f"{answer.words}. The letter stays in its queue" + ("; it may have been sent before" if in_doubt else "")
    return task.ends("unknown" if in_doubt else "failed", words, barred=answer.kind == "barred")
