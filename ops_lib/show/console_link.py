"""Where a person goes on: this very question in CloudWatch's console, and the job's page in the web UI.

The console keeps a query in its address in a notation of its own: ~(name~value~...) for an object, ~(~a~b) for a
list, ~'text for a string in which every other character is * and two hexadecimal digits (pipeline.md 7).
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta

from ops_lib.job_id import parse_job_id
from ops_lib.log_rows import Coverage

# AWS: "AWS Management Console" endpoints of each partition; of others no address is known here.
HOSTS = {
    "aws": "console.aws.amazon.com",
    "aws-cn": "console.amazonaws.cn",
    "aws-us-gov": "console.amazonaws-us-gov.com",
}
REGION = re.compile(r"[a-z0-9-]+")
WEB_UI = re.compile(r"https?://[A-Za-z0-9.-]+(?::\d+)?")
MOST_GROUPS = 50
MOST_ROWS = 10_000


def job_query(job_id: str) -> str:
    """Return the query for every line that names a job, as the runbook has it, for a person to change."""
    wanted = parse_job_id(job_id)
    return (
        "fields @timestamp, @log, @logStream, @message\n"
        f"| filter @message like /{wanted}/\n"
        f"| sort @timestamp asc\n| limit {MOST_ROWS}"
    )


def insights_link(partition: str, region: str, coverage: Coverage, job_id: str) -> str | None:
    """Return the address of this search in the console of Logs Insights; None where the partition's is not known.

    It names the groups that were searched, at most 50, and the window in UTC, widened to whole seconds.
    """
    host = HOSTS.get(partition)
    if host is None or not REGION.fullmatch(region):
        return None
    detail = {
        "end": _instant(coverage.until, up=True),
        "start": _instant(coverage.since),
        "timeType": "ABSOLUTE",
        "tz": "UTC",
        "editorString": job_query(job_id),
        "source": list(coverage.groups[:MOST_GROUPS]),
        "lang": "CWLI",
        "logClass": "STANDARD",
        "queryBy": "logGroupName",
    }
    address = f"https://{region}.{host}/cloudwatch/home?region={region}"
    return f"{address}#logsV2:logs-insights$3FqueryDetail$3D{_encoded(detail)}"


def job_page(web_ui_url: str | None, job_id: str) -> str | None:
    """Return the address of the job in the web UI; None where the .env names no such address."""
    base = (web_ui_url or "").rstrip("/")
    return f"{base}/jobs/{parse_job_id(job_id)}" if WEB_UI.fullmatch(base) else None


def _encoded(value: str | Sequence[str] | Mapping[str, object]) -> str:
    if isinstance(value, str):
        return f"~'{''.join(map(_character, value))}"
    if isinstance(value, Mapping):
        return f"~({'~'.join(f'{name}{_encoded(part)}' for name, part in value.items())})"  # type: ignore[arg-type]
    return f"~({''.join(map(_encoded, value))})"


def _character(character: str) -> str:
    if re.fullmatch(r"[A-Za-z0-9_.-]", character):
        return character
    code = ord(character)
    return f"*{code:02x}" if code < 256 else f"**{code:04x}"


def _instant(at: datetime, *, up: bool = False) -> str:
    whole = at.astimezone(UTC).replace(microsecond=0)
    later = whole + timedelta(seconds=1) if up and at.microsecond else whole
    return f"{later:%Y-%m-%dT%H:%M:%S}.000Z"
