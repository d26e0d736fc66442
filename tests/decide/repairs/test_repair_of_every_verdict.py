"""Every verdict of the table has a plan or a reason why there is none; which one stands here, by hand."""

from __future__ import annotations

from dataclasses import replace

import pytest

from ops_lib.change.plan import Plan
from ops_lib.decide.repairs import REPAIRS, NoRepair, plan_for_all
from ops_lib.decide.repairs.names import NOBODY
from ops_lib.decide.stuck_job import judge
from ops_lib.decide.verdict import conclude
from ops_lib.decide.vocabulary import VERDICTS
from ops_lib.evidence import Completion, JobRow, Read, Unread
from ops_lib.gathered import JobEvidence
from tests.decide.repairs.deployment import NAMES, plan_of, planned, refusal, words
from tests.decide.states import HOUR, JOB, LONG, NOW, STREAM, at, dead, job, line, queue
from tests.recorded import VERSIONS, captured_at, expected_verdicts, job_evidence, read

TRIGGER = ["PutItem reassembly-triggered", "SendMessage reassembly"]
SET, INFER, CUT = "UpdateItem jobs", "SendMessage video-worker", "SendMessage chunking"
FILM, LOCKED = {"film_s": HOUR}, {"lock": (LONG, LONG - 1)}
DEAD = {"started_s": 60.0}


def failures(text: str, times: int = 5) -> list[object]:
    return [line(f"{text}", 3 * LONG - 60 * number) for number in range(times)]


def regressed() -> JobEvidence:
    return job(film_s=HOUR, completed_at=at(HOUR))


def stale_rows() -> JobEvidence:
    return job(recorded=(0, 1, 2, 3, 4), chunked_s=2 * LONG, produced_s=LONG)


def ghost() -> JobEvidence:
    row = JobRow(JOB, "completed", None, None, at(HOUR), None)
    return replace(job(recorded=(), produced=()), row=read(row))


def row(status: str, **others: object) -> JobEvidence:
    return job(status=status, total=None, recorded=(), produced=(), **others)  # type: ignore[arg-type]


def refused() -> JobEvidence:
    lines = failures("video-worker: job_id={J} segment_index=2 invoke_async failed: not found")
    return job(status="failed", recorded=(0, 1), lines=lines)  # type: ignore[arg-type]


def failed() -> JobEvidence:
    lines = [line("job_id={J} segment_index=2 invocations failed: iw3 exited 1", LONG)]
    return job(recorded=(0, 1), lines=lines)


def never_uploaded() -> JobEvidence:
    lines = [line("Failed to download object (key: sagemaker-invocation-requests/{J}/2.json)", LONG)]
    return job(recorded=(0, 1), lines=lines)


def timed_out() -> JobEvidence:
    begun = "job_id={J} segment_index=2 mode=sbs invocations start"
    lines = [line("video-worker: job_id={J} segment_index=2/3 invoked (x)", LONG + 2), line(begun, LONG)]
    state = job(recorded=(0, 1), lines=lines)
    assert isinstance(state.logs, Read)
    return replace(state, logs=read(replace(state.logs.value, groups=("/aws/sagemaker/Endpoints/e",))))


def event_dead() -> JobEvidence:
    lines = failures("segment-output: job_id={J} segment_index=2 failed to process message: throttled")
    pairs = {"segment-output": dead(queue("segment-output"), 1)}
    return job(recorded=(0, 1), produced=(0, 1, 2), lines=lines, pairs=pairs)  # type: ignore[arg-type]


def ingest(*texts: str) -> JobEvidence:
    lines = [line(text, LONG - number, "ecs/media-worker/gone") for number, text in enumerate(texts)]
    return row("ingesting", source=False, lines=lines)


