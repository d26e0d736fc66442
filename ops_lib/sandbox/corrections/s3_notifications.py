"""A bucket's notifications that S3 refuses and moto takes: two for one object, or one to a place that is not there.

AWS: S3 User Guide, "Configuring event notifications using object key name filtering": no overlapping prefixes and
suffixes for the same event types; API reference, "PutBucketNotificationConfiguration": destinations are validated.
What is configured in process (load/notifications.py) does not pass here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import combinations
from typing import Any

from moto.s3.exceptions import S3ClientError
from moto.s3.responses import S3Response
from moto.sqs.models import sqs_backends

from ops_lib.sandbox.corrections import s3_events
from ops_lib.sandbox.recording import ACCOUNT, REGION

Configuration = dict[str, Any]
# Kinds of destination, as the XML of the request calls them.
KINDS = ("Queue", "Topic", "CloudFunction")


def apply() -> None:
    """Look at a configuration once moto has read it."""
    read: Callable[[S3Response], Configuration] = S3Response._notification_config_from_body

    def _notification_config_from_body(self: S3Response) -> Configuration:
        asked = read(self)
        rules = list(_rules(asked))
        if any(_overlap(one, other) for one, other in combinations(rules, 2)):
            raise S3ClientError(
                "InvalidArgument",
                "Configuration is ambiguously defined. Cannot have overlapping suffixes in two rules if the prefixes "
                "are overlapping for the same event type.",
            )
        if self.headers.get("x-amz-skip-destination-validation", "").lower() != "true":
            _require_destinations(rules)
        return asked

    S3Response._notification_config_from_body = _notification_config_from_body  # type: ignore[method-assign]


def _rules(asked: Configuration) -> Iterator[Configuration]:
    """Yield each rule: its destination, events, prefix and suffix."""
    for kind in KINDS:
        for rule in asked.get(f"{kind}Configuration") or []:
            filters = ((rule.get("Filter") or {}).get("S3Key") or {}).get("FilterRule") or []
            ends = {each["Name"].lower(): each["Value"] for each in filters}
            yield {"arn": rule[kind], "events": rule["Event"], "prefix": "", "suffix": ""} | ends


def _overlap(one: Configuration, other: Configuration) -> bool:
    """Return whether one event of one object may be meant by both."""
    prefixes, suffixes = ((one[name], other[name]) for name in ("prefix", "suffix"))
    return (
        any(_same_event(mine, theirs) for mine in one["events"] for theirs in other["events"])
        and (prefixes[0].startswith(prefixes[1]) or prefixes[1].startswith(prefixes[0]))
        and (suffixes[0].endswith(suffixes[1]) or suffixes[1].endswith(suffixes[0]))
    )


def _same_event(one: str, other: str) -> bool:
    stems = one.removesuffix("*"), other.removesuffix("*")
    return one == other or (stems != (one, other) and (stems[0].startswith(stems[1]) or stems[1].startswith(stems[0])))


def _require_destinations(rules: list[Configuration]) -> None:
    there = {queue.queue_arn for queue in sqs_backends[ACCOUNT][REGION].queues.values()} | set(s3_events.subscriptions)
    missing = [rule["arn"] for rule in rules if rule["arn"] not in there]
    if missing:
        words = "Unable to validate the following destination configurations"
        raise S3ClientError("InvalidArgument", f"{words}: {', '.join(missing)}")
