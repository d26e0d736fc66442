"""DescribeAlarms over the alarms of the pipeline, as AWS's documents describe it."""

from __future__ import annotations

from typing import Any

import aws
import pytest

CLOUDWATCH = aws.client("cloudwatch")
PREFIX = "stereo-spot-"


@pytest.fixture(scope="module", autouse=True)
def scaled() -> None:
    """Scaling has alarms of its own: they are there once its policies are."""
    aws.client("application-autoscaling").describe_scaling_policies(ServiceNamespace="ecs")


def names(**asked: Any) -> list[str]:
    return [alarm["AlarmName"] for alarm in CLOUDWATCH.describe_alarms(**asked)["MetricAlarms"]]


@pytest.mark.parametrize("size", [1, 3, 100])
def test_pages_of_alarms(size: int) -> None:
    """AWS: API reference, "DescribeAlarms", MaxRecords: the maximum to retrieve; NextToken where there are more."""
    pages = CLOUDWATCH.get_paginator("describe_alarms").paginate(PaginationConfig={"PageSize": size})
    found = [[alarm["AlarmName"] for alarm in page["MetricAlarms"]] for page in pages]
    assert [name for page in found for name in page] == names()
    assert all(len(page) == size for page in found[:-1])
    assert 0 < len(found[-1]) <= size


@pytest.mark.parametrize("size", [101, 1000])
def test_a_page_out_of_range(size: int) -> None:
    """AWS: API reference, "DescribeAlarms", MaxRecords: minimum 1, maximum 100."""
    assert aws.code_of(CLOUDWATCH.describe_alarms, MaxRecords=size) == "ValidationError"


@pytest.mark.parametrize("token", ["zz", "-1", "0", "9999"])
def test_a_token_that_was_never_given(token: str) -> None:
    """AWS: API reference, "DescribeAlarms", Errors: InvalidNextToken."""
    assert aws.code_of(CLOUDWATCH.describe_alarms, NextToken=token) == "InvalidNextToken"


def test_types_of_alarms() -> None:
    """AWS: API reference, "DescribeAlarms", AlarmTypes: only metric alarms where it is omitted."""
    assert names() == names(AlarmTypes=["MetricAlarm"]) == names(AlarmTypes=["MetricAlarm", "CompositeAlarm"]) != []
    answer = CLOUDWATCH.describe_alarms(AlarmTypes=["CompositeAlarm"])
    assert (answer["MetricAlarms"], answer["CompositeAlarms"]) == ([], [])
    assert "NextToken" not in CLOUDWATCH.describe_alarms(AlarmTypes=["CompositeAlarm"], MaxRecords=1)
    assert aws.code_of(CLOUDWATCH.describe_alarms, AlarmTypes=["Alarm"]) == "ValidationError"


def test_every_filter_counts() -> None:
    """AWS: API reference, "DescribeAlarms": by names, by prefix and by state; AlarmNames not with AlarmNamePrefix."""
    every = names()
    one = every[0]
    assert names(AlarmNamePrefix=PREFIX) == [name for name in every if name.startswith(PREFIX)] != []
    assert names(AlarmNames=[one, "none"]) == names(AlarmNamePrefix=one) == [one]
    by_state = {state: names(StateValue=state) for state in ("OK", "ALARM", "INSUFFICIENT_DATA")}
    assert sorted(name for found in by_state.values() for name in found) == sorted(every)
    assert sum(names(StateValue=state, AlarmNames=[one]) == [one] for state in by_state) == 1
    assert names(ActionPrefix="arn:aws:sns") == []
    assert aws.code_of(CLOUDWATCH.describe_alarms, StateValue="FINE") == "ValidationError"
    both: dict[str, Any] = {"AlarmNames": [one], "AlarmNamePrefix": PREFIX}
    assert aws.code_of(CLOUDWATCH.describe_alarms, **both) == "InvalidParameterCombination"
