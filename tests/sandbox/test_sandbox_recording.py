"""A recording is moved in time as one piece: every time by the same number of seconds, everything else not at all."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ops_lib.sandbox.recording import RECORDINGS, load, shift_text
from tests.recorded import recording

NAMES = sorted(RECORDINGS)
WHOLE = re.compile(r"(?<![\w.-])([12]\d{9})(\d{3})?(\.\d+)?(?![\w-])")
WRITTEN = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d")
# Parts that no recording has; what loads them finds them empty.
ABSENT: dict[str, Any] = {"metrics": {}, "scene": None}
MOMENTS = st.integers(1_735_689_600, 2_051_222_400).map(lambda seconds: datetime.fromtimestamp(seconds, UTC))
Path = tuple[str, ...]


def times_and_rest(content: Any) -> tuple[list[tuple[Path, int]], str]:
    """Return every time (whole seconds since 1970) with its place, and the content with all of them masked.

    Found by what times look like, not by the names of fields: what the loader forgot is found too.
    """
    found: list[tuple[Path, int]] = []

    def seconds(place: Path, match: re.Match[str]) -> str:
        found.append((place, int(match[1])))
        return f"<{match[2] or ''}{match[3] or ''}>"

    def written(place: Path, match: re.Match[str]) -> str:
        found.append((place, int(datetime.fromisoformat(f"{match[0]}+00:00").timestamp())))
        return "<T>"

    def masked(place: Path, value: Any) -> Any:
        if isinstance(value, dict):
            return {key: masked((*place, key), each) for key, each in value.items()}
        if isinstance(value, list):
            return [masked((*place, str(number)), each) for number, each in enumerate(value)]
        text = WHOLE.sub(lambda match: seconds(place, match), str(value))
        return WRITTEN.sub(lambda match: written(place, match), text)

    rest = json.dumps(masked((), content))
    return found, rest


@pytest.mark.parametrize("name", NAMES)
@given(now=MOMENTS)
def test_all_times_move_by_one_shift_and_nothing_else_changes(name: str, now: datetime) -> None:
    before, rest_before = times_and_rest(recording(RECORDINGS[name]))
    loaded = load(name, now).data
    assert {part: loaded.pop(part) for part in ABSENT} == ABSENT
    after, rest_after = times_and_rest(loaded)
    assert [place for place, _ in before] == [place for place, _ in after]
    assert {new - old for (_, old), (_, new) in zip(before, after, strict=True)} == {
        int(now.timestamp()) - recording(RECORDINGS[name])["captured_at"]
    }
    assert rest_before == rest_after


@pytest.mark.parametrize("name", NAMES)
def test_times_lie_where_they_are_known_to_lie(name: str) -> None:
    """Rows, time to live, messages and bodies, log times and texts, objects, tasks: the test above sees them all."""
    found, _ = times_and_rest(recording(RECORDINGS[name]))
    kinds = {place[-1] if place[-1] != "N" else place[-2] for place, _ in found}
    expected = {"created_at", "completed_at", "triggered_at", "ttl", "SentTimestamp", "Body", "timestamp", "message"}
    assert expected | {"LastModified", "startedAt", "captured_at", "CreatedTimestamp"} <= kinds


@pytest.mark.parametrize("name", NAMES)
def test_it_ends_now_and_nothing_but_expiry_lies_ahead(name: str) -> None:
    now = datetime.now(UTC)
    loaded = load(name, now)
    assert loaded.loaded_at == now.replace(microsecond=0)
    found, _ = times_and_rest(loaded.data)
    ahead = {place[-2] for place, at in found if at > loaded.loaded_at.timestamp()}
    assert ahead <= {"ttl"}


@pytest.mark.parametrize("name", NAMES)
def test_it_began_with_its_first_task_or_line(name: str) -> None:
    loaded = load(name, datetime.now(UTC))
    hours = (loaded.loaded_at - loaded.created_at).total_seconds() / 3600
    assert hours == pytest.approx(6.0, abs=0.01)


@given(shift_s=st.integers(-(10**8), 10**8), fraction=st.sampled_from(["", ".123456", "Z", ".5Z"]))
def test_a_time_in_a_text_moves_and_its_fraction_stays(shift_s: int, fraction: str) -> None:
    text = f'{{"eventTime": "2026-11-23T18:55:28{fraction}", "key": "a2026-1", "size": 1795460129}}'
    there = shift_text(text, shift_s)
    assert shift_text(there, -shift_s) == text
    assert there.endswith(f'{fraction}", "key": "a2026-1", "size": 1795460129}}')


def test_the_file_itself_is_read_anew() -> None:
    first, second = (load("recording-newest", datetime(2030, 1, 1, tzinfo=UTC)) for _ in range(2))
    assert first.data == second.data
    assert first.data is not second.data


def test_each_name_has_its_version() -> None:
    assert {name: load(name, datetime.now(UTC)).name for name in NAMES} == {
        "recording-newest": "newest",
        "recording-runbook": "runbook",
    }
