"""What 4_endpoint_update calls: read the endpoint, and the plans that update, restore, try and clean up."""

from __future__ import annotations

from typing import Any

import pandas as pd

from ops_lib.decide.endpoint_course import compare, deployed_at, markers
from ops_lib.decide.endpoint_preflight import Rollout
from ops_lib.decide.endpoint_wish import Wish, bring_back
from ops_lib.decide.repairs import NoRepair
from ops_lib.decide.repairs.endpoint import Previous, plan_restore
from ops_lib.decide.repairs.endpoint_cleanup import plan_clean_up
from ops_lib.decide.repairs.endpoint_smoke import SCRATCH, plan_smoke
from ops_lib.decide.repairs.names import DEPLOYER, NOBODY, Unsafe
from ops_lib.decide.repairs.trial_cleanup import plan_clean_up_trials
from ops_lib.deployed import Deployed
from ops_lib.errors import BadParameter, OpsError
from ops_lib.evidence import NotKnown, Unread, known
from ops_lib.read.deployed import read_deployed, read_setup
from ops_lib.read.endpoint_metrics import COLUMNS
from ops_lib.read.objects import read_prefix, read_some
from ops_lib.show.endpoint_before import previous_of
from ops_lib.show.notebook import Runbook
from ops_lib.show.plots.endpoint import endpoint_course
from ops_lib.show.plots.plot import Plot

ASK = "<p>Not asked for. Set <code>{name} = True</code> above and run all cells again.</p>"
WHAT_RAN = "What ran before is not known."
NO_ENDPOINT = "the .env names no SageMaker endpoint: this deployment infers over HTTP"


def read_endpoint(book: Runbook) -> Deployed:
    """Return the evidence of the endpoint. Raises BadParameter where this deployment has none."""
    deployed = read_deployed(book.aws, book.settings.now(), rollout(book).alarms)
    if deployed is None:
        raise BadParameter("environment", book.settings.name, NO_ENDPOINT, "open an environment with an endpoint")
    return deployed


def wish(book: Runbook) -> Wish:
    """Return what the parameters ask to be different."""
    given = book.parameters
    return Wish(given.image, environment_of(given.set_environment), given.instance_type, given.instance_count)


def rollout(book: Runbook) -> Rollout:
    """Return how the parameters want the update rolled out."""
    given = book.parameters
    return Rollout(given.canary_percent, tuple(given.rollback_alarms.replace(",", " ").split()))


def environment_of(text: str) -> dict[str, str | None]:
    """Return "A=1 B=" as {"A": "1", "B": None}: what is set, and what is taken out."""
    pairs = [word.partition("=") for word in text.split()]
    return {name: value or None for name, _, value in pairs}


def course(book: Runbook, deployed: Deployed) -> Plot:
    """Return the plot of the endpoint's day."""
    metrics, unread = deployed.metrics, None
    frame = pd.DataFrame(columns=list(COLUMNS)).astype(COLUMNS)
    if isinstance(metrics, Unread):
        unread = metrics.reason
    else:
        frame = metrics.value
    return endpoint_course(frame, markers(deployed, book.now), now=book.now, sandbox=book.label, unread=unread)


def before_and_after(deployed: Deployed) -> pd.DataFrame:
    """Return each metric's middle before and after the present image came; none where the metrics were not read."""
    if isinstance(deployed.metrics, Unread):
        return pd.DataFrame(columns=["metric", "before", "after", "periods before", "periods after"])
    return compare(deployed.metrics.value, deployed_at(deployed)).round(1)


def restore(book: Runbook) -> None:
    """Review the plan that brings back what ran before the present config; the endpoint is read anew for it."""
    deployed = read_endpoint(book)
    previous = _previous(deployed, book)
    if isinstance(previous, NoRepair):
        book.review(previous)
        return
    book.table(_previous_table(previous))
    book.review(_restore(book, deployed, previous))


def _previous(deployed: Deployed, book: Runbook) -> Previous | NoRepair:
    """Return what ran before; that nothing did only where all was read that would tell."""
    try:
        found = previous_of(deployed, book.settings)
    except NotKnown as question:
        return NoRepair(f"{WHAT_RAN} {question.unread.source}: {question.unread.reason}", DEPLOYER)
    except OpsError as error:
        return NoRepair(f"{WHAT_RAN} {error}", DEPLOYER)
    return found or NoRepair("There is no earlier config to go back to.", NOBODY)


def _restore(book: Runbook, deployed: Deployed, previous: Previous) -> Any:
    config, models = read_setup(book.aws, previous.config)
    now = book.settings.now()
    try:
        found = {name: known(model) for name, model in models.items()}
        kept = bring_back(deployed, known(config), found, previous.images, now)
    except Unsafe as refused:
        return refused.answer
    except NotKnown as question:
        return NoRepair(f"{question.unread.source} was not read: {question.unread.reason}", DEPLOYER)
    return plan_restore(deployed, previous, kept, book.names, now)


def _previous_table(previous: Previous) -> pd.DataFrame:
    ran = ", ".join(previous.images) or "not known: the update was not made by these runbooks"
    return pd.DataFrame({"fact": ["config before", "image that ran"], "value": [previous.config, ran]})


def smoke(book: Runbook, deployed: Deployed) -> None:
    """Review the plan that tries the endpoint with one real segment, if it is asked for."""
    if not book.parameters.smoke:
        book.html(ASK.format(name="smoke"))
        return
    segments = read_some(book.aws, book.settings.input_bucket, "segments/")
    book.review(plan_smoke(deployed, segments, book.names, book.now))


def clean_up(book: Runbook, deployed: Deployed) -> None:
    """Review the plans that delete what earlier updates and trials left, if they are asked for."""
    if not book.parameters.clean_up:
        book.html(ASK.format(name="clean_up"))
        return
    book.review(_clean_up(book, deployed))
    trials = read_prefix(book.aws, book.settings.output_bucket, f"{SCRATCH}/")
    book.review(plan_clean_up_trials(trials, book.names, book.now))


def _clean_up(book: Runbook, deployed: Deployed) -> Any:
    previous = _previous(deployed, book)
    if isinstance(previous, NoRepair) and previous.whom_to_call != NOBODY:
        return previous
    keep = previous.config if isinstance(previous, Previous) else ""
    return plan_clean_up(deployed, keep, book.names, book.now)
