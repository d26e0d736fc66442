"""A living pipeline as something to load: the resources of a recording, filled with a story of their own."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from ops_lib.sandbox import recording as recordings
from ops_lib.sandbox.crowds import Crowds
from ops_lib.sandbox.incidents import INCIDENTS, for_version
from ops_lib.sandbox.metrics import past as metrics
from ops_lib.sandbox.metrics.series import Metric, Series
from ops_lib.sandbox.options import Options
from ops_lib.sandbox.pipeline.events import s3_event
from ops_lib.sandbox.pipeline.past import Message, Past, message_id
from ops_lib.sandbox.pipeline.plan import DAY_S, Timed
from ops_lib.sandbox.pipeline.tasks import crowd_id
from ops_lib.sandbox.pipeline.typed import typed
from ops_lib.sandbox.pipeline.version import ENDPOINT_GROUP, ENDPOINT_STREAM, INPUT, OUTPUT, queue_name, version_named
from ops_lib.sandbox.pipeline.world import as_logged
from ops_lib.sandbox.recording import CLUSTER, Recording
from ops_lib.sandbox.story import RECENT_DAYS, Story

RETENTION_DAYS = 7
# Of jobs that no list of open jobs has: somebody would have to name the job first.
UNSEEN = ("completed-without-output", "completed-without-time", "ghost-job", "deleted-job", "unknown")
STOPPED_VISIBLE_S = 3600.0
SENDER = "AIDAIT2UOQQY3AUEKVGXU"


class _Made(dict[str, Any]):
    """A recording's parts, each made when it is first asked for."""

    def __init__(self, ready: dict[str, Any], makers: dict[str, Callable[[], Any]]) -> None:
        super().__init__(ready)
        self._makers = makers

    def __missing__(self, name: str) -> Any:
        self[name] = self._makers[name]()
        return self[name]


def story_of(options: Options, now: float) -> Story:
    """Return the past of the living sandbox `options` describes; `now`: seconds since 1970 (UTC)."""
    incidents = options.incidents
    if options.blind:
        # Chosen here, in the server: neither its command line nor its state tells.
        can = [name for name in for_version(options.version) if INCIDENTS[name].kind in ("job", "pipeline")]
        can = [name for name in can if name not in UNSEEN]
        incidents = (*incidents, random.SystemRandom().choice(can))
    return Story(version_named(options.version), now, options.completed, options.seed, incidents)


def recording_of(story: Story) -> Recording:
    """Return what the loaders take."""
    kept = recordings.read(story.version.name)
    ready = {"sagemaker": kept["sagemaker"]}
    ready["env_file"] = _env(kept["env_file"], story.env)
    makers: dict[str, Callable[[], Any]] = {
        "ecs": lambda: _services(kept, story),
        "scalable_targets": lambda: _targets(kept, story),
        "scene": lambda: story.scene,
        "tables": lambda: _tables(kept, story),
        "queues": lambda: _queues(kept, story),
        "logs": lambda: _logs(kept, story),
        "s3": lambda: {bucket: objects(story.past, bucket) for bucket in (INPUT, OUTPUT)},
        "ecs_tasks": lambda: _tasks(story, crowds(), made),
        "alarms": lambda: _alarms(kept, story),
        "metrics": lambda: _metrics(kept, story, crowds()),
    }
    made = _Made(ready, makers)

    def crowds() -> Crowds:
        return Crowds(story, made["scalable_targets"], made["ecs"])

    made_at = datetime.fromtimestamp(story.now - (RECENT_DAYS + 2) * DAY_S, UTC)
    return Recording(story.version.name, made, datetime.fromtimestamp(story.now, UTC), made_at)


def _env(text: str, instead: dict[str, str]) -> str:
    pairs = [line.partition("=")[::2] for line in text.splitlines()]
    return "".join(f"{key}={instead.get(key, value)}\n" for key, value in pairs if key)


def items(past: Past, table: str) -> list[dict[str, Any]]:
    """Return a table's items (short name) as DynamoDB writes them."""
    return [typed(row) for row in past.rows.get(table, {}).values()]


def objects(past: Past, bucket: str) -> list[dict[str, Any]]:
    """Return a bucket's objects as a listing has them."""
    found = sorted((one.key, one) for one in past.objects.values() if one.bucket == bucket)
    return [{"Key": key, "Size": one.size, "LastModified": one.at, "Text": one.text} for key, one in found]


def _tables(kept: dict[str, Any], story: Story) -> dict[str, Any]:
    made = {}
    for name, table in kept["tables"].items():
        found = items(story.past, name.removeprefix(f"{CLUSTER}-"))
        made[name] = table | {"Items": found}
    return made


def row(story: Story, timed: Timed) -> dict[str, Any]:
    """Return the jobs row of an older job as DynamoDB writes it."""
    job = timed.job
    made: dict[str, str | int] = {
        "job_id": job.job_id,
        "mode": job.mode,
        "status": "completed",
        "created_at": int(timed.created),
        "total_segments": job.total,
        "completed_at": int(timed.completed),
    }
    if story.version.is_newest:
        uploaded = {"uploaded_at": int(timed.uploaded), "source_file_size_bytes": job.source_bytes}
        made |= {"title": job.title, **uploaded}
    return typed(made)


