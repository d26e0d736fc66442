"""The endpoint as people see it: the first screen, the tables, the proof, and a figure whose gaps stay gaps."""

from __future__ import annotations

from typing import Any

import pytest

from ops_lib.change.plan import Plan
from ops_lib.decide.endpoint import endpoint_findings
from ops_lib.decide.endpoint_preflight import Rollout
from ops_lib.decide.endpoint_wish import Wish
from ops_lib.decide.repairs import NoRepair
from ops_lib.decide.repairs.endpoint import plan_update
from ops_lib.show import endpoint_tables
from ops_lib.show.endpoint_again import proof_card, proof_of
from ops_lib.show.endpoint_update import environment_of
from ops_lib.show.plan_tables import plan_table
from ops_lib.show.plots.endpoint import endpoint_course
from tests.decide.deployed_world import NAME, NAMES, NEW, NOW, OLD, deployed, endpoint, metrics, model
from tests.recorded import UNREAD, read

EVIL = "<script>alert(1)</script>"


def planned(**parts: Any) -> Any:
    return plan_update(deployed(**parts), Wish("latest", {"IW3_LOW_VRAM": "1"}), Rollout(), NAMES, NOW)


def test_the_first_screen_says_what_runs_and_what_is_proposed() -> None:
    plan, _, checks = planned()
    html = endpoint_tables.answer(deployed(), [*endpoint_findings(deployed()), *checks], plan)
    for words in ("InService", NAME, OLD[:19], "another image than the one that runs", "Proposed", "IW3_LOW_VRAM"):
        assert words in html
    refused = planned(endpoint=read(endpoint("Updating")))[0]
    assert "No update:" in endpoint_tables.answer(deployed(), [], refused)


def test_what_runs_and_what_was_not_read() -> None:
    facts = endpoint_tables.what_runs(deployed()).set_index("fact")["value"]
    assert facts["image that runs"].endswith(OLD)
    assert NEW in facts["latest names"]
    assert (facts["env PLATFORM"], facts["backlog, requests"]) == ("aws", "0")
    unread = endpoint_tables.what_runs(deployed(endpoint=UNREAD, images=UNREAD, build=UNREAD, backlog_requests=UNREAD))
    told = unread.set_index("fact")["value"]
    assert told["status"] == "not known"
    for fact in ("image in the repository", "last build", "backlog, requests"):
        assert UNREAD.reason in told[fact]
    alone = endpoint_tables.what_runs(deployed(endpoint=UNREAD)).set_index("fact")["value"]
    assert alone["pushed"].startswith("not known"), "nobody knows which image it is, so nobody misses it"
    assert "runs is <b>not known</b>" in endpoint_tables.answer(deployed(endpoint=UNREAD), [], planned()[0])
    assert "no endpoint" in endpoint_tables.answer(deployed(endpoint=read(None)), [], planned()[0])
    gap = endpoint_tables.what_runs(deployed(backlog_requests=read(None))).set_index("fact")["value"]
    assert gap["backlog, requests"] == "no datapoint for 15 minutes"


def test_the_changes_and_the_checks() -> None:
    _, proposal, checks = planned()
    rows = endpoint_tables.changes_table(proposal).to_dict("records")
    assert rows[0] == {
        "field": "PrimaryContainer.Image",
        "now": f"{NAME}:latest",
        "proposed": f"{NAME}@{NEW[:19]}",
    }
    assert rows[1]["now"] == ""
    assert endpoint_tables.changes_table(None).empty
    assert endpoint_tables.checks_table(checks).count("<tr>") == len(checks) + 1
    assert "nothing was checked" in endpoint_tables.checks_table(())


def test_what_came_from_aws_is_escaped() -> None:
    evil = read(endpoint(FailureReason=EVIL))
    shown = endpoint_tables.answer(deployed(endpoint=evil), endpoint_findings(deployed(endpoint=evil)), planned()[0])
    shown += proof_card(proof_of(deployed(endpoint=read(endpoint("Failed", FailureReason=EVIL))), planned()[0]))
    assert EVIL not in shown


