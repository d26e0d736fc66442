"""By when an open job must have moved on: by live settings, counted from its upload; not known where those are not."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from ops_lib.decide.expectation import expectation, link_is_over
from ops_lib.evidence import JobRow, QueuePair
from tests.decide.states import HOUR, NOW, at, queue
from tests.recorded import UNREAD, read

QUEUES = {key: queue(key) for key in ("chunking", "video-worker", "segment-output", "reassembly")}
CHUNKING, VIDEO, RECORDING, REASSEMBLY = 900, 2400, 120, 600  # VisibilityTimeout, seconds
CUT = HOUR + 5 * CHUNKING


def row(status: str, total: int | None = None, **fields: Any) -> JobRow:
    return JobRow("j", status, "sbs", **{"created_at": NOW, "completed_at": None, "total_segments": total, **fields})


def seconds(status: str, total: int | None = None, **queues: Any) -> float:
    due = expectation(row(status, total), QUEUES | queues).due
    assert due is not None
    return (due - NOW).total_seconds()


def changed(key: str, **attributes: Any) -> QueuePair:
    pair = QUEUES.get(key) or queue(key)
    return replace(pair, main=read(replace(pair.main.value, **attributes)))  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("status", "total", "expected"),
    [
        ("created", None, CUT),
        ("chunking_in_progress", None, CUT),
        ("chunking_complete", 1, CUT + 5 * VIDEO + 5 * RECORDING + REASSEMBLY),
        ("chunking_complete", 4, CUT + 3 * VIDEO + 5 * VIDEO + 5 * RECORDING + REASSEMBLY),
        ("reassembling", 4, CUT + 3 * VIDEO + 5 * VIDEO + 5 * RECORDING + REASSEMBLY),
        ("failed", 4, CUT + 3 * VIDEO + 5 * VIDEO + 5 * RECORDING),
        ("failed", None, CUT),
        ("chunking_complete", None, CUT),
    ],
)
def test_each_status_has_its_own(status: str, total: int | None, expected: int) -> None:
    assert seconds(status, total) == expected


def test_ingest_has_its_own_queue() -> None:
    assert seconds("ingesting", ingest=changed("ingest", visibility_timeout_s=1200)) == 5 * 1200
    without = expectation(row("ingesting"), QUEUES)
    assert (without.due, without.why) == (None, "ingest queue: the .env names none")


def test_the_live_settings_count() -> None:
    assert seconds("created", chunking=changed("chunking", visibility_timeout_s=60, max_receive_count=2)) == HOUR + 120
    assert seconds("created", chunking=changed("chunking", max_receive_count=None)) == HOUR + 1_209_600
    assert seconds("created", chunking=changed("chunking", retention_s=300)) == HOUR + 300


def test_it_counts_from_the_upload_where_that_is_known() -> None:
    uploaded = row("created", uploaded_at=NOW + timedelta(seconds=30))
    assert expectation(uploaded, QUEUES).due == NOW + timedelta(seconds=30 + 5 * CHUNKING)
    later = NOW + timedelta(seconds=50)
    assert expectation(uploaded, QUEUES, later).due == later + timedelta(seconds=5 * CHUNKING)


def test_what_it_is_made_of_is_said() -> None:
    assert expectation(row("created"), QUEUES).why == "upload 60 min, chunking 75 min"


def test_what_was_not_read_is_not_assumed() -> None:
    unread = {**QUEUES, "video-worker": replace(QUEUES["video-worker"], main=UNREAD)}
    found = expectation(row("chunking_complete", 3), unread)
    assert (found.due, found.late(NOW)) == (None, None)
    assert UNREAD.reason in found.why
    assert expectation(row("created"), unread).due is not None


@pytest.mark.parametrize(
    ("of", "says"), [(row("created", created_at=None), "no created_at"), (row("paused"), "the status 'paused'")]
)
def test_a_row_that_says_too_little(of: JobRow, says: str) -> None:
    found = expectation(of, QUEUES)
    assert found.due is None
    assert says in found.why


def test_late_is_counted_from_the_end_of_it() -> None:
    expected = expectation(row("created"), QUEUES)
    assert expected.due is not None
    assert expected.late(expected.due) is None
    assert expected.late(expected.due + timedelta(seconds=5)) == timedelta(seconds=5)


def test_the_uploads_link_is_over_after_an_hour() -> None:
    assert link_is_over(row("created", created_at=at(HOUR)), NOW)
    assert not link_is_over(row("created", created_at=at(HOUR - 1)), NOW)
    assert not link_is_over(row("failed", created_at=at(HOUR)), NOW)
    assert not link_is_over(row("created", created_at=None), NOW)
