"""Rows of CloudWatch Logs and how far they can be trusted: what was asked, where, and what may be lacking."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from ops_lib.evidence import LogLine, Traceback, Unread

# CloudWatch Logs promises no time in which a line can be queried; a minute or two is usual.
SETTLES = timedelta(minutes=2)
KB, MB, GB = 1_000, 1_000_000, 1_000_000_000


def size(count: float | None) -> str:
    """Return bytes as people say them, in the units AWS bills by."""
    if count is None:
        return "not known"
    unit, name = (GB, "GB") if count >= GB else (MB, "MB") if count >= MB else (KB, "KB")
    return f"{count / unit:,.1f} {name}"


@dataclass(frozen=True)
class LogGroup:
    """One log group (DescribeLogGroups): `retention_days` is None where lines are kept for ever.

    `stored_bytes` is AWS's own, of compressed lines and up to a day old; None where AWS does not say.
    """

    name: str
    retention_days: int | None
    stored_bytes: int | None = None
    created_at: datetime | None = None
    log_class: str = "STANDARD"


@dataclass(frozen=True)
class LogQuotas:
    """What one search may ask; Service Quotas lists only the calls a second, and `rates_from` says where ours are from.

    `unread`: why Service Quotas did not tell them. All others are the environment's settings (insights_*).
    """

    groups_per_query: int
    rows_per_query: int
    queries_at_once: int
    start_query_per_s: int = 5
    filter_log_events_per_s: int = 5
    rates_from: str = "setting"
    unread: Unread | None = None

    @property
    def searches_at_once(self) -> int:
        """How many queries are started together: never more than are allowed to start in one second."""
        return max(1, min(self.queries_at_once, self.start_query_per_s))

    def words(self) -> str:
        """Say what they are and where they are from."""
        a_query = f"{self.groups_per_query} groups and {self.rows_per_query:,} rows a query"
        rates = f"{self.start_query_per_s} StartQuery and {self.filter_log_events_per_s} FilterLogEvents a second"
        return f"{a_query}, {self.queries_at_once} queries at once (setting); {rates} ({self.rates_from})"


@dataclass(frozen=True)
class Statistics:
    """What a query went through (QueryStatistics); FilterLogEvents tells none of it."""

    records_matched: int = 0
    records_scanned: int = 0
    bytes_scanned: int = 0

    def __add__(self, other: Statistics) -> Statistics:
        return Statistics(
            self.records_matched + other.records_matched,
            self.records_scanned + other.records_scanned,
            self.bytes_scanned + other.bytes_scanned,
        )


@dataclass(frozen=True)
class SentQuery:
    """One search as it was sent: StartQuery's queryString, or FilterLogEvents' filterPattern.

    `since` and `until` (UTC) are both included; `status` is AWS's word for a query, "Complete" for pages read to
    the last one. `rows` came back; `pages` were fetched for them.
    """

    operation: str
    text: str
    groups: tuple[str, ...]
    since: datetime
    until: datetime
    status: str
    rows: int
    pages: int
    query_id: str | None = None
    statistics: Statistics | None = None


@dataclass(frozen=True)
class Cut:
    """A span (UTC, both ends included) of which rows are lacking, and why."""

    since: datetime
    until: datetime
    reason: str


@dataclass(frozen=True)
class Coverage:
    """What a search covered and what it may lack.

    `groups` were searched to the end. `missing`: expected of this deployment, but not there. `expired`: group -> the
    time before which retention has removed what was asked for. `unread`: group -> why it was not searched. `refused`:
    why FilterLogEvents answered in the place of Logs Insights. `estimated_bytes`: what was expected to be scanned.
    `lag_s`: the longest time between a line's timestamp and its ingestion, among the rows; None where AWS did not say.
    `asked_at`: when the search began (UTC). `quotas`: what it kept to.
    """

    groups: tuple[str, ...]
    since: datetime
    until: datetime
    asked_at: datetime
    missing: tuple[str, ...] = ()
    expired: Mapping[str, datetime] = field(default_factory=dict)
    unread: Mapping[str, Unread] = field(default_factory=dict)
    cuts: tuple[Cut, ...] = ()
    queries: tuple[SentQuery, ...] = ()
    refused: Unread | None = None
    estimated_bytes: int | None = None
    lag_s: float | None = None
    quotas: LogQuotas | None = None

    @property
    def statistics(self) -> Statistics:
        """Records matched, records and bytes scanned by all queries together."""
        return sum((query.statistics or Statistics() for query in self.queries), Statistics())

    @property
    def settled_until(self) -> datetime:
        """The time (UTC) from which on lines may still be on their way to CloudWatch Logs."""
        return min(self.until, self.asked_at - max(SETTLES, timedelta(seconds=self.lag_s or 0)))

    @property
    def is_complete(self) -> bool:
        """Whether every row is here that CloudWatch Logs had of the groups and the window asked for."""
        return not (self.missing or self.expired or self.unread or self.cuts)

    def gaps(self) -> tuple[str, ...]:
        """Say in one sentence each what the rows may be lacking; empty where they are complete."""
        return (
            *(f"log group {name} does not exist" for name in self.missing),
            *_expired_words(self.expired),
            *(f"log group {name} was not read: {why.reason}" for name, why in self.unread.items()),
            *(f"rows from {_shown(cut.since)} to {_shown(cut.until)} are lacking: {cut.reason}" for cut in self.cuts),
        )


@dataclass(frozen=True)
class LogRows:
    """Rows that a search found, oldest first, each once; rows of one millisecond in AWS's order of arrival."""

    rows: tuple[LogLine, ...]
    coverage: Coverage


@dataclass(frozen=True)
class JobLogs:
    """Log lines that carry this job's id, oldest first, and every "reassembly received" line of any job.

    `receipts` prove that a media-worker moved on (it has one reassembly thread); they are not this job's story,
    and only this job's own where Logs Insights was `refused` and FilterLogEvents answered instead. `gaps` says
    what these lines may lack: a group that is missing or expired, or rows cut off. `mentions` hold the job's id in
    another place than where its own lines do ("failed to mark job ... failed"); `nameless` are lines without any id
    that may be about it ("no invocation record for s3://..."). `tracebacks` belong to the newest ERROR lines, where
    somebody asked for them; `untraced` says why some could not be read. `coverage` tells what was searched and how.
    """

    lines: tuple[LogLine, ...]
    receipts: tuple[LogLine, ...]
    groups: tuple[str, ...]
    gaps: tuple[str, ...] = ()
    refused: Unread | None = None
    tracebacks: tuple[Traceback, ...] = ()
    untraced: Unread | None = None
    mentions: tuple[LogLine, ...] = ()
    nameless: tuple[LogLine, ...] = ()
    coverage: Coverage | None = None


def _expired_words(expired: Mapping[str, datetime]) -> Iterator[str]:
    for at in sorted(set(expired.values())):
        names = [name for name, until in expired.items() if until == at]
        yield f"lines before {_shown(at)} have expired in {', '.join(sorted(names))}"


def _shown(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M:%S} UTC"