START = "ingest: job_id={J} start source_url=https://youtu.be/x"
SKIPPED = "chunking: job_id={J} skip (status=ingesting)"
# By verdict: a job that has it, and the calls of its plan.
PLANS: dict[str, tuple[JobEvidence, list[str]]] = {
    "trigger-never-ran": (job(), TRIGGER),
    "lock-without-message": (job(lock=(HOUR, None)), TRIGGER[1:]),
    "reassembly-died": (job(**LOCKED, recorded_s=2 * LONG, **DEAD), TRIGGER),  # type: ignore[arg-type]
    "lock-burned-early": (job(lock=(2 * LONG, 2 * LONG - 1), **DEAD), TRIGGER),  # type: ignore[arg-type]
    "output-done-status-stale": (job(**FILM, **LOCKED), [SET]),  # type: ignore[arg-type]
    "status-regressed": (regressed(), [SET]),
    "failed-but-complete": (job(status="failed"), TRIGGER),
    "completion-event-dead-lettered": (event_dead(), ["CopyObject 2.mp4"]),
    "completion-never-recorded": (job(recorded=(0, 1), produced=(0, 1, 2)), ["CopyObject 2.mp4"]),
    "inference-refused": (refused(), [SET, INFER]),
    "inference-failed": (failed(), [INFER]),
    "inference-timed-out": (timed_out(), [INFER]),
    "request-never-uploaded": (never_uploaded(), [INFER]),
    "segment-output-gone": (job(produced=(0,), **LOCKED), [INFER, INFER]),  # type: ignore[arg-type]
    "event-expired": (row("created", source_s=16 * 86_400.0, created_at=at(16 * 86_400.0)), [CUT]),
    "source-event-skipped": (row("created", lines=[line(SKIPPED, LONG)]), [CUT]),
    "source-download-failed": (
        row("created", lines=failures("chunking: job_id={J} start (key=input/{J}/source.mp4)")),
        [CUT],
    ),
    "ingest-died": (ingest(START), [SET, "SendMessage ingest"]),
    "completions-do-not-fit": (stale_rows(), ["DeleteItem segment-completions"] * 2 + TRIGGER),
    "total-segments-missing": (
        replace(job(), row=read(JobRow(JOB, "chunking_complete", "sbs", at(3 * LONG), None, None))),
        [SET],
    ),
    "completed-without-output": (job(status="completed", completed_at=at(HOUR)), [TRIGGER[0], SET, TRIGGER[1]]),
    "completed-without-time": (job(status="completed", **FILM), [SET]),  # type: ignore[arg-type]
    "ghost-job": (ghost(), ["DeleteItem jobs"]),
}
# By verdict: a job that has it, and whom to call.
NONE: dict[str, tuple[JobEvidence, str]] = {
    "awaiting-upload": (row("created", source=False, created_at=at(60)), NOBODY),
    "ingesting": (row("ingesting", source=False, lines=[line(START, 60, STREAM)]), NOBODY),
    "chunking-queued": (row("created", source_s=60.0), NOBODY),
    "segments-in-progress": (job(recorded=(0,), chunked_s=60.0), NOBODY),
    "inference-retrying": (
        job(
            status="failed",
            recorded=(0, 1),
            lines=[line("video-worker: job_id={J} segment_index=2 invoke_async failed: x", 60)],
            pairs={"video-worker": queue("video-worker", 1)},
        ),
        NOBODY,
    ),
    "reassembly-queued": (job(lock=(30, None), pairs={"reassembly": queue("reassembly", 1)}), NOBODY),
    "reassembly-running": (job(lock=(60, 59)), NOBODY),
    "chunking-in-progress": (row("chunking_in_progress", lines=[line("chunking: job_id={J} start (x)", 60)]), NOBODY),
    "just-finished": (job(recorded_s=30), NOBODY),
    "completed": (job(status="completed", completed_at=at(HOUR), **FILM), NOBODY),  # type: ignore[arg-type]
    "too-many-segments-for-trigger": (
        job(total=5_701, recorded=range(5_701)),
        "the pipeline's developers",
    ),
    "chunking-dies": (
        row("chunking_in_progress", lines=failures("chunking: job_id={J} start (x)")),
        "whoever deploys the pipeline",
    ),
    "upload-abandoned": (row("created", source=False), "the job's owner"),
    "deleted-job": (job(status="deleted"), "the pipeline's developers"),
    "no-such-job": (replace(job(), row=read(None)), "whoever gave you the job id"),
    "unknown": (job(status="upscaling"), "the pipeline's developers"),
}


def test_every_verdict_of_the_table_is_here_once() -> None:
    assert set(PLANS) | set(NONE) == set(VERDICTS)
    assert not set(PLANS) & set(NONE)
    assert set(PLANS) == set(REPAIRS) - {"reassembly-queued"}, "that one only where it may be lock-without-message"


@pytest.mark.parametrize("name", PLANS)
def test_its_plan(name: str) -> None:
    evidence, calls = PLANS[name]
    assert judge(evidence, NOW).name == name
    plan = plan_of(evidence)
    assert words(plan) == calls
    assert plan.reason.startswith(f"{name} (")
    assert JOB in plan.title
    assert plan.expires > plan.now == NOW
    assert (plan.environment, plan.account_id, plan.region) == ("production", "123456789012", "us-east-1")
    assert all(step.conditions and step.done_when for step in plan.steps)


