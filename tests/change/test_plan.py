"""A plan is data: the same bytes for the same plan, another code for any other, refused where somebody edited it."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ops_lib.change.plan import CODE_LENGTH, CROCKFORD, BadPlan, Call, Condition, Plan, Step, plan_from, same_code

NOW = datetime(2026, 2, 20, 12, 0, tzinfo=UTC)
SCALARS = st.none() | st.booleans() | st.integers(-(10**9), 10**9) | st.text(max_size=12)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=6,
)
CALLS = st.builds(
    Call,
    service=st.sampled_from(["sqs", "dynamodb", "s3"]),
    operation=st.sampled_from(["SendMessage", "PutItem", "GetItem"]),
    arguments=st.dictionaries(st.text(max_size=8), VALUES, max_size=3),
)
CONDITIONS = st.builds(Condition, what=st.text(max_size=9), call=CALLS, path=st.text(max_size=9), expected=VALUES)
STEPS = st.builds(
    Step,
    **{name: st.text(max_size=9) for name in ("title", "before", "after", "risk", "undo", "doubles", "job_id")},  # type: ignore[arg-type]
    call=CALLS,
    conditions=st.lists(CONDITIONS, max_size=2).map(tuple),
    done_when=st.none() | CONDITIONS,
    harmless_twice=st.booleans(),
)
PLANS = st.builds(
    Plan,
    **{name: st.text(max_size=9) for name in ("title", "reason", "environment", "account_id", "region")},  # type: ignore[arg-type]
    now=st.integers(1_500_000_000, 1_900_000_000).map(lambda seconds: datetime.fromtimestamp(seconds, UTC)),
    steps=st.lists(STEPS, max_size=3).map(tuple),
    verified_by=st.lists(CONDITIONS, max_size=1).map(tuple),
)


def plan(**changed: Any) -> Plan:
    step = Step("send", Call("sqs", "SendMessage", {"QueueUrl": "q", "MessageBody": "{}"}), "none", "one", "-", "none")
    usual: dict[str, Any] = {
        "title": "trigger",
        "reason": "it hangs",
        "environment": "sandbox",
        "account_id": "123456789012",
        "region": "us-east-1",
        "now": NOW,
        "steps": (step,),
    }
    return Plan(**(usual | changed))


@given(PLANS)
def test_a_plan_comes_back_from_its_file(made: Plan) -> None:
    back = plan_from(made.canonical())
    assert back == made
    assert (back.code, back.id) == (made.code, made.id)
    assert plan_from(made.canonical() + b"\n") == made


@given(PLANS, st.data())
def test_one_changed_byte_is_another_code_or_no_plan(made: Plan, data: st.DataObject) -> None:
    text = bytearray(made.canonical())
    place = data.draw(st.integers(0, len(text) - 1))
    text[place] ^= 1 << data.draw(st.integers(0, 6))
    try:
        edited = plan_from(bytes(text))
    except BadPlan:
        return
    assert edited == made or edited.code != made.code


@given(PLANS)
def test_the_code_is_six_characters_that_nobody_confuses(made: Plan) -> None:
    assert len(made.code) == CODE_LENGTH
    assert set(made.code) <= set(CROCKFORD)
    assert not set(made.code) & set("ILOU")
    assert same_code(f"  {made.code.lower()} ", made)


def test_a_code_is_read_as_people_write_it() -> None:
    other = plan(reason="another")
    assert other.code != plan().code
    assert not same_code(other.code, plan())
    assert not same_code("", plan())
    assert not same_code(plan().code[:-1], plan())
    typed = plan().code.replace("0", "O").replace("1", "l")
    assert same_code(typed, plan())


@pytest.mark.parametrize(
    "changed",
    [
        {"reason": "another"},
        {"environment": "prod"},
        {"account_id": "210987654321"},
        {"region": "eu-west-1"},
        {"now": NOW + timedelta(seconds=1)},
        {"steps": ()},
    ],
)
def test_whatever_differs_the_code_differs(changed: dict[str, Any]) -> None:
    assert plan(**changed).code != plan().code


def test_the_code_is_not_in_the_file_and_the_id_sorts_by_time() -> None:
    assert plan().code.encode() not in plan().canonical()
    assert plan().id.startswith("20260220T120000Z-")
    assert plan(now=NOW + timedelta(days=400)).id > plan().id


def test_it_expires_half_an_hour_later() -> None:
    assert plan().expires - NOW == timedelta(minutes=30)


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"[]",
        b"null",
        b"{}",
        b'{"steps": []}',
        b"[" * 100_000,
        b"\xff\xfe",
        json.dumps(json.loads(plan().canonical()), indent=2).encode(),
        plan().canonical().replace(b'"title":"trigger"', b'"title":"trigger","extra":1'),
        plan().canonical().replace(b'"harmless_twice":false', b'"harmless_twice":false,"sudo":true'),
    ],
)
def test_what_is_no_plan_is_refused_with_words(text: bytes) -> None:
    with pytest.raises(BadPlan, match=r"no plan of ours|has edited it"):
        plan_from(text)


def test_half_a_character_is_written_and_read_all_the_same() -> None:
    broken = plan(reason="a title of \ud83d half a smile")
    assert plan_from(broken.canonical()) == broken


def test_a_plan_does_not_change_in_anybodys_hands() -> None:
    with pytest.raises(AttributeError):
        plan().reason = "other"  # type: ignore[misc]
    assert replace(plan(), reason="other") != plan()
    assert Call("sqs", "SendMessage", {}).name == "sqs:SendMessage"
