"""AWS/ECS and AWS/SageMaker: how busy services and the endpoint were, from what they had in hand."""

from __future__ import annotations

import statistics
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ops_lib.sandbox.metrics import endpoint, services
from ops_lib.sandbox.metrics.endpoint import BY_ENDPOINT, Inference, variant
from ops_lib.sandbox.metrics.series import MINUTE_S, Metric
from ops_lib.sandbox.pipeline.version import ENDPOINT

FIRST, MINUTES = 29_000_000, 120
START = FIRST * MINUTE_S
LAST = FIRST + MINUTES


@st.composite
def served(draw: st.DrawFn) -> list[Inference]:
    """Inferences one after another, each invoked before the one before it ended."""
    found, free = [], START + draw(st.floats(0, 600))
    for seconds, waits in draw(st.lists(st.tuples(st.floats(31, 120), st.floats(0, 300)), max_size=15)):
        found.append(Inference(free - waits, free, free + seconds))
        free += seconds + 1
    return found


def cpu(service: str, busy: list[tuple[float, float]]) -> list[float]:
    series = services.history(service, busy, [1] * MINUTES, FIRST)[services.metric(service, "CPUUtilization")]
    return list(series.values)


def test_a_service_has_a_value_every_minute_by_cluster_and_name() -> None:
    made = services.history("media-worker", [], [1] * MINUTES, FIRST)
    assert {metric.name for metric in made} == {"CPUUtilization", "MemoryUtilization"}
    assert {metric.dimensions for metric in made} == {(("ClusterName", "stereo-spot"), ("ServiceName", "media-worker"))}
    assert {len(series.values) for series in made.values()} == {MINUTES}


def test_the_sample_count_is_the_number_of_tasks_and_without_any_there_is_no_value() -> None:
    """AWS: Developer Guide of ECS, "Amazon ECS service utilization metrics": each task reports once a minute."""
    made = services.history("media-worker", [], [1, 0, 3], FIRST)[services.metric("media-worker", "CPUUtilization")]
    assert [len(made.between(FIRST + minute, FIRST + minute + 1)) for minute in range(3)] == [1, 0, 3]


@pytest.mark.parametrize("service", ["media-worker", "video-worker", "job-worker"])
def test_work_is_seen_in_its_minutes_only(service: str) -> None:
    values = cpu(service, [(START + 600, START + 1200)])
    busy, idle = values[10:20], values[:10] + values[21:]
    assert min(busy) > 3 * max(idle)
    assert max(busy) <= 100
    assert len(set(busy)) > 1, "a real load is never twice the same"


@given(st.lists(st.tuples(st.floats(-600, 8000), st.floats(0.1, 3000)), max_size=10))
def test_no_load_is_too_great(spans: list[tuple[float, float]]) -> None:
    busy = [(START + begin, START + begin + lasts) for begin, lasts in spans]
    full = services.CPU["media-worker"][1]
    assert all(0 < value <= full * 1.04 + 0.01 for value in cpu("media-worker", busy))
    assert len(cpu("media-worker", busy)) == MINUTES


def test_web_ui_is_as_busy_by_night_as_by_day() -> None:
    assert statistics.pstdev(cpu("web-ui", [])) < 0.1


@settings(deadline=None)
@given(served())
def test_every_inference_is_counted_once_with_its_times(done: list[Inference]) -> None:
    """AWS: Developer Guide of SageMaker, "Monitor asynchronous endpoint": microseconds and milliseconds."""
    made = endpoint.history(done, FIRST, LAST)
    assert made[variant("InvocationsProcessed")].between(0, 10**9) == [1.0] * len(done)
    model, total, waited = (
        made[variant(name)].between(0, 10**9) for name in ("ModelLatency", "TotalProcessingTime", "TimeInBacklog")
    )
    for one, model_us, total_ms, waited_ms in zip(done, model, total, waited, strict=True):
        assert model_us == pytest.approx((one.ended - one.started) * 1e6)
        assert total_ms == pytest.approx(waited_ms + model_us / 1e3, abs=0.01)


@settings(deadline=None)
@given(served())
def test_the_backlog_is_what_was_invoked_and_not_begun(done: list[Inference]) -> None:
    made = endpoint.history(done, FIRST, LAST)
    backlog = made[Metric("AWS/SageMaker", "ApproximateBacklogSize", BY_ENDPOINT)]
    for number in range(MINUTES):
        end = START + (number + 1) * MINUTE_S
        waiting = sum(one.invoked <= end < one.started for one in done)
        assert backlog.between(FIRST + number, FIRST + number + 1) == [waiting]


@settings(deadline=None)
@given(served())
def test_the_gpu_is_busy_while_it_converts(done: list[Inference]) -> None:
    made = endpoint.history(done, FIRST, LAST)
    name = Metric("/aws/sagemaker/Endpoints", "GPUUtilization", endpoint.BY_VARIANT)
    gpu = made[name].between(FIRST, LAST)
    assert len(gpu) == MINUTES
    for number, value in enumerate(gpu):
        begin, end = START + number * MINUTE_S, START + (number + 1) * MINUTE_S
        share = sum(max(0.0, min(one.ended, end) - max(one.started, begin)) for one in done) / MINUTE_S
        assert value == pytest.approx(97 * share, abs=0.02)


def test_metrics_name_the_endpoint_and_its_variant() -> None:
    assert variant("ModelLatency").dimensions == (("EndpointName", ENDPOINT), ("VariantName", "AllTraffic"))
    made = endpoint.history([], FIRST, LAST)
    assert len({metric.name for metric in made}) == len(made)
    assert all(list(metric.dimensions) == sorted(metric.dimensions) for metric in made)


def test_inferences_in_any_order_are_told_in_order_of_time() -> None:
    later, earlier = Inference(START, START + 100, START + 170), Inference(START, START + 10, START + 90)
    latency = endpoint.latencies([later, earlier])[variant("ModelLatency")]
    assert latency.between(0, 10**9) == [80e6, 70e6]
    assert all(one <= other for one, other in pairwise(latency.times))  # type: ignore[union-attr]
