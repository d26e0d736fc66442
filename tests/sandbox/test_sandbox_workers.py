"""What workers do with what does not fit: the living ones by the rules of outside/, and what no clock is needed for."""

from __future__ import annotations

import json
from types import SimpleNamespace
from typing import Any
from unittest.mock import Mock, create_autospec

import pytest

from ops_lib.sandbox.incidents.incident import not_completed
from ops_lib.sandbox.pipeline import video
from ops_lib.sandbox.pipeline.container import Container
from ops_lib.sandbox.pipeline.job import Job
from ops_lib.sandbox.pipeline.live import Live
from ops_lib.sandbox.pipeline.sizes import cut, film_bytes, part
from ops_lib.sandbox.pipeline.version import INPUT, OUTPUT, version_named
from tests.sandbox.rules import OUTSIDE, Outcomes, names, run
from tests.sandbox.running import running

FILE = OUTSIDE / "living_workers.py"
VERSIONS = ("runbook", "newest")
JOB = Job("4f1ef31e-400e-41ce-a81a-edfb51e91cc7", "sbs", 3, "", 1_000)
EVENT = json.dumps({"Records": [{"s3": {"bucket": {"name": INPUT}, "object": {"key": JOB.chunk_key(0)}}}]})


@pytest.fixture(scope="module", params=VERSIONS)
def outcomes(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Outcomes:
    """Run the rules against a sandbox whose workers work four hundred times as fast as the pipeline's."""
    folder = tmp_path_factory.mktemp("workers")
    with running(folder, "sandbox-workers", "--version", request.param, "--speed", "400", "--jobs", "20") as sandbox:
        return run([FILE], sandbox.access | {"VERSION": request.param}, folder)


@pytest.mark.parametrize(("file", "rule"), names([FILE]))
def test_workers_do_as_the_pipelines(file: str, rule: str, outcomes: Outcomes) -> None:
    assert (file, rule) in outcomes, f"{rule} did not run"
    assert not outcomes[file, rule], "\n".join(outcomes[file, rule])


@pytest.mark.parametrize(("version", "held"), [("runbook", 0), ("newest", 1)])
def test_only_the_newest_receives_before_it_has_a_free_slot(version: str, held: int) -> None:
    live, container = create_autospec(Live, instance=True), create_autospec(Container, instance=True)
    live.version, live.job.return_value, live.lasts.return_value = version_named(version), JOB, 0.0
    live.receive.side_effect = [SimpleNamespace(body=EVENT), None]
    flights: dict[str, Any] = {str(number): Mock() for number in range(live.version.in_flight)}
    loop = video.inference(live, container, flights)
    for _ in range(3):
        next(loop)
    assert (live.receive.call_count, container.accept.call_count) == (held, 0)
    flights.clear()
    next(loop)
    assert (live.receive.call_count, container.accept.call_count) == (1, 1)


@pytest.mark.parametrize(
    ("total", "segments", "wrong"),
    [
        (3, 3, None),
        (2, 2, "the film is truncated"),
        (None, 2, "the film is truncated"),
        (None, 3, "total_segments is None, the job has 3"),
        (4, 4, "total_segments is 4, the job has 3"),
    ],
)
@pytest.mark.parametrize("source", [JOB.source_bytes, None])
def test_a_completed_job_has_the_film_of_its_whole_source(
    source: int | None, total: int | None, segments: int, wrong: str | None
) -> None:
    live = create_autospec(Live, instance=True)
    live.row.return_value = {"status": "completed", "completed_at": 1} | ({"total_segments": total} if total else {})
    sizes = {(INPUT, JOB.source_key): source, (OUTPUT, JOB.film_key): film_bytes(part(JOB, segments))}
    live.found.side_effect = lambda *key: SimpleNamespace(contentsize=sizes[key]) if sizes[key] else None
    assert not_completed(live, JOB) == wrong


@pytest.mark.parametrize("size", [0, 1, JOB.source_bytes, 10 * JOB.source_bytes])
def test_a_source_is_cut_into_what_it_holds(size: int) -> None:
    whole = cut(JOB, size)
    assert whole.source_bytes == size
    assert part(whole, whole.total) == whole
    assert 0 <= whole.short_bytes <= 300 * 480_000
