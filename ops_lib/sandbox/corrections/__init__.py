"""Where moto behaves unlike AWS in a way that matters here: each correction in one small named file.

A conformance test beside each cites the AWS rule. They are applied when their service is first asked for: moto's
ECS alone takes half a second to import.
"""

from __future__ import annotations

from importlib import import_module

# The modules with the corrections of each service, in the order they are applied.
BY_SERVICE: dict[str, tuple[str, ...]] = {
    "dynamodb": ("dynamodb_lock", "dynamodb_speed"),
    "s3": ("s3_hollow", "s3_events"),
    "logs": ("insights", "filter_events"),
    "cloudwatch": ("metric_answers",),
    "ecs": ("ecs_tasks",),
}


def apply(service: str) -> None:
    """Replace the methods of one service, once, before it answers."""
    for name in BY_SERVICE.get(service, ()):
        import_module(f"{__name__}.{name}").apply()
