"""What plans have set and nobody has given back, from the journal: each value before the first change, kept once.

Pure. A change that finds what the one before it left goes on with its record: whoever changes a forced count once more
leaves the count before the forcing as the one to give back, never the forced one. A change that finds another value
than the last one left begins a new record, for somebody else has set it meanwhile.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from ops_lib.change.journal_entry import Entry

NOT_MADE = ("failed", "refused")


@dataclass(frozen=True)
class Prior:
    """Of one thing what plans have changed, by AWS's own names: as it was `found` at first, as it was `left` at last.

    `of` as in `plan.Setting`; `at` (UTC), `who` and `title`: of the first change that is still to be given back.
    """

    of: str
    at: datetime
    who: str
    title: str
    found: dict[str, Any] = field(default_factory=dict)
    left: dict[str, Any] = field(default_factory=dict)

    @property
    def words(self) -> str:
        """Return who recorded what before which change."""
        was = ", ".join(f"{name} {value}" for name, value in self.found.items())
        return f"{self.of}: {was}, recorded {self.at:%Y-%m-%d %H:%M:%S} UTC by {self.who} before: {self.title}"


def priors(entries: Iterable[Entry]) -> dict[str, Prior]:
    """Return what is still to be given back, by the thing it is of; a change that was perhaps made counts as made."""
    kept: dict[str, Prior] = {}
    for new, found, left in _changes(list(entries)):
        prior = kept.setdefault(new.of, new)
        for name in left:
            if name not in prior.found or prior.left[name] != found.get(name):
                prior.found[name] = found.get(name)
            prior.left[name] = left[name]
            if prior.found[name] == left[name]:
                del prior.found[name], prior.left[name]
        if not prior.found:
            del kept[new.of]
    return kept


def _changes(entries: list[Entry]) -> Iterator[tuple[Prior, Mapping[str, Any], Mapping[str, Any]]]:
    """Yield what was meant, in order, with what it found and left, but for calls that are known not to be executed."""
    open_intents: Counter[tuple[str, int | None]] = Counter()
    for one in entries:
        if one.kind == "intent":
            open_intents[one.plan_id, one.step] += 1
        elif one.kind == "outcome" and one.facts.get("state") in NOT_MADE:
            open_intents[one.plan_id, one.step] -= 1
    who = {one.plan_id: str(one.facts.get("who", "")) for one in entries if one.kind == "plan"}
    for one in entries:
        setting = one.facts.get("setting")
        if one.kind == "intent" and setting and open_intents[one.plan_id, one.step] > 0:
            title = str(one.facts.get("title", ""))
            new = Prior(setting["of"], one.at, who.get(one.plan_id, ""), title)
            yield new, setting["found"], setting["left"]
