"""Log lines that may say why dead letters failed: one query for all of them, and the newest tracebacks."""

from __future__ import annotations

import re
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

from ops_lib.aws import Aws
from ops_lib.evidence import Evidence, LogLine, Read, Traceback, Unread
from ops_lib.job_id import parse_job_id
from ops_lib.letters import LetterLines, LinesWanted
from ops_lib.log_format import ERROR, NOT_DOWNLOADED, signature
from ops_lib.read.log_groups import Groups
from ops_lib.read.log_search import Search, search
from ops_lib.read.logs import MARGIN, verdict_gaps
from ops_lib.read.tracebacks import read_following

# AWS: StartQuery's queryString has at most 10,000 characters, and a job's id takes 37 of them.
MOST_JOBS = 200
MOST_TRACEBACKS = 5
LEVEL = r"\[(ERROR|WARNING)\] "


def read_letter_lines(aws: Aws, groups: Evidence[Groups], wanted: LinesWanted) -> Evidence[LetterLines]:
    """Return the warnings and errors that are wanted, by one Logs Insights query over every group that exists.

    At most 200 jobs are asked for; the others are in `left_out`. No more than five GetLogEvents for tracebacks.
    """
    asked = [parse_job_id(job_id) for job_id in wanted.job_ids[:MOST_JOBS]]
    left_out = frozenset(wanted.job_ids[MOST_JOBS:])
    if not asked and not wanted.loggers:
        return Unread("logs:StartQuery", "not-asked", "there is no letter to ask about", "look into the queues first")
    looked_for = Search(_pattern(asked, wanted.loggers), wanted.since - MARGIN, wanted.until + MARGIN)
    found = search(aws, groups, looked_for, wanted.until)
    if isinstance(found, Unread):
        return found
    lines, coverage = found.value.rows, found.value.coverage
    gaps = verdict_gaps(coverage, aws.settings.prefix)
    traced, untraced = _tracebacks(aws, lines)
    told = LetterLines(lines, wanted, coverage.groups, left_out, gaps, traced, untraced)
    return Read(told, found.source, found.at)


def _pattern(job_ids: Sequence[str], loggers: Sequence[str]) -> str:
    """Return the regular expression, without a slash, of the lines of these jobs and of those that name no job."""
    parts = []
    if job_ids:
        # SageMaker's own line about a request it cannot fetch has no level; it names the job in the object's key.
        parts.append(f"({LEVEL}|{NOT_DOWNLOADED}).*({'|'.join(job_ids)})")
    if loggers:
        of_loop = "|".join(re.escape(name) for name in loggers)
        # "chunking: job_id=? invalid S3 event body", "ingest: failed to process message: ...", "job-events message ..."
        parts.append(rf"{LEVEL}({of_loop}): ([a-z-]+: (job_id=\?|[^j ])|[a-z-]+ )")
    return "|".join(parts)


def _tracebacks(aws: Aws, lines: Sequence[LogLine]) -> tuple[tuple[Traceback, ...], Unread | None]:
    newest: dict[str, LogLine] = {}
    for line in lines:
        if ERROR.search(line.message):
            said = signature(line.message)
            newest.pop(said, None)  # so that the last said stands last
            newest[said] = line
    chosen = list(newest.values())[-MOST_TRACEBACKS:]
    if not chosen:
        return (), None
    with ThreadPoolExecutor(len(chosen)) as pool:
        read = list(pool.map(lambda line: read_following(aws, line), chosen))
    found = tuple(part.value for part in read if isinstance(part, Read) and part.value.following)
    untraced = next((part for part in read if isinstance(part, Unread)), None)
    return found, untraced
