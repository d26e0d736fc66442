"""ECS services while time passes, as AWS's documents describe them: here half a minute is a tenth of a second."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta

from follow import CLUSTER, ECS, is_steady, said, service, tasks, until, update


def test_an_image_that_is_missing_fails_each_start_until_a_new_deployment() -> None:
    """AWS: Developer Guide, "Service throttle logic", "Service event messages", "Stopped tasks error codes": such
    tasks go from PENDING to STOPPED, are tried less and less often, and the next deployment begins afresh.
    """
    now = service("media-worker")
    assert (now["desiredCount"], now["runningCount"]) == (1, 0)
    first = len(tasks("media-worker", "STOPPED"))
    until(lambda: len(tasks("media-worker", "STOPPED")) > first, 30)
    for task in tasks("media-worker", "STOPPED"):
        assert (task["lastStatus"], task["stopCode"]) == ("STOPPED", "TaskFailedToStart")
        assert task["stoppedReason"].startswith("CannotPullContainerError: ")
        assert "startedAt" not in task
        assert "exitCode" not in task["containers"][0]
        assert task["createdAt"] < task["stoppedAt"]
    events = said("media-worker")
    assert "is unable to consistently start tasks successfully." in events
    assert any(words.startswith("was unable to place a task. Reason: CannotPull") for words in events)
    assert service("media-worker")["deployments"][0]["failedTasks"] > 0
    update("media-worker", forceNewDeployment=True)
    until(lambda: is_steady("media-worker", 1))
    assert service("media-worker")["deployments"][0]["failedTasks"] == 0
    assert said("media-worker")[0] == "has reached a steady state."


def test_tasks_follow_the_desired_count() -> None:
    """AWS: Developer Guide, "Service scheduler concepts": as many tasks as desired; "Service event messages"."""
    before = {task["taskArn"] for task in tasks("web-ui")}
    update("web-ui", desiredCount=3)
    until(lambda: is_steady("web-ui", 3))
    fresh = [task for task in tasks("web-ui") if task["taskArn"] not in before]
    assert len(fresh) == 2
    steady, started, *_ = said("web-ui")
    assert (steady, started.split(":")[0]) == ("has reached a steady state.", "has started 2 tasks")
    assert all(f"(task {task['taskArn'].rsplit('/', 1)[1]})" in started for task in fresh)
    for task in fresh:
        assert task["startedBy"] == service("web-ui")["deployments"][0]["id"]
        assert task["createdAt"] < task["startedAt"] <= datetime.now(UTC)


def test_surplus_tasks_are_told_and_then_killed() -> None:
    """AWS: Developer Guide, "Amazon ECS task lifecycle"; API reference, "StopTask": SIGTERM, and SIGKILL after 30 s;
    "Stopped tasks error codes": ServiceSchedulerInitiated.
    """
    until(lambda: is_steady("web-ui", 3))
    arns = [task["taskArn"] for task in tasks("web-ui")]
    update("web-ui", desiredCount=1)
    until(lambda: said("web-ui")[1].startswith("has stopped 2 running tasks: (task "))
    assert is_steady("web-ui", 1)
    gone = [task for task in tasks("web-ui", "STOPPED") if task["taskArn"] in arns]
    assert [task["lastStatus"] for task in gone] == ["STOPPED", "STOPPED"]
    for task in gone:
        assert task["stopCode"] == "ServiceSchedulerInitiated"
        own = service("web-ui")["deployments"][0]["id"]
        assert task["stoppedReason"] == f"Scaling activity initiated by (deployment {own})"
        assert task["containers"][0]["exitCode"] == 137
        assert timedelta(seconds=30 / 300) <= task["stoppedAt"] - task["stoppingAt"]
    assert said("web-ui")[0] == "has reached a steady state."


def test_a_stopped_task_is_replaced() -> None:
    """AWS: Developer Guide, "Service scheduler concepts": a task that stops is replaced; StopTask: UserInitiated."""
    (task,) = tasks("web-ui")
    answer = ECS.stop_task(cluster=CLUSTER, task=task["taskArn"], reason="by hand")["task"]
    assert (answer["desiredStatus"], answer["stopCode"], answer["stoppedReason"]) == (
        "STOPPED",
        "UserInitiated",
        "by hand",
    )
    assert answer["lastStatus"] in ("DEACTIVATING", "STOPPING")
    until(lambda: said("web-ui")[1].startswith("has started 1 tasks") and is_steady("web-ui", 1))
    (gone,) = ECS.describe_tasks(cluster=CLUSTER, tasks=[task["taskArn"]])["tasks"]
    assert [one["lastStatus"] for one in tasks("web-ui") if one["taskArn"] != task["taskArn"]] == ["RUNNING"]
    assert (gone["lastStatus"], gone["stopCode"], gone["containers"][0]["exitCode"]) == (
        "STOPPED",
        "UserInitiated",
        137,
    )


def test_a_deployment_is_primary_until_it_is_completed() -> None:
    """AWS: API reference, "Deployment", status: PRIMARY and ACTIVE; rolloutState: IN_PROGRESS until steady."""
    (old,) = tasks("web-ui")
    update("web-ui", forceNewDeployment=True)
    first, *others = service("web-ui")["deployments"]
    assert (first["status"], first["rolloutState"], first["desiredCount"]) == ("PRIMARY", "IN_PROGRESS", 1)
    assert [(one["status"], one["id"]) for one in others] == [("ACTIVE", old["startedBy"])]
    ECS.get_waiter("services_stable").wait(
        cluster=CLUSTER, services=["web-ui"], WaiterConfig={"Delay": 1, "MaxAttempts": 9}
    )
    (new,) = tasks("web-ui")
    assert new["startedBy"] == first["id"]
    assert new["startedAt"] <= next(
        one["stoppingAt"] for one in tasks("web-ui", "STOPPED") if one["taskArn"] == old["taskArn"]
    )
    assert f"(deployment {first['id']}) deployment completed." in said("web-ui")


def test_another_task_definition_is_a_deployment_of_its_own() -> None:
    """AWS: API reference, "UpdateService", taskDefinition: tasks of the old definition are replaced by new ones."""
    was = ECS.describe_task_definition(taskDefinition="web-ui")["taskDefinition"]
    made = ECS.register_task_definition(
        family="web-ui", containerDefinitions=was["containerDefinitions"], networkMode="awsvpc"
    )["taskDefinition"]
    assert service("web-ui")["taskDefinition"] == was["taskDefinitionArn"]
    update("web-ui", taskDefinition="web-ui")
    until(lambda: is_steady("web-ui", 1))
    assert service("web-ui")["taskDefinition"] == made["taskDefinitionArn"]
    (task,) = tasks("web-ui")
    assert task["taskDefinitionArn"] == made["taskDefinitionArn"]


def test_the_counts_are_those_of_the_tasks() -> None:
    """AWS: API reference, "Service": runningCount in the RUNNING state, pendingCount PENDING; "Cluster" alike."""
    compared, end = 0, time.monotonic() + 0.6
    update("web-ui", desiredCount=4)
    while time.monotonic() < end or not is_steady("web-ui", 4):
        before, listed, after = service("web-ui"), tasks("web-ui"), service("web-ui")
        counts = [(one["runningCount"], one["pendingCount"]) for one in (before, after)]
        states = [task["lastStatus"] for task in listed]
        if counts[0] == counts[1] and before["events"] == after["events"]:
            running = states.count("RUNNING")
            assert counts[0] == (running, len(states) - running)
            compared += 1
    assert compared > 3
    (cluster,) = ECS.describe_clusters(clusters=[CLUSTER])["clusters"]
    names = ("web-ui", "media-worker", "video-worker", "job-worker")
    assert cluster["runningTasksCount"] == sum(service(name)["runningCount"] for name in names)
    update("web-ui", desiredCount=1)
    until(lambda: is_steady("web-ui", 1))
