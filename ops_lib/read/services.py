"""ECS services and tasks. Stopped tasks vanish about an hour after they stop."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any, Literal

from ops_lib.aws import Aws
from ops_lib.capacity import Deployment, Service
from ops_lib.evidence import Evidence, Task, Unread, known
from ops_lib.read.attempt import Incomplete, attempt
from ops_lib.read.times import utc

MAX_PAGES = 10
CODE_DEFAULT_INVOKE_TIMEOUT_S = 1200  # pipeline.md 1: SAGEMAKER_INVOKE_TIMEOUT_SECONDS unless the task sets it


def read_services(aws: Aws) -> Evidence[tuple[Service, ...]]:
    """Return every service of the cluster (ListServices, DescribeServices by ten)."""
    return attempt(f"ecs:DescribeServices {aws.settings.cluster}", lambda: _services(aws))


def read_tasks(aws: Aws) -> Evidence[tuple[Task, ...]]:
    """Return running and recently stopped tasks of the cluster (ListTasks twice, DescribeTasks by hundred)."""
    return attempt(f"ecs:DescribeTasks {aws.settings.cluster}", lambda: _tasks(aws))


def read_invoke_timeout(aws: Aws, tasks: Evidence[tuple[Task, ...]]) -> Evidence[int]:
    """Return how long the running video-worker lets one inference take, in seconds, from its task definition.

    Without a running task, or without the variable, it is the worker's code default (pipeline.md 1).
    """
    if isinstance(tasks, Unread):
        return tasks
    running = [t.task_definition for t in known(tasks) if t.service == "video-worker" and t.last_status == "RUNNING"]
    arn = next((name for name in running if name), None)
    if arn is None:
        return attempt("video-worker code default", lambda: CODE_DEFAULT_INVOKE_TIMEOUT_S)
    return attempt(f"ecs:DescribeTaskDefinition {arn.rsplit('/', 1)[-1]}", lambda: _timeout(aws, arn))


def _services(aws: Aws) -> tuple[Service, ...]:
    ecs, cluster = aws.client("ecs"), aws.settings.cluster
    arns = _arns(ecs.list_services, "serviceArns", cluster=cluster, maxResults=100)
    found: list[Service] = []
    for start in range(0, len(arns), 10):
        page = ecs.describe_services(cluster=cluster, services=arns[start : start + 10])
        found += map(_service, page["services"])
    return tuple(sorted(found, key=lambda service: service.name))


def _service(got: Any) -> Service:
    return Service(
        name=got["serviceName"],
        status=got["status"],
        desired=int(got["desiredCount"]),
        running=int(got["runningCount"]),
        pending=int(got["pendingCount"]),
        deployments=tuple(map(_deployment, got["deployments"])),
        events=tuple((utc(event["createdAt"]), str(event["message"])) for event in got["events"]),
    )


def _deployment(got: Any) -> Deployment:
    return Deployment(
        deployment_id=str(got["id"]),
        status=got["status"],
        desired=int(got["desiredCount"]),
        running=int(got["runningCount"]),
        pending=int(got["pendingCount"]),
        created_at=utc(got["createdAt"]),
        updated_at=utc(got["updatedAt"]) if "updatedAt" in got else None,
        failed_tasks=int(got.get("failedTasks", 0)),
        rollout=got.get("rolloutState"),
        rollout_reason=got.get("rolloutStateReason"),
        task_definition=got.get("taskDefinition"),
    )


def _tasks(aws: Aws) -> tuple[Task, ...]:
    ecs, cluster = aws.client("ecs"), aws.settings.cluster

    def listed(state: Literal["RUNNING", "STOPPED"]) -> list[str]:
        return _arns(ecs.list_tasks, "taskArns", cluster=cluster, desiredStatus=state)

    with ThreadPoolExecutor(1) as pool:
        stopped = pool.submit(listed, "STOPPED")
        arns = listed("RUNNING") + stopped.result()
    found: list[Task] = []
    for start in range(0, len(arns), 100):
        page = ecs.describe_tasks(cluster=cluster, tasks=arns[start : start + 100])
        found += map(_task, page["tasks"])
    return tuple(found)


def _task(got: Any) -> Task:
    boxes = got.get("containers", [])
    codes = {box["name"]: int(box["exitCode"]) for box in boxes if "exitCode" in box}
    reasons = {box["name"]: str(box["reason"]) for box in boxes if box.get("reason")}
    return Task(
        task_id=got["taskArn"].rsplit("/", 1)[-1],
        service=str(got.get("group", "")).removeprefix("service:"),
        last_status=got["lastStatus"],
        started_at=utc(got["startedAt"]) if "startedAt" in got else None,
        stopped_at=utc(got["stoppedAt"]) if "stoppedAt" in got else None,
        stopped_reason=got.get("stoppedReason"),
        exit_codes=codes,
        task_definition=got.get("taskDefinitionArn"),
        stop_code=got.get("stopCode"),
        reasons=reasons,
    )


def _arns(call: Any, name: str, **arguments: Any) -> list[str]:
    arns: list[str] = []
    for _ in range(MAX_PAGES):
        page = call(**arguments)
        arns += page[name]
        if not page.get("nextToken"):
            return arns
        arguments["nextToken"] = page["nextToken"]
    raise Incomplete(f"more than {MAX_PAGES} pages of {name}")


def _timeout(aws: Aws, arn: str) -> int:
    definition = aws.client("ecs").describe_task_definition(taskDefinition=arn)["taskDefinition"]
    pairs = [pair for box in definition["containerDefinitions"] for pair in box.get("environment", [])]
    values = [pair["value"] for pair in pairs if pair["name"] == "SAGEMAKER_INVOKE_TIMEOUT_SECONDS"]
    return min(int(values[0]), 3600) if values else CODE_DEFAULT_INVOKE_TIMEOUT_S
