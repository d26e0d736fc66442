"""Speaks as `ops apply --json` does, and does nothing: `stand_in_apply.py SCENARIO --code=CODE ...`.

What it was started with is written first, as words, so that a test can read it.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from typing import Any

JOURNAL = {"entries": 4, "head": "5f3a" * 16}
CODES = {"done": 0, "refused": 2, "failed": 2, "unknown": 3, "not-attempted": 70}


def say(**event: Any) -> None:
    print(json.dumps(event), flush=True)


def step(number: int, state: str, words: str = "") -> None:
    say(event="step", number=number, title=f"step {number}", state=state, words=words)


def outcome(state: str) -> int:
    say(event="outcome", state=state, done=1, journal=JOURNAL)
    return CODES[state]


def stopped(*_: object) -> None:
    step(2, "not-attempted")
    sys.exit(outcome("not-attempted"))


def main(scenario: str, code: str, *_: str) -> int:
    print(f"started with {code} keys={sorted(name for name in os.environ if 'SECRET' in name)}", flush=True)
    if scenario == "wrong-code":
        print("BadPlan: code: got 'XXXXXX'; it is not this plan's. Next: review it again.", flush=True)
        return 64
    signal.signal(signal.SIGINT, stopped)
    if scenario == "open":
        print("waiting: somebody else is applying a plan", file=sys.stderr, flush=True)
    open_intents = ["sqs:SendMessage of 03:01:12 <b>"] if scenario == "open" else []
    say(event="start", plan="x", steps=2, open_intents=open_intents)
    step(1, "already-done" if scenario == "open" else "done", "the lock was put")
    if scenario == "waits":
        time.sleep(60)
    if scenario == "killed":
        os.kill(os.getpid(), signal.SIGKILL)
    if scenario == "lies":
        outcome("done")
        return 3
    if scenario == "hostile":
        step(2, "<img src=x onerror=alert(1)>", "<script>alert(1)</script>")
        say(event="outcome", state="<b>", journal={"head": "<script>", "entries": "<i>"})
        return 3
    ends = {"open": "done"}.get(scenario, scenario)
    step(2, ends, f"words of {ends}")
    if scenario == "open":
        words = "2 of 2 steps done. Verified after 3 s: the world is as the plan wants it."
        say(event="outcome", state="done", words=words, doubles=["the message of step 2"], journal=JOURNAL)
        return 0
    return outcome(ends)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
