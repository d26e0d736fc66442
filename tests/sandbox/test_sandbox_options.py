"""What a sandbox is asked to be travels as one line to its server; a name that is none is refused."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ops_lib.sandbox.options import COMPLETED, SPEED, Options, default, from_json
from ops_lib.sandbox.recording import RECORDINGS

OPTIONS = st.builds(
    Options,
    st.sampled_from(["sandbox", "sandbox-x"]),
    st.sampled_from(["runbook", "newest"]),
    st.floats(0, 10_000),
    st.integers(1, 100_000),
    st.lists(st.text("abc-", max_size=9), max_size=3).map(tuple),
    st.booleans(),
    st.integers(),
)


@given(OPTIONS)
def test_they_come_back_as_they_went(wanted: Options) -> None:
    assert "\n" not in wanted.as_json()
    assert from_json(wanted.as_json()) == wanted


@pytest.mark.parametrize("name", ["sandbox", "sandbox-mine", "sandbox-2", "sandbox-a-b"])
def test_a_sandbox_lives(name: str) -> None:
    usual = default(name)
    assert usual == Options(name, "newest", SPEED, COMPLETED)
    assert usual.recording is None


@pytest.mark.parametrize("name", ["sandbox-runbook", "sandbox-my-runbook", "sandbox-runbook-2"])
def test_a_word_of_the_name_chooses_the_version(name: str) -> None:
    assert default(name).version == "runbook"


def test_a_part_of_a_word_does_not() -> None:
    assert default("sandbox-runbooks").version == "newest"


@pytest.mark.parametrize("name", sorted(RECORDINGS))
def test_a_recording_stands_still(name: str) -> None:
    usual = default(name)
    assert (usual.recording, usual.version, usual.speed) == (RECORDINGS[name], RECORDINGS[name], 0.0)


@pytest.mark.parametrize(
    "name",
    ["", "production", "Sandbox", "sandbox-", "sandbox--a", "sandbox/..", "sandbox-A", "recording-old", "sandbox\n"],
)
def test_any_other_name_is_refused_with_those_that_are(name: str) -> None:
    with pytest.raises(ValueError, match="is no sandbox: sandbox, sandbox-<word>, recording-newest"):
        default(name)


@pytest.mark.parametrize("change", [{"more": 1}, {"speed": None}])
def test_what_are_no_options_is_refused(change: dict[str, object]) -> None:
    content = json.loads(Options("sandbox").as_json())
    content |= change
    if content.get("speed") is None:
        del content["speed"]
    with pytest.raises(ValueError, match="not the options of a sandbox"):
        from_json(json.dumps(content))
