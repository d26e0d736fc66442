"""Dead letters are moved: held, compared, kept in a backup, sent, and deleted only once SQS has confirmed the send.

At-least-once, never at-most-once: a crash or a lost answer between send and delete leaves the letter where it was. It
is sent again only where a double is declared harmless, and then the double is named; else it stays, "unknown".
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from ops_lib.change.backup import Backup
from ops_lib.change.held import BATCH, Hand, hand_in
from ops_lib.change.journal import Entry, Journal
from ops_lib.change.message import confirms, entry_of, is_same, md5_of, size_of
from ops_lib.change.outcome import StepOutcome
from ops_lib.change.plan import Call, Step
from ops_lib.change.send import Answered, Lost, NotDone, send
from ops_lib.change.step import ANEW, Applier
from ops_lib.change.world import differences

BATCH_BYTES = 1_048_576  # SQS: all messages of a batch together
MOST_REPLAYS = 3  # of one body: what comes back so often has a cause that a replay does not mend
SENT = "sent"  # between send and delete: an outcome that does not end the step


class Task(NamedTuple):
    """One letter to move: its step's number, the step, and what the journal says of it from other runs."""

    number: int
    step: Step
    earlier: Sequence[Entry]

    @property
    def id(self) -> str:
        assert self.step.letter is not None
        return self.step.letter.message_id

    @property
    def is_replay(self) -> bool:
        return self.step.call.operation == "SendMessage"

    @property
    def progress(self) -> str:
        """Return how far earlier runs came: "", "maybe-sent" (its answer is not known) or "sent"."""
        said = [(one.kind, str(one.facts.get("state") or one.facts.get("phase"))) for one in self.earlier]
        if ("outcome", SENT) in said:
            return SENT
        lost = said[-1:] == [("intent", "send")] or ("outcome", "unknown") in said
        return "maybe-sent" if lost and self.is_replay else ""


