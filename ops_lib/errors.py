"""What can go wrong, as one tree; each error carries its own exit code.

OpsError                  70  our own failure
+-- BadInput              64  a value somebody gave us breaks a rule
|   +-- BadParameter          a notebook parameter (-p, -f, the parameters cell)
|   +-- BadEnvironment        an environment YAML, or none of that name
|   +-- BadEnvFile            the pipeline's .env
|   +-- WrongAccount          STS names another account or region than expected
|   +-- BadPlanFile           no plan, or one that somebody has edited
|   +-- WrongCode             the code typed is not that of the plan
|   +-- WrongCount            a purge, and the count typed is not that of its letters
|   +-- PlanExpired           reviewed too long ago to be applied
|   +-- PlanOutdated          replaced by a newer review, or made from another choice than now stands
|   +-- BadBundle             no evidence bundle, or one that is not as it was written
+-- NotReadable            3  nothing could be read at all (credentials missing, STS denied)
+-- ChangeRefused         70  the gate stopped an operation that is not on the list of reads
+-- BadJournal             2  the journal's chain does not hold: an entry was changed, removed, repeated or moved
+-- NotJournalled         70  an entry could not be written: nothing may be changed without it
+-- SandboxFailed         70  the sandbox's server did not start
"""

from __future__ import annotations

from ops_lib.redaction import redact

EXIT_OK, EXIT_WARNING, EXIT_CRITICAL, EXIT_UNKNOWN = 0, 1, 2, 3
EXIT_USAGE, EXIT_CRASH = 64, 70


class OpsError(Exception):
    """Base of every error this library raises; `exit_code` is what the command line ends with."""

    exit_code = EXIT_CRASH

    def __str__(self) -> str:
        """Return its sentence without secrets: what it names came from AWS, a file or a command line."""
        return redact(super().__str__())

    def _render_traceback_(self) -> list[str]:
        """Tell IPython to show one clear line instead of a traceback: the reader is no Python programmer at 03:00."""
        return [f"{type(self).__name__}: {self}"]


class BadInput(OpsError):
    """Raised when a given value breaks a rule; one line names the value (None: missing), the rule and the next step."""

    exit_code = EXIT_USAGE

    def __init__(self, what: str, value: object, rule: str, next_step: str) -> None:
        self.what, self.value, self.rule, self.next_step = what, value, rule, next_step
        got = "missing" if value is None else f"got {shown(value)}"
        super().__init__(f"{what}: {got}; {rule}. Next: {next_step}.")


class BadParameter(BadInput):
    """Raised when a notebook parameter is unknown, of the wrong type or not allowed."""


class BadEnvironment(BadInput):
    """Raised when an environment YAML is missing or breaks its schema."""


class BadEnvFile(BadInput):
    """Raised when the pipeline's .env is missing, empty or lacks a needed name."""


class WrongAccount(BadInput):
    """Raised before the first read of data when the credential belongs to another account."""


class BadPlanFile(BadInput):
    """Raised when a file is no plan as the review writes them."""


class WrongCode(BadInput):
    """Raised when the code is not the plan's."""


class WrongCount(BadInput):
    """Raised when a plan purges a queue and another count than that of its letters was typed, or none."""


class PlanExpired(BadInput):
    """Raised when a plan is too old to be applied, or from the future."""


class PlanOutdated(BadInput):
    """Raised when a newer review has replaced a plan, or the choice it was made from was changed."""


class BadBundle(BadInput):
    """Raised when a file is no evidence bundle, or one byte of it is not as it was written."""


class NotReadable(OpsError):
    """Raised when nothing can be read at all: no credential, STS refused, no answer."""

    exit_code = EXIT_UNKNOWN


class ChangeRefused(OpsError):
    """Raised by the gate instead of calling an AWS operation that is not on the list of reads."""


class BadJournal(OpsError):
    """Raised when the journal is not as it was written; `entry` is the first that breaks the chain."""

    exit_code = EXIT_CRITICAL

    def __init__(self, place: str, entry: int, why: str) -> None:
        self.place, self.entry, self.why = place, entry, why
        before = f"entries 0 to {entry - 1} hold" if entry else "no entry holds"
        super().__init__(
            f"journal {place}: the chain breaks at entry {entry}: {why}; {before}. Next: change nothing, keep a copy "
            "as evidence, find out who wrote there; to go on, move it aside: the next change begins a new journal."
        )


class NotJournalled(OpsError):
    """Raised when an entry could not be written: what it was to announce must not be done."""

    def __init__(self, place: str, why: str) -> None:
        next_step = "make that place writable (space, permissions, network), then apply again"
        super().__init__(f"journal {place}: nothing could be written: {why}. Next: {next_step}.")


class SandboxFailed(OpsError):
    """Raised when the sandbox's server process could not be started or reached."""


def shown(value: object, limit: int = 120) -> str:
    """Return `value` on one line, quoted, control characters escaped, cut at `limit` characters."""
    text = repr(value)
    return text if len(text) <= limit else f"{text[:limit]}... ({len(text)} characters)"
