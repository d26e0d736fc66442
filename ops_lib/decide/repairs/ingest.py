"""Fetch a source again: the URL stands nowhere but in the worker's own start line (pipeline.md 8: F24)."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from ops_lib.change.plan import Step
from ops_lib.decide.repairs import calls, conditions
from ops_lib.decide.repairs.events import LATER
from ops_lib.decide.repairs.job import Job, Repair
from ops_lib.decide.repairs.names import OWNER, Unsafe
from ops_lib.decide.repairs.status import set_back

SOURCE_URL = re.compile(r"start source_url=(\S+)\s*$")
UNPRINTABLE = re.compile(r"[^\x21-\x7e]")
BEGUN = ("ingesting", "chunking_in_progress", *LATER)


def ingest_again(job: Job) -> Repair:
    """Return the repair of a job whose ingest died: the status back to created, then a new message."""
    if job.row.status != "ingesting":
        raise Unsafe(f"the status is {job.row.status}, not ingesting")
    url = _url(job)
    why = (
        "a worker skips the message of a job that is ingesting. Until the message is sent nothing fetches the source: "
        "apply the plan again. If the worker was not dead after all, two fetch the same source"
    )
    body = {"source_type": "youtube", "job_id": job.id, "source_url": url}
    message = Step(
        title=f"send the ingest message of job {job.id}",
        call=calls.send(job, "ingest", body),
        before=f"status created; the URL of the start line: {url}",
        after="a message is in the ingest queue: a media-worker fetches the source, then cuts it",
        risk="If the download failed for a reason that remains (cookies, a removed video), it fails again.",
        undo="none: a message cannot be called back",
        conditions=(conditions.status_is(job, "created"),),
        done_when=conditions.status_is_one_of(job, BEGUN),
        harmless_twice=True,
        doubles="the ingest message: skipped while the first is being fetched, else the same source is fetched again",
    )
    return Repair("ingest again", (set_back(job, "created", why), message), conditions.completed(job))


def _url(job: Job) -> str:
    told = [sign.message for sign in job.case.signs if sign.kind == "ingest-started"]
    urls = {found[1] for message in told if (found := SOURCE_URL.search(message))}
    if len(urls) != 1:
        raise Unsafe(f"the log names {len(urls)} URLs for it, not one: only its owner knows the source", OWNER)
    url = urls.pop()
    try:
        parts = urlsplit(url)
        good = parts.scheme in ("http", "https") and bool(parts.hostname) and not UNPRINTABLE.search(url)
    except ValueError:
        good = False
    if not good:
        raise Unsafe("what its start line names is no http(s) URL: only its owner knows the source", OWNER)
    return url
