"""The metrics go on where the past ends: no minute is lost or counted twice, a queue that rests has gaps."""

from __future__ import annotations

from dataclasses import dataclass, field
from types import SimpleNamespace

import pytest

from ops_lib.sandbox.corrections import metric_answers
from ops_lib.sandbox.metrics import endpoint, live, queues, services
from ops_lib.sandbox.metrics.endpoint import Inference, variant
from ops_lib.sandbox.metrics.live import MOST_MINUTES, Sampler
from ops_lib.sandbox.metrics.series import MINUTE_S, Metric, Minutes
from ops_lib.sandbox.recording import ACCOUNT, REGION

MINUTE = 29_000_000
NOW = MINUTE * MINUTE_S + 20.0
ONE_EACH = dict.fromkeys(services.CPU, 1)


@dataclass
class Queue:
    """A queue of the server's, as far as it is looked at."""

    visible: int = 0
    hidden: int = 0
    _messages: list[SimpleNamespace] = field(default_factory=list)

    @property
    def attributes(self) -> dict[str, str]:
        names = ("", "NotVisible", "Delayed")
        counts = (self.visible, self.hidden, 0)
        return {f"ApproximateNumberOfMessages{name}": str(count) for name, count in zip(names, counts, strict=True)}


@pytest.fixture
def kept(monkeypatch: pytest.MonkeyPatch) -> dict[Metric, object]:
    empty: dict[Metric, object] = {}
    monkeypatch.setattr(metric_answers, "kept", empty)
    monkeypatch.setattr(live, "kept", empty)
    return empty


@pytest.fixture
def there(monkeypatch: pytest.MonkeyPatch, kept: dict[Metric, object]) -> dict[str, Queue]:
    """The queues of a server of its own."""
    found: dict[str, Queue] = {"q": Queue(), "q-dlq": Queue()}
    monkeypatch.setattr(live, "sqs_backends", {ACCOUNT: {REGION: SimpleNamespace(queues=found)}})
    return found


def told(kept: dict[Metric, object], metric: Metric) -> dict[int, float]:
    """Return the values by minute behind the first."""
    series = kept.get(metric, Minutes(MINUTE))
    assert isinstance(series, Minutes)
    return {
        minute - MINUTE: values[0]
        for minute in range(MINUTE - 5, MINUTE + 500)
        if (values := series.between(minute, minute + 1))
    }


def nobody() -> set[str]:
    return set()


def test_a_minute_is_written_when_it_is_over(there: dict[str, Queue], kept: dict[Metric, object]) -> None:
    sampler = Sampler(NOW)
    there["q"].visible, there["q"].hidden = 3, 1
    sampler.sample(NOW + 39, [], False, nobody, ONE_EACH)
    assert told(kept, queues.metric("q", queues.VISIBLE)) == {}
    sampler.sample(NOW + 40, [], False, nobody, ONE_EACH)
    sampler.sample(NOW + 41, [], False, nobody, ONE_EACH)
    assert told(kept, queues.metric("q", queues.VISIBLE)) == {0: 3}
    assert told(kept, queues.metric("q", queues.HIDDEN)) == {0: 1}


def test_events_are_counted_in_their_minute_once(there: dict[str, Queue], kept: dict[Metric, object]) -> None:
    sampler = Sampler(NOW)
    for kind in ("sent", "sent", "received", "deleted", "empty", "moved"):
        sampler.noticed(kind, "q", NOW)
    sampler.sample(NOW + 60, [], False, nobody, ONE_EACH)
    sampler.noticed("sent", "q", NOW + 61)
    sampler.sample(NOW + 120, [], False, nobody, ONE_EACH)
    assert told(kept, queues.metric("q", queues.SENT)) == {0: 2, 1: 1}
    assert told(kept, queues.metric("q", queues.RECEIVED)) == {0: 1, 1: 0}
    assert told(kept, queues.metric("q", queues.DELETED)) == {0: 1, 1: 0}
    assert told(kept, queues.metric("q", queues.EMPTY)) == {0: 1, 1: 0}


def test_a_queue_that_rests_for_six_hours_has_no_values_any_more(
    there: dict[str, Queue], kept: dict[Metric, object]
) -> None:
    sampler = Sampler(NOW)
    sampler.noticed("deleted", "q", NOW)
    for minute in range(1, 365):
        sampler.sample(NOW + 60 * minute, [], False, nobody, ONE_EACH)
    assert list(told(kept, queues.metric("q", queues.VISIBLE))) == list(range(360))
    assert told(kept, queues.metric("q-dlq", queues.VISIBLE)) == {}


def test_the_age_is_that_of_the_oldest(there: dict[str, Queue], kept: dict[Metric, object]) -> None:
    there["q"].visible = 2
    there["q"]._messages = [SimpleNamespace(sent_timestamp=(NOW - ago) * 1000) for ago in (5, 300)]
    sampler = Sampler(NOW)
    sampler.sample(NOW + 60, [], False, nobody, ONE_EACH)
    assert told(kept, queues.metric("q", queues.AGE)) == {0: pytest.approx(360)}


