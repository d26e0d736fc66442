"""Models and configs that earlier updates left and nothing uses; who made them is told by their names alone.

The pipeline's scripts and these runbooks name them with the time of the update (pipeline.md 6). Terraform's own, other
names, what any endpoint of the account runs, and the config to go back to are never among them.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from ops_lib.deployed import Listing, Named


@dataclass(frozen=True)
class Orphans:
    """What may be deleted, the oldest first; `kept`: the config kept to go back to, "" where there is none."""

    configs: tuple[Named, ...]
    models: tuple[Named, ...]
    kept: str

    @property
    def names(self) -> tuple[str, ...]:
        """Return all their names."""
        return (*(f"config {one.name}" for one in self.configs), *(f"model {one.name}" for one in self.models))


def orphans(endpoint: str, listing: Listing, keep: str = "") -> Orphans:
    """Return what is left of updates of this endpoint.

    `keep`: the config to go back to; else the newest that is older than the one that runs. A newer one that nothing
    uses is what an update left that did not come through.
    """
    ours = re.compile(rf"{re.escape(endpoint)}(-config)?-\d{{10,}}(-\d+)?")
    runs = [one.created_at for one in listing.configs if one.name in listing.in_use]
    unused = [one for one in listing.configs if ours.fullmatch(one.name) and one.name not in listing.in_use]
    older = [one.name for one in unused if runs and one.created_at < max(runs)]
    kept = keep or (older[-1] if older else "")
    configs = tuple(one for one in unused if one.name != kept)
    gone = {one.name for one in configs}
    named = frozenset[str]().union(*(models for config, models in listing.models_of.items() if config not in gone))
    models = tuple(one for one in listing.models if ours.fullmatch(one.name) and one.name not in named)
    return Orphans(configs, models, kept)
