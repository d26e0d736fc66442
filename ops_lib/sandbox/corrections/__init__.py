"""Where moto behaves unlike AWS in a way that matters here: each correction in one small named file.

A conformance test beside each cites the AWS rule.
"""

from ops_lib.sandbox.corrections import dynamodb_speed, ecs_tasks, filter_events, insights


def apply_all() -> None:
    """Replace the methods, once, before the server answers."""
    for correction in (insights, filter_events, ecs_tasks, dynamodb_speed):
        correction.apply()
