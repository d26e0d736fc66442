"""Which of the pipeline's Terraform files says what, so that a change by hand is not a surprise after the next apply.

Names as in the pipeline's packages/aws-infra: queues and services with underscores (pipeline.md 3, 5).
"""

from __future__ import annotations

FOLDER = "packages/aws-infra"
# Bounds that are variables; the others are literals in ecs.tf.
VARIABLES = {
    ("video-worker", "max_capacity"): "ecs_video_worker_max_capacity",
    ("video-worker", "min_capacity"): "ecs_video_worker_min_capacity",
}
# Services whose desired_count Terraform does not leave to whoever sets it.
COUNTED = {"web-ui": 1}


def of_timeout(key: str) -> str:
    """Return what reverts a queue's VisibilityTimeout; `key` as in *_QUEUE_URL."""
    return _set_back(where_of_queue(key, "visibility_timeout_s"))


def of_bound(service: str, bound: str) -> str:
    """Return what reverts a service's max_capacity or min_capacity."""
    return _set_back(where_of_service(service, bound))


def where_of_queue(key: str, setting: str) -> str:
    """Return the file and the variable or literal that declare a queue's setting."""
    if setting == "max_receive_count":
        return _variable("dlq_max_receive_count")
    name = {"visibility_timeout_s": "visibility_timeout_seconds", "retention_s": "message_retention_seconds"}[setting]
    return _literal(f"{name} of aws_sqs_queue.{_name(key)}", "sqs.tf")


def where_of_service(service: str, setting: str) -> str:
    """Return the file and the variable or literal that declare a service's bound, target or desired count."""
    if variable := VARIABLES.get((service, setting)):
        return _variable(variable)
    if setting == "target":
        return _literal(f"target_value of aws_appautoscaling_policy.{_name(service)}_sqs", "ecs.tf")
    if setting == "desired":
        return _literal(f"desired_count of aws_ecs_service.{_name(service)}", "ecs.tf")
    return _literal(f"{setting} of aws_appautoscaling_target.{_name(service)}", "ecs.tf")


def _variable(name: str) -> str:
    return f"the variable {name} ({FOLDER}/variables.tf)"


def _literal(what: str, file: str) -> str:
    return f"{what} in {FOLDER}/{file} (a literal, no variable)"


def _set_back(where: str) -> str:
    return f"The next terraform apply sets it back: change {where} too."


def of_count(service: str) -> str:
    """Return what becomes of a desired count at the next apply."""
    where = f"desired_count of aws_ecs_service.{_name(service)} in {FOLDER}/ecs.tf"
    if service in COUNTED:
        return f"The next terraform apply sets it back to {COUNTED[service]}: change {where} too."
    return f"A terraform apply leaves it alone: {where} is under ignore_changes."


def of_suspension(service: str) -> str:
    """Return what becomes of suspended scaling at the next apply."""
    where = f"aws_appautoscaling_target.{_name(service)} in {FOLDER}/ecs.tf declares no suspended_state"
    return f"Terraform does not know of it ({where}): look at it again after an apply."


def _name(key: str) -> str:
    return key.replace("-", "_")
