"""The endpoint read once more after an update: proven or not, in whatever kernel, and its metrics on both sides."""

from __future__ import annotations

from ops_lib.change.plan import Plan
from ops_lib.change.updating import wanted_of
from ops_lib.decide.endpoint import content_of
from ops_lib.decide.endpoint_proof import Proof, prove
from ops_lib.decide.repairs import NoRepair
from ops_lib.deployed import Deployed
from ops_lib.evidence import Unread
from ops_lib.show.again import NOT_HEADLESS
from ops_lib.show.endpoint_tables import what_runs
from ops_lib.show.endpoint_update import before_and_after, course, read_endpoint
from ops_lib.show.notebook import Runbook
from ops_lib.show.redact import safe
from ops_lib.show.review import somebody_is_there
from ops_lib.show.tables import badge

COLOURS = {"proven": "ok", "under-way": "note", "refuted": "critical", "unknown": "unknown"}
HEADLINES = {
    "proven": "It worked.",
    "under-way": "It has not ended. Run this cell again in a minute.",
    "refuted": "It did not come through.",
    "unknown": "It cannot be told.",
}
NOT_BEGUN = "No update has begun. Apply the plan above, then run this cell again."


def look_again(book: Runbook, plan: Plan | NoRepair) -> None:
    """Read the endpoint anew and say what became of the plan's update; with nobody there nothing was applied."""
    if not somebody_is_there():
        book.html(NOT_HEADLESS)
        return
    if isinstance(plan, NoRepair):
        book.html("<p>No update was planned above.</p>")
        return
    deployed = read_endpoint(book)
    book.html(proof_card(proof_of(deployed, plan)))
    book.table(what_runs(deployed))
    book.table(before_and_after(deployed))
    book.plot(course(book, deployed))


def proof_of(deployed: Deployed, plan: Plan) -> Proof:
    """Return how the update of a plan stands, by the endpoint as it was read."""
    wanted = wanted_of(plan)
    if wanted is None:
        return Proof("unknown", "no-update", "the plan updates nothing")
    if isinstance(deployed.endpoint, Unread):
        return Proof("unknown", "unread", deployed.endpoint.reason)
    return prove(content_of(deployed) or None, wanted)


def proof_card(proof: Proof) -> str:
    """Return the proof as one card."""
    colour = COLOURS[proof.state]
    headline = NOT_BEGUN if proof.name == "not-begun" else HEADLINES[proof.state]
    return (
        f'<div class="verdict {colour}">{badge(colour)} <b>{headline}</b>'
        f"<p>{safe(proof.name)}: {safe(proof.words)}.</p></div>"
    )
