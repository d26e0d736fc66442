"""What is said of the endpoint as it is: the stub, a moved tag, a rollback, leftovers; and nothing unread is ok."""

from __future__ import annotations

from typing import Any

import pytest

from ops_lib.decide.endpoint import endpoint_findings
from ops_lib.decide.endpoint_orphans import orphans
from ops_lib.decide.findings import Finding
from ops_lib.deployed import Build
from tests.decide.deployed_world import (
    ENVIRONMENT,
    IMAGES,
    NAME,
    NEW,
    OLD,
    STUB,
    URL,
    deployed,
    endpoint,
    image,
    listing,
    metrics,
    model,
)
from tests.recorded import UNREAD, read


def found(**parts: Any) -> dict[str, Finding]:
    return {one.id: one for one in endpoint_findings(deployed(**parts))}


def severity(name: str, **parts: Any) -> str | None:
    one = found(**parts).get(name)
    return one.severity if one else None


def test_all_well_is_said_too() -> None:
    said = {name: one.severity for name, one in found().items()}
    assert said == {
        "endpoint": "ok",
        "endpoint-stub": "ok",
        "endpoint-image": "note",
        "endpoint-build": "ok",
        "endpoint-backlog": "ok",
    }
    assert "another image than the one that runs" in found()["endpoint-image"].summary


@pytest.mark.parametrize("part", ["endpoint", "images", "build", "backlog_requests", "alarms", "listing"])
def test_what_was_not_read_is_unknown_never_ok(part: str) -> None:
    usual = found()
    unread = found(**{part: UNREAD})
    unknown = {name for name, one in unread.items() if one.severity == "unknown"}
    assert unknown, part
    assert not [name for name in unknown if unread[name].severity == "ok"]
    assert set(usual) - set(unread) <= {"endpoint-image", "endpoint-stub"} if part == "endpoint" else True


def test_the_stub_is_recognised_by_its_size_and_its_silence() -> None:
    small = (image(STUB, 9, "latest", size=54_000_000),)
    stub = {"endpoint": read(endpoint(runs=STUB)), "images": read(small), "invocations_logged": read(False)}
    assert severity("endpoint-stub", **stub) == "critical"
    assert "stub" in found(**stub)["endpoint-stub"].summary
    # A line of its own is proof that it is none.
    assert severity("endpoint-stub", **stub | {"invocations_logged": read(True)}) == "ok"


def test_answers_without_a_line_may_be_the_stubs() -> None:
    silent = {"invocations_logged": read(False)}
    assert severity("endpoint-stub", **silent) == "note"
    after = metrics((1.0, "processed_requests", 3.0))
    assert severity("endpoint-stub", **silent, metrics=read(after)) == "critical"
    before = metrics((7.0, "processed_requests", 3.0))
    assert severity("endpoint-stub", **silent, metrics=read(before)) == "note"
    assert severity("endpoint-stub", invocations_logged=UNREAD) == "unknown"


def test_an_image_that_is_gone_or_pinned_or_without_its_tag() -> None:
    assert severity("endpoint-image", images=read(IMAGES[:1])) == "warning"
    pinned = read(endpoint(named=f"{URL}@{OLD}"))
    assert severity("endpoint-image", endpoint=pinned) == "ok"
    assert severity("endpoint-image", images=read((image(OLD, 9),))) == "warning"
    assert severity("endpoint-image", endpoint=read(endpoint(runs=NEW))) == "ok"


def test_a_rolled_back_update_is_remembered() -> None:
    back = found(endpoint=read(endpoint(FailureReason="did not pass the ping")))["endpoint-rolled-back"]
    assert (back.severity, back.evidence) == ("warning", ("did not pass the ping",))
    assert "endpoint-rolled-back" not in found()


@pytest.mark.parametrize(
    ("status", "expected"), [("FAILED", "warning"), ("IN_PROGRESS", "note"), ("STOPPED", "warning")]
)
def test_a_build_that_did_not_succeed(status: str, expected: str) -> None:
    assert severity("endpoint-build", build=read(Build("p:2", status, None, None))) == expected


def test_a_variable_that_nothing_reads_is_named() -> None:
    knobs = read(model(environment=ENVIRONMENT | {"IW3_PRESET": "fast", "IW3_LOW_VRAM": "1"}))
    said = found(models={NAME: knobs})
    assert "endpoint-knob:IW3_PRESET" in said
    assert "endpoint-knob:IW3_LOW_VRAM" not in said
    older = {"ECR_INFERENCE_URL": URL}
    assert "does not read it yet" in found(declared=older)["endpoint-knob:PLATFORM"].summary


def test_leftovers_are_what_nothing_uses_and_somebodys_update_made() -> None:
    names = [(f"{NAME}-config-179566{n}000", 30 - n) for n in range(4)]
    configs = [(NAME, 300), *names, ("another", 1), (f"{NAME}-by-hand", 2)]
    left = orphans(NAME, listing(*configs, in_use=(names[2][0],), models=(f"{NAME}-1795669999",)))
    assert left.kept == names[1][0]
    assert [one.name for one in left.configs] == [names[0][0], names[3][0]]
    gone = [f"{NAME}-1795660000", f"{NAME}-1795663000", f"{NAME}-1795669999"]
    assert sorted(one.name for one in left.models) == gone
    kept = orphans(NAME, listing(*configs, in_use=(names[2][0],)), keep=names[0][0])
    assert names[0][0] not in [one.name for one in kept.configs]


def test_while_the_endpoint_changes_nothing_is_called_a_leftover() -> None:
    more = read(listing((NAME, 300), (f"{NAME}-config-1795660000", 1)))
    assert severity("endpoint-orphans", listing=more) == "note"
    assert severity("endpoint-orphans", listing=more, endpoint=read(endpoint("Updating"))) is None


def test_no_alarm_on_the_endpoint_is_a_note() -> None:
    assert severity("endpoint-alarms", alarms=read(())) == "note"


def test_an_endpoint_that_terraform_will_point_back() -> None:
    other = read(endpoint(config=f"{NAME}-config-1795660000"))
    assert severity("endpoint-terraform", endpoint=other) == "note"
