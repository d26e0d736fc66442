"""Whether one completed job's rows, objects and log lines tell the same story, in order, to the second."""

from __future__ import annotations

import re
from datetime import datetime
from itertools import pairwise

from tests.sandbox.seen import INPUT, OUTPUT, Line, Object, Seen

LOCK_TTL_S = 90 * 86_400
RETENTION_S = 7 * 86_400
STAMP = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)Z \[")
# What each service says of a job, in order; `#`: once for each segment.
SAID = {
    "newest": [
        ("web-ui", "created mode="),
        ("web-ui", "uploaded_at/size set=True"),
        ("media-worker", "start (key=input/"),
        ("media-worker", "complete total_segments="),
        ("video-worker", "invoking SageMaker async #"),
        ("video-worker", "uploaded invocation request #"),
        ("video-worker", "invoked (done via output-events) #"),
        ("inference", "invocations start #"),
        ("inference", "Running iw3 #"),
        ("inference", "invocations complete #"),
        ("job-worker", "sending to reassembly queue"),
        ("media-worker", " received"),
        ("media-worker", "segments -> final.mp4"),
        ("media-worker", "uploading final.mp4"),
        ("media-worker", "upload done"),
        ("media-worker", "completed (video-worker sets status"),
        ("job-worker", "reassembly complete -> completed"),
    ],
    "runbook": [
        ("media-worker", "start (key=input/"),
        ("media-worker", "complete total_segments="),
        ("video-worker", "invoked (completion via segment-output) #"),
        ("inference", "invocations start #"),
        ("inference", "Running iw3 #"),
        ("inference", "invocations complete #"),
        ("video-worker", "sending to reassembly queue"),
        ("media-worker", " received"),
        ("media-worker", "segments -> final.mp4"),
        ("media-worker", " completed"),
    ],
}


def agrees(seen: Seen, job_id: str) -> None:
    """Fail where the job's traces contradict each other."""
    total = seen.jobs[job_id]["total_segments"]
    _rows(seen, job_id, total)
    _objects(seen, job_id, total)
    if seen.jobs[job_id]["created_at"] > seen.loaded_at - RETENTION_S + 60:
        _lines(seen, job_id, total)


def _rows(seen: Seen, job_id: str, total: int) -> None:
    job, lock, completions = seen.jobs[job_id], seen.locks[job_id], seen.completions[job_id]
    assert [row["segment_index"] for row in completions] == list(range(total))
    assert all(row.get("total_segments") == (total if seen.newest else None) for row in completions)
    uris = [f"s3://{OUTPUT}/jobs/{job_id}/segments/{index}.mp4" for index in range(total)]
    assert [row["output_s3_uri"] for row in completions] == uris
    assert lock["ttl"] == lock["triggered_at"] + LOCK_TTL_S
    recorded = max(row["completed_at"] for row in completions)
    times = [job["created_at"], *([job["uploaded_at"]] if seen.newest else [recorded])]
    times += [lock["triggered_at"], lock["reassembly_started_at"], job["completed_at"]]
    assert times == sorted(times)
    # Newest: SageMaker's answer records the segment again, after the trigger.
    assert recorded <= times[-1]
    assert job["mode"] in ("anaglyph", "sbs")


def _objects(seen: Seen, job_id: str, total: int) -> None:
    job, found = seen.jobs[job_id], seen.objects
    source = found[INPUT, f"input/{job_id}/source.mp4"]
    chunks, requests, outputs = zip(*(_of_segment(seen, job_id, index) for index in range(total)), strict=True)
    film = found[OUTPUT, f"jobs/{job_id}/final.mp4"]
    assert sum(chunk.size for chunk in chunks) <= source.size < sum(chunk.size + 1 for chunk in chunks)
    assert film.size >= sum(output.size for output in outputs) > 0
    if seen.newest:
        assert (source.size, source.at) == (job["source_file_size_bytes"], job["uploaded_at"])
    for chunk, request, output, row in zip(chunks, requests, outputs, seen.completions[job_id], strict=True):
        assert source.at <= chunk.at <= request.at <= output.at <= row["completed_at"]
    # The older version's media-worker sets the status when it has written the film.
    assert film.at <= job["completed_at"] <= film.at + (2 if seen.newest else 0)
    assert seen.locks[job_id]["reassembly_started_at"] <= film.at


def _of_segment(seen: Seen, job_id: str, index: int) -> tuple[Object, Object, Object]:
    total, mode = seen.jobs[job_id]["total_segments"], seen.jobs[job_id]["mode"]
    return (
        seen.objects[INPUT, f"segments/{job_id}/{index:05d}_{total:05d}_{mode}.mp4"],
        seen.objects[OUTPUT, f"sagemaker-invocation-requests/{job_id}/{index}.json"],
        seen.objects[OUTPUT, f"jobs/{job_id}/segments/{index}.mp4"],
    )


def _lines(seen: Seen, job_id: str, total: int) -> None:
    lines, job, lock = seen.lines_of[job_id], seen.jobs[job_id], seen.locks[job_id]
    words = SAID[seen.sandbox.state["version"]]
    said = {words: _said(lines, service, words, total) for service, words in words}
    recorded = _recorded(seen, lines, total)
    spoken = len(recorded) + sum(map(len, said.values()))
    assert spoken == len(lines), "something else was said of the job"
    # Segments are worked on while the others are still cut.
    ordered = [each for words, each in said.items() if words != "complete total_segments="]
    for earlier, later in pairwise(ordered):
        # What is said once comes behind all of what was said before it; what is said of a segment, behind its own.
        pairs = zip(_spread(earlier, total), _spread(later, total), strict=True)
        assert all(one.at <= other.at for one, other in pairs), (earlier[0].text, later[0].text)
    for line in lines:
        stamp = STAMP.match(line.text)
        if stamp:
            assert datetime.fromisoformat(f"{stamp[1]}+00:00").timestamp() == int(line.at)

    def second(words: str, index: int = 0) -> int:
        return int(said[words][index].at)

    (triggered,), (taken,) = said["sending to reassembly queue"], said[" received"]
    assert (int(triggered.at), int(taken.at)) == (lock["triggered_at"], lock["reassembly_started_at"])
    last = {int(_index(line)): int(line.at) for line in recorded if _index(line)}
    assert last == {row["segment_index"]: row["completed_at"] for row in seen.completions[job_id]}
    assert len({_index(line) for line in recorded if line.at <= triggered.at and _index(line)}) == total
    for index in range(total):
        _, request, output = _of_segment(seen, job_id, index)
        assert abs(second("invocations complete #", index) - output.at) <= 1
        if seen.newest:
            assert abs(second("uploaded invocation request #", index) - request.at) <= 1
    film = seen.objects[OUTPUT, f"jobs/{job_id}/final.mp4"]
    if seen.newest:
        assert second("created mode=") == job["created_at"]
        assert second("uploaded_at/size set=True") == job["uploaded_at"]
        assert second("upload done") == film.at
        assert second("reassembly complete -> completed") == job["completed_at"]
    else:
        assert second(" completed") == film.at == job["completed_at"]


def _recorded(seen: Seen, lines: list[Line], total: int) -> list[Line]:
    """What was said of recording segments, in order of time.

    Newest: once for the segment's object, which job-worker cannot use before total_segments is there (F19); once for
    SageMaker's answer.
    """
    if not seen.newest:
        return [line for line in lines if " segment-output: " in line.text]
    (cut,) = [line.at for line in lines if " complete total_segments=" in line.text]
    used = [line for line in lines if "segment file -> completion" in line.text]
    skipped = [line for line in lines if line.text.endswith("no total_segments, skip")]
    answers = [line for line in lines if "SageMaker success" in line.text]
    assert all(line.at <= cut for line in skipped)
    assert all(line.at >= cut for line in used)
    assert len(used) + len(skipped) == len(answers) == total
    return sorted(used + skipped + answers, key=lambda line: line.at)


def _index(line: Line) -> str:
    found = re.search(r"segment_index=(\d+)", line.text)
    return found[1] if found else ""


def _said(lines: list[Line], service: str, words: str, total: int) -> list[Line]:
    """The lines with these words, as many as there must be: by segment, else one."""
    text, of_segments, _ = words.partition("#")
    found = [
        line for line in lines if line.service == service and _has(line.text, text.rstrip() if of_segments else text)
    ]
    if not of_segments:
        assert len(found) == 1, (words, len(found))
        return found
    by_index = {int(_index(line)): line for line in found}
    assert len(found) == total
    assert sorted(by_index) == list(range(total)), words
    return [by_index[index] for index in range(total)]


def _has(text: str, words: str) -> bool:
    # The last word of the older version's last line, and of no other.
    return text.endswith(words) if words in (" completed", " received") else words in text


def _spread(lines: list[Line], total: int) -> list[Line]:
    return lines if len(lines) == total > 1 else [max(lines, key=lambda line: line.at)] * total
