"""What the journal says of a letter: whichever plan wrote it, and whatever was written in between."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from ops_lib.change.journal import GENESIS, Entry
from ops_lib.change.past import Past, Pasts

AT = datetime(2026, 11, 7, 3, 0, tzinfo=UTC)
SEND, DELETE = ("intent", {"phase": "send"}), ("intent", {"phase": "delete"})
SENT = ("outcome", {"phase": "send", "state": "sent", "sent_as": "new"})
NOT_TAKEN = ("outcome", {"phase": "send", "state": "failed"})
LOST = ("outcome", {"phase": "send", "state": "unknown"})
REFUSED, NOT_RECEIVED = ("outcome", {"state": "refused"}), ("outcome", {"state": "failed"})
DONE = ("outcome", {"phase": "delete", "state": "done"})


def entries(*said: tuple[str, dict[str, Any]], plan: str = "p", step: int = 1, letter: str = "m") -> list[Entry]:
    about = {"message_id": letter, "md5_of_body": "body"}
    return [Entry(0, AT, kind, plan, step, {**about, **facts}, GENESIS, GENESIS) for kind, facts in said]  # type: ignore[arg-type]


def pasts(entries: list[Entry], plan_id: str = "", wanted: str = "mn") -> Pasts:
    found = Pasts(wanted, plan_id)
    found.read(entries)
    return found


def past(*said: tuple[str, dict[str, Any]]) -> Past:
    return pasts(entries(*said)).of("m")


@pytest.mark.parametrize(
    ("said", "maybe"),
    [
        ([], False),
        ([SEND], True),
        ([SEND, NOT_TAKEN], False),
        ([SEND, LOST], True),
        ([SEND, LOST, SEND, NOT_TAKEN], True),
        ([SEND, SEND, NOT_TAKEN], True),
        ([SEND, REFUSED], True),
        ([SEND, NOT_RECEIVED], True),
        ([SEND, NOT_TAKEN, REFUSED], False),
        ([SEND, SENT], False),
        ([SEND, LOST, SEND, SENT], False),
    ],
)
def test_whether_a_copy_may_have_been_sent(said: list[Any], maybe: bool) -> None:
    assert past(*said).maybe_sent is maybe


def test_what_was_sent_stays_sent() -> None:
    found = past(SEND, SENT, DELETE, REFUSED, NOT_RECEIVED)
    assert (found.sent_as, found.deleting, found.deleted, found.touched) == ("new", True, False, AT)
    assert past(SEND, SENT, DELETE, DONE).deleted


def test_it_is_the_letters_whichever_plan_wrote_it() -> None:
    found = pasts([*entries(SEND, SENT, plan="a", step=7), *entries(REFUSED, plan="b", step=2)])
    assert found.of("m").sent_as == "new"
    assert found.of("another") == Past()


def test_steps_of_several_plans_are_told_apart() -> None:
    """Two operators on one letter: what settles one's send says nothing of the other's."""
    found = pasts([*entries(SEND, plan="a"), *entries(SEND, NOT_TAKEN, plan="b")])
    assert found.of("m").maybe_sent


def test_a_declared_double_stays_declared() -> None:
    doubled = ("outcome", {**SENT[1], "doubles": "the inference"})
    assert past(SEND, LOST, SEND, doubled, DELETE, REFUSED).doubles == "the inference"


def test_replays_are_counted_by_plan_and_the_plans_own_are_none() -> None:
    said = [one for plan in "abc" for one in entries(SEND, SENT, plan=plan)]
    said += [*entries(SEND, SENT, plan="c", step=2, letter="n"), *entries(SEND, LOST, plan="d")]
    counts = [pasts(said, plan).replays(body) for plan, body in (("x", "body"), ("c", "body"), ("x", "other"))]
    assert counts == [3, 2, 0]


def test_of_letters_that_nobody_wants_only_the_replays_are_kept() -> None:
    found = pasts(entries(SEND, SENT, DELETE, DONE), wanted="n")
    assert (found.letters, found.replays("body")) == ({}, 1)


def test_a_batchs_entry_is_read_letter_by_letter() -> None:
    def batch(kind: Any, facts: dict[str, Any], *each: dict[str, Any]) -> Entry:
        return Entry(0, AT, kind, "p", None, {**facts, "each": each}, GENESIS, GENESIS)

    meant = [{"step": step, "message_id": name, "md5_of_body": "body"} for step, name in ((1, "m"), (2, "n"))]
    sent = {"step": 1, "state": "sent", "sent_as": "new"}
    found = pasts([batch("intent", {"phase": "send"}, *meant), batch("outcome", {"phase": "send"}, sent)])
    assert (found.of("m").sent_as, found.of("m").maybe_sent, found.of("n").maybe_sent) == ("new", False, True)
