"""What plans have changed and nobody has given back yet: from the journal of the environment, for a restore."""

from __future__ import annotations

from datetime import UTC, datetime

from ops_lib.aws import Aws
from ops_lib.change.journal import journal_at
from ops_lib.change.plan import Prior
from ops_lib.change.prior import priors
from ops_lib.errors import OpsError
from ops_lib.evidence import Evidence, Read, Unread


def recorded_priors(aws: Aws) -> Evidence[dict[str, Prior]]:
    """Return it by what it is of ("service video-worker"); unread where the journal does not hold."""
    place = aws.settings.journal
    source = f"journal {place}"
    try:
        journal = journal_at(place, aws.client("s3") if place.startswith("s3://") else None)
        return Read(priors(journal.entries()), source, datetime.now(UTC))
    except OpsError as error:
        return Unread(source, "failed", str(error), "see what `ops journal` says of it")
