"""`python -m tests.second_opinion PYTHON`: the shared rules against the sandbox and against a second server.

PYTHON is an interpreter with ministack installed: it pins a botocore of its own. Exit code 1: a difference without a
reason, or a reason without a difference.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from tests.sandbox.rules import SHARED, Outcomes, names, run
from tests.sandbox.running import running
from tests.second_opinion.comparison import AGREES, compare, read, table
from tests.second_opinion.ministack import serving

KNOWN = Path(__file__).parent / "known_differences.toml"


def main(python: Path) -> int:
    """Print the table; return the exit code."""
    known = read(KNOWN)
    with tempfile.TemporaryDirectory(prefix="second-opinion-") as folder:
        sandbox, second = _asked(python, Path(folder))
    rows = compare(names(SHARED), sandbox, second, known)
    print("\n".join(table(rows)))
    wrong = sum(bool(row.complaint) for row in rows)
    agreeing = sum(row.second == AGREES for row in rows)
    print(
        f"\n{len(rows)} rules: {agreeing} kept by both, {len(rows) - agreeing - wrong} known to differ, {wrong} wrong"
    )
    return 1 if wrong else 0


def _asked(python: Path, folder: Path) -> tuple[Outcomes, Outcomes]:
    for part in ("sandbox", "second"):
        (folder / part).mkdir()
    with running(folder / "sandbox", "recording-newest") as sandbox:
        ours = run(SHARED, sandbox.access, folder / "sandbox")
    with serving(python, folder / "second") as access:
        return ours, run(SHARED, access, folder / "second")


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
