"""The world now, against what a plan says of it: each condition read again, all pages, and what differs."""

from __future__ import annotations

import base64
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any, cast

import jmespath  # type: ignore[import-untyped]
from botocore import xform_name
from botocore.exceptions import ParamValidationError

from ops_lib.aws import Aws
from ops_lib.change.plan import Call, Condition
from ops_lib.errors import ChangeRefused, shown
from ops_lib.evidence import Evidence, Read, Unread
from ops_lib.read.attempt import attempt


@dataclass(frozen=True)
class Difference:
    """A condition that does not hold: what is expected and what was found, or why it could not be read."""

    what: str
    expected: Any
    found: Any = None
    unread: str | None = None

    def facts(self) -> dict[str, Any]:
        """Return it as data, without what does not apply."""
        found = {"unread": self.unread} if self.unread else {"found": self.found}
        return {"what": self.what, "expected": self.expected, **found}

    def words(self) -> str:
        """Return it as one clause."""
        if self.unread:
            return f"{self.what}: expected {shown(self.expected)}, not read ({self.unread})"
        return f"{self.what}: expected {shown(self.expected)}, found {shown(self.found)}"


def differences(aws: Aws, conditions: Sequence[Condition]) -> tuple[Difference, ...]:
    """Return the conditions that do not hold now, or are not known to; a call that several share is made once."""
    answers: dict[str, Evidence[Any]] = {}
    found = []
    for condition in conditions:
        call = json.dumps(asdict(condition.call), sort_keys=True, default=str)
        if call not in answers:
            answers[call] = _read(aws, condition.call)
        if difference := _difference(condition, answers[call]):
            found.append(difference)
    return tuple(found)


def _difference(condition: Condition, answer: Evidence[Any]) -> Difference | None:
    expected = as_json(condition.expected)
    if isinstance(answer, Read):
        content = answer.value
        answer = attempt(answer.source, lambda: as_json(jmespath.search(condition.path, content)))
    if isinstance(answer, Unread):
        return Difference(condition.what, expected, unread=answer.reason)
    # JSON's true is not 1.
    same = json.dumps(answer.value, sort_keys=True) == json.dumps(expected, sort_keys=True)
    return None if same else Difference(condition.what, expected, answer.value)


def _read(aws: Aws, call: Call) -> Evidence[Any]:
    try:
        return attempt(call.name, lambda: _all_pages(aws, call))
    except ChangeRefused as refused:
        return Unread(call.name, "failed", str(refused), "mend the plan: a condition only reads")


def _all_pages(aws: Aws, call: Call) -> Any:
    client = cast(Any, aws).client(call.service)
    method = xform_name(call.operation)
    if call.operation not in client.meta.service_model.operation_names:
        raise ParamValidationError(report=f"{call.service} has no operation {call.operation}")
    if client.can_paginate(method):
        return client.get_paginator(method).paginate(**call.arguments).build_full_result()
    return getattr(client, method)(**call.arguments)


def as_json(value: Any) -> Any:
    """Return a parsed answer as JSON can say it: what a plan's file holds is compared with it."""
    return json.loads(json.dumps(value, default=_plain))


def _plain(value: Any) -> str:
    if isinstance(value, datetime):
        # In UTC: botocore gives times in the zone of whoever asks.
        return (value.astimezone(UTC) if value.tzinfo else value).isoformat()
    return base64.b64encode(value).decode() if isinstance(value, bytes) else str(value)
