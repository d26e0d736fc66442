"""The same against the sandbox's AWS server: processes of their own, real HTTP, real time, kill -9.

Plans of two operators overlap; each run has one fault, or is killed after one of its calls or durable lines. Then both
go on until nothing is left to do; all queues are emptied by plain boto3 outside the gate and compared byte for byte.
"""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from ops_lib.change.plan import Call, Letter, Plan, Step
from tests.change import plans
from tests.change.movers.letters import content
from tests.change.movers.model import md5, md5_of
from tests.change.stage import OUTSIDE, ROOT, Stage, asked
from tests.counts import PROVE

pytestmark = pytest.mark.timeout(1800)
SCENES, SIZE, TROUBLED = (3, 150, 6) if PROVE else (1, 24, 2)
HOLD_S = 3
BATCHES = ("sqs:SendMessageBatch", "sqs:DeleteMessageBatch", "sqs:ChangeMessageVisibilityBatch")
KINDS = ("lost-before", "lost-after", "closed-after", "error-after", "throttled", "lapse-before", "lapse-after")
NEVER = ("lost", "not whole", "undeclared doubles", "left behind", "without backup")


@pytest.fixture(scope="module")
def hand(at: Stage) -> Iterator[subprocess.Popen[str]]:
    words = [sys.executable, str(OUTSIDE / "queues_of_letters.py")]
    pipes: dict[str, Any] = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    with subprocess.Popen(words, cwd=ROOT, env=os.environ | at.sandbox.access, **pipes) as process:
        yield process
        process.communicate()


def test_nothing_is_lost_and_nothing_doubled_undeclared(at: Stage, hand: subprocess.Popen[str]) -> None:
    seen, began = Counter[str](), time.monotonic()
    for seed in range(SCENES):
        found = play(at, hand, seed)
        assert {name: found[name] for name in NEVER if found[name]} == {}, f"seed {seed}: {found}"
        seen += found
    told = ", ".join(f"{name} {seen[name]}" for name in sorted(seen.keys() | set(NEVER)))
    print(f"\nours, sandbox: {SCENES} scenes of {SIZE} letters in {time.monotonic() - began:.0f} s: {told}")
    assert seen["moved"] > 0
    assert seen["kills"] > 0


def play(at: Stage, hand: subprocess.Popen[str], seed: int) -> Counter[str]:
    chance, name, seen = random.Random(seed), f"stereo-spot-moved-{seed}", Counter[str]()
    letters = [content(chance, number, same=f"the same in {name}") for number in range(SIZE)]
    made = asked(hand, {"do": "fill", "name": name, "letters": letters})
    steps = [step(made, *one, safe=chance.random() < 0.8) for one in zip(made["ids"], letters, strict=True)]
    some = sorted(chance.sample(range(SIZE), SIZE // 2))
    both = [plan_of(at, steps), plan_of(at, [steps[place] for place in some])]
    told: dict[str, str] = {}
    for number in range(TROUBLED):
        run(at, chance.choice(both), told, seen, **trouble(chance, seen, kill=number % 2 == 0))
        time.sleep(chance.choice([0, HOLD_S]) if PROVE else 0)
    for _ in range(10):
        states = [run(at, plan, told, seen) for plan in both]
        if all(set(one) <= {"done", "already-done", "unknown-for-good"} for one in states):
            break
        time.sleep(HOLD_S * 1.5)
    left = asked(hand, {"do": "take", "name": name})
    return seen + counted(at, both, made["ids"], letters, left, told)


def trouble(chance: random.Random, seen: Counter[str], kill: bool) -> dict[str, Any]:
    """Choose one event after which the process is killed, or one fault."""
    if kill:
        return {"kill_after": chance.randrange(4, SIZE // 2 if PROVE else 11)}  # fewer than any run begins with
    operation = chance.choice(BATCHES[:2])
    kind = chance.choice(["partial", *KINDS] if PROVE else ["partial"])
    seen[f"fault {kind}"] += 1
    return {"faults": [{"operation": operation, "kind": kind, "times": chance.randint(1, 2)}]}


def run(at: Stage, plan: Plan, told: dict[str, str], seen: Counter[str], **hooks: Any) -> list[str]:
    """Apply a plan; note and return how its letters ended, nothing where it was killed."""
    ran = at.apply(plan, hold_s=HOLD_S, **hooks)
    seen["runs"] += 1
    seen["kills"] += ran.exit == -9
    assert ran.exit in (0, 2, 3, -9), ran.stderr
    states = []
    for one in ran.events:
        if one["event"] == "step":
            is_final = one["state"] == "unknown" and "would do harm" in one["words"]
            states.append("unknown-for-good" if is_final else one["state"])
            letter = plan.steps[one["number"] - 1].letter
            told[letter.message_id if letter else ""] = states[-1]
    return states


def counted(at: Stage, both: list[Plan], ids: list[str], letters: Any, left: Any, told: Any) -> Counter[str]:
    def text(one: Any) -> str:
        return json.dumps(one, sort_keys=True)

    main = Counter(text(one[1:]) for one in left[""])
    dlq = {one[0]: text(one[1:]) for one in left["-dlq"]}
    keys = {(plan.id, n): one.letter.message_id for plan in both for n, one in enumerate(plan.steps, 1) if one.letter}
    parts = [part for entry in at.entries() for part in entry.parts()]
    said = {keys[p.plan_id, p.step] for p in parts if (p.plan_id, p.step) in keys and p.facts.get("doubles")}
    declared = said | {name for name, state in told.items() if state.startswith("unknown")}
    files = [at.settings.state / "backups" / f"{plan.id}.jsonl" for plan in both]
    backups = "".join(file.read_text() for file in files if file.exists())  # none where the other did it all
    known = {text(list(one)) for one in letters}
    found = Counter({"letters": len(ids), "not whole": sum(n for one, n in main.items() if one not in known)})
    for name, letter in zip(ids, letters, strict=True):
        copies = main[text(list(letter))]
        found["lost"] += not copies and name not in dlq
        found["moved"] += name not in dlq
        found["left behind"] += name in dlq and name not in declared
        if copies + (name in dlq) > 1:
            found["declared doubles" if name in declared else "undeclared doubles"] += 1
        found["without backup"] += name not in dlq and name not in backups
    return found


def step(made: Any, message_id: str, letter: Any, safe: bool) -> Step:
    body, attributes, _ = letter
    md5s = md5(body.encode()), md5_of(attributes) if attributes else ""
    return Step(
        title=f"replay {message_id}",
        call=Call("sqs", "SendMessage", {"QueueUrl": made["main"]}),
        **plans.NOTHING,
        harmless_twice=safe,
        doubles="a copy" if safe else "",
        letter=Letter(made["dlq"], message_id, *md5s),
    )


def plan_of(at: Stage, steps: list[Step]) -> Plan:
    return replace(plans.plan(at.settings, "move letters", *steps), letters_per_s=1000)
