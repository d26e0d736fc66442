"""Every row of a window, past what one query of Logs Insights returns: the next begins where the last was cut."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from ops_lib.aws import Aws
from ops_lib.evidence import LogLine, Unread
from ops_lib.log_rows import Cut, SentQuery
from ops_lib.read.attempt import attempt
from ops_lib.read.insights import Answer, ask, query_text
from ops_lib.read.patience import Patience

MOST_ROWS = 500_000  # half a gigabyte of memory; no job of the pipeline writes as many
SECOND = timedelta(seconds=1)


@dataclass
class Found:
    """Rows of some groups, oldest first, the queries that found them, and the spans of which rows are lacking."""

    rows: list[LogLine] = field(default_factory=list)
    sent: list[SentQuery] = field(default_factory=list)
    cuts: list[Cut] = field(default_factory=list)
    unread: Unread | None = None


@dataclass(frozen=True)
class Asker:
    """What every query of one search has in common."""

    aws: Aws
    wanted: str
    limit: int
    patience: Patience

    def answer(self, groups: Sequence[str], since_s: int, until_s: int, order: str, found: Found) -> Answer | None:
        """Ask once, noting the query in `found`; None where AWS did not answer, with the reason in `found.unread`."""
        text = query_text(self.wanted, order, self.limit)
        read = attempt(
            "logs:StartQuery", lambda: ask(self.aws, text, groups, since_s, until_s, self.limit, self.patience)
        )
        if isinstance(read, Unread):
            found.unread = read
            return None
        found.sent.append(read.value.sent)
        return read.value


def newest_rows(asker: Asker, groups: Sequence[str], since: datetime, until: datetime) -> Found:
    """Return the newest rows of the window, as many as the limit at most; what is older is a cut."""
    found = Found()
    answer = asker.answer(groups, _first_s(since), _last_s(until), "desc", found)
    if answer is None:
        return found
    if answer.wrong:
        _end_early(found, answer, _first_s(since), until)
    else:
        found.rows = answer.rows
    found.rows.reverse()
    if not answer.wrong and not answer.is_whole:
        oldest = found.rows[0].at if found.rows else until
        found.cuts = [Cut(since, oldest, f"only the newest {len(found.rows):,} rows were asked for")]
    return found


def every_row(asker: Asker, groups: Sequence[str], since: datetime, until: datetime) -> Found:
    """Return all rows of the window: `found.unread` where there are none because AWS did not answer.

    A query's window is whole seconds, both ends included, and its rows are sorted by time alone, so where one is cut
    off, the last second's rows are dropped and the next query begins with that second: none is lost, none doubled.
    """
    found, first_s, last_s = Found(), _first_s(since), _last_s(until)
    while first_s <= last_s:
        answer = asker.answer(groups, first_s, last_s, "asc", found)
        if answer is None or answer.wrong:
            _end_early(found, answer, first_s, until)
            break
        if answer.is_whole:
            found.rows += answer.rows
            break
        cut_s = _first_s(answer.rows[-1].at) if answer.rows else first_s
        if cut_s > first_s:
            found.rows += _before(answer.rows, cut_s)
        else:
            _add_one_second(asker, groups, first_s, answer, found)
            cut_s = first_s + 1
        first_s = cut_s
        if len(found.rows) >= MOST_ROWS:
            found.cuts.append(Cut(_at(first_s), until, f"more than {MOST_ROWS:,} rows were not asked for"))
            break
    return found


def _end_early(found: Found, answer: Answer | None, first_s: int, until: datetime) -> None:
    """Keep what came of a query that did not end well; what came before is whole."""
    if answer is not None:
        found.unread = Unread("logs:StartQuery", "partial", _ended(answer), "run again, or ask for a shorter window")
        found.rows += answer.rows
        if answer.rows and answer.sent.status == "Complete":
            first_s = _first_s(answer.rows[-1].at)
    if found.unread is not None and (found.rows or len(found.sent) > 1):
        found.cuts.append(Cut(_at(first_s), until, found.unread.reason))
        found.unread = None


def _add_one_second(asker: Asker, groups: Sequence[str], second: int, answer: Answer, found: Found) -> None:
    """Add the rows of a second that holds more than a query returns, group by group; what is left over is a cut.

    The window ends a second later, since "included" may mean the last second's first instant alone.
    """
    if len(groups) == 1:
        found.rows += _before(answer.rows, second + 1)
        counted = answer.sent.statistics.records_matched if answer.sent.statistics else "more"
        reason = f"{counted} rows match from then on, Logs Insights returned {len(answer.rows)} of this second"
        found.cuts.append(Cut(_at(second), _at(second) + SECOND, f"{reason} ({groups[0]})"))
        return
    for group in groups:
        one = asker.answer([group], second, second + 1, "asc", found)
        if one is None or one.wrong:
            _end_early(found, one, second, _at(second) + SECOND)
        elif one.is_whole or (one.rows and _first_s(one.rows[-1].at) > second):
            found.rows += _before(one.rows, second + 1)
        else:
            _add_one_second(asker, [group], second, one, found)


def _ended(answer: Answer) -> str:
    return f"the Logs Insights query {answer.wrong}"


def _before(rows: Iterable[LogLine], second: int) -> list[LogLine]:
    end = _at(second)
    return [row for row in rows if row.at < end]


def _at(second: int) -> datetime:
    return datetime.fromtimestamp(second, UTC)


def _first_s(at: datetime) -> int:
    return math.floor(at.timestamp())


def _last_s(at: datetime) -> int:
    return math.ceil(at.timestamp())