@dataclass
class Mover:
    """Moves the letters of one dead-letter queue for a plan; `stop` names what asked to stop, when something did."""

    applier: Applier
    backup: Backup
    stop: Sequence[str]
    replays: Mapping[str, int]
    sent: set[str] = field(default_factory=set)

    @property
    def journal(self) -> Journal:
        return self.applier.journal

    def move(self, tasks: Sequence[Task], tell: Callable[[StepOutcome], None]) -> None:
        """Move the letters, a batch at a time, telling each outcome; what was not begun is told as not attempted."""
        left = list(tasks)
        queue_url = tasks[0].step.letter.queue_url  # type: ignore[union-attr]
        with hand_in(self.applier.aws, queue_url) as hand:
            hand.gather([task.id for task in left])
            for batch in _batches(left, hand):
                why = self._why_stop(hand)
                if why:
                    break
                began = time.monotonic()
                outcomes = list(self._batch(batch, hand))
                left = [task for task in left if task not in batch]
                for outcome in outcomes:
                    tell(outcome)
                if any(one.ends_run for one in outcomes):
                    why = "a letter before it ended the run"
                    break
                self._keep_rate(len(batch), began)
        for task in left:
            tell(StepOutcome(task.number, task.step.title, "not-attempted", why))

    def _why_stop(self, hand: Hand) -> str:
        if self.stop:
            return f"stopped by {self.stop[0]}"
        if self.sent and self.sent & hand.new_bodies():
            return "stopped: a letter that was just replayed is a dead letter again. Next: mend the cause first"
        return ""

    def _keep_rate(self, count: int, began: float) -> None:
        rest = count / max(self.applier.plan.letters_per_s, 1) - (time.monotonic() - began)
        if rest > 0 and not self.stop:
            time.sleep(rest)

    def _batch(self, batch: Sequence[Task], hand: Hand) -> Iterator[StepOutcome]:
        """Yield one outcome for each letter of a batch."""
        hand.renew([task.id for task in batch])
        ready: list[Task] = []
        for task in batch:
            refused = self._refusal(task, hand)
            if refused:
                self._write(refused)
                yield refused
            else:
                ready.append(task)
        self.backup.keep([(task.id, hand.held[task.id].message) for task in ready])
        to_send = [task for task in ready if task.is_replay and task.progress != SENT]
        sent, not_sent = self._send(to_send, hand) if to_send else ({}, [])
        yield from not_sent
        failed = {outcome.number for outcome in not_sent}
        yield from self._delete([task for task in ready if task.number not in failed], sent, hand)

    def _refusal(self, task: Task, hand: Hand) -> StepOutcome | None:
        """Return why a letter is not moved (or that it has been), None where it is to be."""
        step, number = task.step, task.number
        if any(one.kind == "outcome" and one.facts.get("state") in ("done", "already-done") for one in task.earlier):
            return StepOutcome(number, step.title, "already-done", "an earlier run did it, says the journal")
        held = hand.held.get(task.id)
        if held is None:
            return self._not_there(task, hand)
        if not is_same(held, step):
            words = f"the message of that id has another content than the plan's; nothing was changed. {ANEW}"
            return StepOutcome(number, step.title, "refused", words)
        if task.progress == SENT:
            return None
        if task.progress == "maybe-sent" and not step.harmless_twice:
            words = "an earlier run may have sent it, and a double would do harm: it is not sent again and stays. "
            return StepOutcome(
                number, step.title, "unknown", words + "Next: look at its job, then discard or replay it"
            )
        count = self.replays.get(step.letter.md5_of_body, 0) if step.letter and task.is_replay else 0
        if count >= MOST_REPLAYS:
            words = f"it was replayed {count} times before and came back: mend the cause, or discard it"
            return StepOutcome(number, step.title, "refused", words)
        changed = differences(self.applier.aws, step.conditions)
        if changed:
            listed = "; ".join(one.words() for one in changed)
            words = f"the world is not as the plan found it; the letter stays: {listed}. {ANEW}"
            return StepOutcome(number, step.title, "refused", words, changed)
        return None

    def _not_there(self, task: Task, hand: Hand) -> StepOutcome:
        if hand.trouble is not None:
            barred = isinstance(hand.trouble, NotDone) and hand.trouble.kind == "barred"
            words = f"the queue could not be received from: {hand.trouble.words}"
            return StepOutcome(task.number, task.step.title, "failed", words, barred=barred)
        if task.progress == SENT or (task.earlier and not task.is_replay):
            words = "an earlier run sent it; it is in the queue no more"
            return StepOutcome(task.number, task.step.title, "already-done", words)
        words = f"it is not in the queue now: somebody else holds or has moved it, or it has expired. {ANEW}"
        state = "unknown" if task.progress else "refused"
        return StepOutcome(task.number, task.step.title, state, words)  # type: ignore[arg-type]

    def _send(self, tasks: Sequence[Task], hand: Hand) -> tuple[dict[int, str], list[StepOutcome]]:
        """Send a batch; return the new MessageIds by step number, and the outcomes of those that were not sent."""
        answer = self._send_once(tasks, hand)
        in_doubt = {task.number for task in tasks if task.progress}
        again = [task for task in tasks if task.step.harmless_twice]
        if isinstance(answer, Lost) and again == list(tasks):
            for task in tasks:
                self._write(StepOutcome(task.number, task.step.title, "unknown", f"{answer.words}; it is sent again"))
            in_doubt, answer = {task.number for task in tasks}, self._send_once(tasks, hand)
        if not isinstance(answer, Answered):
            return {}, [self._unsent(task, answer) for task in tasks]
        return self._confirmed(tasks, hand, answer.content, in_doubt)

    def _send_once(self, tasks: Sequence[Task], hand: Hand) -> Answered | Lost | NotDone:
        for task in tasks:
            self._intend(task, "send")
        destination = tasks[0].step.call.arguments["QueueUrl"]
        entries = [entry_of(place, hand.held[task.id]) for place, task in enumerate(tasks)]
        return send(self.applier.aws, Call("sqs", "SendMessageBatch", {"QueueUrl": destination, "Entries": entries}))

    def _unsent(self, task: Task, answer: Lost | NotDone) -> StepOutcome:
        if isinstance(answer, Lost):
            words = f"{answer.words}. The letter stays in its queue. Next: apply again, or look at its job"
            return self._write(StepOutcome(task.number, task.step.title, "unknown", words))
        words = f"{answer.words}. The letter stays in its queue"
        barred = answer.kind == "barred"
        return self._write(StepOutcome(task.number, task.step.title, "failed", words, barred=barred))

    def _confirmed(
        self, tasks: Sequence[Task], hand: Hand, content: Mapping[str, Any], in_doubt: set[int]
    ) -> tuple[dict[int, str], list[StepOutcome]]:
        """Compare what SQS confirmed of each letter with what was held."""
        confirmed = {one["Id"]: one for one in content.get("Successful", [])}
        failures = {one["Id"]: one for one in content.get("Failed", [])}
        sent: dict[int, str] = {}
        others: list[StepOutcome] = []
        for place, task in enumerate(tasks):
            one, title = confirmed.get(str(place)), task.step.title
            if one is None:
                failed = failures.get(str(place), {"Code": "NoAnswer", "Message": "it is in no list of the answer"})
                words = f"SQS did not take it: {failed.get('Code')}: {failed.get('Message', '')}. The letter stays"
                others.append(self._write(StepOutcome(task.number, title, "failed", words)))
            elif not confirms(one, hand.held[task.id]):
                words = "SQS confirmed another content than was sent: the letter stays. Next: look at the main queue"
                others.append(self._write(StepOutcome(task.number, title, "unknown", words)))
            else:
                sent[task.number] = str(one["MessageId"])
                doubles = task.step.doubles if task.number in in_doubt else ""
                facts = {"state": SENT, "words": f"sent as {one['MessageId']}"} | (
                    {"doubles": doubles} if doubles else {}
                )
                self.journal.append("outcome", self.applier.plan.id, task.number, facts, self.applier.clock())
                self.sent.add(md5_of(hand.held[task.id]))
        return sent, others

    def _delete(self, tasks: Sequence[Task], sent: Mapping[int, str], hand: Hand) -> Iterator[StepOutcome]:
        if not tasks:
            return
        for task in tasks:
            self._intend(task, "delete")
        entries = [{"Id": str(n), "ReceiptHandle": hand.held[task.id].handle} for n, task in enumerate(tasks)]
        queue_url = tasks[0].step.letter.queue_url  # type: ignore[union-attr]
        call = Call("sqs", "DeleteMessageBatch", {"QueueUrl": queue_url, "Entries": entries})
        answer = send(self.applier.aws, call)
        if isinstance(answer, Lost):
            answer = send(self.applier.aws, call)  # deleting twice is deleting once
        gone = {one["Id"] for one in answer.content.get("Successful", [])} if isinstance(answer, Answered) else set()
        for place, task in enumerate(tasks):
            yield self._write(self._deleted(task, str(place) in gone, answer, sent))
        hand.let_go([task.id for place, task in enumerate(tasks) if str(place) in gone])

    def _deleted(
        self, task: Task, is_gone: bool, answer: Answered | Lost | NotDone, sent: Mapping[int, str]
    ) -> StepOutcome:
        was = f"sent as {sent[task.number]}" if task.number in sent else "sent by an earlier run"
        told = was if task.is_replay else "discarded; its copy is in the backup"
        doubles = _doubles(task) if task.is_replay else ""
        if is_gone:
            words = f"{told}, deleted from the dead-letter queue" if task.is_replay else told
            return StepOutcome(task.number, task.step.title, "done", words, doubles=doubles)
        why = "SQS did not delete it" if isinstance(answer, Answered) else answer.words
        words = f"{told if task.is_replay else 'not discarded'}; {why}: it comes back. Next: apply again"
        state = "unknown" if isinstance(answer, Lost) else "failed"
        return StepOutcome(task.number, task.step.title, state, words, doubles=doubles)  # type: ignore[arg-type]

    def _intend(self, task: Task, phase: str) -> None:
        letter = task.step.letter
        arguments = {"QueueUrl": task.step.call.arguments["QueueUrl"], "MessageId": task.id}
        operation = "SendMessageBatch" if phase == "send" else "DeleteMessageBatch"
        call = {"service": "sqs", "operation": operation, "arguments": arguments}
        md5 = letter.md5_of_body if letter else ""
        facts = {"title": task.step.title, "phase": phase, "call": call, "md5_of_body": md5}
        self.journal.append("intent", self.applier.plan.id, task.number, facts, self.applier.clock())

    def _write(self, outcome: StepOutcome) -> StepOutcome:
        self.journal.append("outcome", self.applier.plan.id, outcome.number, outcome.facts(), self.applier.clock())
        return outcome


