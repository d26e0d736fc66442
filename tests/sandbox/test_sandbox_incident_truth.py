"""Each incident is a story that could have happened: causes before effects, retries when messages are visible again."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache, cached_property
from itertools import pairwise
from unittest.mock import patch

import pytest

from ops_lib.sandbox.incidents import INCIDENTS, for_version
from ops_lib.sandbox.pipeline.past import MAX_RECEIVE_COUNT, Line, Past
from ops_lib.sandbox.pipeline.version import OUTPUT, VERSIONS, version_named
from ops_lib.sandbox.story import UNDER_WAY, Story

NOW = 1_795_000_000.0
DAY_S = 86_400.0
# It is told without lines: all of it is older than a log group keeps.
ALONE = "too-many-segments-for-trigger"
CASES = [(version, name) for version in VERSIONS for name in for_version(version) if name != ALONE]
# Of which the incident shows that a job is at work right now, beside the one that always is.
OVER = [case for case in CASES if INCIDENTS[case[1]].kind != "healthy"]
JOB_ID = re.compile(r"job_id=([0-9a-f-]{36})")


@dataclass
class Told:
    """One incident's past, with every put of an object: a later one hides the time of an earlier."""

    past: Past
    incident: str
    about: set[str]
    puts: dict[tuple[str, str], set[float]]
    timeouts: dict[str, int]

    def lines(self, *services: str) -> list[Line]:
        """Return the lines of some services about the incident's own jobs, in order of time."""
        return sorted((line for service in services for line in self.own.get(service, [])), key=lambda line: line.at)

    @cached_property
    def own(self) -> dict[str, list[Line]]:
        return {name: [one for one in told if self.about & _ids(one)] for name, told in self.past.lines.items()}

    def times(self, service: str, text: str) -> list[float]:
        """Return when a service said it of the incident's own jobs; `text` is a pattern."""
        return [line.at for line in self.lines(service) if re.search(text, line.text)]

    def put(self, key: str) -> list[float]:
        """Return when objects were put whose keys match."""
        return sorted(at for (_, own), times in self.puts.items() if re.fullmatch(key, own) for at in times)

    def visibility_s(self, queue: str) -> float:
        newest = self.past.version.is_newest
        known = {"chunking": 900, "video-worker": 2400, "reassembly": 3600 if newest else 600, "job-events": 60}
        return (known | self.timeouts).get(queue, 120)


def _ids(line: Line) -> set[str]:
    return set(JOB_ID.findall(line.text))


@cache
def told(version: str, name: str) -> Told:
    story = Story(version_named(version), NOW, 60, 7, (name,))
    puts: dict[tuple[str, str], set[float]] = defaultdict(set)
    put_object = Past.put_object

    def put(past: Past, bucket: str, key: str, size: int, at: float) -> None:
        puts[bucket, key].add(at)
        put_object(past, bucket, key, size, at)

    with patch.object(Past, "put_object", put):
        about = {job.job_id for job in story.scene.about.get(name, [])}
    return Told(story.past, name, about, puts, story.scene.timeouts)


@pytest.fixture
def one(request: pytest.FixtureRequest) -> Told:
    return told(*request.param)


def of(cases: list[tuple[str, str]], *names: str) -> pytest.MarkDecorator:
    chosen = [case for case in cases if not names or case[1] in names]
    return pytest.mark.parametrize("one", chosen, indirect=True, ids="-".join)


@of(OVER)
def test_nothing_of_it_lies_in_the_future_or_before_its_job(one: Told) -> None:
    lines = one.lines(*one.past.lines)
    assert all(line.at <= NOW for line in lines)
    assert all(message.moved and message.moved <= NOW for message in one.past.dead)
    for job_id in one.about:
        created = one.past.rows["jobs"].get((job_id,), {}).get("created_at")
        assert created is None or all(line.at >= int(created) for line in lines if job_id in line.text)


