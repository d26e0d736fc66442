"""`make rules`: every conformance rule of the sandbox, with the AWS document it stands on."""

from __future__ import annotations

import ast
import re

from tests.sandbox.rules import OUTSIDE, SHARED, rules

CITATION = re.compile(r"AWS: (?P<cited>.+?)(?:\n\n|$)", re.DOTALL)
IN_TIME = sorted(OUTSIDE.glob("*_in_time.py"))


def cited(rule: ast.FunctionDef) -> str:
    """Return what a rule's docstring cites, on one line."""
    found = CITATION.search(ast.get_docstring(rule) or "")
    return " ".join(found["cited"].split()) if found else "NO CITATION"


def main() -> None:
    """Print the list and the numbers."""
    files = sorted({*OUTSIDE.glob("*_rules.py"), *IN_TIME})
    listed = [(file, rule) for file in files for rule in rules(file)]
    for file, rule in listed:
        print(f"{file.stem:<30} {rule.name.removeprefix('test_')}\n{'':<30}   {cited(rule)}")
    second = sum(len(rules(file)) for file in SHARED)
    print(f"\n{len(listed)} rules in {len(files)} files; {second} of them are also asked of a second server.")


if __name__ == "__main__":
    main()
