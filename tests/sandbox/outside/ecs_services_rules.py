"""What UpdateService and its neighbours accept, where no clock moves anything."""

from __future__ import annotations

from typing import Any

import aws
import pytest

ECS = aws.client("ecs")
CLUSTER = "stereo-spot"
NAMES = ["web-ui", "media-worker", "video-worker", "job-worker"]


def service(name: str) -> dict[str, Any]:
    (found,) = ECS.describe_services(cluster=CLUSTER, services=[name])["services"]
    return dict(found)


def test_another_desired_count_is_no_deployment() -> None:
    """AWS: API reference, "UpdateService", desiredCount; "Deployment", desiredCount: of the PRIMARY one."""
    before = service("web-ui")
    after = ECS.update_service(cluster=CLUSTER, service="web-ui", desiredCount=2)["service"]
    assert (after["desiredCount"], after["runningCount"], after["pendingCount"]) == (2, 1, 0)
    (deployment,) = after["deployments"]
    assert deployment["id"] == before["deployments"][0]["id"]
    assert (deployment["desiredCount"], deployment["runningCount"]) == (2, 1)
    assert deployment["updatedAt"] > before["deployments"][0]["updatedAt"]
    assert (
        ECS.update_service(cluster=CLUSTER, service=before["serviceArn"], desiredCount=1)["service"]["desiredCount"]
        == 1
    )


def test_the_deployment_it_has_already_is_no_new_one() -> None:
    """AWS: API reference, "UpdateService", forceNewDeployment: needed where the task definition stays."""
    before = service("web-ui")
    for same in ("web-ui", "web-ui:1", before["taskDefinition"]):
        after = ECS.update_service(cluster=CLUSTER, service="web-ui", taskDefinition=same, forceNewDeployment=False)
        assert [one["id"] for one in after["service"]["deployments"]] == [before["deployments"][0]["id"]]


def test_all_of_a_worker_s_tasks_may_be_replaced_at_once() -> None:
    """AWS: API reference, "DeploymentConfiguration": maximumPercent, minimumHealthyPercent."""
    found = {name: service(name)["deploymentConfiguration"] for name in NAMES}
    assert {name: (one["maximumPercent"], one["minimumHealthyPercent"]) for name, one in found.items()} == {
        "web-ui": (200, 100),
        "media-worker": (200, 0),
        "video-worker": (200, 0),
        "job-worker": (200, 0),
    }


def test_what_is_not_there_is_an_error() -> None:
    """AWS: API reference, "UpdateService", Errors: ServiceNotFound-, ClusterNotFound-, ClientException."""
    update = ECS.update_service
    assert aws.code_of(update, cluster=CLUSTER, service="none", desiredCount=1) == "ServiceNotFoundException"
    assert aws.code_of(update, cluster="none", service="web-ui", desiredCount=1) == "ClusterNotFoundException"
    assert aws.code_of(update, cluster=CLUSTER, service="web-ui", taskDefinition="none") == "ClientException"
    assert aws.code_of(update, cluster=CLUSTER, service="web-ui", desiredCount=-1) == "InvalidParameterException"
    assert aws.code_of(ECS.stop_task, cluster=CLUSTER, task="0" * 32) == "InvalidParameterException"
    assert service("web-ui")["desiredCount"] == 1


def test_ten_services_and_a_hundred_tasks_at_most() -> None:
    """AWS: API reference, "DescribeServices", services: up to 10; "DescribeTasks", tasks: up to 100."""
    ten = [f"none-{number}" for number in range(10)]
    assert len(ECS.describe_services(cluster=CLUSTER, services=ten)["failures"]) == 10
    refused = aws.code_of(ECS.describe_services, cluster=CLUSTER, services=[*ten, "web-ui"])
    assert refused == "InvalidParameterException"
    many = [f"{number:032x}" for number in range(101)]
    assert len(ECS.describe_tasks(cluster=CLUSTER, tasks=many[:100])["failures"]) == 100
    assert aws.code_of(ECS.describe_tasks, cluster=CLUSTER, tasks=many) == "InvalidParameterException"


@pytest.mark.parametrize("option", [{"enableExecuteCommand": True}, {"platformVersion": "LATEST"}])
def test_an_option_nobody_has_checked_is_refused(option: dict[str, Any]) -> None:
    """AWS: API reference, "UpdateService": it has more options than the sandbox honours; none is passed over."""
    with pytest.raises(ECS.exceptions.InvalidParameterException, match=next(iter(option))):
        ECS.update_service(cluster=CLUSTER, service="web-ui", desiredCount=5, **option)
    assert service("web-ui")["desiredCount"] == 1
