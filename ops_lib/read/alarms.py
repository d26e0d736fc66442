"""CloudWatch metric alarms of this deployment: its own by prefix, and those of its scaling policies."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ops_lib.aws import Aws
from ops_lib.evidence import Alarm, Evidence
from ops_lib.read.attempt import attempt
from ops_lib.read.times import utc


def read_alarms(aws: Aws, also: Sequence[str] = ()) -> Evidence[tuple[Alarm, ...]]:
    """Return the alarms named `<prefix>-...` (DescribeAlarms, all pages); scaling's own alarms are not among them.

    `also`: alarms of other names; one that does not exist is not in the answer.

    A target-tracking alarm in ALARM only means that scaling is at work, so it is no evidence of trouble.
    """
    prefix = f"{aws.settings.prefix}-"
    return attempt(f"cloudwatch:DescribeAlarms {prefix}*", lambda: _alarms(aws, prefix, also))


def _alarms(aws: Aws, prefix: str, also: Sequence[str]) -> tuple[Alarm, ...]:
    ask = aws.client("cloudwatch").get_paginator("describe_alarms").paginate
    pages = [*ask(AlarmNamePrefix=prefix), *(ask(AlarmNames=list(also)) if also else ())]
    found = {got["AlarmName"]: _alarm(got) for page in pages for got in page["MetricAlarms"]}
    return tuple(found.values())


def _alarm(got: Any) -> Alarm:
    dimensions = {d["Name"]: d["Value"] for d in got.get("Dimensions", [])}
    return Alarm(
        name=got["AlarmName"],
        state=got["StateValue"],
        queue_name=dimensions.get("QueueName"),
        actions=tuple(got["AlarmActions"]),
        updated_at=utc(got["StateUpdatedTimestamp"]) if "StateUpdatedTimestamp" in got else None,
        namespace=got.get("Namespace", ""),
    )