@of(CASES)
def test_a_segment_is_cut_before_anybody_speaks_of_it(one: Told) -> None:
    for line in one.lines("video-worker", "inference"):
        segment = re.search(rf"{JOB_ID.pattern} segment_index=(\d+)", line.text)
        if segment:
            (cut, *_) = one.put(rf"segments/{segment[1]}/{int(segment[2]):05d}_.*")
            assert cut <= line.at, line.text
    for job_id in one.about:
        cuts = one.put(f"segments/{job_id}/.*")
        if cuts and NOW - cuts[0] < 6 * DAY_S:
            (start, *_) = one.times("media-worker", rf"{job_id} start \(key")
            assert start <= cuts[0]


@of(CASES)
def test_what_was_refused_is_tried_again_when_its_message_is_visible(one: Told) -> None:
    for job_id in one.about:
        for index in range(60):
            segment = rf"{job_id} segment_index={index}\b"
            tries = one.times("video-worker", rf"{segment}.* (invoked \(|invoke_async failed)")
            again(tries, one.put(rf"segments/{job_id}/{index:05d}_.*"), 2400)
        again(one.times("media-worker", rf"{job_id} start \(key"), one.put(f"input/{job_id}/source.mp4"), 900)
        received = one.times("media-worker", f"reassembly: job_id={job_id} received")
        again(received, [], one.visibility_s("reassembly"))


def again(tries: list[float], sent: list[float], visibility_s: float) -> None:
    """Fail if something was tried again too early, unless it was sent again."""
    for before, after in pairwise(tries):
        assert after - before >= visibility_s - 1 or any(before < at <= after for at in sent)


@of(CASES)
def test_who_could_not_have_the_lock_had_received_the_message(one: Told) -> None:
    received = one.times("media-worker", "received$")
    for refused in one.times("media-worker", "lock not acquired"):
        assert any(refused - 2 < at <= refused for at in received)


@of(CASES)
def test_every_output_has_its_inference_and_every_film_its_concat(one: Told) -> None:
    for job_id in one.about:
        for index in range(60):
            completed = one.times("inference", f"{job_id} segment_index={index} invocations complete")
            for at in one.put(f"jobs/{job_id}/segments/{index}.mp4"):
                assert NOW - at > 6 * DAY_S or any(abs(at - done) < 1 for done in completed)
            words = rf"{job_id} segment_index={index} (segment file|SageMaker|-> )"
            recorded = one.times(one.past.version.recorder, words)
            assert not recorded or not completed or recorded[0] >= completed[0]
        if one.put(f"jobs/{job_id}/final.mp4"):
            assert one.times("media-worker", f"{job_id} concat")


@of(OVER)
def test_the_one_instance_converts_one_segment_at_a_time_whoever_it_belongs_to(one: Told) -> None:
    lines = sorted(one.past.lines["inference"], key=lambda line: line.at)
    spans = [line for line in lines if re.search(r"invocations (start|complete|failed)", line.text)]
    for before, after in pairwise(spans):
        if after.text.endswith("start") and before.text.endswith("start"):
            # Whose end no line tells: SageMaker's own timeout.
            assert after.at - before.at >= 3600
        elif not after.text.endswith("start"):
            assert _ids(before) == _ids(after)


@of(CASES)
def test_nobody_speaks_while_no_task_runs_and_each_task_says_that_its_loops_started(one: Told) -> None:
    for service in one.past.tasks.first:
        tasks, lines = one.past.tasks.of(service), one.past.lines[service]
        for task, following in pairwise(tasks):
            assert not [line for line in lines if (task.stopped or NOW) < line.at < following.started]
        if one.past.tasks.ran_until(service) < NOW:
            assert all(line.at <= one.past.tasks.ran_until(service) for line in lines)
        if service != "web-ui":
            started = [line.at for line in lines if "loop started" in line.text]
            assert all(any(task.started < at < task.started + 5 for at in started) for task in tasks)


