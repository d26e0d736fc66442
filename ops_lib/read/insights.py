"""One Logs Insights query: started, waited for, its pages fetched; stopped whatever happens before it has ended."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, NamedTuple, cast

from botocore.exceptions import ClientError

from ops_lib.aws import Aws
from ops_lib.evidence import LogLine
from ops_lib.log_rows import SentQuery, Statistics
from ops_lib.read.attempt import Incomplete, attempt
from ops_lib.read.patience import Patience

FIELDS = "fields @timestamp, @ingestionTime, @log, @logStream, @message"
PARSING = "before-parse.cloudwatch-logs.GetQueryResults"
RUNNING = ("Scheduled", "Running")
ENDED = ("Complete", "Failed", "Cancelled", "Timeout")
FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.1, 2.0
# As many queries run as the account may; others' end soon, or not.
BUSY_S = 15.0


@dataclass(frozen=True)
class Answer:
    """What one query gave: its rows in the order asked for, and `wrong`, in words, where it did not end as Complete.

    `is_whole`: every row that matched is here. Where AWS counts what matched, by that count; else by the limit.
    """

    rows: list[LogLine]
    sent: SentQuery
    is_whole: bool
    wrong: str = ""


def query_text(wanted: str, order: str, limit: int) -> str:
    """Return the query for lines that match the regular expression `wanted`, in which a slash is escaped."""
    pattern = re.sub(r"(?<!\\)/", r"\\/", wanted)
    return f"{FIELDS} | filter @message like /{pattern}/ | sort @timestamp {order} | limit {limit}"


def ask(
    aws: Aws, text: str, groups: Sequence[str], since_s: int, until_s: int, limit: int, patience: Patience
) -> Answer:
    """Return what the query finds from `since_s` to `until_s` (seconds since 1970, both included).

    Raises ClientError where AWS does not start it or refuses a page, CalledOff where the caller waits no longer.
    """
    query_id = _start(aws, text, groups, since_s, until_s, patience)
    rows: list[LogLine] = []
    try:
        ended = _fetch(aws, query_id, rows, patience)
        if ended.status not in ENDED:
            _stop(aws, query_id)
    except BaseException:
        # Interrupted or failed: a query left running is billed and counts against the account's quota.
        _stop(aws, query_id)
        raise
    matched = ended.counted.get("recordsMatched")
    sent = SentQuery(
        operation="StartQuery",
        text=text,
        groups=tuple(groups),
        since=datetime.fromtimestamp(since_s, UTC),
        until=datetime.fromtimestamp(until_s, UTC),
        status=ended.status,
        rows=len(rows),
        pages=ended.pages,
        query_id=query_id,
        statistics=_statistics(ended.counted),
    )
    has_all = len(rows) < limit if matched is None else len(rows) >= matched
    return Answer(rows, sent, has_all and not ended.wrong, ended.wrong)


def _start(aws: Aws, text: str, groups: Sequence[str], since_s: int, until_s: int, patience: Patience) -> str:
    busy = Patience(BUSY_S)
    while not patience.is_over:
        try:
            answer = aws.client("logs").start_query(
                logGroupNames=list(groups), startTime=since_s, endTime=until_s, queryString=text
            )
            return answer["queryId"]
        except ClientError as error:
            if error.response["Error"]["Code"] != "LimitExceededException" or busy.is_over:
                raise
        patience.pause(1.0)
    raise Incomplete(f"no Logs Insights query was started within {patience.seconds:.0f} s")


class _Ended(NamedTuple):
    status: str
    counted: Mapping[str, float]
    pages: int
    wrong: str = ""


def _fetch(aws: Aws, query_id: str, rows: list[LogLine], patience: Patience) -> _Ended:
    """Add the rows of a query that has ended, or what there is of them at the deadline; say what went wrong."""
    logs, pause_s, pages = aws.client("logs"), FIRST_PAUSE_S, 1
    logs.meta.events.register(PARSING, _take_rows, unique_id="ops-log-rows")
    while (page := logs.get_query_results(queryId=query_id))["status"] in RUNNING and not patience.is_over:
        patience.pause(pause_s)
        pause_s = min(pause_s * 1.7, LONGEST_PAUSE_S)
    status, counted = str(page["status"]), cast("Mapping[str, float]", page.get("statistics") or {})
    rows += _lines(page["results"])
    if status in RUNNING:
        return _Ended(status, counted, pages, f"was still {status} after {patience.seconds:.0f} s")
    if status != "Complete":
        return _Ended(status, counted, pages, f"ended as {status}")
    while token := page.get("nextToken"):
        if patience.is_over:
            return _Ended(status, counted, pages, f"gave {pages} pages within {patience.seconds:.0f} s, not all")
        # Each page becomes rows at once: botocore's own form of ten thousand takes many times their memory.
        page = logs.get_query_results(queryId=query_id, nextToken=token)
        rows += _lines(page["results"])
        pages += 1
    return _Ended(status, counted, pages)


def _take_rows(response_dict: dict[str, Any], customized_response_dict: dict[str, Any], **_: Any) -> None:
    """Parse the rows of an answer by json alone, in a tenth of the time that botocore's walk through its model takes.

    What is no such answer is left to botocore, as is everything else in it.
    """
    with suppress(ValueError, KeyError, TypeError, AttributeError):
        said = json.loads(response_dict["body"])
        customized_response_dict["results"] = said.pop("results")
        response_dict["body"] = json.dumps(said).encode()


def _stop(aws: Aws, query_id: str) -> None:
    attempt("logs:StopQuery", lambda: aws.client("logs").stop_query(queryId=query_id))


def _statistics(counted: Mapping[str, float]) -> Statistics | None:
    names = ("recordsMatched", "recordsScanned", "bytesScanned")
    return Statistics(*(int(counted.get(name, 0)) for name in names)) if counted else None


def _lines(results: Iterable[Any]) -> Iterator[LogLine]:
    for result in results:
        row = {field["field"]: field["value"] for field in result}
        ingested = row.get("@ingestionTime")
        yield LogLine(
            at=_time(row["@timestamp"]),
            # Few groups and streams write very many rows.
            group=sys.intern(row["@log"].split(":", 1)[-1]),
            stream=sys.intern(row["@logStream"]),
            message=row["@message"].rstrip("\n"),
            ingested_at=_time(ingested) if ingested else None,
            ptr=row.get("@ptr"),
        )


def _time(shown: str) -> datetime:
    return datetime.fromisoformat(shown + "+00:00")
