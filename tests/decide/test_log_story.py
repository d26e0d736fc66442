"""Every job's story against what the sandbox itself knows: phases, pauses, whose each line is, what never came."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

import pytest

from ops_lib.decide.log_story import Gap, Story, log_story
from ops_lib.decide.phases import Phase
from ops_lib.decide.story_findings import story_findings
from ops_lib.evidence import LogLine, Read
from ops_lib.log_format import LOGGED, REQUESTS, job_of
from ops_lib.log_rows import Coverage, Cut
from ops_lib.sandbox.incidents import for_version
from ops_lib.sandbox.pipeline.past import Past
from ops_lib.sandbox.pipeline.plan import Timed
from ops_lib.sandbox.pipeline.version import VERSIONS, version_named
from ops_lib.sandbox.story import Story as Sandbox
from ops_lib.tracebacks import THREAD
from tests.counts import PROVE
from tests.decide.states import NOW as CRAFTED
from tests.decide.states import ago
from tests.decide.states import job as crafted
from tests.decide.states import line as said
from tests.recorded import UNREAD, captured_at, expected_verdicts, job_evidence, recording
from tests.told import Told, moment

NOW = datetime(2026, 11, 23, 16, tzinfo=UTC).timestamp()
# Rows and objects tell whole seconds, and a line at most a millisecond less.
EXACT, WHOLE = timedelta(milliseconds=2), timedelta(seconds=1)
JOBS = 40
# What is late, by incident: the promising line and how often it was broken. Every other job has kept its promises.
LATE = {
    "trigger-never-ran": {"recorded": 1},
    "failed-but-complete": {"recorded": 1},
    "unknown": {"recorded": 1},
    "lock-without-message": {"trigger-sent": 1},
    "reassembly-died": {"concat-started": 1},
    "completion-never-recorded": {"invoked": 1},
    "inference-timed-out": {"invoked": 1, "inference-started": 1},
    "chunking-dies": {"chunking-started": 5},
    "crash-loop": {"chunking-started": 1},
    "runbook backlog-scales-nothing": {"trigger-sent": 1},  # for longer than a reassembly may take there
    "workers-never-started": {"invoked": 6},
    "notifications-overlap": {"invoked": 6},
}


@cache
def sandbox(version: str) -> Told:
    return Told(Sandbox(version_named(version), NOW, JOBS, 7))


@cache
def scene(version: str, incident: str) -> Told:
    return Told(Sandbox(version_named(version), NOW, 1, 7, (incident,)))


@cache
def story(version: str, job_id: str) -> Story:
    told = sandbox(version)
    return log_story(told.job(job_id), told.now)


def jobs() -> Iterator[Any]:
    for version in VERSIONS:
        recent = Sandbox(version_named(version), NOW, JOBS, 7).recent
        for timed in recent if PROVE else recent[-6:]:
            yield pytest.param(version, timed, id=f"{version}-{timed.job.job_id[:8]}-{timed.job.total}")


def named(told: Story, name: str, index: int | None = None) -> Phase:
    (found,) = (one for one in told.phases if (one.name, one.segment_index) == (name, index))
    assert found.outcome == "done"
    return found


def near(found: datetime | None, seconds: float, within: timedelta = EXACT) -> bool:
    return found is not None and abs(found - moment(seconds)) <= within


@pytest.mark.parametrize(("version", "timed"), list(jobs()))
def test_the_phases_of_a_completed_job_are_those_it_went_through(version: str, timed: Timed) -> None:
    told = story(version, timed.job.job_id)
    upload, chunking = named(told, "upload"), named(told, "chunking")
    assert near(upload.began, timed.created, WHOLE)
    assert near(upload.ended, timed.uploaded, WHOLE)
    assert near(chunking.began, timed.chunk_taken)
    assert near(chunking.ended, timed.chunked)
    for index in range(timed.job.total):
        one, done = named(told, "inference", index), named(told, "completion", index)
        assert near(one.began, timed.invoked[index], timedelta(seconds=0.31))  # "invoking" comes before it is accepted
        assert near(one.ended, timed.ended[index], timedelta(seconds=0.31))
        assert near(done.ended, timed.recorded[index], timedelta(seconds=0.16))
    trigger, reassembly, completed = (named(told, name) for name in ("trigger", "reassembly", "completed"))
    assert near(trigger.began, max(timed.recorded), timedelta(seconds=0.16))
    assert near(trigger.ended, timed.triggered)
    assert near(reassembly.began, timed.reassembly_taken)
    assert near(reassembly.ended, timed.film)
    assert near(completed.ended, timed.completed, WHOLE)
    assert told.is_over
    assert told.absent == ()


@pytest.mark.parametrize(("version", "timed"), list(jobs()))
def test_a_pause_is_where_the_sandbox_was_between_two_steps(version: str, timed: Timed) -> None:
    told = story(version, timed.job.job_id)
    waited = [gap for gap in told.gaps if gap.before and gap.before.name == "chunking"]
    assert sum(gap.seconds for gap in waited) == pytest.approx(timed.chunk_taken - timed.uploaded, abs=1.01)
    taken = [gap for gap in told.gaps if gap.before and gap.before.name == "reassembly"]
    assert sum(gap.seconds for gap in taken) == pytest.approx(timed.reassembly_taken - timed.triggered, abs=0.17)
    assert all(gap.seconds > 0 and gap.before for gap in told.gaps)
    assert not any(
        one.began and one.ended and one.began < gap.began < one.ended for one in told.phases for gap in told.gaps
    )


@pytest.mark.parametrize("version", VERSIONS)
def test_every_line_is_in_the_story_of_its_job_and_in_no_other(version: str) -> None:
    told = sandbox(version)
    owned: dict[LogLine, list[str]] = {}
    for (job_id,) in told.story.past.rows["jobs"]:
        for event in log_story(told.job(str(job_id)), told.now).lines:
            assert event.line is not None
            owned.setdefault(event.line, []).append(str(job_id))
    for line in told.lines:
        owner = job_of(line.message)
        assert owned.get(line, []) == ([owner] if owner else [])


def is_told(incident: str) -> bool:
    """Return whether an incident is told in a short run: thousands of segments take their time."""
    return PROVE or incident not in ("too-many-segments-for-trigger", "backlog-scales-nothing")


class Kept(Past):
    """A past that remembers whose traceback each line is: of the error that was told right before it."""

    def line(self, service: str, text: str, at: float, log_name: str = "", level: str = "INFO") -> None:
        super().line(service, text, at, log_name, level)
        begins = log_name or text.startswith(THREAD) or REQUESTS in text
        self.owner = job_of(text) if begins else getattr(self, "owner", None)
        self.kept: list[tuple[datetime, str, str | None]] = getattr(self, "kept", [])
        if not begins:
            self.kept.append((moment(at), text, self.owner))


@pytest.mark.parametrize("version", VERSIONS)
def test_tracebacks_stand_below_the_right_job_and_never_another(version: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ops_lib.sandbox.story.Past", Kept)
    told = Told(
        Sandbox(version_named(version), NOW, 5, 7, tuple(name for name in for_version(version) if is_told(name)))
    )
    past = told.story.past
    assert isinstance(past, Kept)
    truth = {(at, text): owner for at, text, owner in past.kept}
    seen = 0
    for (job_id,) in past.rows["jobs"]:
        for event in log_story(told.job(str(job_id)), told.now).lines:
            for text in event.below:
                assert truth[event.at, text] == job_id, event
                assert not LOGGED.match(text)
                seen += 1
    ours = [owner for (at, _), owner in truth.items() if owner and (owner,) in past.rows["jobs"] and at <= told.now]
    assert seen == len(ours) > 60


def incidents() -> Iterator[tuple[str, str]]:
    """Every incident, in its newest version unless all are to be proved."""
    newest = for_version("newest")
    yield from (("newest", name) for name in newest if is_told(name))
    yield from (("runbook", name) for name in for_version("runbook") if PROVE or name not in newest)


@pytest.mark.parametrize(("version", "incident"), list(incidents()))
def test_an_incidents_story_names_the_line_that_never_came(version: str, incident: str) -> None:
    told = scene(version, incident)
    for number, job in enumerate(told.story.scene.about.get(incident, ())[:2]):
        found = log_story(told.job(job.job_id), told.now)
        late = {one.promise.line: one.times for one in found.absent if one.state == "absent"}
        if number == 0:
            assert late == LATE.get(f"{version} {incident}", LATE.get(incident, {})), (version, incident)
        assert {event.line.message for event in found.lines if event.line} >= {
            line.message for line in told.lines if f"job_id={job.job_id}" in line.message
        }
        silent = found.is_whole and not found.lines and found.row and found.row.status != "created"
        assert story_findings(found)[0].severity == ("warning" if silent else "ok")


@pytest.mark.parametrize(("version", "job_id", "name"), expected_verdicts())
def test_every_recorded_jobs_story(version: str, job_id: str, name: str) -> None:
    found = log_story(job_evidence(version, job_id), captured_at(version))
    messages = [e["message"] for events in recording(version)["logs"].values() for e in events]
    assert len(found.lines) == sum(f"job_id={job_id}" in message for message in messages)
    late = {one.promise.line: one.times for one in found.absent if one.state == "absent"}
    assert late == {"reassembly-died": {"concat-started": 1}, "trigger-never-ran": {"recorded": 1}}.get(name, {})
    made_good = {one.promise.line: one.times for one in found.absent if one.state == "made good"}
    assert made_good == ({"chunking-started": 5} if name == "completed" else {})
    errors = {cluster.count for cluster in found.clusters if cluster.level == "ERROR"}
    assert errors == {"completion-event-dead-lettered": {5}, "inference-refused": {15}}.get(name, set())
    done = {one.segment_index for one in found.phases if one.name == "completion" and one.outcome == "done"}
    assert len(done) == {"completion-event-dead-lettered": 2, "inference-refused": 0, "segments-in-progress": 1}.get(
        name, 3
    )
    assert found.is_over == (name == "completed")
    if name != "segments-in-progress":  # recorded within its last second
        assert (found.gaps[-1].before is None) != found.is_over


@pytest.mark.parametrize(
    ("source_s", "uploaded_s", "ended_s"),
    [
        (205, None, 205),
        (199.5, None, 200),  # S3 tells whole seconds, rounded either way
        (50, None, None),  # copied onto itself later: when it was uploaded is not known
        (50, 207, 207),
        (205, 190, 200),
    ],
)
def test_an_upload_has_ended_when_chunking_takes_the_source(
    source_s: float, uploaded_s: float | None, ended_s: float | None
) -> None:
    start = said("media_worker.chunking: chunking: job_id={J} start (key=k)", 200)
    row = {"created_at": ago(300), "uploaded_at": ago(uploaded_s)}
    found = log_story(crafted(lines=[start], source_s=source_s, recorded=(), **row), CRAFTED)
    (upload,) = (one for one in found.phases if one.name == "upload")
    assert (upload.began, upload.ended, upload.outcome) == (ago(300), ago(ended_s), "done")


# What may be lacking decides what an absent line proves.


def died(**coverage: Any) -> Story:
    told = scene("newest", "reassembly-died")
    job = told.job(told.story.scene.about["reassembly-died"][0].job_id)
    assert isinstance(job.logs, Read)
    assert job.logs.value.coverage is not None
    changed = replace(job.logs.value, coverage=replace(job.logs.value.coverage, **coverage))
    return log_story(replace(job, logs=replace(job.logs, value=changed)), told.now)


MEDIA = "/ecs/stereo-spot/media-worker"


@pytest.mark.parametrize(
    ("coverage", "why"),
    [
        ({"unread": {MEDIA: UNREAD}}, "was not read"),
        ({"groups": ("/ecs/stereo-spot/job-worker",)}, "no log group of media-worker was read"),
        ({"until": moment(NOW - 3 * 3600)}, "the window ends before it was due"),
        ({"cuts": (Cut(moment(NOW - 4 * 3600), moment(NOW), "the query timed out"),)}, "the query timed out"),
    ],
)
def test_a_line_is_not_absent_where_it_may_not_have_been_read(coverage: dict[str, Any], why: str) -> None:
    (one,) = (one for one in died(**coverage).absent if one.promise.line == "concat-started")
    assert one.state == "not known"
    assert why in one.why


def test_a_cut_long_before_takes_nothing_from_what_came_after() -> None:
    past = Cut(moment(NOW - 9 * 3600), moment(NOW - 8 * 3600), "timed out")
    assert [one.state for one in died(cuts=(past,)).absent] == ["absent"]


def test_what_is_lacking_makes_the_story_unknown_but_a_build_says_nothing_of_a_job() -> None:
    built = died(missing=("/aws/codebuild/stereo-spot-inference-build",))
    assert (built.lacking, story_findings(built)[0].severity) == ((), "ok")
    gone = died(missing=(MEDIA,))
    assert story_findings(gone)[0].severity == "unknown"
    assert "does not exist" in gone.lacking[0]


def test_lines_that_were_not_read_leave_what_rows_and_objects_tell() -> None:
    told = scene("newest", "completed")
    job = replace(told.job(told.story.scene.about["completed"][0].job_id), logs=UNREAD)
    found = log_story(job, told.now)
    (finding,) = story_findings(found)
    assert (finding.severity, found.lines, found.absent, found.clusters) == ("unknown", (), (), ())
    assert {one.name for one in found.phases} >= {"upload", "completion", "trigger", "completed"}


@pytest.mark.parametrize(
    ("row", "severity", "words"),
    [
        (None, "unknown", "there is no such job"),
        (UNREAD, "unknown", "its row was not read"),
        ("created", "ok", "no worker has had it yet"),
        ("chunking_complete", "warning", "although it is chunking_complete"),
    ],
    ids=str,
)
def test_an_empty_answer_is_well_only_where_no_line_is_due(row: Any, severity: str, words: str) -> None:
    told = scene("newest", "reassembly-died")
    job = told.job(told.story.scene.about["reassembly-died"][0].job_id)
    assert isinstance(job.logs, Read)
    assert isinstance(job.row, Read)
    assert job.row.value is not None
    own = row if row is UNREAD else replace(job.row, value=row and replace(job.row.value, status=row))
    silent = replace(job, row=own, logs=replace(job.logs, value=replace(job.logs.value, lines=())))
    finding = story_findings(log_story(silent, told.now))[0]
    assert (finding.severity, words in finding.summary) == (severity, True), finding.summary


@pytest.mark.parametrize(
    ("minutes", "status"), [(59, "ingesting"), (61, "ingesting"), (61, "completed"), (61, "created")]
)
def test_a_job_that_has_fallen_silent_is_not_called_well(minutes: int, status: str) -> None:
    told = scene("newest", "ingest-died")
    job = told.job(told.story.scene.about["ingest-died"][0].job_id)
    assert isinstance(job.row, Read)
    assert job.row.value is not None
    last = max(event.at for event in log_story(job, told.now).events)
    job = replace(job, row=replace(job.row, value=replace(job.row.value, status=status)))
    found = log_story(job, last + timedelta(minutes=minutes))
    quiet = [one.summary for one in story_findings(found) if one.severity == "warning"]
    said = ["Nothing was heard of the job for 61 min, and it is ingesting."]
    assert quiet == (said if (minutes, status) == (61, "ingesting") else [])


def test_a_part_of_the_window_is_not_called_the_whole_story() -> None:
    assert "the whole story" in story_findings(died())[0].summary
    assert "the part that was asked for" in story_findings(died(since=moment(NOW - 3600)))[0].summary


def test_a_job_under_way_is_covered_until_now_and_nothing_is_absent_yet() -> None:
    for incident in ("chunking-in-progress", "reassembly-running", "segments-in-progress"):
        if incident not in for_version("newest"):
            continue
        told = scene("newest", incident)
        found = log_story(told.job(told.story.scene.about[incident][0].job_id), told.now)
        assert {one.state for one in found.absent} <= {"not yet", "made good"}
        assert all(gap.before for gap in found.gaps), incident


def test_a_gap_of_what_has_no_end_says_so() -> None:
    found = died()
    gaps: list[Gap] = [gap for gap in found.gaps if gap.silent]
    assert [gap.after.label for gap in gaps] == ["reassembly"]
    assert gaps[0].seconds == pytest.approx(3602.6, abs=1)


def test_thousands_of_segments_are_told_at_once() -> None:
    now = moment(NOW)
    group = "/ecs/stereo-spot/video-worker"
    job = job_evidence("runbook", "bb37f23c-7609-4727-bc8a-bb541b4bd02a")
    text = (
        "2026-01-01T00:00:00Z [INFO] video_worker.inference: video-worker: job_id={} segment_index={}/6000 invoked (x)"
    )
    lines = tuple(
        LogLine(now - timedelta(seconds=9000 - n), group, "s", text.format(job.job_id, n)) for n in range(6000)
    )
    assert isinstance(job.logs, Read)
    coverage = Coverage((group,), now - timedelta(days=1), now, now)
    logs = replace(job.logs.value, lines=lines, tracebacks=(), coverage=coverage)
    found = log_story(replace(job, logs=replace(job.logs, value=logs)), now)
    (one,) = (one for one in found.absent if one.state == "absent")
    assert (one.promise.line, one.times, len(one.segments)) == ("invoked", 6000, 6000)
