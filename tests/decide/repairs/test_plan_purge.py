"""A purge is planned only where all was seen and nobody needs any of it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from ops_lib.change.plan import Plan, plan_from
from ops_lib.decide.bodies import Body
from ops_lib.decide.dead_letters import DISCARD, REPLAY, JudgedLetter
from ops_lib.decide.repairs import Names, NoRepair
from ops_lib.decide.repairs.purge import plan_purge
from ops_lib.letters import DeadLetter, Inspection
from tests.decide.states import NOW, queue
from tests.recorded import UNREAD, read

NAMES = Names("sandbox", "123456789012", "us-east-1", {}, {}, "in", "out")
LETTERS = tuple(DeadLetter("chunking", f"m{number}", f"{{{number}", NOW, NOW, 6) for number in range(3))
ALL = Inspection("chunking", LETTERS, 3, 0, 3)
JUDGED = tuple(JudgedLetter(letter, Body("malformed"), "malformed", "", DISCARD, None) for letter in LETTERS)
QUEUES = {"chunking": queue("chunking")}


def planned(look: Any = ALL, judged: Any = JUDGED, queues: Any = QUEUES) -> Plan | NoRepair:
    return plan_purge(look if look is UNREAD else read(look), judged, {}, queues, NAMES, NOW)


def test_the_plan_holds_every_letter_and_asks_for_their_count() -> None:
    plan = planned()
    assert isinstance(plan, Plan)
    (step,) = plan.steps
    assert (step.call.name, plan.count) == ("sqs:PurgeQueue", 3)
    assert [one.message_id for one in step.letters] == ["m0", "m1", "m2"]
    assert step.conditions[0].expected == ["3", "0"]
    assert not step.harmless_twice
    for said in ("arrives", "60 s", "nobody has seen"):
        assert said in step.risk
    assert plan_from(plan.canonical()) == plan
    other = replace(plan, steps=(replace(step, letters=step.letters[:2]),))
    assert other.code != plan.code, "another set of letters is another plan"


@pytest.mark.parametrize(
    ("look", "said"),
    [
        (UNREAD, "Nobody has seen"),
        (replace(ALL, about=4), "saw 3 of about 4"),
        (replace(ALL, in_flight=1), "1 in flight"),
        (replace(ALL, stopped_by="5000 letters were enough"), "stopped early"),
        (Inspection("chunking", (), 0, 0, 0), "is empty"),
    ],
)
def test_what_was_not_seen_is_not_purged(look: Any, said: str) -> None:
    found = planned(look)
    assert isinstance(found, NoRepair)
    assert said in found.reason


def test_letters_that_are_needed_or_not_judged_are_not_purged() -> None:
    needed = replace(JUDGED[0], name="still-needed", safe=REPLAY)
    for judged in ((needed, *JUDGED[1:]), JUDGED[1:]):
        found = planned(judged=judged)
        assert isinstance(found, NoRepair)
        assert found.reason.startswith("1 of 3 letters")


def test_a_queue_of_several_sources_is_not_purged() -> None:
    same = queue("chunking").main.value.dlq_arn  # type: ignore[union-attr]
    other = queue("ingest")
    shared = replace(other, main=read(replace(other.main.value, dlq_arn=same)))  # type: ignore[union-attr]
    found = planned(queues=QUEUES | {"ingest": shared})
    assert isinstance(found, NoRepair)
    assert "ingest" in found.reason


def test_a_queue_that_was_not_read_is_not_purged() -> None:
    assert isinstance(planned(queues={"chunking": replace(QUEUES["chunking"], dlq=UNREAD)}), NoRepair)
    assert isinstance(planned(queues={}), NoRepair)
