"""The findings of section 2: too little, never enough, moved back, in danger; and whether timeouts are right."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from ops_lib.decide.autoscaling import ahead
from ops_lib.decide.bounds import bounds_findings
from ops_lib.decide.capacity import VIDEO, Backlog, Capacity
from ops_lib.decide.case import words
from ops_lib.decide.checks import SCALING, counted, unread_finding
from ops_lib.decide.drain import Estimate
from ops_lib.decide.findings import Finding
from ops_lib.decide.media_work import MEDIA, not_to_be_stopped
from ops_lib.decide.visibility import Timeout
from ops_lib.decide.workers import NOTEBOOK, of_service, stopped_task_findings, waiting_for, worker_findings
from ops_lib.evidence import NotKnown, Read, Unread

PLENTY = 10  # visible messages for each task: the pipeline's own target (pipeline.md 5)
DRAINS = ("at-maximum-capacity", "no-workers", "workers-never-started")


def capacity_findings(capacity: Capacity, limit_s: float) -> tuple[Finding, ...]:
    """Return every finding about scaling and visibility timeouts, ok ones too.

    `limit_s`: how long a backlog may take before it is a warning.
    """
    evidence = capacity.evidence
    return (
        *(_with_drain(capacity, finding) for finding in worker_findings(evidence)),
        *stopped_task_findings(evidence),
        *(_with_next(capacity, finding) for finding in bounds_findings(evidence)),
        *_nothing_scales(capacity, limit_s),
        *_more_than_the_endpoint_serves(capacity),
        *_hits_busy(capacity),
        *_timeouts(capacity),
    )


def _with_drain(capacity: Capacity, finding: Finding) -> Finding:
    """Return a finding on a service whose messages wait with how long they take, now and at the maximum."""
    check, _, name = finding.id.partition(":")
    if check not in DRAINS:
        return finding
    facts = [fact for one in capacity.backlogs if one.service == name for fact in drain_facts(one)]
    return replace(finding, evidence=(*finding.evidence, *facts))


def drain_facts(one: Backlog) -> list[str]:
    """Return how long a backlog takes the tasks that run, and those of the maximum; nothing where nothing waits."""
    if not one.queue.visible_messages:
        return []
    facts = [f"{one.key}, with {one.running} running: {drain_words(one.now)} ({one.how})"] if one.running else []
    return facts + ([f"{one.key}, with {one.at_most} running: {drain_words(one.at_maximum)}"] if one.at_most else [])


def _with_next(capacity: Capacity, finding: Finding) -> Finding:
    """Return a finding on a count that autoscaling moves with what it does next."""
    check, _, name = finding.id.partition(":")
    if check != "count-outside-bounds":
        return finding
    return replace(finding, evidence=(*finding.evidence, next_count(capacity, name)))


def next_count(capacity: Capacity, name: str) -> str:
    """Return what autoscaling does next to a service's desired count, or why that is not known."""
    evidence, service = capacity.evidence, capacity.services.get(name)
    unread = next((part for part in (evidence.targets, evidence.policies) if isinstance(part, Unread)), None)
    if unread or service is None:
        return f"not known: {unread.reason}" if unread else "not known"
    policy = next((one for one in capacity.policies.values() if one.service == name), None)
    queue = next((one.queue for one in capacity.backlogs if policy and one.queue.name == policy.queue_name), None)
    if policy and queue is None:
        return f"not known: {policy.queue_name} was not read"
    return ahead(
        name, service.desired, capacity.targets.get(name), policy, queue.visible_messages if queue else 0
    ).words


def _nothing_scales(capacity: Capacity, limit_s: float) -> Iterator[Finding]:
    """Yield backlogs that are too large for who works on them and that nothing will ever scale for."""
    if isinstance(capacity.evidence.policies, Unread):
        if waiting_for(capacity.evidence):
            what = "which backlogs scale anything"
            yield unread_finding("backlog-scales-nothing", what, capacity.evidence.policies, SCALING)
        return
    for one in capacity.backlogs:
        if not one.service or not one.running or not _is_too_much(one, limit_s):
            continue
        policy = one.policy
        if policy is None:
            said = (
                f"{one.queue.visible_messages} messages wait in {one.key}, and nothing scales {one.service} for them."
            )
            yield _by_hand("backlog-scales-nothing", one, said, capacity, limit_s)
        elif policy.target is not None and one.queue.visible_messages <= policy.target:
            said = (
                f"{one.service} is never scaled out: {one.queue.visible_messages} visible in {one.key}, "
                f"and autoscaling acts above {policy.target:g}, whatever the number of tasks."
            )
            yield _by_hand("never-scales-out", one, said, capacity, limit_s)


def _is_too_much(one: Backlog, limit_s: float) -> bool:
    if not one.queue.visible_messages:
        return False
    if one.now is not None:
        return one.now.middle_s > limit_s
    return (one.per_task or 0) > PLENTY


def _by_hand(check: str, one: Backlog, said: str, capacity: Capacity, limit_s: float) -> Finding:
    service = str(one.service)
    facts = drain_facts(one)
    facts += [next_count(capacity, service)] if one.policy is None and service in capacity.targets else []
    count = _enough(capacity, one, limit_s)
    if count is None:
        step = f"Set the desired count of {service} higher by hand, within its bounds, if more tasks help."
    else:
        takes = drain_words(capacity.with_tasks(one, count))
        step = f"Set the desired count of {service} to {count} by hand: {takes}. Lower it only when nobody is busy."
    more = {} if count is None else {"change": "desired-count", "count": str(count)}
    return replace(of_service(check, service, "warning", said, tuple(facts), step, **more), id=f"{check}:{one.key}")


