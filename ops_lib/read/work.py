"""The lines that tell how long workers had each message in hand: of every queue enough, however much others wrote."""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime, timedelta

from ops_lib.aws import Aws
from ops_lib.evidence import Evidence, Read, WorkerLines
from ops_lib.read.log_groups import Groups
from ops_lib.read.worker_lines import read_worker_lines

# As far back as the log groups keep their lines (pipeline.md 5): the more samples, the surer a timeout is.
WORK = timedelta(days=7)
MOST_LINES = 6_000  # the newest


def read_work(aws: Aws, groups: Evidence[Groups], now: datetime, wanted: Mapping[str, str]) -> Evidence[WorkerLines]:
    """Return the lines of seven days; `wanted`: by key of the queue, the regular expression that finds its lines.

    One query for all; where that has more rows than are read, one more for each queue, for a busy one would leave
    nothing of a slow one. `since` stays when nothing at all is missing from: a slow queue's lines may begin before it.
    """
    together = read_worker_lines(aws, groups, now, WORK, wanted="|".join(wanted.values()), limit=MOST_LINES)
    if not isinstance(together, Read) or together.value.since <= now - WORK:
        return together
    with ThreadPoolExecutor(len(wanted)) as pool:
        each = pool.map(
            lambda one: read_worker_lines(aws, groups, now, WORK, wanted=one, limit=MOST_LINES), wanted.values()
        )
        found = [together.value, *(lines.value for lines in each if isinstance(lines, Read))]
    once = {line.ptr or line: line for lines in found for line in lines.lines}
    lines = tuple(sorted(once.values(), key=lambda line: line.at))
    gaps = tuple(dict.fromkeys(gap for lines in found for gap in lines.gaps))
    return replace(together, value=replace(together.value, lines=lines, gaps=gaps))
