"""video-worker: starts inferences, waits for them, and (older version) records completions (pipeline.md 0, 3, 7)."""

from __future__ import annotations

import re
import time
import uuid
from dataclasses import dataclass, field

from moto.sqs.models import Message

from ops_lib.sandbox.pipeline import steps
from ops_lib.sandbox.pipeline.container import Container, Invocation, Refused
from ops_lib.sandbox.pipeline.engine import Loop
from ops_lib.sandbox.pipeline.events import object_of
from ops_lib.sandbox.pipeline.job import Job
from ops_lib.sandbox.pipeline.live import Live
from ops_lib.sandbox.pipeline.recorder import record_segment
from ops_lib.sandbox.pipeline.version import OUTPUT

VIDEO = steps.VIDEO
CHUNK = re.compile(r"segments/([^/]+)/(\d{5})_\d{5}_[a-z]+\.mp4")
TIMEOUT_S = {"runbook": 1200.0, "newest": 3600.0}  # SAGEMAKER_INVOKE_TIMEOUT_SECONDS


@dataclass
class Flight:
    """One inference a task has started and waits for; the older version still holds its message."""

    job: Job
    index: int
    inference_id: str
    message: Message
    since: float = field(default_factory=time.time)


def loops(live: Live, container: Container) -> list[Loop]:
    """Return the loops of one task; they share what it has in flight, by inference id."""
    flights: dict[str, Flight] = {}
    if live.version.is_newest:
        return [inference(live, container, flights), output_events(live, flights)]
    return [inference(live, container, flights), answers(live, flights), segment_output(live)]


def inference(live: Live, container: Container, flights: dict[str, Flight]) -> Loop:
    """Invoke the endpoint for each segment, no more at a time than the version allows."""
    live.began(VIDEO, *steps.STARTED["video-worker"])
    while True:
        # The newest receives first, then waits for a free slot with the message in its hand (F20).
        waits = not live.version.is_newest and _full(live, flights)
        message = None if waits else live.receive("video-worker")
        if message is None:
            yield None
            continue
        found = object_of(message.body)
        shape = CHUNK.fullmatch(found[1]) if found else None
        if shape is None:
            said = "video-worker: job_id=? invalid S3 event body"
            live.line(VIDEO, said, time.time(), steps.INFERENCE, "WARNING")
        while shape and _full(live, flights):
            yield None
        job = live.job(shape[1]) if shape else None
        if job and shape:
            _invoke(live, container, flights, Flight(job, int(shape[2]), str(uuid.uuid4()), message))
        yield 0.6


def _full(live: Live, flights: dict[str, Flight]) -> bool:
    return len(flights) >= live.version.in_flight


def _invoke(live: Live, container: Container, flights: dict[str, Flight], flight: Flight) -> None:
    job, index = flight.job, flight.index
    try:
        container.accept(Invocation(job, index, flight.inference_id, time.time(), TIMEOUT_S[live.version.name]))
    except Refused as refusal:
        steps.invocation_refused(live, job, index, time.time(), str(refusal))
        return
    steps.invoked(live, job, index, time.time(), flight.inference_id)
    flights[flight.inference_id] = flight
    if live.version.is_newest:
        live.acknowledge("video-worker", flight.message)


def output_events(live: Live, flights: dict[str, Flight]) -> Loop:
    """Newest: free a slot for each result; every other event is acknowledged and left at that.

    A slot is freed by whichever task reads the event: the leak of F20 is cured here and an incident instead.
    """
    live.began(VIDEO, *steps.STARTED["output-events"])
    while True:
        message = live.receive("output-events")
        _forget_landed(live, flights)
        if message is None:
            yield None
            continue
        live.acknowledge("output-events", message)
        yield 0.05


def _forget_landed(live: Live, flights: dict[str, Flight]) -> None:
    for inference_id, flight in list(flights.items()):
        over = time.time() - flight.since > live.lasts(TIMEOUT_S[live.version.name])
        if over or _good(live, flight) or _bad(live, flight):
            del flights[inference_id]


def answers(live: Live, flights: dict[str, Flight]) -> Loop:
    """Older version: poll S3 for each answer; the message is deleted only when the answer is good."""
    while True:
        for inference_id, flight in list(flights.items()):
            if _answered(live, flight):
                del flights[inference_id]
        yield None


def _answered(live: Live, flight: Flight) -> bool:
    if _good(live, flight):
        live.acknowledge("video-worker", flight.message)
        return True
    segment = f"video-worker: job_id={flight.job.job_id} segment_index={flight.index}"
    if _bad(live, flight):
        said = f"{segment} container error (no delete, will retry)"
    elif time.time() - flight.since > live.lasts(TIMEOUT_S[live.version.name]):
        said = f"{segment} async response timeout (no delete)"
    else:
        return False
    live.line(VIDEO, said, time.time(), steps.INFERENCE, "WARNING")
    return True


def _good(live: Live, flight: Flight) -> bool:
    return live.found(OUTPUT, flight.job.response_key(flight.index, flight.inference_id)) is not None


def _bad(live: Live, flight: Flight) -> bool:
    return live.found(OUTPUT, flight.job.failure_key(flight.index, flight.inference_id)) is not None


def segment_output(live: Live) -> Loop:
    """Older version: the second thread, which records a completion for each segment and triggers."""
    live.began(VIDEO, *steps.STARTED["segment-output"])
    while True:
        message = live.receive("segment-output")
        if message is None:
            yield None
            continue
        found = object_of(message.body)
        if found:
            record_segment(live, found[1])
        live.acknowledge("segment-output", message)
        yield 0.1
