"""A job's story told up to any moment: what was done by then lies there, the rest waits, nothing is lost or doubled."""

from __future__ import annotations

import random
from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ops_lib.sandbox.pipeline import plan
from ops_lib.sandbox.pipeline.job import new_job
from ops_lib.sandbox.pipeline.past import MAX_RECEIVE_COUNT, Past
from ops_lib.sandbox.pipeline.plan import Timed
from ops_lib.sandbox.pipeline.tasks import TaskHistory
from ops_lib.sandbox.pipeline.tell import tell
from ops_lib.sandbox.pipeline.version import INPUT, OUTPUT, VERSIONS, version_named

AT = 1_795_000_000.0
STATUSES = {
    "runbook": ("created", "chunking_in_progress", "chunking_complete", "completed"),
    "newest": ("created", "chunking_in_progress", "chunking_complete", "reassembling", "completed"),
}
NAMES, TOTALS, SHARES = st.sampled_from(VERSIONS), st.integers(1, 12), st.floats(0, 1.05)


def planned(name: str, total: int) -> Timed:
    dice = random.Random(total)
    return plan.through(plan.Stages(version_named(name)), new_job(dice, total), AT, dice)


def told(name: str, timed: Timed, until: float = float("inf")) -> Past:
    past = Past(version_named(name), TaskHistory())
    tell(past, timed, until)
    return past


def queues_of(past: Past) -> set[str]:
    return {queue for rule in past.version.rules for queue in rule.queues} | {"reassembly"}


@settings(max_examples=60, deadline=None)
@given(NAMES, TOTALS, SHARES)
def test_up_to_any_moment_every_message_waits_or_went_through_once(name: str, total: int, share: float) -> None:
    timed = planned(name, total)
    past = told(name, timed, timed.created + share * (timed.completed - timed.created))
    sent = Counter(queue for _, one in past.objects.items() for queue in past.version.notified(one.bucket, one.key))
    sent["reassembly"] += len(past.rows["reassembly-triggered"])
    for queue in queues_of(past):
        waiting = [message for message in past.waiting.values() if message.queue == queue]
        assert len(waiting) + len(past.passages[queue]) == sent[queue]
        assert all(one.sent <= one.taken <= one.done for one in past.passages[queue])


@settings(max_examples=60, deadline=None)
@given(NAMES, TOTALS, SHARES, SHARES)
def test_a_longer_story_only_adds(name: str, total: int, share: float, more: float) -> None:
    timed = planned(name, total)
    lasts = timed.completed - timed.created
    first = told(name, timed, timed.created + share * lasts)
    second = told(name, timed, timed.created + (share + more) * lasts)
    assert first.objects.items() <= second.objects.items()
    for service, lines in first.lines.items():
        assert second.lines[service][: len(lines)] == lines
    before, after = (past.rows["jobs"].get((timed.job.job_id,), {}) for past in (first, second))
    ranks = [STATUSES[name].index(str(row["status"])) if row else -1 for row in (before, after)]
    assert ranks == sorted(ranks)
    assert len(first.rows["segment-completions"]) <= len(second.rows["segment-completions"])


@settings(max_examples=40, deadline=None)
@given(NAMES, TOTALS, SHARES)
def test_nothing_is_told_of_the_time_after(name: str, total: int, share: float) -> None:
    timed = planned(name, total)
    until = timed.created + share * (timed.completed - timed.created)
    past = told(name, timed, until)
    assert all(one.at <= until for one in past.objects.values())
    # The container's second line comes half a second behind the first.
    assert all(line.at <= until + 0.5 for lines in past.lines.values() for line in lines)
    times = [
        value for table in past.rows.values() for row in table.values() for key, value in row.items() if "_at" in key
    ]
    assert all(int(at) <= until for at in times)


@pytest.mark.parametrize("name", VERSIONS)
@pytest.mark.parametrize("total", [1, 3, 40])
def test_at_the_end_nothing_waits_and_all_is_there(name: str, total: int) -> None:
    timed = planned(name, total)
    past, job = told(name, timed), timed.job
    assert not past.waiting
    assert not past.dead
    assert not past.rows["inference-invocations"]
    row = past.rows["jobs"][(job.job_id,)]
    assert (row["status"], row["completed_at"], row["total_segments"]) == ("completed", int(timed.completed), total)
    assert set(past.rows["segment-completions"]) == {(job.job_id, index) for index in range(total)}
    lock = past.rows["reassembly-triggered"][(job.job_id,)]
    assert (lock["triggered_at"], lock["reassembly_started_at"]) == (int(timed.triggered), int(timed.reassembly_taken))
    expected = {(INPUT, job.source_key), (OUTPUT, job.film_key)}
    for index in range(total):
        expected |= {(INPUT, job.chunk_key(index)), (OUTPUT, job.request_key(index))}
        expected |= {(OUTPUT, job.output_key(index)), (OUTPUT, job.response_key(index))}
    assert set(past.objects) == expected
    assert [(one.started, one.ended) for one in past.inferences] == list(zip(timed.started, timed.ended, strict=True))


def test_a_segment_that_comes_before_the_total_is_recorded_by_its_answer() -> None:
    """Newest (F19): job-worker cannot use the object of a segment while the others are still being cut."""
    timed = planned("newest", 40)
    early = [index for index, at in enumerate(timed.recorded) if at < timed.chunked]
    assert early
    lines = told("newest", timed).lines["job-worker"]
    assert sum("no total_segments, skip" in line.text for line in lines) == len(early)
    assert sum("segment file -> completion" in line.text for line in lines) == 40 - len(early)
    assert sum("SageMaker success" in line.text for line in lines) == 40
    assert not [line for line in told("runbook", planned("runbook", 40)).lines["video-worker"] if "skip" in line.text]


@pytest.mark.parametrize("name", VERSIONS)
def test_without_a_stage_its_messages_wait(name: str) -> None:
    timed = planned(name, 4)
    past = told(name, timed.without("taken", 2))
    assert [message.token for message in past.waiting.values()] == [timed.job.chunk_key(2)]
    assert past.rows["jobs"][(timed.job.job_id,)]["status"] == "chunking_complete"
    assert len(past.rows["segment-completions"]) == 3


def test_a_dead_letter_was_received_once_too_often() -> None:
    timed = planned("runbook", 1)
    past = told("runbook", timed.without("taken"))
    key = timed.job.chunk_key(0)
    past.taken("video-worker", key, AT + 1, MAX_RECEIVE_COUNT)
    past.dead_lettered("video-worker", key, AT + 9)
    (letter,) = past.dead
    assert (letter.queue, letter.token, letter.receives) == ("video-worker", key, MAX_RECEIVE_COUNT + 1)
    assert not past.waiting
    (passage,) = past.passages["video-worker"]
    assert passage.dead
    assert passage.done == AT + 9


def test_a_message_whose_worker_is_gone_is_visible_again() -> None:
    past = told("runbook", planned("runbook", 1).without("taken"))
    (message,) = past.waiting.values()
    past.taken("video-worker", message.token, AT + 1, hidden_s=2400)
    assert message.hidden_until == AT + 2401
    past.return_messages(AT + 10)
    assert message.hidden_until == AT + 10
    past.expired("video-worker", message.token)
    assert not past.waiting
