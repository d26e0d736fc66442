"""Evidence as tables: what was not read stays missing, never zero."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pandas as pd
import pytest

from ops_lib.capacity import Service
from ops_lib.evidence import JobRow, Traceback
from ops_lib.gathered import PipelineEvidence
from ops_lib.log_rows import JobLogs
from ops_lib.show import frames
from tests.recorded import UNREAD, VERSIONS, captured_at, expected_verdicts, job_evidence, read

NOW = datetime(2026, 2, 20, 9, 15, tzinfo=UTC)
ROW = JobRow("j", "chunking_complete", "sbs", NOW, None, 3)


def pipeline(version: str = "newest") -> PipelineEvidence:
    job = job_evidence(version, expected_verdicts()[0][1])
    return PipelineEvidence(
        queues=job.queues,
        services=read((Service("media-worker", "ACTIVE", 1, 1, 0, (), ((NOW, "steady"),)),)),
        targets=read(()),
        tasks=job.tasks,
        endpoint=job.endpoint,
        endpoint_name="e",
        alarms=read(()),
        history=read(pd.DataFrame(columns=["time", "queue", "dead_letters", "depth_messages"])),
        oldest_age_s=read({}),
        open_jobs={"chunking_complete": read((ROW,)), "failed": UNREAD},
        completed=read((NOW, NOW - timedelta(days=1), NOW - timedelta(days=30))),
        worker_lines=UNREAD,
        notifications=UNREAD,
    )


@pytest.mark.parametrize("version", VERSIONS)
def test_queue_counts_have_a_row_for_each_queue_and_each_dead_letter_queue(version: str) -> None:
    pairs = pipeline(version).queues
    counts = frames.queue_counts(pairs)
    assert len(counts) == 2 * len(pairs)
    assert {str(kind) for kind in counts.dtypes[["visible_messages", "in_flight_messages"]]} == {"Int64"}
    assert counts[counts["dead_letters"]]["visible_messages"].sum() > 0


def test_an_unread_queue_is_missing_not_empty() -> None:
    pairs = dict(pipeline().queues)
    pairs["chunking"] = replace(pairs["chunking"], main=UNREAD, dlq=UNREAD)
    counts = frames.queue_counts(pairs).set_index("queue")
    assert counts.loc["chunking", "visible_messages"] is pd.NA
    settings = frames.queue_settings(pairs).set_index("queue")
    assert pd.isna(settings.loc["chunking", "visible"])
    assert pd.isna(settings.loc["chunking", "dead letters"])


def test_jobs_by_status_leaves_an_unread_status_missing() -> None:
    table = frames.jobs_by_status(pipeline()).set_index("status")["jobs"]
    assert table["chunking_complete"] == 1
    assert table["failed"] is pd.NA
    assert table["completed (window)"] == 3


def test_completed_per_day_is_zero_where_read_and_missing_where_not() -> None:
    days = frames.completed_per_day(pipeline(), NOW, 7)
    assert days["jobs"].tolist() == [0, 0, 0, 0, 0, 1, 1]
    assert str(days["day"].dtype) == "datetime64[us, UTC]"
    unread = frames.completed_per_day(replace(pipeline(), completed=UNREAD), NOW, 7)
    assert unread["jobs"].isna().all()


def test_the_history_is_named_by_the_env_keys_or_says_why_it_is_absent() -> None:
    rows = [(NOW, "stereo-spot-chunking", False, 1.0), (NOW, "stereo-spot-chunking-dlq", True, 2.0)]
    data = pd.DataFrame(rows, columns=["time", "queue", "dead_letters", "depth_messages"])
    history, why = frames.depth_history(replace(pipeline(), history=read(data)))
    assert history["queue"].tolist() == ["chunking", "chunking dead letters"]
    assert why is None
    empty, why = frames.depth_history(replace(pipeline(), history=UNREAD))
    assert empty.empty
    assert why == "access denied"


@pytest.mark.parametrize(("version", "job_id", "name"), expected_verdicts())
def test_a_jobs_facts_and_lines(version: str, job_id: str, name: str) -> None:
    job = job_evidence(version, job_id)
    facts = frames.job_facts(job).set_index("fact")["value"]
    assert facts["final.mp4"] == ("exists" if name == "completed" else "absent")
    assert facts["trigger lock"].startswith("put" if name in ("completed", "reassembly-died") else "none")
    assert len(frames.log_lines(job)) == len(job.logs.value.lines)  # type: ignore[union-attr]


def test_a_line_has_its_own_traceback_and_no_other() -> None:
    version, job_id, _ = next(one for one in expected_verdicts() if one[2] == "inference-refused")
    job = job_evidence(version, job_id)
    logs = job.logs.value  # type: ignore[union-attr]
    said = logs.lines[5]
    told = replace(job, logs=read(replace(logs, tracebacks=(Traceback(said, ("Traceback", "MemoryError")),))))
    with_one = frames.log_lines(told)["traceback"].tolist()
    assert [text for text in with_one if text] == ["Traceback\nMemoryError"]
    assert frames.log_lines(told)["message"][with_one.index("Traceback\nMemoryError")] == said.message


def test_facts_that_were_not_read_say_why() -> None:
    version, job_id, _ = expected_verdicts()[0]
    job = replace(job_evidence(version, job_id), row=UNREAD, lock=UNREAD, outputs=UNREAD, logs=UNREAD)
    facts = frames.job_facts(job).set_index("fact")["value"]
    assert facts["row"] == facts["trigger lock"] == facts["final.mp4"] == "not read: access denied"
    assert frames.log_lines(job)["message"].tolist() == ["not read: access denied"]


def test_services_show_their_bounds_and_newest_event() -> None:
    table = frames.services(pipeline())
    assert table.to_dict("records")[0]["last event"] == "steady"
    assert table.to_dict("records")[0]["scaling"] == "none"
    unread = frames.services(replace(pipeline(), services=UNREAD))
    assert unread["service"].tolist() == ["not read: access denied"]
    no_bounds = frames.services(replace(pipeline(), targets=UNREAD))
    assert no_bounds["scaling"].tolist() == ["not read"]


def test_the_recordings_clock_is_their_own() -> None:
    assert captured_at("runbook").tzinfo is UTC


def test_silence_and_gaps_in_the_log_are_said() -> None:
    version, job_id, _ = expected_verdicts()[0]
    job = job_evidence(version, job_id)
    none = replace(job, logs=read(JobLogs((), (), ("/ecs/a", "/ecs/b"))))
    assert frames.log_lines(none)["message"].tolist() == ["no line with this job's id in /ecs/a, /ecs/b"]
    cut = replace(job, logs=read(JobLogs((), (), ("/ecs/a",), ("the oldest are cut off",))))
    assert frames.log_lines(cut)["message"].tolist() == ["the oldest are cut off"]
