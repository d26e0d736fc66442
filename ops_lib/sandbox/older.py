"""Jobs of long ago: their completions, locks and objects are made when a request first names them.

Ten thousand jobs have four hundred thousand objects; nobody looks at more than a few of them. A scan, or a listing
that names no job, makes them all.
"""

from __future__ import annotations

import re
from io import BytesIO
from threading import Lock
from urllib.parse import unquote

from ops_lib.sandbox import living
from ops_lib.sandbox.operations import Environ
from ops_lib.sandbox.pipeline.version import INPUT, OUTPUT
from ops_lib.sandbox.story import Story

JOB_ID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}")
TABLES = ("segment-completions", "reassembly-triggered")
# They name no job, and may answer with any.
WHOLE = ("dynamodb:Scan", "s3:ListObjectsV2", "s3:GetBucket")


class OlderJobs:
    """Makes what a request is about, before it is answered."""

    def __init__(self, story: Story) -> None:
        self._story = story
        self._left: set[str] | None = None
        self._lock = Lock()

    def before(self, environ: Environ, operation: str) -> None:
        """Make the jobs that the request names, all of them where it names none and may answer with any."""
        if not operation.startswith(("dynamodb:", "s3:")):
            return
        with self._lock:
            left = self._left = set(self._story.older) if self._left is None else self._left
            if not left:
                return
            named = set(JOB_ID.findall(_said(environ)))
            wanted = left & named if named or operation not in WHOLE or _of_jobs(environ) else set(left)
            for job_id in wanted:
                self._make(job_id)
            left -= wanted

    def _make(self, job_id: str) -> None:
        from ops_lib.sandbox.load import objects, tables

        past = self._story.past_of(job_id)
        for table in TABLES:
            tables.add(table, living.items(past, table))
        for bucket in (INPUT, OUTPUT):
            objects.add(bucket, living.objects(past, bucket))


def _said(environ: Environ) -> str:
    return unquote(f"{environ.get('PATH_INFO', '')}?{environ.get('QUERY_STRING', '')}") + _body(environ)


def _of_jobs(environ: Environ) -> bool:
    """Return whether it is the jobs table that is scanned: all of its rows are there."""
    return '-jobs"' in _body(environ)


def _body(environ: Environ) -> str:
    if "HTTP_X_AMZ_TARGET" not in environ:
        return ""
    body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
    environ["wsgi.input"] = BytesIO(body)
    return str(body.decode("utf-8", "replace"))
