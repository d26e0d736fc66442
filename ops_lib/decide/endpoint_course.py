"""How the endpoint did before and after its present image came: markers, and each metric's middle on both sides."""

from __future__ import annotations

from datetime import datetime

import pandas as pd

from ops_lib.decide.endpoint import content_of
from ops_lib.deployed import Deployed, Named
from ops_lib.evidence import Read

NAMES = {
    "model_latency_s": "model latency s",
    "total_processing_s": "total processing time s",
    "backlog_requests": "backlog requests",
    "gpu_percent": "GPU %",
}
Marker = tuple[datetime, str]


def deployed_at(deployed: Deployed) -> datetime | None:
    """Return when the image that runs was deployed (UTC), None where AWS does not say."""
    variants = content_of(deployed).get("ProductionVariants", ())
    times = [one["ResolutionTime"] for v in variants for one in v.get("DeployedImages", ()) if "ResolutionTime" in one]
    return max(times, default=None)


def markers(deployed: Deployed, now: datetime, hours: int = 24) -> tuple[Marker, ...]:
    """Return what happened to the endpoint in these hours: configs made, the present image deployed; oldest first."""
    found = [(one.created_at, f"config {one.name} made") for one in _configs(deployed)]
    at = deployed_at(deployed)
    found += [(at, "the image that runs was deployed")] if at else []
    return tuple(sorted((at, words) for at, words in found if (now - at).total_seconds() <= hours * 3600))


def compare(metrics: pd.DataFrame, at: datetime | None) -> pd.DataFrame:
    """Return metric, before, after (medians of the periods wholly on either side of `at`), and how many each is of.

    NaN where a side has no datapoint; without `at` everything is after.
    """
    rows = []
    for key, name in NAMES.items():
        own = metrics[metrics["metric"] == key]
        before, after = (own[own["time"] < at], own[own["time"] >= at]) if at else (own[:0], own)
        rows.append((name, before["value"].median(), after["value"].median(), len(before), len(after)))
    return pd.DataFrame(rows, columns=["metric", "before", "after", "periods before", "periods after"])


def _configs(deployed: Deployed) -> tuple[Named, ...]:
    return deployed.listing.value.configs if isinstance(deployed.listing, Read) else ()
