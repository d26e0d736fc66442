"""The mover, rule by rule, against the model of SQS: batches, rate, stops, what other runs did, what is told."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any
from unittest import mock

import pytest

from ops_lib.change import carry, mover
from ops_lib.change.backup import Backup
from ops_lib.change.held import HOLD_S, SAFE_S
from ops_lib.change.plan import Plan
from ops_lib.change.world import Difference
from tests.change.movers.letters import DLQ, MAIN
from tests.change.movers.model import URL, Message, operation_of
from tests.change.movers.ours import Scene, plan_of, step_of
from tests.change.movers.script import Choices
from tests.change.movers.trouble import Killed
from tests.change.movers.turns import InlineLanes, TurnLanes, Turns
from tests.faults import answer

LATER_S = HOLD_S + SAFE_S + 1


class Stand:
    """A dead-letter queue of plain letters, and what is seen at the boundary: (operation, request) in order."""

    def __init__(self, scene: Scene) -> None:
        self.scene, self.model = scene, scene.model
        self.seen: list[tuple[str, dict[str, Any]]] = []
        self.faults: dict[str, list[Any]] = {}
        self.model.queues[DLQ].clear()

    def put(self, count: int, size: int = 10) -> list[Message]:
        return [self.model.put(DLQ, f"{number:06}".ljust(size, "x"), {}, {}) for number in range(count)]

    def send(self, request: Any) -> Any:
        """Answer by the next fault of the operation, if there is one: a function of the request."""
        self.scene.trouble.live()
        operation = operation_of(request)
        self.seen.append((operation, json.loads(request.body)))
        faults = self.faults.get(operation, [])
        return (faults.pop(0) if faults else self.served)(request)

    def served(self, request: Any) -> Any:
        return self.model.answer(request, lambda _: set())

    def killed_after(self, request: Any) -> Any:
        self.served(request)
        self.scene.trouble.dead = True
        raise Killed

    def killed_before(self, _: Any) -> Any:
        self.scene.trouble.dead = True
        raise Killed

    def first_refused(self, request: Any) -> Any:
        return self.model.answer(request, lambda entries: {entries[0]["Id"]})

    def lapsed_after(self, request: Any) -> Any:
        served = self.served(request)
        self.model.clock.sleep(HOLD_S + 1)
        return served

    def lapsed_before(self, request: Any) -> Any:
        self.model.clock.sleep(HOLD_S + 1)
        for message in self.model.queues[DLQ].values():
            self.model.deliver(message, {"VisibilityTimeout": 0})
        return self.served(request)

    def run(self, plan: Plan) -> list[str]:
        return [outcome.state for outcome in self.scene.run(plan)]

    def words(self, message: Message) -> str:
        return self.scene.told[message.id].words

    def batches(self, operation: str = "SendMessageBatch") -> list[int]:
        return [len(asked["Entries"]) for name, asked in self.seen if name == operation]

    @property
    def main(self) -> Counter[str]:
        return Counter(message.body for message in self.model.queues[MAIN].values())

    @property
    def left(self) -> set[str]:
        return set(self.model.queues[DLQ])


@pytest.fixture
def stand(tmp_path: Path) -> Iterator[Stand]:
    scene = Scene(tmp_path, seed=1, size=1, rate=0.0)
    stand = Stand(scene)
    scene.trouble.send = stand.send  # type: ignore[method-assign]
    with scene.surrounded():
        yield stand


def replay(letters: list[Message], reason: str = "a plan", rate: int = 1000, doubles: str = "a copy") -> Plan:
    return plan_of([step_of(one, doubles=doubles) for one in letters], reason, rate)


def test_letters_are_sent_and_deleted_ten_at_a_time(stand: Stand) -> None:
    letters = stand.put(25)
    assert stand.run(replay(letters)) == ["done"] * 25
    assert stand.batches() == stand.batches("DeleteMessageBatch") == [10, 10, 5]
    assert stand.main == Counter(one.body for one in letters)
    assert not stand.left


def test_a_batch_is_no_larger_than_sqs_takes_in_bytes(stand: Stand) -> None:
    stand.run(replay(stand.put(5, size=400_000)))
    assert stand.batches() == [2, 2, 1]
    assert not stand.left


def test_a_batch_has_one_destination(stand: Stand) -> None:
    letters = stand.put(4)
    steps = [step_of(one, "replay" if place < 2 else "discard") for place, one in enumerate(letters)]
    assert stand.run(plan_of(steps, "both")) == ["done"] * 4
    assert stand.batches() == [2]
    assert stand.batches("DeleteMessageBatch") == [2, 2]


@pytest.mark.parametrize(("rate", "batches"), [(2, [2, 2, 2]), (6, [6])])
def test_no_more_are_sent_in_a_second_than_the_plan_says(stand: Stand, rate: int, batches: list[int]) -> None:
    letters, began = stand.put(6), stand.model.clock.now
    stand.run(replay(letters, rate=rate))
    assert stand.batches() == batches
    assert stand.model.clock.now - began == (len(letters) - batches[-1]) / rate


def test_what_is_sent_once_more_counts_as_well(stand: Stand) -> None:
    letters, began = stand.put(4), stand.model.clock.now
    stand.faults["SendMessageBatch"] = [lambda request: answer(request, "timeout")]
    assert stand.run(replay(letters, rate=2)) == ["done"] * 4
    assert stand.batches() == [2, 2, 2]
    assert stand.model.clock.now - began >= 2


def test_a_lane_that_was_held_up_does_not_make_up_for_it(stand: Stand) -> None:
    """Batches wait for a lane meanwhile, and must not all be sent when it goes on."""
    letters, times = stand.put(8), []

    def at_that_time(request: Any) -> Any:
        times.append(stand.model.clock.now)
        return stand.served(request)

    def slow(request: Any) -> Any:
        times.append(stand.model.clock.now)
        for _ in range(20):  # the others have their turns, and time passes
            stand.scene.take_turns()
        stand.model.clock.sleep(30)
        return stand.served(request)

    stand.faults["SendMessageBatch"] = [slow, *[at_that_time] * 3]
    TurnLanes.turns, stand.scene.lanes = Turns(Choices([1, 0])), TurnLanes
    assert stand.run(replay(letters, rate=2)) == ["done"] * 8
    assert len(times) == 4
    assert all(after - before >= 1 for before, after in pairwise(times))


def test_discarding_does_not_wait(stand: Stand) -> None:
    letters, began = stand.put(6), stand.model.clock.now
    stand.run(plan_of([step_of(one, "discard") for one in letters], "discard", rate=2))
    assert stand.model.clock.now == began


def test_a_plan_of_more_than_can_be_held_goes_in_rounds(stand: Stand) -> None:
    letters = stand.put(45)
    with mock.patch.object(mover, "CHUNK", 10):
        assert stand.run(replay(letters)) == ["done"] * 45
    assert stand.main.total() == 45


def test_letters_whose_hold_lapses_before_their_turn_are_received_again(stand: Stand) -> None:
    letters = stand.put(12)

    def slow(*_: Any) -> tuple[Difference, ...]:
        stand.model.clock.sleep(HOLD_S / 2)
        return ()

    with mock.patch.object(carry, "differences", slow):
        assert stand.run(replay(letters, rate=1)) == ["done"] * 12
    assert stand.main.total() == 12
    assert max(message.receives for message in letters) > 1


def test_a_letter_that_the_plan_names_twice_is_sent_once(stand: Stand) -> None:
    (letter,) = stand.put(1)
    assert sorted(stand.run(replay([letter, letter]))) == ["already-done", "done"]
    assert stand.main.total() == 1


def test_only_what_sqs_took_is_deleted(stand: Stand) -> None:
    letters = stand.put(3)
    stand.faults["SendMessageBatch"] = [stand.first_refused]
    assert stand.run(replay(letters)) == ["failed", "done", "done"]
    assert stand.left == {letters[0].id}
    assert stand.run(replay(letters)) == ["done", "already-done", "already-done"]
    assert set(stand.main.values()) == {1}


def test_another_content_confirmed_leaves_the_letter(stand: Stand) -> None:
    letters = stand.put(1)
    with mock.patch.object(carry, "confirms", return_value=False):
        assert stand.run(replay(letters)) == ["unknown"]
    assert stand.left == {letters[0].id}


def test_a_lost_answer_sends_again_only_where_that_is_harmless_and_says_what_is_doubled(stand: Stand) -> None:
    safe, unsafe = stand.put(2)
    for letter, doubles in ((safe, "the inference"), (unsafe, "")):
        stand.faults["SendMessageBatch"] = [lambda request: stand.served(request) and answer(request, "timeout")]
        stand.run(replay([letter], doubles=doubles))
    assert stand.scene.told[safe.id].doubles == "the inference"
    assert stand.main == {safe.body: 2, unsafe.body: 1}
    assert stand.scene.told[unsafe.id].state == "unknown"
    assert stand.run(replay([unsafe], "again", doubles="")) == ["unknown"]
    assert stand.main[unsafe.body] == 1
    assert stand.left == {unsafe.id}


def test_letters_in_doubt_do_not_stand_in_the_way_of_others(stand: Stand) -> None:
    doubtful, other = stand.put(2)
    stand.faults["SendMessageBatch"] = [lambda request: stand.served(request) and answer(request, "timeout")]
    assert stand.run(replay([doubtful], doubles="")) == ["unknown"]
    other.visible_at = stand.model.clock.now + 0.5  # so that it is received last
    assert stand.run(replay([doubtful, other], "both", doubles="")) == ["unknown", "done"]


def test_a_refusal_in_between_does_not_make_a_lost_send_forgotten(stand: Stand) -> None:
    (letter,) = stand.put(1)
    plan = replay([letter], doubles="the inference")
    stand.faults["SendMessageBatch"] = [stand.killed_after]
    assert stand.run(plan) == []
    stand.model.clock.sleep(LATER_S)
    with mock.patch.object(carry, "differences", return_value=(Difference("status", "a", "b"),)):
        assert stand.run(plan) == ["refused"]
    assert stand.run(plan) == ["done"]
    assert stand.scene.told[letter.id].doubles == "the inference"


@pytest.mark.parametrize("reason", ["the same plan", "another operator's"])
def test_killed_after_the_send_the_letter_is_only_deleted_by_whoever_comes_next(stand: Stand, reason: str) -> None:
    (letter,) = stand.put(1)
    stand.faults["DeleteMessageBatch"] = [stand.killed_before]
    assert stand.run(replay([letter], "the same plan")) == []
    assert stand.run(replay([letter], reason)) == ["unknown"]  # the killed run still hides it
    assert "may still hide it" in stand.words(letter)
    stand.model.clock.sleep(LATER_S)
    assert stand.run(replay([letter], reason)) == ["done"]
    assert "sent by an earlier run, deleted" in stand.words(letter)
    assert stand.main.total() == 1


def test_killed_after_the_delete_it_is_done_once_nobody_can_hide_it_any_more(stand: Stand) -> None:
    (letter,) = stand.put(1)
    stand.faults["DeleteMessageBatch"] = [stand.killed_after]
    assert stand.run(replay([letter])) == []
    assert stand.run(replay([letter])) == ["unknown"]
    stand.model.clock.sleep(LATER_S)
    assert stand.run(replay([letter])) == ["already-done"]


@pytest.mark.parametrize(
    ("slept", "before_it"), [(HOLD_S + 1, "ReceiveMessage"), (HOLD_S - SAFE_S + 1, "ChangeMessageVisibilityBatch")]
)
def test_a_letter_is_surely_in_hand_when_it_is_deleted(stand: Stand, slept: float, before_it: str) -> None:
    """Once it is sent time passes: its hold has lapsed, and it is received again, or it soon does, and is renewed."""
    (letter,) = stand.put(1)
    sleeps = [0, 0, 0, slept]  # after the lines of plan, backup, intent and what came of the send

    def asleep() -> None:
        stand.model.clock.sleep(sleeps.pop(0) if sleeps else 0)

    with mock.patch.object(stand.scene.trouble, "at_a_line", asleep):
        assert stand.run(replay([letter])) == ["done"]
    names = [name for name, _ in stand.seen]
    assert names.count("DeleteMessageBatch") == 1
    assert before_it in names[names.index("SendMessageBatch") : names.index("DeleteMessageBatch")]


def test_a_hold_that_lapses_during_the_delete_is_not_believed(stand: Stand) -> None:
    """SQS confirms a delete by a stale handle and deletes nothing: the letter is received again, and deleted."""
    (letter,) = stand.put(1)
    stand.faults["DeleteMessageBatch"] = [stand.lapsed_before]
    assert stand.run(replay([letter])) == ["done"]
    assert not stand.left
    assert stand.main.total() == 1


def test_a_hold_that_lapses_before_the_send_sends_nothing_until_it_is_received_again(stand: Stand) -> None:
    letters = stand.put(1)
    stand.faults["ReceiveMessage"] = [stand.lapsed_after]
    assert stand.run(replay(letters)) == ["done"]
    assert stand.batches() == [1]
    assert stand.main.total() == 1


def test_a_hold_that_lapses_after_the_intent_sends_nothing_until_it_is_received_again(stand: Stand) -> None:
    """Whoever receives the letter then finds our intent; were it sent now, he would not know of it."""
    (letter,) = stand.put(1)
    sleeps = [0, 0, HOLD_S + 1]  # after the lines of plan, backup and intent

    def asleep() -> None:
        stand.model.clock.sleep(sleeps.pop(0) if sleeps else 0)

    with mock.patch.object(stand.scene.trouble, "at_a_line", asleep):
        assert stand.run(replay([letter])) == ["done"]
    sends = [place for place, (name, _) in enumerate(stand.seen) if name == "SendMessageBatch"]
    receives = [place for place, (name, _) in enumerate(stand.seen) if name == "ReceiveMessage"]
    assert len(sends) == 1
    assert receives[1] < sends[0]
    assert stand.main.total() == 1


def test_what_a_look_receives_anew_is_not_carried_before_the_journal_is_read(stand: Stand) -> None:
    """Once the first letter is sent all holds lapse, and somebody sends the second and is killed."""
    first, second = stand.put(2)
    lines = iter(["plan", "backup", "intent", "sent"])

    def meanwhile() -> None:
        if next(lines, "") != "sent":
            return
        stand.model.clock.sleep(HOLD_S + 1)
        stand.faults["DeleteMessageBatch"] = [stand.killed_before]
        with stand.scene.in_between(InlineLanes):
            assert stand.run(replay([second], "another operator's")) == []
        stand.model.clock.sleep(HOLD_S + 1)

    with mock.patch.object(stand.scene.trouble, "at_a_line", meanwhile):
        assert stand.run(replay([first, second], rate=1)) == ["done", "done"]
    assert stand.main == {first.body: 1, second.body: 1}
    assert not stand.left


def test_holds_that_lapse_again_and_again_end_the_run(stand: Stand) -> None:
    letters = stand.put(1)
    stand.faults["ReceiveMessage"] = [stand.lapsed_after] * 50
    assert stand.run(replay(letters)) == ["not-attempted"]
    assert stand.left == {letters[0].id}


def test_what_is_not_there_is_refused_and_the_others_are_moved(stand: Stand) -> None:
    gone, *others = stand.put(3)
    del stand.model.queues[DLQ][gone.id]
    assert stand.run(replay([gone, *others])) == ["refused", "done", "done"]


def test_what_is_not_the_plans_content_is_refused(stand: Stand) -> None:
    letter, _ = stand.put(2)
    plan = replay([letter])
    letter.body = "another"
    assert stand.run(plan) == ["refused"]
    assert len(stand.left) == 2
    assert not stand.main


def test_a_letter_of_a_changed_world_stays(stand: Stand) -> None:
    (letter,) = stand.put(1)
    with mock.patch.object(carry, "differences", return_value=(Difference("status", "a", "b"),)):
        assert stand.run(replay([letter])) == ["refused"]
    assert "expected" in stand.words(letter)
    assert stand.left == {letter.id}


def test_a_world_that_cannot_be_read_ends_the_run(stand: Stand) -> None:
    letters = stand.put(12)
    with mock.patch.object(carry, "differences", return_value=(Difference("status", "a", unread="denied"),)):
        assert stand.run(replay(letters)) == ["refused"] * 10 + ["not-attempted"] * 2
    assert len(stand.left) == 12


def test_it_stops_after_the_batch_when_somebody_asks(stand: Stand) -> None:
    letters = stand.put(25)

    def interrupted(request: Any) -> Any:
        stand.scene.stop.append("SIGINT")
        return stand.served(request)

    stand.faults["SendMessageBatch"] = [interrupted]
    assert Counter(stand.run(replay(letters))) == {"done": 10, "not-attempted": 15}
    assert all(one.visible_at <= stand.model.clock.now for one in stand.model.queues[DLQ].values())


@pytest.mark.parametrize("why", ["asked to", "lost answer"])
def test_what_waits_for_a_lane_is_not_begun_when_it_stops(stand: Stand, why: str) -> None:
    letters = stand.put(25)

    def stopping(request: Any) -> Any:
        for _ in range(20):
            stand.scene.take_turns()
        if why == "lost answer":
            return answer(request, "timeout")
        stand.scene.stop.append("SIGINT")
        return stand.served(request)

    stand.faults["SendMessageBatch"] = [stopping]
    TurnLanes.turns, stand.scene.lanes = Turns(Choices([1, 0])), TurnLanes
    states = Counter(stand.run(replay(letters, rate=10, doubles="" if why == "lost answer" else "a copy")))
    assert states == {"done" if why == "asked to" else "unknown": 10, "not-attempted": 15}
    assert stand.batches() == [10]
    assert all(one.visible_at <= stand.model.clock.now for one in stand.model.queues[DLQ].values())


def test_it_stops_when_what_it_has_sent_is_a_dead_letter_again(stand: Stand) -> None:
    letters = stand.put(25)

    def back(request: Any) -> Any:
        served = stand.served(request)
        moved = stand.model.queues[MAIN].popitem()[1]
        stand.model.queues[DLQ][moved.id] = moved
        return served

    stand.faults["SendMessageBatch"] = [back]
    states = stand.run(replay(letters, rate=10))
    assert Counter(states) == {"done": 10, "not-attempted": 15}
    assert "is a dead letter again" in " ".join(one.words for one in stand.scene.told.values())


def test_an_older_letter_of_the_same_body_is_no_come_back(stand: Stand) -> None:
    letters = stand.put(25)
    stand.model.put(DLQ, letters[0].body, {}, {}).sent_at -= 3600
    assert stand.run(replay(letters)) == ["done"] * 25


def test_a_body_that_plan_after_plan_has_replayed_is_not_replayed_again(stand: Stand) -> None:
    for number in range(carry.MOST_REPLAYS):
        assert stand.run(replay(stand.put(1), f"plan {number}")) == ["done"]
    (letter,) = stand.put(1)
    assert stand.run(replay([letter], "one more")) == ["refused"]
    assert "mend the cause" in stand.words(letter)
    assert stand.run(plan_of([step_of(letter, "discard")], "discard")) == ["done"]


def test_letters_of_one_body_in_one_plan_are_all_replayed(stand: Stand) -> None:
    same = [stand.model.put(DLQ, "the same", {}, {}) for _ in range(carry.MOST_REPLAYS + 3)]
    assert stand.run(replay(same, rate=1)) == ["done"] * len(same)


def test_without_a_backup_nothing_is_sent_or_deleted(stand: Stand) -> None:
    letters = stand.put(2)
    with mock.patch.object(Backup, "keep", side_effect=OSError(28, "No space left on device")):
        assert stand.run(replay(letters)) == ["failed"] * 2
    assert len(stand.left) == 2
    assert not stand.main
    assert "No space left" in stand.words(letters[0])


def test_the_intent_is_written_before_the_call_and_the_outcome_after_it(stand: Stand) -> None:
    (letter,) = stand.put(1)
    stand.run(replay([letter]))
    found = [one for one in stand.scene.journal.entries() if one.kind != "plan"]
    found = [part for entry in found for part in entry.parts()]
    told = [(one.kind, one.facts.get("phase"), one.facts.get("state")) for one in found]
    assert told == [
        ("intent", "send", None),
        ("outcome", "send", "sent"),
        ("intent", "delete", None),
        ("outcome", "delete", "done"),
    ]
    assert found[1].facts["sent_as"] in stand.model.queues[MAIN]
    calls = [(one.facts["call"]["operation"], one.facts["call"]["arguments"]) for one in found if one.kind == "intent"]
    assert calls == [
        ("SendMessageBatch", {"QueueUrl": URL + MAIN}),
        ("DeleteMessageBatch", {"QueueUrl": URL + DLQ}),
    ]


def test_a_delete_that_fails_is_told_and_made_up_for_by_the_next_run(stand: Stand) -> None:
    letters = stand.put(2)
    stand.faults["DeleteMessageBatch"] = [stand.first_refused]
    assert stand.run(replay(letters)) == ["failed", "done"]
    assert "it may come back" in stand.words(letters[0])
    assert stand.run(replay(letters)) == ["done", "already-done"]
    assert set(stand.main.values()) == {1}


def test_a_queue_that_does_not_answer_is_told_and_what_is_in_hand_is_moved(stand: Stand) -> None:
    letters = stand.put(12)
    throttled = [lambda request: answer(request, "throttled")] * 50
    stand.faults["ReceiveMessage"] = [stand.served, *throttled]
    states = Counter(stand.run(replace(replay(letters), letters_per_s=10)))
    assert states == {"done": 10, "failed": 2}
    assert stand.main.total() == 10


def test_the_letters_are_the_plans_queues(stand: Stand) -> None:
    letters = stand.put(2)
    stand.run(replay(letters))
    assert {asked["QueueUrl"] for name, asked in stand.seen if name == "SendMessageBatch"} == {URL + MAIN}
    assert {asked["QueueUrl"] for name, asked in stand.seen if name != "SendMessageBatch"} == {URL + DLQ}