def _enough(capacity: Capacity, one: Backlog, limit_s: float) -> int | None:
    """Return the fewest tasks within the bounds that end a backlog in half the threshold; None if none do."""
    for count in range((one.running or 0) + 1, (one.at_most or 0) + 1):
        takes = capacity.with_tasks(one, count)
        if takes and takes.middle_s <= limit_s / 2:
            return count
    return None


def drain_words(estimate: Estimate | None) -> str:
    """Return an estimate in words: the middle, and the range that nine of ten lie in."""
    if estimate is None:
        return "how long it takes is not known"
    if not estimate.high_s:
        return "nothing waits"
    low, middle, high = (words(seconds) for seconds in (estimate.low_s, estimate.middle_s, estimate.high_s))
    return f"about {middle} ({low} to {high}), if nothing new arrives"


def _more_than_the_endpoint_serves(capacity: Capacity) -> Iterator[Finding]:
    service, endpoint = capacity.services.get(VIDEO), capacity.evidence.endpoint
    if isinstance(endpoint, Unread) and service and service.running > 1:
        what = "how many video-workers the endpoint serves"
        yield unread_finding(f"more-workers-than-instances:{VIDEO}", what, endpoint, SCALING)
    instances = endpoint.value.instances if isinstance(endpoint, Read) and endpoint.value else None
    if service is None or instances is None:
        return
    shares = "output-events" in capacity.evidence.queues
    serves = f"the endpoint's {instances} instance{'s' * (instances != 1)}"
    if service.running > instances:
        said = f"{service.running} video-workers run for {serves}: more than it serves, so more of them do not help."
        facts = ("They share one queue of results: a result read by another task never frees its slot.",) * shares
        step = f"Keep video-worker at {instances}, or add endpoint instances (sagemaker_instance_count)."
        severity = "warning" if shares else "note"
        yield of_service("more-workers-than-instances", VIDEO, severity, said, facts, step)  # type: ignore[arg-type]
    elif (target := capacity.targets.get(VIDEO)) and target.max_capacity > instances:
        said = f"video-worker may scale to {target.max_capacity} tasks for {serves}: more than it serves."
        step = "Lower ecs_video_worker_max_capacity, or raise sagemaker_instance_count with it."
        yield of_service("more-workers-than-instances", VIDEO, "note", said, (), step)


def _hits_busy(capacity: Capacity) -> Iterator[Finding]:
    """Yield that autoscaling is about to take away media-workers while one has what is lost with it (F07)."""
    service = capacity.services.get(MEDIA)
    if service is None or service.running < 2 or "takes it back" not in (next_ := next_count(capacity, MEDIA)):
        return
    try:
        busy = not_to_be_stopped(capacity.evidence)
    except NotKnown as question:
        what = "whether scaling in would stop a media-worker at work"
        yield unread_finding(f"scale-in-hits-busy:{MEDIA}", what, question.unread, SCALING)
        return
    if busy:
        said = "Autoscaling is about to take media-workers away, and it does not ask which are busy."
        step = "Suspend scaling in until the reassembly is done; a stopped one is lost."
        yield of_service("scale-in-hits-busy", MEDIA, "warning", said, (next_, *busy), step)


def _timeouts(capacity: Capacity) -> Iterator[Finding]:
    if isinstance(capacity.evidence.work, Unread):
        what = "how long messages are in hand, so whether any visibility timeout is right"
        yield unread_finding("visibility-timeout", what, capacity.evidence.work, SCALING)
        return
    judged = [one for one in capacity.timeouts if not one.unused]
    unknown, gaps = [one for one in judged if one.held is None], capacity.evidence.work.value.gaps
    if gaps:
        said = "Not known: whether any visibility timeout is right, as some lines were not there to be read."
        yield Finding("visibility-timeout", "unknown", said, SCALING, gaps, "See why the log group is missing.")
    elif unknown:
        said = f"Not known: whether the visibility timeout of {', '.join(one.key for one in unknown)} is right."
        facts = tuple(f"{one.key}: {one.why}" for one in unknown)
        step = "Judge it again once more has been processed; keep what Terraform declares until then."
        yield Finding("visibility-timeout", "unknown", said, SCALING, facts, step)
    yield from (_too_short(one) for one in judged if one.too_short)
    well = [one for one in judged if one.too_short is False]
    if well and not unknown and not gaps:
        said = f"The visibility timeout of {', '.join(one.key for one in well)} is long enough for what was measured."
        yield Finding("visibility-timeout", "ok", said, SCALING, tuple(f"{one.key}: {one.why}" for one in well))


def _too_short(one: Timeout) -> Finding:
    assert one.held is not None
    assert one.recommended_s is not None
    said = f"The visibility timeout of {one.key} ({words(one.live_s)}) is shorter than its work may take."
    facts = [one.why, f"{one.exceeded} of {counted((None,) * one.samples, 'message')} took longer"]
    facts += [f"{one.held.begun_twice} were taken again meanwhile"] if one.held.begun_twice else []
    dead = one.until_dead_letter_s(one.recommended_s)
    facts += [f"then a failing message is a dead letter {words(dead)} after its first failure"] if dead else []
    longer = "where that declares more, set it back to what it declares"
    step = f"Set it to {words(one.recommended_s)}, and sqs.tf with it; {longer}. {one.on_change(one.recommended_s)}"
    parameters = {"queue": one.key, "seconds": str(one.recommended_s)}
    return Finding(f"timeout-too-short:{one.key}", "warning", said, SCALING, tuple(facts), step, NOTEBOOK, parameters)
