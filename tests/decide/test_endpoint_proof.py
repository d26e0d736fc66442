"""What became of an update: only status, config and digest together prove it; each of the nine has its name."""

from __future__ import annotations

from typing import Any

import pytest

from ops_lib.decide.endpoint_proof import CHANGING, ENDED, Wanted, changed_at, prove
from tests.decide.deployed_world import DEPLOYED_AT, NAME, NEW, OLD, URL, endpoint

CONFIG = f"{NAME}-config-1795662000"
WANTED = Wanted(CONFIG, (f"{URL}@{NEW}",))
LATER = {"LastModifiedTime": DEPLOYED_AT.replace(minute=30)}


def proof(*given: Any, wanted: Wanted = WANTED, **more: Any) -> tuple[str, str, str]:
    found = prove(endpoint(*given, **more).content, wanted)
    return found.state, found.name, found.words


@pytest.mark.parametrize("status", CHANGING)
def test_what_changes_by_itself_is_waited_for(status: str) -> None:
    assert proof(status, CONFIG, NEW)[:2] == ("under-way", status)


def test_only_status_config_and_digest_together_prove_it() -> None:
    assert proof("InService", CONFIG, NEW)[:2] == ("proven", "updated")
    state, name, words = proof("InService", CONFIG, OLD)
    assert (state, name) == ("refuted", "wrong-image")
    assert OLD[:30] in words
    assert NEW[:30] in words


def test_a_silent_rollback_is_named_with_awss_reason() -> None:
    state, name, words = proof("InService", NAME, OLD, **LATER, FailureReason="No ping.")
    assert (state, name) == ("refuted", "silent-rollback")
    assert words == f"silent rollback: InService, but with {NAME}, not {CONFIG}: No ping"
    assert "AWS gives no reason" in proof("InService", NAME, OLD, **LATER)[2]


def test_right_after_the_call_aws_may_still_show_what_was_before() -> None:
    untouched = Wanted(CONFIG, WANTED.images, changed_at(endpoint().content))
    assert proof("InService", NAME, OLD, wanted=untouched)[:2] == ("under-way", "not-begun")
    assert proof("InService", NAME, OLD, wanted=untouched, **LATER)[1] == "silent-rollback"


@pytest.mark.parametrize("status", [one for one in ENDED if one != "InService"])
def test_what_has_ended_otherwise_is_refuted(status: str) -> None:
    state, name, words = proof(status, NAME, OLD, FailureReason="Why.")
    assert (state, name) == ("refuted", status)
    assert ": Why" in words


def test_what_nobody_knows_is_not_known() -> None:
    assert proof("Dreaming", CONFIG, NEW)[:2] == ("unknown", "Dreaming")
    assert prove(None, WANTED).name == "gone"
    assert proof("InService", CONFIG, OLD, wanted=Wanted(CONFIG, ()))[0] == "proven"


def test_the_nine_statuses_of_aws_are_all_sorted() -> None:
    import botocore.session

    shape: Any = botocore.session.get_session().get_service_model("sagemaker").shape_for("EndpointStatus")
    assert {*CHANGING, *ENDED} == set(shape.enum)
