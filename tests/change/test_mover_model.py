"""Other movers beside ours, against the same troubles, counted alike.

Generated scenes against the model of SQS (`movers/model.py`): faults at botocore's HTTP boundary, kills at calls and
at journal lines, holds that lapse at any of them, a second operator with an overlapping plan in between. Then both
operators go on, untroubled, until a run changes nothing.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from tests.change.movers.ours import Scene
from tests.change.stage import ROOT
from tests.counts import PROVE

pytestmark = pytest.mark.timeout(1800)
ROUNDS, SIZE, RATE = (20, 45, 0.2) if PROVE else (6, 20, 0.2)
NEVER = (
    "lost",
    "not whole",
    "attributes lost",
    "undeclared doubles",
    "without backup",
    "touched but not asked for",
    "left behind",
)


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


def test_others_fail_where_they_are_said_to_and_ours_does_not(tmp_path: Path) -> None:
    """None of the others says what it has doubled, so all its doubles are undeclared."""
    words = ["-m", "tests.change.movers.others", str(ROUNDS), str(SIZE), str(RATE)]
    own = {name: value for name, value in os.environ.items() if name not in ("AWS_PROFILE", "AWS_ENDPOINT_URL")}
    done = subprocess.run([sys.executable, *words], cwd=ROOT, env=own, capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    columns = ("letters", "kills", "faults", "lost", "doubled", "attributes lost")
    own_figures = ours(tmp_path)
    print("\n" + " | ".join(["mover".ljust(24), *columns]))
    for name, row in {**found, "ours": own_figures}.items():
        print(" | ".join([name.ljust(24), *(str(row.get(one, 0)).rjust(len(one)) for one in columns)]))
    assert {name: own_figures[name] for name in NEVER if own_figures[name]} == {}
    assert own_figures["kills"] > 0
    assert found.keys() == FAILS.keys()
    for name, kinds in FAILS.items():
        for kind in kinds:
            assert found[name].get(kind), (name, kind, found[name])


def ours(root: Path) -> Counter[str]:
    """Return our mover's figures in as many scenes; what two operators' plans do besides is in `movers/ours.py`."""
    seen = Counter[str]()
    for number in range(ROUNDS):
        folder = root / str(number)
        folder.mkdir()
        seen += Scene(folder, number, SIZE, RATE).play()
    return seen + Counter(faults=sum(count for name, count in seen.items() if name.startswith("fault ")))
