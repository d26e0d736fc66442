"""A job's lines as a file to hand on: CSV without secrets, and beside it what was asked, what came, and its hash."""

from __future__ import annotations

import csv
import hashlib
import io
import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from ops_lib.decide.log_events import Event
from ops_lib.decide.log_story import Story
from ops_lib.log_rows import Coverage, SentQuery
from ops_lib.redaction import printable, redact_counted, redacted
from ops_lib.settings import Settings

COLUMNS = (
    "time_utc",
    "ingested_utc",
    "service",
    "log_group",
    "log_stream",
    "kind",
    "level",
    "segment_index",
    "known_by",
    "message",
)
# What a spreadsheet takes for a formula, and runs, when it opens the file.
FORMULA = ("=", "+", "-", "@", "\t", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")
Row = tuple[object, ...]


@dataclass(frozen=True)
class Exported:
    """Two files that were written: the rows, and what says where they come from."""

    rows_file: Path
    about_file: Path
    rows: int
    sha256: str
    secrets: int
    formulas: int


def export_story(story: Story, settings: Settings, account_id: str) -> Exported:
    """Write the job's lines to `<state>/exports/<UTC>-<job id>.csv` and .json; the same story gives the same bytes.

    A line's traceback follows it, each of its lines a row that is known by "below"; "in doubt" where it may be another
    job's. A cell that a spreadsheet would take for a formula begins with an apostrophe.
    """
    found = [_clean(row) for row in _rows(story)]
    secrets, formulas = (sum(counts[n] for _, counts in found) for n in (0, 1))
    content = _csv([row for row, _ in found])
    digest = hashlib.sha256(content).hexdigest()
    folder = settings.state / "exports"
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{story.now:%Y-%m-%dT%H%M%SZ}-{story.job_id}.csv"
    told = Exported(path, path.with_suffix(".json"), len(found), digest, secrets, formulas)
    _write(path, content)
    _write(told.about_file, _json(about(story, settings, account_id, told)))
    return told


def about(story: Story, settings: Settings, account_id: str, told: Exported) -> dict[str, Any]:
    """Return what stands beside the rows, as JSON holds it: window, queries, statistics, completeness, hash."""
    coverage = story.coverage
    return {
        "file": told.rows_file.name,
        "sha256": told.sha256,
        "rows": told.rows,
        "columns": list(COLUMNS),
        "secrets_removed": told.secrets,
        "formulas_defused": told.formulas,
        "job_id": story.job_id,
        "environment": settings.environment,
        "label": settings.label,
        "account_id": account_id,
        "region": settings.region,
        "judged_at": story.now.isoformat(timespec="seconds"),
        "complete": coverage is not None and not story.lacking,
        "lacking": list(story.lacking) or ([story.unread.reason] if story.unread else []),
        "search": None if coverage is None else _search(coverage),
    }


def _search(coverage: Coverage) -> dict[str, Any]:
    return {
        "since": coverage.since.isoformat(),
        "until": coverage.until.isoformat(),
        "asked_at": coverage.asked_at.isoformat(),
        "log_groups": list(coverage.groups),
        "statistics": asdict(coverage.statistics),
        "estimated_bytes": coverage.estimated_bytes,
        "longest_ingestion_s": coverage.lag_s,
        "quotas": coverage.quotas.words() if coverage.quotas else None,
        "queries": [_query(sent) for sent in coverage.queries],
    }


def _query(sent: SentQuery) -> dict[str, Any]:
    times = {"since": sent.since.isoformat(), "until": sent.until.isoformat()}
    return asdict(sent) | times | {"groups": list(sent.groups)}


def _rows(story: Story) -> Iterator[Row]:
    for event in story.lines:
        yield _row(event, event.how, event.line.message if event.line else "")
        for said in event.below:
            yield _row(event, "in doubt" if event.doubt else "below", said)
    for event in story.near:
        yield _row(event, event.how, event.line.message if event.line else "")


def _row(event: Event, known_by: str, message: str) -> Row:
    line = event.line
    assert line is not None
    own = known_by not in ("below", "in doubt")
    return (
        line.at.isoformat(timespec="milliseconds"),
        line.ingested_at.isoformat(timespec="milliseconds") if line.ingested_at else "",
        event.service,
        line.group,
        line.stream,
        event.kind if own else "traceback",
        (event.level or "") if own else "",
        "" if event.segment_index is None else event.segment_index,
        known_by,
        message,
    )


def _clean(row: Row) -> tuple[Row, tuple[int, int]]:
    """Return a row as it may be handed on, and how many secrets and formulas it held."""
    cells, secrets, formulas = [], 0, 0
    for cell in row:
        if isinstance(cell, str):
            cell, found = redact_counted(printable(cell))
            secrets += found
            if cell.lstrip(" ").startswith(FORMULA):
                cell, formulas = f"'{cell}", formulas + 1
        cells.append(cell)
    return tuple(cells), (secrets, formulas)


def _csv(rows: list[Row]) -> bytes:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    writer.writerows(rows)
    return text.getvalue().encode("utf-8", "replace")


def _json(content: Mapping[str, Any]) -> bytes:
    plain = redacted(content)
    return (json.dumps(plain, indent=2, sort_keys=True) + "\n").encode()


def _write(path: Path, content: bytes) -> None:
    """Write a file whole or not at all, for its owner alone."""
    part = path.with_suffix(f"{path.suffix}.part")
    part.touch(mode=0o600)
    part.write_bytes(content)
    os.replace(part, path)