@pytest.mark.parametrize("name", NONE)
def test_why_it_has_none(name: str) -> None:
    evidence, whom = NONE[name]
    verdict = judge(evidence, NOW)
    assert verdict.name == name
    answer = refusal(evidence)
    assert answer.whom_to_call == whom
    assert answer.reason.startswith(verdict.summary)
    if verdict.wait_until:
        assert f"{verdict.wait_until:%H:%M} UTC" in answer.reason


@pytest.mark.parametrize("name", VERDICTS)
@pytest.mark.parametrize("about", ["trigger-never-ran", "no-such-job", "deleted-job", "ingest-died", "ghost-job"])
def test_a_verdict_about_another_job_is_no_accident(name: str, about: str) -> None:
    evidence = (PLANS | NONE)[about][0]  # type: ignore[operator]
    answer = planned(evidence, conclude(name, ["somebody said so"]))
    assert isinstance(answer, Plan | NoRepair)
    if about in ("no-such-job", "deleted-job"):
        assert isinstance(answer, NoRepair)
        assert answer.reason
    if about == "ghost-job" and isinstance(answer, Plan):
        assert words(answer) == ["DeleteItem jobs"]


def test_where_the_message_may_wait_after_all_it_is_sent_again() -> None:
    evidence = job(lock=(HOUR, None), pairs={"reassembly": queue("reassembly", 2)}, oldest_reassembly_s=2.0 * HOUR)
    assert judge(evidence, NOW).name == "reassembly-queued"
    assert words(plan_of(evidence)) == TRIGGER[1:]


@pytest.mark.parametrize(("version", "job_id", "name"), expected_verdicts())
def test_the_recorded_jobs(version: str, job_id: str, name: str) -> None:
    assert version in VERSIONS
    evidence, now = job_evidence(version, job_id), captured_at(version)
    verdict = judge(evidence, now)
    assert verdict.name == name
    answer = planned(evidence, verdict, now)
    assert isinstance(answer, Plan) == (verdict.severity == "critical" and name in PLANS)


def test_what_was_not_read_is_said_with_its_remedy() -> None:
    unread = Unread("dynamodb:Query completions", "denied", "AccessDenied", "ask for dynamodb:Query")
    evidence = replace(job(), completions=unread)
    answer = planned(evidence, conclude("trigger-never-ran", ["as it was before"]))
    assert isinstance(answer, NoRepair)
    assert answer.reason == "dynamodb:Query completions was not read: AccessDenied. Next: ask for dynamodb:Query"


def test_several_jobs_are_one_plan_and_the_rest_say_why() -> None:
    other = "11111111-2222-4333-8444-555555555555"
    abandoned = replace(NONE["upload-abandoned"][0], job_id=other)
    judged = [(judge(one, NOW), one) for one in (PLANS["trigger-never-ran"][0], abandoned)]
    plan, without = plan_for_all(judged, NAMES, NOW)
    assert plan is not None
    assert words(plan) == TRIGGER
    assert list(without) == [other]
    third = "99999999-2222-4333-8444-555555555555"
    row = JobRow(third, "failed", None, None, None, None)
    ghost = replace(job(recorded=(), produced=()), job_id=third, row=read(row))
    plan, without = plan_for_all([*judged, (judge(ghost, NOW), ghost)], NAMES, NOW)
    assert plan is not None
    assert words(plan) == [*TRIGGER, "DeleteItem jobs"]
    assert [step.job_id for step in plan.steps] == [JOB, JOB, third]
    assert plan.job_ids == (JOB, third)
    assert plan.title == "Put 2 jobs right"
    assert plan.reason == f"{JOB}: trigger-never-ran; {third}: ghost-job"
    assert len(plan.verified_by) == 3
    assert plan_for_all(judged[1:], NAMES, NOW)[0] is None


def test_a_job_named_twice_is_repaired_once() -> None:
    judged = [(judge(job(), NOW), job())] * 2
    plan, _ = plan_for_all(judged, NAMES, NOW)
    assert plan is not None
    assert words(plan) == TRIGGER
    third = "99999999-2222-4333-8444-555555555555"
    row = JobRow(third, "failed", None, None, None, None)
    ghost = replace(job(recorded=(), produced=()), job_id=third, row=read(row))
    plan, _ = plan_for_all([*judged, (judge(ghost, NOW), ghost)], NAMES, NOW)
    assert plan is not None
    assert plan.reason == f"{JOB}: trigger-never-ran; {third}: ghost-job"


def test_rows_of_a_later_reading_do_not_matter_to_the_code() -> None:
    twice = [plan_of(replace(job(), completions=read(tuple(Completion(i, at(LONG), 3) for i in order)))) for order in
             ((0, 1, 2), (2, 0, 1))]  # fmt: skip
    assert twice[0].code == twice[1].code
