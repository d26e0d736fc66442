"""C < N, no film: one row per segment, then the job ("Judge per segment, not per job ... Mixtures are normal")."""

from __future__ import annotations

from tests.decide.cross_evidence import made_of, missing_of
from tests.decide.cross_states import State
from tests.decide.section8_words import JUST, Expected, Row, Says, When, always, completed_just_now, first, say

HEALTHY = {"segments-in-progress", "inference-retrying", JUST}
LOST, UNWRITTEN, BOTH = "completion-event-dead-lettered", "completion-never-recorded", "inference-failed"


def _log(*values: str) -> When:
    return lambda state: state.inference_log in values


def _past_retries(state: State) -> bool:
    """Return whether the segments are older than maxReceiveCount x VisibilityTimeout (12 000 s)."""
    return state.age in ("old", "ancient")


def _cut_off(state: State) -> bool:
    return state.gaps == "cut off"


def _blind(state: State) -> bool:
    return _cut_off(state) or state.endpoint_log == "not read"


def _unless_cut(names: str, *, waits: bool = False) -> Says:
    """Return the names; nobody knows where lines were cut off, nor of what `waits` where its queue looks empty.

    inference-retrying is "failed, C < N, the segment's message not yet exhausted", failed being the status.
    """

    def names_of(state: State) -> Expected:
        found = say("inference-retrying" if state.status == "failed" else names)
        return found.also("unknown", when=_cut_off(state) or (waits and state.inference_queue == "empty"))

    return names_of


# The output is there, the completion is not.
MADE: tuple[Row, ...] = (
    (
        "F49, or still F05: the output is younger than the grace",
        lambda s: s.made == "young",
        f"{JUST} segments-in-progress",
    ),
    (
        "maxReceiveCount failed lines, output present, DLQ not empty: dead-lettered, likely, without looking",
        lambda s: s.completion_log == "failed five times" and s.completion_dlq == "letters",
        LOST,
    ),
    (
        "F19: acknowledged with a warning; beside a letter, at which nobody looked, F06 may stay a candidate",
        lambda s: s.completion_log == "skipped",
        lambda s: say(UNWRITTEN).also(LOST, when=s.completion_dlq == "letters"),
    ),
    (
        "nobody looked and the DLQ is not empty: F06, F18 and F19 stay candidates together",
        lambda s: s.completion_dlq == "letters",
        lambda s: say(LOST, f"{LOST} {UNWRITTEN}").also("unknown", when=s.completion_queue != "empty"),
    ),
    (
        "F41, F06: letters die after 4 days",
        lambda s: s.made == "ancient",
        lambda s: say(f"event-expired {UNWRITTEN} {LOST}").also("unknown", when=s.completion_queue != "empty"),
    ),
    ("F18, F19: no event waits, none is dead", lambda s: s.completion_queue == "empty", UNWRITTEN),
    (
        "queue counts belong to all jobs: they never prove that this one's event waits, nor that it does not",
        always,
        f"segments-in-progress {UNWRITTEN} unknown",
    ),
)

# Neither output nor completion.
UNMADE: tuple[Row, ...] = (
    ("F12: the endpoint says Failed to download object", _log("request missing"), "request-never-uploaded"),
    (
        "F15: the endpoint's log decides, invocations failed; at S the message comes back",
        _log("failed"),
        lambda s: say("inference-failed").also("inference-retrying", when=s.version == "S"),
    ),
    (
        "F17: a start without an end past the timeout; an end that was cut off leaves F15 and F17",
        _log("started old"),
        lambda s: say("inference-timed-out").also("inference-failed", "unknown", when=_cut_off(s)),
    ),
    (
        "in flight: invoked younger than the timeout",
        _log("invoked young", "started young"),
        _unless_cut("segments-in-progress"),
    ),
    (
        "in flight again after a refusal",
        _log("refused, then invoked"),
        _unless_cut("segments-in-progress inference-retrying"),
    ),
    ("F13: not yet exhausted", _log("refused once"), _unless_cut("inference-retrying", waits=True)),
    ("F13: exhausted", _log("refused five times"), "inference-refused"),
    ("F13: past maxReceiveCount receives, few lines", _log("refused long ago"), "inference-refused unknown"),
    (
        "F15 or F17: no log, name both; in flight no longer, so else unknown",
        lambda s: s.inference_log == "invoked old" and _blind(s),
        lambda s: say("inference-failed unknown", "inference-failed inference-timed-out"),
    ),
    ("invoked past the timeout, no line of the endpoint: else unknown", _log("invoked old"), "unknown"),
    ("F41: older than the retention", lambda s: s.age == "ancient", "event-expired unknown"),
    ("past the retries and no line: else unknown", _past_retries, "unknown"),
    ("F05, queued: chunked, no line names it, young", always, _unless_cut("segments-in-progress", waits=True)),
)


def below(state: State) -> Expected:
    """Return what is expected of the job whose missing segments are as they are."""
    made = [index in made_of(state) for index in missing_of(state)]
    parts = [first(MADE if there else UNMADE, state) for there in sorted(set(made))]
    names = frozenset[str]().union(*(part.names for part in parts))
    young = state.made == "young" or completed_just_now(state)
    if any(not part.names & {*HEALTHY, "unknown"} for part in parts) and not young:
        names -= HEALTHY  # one is surely ill, so the job is not healthy
    together = frozenset[str]().union(*(part.together for part in parts))
    mixed = Expected(" + ".join(part.because for part in parts), names, together)
    gone = state.outputs == "one gone" and state.indexes != "none"
    return mixed.also(JUST, "segments-in-progress", when=young).also("segment-output-gone", when=gone)