def _queues(kept: dict[str, Any], story: Story) -> dict[str, Any]:
    messages: dict[str, list[dict[str, Any]]] = {}
    for message in sorted(story.past.waiting.values(), key=lambda one: one.sent):
        messages.setdefault(queue_name(message.queue), []).append(_message(message))
    for message in sorted(story.past.dead, key=lambda one: one.sent):
        messages.setdefault(queue_name(f"{message.queue}-dlq"), []).append(_message(message))
    made_at = f"{story.now - (RECENT_DAYS + 2) * DAY_S:.3f}"
    set_by_hand = {queue_name(key): {"VisibilityTimeout": str(s)} for key, s in story.scene.timeouts.items()}
    times = {"CreatedTimestamp": made_at, "LastModifiedTimestamp": made_at}
    return {
        name: queue
        | {"Attributes": queue["Attributes"] | times | set_by_hand.get(name, {}), "Messages": messages.get(name, [])}
        for name, queue in kept["queues"].items()
    }


def _message(message: Message) -> dict[str, Any]:
    body = message.body
    if body is None:
        assert message.source is not None
        body = s3_event(*message.source, message.sent)
    first = message.first_received
    attributes = {
        "SenderId": SENDER,
        "SentTimestamp": str(int(message.sent * 1000)),
        "ApproximateReceiveCount": str(message.receives),
        "ApproximateFirstReceiveTimestamp": str(int((first or 0) * 1000)),
    }
    return {
        "MessageId": message_id(message),
        "Body": body,
        "Attributes": attributes,
        "MovedAt": message.moved,
        "VisibleAt": int(message.hidden_until * 1000),
    }


def _logs(kept: dict[str, Any], story: Story) -> dict[str, Any]:
    first = story.now - RETENTION_DAYS * DAY_S
    made = {}
    for group in kept["logs"]:
        service = "inference" if group == ENDPOINT_GROUP else group.rsplit("/", 1)[-1]
        made[group] = [
            {"timestamp": int(at * 1000), "logStreamName": stream, "message": text}
            for at, stream, text in _streams(story, service)
            if first <= at <= story.now
        ]
    return made


def _services(kept: dict[str, Any], story: Story) -> list[dict[str, Any]]:
    scene, running = story.scene, story.past.tasks.running()
    made = []
    for service in kept["ecs"]:
        name = service["serviceName"]
        count = scene.crowds.get(name, 1) if name in running else 0
        desired = scene.desired.get(name, service["desiredCount"])
        made.append(service | {"desiredCount": desired, "runningCount": count})
    return made


def _targets(kept: dict[str, Any], story: Story) -> list[dict[str, Any]]:
    minimums = story.scene.minimums
    named = ((target, target["ResourceId"].rsplit("/", 1)[-1]) for target in kept["scalable_targets"])
    return [target | {"MinCapacity": minimums.get(name, target["MinCapacity"])} for target, name in named]


def _streams(story: Story, service: str) -> Iterator[tuple[float, str, str]]:
    """Yield a service's lines in order of time, each with the stream of the task that ran then."""
    task_at = None if service == "inference" else story.past.tasks.at(service)
    for line in sorted(story.past.lines.get(service, []), key=lambda line: line.at):
        stream = f"ecs/{service}/{line.task_id or task_at(line.at)}" if task_at else ENDPOINT_STREAM
        yield line.at, stream, as_logged(line.text, line.at, line.log_name, line.level)


def _tasks(story: Story, crowds: Crowds, made: Mapping[str, Any]) -> list[dict[str, Any]]:
    shown = [
        {
            "service": service,
            "taskId": task.task_id,
            "lastStatus": "STOPPED" if task.stopped else "RUNNING",
            "startedAt": int(task.started),
            "stoppedAt": task.stopped,
            "stopCode": task.stop_code,
            "stoppedReason": task.reason,
            "exitCode": task.exit_code,
        }
        for service in story.past.tasks.first
        for task in story.past.tasks.of(service)
        if task.stopped is None or task.stopped > story.now - STOPPED_VISIBLE_S
    ]
    for service in story.scene.crowds:
        one = next((one for one in shown if one["service"] == service and one["lastStatus"] == "RUNNING"), None)
        if one is None:
            continue
        starts = crowds.started(service, float(str(one["startedAt"])), made["metrics"])
        shown += [one | {"taskId": crowd_id(service, n), "startedAt": int(at)} for n, at in enumerate(starts)]
    return shown


def _metrics(kept: dict[str, Any], story: Story, crowds: Crowds) -> dict[Metric, Series]:
    names = [name.removeprefix(f"{CLUSTER}-") for name in kept["queues"] if not name.endswith("-dlq")]
    return metrics.of(story.past, story.now - RECENT_DAYS * DAY_S, story.now, names, crowds.by_minute)


def _alarms(kept: dict[str, Any], story: Story) -> list[dict[str, Any]]:
    full = {queue_name(f"{message.queue}-dlq") for message in story.past.dead}
    return [
        alarm | {"StateValue": "ALARM" if alarm["Dimensions"][0]["Value"] in full else "OK"} for alarm in kept["alarms"]
    ]
