"""The plan that has the endpoint convert one real segment to a place of its own, and looks whether it is there.

It writes and invokes, so it is a change like any other. AWS: Runtime API reference, "InvokeEndpointAsync".
"""

from __future__ import annotations

import json
import re
from datetime import datetime

from ops_lib.change.plan import Call, Condition, Plan, Step
from ops_lib.decide.endpoint import content_of
from ops_lib.decide.repairs.calls import list_objects, object_in_listing
from ops_lib.decide.repairs.endpoint import describe
from ops_lib.decide.repairs.names import DEPLOYER, NOBODY, Names, NoRepair, Unsafe
from ops_lib.decide.repairs.planned import answered, planned, whole_seconds
from ops_lib.deployed import Deployed
from ops_lib.evidence import Evidence, S3Object, known

SCRATCH = "ops-smoke"
SEGMENT = re.compile(r"segments/([^/]+)/(\d{5})_(\d{5})_([a-z]+)\.mp4")
RISK = (
    "It takes an instance's time: requests of jobs wait behind it. No job's file is touched, and the film lies under "
    f"{SCRATCH}/, which makes no event. In the newest pipeline the result object does make one: a video-worker that "
    "reads it frees a slot that was not taken, and starts one inference more than it should. Do it "
    "while nothing waits."
)


def smallest_segment(objects: tuple[S3Object, ...]) -> S3Object | None:
    """Return the segment that is converted soonest, None where there is none."""
    fit = (one for one in objects if SEGMENT.fullmatch(one.key) and one.size_bytes)
    return min(fit, key=lambda one: (one.size_bytes, one.key), default=None)


def plan_smoke(
    deployed: Deployed, segments: Evidence[tuple[S3Object, ...]], names: Names, now: datetime
) -> Plan | NoRepair:
    """Return the plan that converts the smallest of these segments (objects of the input bucket) by the endpoint."""

    def make() -> Plan:
        content, segment = content_of(deployed), smallest_segment(known(segments))
        if content.get("EndpointStatus") != "InService":
            raise Unsafe(f"The endpoint is {content.get('EndpointStatus', 'not known')}: try it when it is InService.")
        if "AsyncInferenceConfig" not in content:
            raise Unsafe("The endpoint has no AsyncInferenceConfig: it takes no asynchronous request.", DEPLOYER)
        if segment is None:
            raise Unsafe("There is no segment in the input bucket to try it with.", NOBODY)
        return _plan(deployed.name, str(content["EndpointConfigName"]), segment, names, now)

    return answered(make)


def _plan(endpoint: str, config: str, segment: S3Object, names: Names, now: datetime) -> Plan:
    stamp = f"{whole_seconds(now):%Y%m%dT%H%M%SZ}"
    folder, bucket = f"{SCRATCH}/{stamp}", names.output_bucket
    request, output = f"{folder}/request.json", f"{folder}/0.mp4"
    found = SEGMENT.fullmatch(segment.key)
    body = {
        "s3_input_uri": f"s3://{names.input_bucket}/{segment.key}",
        "s3_output_uri": f"s3://{bucket}/{output}",
        "mode": found[4] if found else "",
    }
    state = Condition(
        f"the endpoint is InService with {config}",
        describe(endpoint),
        "[EndpointStatus, EndpointConfigName]",
        ["InService", config],
    )
    put = Call("s3", "PutObject", {"Bucket": bucket, "Key": request, "Body": json.dumps(body)})
    location = f"s3://{bucket}/{request}"
    invocation = {"EndpointName": endpoint, "InputLocation": location, "ContentType": "application/json"}
    steps = [
        Step(
            title="put the request",
            call=put,
            before=f"nothing under {folder}/",
            after=f"{request} asks for {segment.key} ({segment.size_bytes / 1e6:.1f} MB)",
            risk="None: nothing reads it yet.",
            undo=f"delete what lies under s3://{bucket}/{folder}/",
            conditions=(state, _there("the segment is there", names.input_bucket, segment.key, True)),
            done_when=_there("the request is there", bucket, request, True),
            harmless_twice=True,
            doubles="nothing: the same object is put again",
        ),
        Step(
            title=f"have endpoint {endpoint} convert one segment",
            call=Call("sagemaker-runtime", "InvokeEndpointAsync", invocation),
            before="not asked",
            after=f"about a minute later the film lies at {output}",
            risk=RISK,
            undo=f"it cannot be taken back; delete what lies under s3://{bucket}/{folder}/",
            conditions=(state, _there("nothing was converted yet", bucket, output, False)),
            harmless_twice=True,
            doubles="the inference: one more of the same segment to the same place",
        ),
    ]
    title = f"Try endpoint {endpoint} with one segment"
    done = Condition("the converted segment is there and not empty", list_objects(bucket, output), _size(output), True)
    return planned(names, now, title, f"one real segment, with {config}", steps, [done])


def _there(what: str, bucket: str, key: str, there: bool) -> Condition:
    return Condition(what, list_objects(bucket, key), f"{object_in_listing(key)}.Key", key if there else None)


def _size(key: str) -> str:
    return f"{object_in_listing(key)}.Size > `0`"
