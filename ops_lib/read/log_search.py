"""The one road to log lines: guarded, over several groups at once, complete or said to be incomplete."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime
from threading import Event

from ops_lib.aws import Aws
from ops_lib.evidence import Evidence, LogLine, Read, Unread, known
from ops_lib.log_rows import GB, Coverage, LogQuotas, LogRows, size
from ops_lib.read.every_row import Asker, Found, every_row, newest_rows
from ops_lib.read.filter_events import filter_events
from ops_lib.read.log_groups import Groups, estimate_bytes, expired_groups, missing_groups
from ops_lib.read.log_quotas import quotas_of_settings, read_quotas
from ops_lib.read.patience import Patience, calling_off

DEADLINE_S = 45.0
# AWS: Logs Insights reads the other classes; of DELIVERY nothing can be searched.
UNSEARCHABLE = "DELIVERY"


@dataclass(frozen=True)
class Search:
    """What is looked for, from `since` to `until` (UTC, both included).

    `wanted`: a regular expression on the message; `phrase`: what FilterLogEvents looks for where Logs Insights is
    refused, None if it shall not. `newest`: so many of the newest rows are enough. `most_bytes`: refused before
    anything is sent where more is expected to be scanned; None: the environment's scan_gb.
    `quotas` None: the environment's settings, and Service Quotas where one query is not enough. `stop`: set by a caller
    who waits no longer.
    """

    wanted: str
    since: datetime
    until: datetime
    phrase: str | None = None
    newest: int | None = None
    most_bytes: int | None = None
    deadline_s: float = DEADLINE_S
    stop: Event = field(default_factory=Event)
    quotas: LogQuotas | None = None


def search(aws: Aws, groups: Evidence[Groups], asked: Search, now: datetime) -> Evidence[LogRows]:
    """Return the rows of every group that exists, with what was covered and what may be lacking.

    Unread where no group was searched at all, or where the guard refuses: then nothing was sent.
    """
    if isinstance(groups, Unread):
        return Unread("logs:StartQuery", "not-asked", f"log groups were not read: {groups.reason}", groups.next_step)
    if not known(groups):
        return Unread("logs:StartQuery", "missing", "no log group of this deployment exists", "check NAME_PREFIX")
    estimate = estimate_bytes(known(groups), asked.since, asked.until, now)
    most_bytes = asked.most_bytes or round(aws.settings.thresholds.scan_gb * GB)
    if estimate is not None and estimate > most_bytes:
        return _too_much(estimate, most_bytes)
    return _Searching(aws, known(groups), asked, now).all(estimate)


def _too_much(estimate: int, most_bytes: int) -> Unread:
    said = f"about {size(estimate)} would be scanned, an estimate, and the limit is {size(most_bytes)}"
    return Unread("logs:StartQuery", "not-asked", said, "ask for a shorter window, or raise the limit (scan_gb)")


@dataclass
class _Part:
    """What one or several groups gave; `refused`: why FilterLogEvents answered for them."""

    found: Found
    unread: dict[str, Unread] = field(default_factory=dict)
    refused: Unread | None = None


class _Searching:
    """One search under way."""

    def __init__(self, aws: Aws, groups: Groups, asked: Search, now: datetime) -> None:
        self.aws, self.groups, self.asked, self.now = aws, groups, asked, now
        self.quotas = asked.quotas or self._quotas()
        self.patience = Patience(asked.deadline_s, asked.stop)

    def all(self, estimate: int | None) -> Evidence[LogRows]:
        bundles = list(bundled(self.groups, self.quotas.groups_per_query))
        parts = self._at_once(self._bundle, bundles)
        unread = {name: why for part in parts for name, why in part.unread.items()}
        unread |= {name: _unsearchable(name) for name, one in self.groups.items() if one.log_class == UNSEARCHABLE}
        if len(unread) == len(self.groups):
            return next(iter(unread.values()))
        rows = _merged([part.found.rows for part in parts], self.asked)
        coverage = Coverage(
            groups=tuple(sorted(set(self.groups) - set(unread))),
            since=self.asked.since,
            until=self.asked.until,
            asked_at=self.now,
            missing=missing_groups(self.aws.settings, self.groups),
            expired=expired_groups(self.groups, self.asked.since, self.now),
            unread=unread,
            cuts=tuple(sorted((cut for part in parts for cut in part.found.cuts), key=lambda cut: cut.since)),
            queries=tuple(sent for part in parts for sent in part.found.sent),
            refused=next((part.refused for part in parts if part.refused), None),
            estimated_bytes=estimate,
            quotas=self.quotas,
            lag_s=max(((row.ingested_at - row.at).total_seconds() for row in rows if row.ingested_at), default=None),
        )
        return Read(LogRows(rows, coverage), "logs:StartQuery", self.now)

    def _quotas(self) -> LogQuotas:
        """Return the settings' quotas where one query is enough; where several are, AWS is asked how many a second."""
        own = quotas_of_settings(self.aws.settings)
        return own if len(list(bundled(self.groups, own.groups_per_query))) <= 1 else read_quotas(self.aws)

    def _at_once(self, read: Callable[[Sequence[str]], _Part], bundles: list[list[str]]) -> list[_Part]:
        if len(bundles) <= 1:
            return [read(bundle) for bundle in bundles]
        at_once = min(len(bundles), self.quotas.searches_at_once)
        with ThreadPoolExecutor(at_once) as pool, calling_off(self.asked.stop):
            return list(pool.map(read, bundles))

    def _bundle(self, names: Sequence[str]) -> _Part:
        """Search these groups by one query; where AWS refuses it for one of them, each by a query of its own."""
        found = self._insights(names)
        why = found.unread
        if why is None:
            return _Part(found)
        if why.kind in ("denied", "missing") and len(names) > 1:
            return _together(self._at_once(self._bundle, [[name] for name in names]))
        if why.kind == "denied" and self.asked.phrase:
            filtered = filter_events(
                self.aws, names[0], self.asked.phrase, self.asked.since, self.asked.until, self.patience
            )
            return _Part(filtered, {names[0]: filtered.unread} if filtered.unread else {}, refused=why)
        return _Part(found, dict.fromkeys(names, why))

    def _insights(self, names: Sequence[str]) -> Found:
        limit = self.asked.newest or self.quotas.rows_per_query
        asker = Asker(self.aws, self.asked.wanted, limit, self.patience)
        read = newest_rows if self.asked.newest else every_row
        return read(asker, names, self.asked.since, self.asked.until)


