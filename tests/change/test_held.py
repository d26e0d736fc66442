"""Letters in hand against the model of SQS: gathering, renewing, handles that lapse, what is put back."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from unittest import mock

import pytest

from ops_lib.change import held
from ops_lib.change.held import GATHER_S, HOLD_S, SAFE_S, Hand, hand_in
from tests.change.movers.letters import DLQ
from tests.change.movers.model import URL, Message
from tests.change.movers.ours import Scene

NEVER: list[str] = []


@pytest.fixture
def scene(tmp_path: Path) -> Iterator[Scene]:
    scene = Scene(tmp_path, seed=1, size=25, rate=0.0)
    with scene.surrounded():
        yield scene


@pytest.fixture
def hand(scene: Scene) -> Hand:
    return Hand(scene.aws, URL + DLQ)


def hidden(scene: Scene) -> set[str]:
    queue = scene.model.queues[DLQ].values()
    return {message.id for message in queue if message.visible_at > scene.model.clock.now}


def received_by_another(scene: Scene, message: Message) -> None:
    scene.model.deliver(message, {"VisibilityTimeout": 30})


def test_it_receives_until_the_wanted_are_in_hand_and_keeps_of_others_only_the_handle(scene: Scene, hand: Hand) -> None:
    wanted = {one.id for one in scene.letters[:20]}
    hand.gather(wanted, 1000, NEVER)
    assert hand.held.keys() == wanted
    assert all("Body" in one.message for one in hand.held.values())
    assert all(set(one.message) == {"ReceiptHandle"} for one in hand.others.values())
    assert hidden(scene) == hand.held.keys() | hand.others.keys()


def test_it_ends_with_the_most_that_may_be_held(scene: Scene, hand: Hand) -> None:
    hand.gather({one.id for one in scene.letters}, 5, NEVER)
    assert 5 <= len(hand.held) <= 5 + held.BATCH
    assert not hand.emptied


def test_what_is_in_hand_and_not_wanted_any_more_does_not_count(scene: Scene, hand: Hand) -> None:
    one, other = scene.letters[:2]
    hand.gather({one.id}, 1000, NEVER)
    hand.gather({other.id}, 1000, NEVER)
    assert hand.held.keys() == {one.id, other.id}


def test_a_queue_with_no_more_is_empty_only_where_nobody_else_hides_a_message(scene: Scene, hand: Hand) -> None:
    hand.gather({"elsewhere"}, 1000, NEVER)
    assert hand.emptied
    other = Hand(scene.aws, URL + DLQ)
    other.gather({"elsewhere"}, 1000, NEVER)
    assert not other.emptied


def test_a_hold_that_lapsed_meanwhile_does_not_count_as_ones_own(scene: Scene, hand: Hand) -> None:
    """Else the letter that somebody else hides would be taken for one that is gone."""
    asked_for, other = scene.letters[:2]
    scene.model.queues[DLQ] = {one.id: one for one in (asked_for, other)}
    scene.model.deliver(asked_for, {"VisibilityTimeout": 10 * HOLD_S})
    hand.gather({asked_for.id}, 1000, NEVER)
    scene.model.clock.sleep(other.visible_at - scene.model.clock.now - 1.5)
    hand.gather({asked_for.id}, 1000, NEVER)
    assert other.visible_at <= scene.model.clock.now
    assert not hand.emptied


def test_it_ends_when_the_first_letter_would_not_hold_any_more(scene: Scene, hand: Hand) -> None:
    receive = scene.model.receive

    def slow(queue: dict[str, Message], asked: object) -> object:
        scene.model.clock.sleep(GATHER_S / 2 + 1)
        return receive(queue, asked)  # type: ignore[arg-type]

    with mock.patch.object(scene.model, "receive", slow), mock.patch.object(held, "AT_ONCE", 1):
        hand.gather({one.id for one in scene.letters}, 1000, NEVER)
    assert len(hand.held) == 20
    assert all(one.left_s > SAFE_S for one in hand.held.values())


def test_it_ends_when_somebody_asks_to_stop(scene: Scene, hand: Hand) -> None:
    hand.gather({one.id for one in scene.letters}, 1000, ["SIGINT"])
    assert not hidden(scene)


def test_a_receive_that_fails_is_made_again_and_then_said(scene: Scene, hand: Hand) -> None:
    scene.trouble.rate = 1.0
    with mock.patch("tests.change.movers.trouble.KINDS", ("throttled",)):
        hand.gather({scene.letters[0].id}, 1000, NEVER)
    assert hand.trouble is not None
    assert scene.trouble.seen["throttled"] == held.TRIES


def test_a_letter_received_twice_has_its_newest_handle(scene: Scene, hand: Hand) -> None:
    letter = scene.letters[0]
    hand.gather({letter.id}, 1000, NEVER)
    scene.model.clock.sleep(HOLD_S + 1)
    hand.gather({letter.id}, 1000, NEVER)
    assert hand.held[letter.id].handle == scene.model.queues[DLQ][letter.id].handle


def test_renewing_hides_for_longer_and_only_what_needs_it(scene: Scene, hand: Hand) -> None:
    letter = scene.letters[0]
    hand.gather({letter.id}, 1000, NEVER)
    calls = scene.model.calls
    hand.renew([hand.held[letter.id]])
    assert scene.model.calls == calls
    scene.model.clock.sleep(HOLD_S - SAFE_S + 1)
    hand.renew([hand.held[letter.id]])
    assert hand.held[letter.id].left_s == HOLD_S
    assert scene.model.queues[DLQ][letter.id].visible_at == scene.model.clock.now + HOLD_S


@pytest.mark.parametrize("taken", [False, True])
def test_a_lapsed_hold_is_not_renewed_by_a_handle_that_may_be_stale(scene: Scene, hand: Hand, taken: bool) -> None:
    letter = scene.letters[0]
    hand.gather({letter.id}, 1000, NEVER)
    scene.model.clock.sleep(HOLD_S + 1)
    if taken:
        received_by_another(scene, letter)
    calls = scene.model.calls
    hand.renew([hand.held[letter.id]])
    assert not hand.held[letter.id].is_firm
    assert scene.model.calls == calls


def test_what_cannot_be_renewed_is_not_in_hand(scene: Scene, hand: Hand) -> None:
    letter = scene.letters[0]
    hand.gather({letter.id}, 1000, NEVER)
    scene.model.clock.sleep(HOLD_S - SAFE_S + 1)
    letter.handle = "taken from us"
    hand.renew([hand.held[letter.id]])
    assert not hand.held[letter.id].is_firm


def test_all_is_put_back_whatever_happens(scene: Scene) -> None:
    def interrupted() -> None:
        with hand_in(scene.aws, URL + DLQ) as hand:
            hand.gather({one.id for one in scene.letters}, 1000, NEVER)
            assert len(hidden(scene)) == 25
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert not hidden(scene)


def test_what_somebody_else_holds_by_now_is_left_to_him(scene: Scene, hand: Hand) -> None:
    hand.gather({one.id for one in scene.letters}, 1000, NEVER)
    scene.model.clock.sleep(HOLD_S + 1)
    received_by_another(scene, scene.letters[0])
    hand.put_back()
    assert hidden(scene) == {scene.letters[0].id}


def test_letters_that_are_dealt_with_stay_hidden_and_are_not_received_again(scene: Scene, hand: Hand) -> None:
    ids = {one.id for one in scene.letters}
    hand.gather(ids, 1000, NEVER)
    for name, letter in list(hand.held.items()):
        hand.lay_aside(name, letter)
    assert not hand.held
    assert hidden(scene) == ids
    hand.look()
    assert not hand.held
    assert not hand.strangers


def test_what_somebody_has_taken_is_put_back_as_well(scene: Scene, hand: Hand) -> None:
    hand.gather({one.id for one in scene.letters}, 1000, NEVER)
    for one in scene.letters[:3]:
        hand.take(one.id)
    hand.let_go(scene.letters[0].id)
    hand.put_back()
    assert hidden(scene) == {scene.letters[0].id}


def test_a_letter_that_was_not_asked_for_is_a_stranger_once(scene: Scene, hand: Hand) -> None:
    hand.gather({scene.letters[0].id, "not there"}, 1000, NEVER)
    assert {one["MessageId"] for one in hand.strangers} == {one.id for one in scene.letters[1:]}
    assert len(hand.strangers) == 24


def test_the_clock_goes_on_while_the_machine_sleeps() -> None:
    assert held.time.clock_gettime(held.time.CLOCK_BOOTTIME) == pytest.approx(held.seconds(), abs=5)
