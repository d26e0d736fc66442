"""Capacity as tables and for the figure: what was not read says so, what scaled which way, who stopped whom."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from types import SimpleNamespace

import pandas as pd
import pytest

from ops_lib.capacity import (
    AGE_COLUMNS,
    DEPTH_COLUMNS,
    RUNNING_COLUMNS,
    Deployment,
    ScalingActivity,
    Series,
    Service,
)
from ops_lib.decide.capacity import Capacity
from ops_lib.evidence import Task
from ops_lib.gathered import CapacityEvidence
from ops_lib.show import capacity_frames as frames
from ops_lib.show import capacity_series
from ops_lib.show.capacity import busiest, stopped, timeline
from tests.decide.repairs.capacities import capacity
from tests.decide.states import NOW, at, queue
from tests.decide.work_lines import many
from tests.recorded import UNREAD, read

COLUMNS = (DEPTH_COLUMNS, AGE_COLUMNS, RUNNING_COLUMNS)


def judged(evidence: CapacityEvidence) -> Capacity:
    return Capacity(evidence, NOW)


def activity(seconds: float, desired: int | None, alarm: str = "") -> ScalingActivity:
    cause = f"monitor alarm x-{alarm}-y in state ALARM" if alarm else "scheduled action"
    return ScalingActivity("media-worker", str(seconds), at(seconds), "Successful", "words", cause, desired)


def test_a_service_has_its_bounds_its_next_count_and_its_newest_deployment() -> None:
    one = Deployment("ecs-svc/1", "PRIMARY", 1, 0, 1, at(3600), rollout="IN_PROGRESS")
    services = (Service("media-worker", "ACTIVE", 2, 1, 1, (one,)), Service("job-worker", "ACTIVE", 0, 0, 0))
    table = frames.services(judged(capacity(services=read(services), suspended=("DynamicScalingInSuspended",))))
    media, job = table.to_dict("records")
    assert media["bounds"] == "1 to 10; suspended: DynamicScalingIn"
    assert media["newest deployment"] == "IN_PROGRESS, began 20 Feb 11:00"
    assert "suspended" in media["what autoscaling does next"]
    assert (job["bounds"], job["newest deployment"]) == ("none", "none")


def test_what_was_not_read_says_so() -> None:
    assert "not read" in frames.services(judged(capacity(services=UNREAD)))["service"].iloc[0]
    assert set(frames.services(judged(capacity(targets={}, policies=read(()))))["bounds"]) == {"none"}
    unread = replace(capacity(), targets=UNREAD)
    assert set(frames.services(judged(unread))["bounds"]) == {"not read"}
    assert "not read" in frames.stopped_tasks(judged(capacity(tasks=UNREAD)))["task"].iloc[0]
    assert "not read" in frames.service_events(judged(capacity(services=UNREAD)), "media-worker").iloc[0, 0]
    rows = frames.backlogs(judged(replace(capacity(services=UNREAD), policies=UNREAD)))
    assert set(rows["scales"]) == {"not read"}
    assert set(rows["for each task"]) == {"not known"}
    assert set(rows["gone in"]) == {"empty"}


def test_a_stopped_task_keeps_what_ecs_forgets() -> None:
    words = "Scaling activity initiated by (deployment ecs-svc/1)"
    shed = Task(
        "s" * 32, "media-worker", "STOPPED", at(99), at(50), words, {"b": 137}, None, "ServiceSchedulerInitiated"
    )
    reasons = {"b": "OutOfMemoryError: Container killed due to memory usage"}
    died = Task(
        "d" * 32,
        "media-worker",
        "STOPPED",
        at(99),
        at(9),
        "Essential container in task exited",
        {"b": 137},
        None,
        "EssentialContainerExited",
        reasons,
    )
    table = frames.stopped_tasks(judged(capacity(tasks=read((shed, died)))))
    assert table["task"].tolist() == ["dddddddd", "ssssssss"]
    assert "memory" in table["why"].iloc[0]
    assert "OutOfMemoryError" in table["reason of ECS"].iloc[0]
    assert "on purpose" in table["why"].iloc[1]
    assert frames.stopped_tasks(judged(capacity())).empty


def test_tasks_that_stopped_alike_are_one_row_and_each_is_kept() -> None:
    words, reasons = "Essential container in task exited", {"b": "OutOfMemoryError: Container killed"}
    code = "EssentialContainerExited"
    died = [
        Task(f"{n:032d}", "media-worker", "STOPPED", at(99), at(n), words, {"b": 137}, None, code, reasons)
        for n in range(1, 9)
    ]
    shed = Task("s" * 32, "media-worker", "STOPPED", at(99), at(50), "Scaling", {"b": 137}, None, "UserInitiated")
    one = judged(capacity(tasks=read((*died, shed))))
    rows = frames.stops(frames.stopped_tasks(one)).to_dict("records")
    assert [(row["tasks"], row["newest"].to_pydatetime()) for row in rows] == [(8, at(1)), (1, at(50))]
    page = stopped(one)
    assert "each of 9" in page
    assert all(task.task_id[:8] in page for task in (*died, shed))
    assert "No task stopped" in stopped(judged(capacity()))
    denied = stopped(judged(capacity(tasks=UNREAD)))
    assert "not read" in denied
    assert "each of" not in denied


def test_a_backlog_says_what_scales_and_how_long_it_takes_with_how_that_was_measured() -> None:
    lines = many("reassembly", [60.0] * 25)
    table = frames.backlogs(judged(capacity(lines=lines, pairs=[queue("reassembly", 30, 1), queue("chunking", 12)])))
    rows = {row["queue"]: row for row in table.to_dict("records")}
    assert rows["reassembly"]["scales"] == "nothing"
    assert rows["reassembly"]["gone in"] == "30 min (30 min to 31 min)"
    assert rows["reassembly"]["at the maximum"].endswith("with 10")
    assert rows["chunking"]["scales"] == "media-worker, above 10"
    assert (rows["chunking"]["for each task"], rows["chunking"]["gone in"]) == ("12.0", "not known")
    assert rows["output-events"]["measured"] == "its consumer logs no beginning"


def test_a_timeout_stands_beside_what_it_is_for() -> None:
    lines = [*many("reassembly", [700.0] * 25), *many("chunking", [60.0] * 3)]
    table = frames.timeouts(judged(capacity(lines=lines, pairs=[queue("chunking", 1)])))
    rows = {row["queue"]: row for row in table.to_dict("records")}
    assert rows["reassembly"]["recommended"] == "15 min"
    assert rows["reassembly"]["until dead letter"] == "50 min"
    assert (rows["chunking"]["recommended"], rows["chunking"]["messages"]) == ("not known", 3)
    assert rows["video-worker"]["because"] == "nothing was seen, and nothing is in it"
    thumbs = frames.rules_of_thumb(judged(capacity(lines=lines)))
    assert thumbs["queue"].tolist() == ["reassembly"]
    assert thumbs["6 x median s"].tolist() == [4200]


def series() -> Series:
    depths = pd.DataFrame([(NOW, "reassembly", 3.0), (NOW, "other", 9.0)], columns=list(DEPTH_COLUMNS))
    ages = pd.DataFrame([(NOW, "reassembly", 60.0)], columns=list(AGE_COLUMNS))
    running = pd.DataFrame([(NOW, "media-worker", 2.0), (NOW, "web-ui", 1.0)], columns=list(RUNNING_COLUMNS))
    typed = (depths.astype(DEPTH_COLUMNS), ages.astype(AGE_COLUMNS), running.astype(RUNNING_COLUMNS))
    return Series(NOW - timedelta(hours=1), NOW, 60, *typed)


def test_the_figure_gets_the_services_own_points_and_values() -> None:
    one = judged(capacity(series=read(series()), pairs=[queue("reassembly", 5)]))
    told = capacity_series.series(one, "media-worker", ["reassembly", "chunking"])
    assert told[["what", "name", "value"]].values.tolist() == [
        ["depth", "reassembly", 3.0],
        ["age_s", "reassembly", 60.0],
        ["tasks", "media-worker", 2.0],
    ]
    now = capacity_series.values_now(one, "media-worker", ["reassembly", "nobody"])
    assert now["value"].tolist() == [5, pd.NA, 1]
    assert capacity_series.series(judged(capacity(series=UNREAD)), "media-worker", ["reassembly"]).empty


@pytest.mark.parametrize(
    ("second", "kind"),
    [
        (activity(100, 5, "AlarmHigh"), "scaled out"),
        (activity(100, 1, "AlarmLow"), "scaled in"),
        (activity(100, 5), "scaled out"),
        (activity(100, 1), "scaled in"),
        (activity(100, 3), "set"),
        (activity(100, None), "set"),
    ],
)
def test_a_scaling_has_a_direction(second: ScalingActivity, kind: str) -> None:
    one = judged(capacity(activities=read((activity(200, 3, "AlarmHigh"), second))))
    assert capacity_series.events(one, "media-worker", at(300))["kind"].tolist() == ["scaled out", kind]
    assert capacity_series.events(one, "media-worker", at(150))["kind"].tolist() == [kind]
    assert capacity_series.events(one, "video-worker", at(300)).empty


def test_deployments_and_stops_stand_on_the_same_axis() -> None:
    began, ended = at(500), at(400)
    deployment = Deployment("ecs-svc/1", "PRIMARY", 1, 1, 0, began, rollout="COMPLETED")
    events: tuple[tuple[datetime, str], ...] = (
        (ended, "(service media-worker) (deployment ecs-svc/1) deployment completed."),
    )
    service = Service("media-worker", "ACTIVE", 1, 1, 0, (deployment,), events)
    died = Task(
        "d" * 32, "media-worker", "STOPPED", at(400), at(300), "exited", {"b": 1}, None, "EssentialContainerExited"
    )
    shed = Task(
        "s" * 32, "media-worker", "STOPPED", at(400), at(200), "scaled", {"b": 137}, None, "ServiceSchedulerInitiated"
    )
    one = judged(capacity(services=read((service,)), tasks=read((died, shed))))
    told = capacity_series.events(one, "media-worker", at(3600))
    assert told["kind"].tolist() == ["deployment began", "deployment completed", "task stopped"]
    assert str(told["time"].dtype) == "datetime64[us, UTC]"


@pytest.mark.parametrize(
    ("waiting", "name"),
    [
        ({}, "video-worker"),
        ({"reassembly": 9}, "media-worker"),
        ({"reassembly": 9, "video-worker": 40}, "video-worker"),
    ],
)
def test_the_busiest_service_is_shown(waiting: dict[str, int], name: str) -> None:
    assert busiest(judged(capacity(pairs=[queue(key, count) for key, count in waiting.items()]))) == name


def test_of_queues_that_were_not_read_the_figure_says_so_and_not_that_there_is_no_data() -> None:
    book = SimpleNamespace(parameters=SimpleNamespace(window_hours=6), label=None)
    empty = Series(NOW - timedelta(hours=6), NOW, 60, *(pd.DataFrame(columns=list(one)).astype(one) for one in COLUMNS))
    queues = {key: replace(pair, main=UNREAD) for key, pair in capacity().queues.items()}
    denied = replace(capacity(series=read(empty)), queues=queues, services=UNREAD)
    plot = timeline(book, judged(denied), "media-worker")  # type: ignore[arg-type]
    assert "media-worker: messages not read, tasks not read" in plot.title
    assert UNREAD.reason in plot.alt
    texts = [text.get_text() for axes in plot.figure.axes for text in axes.texts]
    assert not [text for text in texts if "no data" in text]
