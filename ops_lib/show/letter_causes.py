"""Why dead letters failed, read and shown: one row for each way of failing."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import pandas as pd

from ops_lib.decide.dead_letters import JudgedLetter
from ops_lib.decide.letter_causes import Cause, grouped, letter_causes, lines_wanted
from ops_lib.evidence import QueuePair
from ops_lib.read.pipeline import PipelineReads
from ops_lib.show.tables import open_command

MOST_STORIES = 5
COLUMNS = ("queue", "letters", "what the log says", "exception", "last (UTC)", "found by")
FOUND_BY = {"job": "its job", "time": "time alone", "none": "nothing found", "unread": "not read"}


def read_causes(
    reads: PipelineReads, judged: Sequence[JudgedLetter], queues: Mapping[str, QueuePair]
) -> dict[str, Cause]:
    """Return what the logs say of each letter by MessageId: one Logs Insights query for all of them."""
    if not judged:
        return {}
    return letter_causes(judged, reads.letter_lines(lines_wanted(judged, reads.now)), queues)


def causes_table(judged: Sequence[JudgedLetter], causes: Mapping[str, Cause]) -> pd.DataFrame:
    """Return one row per queue and way of failing, the most letters first; nothing found says how far was looked."""
    rows = [
        (one.queue, len(one.letters), one.signature or one.why, one.error, one.last_at, FOUND_BY[one.how])
        for one in grouped(judged, causes)
    ]
    return pd.DataFrame(rows, columns=list(COLUMNS), dtype="object")


def stories(judged: Sequence[JudgedLetter], environment: str) -> str:
    """Return as HTML how to open every line of each job that the letters name; "" where they name none.

    `environment`: what `-e` takes.
    """
    jobs = list(dict.fromkeys(one.body.job_id for one in judged if one.body.job_id))
    if not jobs:
        return ""
    shown = (open_command("5_job_logs", {"environment": environment, "job_id": job}) for job in jobs[:MOST_STORIES])
    more = len(jobs) - MOST_STORIES
    rest = f'<p class="small">and {more} more jobs, in the table of letters above</p>' if more > 0 else ""
    return f"<p>Every line of a job, with phases and pauses:</p><ul>{_listed(shown)}</ul>{rest}"


def _listed(commands: Iterable[str]) -> str:
    return "".join(f"<li>{one}</li>" for one in commands)
