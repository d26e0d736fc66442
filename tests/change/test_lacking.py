"""A changing action taken out of the responder's policy: what needs it fails by its name, nothing else is sent."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from ops_lib.change.plan import Call
from ops_lib.sandbox import processes
from tests.change import plans
from tests.change.stage import Stage
from tests.counts import few
from tests.test_iam_enforced import without

P, CLUSTER, ENDPOINT = "stereo-spot", "stereo-spot", "stereo-spot-inference"
ROLE = "arn:aws:iam::123456789012:role/stereo-spot-sagemaker-endpoint"
IMAGE = "123456789012.dkr.ecr.us-east-1.amazonaws.com/stereo-spot-inference:latest"
TABLE = {"TableName": plans.JOBS, "Key": {"job_id": {"S": "00000000-0000-4000-8000-000000000009"}}}
THING = {"Bucket": plans.OUTPUT, "Key": "jobs/none/final.mp4"}
MODEL = {"ModelName": f"{P}-none", "ExecutionRoleArn": ROLE, "PrimaryContainer": {"Image": IMAGE}}
VARIANT = {"VariantName": "a", "ModelName": f"{P}-none", "InitialInstanceCount": 1, "InstanceType": "ml.g4dn.xlarge"}
TARGET = {"ServiceNamespace": "ecs", "ScalableDimension": "ecs:service:DesiredCount"}
# Each changing action, with a call that needs it.
CALLS: dict[str, Call] = {
    "dynamodb:UpdateItem": Call("dynamodb", "UpdateItem", TABLE | {"ConditionExpression": "attribute_exists(job_id)"}),
    "dynamodb:DeleteItem": Call("dynamodb", "DeleteItem", TABLE),
    "s3:PutObject": Call("s3", "PutObject", THING | {"Body": "x"}),
    "s3:GetObject": Call("s3", "CopyObject", THING | {"CopySource": f"{plans.OUTPUT}/jobs/none"}),
    "ecs:UpdateService": Call("ecs", "UpdateService", {"cluster": CLUSTER, "service": "web-ui", "desiredCount": 1}),
    "application-autoscaling:RegisterScalableTarget": Call(
        "application-autoscaling", "RegisterScalableTarget", TARGET | {"ResourceId": f"service/{CLUSTER}/media-worker"}
    ),
    "sagemaker:CreateModel": Call("sagemaker", "CreateModel", MODEL),
    "iam:PassRole": Call("sagemaker", "CreateModel", MODEL),
    "sagemaker:AddTags": Call("sagemaker", "CreateModel", MODEL | {"Tags": [{"Key": "k", "Value": "v"}]}),
    "sagemaker:CreateEndpointConfig": Call(
        "sagemaker", "CreateEndpointConfig", {"EndpointConfigName": f"{P}-none", "ProductionVariants": [VARIANT]}
    ),
    "sagemaker:UpdateEndpoint": Call(
        "sagemaker", "UpdateEndpoint", {"EndpointName": ENDPOINT, "EndpointConfigName": f"{P}-none"}
    ),
    "sagemaker:DeleteModel": Call("sagemaker", "DeleteModel", {"ModelName": f"{P}-none"}),
    "sagemaker:DeleteEndpointConfig": Call("sagemaker", "DeleteEndpointConfig", {"EndpointConfigName": f"{P}-none"}),
    "sagemaker:InvokeEndpointAsync": Call(
        "sagemaker-runtime",
        "InvokeEndpointAsync",
        {"EndpointName": ENDPOINT, "InputLocation": f"s3://{plans.OUTPUT}/x"},
    ),
}


@contextmanager
def lacking(at: Stage, *gone: str) -> Iterator[None]:
    name = at.sandbox.state["name"]
    processes.ask(name, "policy", {"role": "responder", "policy": without("responder", *gone)})
    try:
        yield
    finally:
        processes.ask(name, "policy", {"role": "responder", "policy": None})


@pytest.mark.parametrize(
    ("gone", "states"),
    [("dynamodb:PutItem", ["failed", "not-attempted"]), ("sqs:SendMessage", ["done", "failed"])],
)
def test_a_trigger_stops_where_it_is_not_allowed_to_go_on(at: Stage, job: str, gone: str, states: list[str]) -> None:
    plan = plans.trigger(at.settings, job)
    with lacking(at, gone):
        ran = at.apply(plan)
    assert ran.exit == 2, ran.stdout + ran.stderr
    assert [step["state"] for step in ran.events if step["event"] == "step"] == states[: len(ran.states)]
    assert f"allow {gone} to the responder" in ran.stdout
    assert (at.lock(job) is not None) == (states[0] == "done")
    assert at.status(job) == "chunking_complete"
    again = at.apply(plan)
    assert again.exit == 0, again.stdout
    assert at.completes(job)


@pytest.mark.parametrize("gone", few(list(CALLS), 4))
def test_a_call_that_is_not_allowed_changes_nothing_and_is_named(at: Stage, gone: str) -> None:
    step = plans.Step(title=gone, call=CALLS[gone], **plans.NOTHING, conditions=())
    plan = plans.plan(at.settings, gone, step)
    with lacking(at, gone):
        ran = at.apply(plan)
    assert ran.exit == 2, ran.stdout + ran.stderr
    assert ran.states == ["failed"]
    assert f"allow {gone} to the responder" in ran.stdout
