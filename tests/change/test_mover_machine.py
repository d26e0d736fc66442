"""Whatever happens to our mover, in any order: nothing is lost, and nothing is doubled undeclared.

A state machine of hypothesis on the model of SQS (`movers/model.py`), which shrinks what it finds: letters arrive,
operators make plans that overlap, apply them with faults at any call and durable line, are killed there, go on; holds
lapse, another operator works in between, and what was replayed comes back. Lanes run in an order that is drawn.
"""

from __future__ import annotations

import json
import random
import shutil
import tempfile
from collections import Counter, defaultdict
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, seed, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from ops_lib.change.past import Past, Pasts
from ops_lib.change.plan import Plan
from tests.change.movers.letters import DLQ, MAIN, content
from tests.change.movers.model import Message
from tests.change.movers.ours import Scene, plan_of, step_of
from tests.change.movers.script import AT_CALLS, AT_LINES, Choices, Fault, ScriptedTrouble
from tests.change.movers.trouble import LAPSE_S
from tests.change.movers.turns import InlineLanes, TurnLanes, Turns
from tests.counts import PROVE

pytestmark = pytest.mark.timeout(3000)
EXAMPLES, STEPS, LETTERS = (60, 16, 10_000) if PROVE else (12, 10, 100)
MOST = 90 if PROVE else 40  # letters at the beginning
ROUNDS = 20  # without trouble, until nothing is left to do
NEVER = ("lost", "undeclared doubles", "not whole", "without backup", "not asked for", "left behind")
seen = Counter[str]()  # over all examples

calls = st.dictionaries(
    st.integers(1, 30), st.builds(Fault, st.sampled_from(AT_CALLS), st.integers(1, 1023)), max_size=4
)
lines = st.dictionaries(st.integers(1, 15), st.builds(Fault, st.sampled_from(AT_LINES)), max_size=2)
turns = st.lists(st.integers(0, 3), max_size=8)
some = st.randoms(use_true_random=False)