def test_a_clock_that_was_late_leaves_no_gap(there: dict[str, Queue], kept: dict[Metric, object]) -> None:
    sampler = Sampler(NOW)
    sampler.noticed("sent", "q", NOW)
    sampler.sample(NOW + 180, [], False, nobody, ONE_EACH)
    assert told(kept, queues.metric("q", queues.SENT)) == {0: 1, 1: 0, 2: 0}


def test_after_a_long_sleep_there_is_a_gap(there: dict[str, Queue], kept: dict[Metric, object]) -> None:
    there["q"].visible = 1
    sampler = Sampler(NOW)
    sampler.sample(NOW + 60, [], False, nobody, ONE_EACH)
    sampler.sample(NOW + 60 * 400, [], False, nobody, ONE_EACH)
    assert list(told(kept, queues.metric("q", queues.VISIBLE))) == [0, *range(400 - MOST_MINUTES, 400)]


def test_it_continues_the_past(there: dict[str, Queue], kept: dict[Metric, object]) -> None:
    past = Minutes(MINUTE - 3)
    for minute in range(MINUTE - 3, MINUTE):
        past.put(minute, 7)
    kept[queues.metric("q", queues.VISIBLE)] = past
    there["q"].visible = 2
    sampler = Sampler(NOW)
    sampler.sample(NOW + 60, [], False, nobody, ONE_EACH)
    assert told(kept, queues.metric("q", queues.VISIBLE)) == {-3: 7, -2: 7, -1: 7, 0: 2}


def test_services_and_the_backlog(there: dict[str, Queue], kept: dict[Metric, object]) -> None:
    sampler = Sampler(NOW)
    sampler.sample(NOW + 60, [NOW] * 4, False, lambda: {"media-worker"}, ONE_EACH)
    for name, levels in services.LEVELS.items():
        assert told(kept, services.metric("media-worker", name)) == {0: levels["media-worker"][1]}
        assert told(kept, services.metric("job-worker", name)) == {0: levels["job-worker"][0]}
    sampler.sample(NOW + 120, [], False, nobody, {"media-worker": 3})
    assert kept[services.metric("media-worker", "CPUUtilization")].between(MINUTE + 1, MINUTE + 2) == [1.5] * 3  # type: ignore[attr-defined]
    assert 1 not in told(kept, services.metric("job-worker", "CPUUtilization")), "no task runs, none reports"
    backlog = Metric("AWS/SageMaker", "ApproximateBacklogSize", (("EndpointName", "stereo-spot-inference"),))
    assert told(kept, backlog) == {0: 4, 1: 0}


def test_an_inference_is_told_when_it_ends(there: dict[str, Queue], kept: dict[Metric, object]) -> None:
    sampler = Sampler(NOW)
    sampler.ended(Inference(NOW, NOW + 1, NOW + 3))
    sampler.ended(Inference(NOW, NOW + 3, NOW + 6))
    series = kept[variant("ModelLatency")]
    assert series.between(MINUTE, MINUTE + 1) == [pytest.approx(2e6), pytest.approx(3e6)]  # type: ignore[attr-defined]


def test_what_is_counted_while_a_minute_is_written_belongs_to_the_next(
    there: dict[str, Queue], kept: dict[Metric, object]
) -> None:
    sampler = Sampler(NOW)
    sampler.noticed("sent", "q", NOW)

    def busy() -> set[str]:
        sampler.noticed("sent", "q", NOW + 60)
        return set()

    sampler.sample(NOW + 60, [], False, busy, ONE_EACH)
    sampler.sample(NOW + 120, [], False, nobody, ONE_EACH)
    assert told(kept, queues.metric("q", queues.SENT)) == {0: 1, 1: 1}


def test_the_endpoint_goes_on(there: dict[str, Queue], kept: dict[Metric, object]) -> None:
    sampler = Sampler(NOW)
    sampler.sample(NOW + 60, [NOW + 10, NOW + 50], True, nobody, ONE_EACH)
    sampler.sample(NOW + 120, [], False, nobody, ONE_EACH)
    size, per_instance, age = (Metric("AWS/SageMaker", name, endpoint.BY_ENDPOINT) for name in endpoint.BACKLOG)
    assert told(kept, size) == told(kept, per_instance) == {0: 2, 1: 0}
    assert told(kept, age) == {0: 50.0, 1: 0.0}
    gpu = Metric("/aws/sagemaker/Endpoints", "GPUUtilization", endpoint.BY_VARIANT)
    assert told(kept, gpu) == {0: 97.0, 1: 0.0}


def test_in_a_dead_letter_queue_age_counts_from_the_move(there: dict[str, Queue], kept: dict[Metric, object]) -> None:
    sampler = Sampler(NOW)
    sent = int((NOW - 9000) * 1000)
    there["q"]._messages, there["q"].visible = [SimpleNamespace(sent_timestamp=sent)], 1
    there["q-dlq"]._messages, there["q-dlq"].visible = [SimpleNamespace(sent_timestamp=sent, moved_at=NOW - 60)], 1
    sampler.sample(NOW + 40, [], False, nobody, ONE_EACH)
    assert told(kept, queues.metric("q", queues.AGE)) == {0: 9040.0}
    assert told(kept, queues.metric("q-dlq", queues.AGE)) == {0: 100.0}