@of(CASES)
def test_a_dead_letter_was_received_five_times_as_far_apart_as_the_queue_hides_it(one: Told) -> None:
    for letter in one.past.dead:
        assert letter.receives == MAX_RECEIVE_COUNT + 1
        assert letter.first_received is not None
        assert letter.moved is not None
        assert letter.sent <= letter.first_received
        assert letter.moved - letter.first_received >= MAX_RECEIVE_COUNT * one.visibility_s(letter.queue) - 3


@of([case for case in CASES if INCIDENTS[case[1]].kind == "message"])
def test_each_failed_receive_of_a_letter_leaves_a_line(one: Told) -> None:
    for letter in one.past.dead:
        if letter.token == "test-event" and letter.queue == "video-worker":
            continue  # video-worker says nothing of what it cannot use
        service = next(name for name, queues in one.past.version.consumers.items() if letter.queue in queues)
        lines = [line.at for line in one.past.lines[service] if line.level in ("WARNING", "ERROR")]
        for number in range(MAX_RECEIVE_COUNT):
            at = (letter.first_received or 0) + number * one.visibility_s(letter.queue)
            assert any(at <= line <= at + 2 for line in lines), letter.token
        row = one.past.rows["jobs"].get((next(iter(one.about), ""),), {})
        assert int(row.get("created_at", 0)) <= letter.sent


@of(CASES, "deleted-job", "would-do-harm")
def test_what_was_deleted_had_ended_and_only_later_results_are_left(one: Told) -> None:
    (job_id,) = one.about
    (marked,) = one.times("web-ui", "marked deleted")
    (done,) = one.times("media-worker", f"deletion: job_id={job_id} done")
    ended = one.times("video-worker", "marked failed") + one.times("job-worker", "-> completed")
    assert min(ended) < marked < done
    mine = re.compile(f"(input|segments|jobs)/{job_id}/")
    assert all(found.at > done for (_, key), found in one.past.objects.items() if mine.match(key))
    rows = [row for key, row in one.past.rows["segment-completions"].items() if key[0] == job_id]
    assert all(int(row["completed_at"]) > done for row in rows)


def finished(one: Told, service: str, text: str) -> Iterator[float]:
    return (line.at for line in one.past.lines[service] if text in line.text)


@of(CASES, "workers-never-started", "notifications-overlap")
def test_no_event_of_the_output_bucket_was_read_since(one: Told) -> None:
    since = min(one.put(f"jobs/{next(iter(one.about))}/segments/.*"))
    assert all(passage.done < since for passage in one.past.passages["job-status-events"])
    assert all(line.at < since for line in one.past.lines["job-worker"])


@of(CASES, "inference-refused", "request-never-uploaded")
def test_nothing_was_converted_while_the_endpoint_could_not(one: Told) -> None:
    tries = one.times("video-worker", "invoke_async failed") or one.times("video-worker", "invoked")
    assert not [at for at in finished(one, "inference", "invocations complete") if tries[0] < at]


@of(CASES, "access-denied")
def test_nothing_was_chunked_while_no_source_could_be_read(one: Told) -> None:
    assert not [at for at in finished(one, "media-worker", "complete total_segments") if at > NOW - 97 * 60]


@of(CASES, "lock-without-message")
def test_the_trigger_says_what_it_will_do_and_does_not_do_it_twice(one: Told) -> None:
    recorder = one.past.version.recorder
    (sending,) = one.times(recorder, "sending to reassembly queue")
    (failed,) = one.times(recorder, "failed to process message")
    skipped = one.times(recorder, "already triggered")
    assert sending < failed
    assert skipped[-1] - sending >= 120


@of(CASES, "reassembly-died", "lock-burned-early", "segment-output-gone", "output-done-status-stale")
def test_the_message_came_again_unless_it_was_deleted(one: Told) -> None:
    if not (one.past.version.is_newest and one.incident == "output-done-status-stale"):
        assert len(one.times("media-worker", "received$")) == 2
        assert len(one.times("media-worker", "lock not acquired")) == 1
    else:
        assert one.times("media-worker", "uploading final.mp4")
        assert one.times("media-worker", "video-worker sets status")


