"""What plans have set and nobody has given back, from the journal: each value before the first change, kept once.

Pure. A change that finds what the one before it left goes on with its record: whoever changes a forced count once more
leaves the count before the forcing as the one to give back, never the forced one. A change that finds another value
than the last one left begins a new record, for somebody else has set it meanwhile.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from ops_lib.change.journal_entry import Entry
from ops_lib.change.plan import Prior

NOT_MADE = ("failed", "refused")


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
