"""DynamoDB's and SQS's integer times become UTC times once, here."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime


def seconds(item: Mapping[str, object], name: str) -> datetime | None:
    """Return the attribute `name` (integer seconds since 1970) as a UTC time; None where the item lacks it."""
    value = item.get(name)
    return None if value is None else datetime.fromtimestamp(float(str(value)), UTC)


def utc(moment: datetime) -> datetime:
    """Return boto3's aware datetime in UTC; raises ValueError for a naive one."""
    if moment.tzinfo is None:
        raise ValueError(f"a time without a zone: {moment!r}")
    return moment.astimezone(UTC)
