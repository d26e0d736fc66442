"""What plans have set and nobody has given back, from the journal: the state before the first of them, kept once.

Pure. A change that finds what the one before it left goes on with its record: whoever changes a forced count again
leaves the state before the forcing as the one to restore, not the forced one. A change that finds another state than
the last one left begins a new record, for somebody else has been at it meanwhile.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from ops_lib.change.journal_entry import Entry

NOT_MADE = ("failed", "refused")


@dataclass(frozen=True)
class Prior:
    """How a thing was `found` before plans changed it, and how the last of them `left` it, by AWS's own names.

    `of` as in `plan.Setting`; `at` (UTC), `who` and `title`: of the first change.
    """

    of: str
    found: Mapping[str, Any]
    left: Mapping[str, Any]
    at: datetime
    who: str
    title: str


def priors(entries: Iterable[Entry]) -> dict[str, Prior]:
    """Return what is still to be given back, by the thing it is of; a change that was perhaps made counts as made."""
    kept: dict[str, Prior] = {}
    for one in _changes(list(entries)):
        before = kept.get(one.of)
        goes_on = before is not None and before.left == one.found
        kept[one.of] = replace(before, left=one.left) if before and goes_on else one
        if kept[one.of].found == kept[one.of].left:
            del kept[one.of]
    return kept


def _changes(entries: list[Entry]) -> Iterator[Prior]:
    """Yield every setting that was meant, in order, but for those whose call is known not to have been executed."""
    states = {(one.plan_id, one.step): one.facts.get("state") for one in entries if one.kind == "outcome"}
    who = {one.plan_id: str(one.facts.get("who", "")) for one in entries if one.kind == "plan"}
    for one in entries:
        setting = one.facts.get("setting")
        if one.kind == "intent" and setting and states.get((one.plan_id, one.step)) not in NOT_MADE:
            yield Prior(**setting, at=one.at, who=who.get(one.plan_id, ""), title=str(one.facts.get("title", "")))
