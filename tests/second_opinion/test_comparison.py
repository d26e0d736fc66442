"""Two opinions compared: every difference needs a name, every name a difference."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.sandbox.rules import SHARED, Outcomes, names, run
from tests.second_opinion.comparison import CANNOT, DIFFERS, Known, Name, Row, compare, read, table

RULE = ("shared_x_rules", "test_rule")
KEPT: Outcomes = {RULE: []}
FAILED: Outcomes = {RULE: ["rule.py:1: in test_rule\nE   Failed: DID NOT RAISE ClientError\nE   more"]}
NAMED = {RULE: Known(DIFFERS, "DID NOT RAISE", "AWS: Document: so it is")}
KNOWN = Path(__file__).parent / "known_differences.toml"


def one(sandbox: Outcomes, second: Outcomes, known: dict[Name, Known] | None = None) -> Row:
    (row,) = compare([RULE], sandbox, second, known or {})
    return row


def test_a_rule_that_both_keep() -> None:
    assert one(KEPT, KEPT) == Row(RULE, "agrees", "agrees")


def test_a_difference_that_is_not_named_is_wrong() -> None:
    row = one(KEPT, FAILED)
    assert (row.sandbox, row.second) == ("agrees", "BREAKS IT")
    assert row.complaint == "not named: Failed: DID NOT RAISE ClientError"


@pytest.mark.parametrize("kind", [DIFFERS, CANNOT])
def test_a_difference_that_is_named_is_none(kind: str) -> None:
    known = {RULE: Known(kind, "DID NOT RAISE", "AWS: Document: so it is")}
    assert one(KEPT, FAILED, known) == Row(RULE, "agrees", kind, "AWS: Document: so it is")


@pytest.mark.parametrize("kind", [DIFFERS, CANNOT])
def test_a_name_without_a_difference_is_wrong(kind: str) -> None:
    row = one(KEPT, KEPT, {RULE: Known(kind, "DID NOT RAISE", "AWS: x")})
    assert row.complaint == "no longer differs: take it off the list"


def test_a_failure_that_is_another_than_the_one_named_is_wrong() -> None:
    row = one(KEPT, {RULE: [*FAILED[RULE], "E   EndpointConnectionError: Could not connect"]}, NAMED)
    assert row.complaint == "another failure than the one named: EndpointConnectionError: Could not connect"


@pytest.mark.parametrize("second", [KEPT, FAILED])
@pytest.mark.parametrize("known", [{}, NAMED])
def test_a_rule_that_the_sandbox_breaks_is_wrong_whatever_the_other_says(
    second: Outcomes, known: dict[Name, Known]
) -> None:
    row = one(FAILED, second, known)
    assert row.sandbox == "BREAKS IT"
    assert row.complaint == "Failed: DID NOT RAISE ClientError"


@pytest.mark.parametrize("known", [{}, NAMED])
@pytest.mark.parametrize(("sandbox", "second"), [({}, KEPT), (KEPT, {}), ({}, {})])
def test_a_rule_that_did_not_run_is_wrong(sandbox: Outcomes, second: Outcomes, known: dict[Name, Known]) -> None:
    row = one(sandbox, second, known)
    assert "DID NOT RUN" in (row.sandbox, row.second)
    assert row.complaint


def test_a_name_of_no_rule_is_wrong() -> None:
    rows = compare([RULE], KEPT, KEPT, {("shared_x_rules", "test_gone"): NAMED[RULE]})
    assert [(row.name[1], bool(row.complaint)) for row in rows] == [("test_rule", False), ("test_gone", True)]


def test_the_table_has_a_line_for_each_rule_its_reason_and_its_complaint() -> None:
    rows = [Row(RULE, "agrees", "differs", "AWS: x"), Row(RULE, "agrees", "BREAKS IT", complaint="not named: y")]
    first, reason, second, complaint = table(rows)
    assert [first.split(), second.split()[-2:]] == [["x:", "rule", "agrees", "differs"], ["BREAKS", "IT"]]
    assert (reason.strip(), complaint.strip()) == ("AWS: x", "!! not named: y")


def test_each_difference_on_the_list_is_of_a_rule_that_there_is() -> None:
    known = read(KNOWN)
    assert known
    assert set(known) <= set(names(SHARED))


@pytest.mark.parametrize(
    "entry",
    [
        'kind = "differs"\nsays = "x"',
        'kind = "differs"\nsays = ""\nbecause = "AWS: x"',
        'kind = "differs"\nsays = "x"\nbecause = "it is so"',
        'kind = "right"\nsays = "x"\nbecause = "AWS: x"',
        'kind = "differs"\nsays = "x"\nbecause = "AWS: x"\nuntil = "tomorrow"',
    ],
)
def test_an_entry_that_is_none(entry: str, tmp_path: Path) -> None:
    file = tmp_path / "known.toml"
    file.write_text(f"[shared_x_rules.test_rule]\n{entry}\n", encoding="utf-8")
    with pytest.raises(ValueError, match=r"shared_x_rules\.test_rule"):
        read(file)


def test_the_failures_of_a_rules_parameters_are_its_own(tmp_path: Path) -> None:
    """The outcomes compared are pytest's, of rules that fail, pass, and cannot even begin."""
    file = tmp_path / "shared_x_rules.py"
    file.write_text(
        "import pytest\n"
        "@pytest.fixture\ndef broken():\n    raise KeyError('cannot begin')\n"
        "@pytest.mark.parametrize('n', [0, 1, 2])\ndef test_some(n):\n    assert n\n"
        "def test_kept():\n    pass\n"
        "def test_none(broken):\n    pass\n",
        encoding="utf-8",
    )
    found = {rule: failures for (_, rule), failures in run([file], {}, tmp_path).items()}
    assert {rule: len(failures) for rule, failures in found.items()} == {"test_some": 1, "test_kept": 0, "test_none": 1}
    row = one(KEPT, {RULE: found["test_none"]})
    assert row.complaint == "not named: KeyError: 'cannot begin'"
