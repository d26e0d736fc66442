"""Jobs of long ago: their completions, locks and objects are made when a request first names them.

Ten thousand jobs have four hundred thousand objects; nobody looks at more than a few of them. A scan, or a listing
that names no job, makes them all. Their rows are made together, at the first request that may answer with them.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from io import BytesIO
from threading import Lock
from urllib.parse import parse_qs, unquote

from ops_lib.sandbox import living
from ops_lib.sandbox.credentials import Environ
from ops_lib.sandbox.pipeline.version import INPUT, OUTPUT
from ops_lib.sandbox.story import Story

JOB_ID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}")
TABLES = ("segment-completions", "reassembly-triggered")
# Whoever sends a message names a job that a worker will look at.
SERVICES = ("dynamodb", "s3", "sqs")


class OlderJobs:
    """Makes what a request is about, before it is answered."""

    def __init__(self, story: Story, prepare: Callable[[str], None]) -> None:
        self._story, self._prepare = story, prepare
        self._left: set[str] | None = None
        self._lock = Lock()

    def before(self, environ: Environ, operation: str) -> None:
        """Make the jobs that the request names, all of them where it names none and may answer with any."""
        service, _, name = operation.partition(":")
        if service not in SERVICES:
            return
        named = set(JOB_ID.findall(_said(environ)))
        if service == "sqs" and not named:
            return
        told = self._story.past.rows["jobs"]
        if name != "Scan" and named and all((job_id,) in told for job_id in named):
            return
        with self._lock:
            left = self._rows()
            whole = (name == "ListObjectsV2" and not named) or (name == "Scan" and not _of_jobs(environ))
            wanted = set(left) if whole else left & named
            for job_id in wanted:
                self._make(job_id)
            left -= wanted

    def rows(self) -> None:
        """Make the rows of all, before anybody asks for them."""
        with self._lock:
            self._rows()

    def _rows(self) -> set[str]:
        """Return which are left, of whom there is only the row."""
        if self._left is None:
            self._prepare("dynamodb")
            from ops_lib.sandbox.load import tables

            older = self._story.older
            tables.add("jobs", [living.row(self._story, one) for one in older.values()])
            self._left = set(older)
        return self._left

    def _make(self, job_id: str) -> None:
        self._prepare("s3")
        from ops_lib.sandbox.load import objects, tables

        past = self._story.past_of(job_id)
        for table in TABLES:
            tables.add(table, living.items(past, table))
        for bucket in (INPUT, OUTPUT):
            objects.add(bucket, living.objects(past, bucket))


def _said(environ: Environ) -> str:
    """Return the part of a request that can name jobs: where a listing goes on is none."""
    prefix = parse_qs(str(environ.get("QUERY_STRING", ""))).get("prefix", [""])[0]
    return f"{unquote(str(environ.get('PATH_INFO', '')))} {prefix} {_body(environ)}"


def _of_jobs(environ: Environ) -> bool:
    """Return whether it is the jobs table that is scanned: all of its rows are there."""
    return '-jobs"' in _body(environ)


def _body(environ: Environ) -> str:
    if "HTTP_X_AMZ_TARGET" not in environ:
        return ""
    body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
    environ["wsgi.input"] = BytesIO(body)
    return str(body.decode("utf-8", "replace"))
