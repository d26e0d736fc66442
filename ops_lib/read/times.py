"""DynamoDB's and SQS's integer times become UTC times once, here."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime


def seconds(item: Mapping[str, object], name: str) -> datetime | None:
    """Return the attribute `name` (integer seconds since 1970) as a UTC time; None where the item lacks it.

    Raises ValueError where it is no such time: a row may have been written by hand, in milliseconds for instance.
    """
    value = item.get(name)
    if value is None:
        return None
    try:
        return datetime.fromtimestamp(float(str(value)), UTC)
    except (ValueError, OverflowError):
        raise ValueError(f"{name}={value} is no time in seconds since 1970") from None


def utc(moment: datetime) -> datetime:
    """Return boto3's aware datetime in UTC; raises ValueError for a naive one."""
    if moment.tzinfo is None:
        raise ValueError(f"a time without a zone: {moment!r}")
    return moment.astimezone(UTC)
