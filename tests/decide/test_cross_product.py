"""Every state of the cross product against the table of section 8, with parts unread, and the plan that comes of it.

`python -m tests.decide.test_cross_product` prints how many states that is; OPS_PROVE=1 draws far more.
"""

from __future__ import annotations

import os
import random
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import replace
from functools import cache
from typing import Any

import pytest

from ops_lib.change.plan import Plan
from ops_lib.decide.repairs import NoRepair, plan_for
from ops_lib.decide.stuck_job import judge
from ops_lib.decide.verdict import Verdict
from ops_lib.decide.vocabulary import VERDICTS
from ops_lib.evidence import Unread
from ops_lib.gathered import JobEvidence
from tests.decide.cross_evidence import evidence_of
from tests.decide.cross_product import STRATA, sample
from tests.decide.cross_states import CUT, DIMENSIONS, IMPOSSIBLE, State
from tests.decide.never_unless import SENDS, allowed, amounts_to, behind_first_step, with_remedy
from tests.decide.repairs.deployment import NAMES
from tests.decide.section8 import expected
from tests.decide.states import NOW

# Long counts take minutes.
pytestmark = pytest.mark.timeout(3600)
PROVE = bool(os.environ.get("OPS_PROVE"))
IN_EACH, ROUNDS = (10_000, 8) if PROVE else (150, 2)
UNREAD_EVERY = 5
PARTS = (
    *("row", "completions", "lock", "outputs", "source", "chunks", "tasks", "invoke_timeout_s", "oldest_reassembly_s"),
    *("endpoint", "logs"),
)


@cache
def states() -> tuple[tuple[State, ...], int]:
    """Return the states of this run, and how many pairs of values they cover."""
    found, pairs = sample(IN_EACH, ROUNDS)
    return tuple(found), pairs


def differences(verdict: Verdict, state: State) -> Iterator[str]:
    """Yield where the verdict is not what the table allows."""
    told = expected(state)
    if verdict.name not in told.names:
        yield f"{verdict.name} is none of {sorted(told.names)} ({told.because})"
    together = bool(told.together) and verdict.name in {*told.together, "unknown"}
    if together and not told.together <= set(verdict.candidates):
        yield f"{sorted(told.together)} are not all among {verdict.candidates} ({told.because})"
    if together and verdict.confidence != "unknown":
        yield f"{verdict.confidence}, though {sorted(told.together)} are candidates together ({told.because})"
    if len(told.names) == 1 and not together and (verdict.confidence == "unknown") != (verdict.name == "unknown"):
        yield f"{verdict.name} with confidence {verdict.confidence} ({told.because})"


def unlawful(verdict: Verdict, evidence: JobEvidence) -> Iterator[str]:
    """Yield which of "Never trigger unless" a safe action breaks."""
    for action in SENDS & set(verdict.safe_actions):
        if not allowed(action, evidence):
            yield f"{action} is called safe with {verdict.name}"


def unplanned(verdict: Verdict, evidence: JobEvidence) -> Iterator[str]:
    """Yield which step of the plan is none of what the verdict allows."""
    plan = plan_for(verdict, evidence, NAMES, NOW)
    if isinstance(plan, NoRepair):
        return
    assert isinstance(plan, Plan)
    after = behind_first_step(verdict, evidence)
    for step in plan.steps:
        may_be = amounts_to(step.call) & with_remedy(verdict)
        if not may_be or (may_be <= SENDS and not any(allowed(action, after) for action in may_be)):
            yield f"{step.title}, with {verdict.name} and safe {verdict.safe_actions}"


def unusual(state: State) -> dict[str, str]:
    """Return what of a state is not as usual."""
    return {key: value for key, value in vars(state).items() if value != getattr(State(), key)}


def tell(found: Iterable[tuple[str, State]]) -> None:
    """Fail with each difference once, how often it was seen, and one state of it."""
    seen, example = Counter[str](), dict[str, State]()
    for words, state in found:
        seen[words] += 1
        example.setdefault(words, state)
    lines = [f"{count} x {words}: {unusual(example[words])}" for words, count in seen.most_common(20)]
    if lines:
        pytest.fail("\n".join(lines), pytrace=False)


def test_every_verdict_is_what_the_table_of_section_8_allows() -> None:
    """Also: one verdict for each, `trigger` and its like only where allowed, and a plan of safe actions only."""
    found = []
    for state in states()[0]:
        evidence = evidence_of(state)
        verdict = judge(evidence, NOW)
        problems = (*differences(verdict, state), *unlawful(verdict, evidence), *unplanned(verdict, evidence))
        found += [(words, state) for words in problems]
    tell(found)


def some_parts(evidence: JobEvidence, rng: random.Random) -> list[Any]:
    """Return one to four parts: of the job, or a queue's key and side."""
    queues = [(key, side) for key in evidence.queues for side in ("main", "dlq")]
    return rng.sample([*PARTS, *queues], rng.randint(1, 4))


def without(evidence: JobEvidence, parts: Iterable[Any]) -> JobEvidence:
    """Return the evidence with these parts unread."""
    for part in parts:
        gap = Unread(f"aws:{part}", "denied", "access denied", "ask for it")
        if isinstance(part, tuple):
            key, side = part
            change: dict[str, Any] = {"queues": {**evidence.queues, key: replace(evidence.queues[key], **{side: gap})}}
        else:
            change = {part: gap}
        evidence = replace(evidence, **change)
    return evidence


def test_what_was_not_read_never_changes_the_verdict_but_to_unknown() -> None:
    """Also: no trigger by what was not read, and no plan but of safe actions."""
    rng = random.Random("unread")
    some = states()[0][::UNREAD_EVERY]
    tell((words, state) for state in some for words in changed_without(state, some_parts(evidence_of(state), rng)))


def test_no_proof_comes_from_what_was_not_read() -> None:
    """Of every taken lock: tasks and lines, where the proof stands that its run is over, unread in turn."""
    taken = [s for s in states()[0] if (s.lock, s.indexes, s.film) == ("L2", "all", "none") and s.status in CUT]
    assert len(taken) > 100
    tell((words, s) for s in taken for part in ("tasks", "logs") for words in changed_without(s, [part]))


def changed_without(state: State, parts: Iterable[Any]) -> Iterator[str]:
    """Yield what is wrong of the verdict and its plan once these parts are unread."""
    whole = evidence_of(state)
    part = without(whole, parts)
    verdict, truth = judge(part, NOW), judge(whole, NOW)
    yield from unlawful(verdict, part)
    yield from unplanned(verdict, part)
    if verdict.name not in ("unknown", truth.name):
        yield f"{truth.name} became {verdict.name} without {sorted(part.unread())}"


def test_every_name_of_the_table_is_met() -> None:
    met = {name for state in states()[0] for name in expected(state).names}
    assert met == set(VERDICTS)


def summary() -> str:
    """Return the figures of this run, in a line."""
    drawn, pairs = states()
    return (
        f"{len(drawn):,} states of {len(DIMENSIONS)} dimensions ({len(IMPOSSIBLE)} rules of what cannot be), "
        f"all {pairs:,} possible pairs of values {ROUNDS} times over and {IN_EACH:,} draws from each of "
        f"{len(STRATA)} strata; {len(drawn[::UNREAD_EVERY]):,} of them again with parts unread; "
        f"the table allows one name for {sum(len(expected(state).names) == 1 for state in drawn):,}"
    )


if __name__ == "__main__":
    print(summary())