@pytest.mark.parametrize(
    ("part", "headline"),
    [
        (read(endpoint()), "No update has begun"),
        (read(endpoint("Updating")), "It has not ended"),
        (read(endpoint("Failed")), "It did not come through"),
        (read(None), "It did not come through"),
        (UNREAD, "It cannot be told"),
    ],
)
def test_the_proof_in_any_kernel(part: Any, headline: str) -> None:
    plan = planned()[0]
    assert isinstance(plan, Plan)
    assert headline in proof_card(proof_of(deployed(endpoint=part), plan))
    config = plan.steps[-1].call.arguments["EndpointConfigName"]
    proven = proof_of(deployed(endpoint=read(endpoint(config=config, runs=NEW))), plan)
    assert "It worked" in proof_card(proven)


def test_the_parameters_of_the_environment() -> None:
    assert environment_of("A=1  B= C=x=y") == {"A": "1", "B": None, "C": "x=y"}
    assert environment_of("") == {}


def course(frame: Any, marks: Any = (), unread: str | None = None) -> Any:
    return endpoint_course(frame, marks, now=NOW, sandbox="SANDBOX", unread=unread)


def test_the_figure_draws_what_is_there_and_leaves_gaps() -> None:
    rows = [(hours, "gpu_percent", 50.0) for hours in (3, 2.92, 2.83, 1, 0.92)]
    rows += [(3, "model_latency_s", 61.0), (3, "processed_requests", 2.0)]
    plot = course(metrics(*rows), [(NOW.replace(hour=1), "config <x> made"), (NOW.replace(day=1), "long ago")])
    gpu = plot.figure.axes[3]
    assert [len(line.get_xdata()) for line in gpu.lines if line.get_drawstyle() == "steps-post"] == [4, 3]
    assert len(gpu.patches) == 3, "before, between, after"
    assert len([line for line in plot.figure.axes[0].lines if line.get_linestyle() == "--" or line.is_dashed()]) == 1
    assert "2 requests ended in a day, half of them within 61 s" in plot.alt
    assert "backlog: no data" in plot.alt
    assert "01:00 config <x> made" in plot.alt
    assert "long ago" not in plot.alt
    assert plot.png() == course(metrics(*rows), [(NOW.replace(hour=1), "config <x> made")]).png()
    assert next(iter(plot.table.columns)) == "hour"


def test_markers_that_lie_on_each_other_share_their_label() -> None:
    at = NOW.replace(hour=1)
    marks = [(at.replace(minute=minute), str(minute)) for minute in (0, 5, 9)] + [(NOW.replace(hour=2, minute=30), "d")]
    first = course(metrics((3, "gpu_percent", 1.0)), marks).figure.axes[0]
    assert [text.get_text() for text in first.texts][-2:] == ["1 2 3", "4"]


def test_no_data_and_not_read_do_not_look_alike() -> None:
    none, unread = course(metrics()), course(metrics(), unread="access denied")
    assert "no datapoint" in none.title
    assert "access denied" in unread.alt
    assert none.png() != unread.png()
    assert none.table.empty


def test_a_secret_in_the_containers_environment_is_shown_by_its_name_alone() -> None:
    held = {"HF_TOKEN": "plain-words", "AWS_SECRET_ACCESS_KEY": "wJalrXUtnFEMI/K7MDENG", "HF_TOKEN_ARN": "arn:x"}
    here = deployed(models={NAME: read(model(environment=held))})
    wish = Wish(environment={"HF_TOKEN": None, "AWS_SECRET_ACCESS_KEY": None, "IW3_LOW_VRAM": "1"})
    plan, proposal, checks = plan_update(here, wish, Rollout(), NAMES, NOW)
    assert isinstance(plan, Plan), plan
    facts = endpoint_tables.what_runs(here).set_index("fact")["value"]
    assert facts["env HF_TOKEN_ARN"] == "arn:x"
    shown = [str(facts.to_dict()), str(endpoint_tables.changes_table(proposal).to_dict("records")), plan.reason]
    shown += [endpoint_tables.answer(here, [*endpoint_findings(here), *checks], plan), plan_table(plan, None)]
    for text in shown:
        assert "plain-words" not in text
        assert "wJalr" not in text
        assert "HF_TOKEN" in text
    refused = plan_update(here, Wish(environment={"HF_TOKEN": "plain-words"}), Rollout(), NAMES, NOW)[0]
    assert isinstance(refused, NoRepair)
    assert "Secrets Manager" in refused.reason
    assert "plain-words" not in refused.reason


def test_what_was_not_read_is_no_reason_to_say_that_nothing_would_be_lost() -> None:
    denied = deployed(endpoint=UNREAD, config=UNREAD, models={}, listing=UNREAD)
    assert "config was not read" in endpoint_tables.by_script(denied)
