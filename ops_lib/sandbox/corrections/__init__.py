"""Where moto behaves unlike AWS in a way that matters here: each correction in one small named file.

A conformance test beside each cites the AWS rule. They are applied when their service is first asked for: moto's
ECS alone takes half a second to import.
"""

from __future__ import annotations

from importlib import import_module

# The modules with the corrections of each service, in the order they are applied.
BY_SERVICE: dict[str, tuple[str, ...]] = {
    "sqs": (
        "sqs_counts",
        "sqs_attributes",
        "sqs_send",
        "sqs_receive",
        "sqs_handles",
        "sqs_batches",
        "sqs_dead_letters",
        "sqs_move_requests",
        "sqs_listing",
        "sqs_lock",
    ),
    "dynamodb": (
        "dynamodb_lock",
        "dynamodb_speed",
        "dynamodb_comparisons",
        "dynamodb_tokens",
        "dynamodb_requests",
        "dynamodb_numbers",
    ),
    "s3": ("s3_hollow", "s3_events", "s3_notifications", "s3_listings", "s3_digests", "s3_conditions"),
    "logs": ("insights", "filter_events", "stream_events"),
    "service-quotas": ("service_quotas",),
    "cloudwatch": ("metric_answers", "alarm_answers"),
    "sagemaker": ("sagemaker_configs", "sagemaker_endpoints", "sagemaker_listings"),
    "ecr": ("ecr_images",),
    "codebuild": ("codebuild_builds",),
    "sagemaker-runtime": ("sagemaker_async",),
    "ecs": ("ecs_tasks", "ecs_services"),
    "application-autoscaling": ("autoscaling_activities", "autoscaling_targets"),
}


def apply(service: str) -> None:
    """Replace the methods of one service, once, before it answers."""
    for name in BY_SERVICE.get(service, ()):
        import_module(f"{__name__}.{name}").apply()
