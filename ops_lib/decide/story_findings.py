"""What a job's story says to a person: what may be missing from it, what never came, what went wrong."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import timedelta

from ops_lib.decide.case import spans, words
from ops_lib.decide.checks import counted
from ops_lib.decide.error_clusters import Cluster
from ops_lib.decide.findings import Finding
from ops_lib.decide.log_story import Story
from ops_lib.decide.promises import Absent
from ops_lib.log_rows import Coverage
from ops_lib.redaction import shortened

LOGS = "5. Logs by job_id"
MOST_CLUSTERS = 5
# No message of the pipeline is hidden for longer (pipeline.md 3): a worker that tries again would have said so by then.
QUIET = timedelta(hours=1)
AWAITING = "created"  # the only status that a job has before any worker writes a line about it (pipeline.md 2)


def story_findings(story: Story) -> tuple[Finding, ...]:
    """Return the findings of one story: whether it is complete first."""
    return (*_coverage(story), *_absent(story), *_quiet(story), *_errors(story))


def _coverage(story: Story) -> Iterator[Finding]:
    name, job = f"job-logs:{story.job_id}", f"job {story.job_id}"
    if story.unread:
        said = f"Not known: what was logged about {job}: {story.unread.reason}."
        yield Finding(name, "unknown", said, LOGS, (), story.unread.next_step)
    elif story.lacking:
        said = f"Not known: whether {counted(story.lines, 'line')} are all that was logged about {job}."
        step = "See what is lacking; read again, or look into the group by hand."
        yield Finding(name, "unknown", said, LOGS, story.lacking, step)
    elif not story.lines:
        yield _silence(name, story)
    else:
        first, last = story.lines[0].at, story.lines[-1].at
        span = f"from {first:%Y-%m-%d %H:%M:%S} to {last:%Y-%m-%d %H:%M:%S} UTC"
        services = sorted({event.service for event in story.lines})
        told = "the whole story" if story.is_whole else "the part that was asked for of the story"
        tell = "tells" if len(story.lines) == 1 else "tell"
        said = f"{counted(story.lines, 'line')} of {', '.join(services)} {tell} {told} of {job}, {span}."
        yield Finding(name, "ok", said, LOGS)


def _silence(name: str, story: Story) -> Finding:
    """Return what it means that no line names the job: an empty answer is not "all is well"."""
    where = f" {_window(story.coverage)}" if story.coverage else ""
    said = f"Nothing was logged about job {story.job_id}{where}, and every group of its services was searched"
    if story.row is None and story.is_row_read:
        step = "Check the id and the environment: the job may be another deployment's."
        return Finding(name, "unknown", f"{said}; there is no such job in this environment.", LOGS, (), step)
    if story.row is None:
        return Finding(name, "unknown", f"{said}; its row was not read.", LOGS, (), "Read its row, then search again.")
    if story.row.status == AWAITING:
        return Finding(name, "ok", f"{said}; it is {AWAITING}, and no worker has had it yet.", LOGS)
    if not story.is_whole:
        return Finding(name, "ok", f"{said}; the window is a part of the job's own time.", LOGS)
    step = "See whether the workers log at all, and whether somebody wrote the row by hand."
    return Finding(name, "warning", f"{said}, although it is {story.row.status}.", LOGS, (), step)


def _window(coverage: Coverage) -> str:
    return f"from {coverage.since:%Y-%m-%d %H:%M:%S} to {coverage.until:%Y-%m-%d %H:%M:%S} UTC"


def _absent(story: Story) -> Iterator[Finding]:
    for one in story.absent:
        if one.state == "absent":
            yield Finding(
                id=f"job-logs-absent:{story.job_id}:{one.promise.line}",
                severity="warning",
                summary=f"{absent_words(one)}.",
                section=LOGS,
                evidence=(f"{one.after.at:%Y-%m-%d %H:%M:%S} UTC {shortened(one.after.said)}",),
                next_step="See what explains the job, and what may safely be done.",
                notebook="3_stuck_job",
                parameters={"job_id": story.job_id},
            )


def _quiet(story: Story) -> Iterator[Finding]:
    """Yield that a job which is not over is silent, where all its lines were read and none is missed by name."""
    told = story.lines and not story.lacking and story.is_whole
    if not told or story.is_over or story.row is None or story.row.status == AWAITING:
        return
    silent = story.now - (story.heard or story.now)
    if silent <= QUIET or any(one.state == "absent" for one in story.absent):
        return
    said = f"Nothing was heard of the job for {words(silent.total_seconds())}, and it is {story.row.status}."
    step, here = "See what explains the job, and what may safely be done.", {"job_id": story.job_id}
    yield Finding(f"job-logs-quiet:{story.job_id}", "warning", said, LOGS, (), step, "3_stuck_job", here)


def absent_words(one: Absent) -> str:
    """Return one sentence on a line that is not there, without its full stop."""
    times = f" {one.times} times" if one.times > 1 else ""
    of = f" for segment {spans(one.segments)}" if one.segments else ""
    said = one.promise.said
    waited = f" for {words(one.waited.total_seconds())}" if one.state in ("absent", "not yet") else ""
    return f"{said[:1].upper()}{said[1:]}{of} without {one.promise.words} of {one.promise.service}{times}{waited}"


def _errors(story: Story) -> Iterator[Finding]:
    errors = [one for one in story.clusters if one.level != "WARNING"]
    if not errors:
        return
    count = sum(one.count for one in errors)
    several = f"{count} errors of {len(errors)} kinds, most often" if len(errors) > 1 else f"{count} errors that say"
    said = f"{'1 error' if count == 1 else several}: {_head(errors)}"
    facts = tuple(cluster_words(one) for one in errors[:MOST_CLUSTERS])
    severity, step = ("note", "") if story.is_over else ("warning", "See what explains the job.")
    here = {"job_id": story.job_id}
    name = f"job-logs-errors:{story.job_id}"
    yield Finding(name, severity, said, LOGS, facts, step, "3_stuck_job", here)  # type: ignore[arg-type]


def _head(errors: Sequence[Cluster]) -> str:
    said = shortened(errors[0].error or errors[0].signature)
    return said if said.endswith(".") else f"{said}."


def cluster_words(one: Cluster) -> str:
    """Return a cluster as one fact."""
    when = f", {one.first_at:%H:%M:%S} to {one.last_at:%H:%M:%S} UTC" if one.first_at and one.last_at else ""
    return f"{one.count} x {one.service}{when}: {shortened(one.signature)}"
