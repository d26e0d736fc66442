"""From a state of the cross product to the evidence that AWS would give of it; times are seconds before now."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

from ops_lib.evidence import Completion, Evidence, LogLine, QueuePair, S3Object, Task
from ops_lib.gathered import JobEvidence
from ops_lib.log_rows import JobLogs
from tests.decide.cross_states import State
from tests.decide.states import HOLDER, JOB, NOW, OTHER, STREAM, ago, at, dead, job, queue
from tests.recorded import read

DAY = 86_400
CUT_S = {"young": 400, "mid": 5000, "old": 20_000, "ancient": 16 * DAY}
RECORDED_S = {"young": 60, "mid": 3000, "old": 18_000, "ancient": 15 * DAY}
CREATED_S = {"young": 500, "mid": 5500, "old": 30_000, "ancient": 20 * DAY}
SOURCE_S = {"young": 450, "mid": 5400, "old": 25_000, "ancient": 18 * DAY}
MADE_S = {"young": 40, "mid": 2000, "old": 15_000, "ancient": 15 * DAY + 300}
LOCKED_S = {"young": 30, "mid": 2000, "old": 14_400}
FILM_S = {"young": 20, "old": 2500}
COMPLETED_S = {"none": None, "young": 10, "old": 2400}
TAKEN_AFTER_S = 5
RECORDED = {
    "none": (),
    "no first": (1, 2),
    "no middle": (0, 2),
    "no last": (0, 1),
    "all": (0, 1, 2),
    "beyond": (0, 1, 2, 3),
    "gap and beyond": (0, 2, 3),
    "too many": tuple(range(6000)),
}
REASSEMBLY_VISIBILITY_S = {"S": 600, "H": 3600}
INVOKE_TIMEOUT_S = {"S": 1200, "H": 3600}
COMPLETION_QUEUE = {"S": "segment-output", "H": "job-status-events"}
NEWER, ELSEWHERE = "c" * 32, "11111111-2222-4333-8444-555555555555"

CHUNK_LINES: dict[str, tuple[tuple[str, float], ...]] = {
    "started young": (("start (key=x)", 200),),
    "started mid": (("start (key=x)", 2000),),
    "started old": (("start (key=x)", 5000),),
    "five": tuple(("start (key=x)", 1200 + 900 * n) for n in range(5)),
    "five, young": tuple(("start (key=x)", 200 + 900 * n) for n in range(5)),
    "skip ingesting": (("skip (status=ingesting)", 1200),),
    "skip, then started": (("skip (status=ingesting)", 1200), ("start (key=x)", 250)),
}
INGEST_LINES: dict[str, tuple[tuple[str, float], ...]] = {
    "ingest young": (("start source_url=https://youtu.be/x", 300),),
    "ingest old": (("start source_url=https://youtu.be/x", 2800),),
    "ingest skipped": (("start source_url=https://youtu.be/x", 2800), ("skip (status=ingesting)", 1500)),
}
_INVOKED, _REFUSED = "video-worker: job_id={J} segment_index=%d/3 invoked (x)", "invoke_async failed: ValidationError"
_REFUSED = f"video-worker: job_id={{J}} segment_index=%d {_REFUSED}"
_BEGUN = "job_id={J} segment_index=%d mode=sbs invocations start"
_FAILED = "job_id={J} segment_index=%d invocations failed: iw3 exited 1; stderr:"
_NO_REQUEST = "Failed to download object (bucket: b, key: sagemaker-invocation-requests/{J}/%d.json)"
INFERENCE_LINES: dict[str, tuple[tuple[str, float], ...]] = {
    "none": (),
    "invoked young": ((_INVOKED, 350),),
    "invoked old": ((_INVOKED, 4500),),
    "refused once": ((_REFUSED, 300),),
    "refused long ago": ((_REFUSED, 13_000),),
    "refused five times": tuple((_REFUSED, 1400 + 2400 * n) for n in range(5)),
    "refused, then invoked": ((_REFUSED, 2750), (_INVOKED, 350)),
    "failed": ((_INVOKED, 1000), (_BEGUN, 900), (_FAILED, 700)),
    "started young": ((_INVOKED, 350), (_BEGUN, 340)),
    "started old": ((_INVOKED, 4500), (_BEGUN, 4490)),
    "request missing": ((_INVOKED, 1000), (_NO_REQUEST, 990)),
}
REASSEMBLY_LINES: dict[str, tuple[tuple[str, float], ...]] = {
    "none": (),
    "received": (("received", 0),),
    "concat": (("received", 0), ("concat 3 segments -> final.mp4", 2)),
    "short": (("received", 0), ("completions=2 != total_segments=3 (message left for retry)", 2)),
    "failed": (("received", 0), ("concat 3 segments -> final.mp4", 2), ("failed to process message: killed", 20)),
    "moved on": (("received", 0), ("concat 3 segments -> final.mp4", 2)),
}


def total_of(state: State) -> int:
    """Return N as the job was cut, whether the row says so or not."""
    return 6000 if state.indexes == "too many" else 3


def recorded_of(state: State) -> tuple[int, ...]:
    """Return the recorded indexes."""
    return RECORDED[state.indexes]


def missing_of(state: State) -> tuple[int, ...]:
    """Return the indexes below N that are not recorded."""
    return () if state.indexes == "too many" else tuple(i for i in range(3) if i not in recorded_of(state))


def made_of(state: State) -> tuple[int, ...]:
    """Return the indexes whose output is there."""
    recorded, missing = recorded_of(state), missing_of(state)
    if state.outputs == "recorded":
        return recorded
    if state.outputs == "one gone":
        return recorded[1:]
    return tuple(sorted({*recorded, *(missing if state.outputs == "all" else missing[:1])}))


def lock_s(state: State) -> tuple[float, float | None] | None:
    """Return the ages of the lock and of its taking; None for L0."""
    if state.lock == "L0":
        return None
    put = LOCKED_S.get(state.locked) or RECORDED_S[state.age] + 200
    return (put, put - TAKEN_AFTER_S if state.lock == "L2" else None)


def film_s(state: State) -> float | None:
    """Return the age of the film; None without one."""
    return RECORDED_S[state.age] + 1000 if state.film == "stale" else FILM_S.get(state.film)


def evidence_of(state: State) -> JobEvidence:
    """Return everything that was read of a job in this state."""
    total, lock = total_of(state), lock_s(state)
    base = job(
        version="newest" if state.version == "H" else "runbook",
        status=state.status,
        recorded=(),
        lock=lock,
        film_s=film_s(state),
        source=state.source == "there",
        source_s=SOURCE_S[state.created],
        oldest_reassembly_s=_oldest_s(state, lock),
        mode=None if state.row == "ghost" else "sbs",
        created_at=at(CREATED_S[state.created]),
        completed_at=ago(COMPLETED_S[state.completed_at]),
    )
    row = replace(base.row.value, total_segments=total if state.total == "known" else None)  # type: ignore[union-attr]
    cut = state.status not in ("created", "ingesting")
    return replace(
        base,
        row=read(None if state.row == "none" else row),
        completions=_completions(recorded_of(state), RECORDED_S[state.age], row.total_segments),
        outputs=_outputs(state, base.outputs.value),  # type: ignore[union-attr]
        chunks=_chunks(total, CUT_S[state.age]) if cut else read(()),
        queues=_queues(state),
        tasks=read(_tasks(state, lock)),
        invoke_timeout_s=read(INVOKE_TIMEOUT_S[state.version]),
        logs=read(_logs(state, lock)),
    )


@cache
def _completions(recorded: tuple[int, ...], seconds: float, total: int | None) -> Evidence[tuple[Completion, ...]]:
    return read(tuple(Completion(index, at(seconds), total) for index in recorded))


@cache
def _chunks(total: int, seconds: float) -> Evidence[tuple[S3Object, ...]]:
    return read(tuple(S3Object(f"segments/{JOB}/{i:05d}_{total:05d}_sbs.mp4", 1, at(seconds)) for i in range(total)))


@cache
def _made(indexes: tuple[int, ...], seconds: float) -> tuple[S3Object, ...]:
    return tuple(S3Object(f"jobs/{JOB}/segments/{i}.mp4", 1, at(seconds)) for i in indexes)


def _outputs(state: State, film: tuple[S3Object, ...]) -> Evidence[tuple[S3Object, ...]]:
    missing = missing_of(state)
    late = tuple(i for i in made_of(state) if i in missing)
    in_time = tuple(i for i in made_of(state) if i not in missing)
    made = (*_made(in_time, RECORDED_S[state.age] + 3), *_made(late, MADE_S[state.made]))
    marker = [S3Object(f"jobs/{JOB}/.reassembly-done", 0, at(15))] if state.marker == "there" else []
    return read((*made, *film, *marker))


def _oldest_s(state: State, lock: tuple[float, float | None] | None) -> float | None:
    put = lock[0] if lock else 300
    return {"none": None, "younger": put / 2, "older": put + 500}[state.oldest]


def _queues(state: State) -> dict[str, QueuePair]:
    counts = {"empty": (0, 0), "visible": (2, 0), "in flight": (0, 2)}
    letters = {"empty": 0, "letters": 2}
    found = {
        "chunking": (state.chunking_queue, state.chunking_dlq),
        "video-worker": (state.inference_queue, state.inference_dlq),
        COMPLETION_QUEUE[state.version]: (state.completion_queue, state.completion_dlq),
        "reassembly": (state.reassembly_queue, state.reassembly_dlq),
    }
    pairs = {key: dead(queue(key, *counts[waits]), letters[dlq]) for key, (waits, dlq) in found.items()}
    if state.version == "H":
        pairs["ingest"] = _visibility(queue("ingest"), 1200)
    pairs["reassembly"] = _visibility(pairs["reassembly"], REASSEMBLY_VISIBILITY_S[state.version])
    return pairs


def _visibility(pair: QueuePair, seconds: int) -> QueuePair:
    return replace(pair, main=read(replace(pair.main.value, visibility_timeout_s=seconds)))  # type: ignore[union-attr]


def _tasks(state: State, lock: tuple[float, float | None] | None) -> tuple[Task, ...]:
    taken = (lock and lock[1]) or 3600
    holder = Task(HOLDER, "media-worker", "RUNNING", at(25 * DAY))
    stopped = replace(holder, last_status="STOPPED", stopped_at=at(1))
    media = {
        "holder runs": (holder,),
        "holder stopped": (stopped, Task(NEWER, "media-worker", "RUNNING", at(24 * DAY))),
        "started since": (Task(NEWER, "media-worker", "RUNNING", at(taken / 2)),),
        "none": (stopped,),
    }
    return (*media[state.tasks], Task(OTHER, "video-worker", "RUNNING", at(25 * DAY)))


def _line(group: str, text: str, seconds: float, stream: str = STREAM) -> LogLine:
    return LogLine(at(seconds), group, stream, text.replace("{J}", JOB))


def _logs(state: State, lock: tuple[float, float | None] | None) -> JobLogs:
    worker, endpoint = "/ecs/stereo-spot/", "/aws/sagemaker/Endpoints/e"
    lines = list(_reassembly(state, lock))
    complete = (("start (key=x)", CUT_S[state.age] + 20), ("complete total_segments=3", CUT_S[state.age] - 5))
    for loop, told in (("chunking", CHUNK_LINES | {"complete": complete}), ("ingest", INGEST_LINES)):
        for text, seconds in told.get(state.chunk_log, ()):
            lines.append(_line(f"{worker}media-worker", f"{loop}: job_id={{J}} {text}", seconds))
    for index in sorted(set(missing_of(state)) - set(made_of(state))):
        for text, seconds in INFERENCE_LINES[state.inference_log]:
            group = endpoint if text in (_BEGUN, _FAILED, _NO_REQUEST) else f"{worker}video-worker"
            lines.append(_line(group, text % index, seconds, "e/1"))
    lines += _recording(state)
    groups = tuple(f"{worker}{service}" for service in ("web-ui", "media-worker", "video-worker"))
    groups += (f"{worker}job-worker",) * (state.version == "H") + (endpoint,) * (state.endpoint_log == "read")
    other = f"reassembly: job_id={ELSEWHERE} received"
    receipts = [line for line in lines if line.message.endswith(" received")]
    if state.reassembly_log == "moved on":
        receipts.append(_line(f"{worker}media-worker", other, _taken_s(lock) - 22))
    cut_off = ("rows were cut off",) if state.gaps == "cut off" else ()
    return JobLogs(tuple(sorted(lines, key=lambda line: line.at)), tuple(receipts), groups, cut_off)


def _taken_s(lock: tuple[float, float | None] | None) -> float:
    return 3600 if lock is None else lock[1] or lock[0]


def _reassembly(state: State, lock: tuple[float, float | None] | None) -> list[LogLine]:
    told = REASSEMBLY_LINES[state.reassembly_log]
    if state.lock == "L1" and told:
        told = told[-1:]
    if state.lock == "L0" and told:
        told = (*told[:1], ("lock not acquired (another worker)", 1), *told[1:])
    group = "/ecs/stereo-spot/media-worker"
    return [_line(group, f"reassembly: job_id={{J}} {text}", _taken_s(lock) - after) for text, after in told]


def _recording(state: State) -> list[LogLine]:
    made = sorted(set(missing_of(state)) & set(made_of(state)))
    key, seconds = COMPLETION_QUEUE[state.version], MADE_S[state.made] - 3
    worker = "job-worker" if state.version == "H" else "video-worker"
    times = {"failed once": 1, "failed five times": 5}.get(state.completion_log, 0)
    failed = f"{key}: job_id={{J}} segment_index=%d failed to process message: throttled"
    lines = [(failed % i, seconds - 120 * n) for i in made for n in range(times)]
    if state.completion_log == "skipped":
        lines = [(f"{key}: job_id={{J}} job not found or no total_segments, skip", seconds)] * len(made)
    return [_line(f"/ecs/stereo-spot/{worker}", text, seconds, f"ecs/{worker}/1") for text, seconds in lines]


assert RECORDED_S["old"] < CUT_S["old"] < SOURCE_S["old"] < CREATED_S["old"], NOW
