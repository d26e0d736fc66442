"""What the journal says of a letter: whichever plan wrote it, and whatever was written in between."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from ops_lib.change.journal import GENESIS, Entry
from ops_lib.change.past import Past, pasts

AT = datetime(2026, 11, 7, 3, 0, tzinfo=UTC)
SEND, DELETE = ("intent", {"phase": "send"}), ("intent", {"phase": "delete"})
SENT = ("outcome", {"phase": "send", "state": "sent", "sent_as": "new"})
NOT_TAKEN = ("outcome", {"phase": "send", "state": "failed"})
LOST = ("outcome", {"phase": "send", "state": "unknown"})
REFUSED, NOT_RECEIVED = ("outcome", {"state": "refused"}), ("outcome", {"state": "failed"})
DONE = ("outcome", {"phase": "delete", "state": "done"})


def entries(*said: tuple[str, dict[str, Any]], plan: str = "p", step: int = 1, letter: str = "m") -> list[Entry]:
    about = {"call": {"arguments": {"MessageId": letter}}, "md5_of_body": "body"}
    return [Entry(0, AT, kind, plan, step, {**about, **facts}, GENESIS, GENESIS) for kind, facts in said]  # type: ignore[arg-type]


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


def test_replays_are_counted_by_plan() -> None:
    said = [one for plan in "abc" for one in entries(SEND, SENT, plan=plan)]
    found = pasts([*said, *entries(SEND, SENT, plan="c", step=2, letter="n"), *entries(SEND, LOST, plan="d")])
    assert (found.replays("body", but="x"), found.replays("body", but="c"), found.replays("other", but="x")) == (
        3,
        2,
        0,
    )
