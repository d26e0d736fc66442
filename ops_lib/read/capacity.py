"""Gather what scaling and visibility timeouts are judged from, independent reads at once."""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta

from ops_lib.aws import Aws
from ops_lib.capacity import Service
from ops_lib.evidence import Evidence, QueuePair, Read
from ops_lib.gathered import CapacityEvidence
from ops_lib.read.endpoint import read_endpoint
from ops_lib.read.log_groups import read_groups
from ops_lib.read.queues import read_pair
from ops_lib.read.scaling import read_scalable_targets, read_scaling_activities, read_scaling_policies
from ops_lib.read.series import read_series
from ops_lib.read.services import read_services, read_tasks
from ops_lib.read.work import read_work


def read_capacity(aws: Aws, now: datetime, window: timedelta, wanted: Mapping[str, str]) -> CapacityEvidence:
    """Return the evidence of section 2: metrics and scaling over `window` before `now`, work over seven days.

    `wanted`: by key of the queue, the regular expression of the lines that say when a worker took and finished it.
    """
    with ThreadPoolExecutor(max_workers=16) as pool:
        groups = pool.submit(read_groups, aws)
        services, tasks = pool.submit(read_services, aws), pool.submit(read_tasks, aws)
        targets, policies = pool.submit(read_scalable_targets, aws), pool.submit(read_scaling_policies, aws)
        endpoint = pool.submit(read_endpoint, aws)
        activities = pool.submit(read_scaling_activities, aws, now - window)
        pairs = {key: pool.submit(read_pair, aws, key) for key in aws.settings.queues}
        work = pool.submit(read_work, aws, groups.result(), now, wanted)
        queues = {key: pair.result() for key, pair in pairs.items()}
        series = pool.submit(read_series, aws, _names(queues), _services(services.result()), now, window)
        return CapacityEvidence(
            queues=queues,
            services=services.result(),
            tasks=tasks.result(),
            targets=targets.result(),
            policies=policies.result(),
            activities=activities.result(),
            series=series.result(),
            work=work.result(),
            endpoint=endpoint.result(),
        )


def _names(queues: dict[str, QueuePair]) -> list[str]:
    return [pair.main.value.name for pair in queues.values() if isinstance(pair.main, Read)]


def _services(found: Evidence[tuple[Service, ...]]) -> list[str]:
    return [service.name for service in found.value] if isinstance(found, Read) else []
