"""S3's events to queues as AWS writes them, and through a topic that fans out; moto encodes the slashes of a key.

AWS: S3 User Guide, "Event message structure": the key is URL encoded; "Event notification types": Put, Post, Copy,
CompleteMultipartUpload.
"""

from __future__ import annotations

import time
from typing import Any

from moto.s3 import notifications
from moto.sqs.models import sqs_backends

from ops_lib.sandbox.pipeline.events import s3_event
from ops_lib.sandbox.recording import ACCOUNT, REGION

# Queues that subscribe (raw message delivery) to each topic, by ARN.
subscriptions: dict[str, tuple[str, ...]] = {}


def apply() -> None:
    """Put these events in the place of moto's."""
    notifications.send_event = send_event


def send_event(account_id: str, event_name: Any, bucket: Any, key: Any) -> None:
    """Send one event to every queue that the bucket's configuration leads to."""
    configuration = bucket.notification_configuration
    if configuration is None:
        return
    queues = [rule.arn.split(":")[-1] for rule in configuration.queue if rule.matches(event_name, key.name)]
    for rule in configuration.topic:
        if rule.matches(event_name, key.name):
            queues += subscriptions.get(rule.arn, ())
    name, etag = str(event_name.value).removeprefix("s3:"), str(key.etag).strip('"')
    body = s3_event(bucket.name, key.name, key.size, time.time(), name, etag)
    for name in queues:
        if name in sqs_backends[ACCOUNT][REGION].queues:
            sqs_backends[ACCOUNT][REGION].send_message(name, body)
