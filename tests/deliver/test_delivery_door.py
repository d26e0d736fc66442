"""The small door: three operations to the places the YAML names, everything else refused before anything is sent."""

from __future__ import annotations

from typing import Any

import pytest

from ops_lib.aws import connect
from ops_lib.deliver.door import Deliverer, Places
from ops_lib.errors import ChangeRefused
from ops_lib.settings import open_settings

TOPIC = "arn:aws:sns:us-east-1:123456789012:stereo-spot-ops-reports"
PLACES = Places("reports", "daily/", TOPIC, "StereoSpot/Ops")
NOWHERE = Places(None, "", None, None)
RIGHT: dict[str, dict[str, Any]] = {
    "PutObject": {"Bucket": "reports", "Key": "daily/a/report.html"},
    "Publish": {"TopicArn": TOPIC},
    "PutMetricData": {"Namespace": "StereoSpot/Ops"},
}
WRONG: list[tuple[str, dict[str, Any]]] = [
    ("PutObject", {"Bucket": "stereo-spot-output-123456789012", "Key": "daily/a"}),
    ("PutObject", {"Bucket": "reports", "Key": "other/a"}),
    ("PutObject", {"Bucket": "reports", "Key": "daily/../other/a"}),
    ("PutObject", {"Bucket": "reports"}),
    ("Publish", {"TopicArn": TOPIC + "2"}),
    ("Publish", {"TargetArn": TOPIC}),
    ("Publish", {"PhoneNumber": "+1"}),
    ("PutMetricData", {"Namespace": "AWS/SQS"}),
    ("DeleteObject", {"Bucket": "reports", "Key": "daily/a"}),
    ("SendMessage", {"QueueUrl": "https://q"}),
    ("UpdateService", {}),
]


@pytest.mark.parametrize("operation", sorted(RIGHT))
def test_what_a_delivery_needs_is_let_through_only_where_the_yaml_names_it(operation: str) -> None:
    PLACES.require(operation, RIGHT[operation])
    with pytest.raises(ChangeRefused, match="see deliver and report_store"):
        NOWHERE.require(operation, RIGHT[operation])


@pytest.mark.parametrize(("operation", "arguments"), WRONG, ids=str)
def test_everything_else_is_refused(operation: str, arguments: dict[str, Any]) -> None:
    with pytest.raises(ChangeRefused):
        PLACES.require(operation, arguments)


def test_a_refused_call_never_reaches_a_client() -> None:
    deliverer = Deliverer(connect(open_settings("recording-newest")), PLACES)
    deliverer._aws = None  # type: ignore[assignment]
    for operation, arguments in WRONG:
        with pytest.raises(ChangeRefused):
            deliverer.send("s3", operation, arguments)
