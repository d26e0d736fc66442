"""What `ops apply` prints: whatever stands in a plan, and whatever the terminal knows, the run goes on."""

from __future__ import annotations

import io

import click
import pytest

from ops_lib.show import applied

EVENT = {"event": "step", "number": 1, "state": "done", "title": "half a smile \ud83d, é", "words": "AWS confirmed it"}


@pytest.mark.parametrize("encoding", ["utf-8", "ascii"])
@pytest.mark.parametrize("as_json", [True, False])
def test_a_character_that_the_terminal_does_not_know_ends_nothing(
    monkeypatch: pytest.MonkeyPatch, encoding: str, as_json: bool
) -> None:
    out = io.TextIOWrapper(io.BytesIO(), encoding=encoding, write_through=True)
    monkeypatch.setattr(applied.sys, "stdout", out)
    applied.teller(as_json)(EVENT)
    half = b"half a smile \\ud83d" if as_json else b"half a smile "
    assert half in out.buffer.getvalue()  # type: ignore[attr-defined]


def test_a_reason_of_awss_cannot_write_to_the_terminal() -> None:
    hostile = "rolled back: \x1b[2J\x1b]0;title\x07 \x9b31mred\r\n  1. done  all is well \u202e"
    outcome = {"event": "outcome", "state": "refuted", "words": hostile, "journal": {"entries": 1, "head": "h"}}
    step = {"event": "step", "number": 1, "state": "refused", "title": hostile, "words": hostile, "doubles": hostile}
    step["changed"] = [{"what": hostile, "expected": 1, "unread": hostile}]
    for event in (outcome, step, {"event": "progress", "words": hostile}):
        said = click.unstyle(applied.readable(event))
        assert all(line.isprintable() for line in said.splitlines()), said
        assert "\n  1. done  all is well" not in said
