"""DescribeAlarms by every filter at once, by page, by type; moto takes one filter, and gives all there is.

AWS: CloudWatch API reference, "DescribeAlarms": MaxRecords (1 to 100), NextToken, InvalidNextToken; AlarmTypes: only
metric alarms unless asked otherwise; AlarmNamePrefix: not with AlarmNames. The sandbox has metric alarms only.
"""

from __future__ import annotations

from typing import Any

from moto.cloudwatch.exceptions import CloudWatchException, InvalidParameterCombination, ValidationError
from moto.cloudwatch.models import Alarm
from moto.cloudwatch.responses import CloudWatchResponse
from moto.core.responses import ActionResult

MOST = 100
USUAL = 50
TYPES = {"MetricAlarm", "CompositeAlarm", "LogAlarm"}
STATES = {"OK", "ALARM", "INSUFFICIENT_DATA"}
RELATED = ("ChildrenOfAlarmName", "ParentsOfAlarmName")


def apply() -> None:
    """Put the answer in the place of moto's."""
    CloudWatchResponse.describe_alarms = describe_alarms  # type: ignore[method-assign]


def describe_alarms(self: CloudWatchResponse) -> ActionResult:
    """DescribeAlarms: ValidationError for what is out of range, InvalidNextToken."""
    asked = self._get_params()
    types, most = set(asked.get("AlarmTypes") or ["MetricAlarm"]), int(asked.get("MaxRecords", USUAL))
    _check(asked, types, most)
    found = [one for one in self.cloudwatch_backend.describe_alarms() if _is_meant(one, asked)]
    start = _start(asked.get("NextToken"), len(found))
    found = found if "MetricAlarm" in types else []
    page: dict[str, Any] = {"MetricAlarms": found[start : start + most], "CompositeAlarms": []}
    return ActionResult(page | ({"NextToken": str(start + most)} if start + most < len(found) else {}))


def _check(asked: dict[str, Any], types: set[str], most: int) -> None:
    if not 1 <= most <= MOST:
        raise _invalid(most, "maxRecords", f"Member must be from 1 to {MOST}")
    if not types <= TYPES:
        raise _invalid(sorted(types), "alarmTypes", f"Member must be one of {', '.join(sorted(TYPES))}")
    if asked.get("StateValue", "OK") not in STATES:
        raise _invalid(asked["StateValue"], "stateValue", f"Member must be one of {', '.join(sorted(STATES))}")
    if asked.get("AlarmNames") and asked.get("AlarmNamePrefix"):
        raise InvalidParameterCombination("AlarmNames and AlarmNamePrefix exclude each other.")
    for name in RELATED:
        if asked.get(name):
            raise ValidationError(f"The sandbox has no composite alarms: nobody has checked {name}.")


def _invalid(value: object, name: str, constraint: str) -> ValidationError:
    words = f"Value '{value}' at '{name}' failed to satisfy constraint: {constraint}"
    return ValidationError(f"1 validation error detected: {words}")


def _is_meant(alarm: Alarm, asked: dict[str, Any]) -> bool:
    names, action = asked.get("AlarmNames"), asked.get("ActionPrefix")
    actions = [*alarm.alarm_actions, *alarm.ok_actions, *alarm.insufficient_data_actions]
    return bool(
        alarm.rule is None
        and (not names or alarm.name in names)
        and alarm.name.startswith(asked.get("AlarmNamePrefix") or "")
        and asked.get("StateValue", alarm.state_value) == alarm.state_value
        and (not action or any(each.startswith(action) for each in actions))
    )


def _start(token: str | None, total: int) -> int:
    if token is None:
        return 0
    if not token.isdecimal() or not 0 < int(token) <= total:
        raise CloudWatchException("InvalidNextToken", "The next token is invalid.")
    return int(token)
