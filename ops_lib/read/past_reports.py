"""Earlier reports of the same notebook from the report store: a folder, or s3://bucket/prefix."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from ops_lib.aws import Aws
from ops_lib.evidence import Evidence, Read, Unread
from ops_lib.read.attempt import Incomplete, attempt
from ops_lib.read.objects import read_prefix

NEWEST = 9  # flapping is judged over ten reports, the present one included
MOST_BYTES = 5_000_000
FILE = "findings.json"
STEP = "see report_store in the environment's YAML"

Report = Mapping[str, Any]


def read_past_reports(aws: Aws, notebook: str, now: datetime) -> Evidence[tuple[Report, ...]]:
    """Return the newest findings documents of this environment and notebook before `now`, oldest first; nine at most.

    A report that broke off is none. Unread where one of them cannot be read: what it said might be the news.
    """
    store = aws.settings.report_store
    if place := aws.settings.reports_in_s3:
        found = _in_s3(aws, *place, notebook)
    else:
        kept = aws.beside(f"reports of {notebook}", lambda: _as_data(_in_folder(Path(store), notebook)))
        found = _as_evidence(kept, store)
    if isinstance(found, Unread):
        return found
    stamp = now.isoformat(timespec="seconds")
    mine = [one for one in found.value if one.get("environment") == aws.settings.environment]
    earlier = [one for one in mine if str(one["generated_at"]) < stamp and not _broke_off(one)]
    return Read(tuple(earlier[-NEWEST:]), found.source, found.at)


def _in_folder(store: Path, notebook: str) -> Evidence[tuple[Report, ...]]:
    def ask() -> tuple[Report, ...]:
        # Some more than are compared: those of other environments, and those that broke off, are left out later.
        folders = sorted(store.glob(f"*-{notebook}"))[-4 * NEWEST :]
        files = [folder / FILE for folder in folders if (folder / FILE).is_file()]
        return tuple(_document(file.read_bytes(), str(file)) for file in files)

    try:
        return attempt(f"reports in {store}", ask)
    except OSError as error:
        return Unread(f"reports in {store}", "failed", error.strerror or "not readable", STEP)


def _in_s3(aws: Aws, bucket: str, prefix: str, notebook: str) -> Evidence[tuple[Report, ...]]:
    listed = read_prefix(aws, bucket, f"{prefix}/" if prefix else "")
    if isinstance(listed, Unread):
        return listed
    keys = sorted(one.key for one in listed.value if one.key.endswith(f"-{notebook}/{FILE}"))[-4 * NEWEST :]

    def ask() -> tuple[Report, ...]:
        s3 = aws.client("s3")
        return tuple(_document(s3.get_object(Bucket=bucket, Key=key)["Body"].read(MOST_BYTES), key) for key in keys)

    return attempt(f"s3:GetObject {bucket}/{prefix}", ask)


def _document(data: bytes, where: str) -> Report:
    try:
        found = json.loads(data)
        return dict(found) if found["findings"] is not None and found["generated_at"] else {}
    except (ValueError, KeyError, TypeError) as error:
        raise Incomplete(f"{where} is no findings document ({type(error).__name__})") from None


def _broke_off(report: Report) -> bool:
    return any(one["id"] == "run-failed" for one in report["findings"])


def _as_data(found: Evidence[tuple[Report, ...]]) -> dict[str, Any]:
    return {"unread": vars(found)} if isinstance(found, Unread) else {"reports": list(found.value), "at": found.at}


def _as_evidence(kept: Mapping[str, Any] | None, store: str) -> Evidence[tuple[Report, ...]]:
    if kept is None:
        return Unread(f"reports in {store}", "not-asked", "the bundle holds no earlier reports", "ask the live store")
    if "unread" in kept:
        return Unread(**kept["unread"])
    return Read(tuple(kept["reports"]), f"reports in {store}", kept["at"])
