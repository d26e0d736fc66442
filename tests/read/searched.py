"""Searching the model for one job's rows, as a reader does."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from ops_lib.log_rows import LogRows
from ops_lib.read.log_groups import expected_groups, read_groups
from ops_lib.read.log_quotas import quotas_of_settings
from ops_lib.read.log_search import Search, search
from tests.insights_model import MEDIA, VIDEO, Model, Row, Rules, clients, in_force

JOB = "691d21b0-37bb-4d24-baaf-eb853feb36cf"
START_MS = 1_790_000_000_000
START = datetime.fromtimestamp(START_MS / 1000, UTC)
NOW = START + timedelta(days=1)
GROUPS = expected_groups(clients().settings)
SMALL = Rules(page=10, most=100)


def rows_at(*times_ms: int, groups: tuple[str, ...] = (MEDIA, VIDEO)) -> list[Row]:
    """Return a row of the job for each time after START, in the groups by turns; equal times say the same."""
    return [
        Row(START_MS + ms, groups[number % len(groups)], f"job_id={JOB} at {ms}", f"ptr-{number:07d}")
        for number, ms in enumerate(times_ms)
    ]


def found(model: Model, **named: Any) -> Any:
    """Return what a search of the model finds; `named` as in Search."""
    with in_force(model) as aws:
        quotas = replace(quotas_of_settings(aws.settings), rows_per_query=model.rules.most)
        asked = Search(JOB, START - timedelta(hours=1), NOW, phrase=JOB, quotas=quotas)
        return search(aws, read_groups(aws), replace(asked, **named), NOW)


def assert_whole(model: Model, got: LogRows) -> None:
    """Every row of the model once, oldest first, and no query left running."""
    assert sorted(str(row.ptr) for row in got.rows) == sorted(row.ptr for row in model.rows)
    assert [row.at for row in got.rows] == sorted(row.at for row in got.rows)
    assert got.coverage.cuts == ()
    assert not model.running()
