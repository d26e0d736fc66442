"""What `ops apply` prints: whatever stands in a plan, and whatever the terminal knows, the run goes on."""

from __future__ import annotations

import io

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
    assert b"half a smile \\ud83d" in out.buffer.getvalue()  # type: ignore[attr-defined]
