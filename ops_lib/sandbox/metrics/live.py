"""The metrics go on: each minute that passes is sampled from the running server, as CloudWatch does."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence

from moto.sqs.models import sqs_backends

from ops_lib.sandbox.corrections.metric_answers import kept
from ops_lib.sandbox.metrics import endpoint, queues, services
from ops_lib.sandbox.metrics.endpoint import Inference
from ops_lib.sandbox.metrics.series import MINUTE_S, Events, Metric, Minutes
from ops_lib.sandbox.recording import ACCOUNT, REGION

MOST_MINUTES = 5
KINDS = {"sent": queues.SENT, "received": queues.RECEIVED, "deleted": queues.DELETED, "empty": queues.EMPTY}


class Sampler:
    """Writes the minute that is over; `noticed` takes what happened to messages meanwhile."""

    def __init__(self, now: float) -> None:
        self._minute = int(now // MINUTE_S)
        self._counts: Counter[tuple[str, str]] = Counter()
        self._active: dict[str, float] = {}

    def noticed(self, kind: str, queue: str, at: float) -> None:
        """Count one event of a queue; kinds as the queue's observers name them."""
        if kind in KINDS:
            self._counts[queue, kind] += 1
            self._active[queue] = at

    def sample(
        self,
        now: float,
        backlog: Sequence[float],
        converting: bool,
        busy: Callable[[], set[str]],
        tasks: Mapping[str, int],
    ) -> None:
        """Write the values of every minute that ended by `now`.

        `backlog`: since when each request waits at the endpoint; `converting`: it has one in hand; `busy()`: the
        services with work in hand; `tasks`: how many of each run. After a longer sleep of the machine there is a gap,
        as where nothing reported.
        """
        minute = int(now // MINUTE_S)
        for each in range(max(self._minute, minute - MOST_MINUTES), minute):
            self._minute = each
            # Taken whole: whoever counts meanwhile counts for the next minute.
            counts, self._counts = self._counts, Counter()
            for name, queue in list(sqs_backends[ACCOUNT][REGION].queues.items()):
                self._queue(name, queue.attributes, counts, _oldest_s(queue, now), now)
            self._endpoint(backlog, converting, now)
            self._services(busy(), tasks)
        self._minute = minute

    def _endpoint(self, backlog: Sequence[float], converting: bool, now: float) -> None:
        oldest_s = now - min(backlog) if backlog else 0.0
        for ours, value in zip(endpoint.BACKLOG, (len(backlog), len(backlog), oldest_s), strict=True):
            self._put(Metric("AWS/SageMaker", ours, endpoint.BY_ENDPOINT), value)
        for name, idle, full in endpoint.MACHINE:
            metric = Metric("/aws/sagemaker/Endpoints", name, endpoint.BY_VARIANT)
            self._put(metric, full if converting else idle)

    def _services(self, working: set[str], tasks: Mapping[str, int]) -> None:
        for name, levels in services.LEVELS.items():
            for service, (idle, full) in levels.items():
                if count := tasks.get(service, 0):
                    self._put(services.metric(service, name), full if service in working else idle, count)

    def ended(self, one: Inference) -> None:
        """Write what SageMaker says of an invocation that ended."""
        for metric, series in endpoint.latencies([one]).items():
            there = kept.setdefault(metric, Events())
            if isinstance(there, Events) and isinstance(series, Events):
                there.put(series.times[0], series.values[0])

    def _queue(
        self, name: str, attributes: dict[str, str], counts: Counter[tuple[str, str]], oldest_s: float, now: float
    ) -> None:
        visible, hidden, delayed = (
            int(attributes.get(f"ApproximateNumberOfMessages{state}", 0)) for state in ("", "NotVisible", "Delayed")
        )
        if not visible + hidden + delayed and now - self._active.get(name, 0.0) > queues.ACTIVE_S:
            return
        values = {queues.VISIBLE: visible, queues.HIDDEN: hidden, queues.DELAYED: delayed, queues.AGE: oldest_s}
        values |= {metric: counts[name, kind] for kind, metric in KINDS.items()}
        for metric, value in values.items():
            self._put(queues.metric(name, metric), value)

    def _put(self, metric: Metric, value: float, by: int = 1) -> None:
        series = kept.setdefault(metric, Minutes(self._minute))
        if isinstance(series, Minutes):
            series.put(self._minute, value, by)


def _oldest_s(queue: object, now: float) -> float:
    """Return the age of the oldest message; on a dead-letter queue it counts from the move."""
    messages = list(getattr(queue, "_messages", ()))
    came = [getattr(one, "moved_at", None) or one.sent_timestamp / 1000 for one in messages]
    return now - min(came) if came else 0.0
