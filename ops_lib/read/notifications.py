"""Where a bucket sends the events of new objects."""

from __future__ import annotations

from ops_lib.aws import Aws
from ops_lib.evidence import Evidence, Notifications
from ops_lib.read.attempt import attempt


def read_notifications(aws: Aws, bucket: str) -> Evidence[Notifications]:
    """Return the bucket's notification configuration (GetBucketNotificationConfiguration), all its rules together."""
    return attempt(f"s3:GetBucketNotificationConfiguration {bucket}", lambda: _configured(aws, bucket))


def _configured(aws: Aws, bucket: str) -> Notifications:
    got = aws.client("s3").get_bucket_notification_configuration(Bucket=bucket)
    arns = {rule["QueueArn"] for rule in got.get("QueueConfigurations", [])}
    fans_out = bool(got.get("TopicConfigurations")) or "EventBridgeConfiguration" in got
    return Notifications(bucket, tuple(sorted(arns)), fans_out)