def bundled(groups: Groups, most: int) -> Iterator[list[str]]:
    """Yield the groups that one query can name: as many as the quota allows, all of one log class."""
    by_class: dict[str, list[str]] = defaultdict(list)
    for name, group in sorted(groups.items()):
        by_class[group.log_class].append(name)
    for log_class, names in by_class.items():
        if log_class != UNSEARCHABLE:
            yield from (names[first : first + most] for first in range(0, len(names), most))


def _unsearchable(name: str) -> Unread:
    return Unread(f"logs:StartQuery {name}", "not-asked", "its log class DELIVERY cannot be searched", "see its store")


def _together(parts: Iterable[_Part]) -> _Part:
    whole = _Part(Found())
    for part in parts:
        whole.found.rows += part.found.rows
        whole.found.sent += part.found.sent
        whole.found.cuts += part.found.cuts
        whole.unread |= part.unread
        whole.refused = whole.refused or part.refused
    return whole


def _merged(found: Iterable[list[LogLine]], asked: Search) -> tuple[LogLine, ...]:
    """Return the rows of the window by time, each event once: it is the same one if its @ptr is."""
    once: Mapping[str | int, LogLine] = {
        row.ptr or id(row): row for rows in found for row in rows if asked.since <= row.at <= asked.until
    }
    return tuple(sorted(once.values(), key=lambda row: row.at))
