"""Earlier reports of the same notebook from the report store: a folder, or s3://bucket/prefix."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
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


@dataclass(frozen=True)
class PastReports:
    """Earlier findings documents, oldest first; `ahead`: how many are dated after the present one and left out."""

    reports: tuple[Report, ...]
    ahead: int = 0


def read_past_reports(aws: Aws, notebook: str, now: datetime) -> Evidence[PastReports]:
    """Return the newest findings documents of this environment and notebook before `now`; nine at most.

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
    moment = now.replace(microsecond=0)  # as a report says it
    mine = [one for one in found.value if one["environment"] == aws.settings.environment and not _broke_off(one)]
    earlier = sorted((one for one in mine if _at(one) < moment), key=_at)
    ahead = sum(_at(one) > moment for one in mine)
    return Read(PastReports(tuple(earlier[-NEWEST:]), ahead), found.source, found.at)


def _in_folder(store: Path, notebook: str) -> Evidence[tuple[Report, ...]]:
    def ask() -> tuple[Report, ...]:
        # Some more than are compared: those of other environments, and those that broke off, are left out later.
        folders = sorted(store.glob(f"*-{notebook}"))[-4 * NEWEST :]
        files = [folder / FILE for folder in folders if (folder / FILE).is_file()]
        return tuple(_document(_content(file), str(file)) for file in files)

    try:
        return attempt(f"reports in {store}", ask)
    except OSError as error:
        return Unread(f"reports in {store}", "failed", error.strerror or "not readable", STEP)


def _content(file: Path) -> bytes:
    with file.open("rb") as opened:
        return opened.read(MOST_BYTES)


def _in_s3(aws: Aws, bucket: str, prefix: str, notebook: str) -> Evidence[tuple[Report, ...]]:
    listed = read_prefix(aws, bucket, f"{prefix}/" if prefix else "")
    if isinstance(listed, Unread):
        return listed
    keys = sorted(one.key for one in listed.value if one.key.endswith(f"-{notebook}/{FILE}"))[-4 * NEWEST :]

    def ask() -> tuple[Report, ...]:
        s3, some = aws.client("s3"), f"bytes=0-{MOST_BYTES - 1}"  # whatever lies there under that name
        bodies = (s3.get_object(Bucket=bucket, Key=key, Range=some)["Body"] for key in keys)
        return tuple(_document(body.read(), key) for body, key in zip(bodies, keys, strict=True))

    return attempt(f"s3:GetObject {bucket}/{prefix}", ask)


def _document(data: bytes, where: str) -> Report:
    """Return the document in a file; raises Incomplete for one that nothing can be compared with."""
    try:
        found = dict(json.loads(data))
        right = _at(found).tzinfo is not None and isinstance(found["environment"], str)
        _broke_off(found)
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise Incomplete(f"{where} is no findings document ({type(error).__name__})") from None
    if not right:
        raise Incomplete(f"{where} is no findings document (it names no time zone or no environment)")
    return found


def _at(report: Report) -> datetime:
    return datetime.fromisoformat(report["generated_at"])


def _broke_off(report: Report) -> bool:
    return any([one["id"] == "run-failed" for one in report["findings"]])


def _as_data(found: Evidence[tuple[Report, ...]]) -> dict[str, Any]:
    return {"unread": vars(found)} if isinstance(found, Unread) else {"reports": list(found.value), "at": found.at}


def _as_evidence(kept: Mapping[str, Any] | None, store: str) -> Evidence[tuple[Report, ...]]:
    if kept is None:
        return Unread(f"reports in {store}", "not-asked", "the bundle holds no earlier reports", "ask the live store")
    if "unread" in kept:
        return Unread(**kept["unread"])
    return Read(tuple(kept["reports"]), f"reports in {store}", kept["at"])
