"""How a line of the pipeline is written, whatever it says: time, level and logger, the job and the segment it names.

pipeline.md 7. What lines say is told apart in decide/log_lines.py; readers and rules take the format from here.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from ops_lib.job_id import UUID
from ops_lib.redaction import redact

# "%(asctime)s [%(levelname)s] %(name)s: %(message)s"; what is not written so is a traceback's, or another program's.
LOGGED = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ \[[A-Z]+\] ")
LEVEL = re.compile(r"\[(DEBUG|INFO|WARNING|ERROR|CRITICAL)\] ")
ERROR = re.compile(r"\[ERROR\] ")
# gunicorn's and uvicorn's lines about a request stand between the lines of a process without being part of any.
ACCESS = re.compile(r'"(?:GET|HEAD|POST|PUT|DELETE) \S+ HTTP/')
# SageMaker's own lines have no job_id=: they name the job by the key of its request.
REQUESTS = "sagemaker-invocation-requests/"
NOT_DOWNLOADED = "Failed to download object"
NO_REQUEST = re.compile(rf"{NOT_DOWNLOADED} .*{REQUESTS}")
# The job-worker's lines about a result whose invocation row is gone: they name no job.
NO_RECORD = "no invocation record for"
_JOB = re.compile(rf"job_id=(?P<job>{UUID.pattern})(?![0-9a-f])")
_INDEX = re.compile(rf"segment_index=(\d+)|{REQUESTS}[^/]+/(\d+)\.json|/segments/(\d+)\.mp4")
HEX = tuple("0123456789abcdef")
_PREFIX = re.compile(r"^\S+ \[[A-Z]+\] \S+: ")
# What differs from one failure to the next of the same kind, the longest first.
_VARYING = tuple(
    (re.compile(pattern), name)
    for pattern, name in (
        (rf"{UUID.pattern}", "<id>"),
        (r"(?i)(request ?id|host ?id|x-amz-[a-z0-9-]*id[a-z0-9-]*)(['\": =]+)[\w+/=-]+", r"\1\2<id>"),
        (r"s3://[^\s,)'\"]+", "s3://<object>"),
        (r"\b[0-9a-fA-F]{12,}\b", "<id>"),
        (r"(?<![A-Za-z])\d+(?:\.\d+)?(?![A-Za-z])", "<n>"),
    )
)
LONGEST_SIGNATURE = 240
# Not indented, a class by its dotted name. Lines after it may belong to its message.
_EXCEPTION = re.compile(r"(?:\w+\.)*[A-Z]\w*(?:: .*)?")


def level_of(message: str) -> str | None:
    """Return the level of a line in the logger's format, None for any other line."""
    found = LEVEL.search(message)
    return found[1] if found else None


def job_of(message: str) -> str | None:
    """Return the job that a line names as its own by `job_id=`, None where it names none."""
    found = _JOB.search(message)
    return found["job"] if found else None


def has_id(message: str, job_id: str) -> bool:
    """Return whether a job's id stands in a line, as itself and not as a part of something longer."""
    place = message.find(job_id)
    before, after = message[max(0, place - 1) : max(0, place)], message[place + len(job_id) :][:1]
    return place >= 0 and not (before in HEX or after in HEX)


def segment_of(message: str) -> int | None:
    """Return the segment a line names, by `segment_index=` or by an object's key; None where it names none."""
    found = _INDEX.search(message)
    return int(next(group for group in found.groups() if group is not None)) if found else None


def without_prefix(message: str) -> str:
    """Return what a line says, without time, level and logger."""
    return _PREFIX.sub("", message)


def signature(message: str) -> str:
    """Return what a log line says without time, level, logger, ids and numbers: the same for failures of one kind."""
    text = without_prefix(" ".join(message.split()))
    for pattern, name in _VARYING:
        text = pattern.sub(name, text)
    return text if len(text) <= LONGEST_SIGNATURE else f"{text[:LONGEST_SIGNATURE]}..."


def last_words(following: Iterable[str]) -> str:
    """Return the line of a traceback that names the exception ("MemoryError"), else its last words; "" without any.

    Secrets are removed, for no line of a private key tells alone what it is.
    """
    told = redact("\n".join(following)).split("\n")
    lines = [line for line in told if line[:1].strip() and not line.startswith("Traceback ")]
    return next((line for line in reversed(lines) if _EXCEPTION.fullmatch(line)), lines[-1] if lines else "")