def replays_before(entries: Sequence[Entry]) -> dict[str, int]:
    """Return how often each body (by its MD5) has been replayed, as the journal tells."""
    bodies = {(e.plan_id, e.step): str(e.facts["md5_of_body"]) for e in entries if e.facts.get("phase") == "send"}
    counts: dict[str, int] = {}
    for entry in entries:
        body = bodies.get((entry.plan_id, entry.step))
        if body and entry.kind == "outcome" and entry.facts.get("state") == SENT:
            counts[body] = counts.get(body, 0) + 1
    return counts


def _batches(tasks: Sequence[Task], hand: Hand) -> Iterator[list[Task]]:
    """Yield the letters in batches of SQS's size, by count and by bytes, one destination each."""
    batch: list[Task] = []
    size = 0
    for task in tasks:
        mine = size_of(hand.held[task.id]) if task.id in hand.held else 0
        other = batch and batch[0].step.call.arguments["QueueUrl"] != task.step.call.arguments["QueueUrl"]
        if batch and (other or len(batch) == BATCH or size + mine > BATCH_BYTES):
            yield batch
            batch, size = [], 0
        batch.append(task)
        size += mine
    if batch:
        yield batch


def _doubles(task: Task) -> str:
    return task.step.doubles if task.progress == "maybe-sent" else ""