@of(CASES, "completions-do-not-fit")
def test_of_two_sources_each_was_cut_and_converted_in_its_turn(one: Told) -> None:
    (job_id,) = one.about
    first, second = one.times("media-worker", r"start \(key")
    longer, shorter = one.put(rf"segments/{job_id}/\d+_00007_.*"), one.put(rf"segments/{job_id}/\d+_00005_.*")
    assert first < longer[0] <= longer[-1] < second < shorter[0]
    assert one.times("media-worker", "complete total_segments=5") > [second]
    assert one.past.rows["jobs"][(job_id,)]["total_segments"] == 5
    assert {key[1] for key in one.past.rows["segment-completions"] if key[0] == job_id} == set(range(7))


@of(CASES, "status-regressed")
def test_what_was_cut_again_was_converted_again(one: Told) -> None:
    (job_id,) = one.about
    assert len(one.put(f"jobs/{job_id}/segments/0.mp4")) == 2
    assert len(one.times("media-worker", r"start \(key")) == 2
    first, second = one.times("media-worker", "complete total_segments")
    assert first < one.past.objects[OUTPUT, f"jobs/{job_id}/final.mp4"].at < second


def test_no_job_is_under_way_where_an_incident_keeps_all_calm_unless_another_shows_such_jobs() -> None:
    newest = version_named("newest")
    for names, at_work in (
        ((), True),
        (("workers-never-started",), False),
        (("inference-refused", "chunking-queued"), True),
    ):
        rows = Story(newest, NOW, 20, 7, names).past.rows["jobs"]
        assert ((UNDER_WAY,) in rows) == at_work, names


@of(CASES, "progress-stale")
def test_a_record_that_failed_five_times_is_dead_and_the_newest_wait(one: Told) -> None:
    waiting = [message for (queue, _), message in one.past.waiting.items() if queue == "job-events"]
    assert waiting
    assert one.past.dead
    assert max(letter.sent for letter in one.past.dead) < min(message.sent for message in waiting)
    assert all(0 < message.receives <= MAX_RECEIVE_COUNT for message in waiting)


@of(CASES, "event-expired")
def test_an_event_expired_as_a_dead_letter_while_others_were_read(one: Told) -> None:
    lost = [passage for passage in one.past.passages["chunking"] if passage.dead]
    assert [NOW - passage.sent > 15 * DAY_S for passage in lost] == [True]
    assert not one.past.dead


@of(CASES, "inference-failed", "inference-timed-out")
def test_a_failure_object_says_what_failed_and_has_the_id_of_its_row(one: Told) -> None:
    objects = {key: put for (_, key), put in one.past.objects.items() if key.startswith("sagemaker-async-failures/")}
    words = "Timed out uploading object (" if one.incident == "inference-timed-out" else "Received server error (500)"
    assert objects
    for put in objects.values():
        assert put.text
        assert put.text.startswith(words)
        assert put.size == len(put.text)
    rows = [row for row in one.past.rows["inference-invocations"].values() if row["job_id"] in one.about]
    # The row of the container's error, five hours ago, is past its ttl.
    assert len(rows) == (1 if one.incident == "inference-timed-out" else 0)
    for row in rows:
        inference_id = str(row["output_location"]).rpartition("/")[2].removesuffix(".out")
        assert f"sagemaker-async-failures/{inference_id}-error.out" in objects


@of(CASES, "completion-event-dead-lettered", "inference-refused")
def test_an_errors_traceback_follows_it_line_by_line_without_the_jobs_id(one: Told) -> None:
    service = "video-worker" if one.incident == "inference-refused" else one.past.version.recorder
    lines = one.past.lines[service]
    (first, *_) = [place for place, line in enumerate(lines) if line.level == "ERROR" and one.about & _ids(line)]
    following = [line.text for line in lines[first + 1 : first + 5]]
    assert following[0] == "Traceback (most recent call last):"
    assert any(text.startswith("botocore.exceptions.ClientError: ") for text in following)
    assert not [text for text in following[:3] if JOB_ID.search(text)]
