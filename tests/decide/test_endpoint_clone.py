"""Whatever AWS can describe of a config or a model survives the clone, the diff and the plan's file."""

from __future__ import annotations

import json
from copy import deepcopy
from datetime import UTC, datetime
from typing import Any

import pytest
from botocore.validate import ParamValidator
from hypothesis import given, settings
from hypothesis import strategies as st

from ops_lib.change.plan import Call, Plan, Step, plan_from
from ops_lib.decide.endpoint_diff import differences
from ops_lib.decide.endpoint_wish import ADDED_BY_AWS, clone
from ops_lib.decide.repairs.names import Unsafe
from ops_lib.deployed import Described
from tests.counts import PROVE
from tests.decide.botocore_configs import request, shape

NOW = datetime(2026, 11, 26, 3, 0, tzinfo=UTC)
ANY = settings(max_examples=5000 if PROVE else 80, deadline=None)
KINDS = {"CreateEndpointConfig": "EndpointConfigName", "CreateModel": "ModelName"}
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 5) | st.text(max_size=3),
    lambda inside: st.lists(inside, max_size=3) | st.dictionaries(st.text("abVK.[]", max_size=3), inside, max_size=3),
    max_leaves=12,
)


def described(made: dict[str, Any], key: str) -> Described:
    """Return what AWS would describe of something made with this request."""
    content = {name: value for name, value in made.items() if name != "Tags"}
    own = {f"{key.removesuffix('Name')}Arn": "arn", "CreationTime": NOW}
    return Described(str(made[key]), content | own, tuple(made.get("Tags", ())))


def test_the_generator_leaves_no_field_out() -> None:
    """So that a field which nothing describes is not missed: each member of each shape turns up."""
    for operation in KINDS:
        seen = {name for seed in range(60) for name in request(operation, seed)}
        assert seen == set(shape(operation).members)
    variants = [one for seed in range(60) for one in request("CreateEndpointConfig", seed)["ProductionVariants"]]
    members = shape("CreateEndpointConfig").members["ProductionVariants"].member.members
    assert {name for one in variants for name in one} == set(members)


@pytest.mark.parametrize("operation", KINDS)
@ANY
@given(seed=st.integers(0, 2**32))
def test_what_botocore_can_describe_survives(operation: str, seed: int) -> None:
    key = KINDS[operation]
    made = request(operation, seed)
    if not made.get("Tags"):
        made.pop("Tags", None)
    again = clone(described(made, key), **{key: "new"})
    assert again == made | {key: "new"}
    assert differences(made, again | {key: made[key]}) == ()
    errors = ParamValidator().validate(again, shape(operation))
    assert not errors.has_errors(), errors.generate_report()
    step = Step("t", Call("sagemaker", operation, again), "", "", "", "")
    plan = Plan("t", "r", "e", "1", "us-east-1", NOW, (step,))
    assert plan_from(plan.canonical()).steps[0].call.arguments == json.loads(json.dumps(again))


@ANY
@given(st.dictionaries(st.text(min_size=1, max_size=8), JSON, max_size=4))
def test_a_field_nobody_knows_yet_comes_along(future: dict[str, Any]) -> None:
    content = {"ModelName": "m", "ModelArn": "arn", "CreationTime": NOW, **future}
    again = clone(Described("m", content), ModelName="n")
    for name, value in future.items():
        if name not in (*ADDED_BY_AWS, "ModelName"):
            assert again[name] == value


@settings(max_examples=5000 if PROVE else 100, deadline=None)
@given(JSON, JSON)
def test_equal_data_differs_in_nothing_and_other_data_in_something(one: Any, other: Any) -> None:
    assert differences(one, deepcopy(one)) == ()
    same = json.dumps(one, sort_keys=True) == json.dumps(other, sort_keys=True)
    assert (differences(one, other) == ()) is same


def test_what_differs_is_named_by_its_path() -> None:
    before = {
        "ProductionVariants": [{"VariantName": "A", "N": 1}, {"VariantName": "B"}],
        "Tags": [{"Key": "k", "Value": 1}],
    }
    after = {"ProductionVariants": [{"VariantName": "B"}, {"VariantName": "A", "N": 2, "M": True}], "X": {}}
    found = {one.path: (one.before, one.after) for one in differences(before, after)}
    assert found == {
        "ProductionVariants[A].N": (1, 2),
        "ProductionVariants[A].M": ("absent", True),
        "Tags[k].Key": ("k", "absent"),
        "Tags[k].Value": (1, "absent"),
        "X": ("absent", {}),
    }
    turned = {"ProductionVariants": before["ProductionVariants"][::-1], "Tags": before["Tags"]}
    assert [one.path for one in differences(before, turned)] == ["order of the named"]
    assert [one.path for one in differences({"a": 1}, {"a": True})] == ["a"]


def test_a_field_that_botocore_cannot_read_is_refused_not_lost() -> None:
    with pytest.raises(Unsafe) as refused:
        clone(Described("m", {"ModelName": "m"}, (), ("PrimaryContainer.Fresh",)))
    assert "PrimaryContainer.Fresh" in refused.value.answer.reason


def test_tags_that_only_aws_may_set_are_left_to_it() -> None:
    tags = ({"Key": "aws:cloudformation:stack-name", "Value": "s"}, {"Key": "Project", "Value": "p"})
    assert clone(Described("m", {}, tags))["Tags"] == [{"Key": "Project", "Value": "p"}]
    assert "Tags" not in clone(Described("m", {}, tags[:1]))