class Operators(RuleBasedStateMachine):
    """One dead-letter queue and those who work on it. A letter is known by its content, which is its own."""

    def __init__(self) -> None:
        super().__init__()
        self.root = Path(tempfile.mkdtemp(prefix="ops-machine-"))
        self.scene = Scene(self.root, seed=0, size=0, rate=0.0)
        self.trouble = self.scene.trouble = ScriptedTrouble(self.scene.model, random.Random(0), 0.0)
        self.trouble.follow({}, {})
        self.ids: dict[str, set[str]] = defaultdict(set)  # of each content
        self.plans: list[Plan] = []
        self.discarded: set[str] = set()
        self.asked: set[str] = set()
        self.other: Plan | None = None
        self.patches = ExitStack()
        self.patches.enter_context(self.scene.surrounded())
        self.trouble.meanwhile = self.another_operator

    @property
    def dlq(self) -> dict[str, Message]:
        return self.scene.model.queues[DLQ]

    @property
    def main(self) -> dict[str, Message]:
        return self.scene.model.queues[MAIN]

    @initialize(chance=some, count=st.integers(1, MOST))
    def letters_are_there(self, chance: Any, count: int) -> None:
        self.letters_arrive(chance, count)

    @rule(chance=some, count=st.integers(1, 10))
    def letters_arrive(self, chance: Any, count: int) -> None:
        own = random.Random(chance.getrandbits(32))
        for _ in range(count):
            letter = self.scene.model.put(DLQ, *content(own, len(self.ids)))
            assert letter.content not in self.ids
            self.ids[letter.content].add(letter.id)

    @rule(chance=some, rate=st.sampled_from([1, 3, 10, 100, 1000]), most=st.integers(5, MOST + 20))
    def an_operator_makes_a_plan(self, chance: Any, rate: int, most: int) -> None:
        """Some letters are replayed, some of them may harm when doubled, some are discarded, one may stand twice."""
        own = random.Random(chance.getrandbits(32))
        letters = own.sample(list(self.dlq.values()), min(most, len(self.dlq)))
        steps = [self.step(letter, own) for letter in letters]
        if steps:
            self.plans.append(plan_of([*steps, *steps[: own.choice([0, 0, 1])]], f"plan {len(self.plans)}", rate))

    def step(self, letter: Message, own: random.Random) -> Any:
        if letter.id in self.discarded or own.random() < 0.1:
            self.discarded.add(letter.id)
            return step_of(letter, "discard")
        return step_of(letter, doubles=own.choice(["a copy", "a copy", "a copy", ""]))

    @precondition(lambda self: self.plans)
    @rule(which=st.integers(0, 5), calls=calls, lines=lines, turns=turns, other=st.integers(0, 5))
    def a_plan_is_applied(self, which: int, calls: Any, lines: Any, turns: list[int], other: int) -> None:
        """For the first time, or again; `other` is applied by somebody else where a hold lapses in between."""
        self.other = self.plans[other % len(self.plans)]
        self.trouble.follow(calls, lines)
        TurnLanes.turns = Turns(Choices(turns))
        self.scene.lanes = TurnLanes
        self.apply(self.plans[which % len(self.plans)])
        self.trouble.follow({}, {})

    @precondition(lambda self: self.plans)
    @rule(which=st.integers(0, 5), at_line=st.booleans(), place=st.integers(1, 25), after=st.booleans(), turns=turns)
    def a_plan_is_killed(self, which: int, at_line: bool, place: int, after: bool, turns: list[int]) -> None:
        kill = {place: Fault("kill-line" if at_line else "kill-after" if after else "kill-before")}
        self.a_plan_is_applied(which, {} if at_line else kill, kill if at_line else {}, turns, which)

    @rule(seconds=st.sampled_from([1, 30, 200, LAPSE_S]))
    def time_passes(self, seconds: int) -> None:
        self.scene.model.clock.sleep(seconds)

    @precondition(lambda self: self.main)
    @rule(which=st.integers(0, 30))
    def a_replayed_letter_comes_back(self, which: int) -> None:
        """SQS moves it by its redrive policy: it keeps its id, which is the one that the send was confirmed with."""
        message = list(self.main.values())[which % len(self.main)]
        del self.main[message.id]
        message.visible_at = 0.0
        self.dlq[message.id] = message
        self.ids[message.content].add(message.id)
        seen["came back"] += 1

    def apply(self, plan: Plan) -> None:
        self.asked |= {step.letter.message_id for step in plan.steps if step.letter}
        self.scene.run(plan)

    def another_operator(self) -> None:
        """Where a hold lapses on the way: somebody looks at the queue, or a plan is applied from beginning to end."""
        self.trouble.peek()
        if self.other and self.scene.between_calls:
            other, self.other = self.other, None
            script = self.trouble.calls, self.trouble.lines, self.trouble.called, self.trouble.written
            self.trouble.follow({}, {})
            with self.scene.in_between(InlineLanes):
                self.apply(other)
            self.trouble.calls, self.trouble.lines, self.trouble.called, self.trouble.written = script
            seen["operators in between"] += 1

    @invariant()
    def nothing_is_lost_and_nothing_doubled_undeclared(self) -> None:
        found = self.counted()
        assert not +found, (dict(found), [one.words for one in self.scene.told.values()])

    def counted(self) -> Counter[str]:
        """Return how often what must never be is so."""
        found = Counter[str]()
        pasts, backed_up = self.pasts(), self.scene.backed_up()
        copies = Counter(one.content for queue in (self.main, self.dlq) for one in queue.values())
        found["not whole"] = sum(text not in self.ids for text in copies)
        for text, ids in self.ids.items():
            gone = [one for one in ids if one not in self.dlq and one not in self.main]
            found["lost"] += not copies[text] and not ids & self.discarded
            found["without backup"] += bool(gone) and text not in backed_up
            found["not asked for"] += not self.asked.issuperset(gone)
            if copies[text] > 1 and not any(self.is_declared(one, pasts.of(one)) for one in ids):
                found["undeclared doubles"] += 1
        return found

    def pasts(self) -> Pasts:
        """Return what the journal says, its chain verified."""
        pasts = Pasts({one for ids in self.ids.values() for one in ids})
        pasts.read(self.scene.journal.entries())
        return pasts

    def is_declared(self, letter: str, past: Past) -> bool:
        """Return whether the journal says that there may be two: declared, in doubt, sent and not deleted yet."""
        return bool(past.doubles) or past.maybe_sent or (bool(past.sent_as) and letter in self.dlq)

    def teardown(self) -> None:
        """The operators go on, untroubled, until a run changes nothing. Then only what is declared may be double."""
        try:
            self.scene.lanes = InlineLanes
            for _ in range(ROUNDS if self.plans else 0):
                before = self.scene.state()
                for plan in self.plans:
                    self.scene.model.clock.sleep(LAPSE_S)
                    self.apply(plan)
                if self.scene.state() == before:
                    break
            self.nothing_is_lost_and_nothing_doubled_undeclared()
            self.nothing_is_left_behind()
        finally:
            self.patches.close()
            shutil.rmtree(self.root)
        seen["letters"] += len(self.asked)
        seen.update(self.scene.figures)
        seen.update({f"fault {kind}": count for kind, count in self.trouble.seen.items()})

    def nothing_is_left_behind(self) -> None:
        """What is still there was refused for a reason: in doubt, or replayed too often."""
        pasts = self.pasts()
        left = [one for one in self.asked if one in self.dlq]
        told = {one: self.scene.told[one].words for one in left}
        reasons = ("would do harm", "came back", "is a dead letter again")
        assert all(any(reason in words for reason in reasons) for words in told.values()), told
        copies = Counter(one.content for queue in (self.main, self.dlq) for one in queue.values())
        for text, ids in self.ids.items():
            seen["moved"] += any(one not in self.dlq and one not in self.main for one in ids)
            if copies[text] > 1:
                assert any(pasts.of(one).doubles or pasts.of(one).maybe_sent for one in ids)
                seen["declared doubles"] += 1


def test_nothing_is_lost_and_nothing_doubled_undeclared() -> None:
    """Fixed examples on every change, others each time in the long run."""
    options = settings(
        max_examples=EXAMPLES,
        stateful_step_count=STEPS,
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
        print_blob=False,
    )
    rounds = 0
    while seen["letters"] < LETTERS or not rounds:
        run_state_machine_as_test(seed(rounds)(Operators), settings=options)  # type: ignore[no-untyped-call]
        rounds += 1
    told = {name: seen[name] for name in sorted(seen.keys() | set(NEVER))}
    print(f"\nours, state machine: {json.dumps(told)}")
    assert seen["letters"] >= LETTERS
    assert seen["moved"] > 0
    assert seen["kills"] > 0
    if PROVE:
        assert {name.removeprefix("fault ") for name in seen if name.startswith("fault ")} >= {*AT_CALLS, *AT_LINES}
        assert seen["declared doubles"] > 0
        assert seen["operators in between"] > 0
        assert seen["came back"] > 0
