"""Nothing is lost and nothing doubled undeclared: our mover and others' against the same troubles, counted alike.

Generated scenes against the model of SQS (`movers/model.py`): faults at botocore's HTTP boundary, kills at calls and
at journal lines, holds that lapse at any of them, a second operator with an overlapping plan in between. Then both
operators go on, untroubled, until a run changes nothing.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pytest

from tests.change.movers.ours import Scene
from tests.change.stage import ROOT
from tests.counts import PROVE

pytestmark = pytest.mark.timeout(1800)
SCENES, SIZE = (230, 45) if PROVE else (5, 16)
NEVER = (
    "lost",
    "not whole",
    "attributes lost",
    "undeclared doubles",
    "without backup",
    "touched but not asked for",
    "left behind",
)


def test_ours_loses_nothing_and_doubles_nothing_undeclared(tmp_path: Path) -> None:
    seen, began = Counter[str](), time.monotonic()
    for seed in range(SCENES):
        root = tmp_path / str(seed)
        root.mkdir()
        found = Scene(root, seed, SIZE, (0.05, 0.1, 0.2)[seed % 3]).play()
        assert {name: found[name] for name in NEVER if found[name]} == {}, f"seed {seed}: {found}"
        seen += found
    print(f"\nours, model: {SCENES} scenes of {SIZE} letters in {time.monotonic() - began:.0f} s: {figures(seen)}")
    assert seen["kills"] > 0
    assert seen["moved"] > 0
    assert SCENES * SIZE >= 10_000 or not PROVE
    if PROVE:
        kinds = {name for name in seen if name.startswith("fault ")}
        assert len(kinds) == 12, kinds
        assert seen["declared doubles"] > 0
        assert seen["operators in between"] > 0


def figures(seen: Counter[str]) -> str:
    return ", ".join(f"{name} {seen[name]}" for name in sorted(seen.keys() | set(NEVER)))


# What each of the others must be seen to do; no more than its description says.
FAILS = {
    "runbook, replay": ("attributes lost", "doubled"),
    "runbook, purge": ("attributes lost", "lost"),
    "Failed not looked at": ("lost", "doubled", "attributes lost"),
    "all or nothing, 2 s": ("doubled", "attributes lost"),
    "delete before send": ("lost", "attributes lost"),
    "String attributes only": ("attributes lost", "doubled"),
    "receive all, purge": ("lost", "doubled", "attributes lost"),
    "one by one, no journal": ("doubled",),
}


def test_others_fail_where_they_are_said_to() -> None:
    """None of them says what it has doubled, so all its doubles are undeclared."""
    words = ["-m", "tests.change.movers.others", *(("20", "45", "0.2") if PROVE else ("8", "20", "0.2"))]
    own = {name: value for name, value in os.environ.items() if name not in ("AWS_PROFILE", "AWS_ENDPOINT_URL")}
    done = subprocess.run([sys.executable, *words], cwd=ROOT, env=own, capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    columns = ("letters", "kills", "faults", "lost", "doubled", "attributes lost")
    print("\n" + " | ".join(["mover".ljust(24), *columns]))
    for name, row in found.items():
        print(" | ".join([name.ljust(24), *(str(row.get(one, 0)).rjust(len(one)) for one in columns)]))
    assert found.keys() == FAILS.keys()
    for name, kinds in FAILS.items():
        for kind in kinds:
            assert found[name].get(kind), (name, kind, found[name])
