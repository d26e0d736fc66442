"""What a recording or a living pipeline holds becomes real resources of the server, by moto's own models.

No call over HTTP, times as recorded. What the file lacks comes from the pipeline's Terraform (pipeline.md 2-7).
"""

from __future__ import annotations

from importlib import import_module

from ops_lib.sandbox.recording import Recording

# What each service holds, in the order it is made.
BY_SERVICE: dict[str, tuple[str, ...]] = {
    "dynamodb": ("tables",),
    "sqs": ("queues",),
    "s3": ("objects", "notifications"),
    "logs": ("logs",),
    "sagemaker": ("endpoint",),
    "ecs": ("services",),
    "cloudwatch": ("alarms", "metrics"),
    "application-autoscaling": ("scaling",),
}


def load(service: str, recording: Recording) -> None:
    """Make every resource of one service in this process's moto backends."""
    for name in BY_SERVICE.get(service, ()):
        import_module(f"{__name__}.{name}").load(recording)
