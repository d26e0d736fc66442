"""What the endpoint ran before the update that these runbooks made last: the journal and the plan's file know."""

from __future__ import annotations

from collections.abc import Sequence

from ops_lib.change.journal import Entry
from ops_lib.change.outcome import DONE
from ops_lib.change.plan import BadPlan, Plan, plan_from
from ops_lib.decide.endpoint import content_of
from ops_lib.decide.endpoint_orphans import orphans
from ops_lib.decide.repairs.endpoint import IMAGES, STATE, Previous
from ops_lib.deployed import Deployed
from ops_lib.evidence import known
from ops_lib.settings import Settings
from ops_lib.show.journal_lines import journal_of


def previous_of(deployed: Deployed, settings: Settings) -> Previous | None:
    """Return what ran before the present config, None where there is nothing to go back to.

    By our own record, which has the digest; else the newest config that is older, of which nobody knows what it ran.
    Raises NotKnown where endpoint or configs were not read, NotReadable where the journal is not.
    """
    known(deployed.endpoint)
    config = content_of(deployed).get("EndpointConfigName")
    if recorded := _recorded(settings, str(config), deployed.status == "UpdateRollbackFailed"):
        return recorded
    listing = known(deployed.listing)
    kept = orphans(deployed.name, listing).kept
    others = [one.name for one in listing.configs if one.name == deployed.name != config]
    name = kept or next(iter(others), "")
    return Previous(name) if name else None


def _recorded(settings: Settings, config: str, is_mixed: bool) -> Previous | None:
    """Return what the newest update of ours to this config replaced; of a mix, what the newest one was to replace."""
    for plan in _updates(journal_of(settings.name).entries(), settings):
        step = next(one for one in plan.steps if one.call.operation == "UpdateEndpoint")
        if is_mixed or step.call.arguments["EndpointConfigName"] == config:
            said = {one.path: one.expected for one in step.conditions}
            return Previous(str(said[STATE][1]), tuple(said.get(IMAGES, ())))
    return None


def _updates(entries: Sequence[Entry], settings: Settings) -> list[Plan]:
    """Return the plans whose UpdateEndpoint was done, the newest first, as far as their files are there."""
    intents = [one for one in entries if one.facts.get("call", {}).get("operation") == "UpdateEndpoint"]
    done = {(one.plan_id, one.step) for one in entries if one.kind == "outcome" and one.facts.get("state") in DONE}
    plans = []
    for one in reversed(intents):
        path = settings.state / "plans" / f"{one.plan_id}.json"
        if (one.plan_id, one.step) in done and path.is_file():
            try:
                plans.append(plan_from(path.read_bytes()))
            except BadPlan:
                continue
    return plans
