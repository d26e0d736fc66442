"""Looks with letters in them, judged: for the tests of what is decided and shown of many letters together."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from ops_lib.decide.letter_groups import Letters, judge_letters
from ops_lib.evidence import Evidence, QueuePair
from ops_lib.gathered import JobEvidence
from ops_lib.letters import DeadLetter, Inspection
from tests.corpus import TEST, s3
from tests.decide.states import HOUR, JOB, LONG, NOW, at, dead, job, queue
from tests.recorded import read

SOURCE = s3(f"input/{JOB}/source.mp4")
SEGMENTS = [s3(f"segments/{JOB}/{index:05d}_00003_sbs.mp4") for index in range(3)]
QUEUES: Mapping[str, QueuePair] = {
    "chunking": dead(queue("chunking"), 2),
    "video-worker": dead(queue("video-worker"), 3),
    "reassembly": queue("reassembly"),
}


def letter(key: str, body: str, number: int, sent_s: float = LONG, **given: Any) -> DeadLetter:
    """A letter first sent so many seconds ago; its MessageId ends with the number."""
    return DeadLetter(key, f"0000000{number}-0000", body, at(sent_s), at(sent_s), 6, **given)


def look(key: str, *letters: DeadLetter, **given: Any) -> Evidence[Inspection]:
    """A look that saw these letters, all there were unless `given` says otherwise."""
    return read(replace(Inspection(key, letters, len(letters), 0, len(letters)), **given))


def three_classes(**given: Any) -> Letters:
    """A test event, a duplicate and two needed segments; `given`: other looks by key with "_" for "-"."""
    chunking = look("chunking", letter("chunking", TEST, 1, 2 * LONG), letter("chunking", SOURCE, 2))
    video = look("video-worker", *(letter("video-worker", SEGMENTS[n], 3 + n, HOUR * (n + 1)) for n in (0, 1)))
    looks = {"chunking": chunking, "video-worker": video, "reassembly": look("reassembly")}
    looks |= {name.replace("_", "-"): one for name, one in given.items()}
    return judged({key: one for key, one in looks.items() if one is not None})


def judged(looks: Mapping[str, Evidence[Inspection]], about: JobEvidence | None = None) -> Letters:
    """The looks judged with the one job: two of its three segments are missing."""
    return judge_letters(looks, {JOB: about or job(recorded=(2,), pairs=QUEUES)}, QUEUES, NOW)
