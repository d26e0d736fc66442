"""What two servers say to the same rules, and where they differ without a reason being named.

The rules stand on AWS's documents, but we wrote them and we corrected the sandbox: a server made by others that agrees
is a second opinion on both. Where it does not, `known_differences.toml` says which of the two is right, and why.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.sandbox.rules import Outcomes

Name = tuple[str, str]
DIFFERS, CANNOT = "differs", "cannot"
AGREES, BREAKS, NOT_RUN = "agrees", "BREAKS IT", "DID NOT RUN"


@dataclass(frozen=True)
class Known:
    """Why the second server does not keep a rule: `kind` says that it differs, or that it cannot answer at all.

    `says`: what stands in the failure, so that no other failure passes for this one.
    """

    kind: str
    says: str
    because: str


@dataclass(frozen=True)
class Row:
    """One rule: what the sandbox and the second server say, the reason that is named, and what is wrong with it."""

    name: Name
    sandbox: str
    second: str
    because: str = ""
    complaint: str = ""


def read(path: Path) -> dict[Name, Known]:
    """Return the differences that are named in a file; raises ValueError for an entry that is not one."""
    content: dict[str, dict[str, Any]] = tomllib.loads(path.read_text(encoding="utf-8"))
    return {(file, rule): _known(file, rule, entry) for file, rules in content.items() for rule, entry in rules.items()}


def _known(file: str, rule: str, entry: dict[str, Any]) -> Known:
    known = Known(**entry) if set(entry) == {"kind", "says", "because"} else None
    if known is None or known.kind not in (DIFFERS, CANNOT) or not known.says or "AWS: " not in known.because:
        raise ValueError(f"{file}.{rule}: needs kind (differs or cannot), says, and because, which cites AWS: ...")
    return known


def compare(names: Iterable[Name], sandbox: Outcomes, second: Outcomes, known: Mapping[Name, Known]) -> list[Row]:
    """Return a row for each rule, and one for each difference that is named for no rule."""
    asked = list(names)
    rows = [_row(name, sandbox.get(name), second.get(name), known.get(name)) for name in asked]
    lost = [name for name in known if name not in asked]
    return rows + [Row(name, "-", "-", complaint="there is no such rule: take it off the list") for name in lost]


def _row(name: Name, sandbox: list[str] | None, second: list[str] | None, known: Known | None) -> Row:
    ours, theirs = _said(sandbox), _said(second)
    if ours != AGREES:
        return Row(name, ours, theirs, complaint=_last(sandbox))
    if theirs == NOT_RUN:
        return Row(name, ours, theirs, complaint="the second server was not asked")
    if known is None:
        return Row(name, ours, theirs, complaint="" if theirs == AGREES else f"not named: {_last(second)}")
    if theirs == AGREES:
        return Row(name, ours, theirs, complaint="no longer differs: take it off the list")
    failures = second or []
    other = [failure for failure in failures if known.says not in failure]
    complaint = f"another failure than the one named: {_last(other)}" if other else ""
    return Row(name, ours, known.kind, known.because, complaint)


def _said(failures: list[str] | None) -> str:
    if failures is None:
        return NOT_RUN
    return BREAKS if failures else AGREES


def _last(failures: list[str] | None) -> str:
    """Return the sentence that tells most of a failure: the first that pytest marks as the error's."""
    lines = [line for failure in failures or [] for line in failure.splitlines() if line.startswith("E  ")]
    return lines[0].removeprefix("E").strip() if lines else "no failure was reported"


def table(rows: Iterable[Row]) -> list[str]:
    """Return the lines to print: every rule, then each reason and each complaint below its rule."""
    lines = []
    for row in rows:
        rule = f"{row.name[0].removeprefix('shared_').removesuffix('_rules')}: {row.name[1].removeprefix('test_')}"
        lines.append(f"{rule.replace('_', ' '):<95} {row.sandbox:<12} {row.second}")
        lines += [f"    {text}" for text in (row.because, f"!! {row.complaint}" if row.complaint else "") if text]
    return lines
