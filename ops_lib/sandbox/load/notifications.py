"""The buckets' notifications, as Terraform declares them with the defect F02 cured.

The newest version declares the same rules twice, once for each of two queues, which S3 refuses; here one topic takes
each event and fans it out to both.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from moto.s3.models import NotificationConfiguration, s3_backends

from ops_lib.sandbox.corrections import s3_events
from ops_lib.sandbox.pipeline.version import INPUT, OUTPUT, Rule, queue_arn, queue_name, version_named
from ops_lib.sandbox.recording import ACCOUNT, CLUSTER, REGION, Recording

TOPIC = f"arn:aws:sns:{REGION}:{ACCOUNT}:{CLUSTER}-output-objects"


def load(recording: Recording) -> None:
    """Configure both buckets without the test message that S3 sends on each configuration."""
    rules = version_named(recording.name).rules
    scene = recording.data["scene"]
    if scene and scene.overlapping:
        # What stays when S3 refuses the second queue's rules: only the first queue is told.
        rules = tuple(replace(rule, queues=rule.queues[:1]) for rule in rules)
    for bucket in (INPUT, OUTPUT):
        configure(bucket, [rule for rule in rules if rule.bucket == bucket])


def configure(bucket: str, rules: list[Rule]) -> None:
    """Give a bucket these rules: one queue by itself, several by the topic."""
    made = s3_backends[ACCOUNT]["aws"].get_bucket(bucket)
    configuration: dict[str, list[dict[str, Any]]] = {"QueueConfiguration": [], "TopicConfiguration": []}
    for number, rule in enumerate(rules):
        where = {"Id": f"{CLUSTER}-{number}", "Event": ["s3:ObjectCreated:*"], "Filter": {"S3Key": _filter(rule)}}
        if len(rule.queues) == 1:
            configuration["QueueConfiguration"].append(where | {"Queue": queue_arn(rule.queues[0])})
        else:
            configuration["TopicConfiguration"].append(where | {"Topic": TOPIC})
            s3_events.subscriptions[TOPIC] = tuple(map(queue_name, rule.queues))
    made.notification_configuration = _made(configuration)


def _made(configuration: dict[str, list[dict[str, Any]]]) -> Any:
    return NotificationConfiguration(
        topic=configuration["TopicConfiguration"], queue=configuration["QueueConfiguration"]
    )


def _filter(rule: Rule) -> dict[str, list[dict[str, str]]]:
    pairs = (("prefix", rule.prefix), ("suffix", rule.suffix))
    return {"FilterRule": [{"Name": name, "Value": value} for name, value in pairs if value]}
