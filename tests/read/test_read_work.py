"""Lines about work: one query, and one more for each queue where a busy one would leave nothing of a slow one."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from ops_lib.decide.work import WANTED, measure
from ops_lib.evidence import Unread, WorkerLines, known
from ops_lib.read import insights, work
from ops_lib.read.log_groups import read_groups
from ops_lib.read.work import WORK, read_work
from tests.decide.work_lines import job
from tests.insights_model import MEDIA, VIDEO, Model, Row, Rules, in_force
from tests.read.searched import GROUPS, NOW

SLOW, BUSY = 25, 400


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(insights, "FIRST_PAUSE_S", 0.0)
    monkeypatch.setattr(work, "MOST_LINES", 200)


def rows() -> list[Row]:
    """A reassembly an hour, five days ago; since then segments alone, a line every quarter of an hour."""
    found = []
    for number in range(SLOW):
        found += [row(number, 130 - number, MEDIA, f"reassembly: job_id={job(number)} {word}", seconds)
                  for word, seconds in (("received", 0), ("completed", 700))]  # fmt: skip
    for number in range(BUSY):
        said = f"job_id={job(number)} segment_index=0/3 invoked (done via output-events)"
        found.append(row(1000 + number, number / 4, VIDEO, said))
    return found


def row(number: int, hours: float, group: str, said: str, seconds: float = 0) -> Row:
    at = NOW - timedelta(hours=hours) + timedelta(seconds=seconds)
    return Row(round(at.timestamp() * 1000), group, f"T [INFO] x: {said}", f"p{number}-{seconds}", "ecs/s/1")


def found(model: Model) -> Any:
    with in_force(model) as aws:
        return read_work(aws, read_groups(aws), NOW, WANTED)


def lines_of(got: WorkerLines, group: str) -> int:
    return sum(line.group == group for line in got.lines)


def test_a_slow_queue_has_its_lines_however_much_a_busy_one_wrote() -> None:
    got = known(found(Model(rows(), Rules(), GROUPS)))
    assert lines_of(got, MEDIA) == 2 * SLOW
    assert lines_of(got, VIDEO) == 200
    assert list(got.lines) == sorted(got.lines, key=lambda line: line.at)
    assert len({line.ptr for line in got.lines}) == len(got.lines)
    assert got.since == NOW - timedelta(hours=199 / 4), "before that something is missing"
    samples = measure(got).of("reassembly")
    assert samples["held_s"].tolist() == [700.0] * SLOW


def test_where_all_is_read_at_once_nothing_more_is_asked() -> None:
    model = Model(rows()[: 2 * SLOW], Rules(), GROUPS)
    got = known(found(model))
    assert model.calls["StartQuery"] == 1
    assert got.since == NOW - WORK


def test_queries_for_one_queue_that_do_not_end_well_are_a_gap() -> None:
    model = Model(rows(), Rules(endings={f"query-{number}": "Failed" for number in range(1, 9)}), GROUPS)
    got = known(found(model))
    assert "ended as Failed" in got.gaps[0]
    assert lines_of(got, VIDEO) == 200
    assert got.since == NOW - timedelta(hours=199 / 4)


def test_none_that_answers_is_unread() -> None:
    assert isinstance(found(Model(rows(), Rules(refused=GROUPS), GROUPS)), Unread)
