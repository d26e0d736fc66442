"""A job id: a lower-case UUID, or the web UI's URL of the job. Validated before it enters any query."""

from __future__ import annotations

import re

from ops_lib.errors import BadParameter

UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
URL = re.compile(rf"https?://[A-Za-z0-9.-]+(?::\d+)?/jobs/({UUID.pattern})/?")


def parse_job_id(text: object) -> str:
    """Return the job id in `text`; raises BadParameter for anything but the two forms, whole and exact."""
    if isinstance(text, str):
        candidate = text.strip(" ")
        if UUID.fullmatch(candidate):
            return candidate
        if address := URL.fullmatch(candidate):
            return address[1]
    raise BadParameter(
        "job_id",
        text,
        "a job id is a lower-case UUID, or the web UI's URL http(s)://<host>/jobs/<uuid>",
        "copy it from the web UI's address bar or from a log line's job_id=",
    )
