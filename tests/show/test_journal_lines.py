"""`ops journal` as a person sees it: what is open first and red, who did what and why, whether the journal holds."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from unittest import mock

import pytest
from click.testing import CliRunner

from ops_lib.change import journal_entry
from ops_lib.change.journal import GENESIS, Journal, head_text, journal_at
from ops_lib.change.journal_entry import Draft
from ops_lib.cli import ops
from ops_lib.show.journal_lines import journal_lines
from tests import forked

AT = datetime(2026, 11, 7, 3, 12, 44, tzinfo=UTC)
PLAN = "20261107T031200Z-0123456789ab"
WHO = {"who": "arn:aws:sts::123456789012:assumed-role/stereo-spot-ops-responder/alice", "why": "the job hangs"}


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The journal of environment `prod`, whose .env does not exist: nothing is asked of AWS."""
    (tmp_path / "environments").mkdir()
    (tmp_path / "environments" / "prod.yaml").write_text("env_file: nowhere\nstate: ../state\n")
    monkeypatch.setenv("OPS_PARAMETERS", str(tmp_path))
    return (tmp_path / "environments" / "../state" / "journal.jsonl").absolute()


def repaired(place: Path) -> Journal:
    journal = journal_at(place)
    journal.append("plan", PLAN, None, WHO | {"words": "Trigger reassembly of one job"}, AT)
    journal.append("intent", PLAN, 0, WHO | {"before": "no lock", "after": "a lock and a message"}, AT)
    done = {"state": "done", "before": "no lock", "after": "a lock", "request_id": "r-1"}
    journal.append("outcome", PLAN, 0, WHO | done, AT + timedelta(seconds=2))
    return journal


def crashed(place: Path) -> Journal:
    journal = repaired(place)
    journal.append("intent", PLAN, 1, WHO | {"words": "SendMessage to reassembly"}, AT)
    return journal


def shown(*words: str, color: bool = False) -> tuple[str, Any]:
    done = CliRunner().invoke(ops, ["journal", "-e", "prod", *words], standalone_mode=False, color=color)
    if done.exception:
        raise done.exception
    return done.output, done.return_value


def test_each_entry_says_when_what_who_and_why(place: Path) -> None:
    journal = repaired(place)
    text, code = shown()
    assert code == 0
    lines = text.splitlines()
    assert lines[0] == f"plan     2026-11-07 03:12:44 UTC  #0  plan {PLAN}"
    assert f"who: {WHO['who']} | why: the job hangs | words: Trigger reassembly of one job" in lines[1]
    assert lines[4] == f"outcome  2026-11-07 03:12:46 UTC  #2  plan {PLAN}  step 0  done"
    assert lines[5].endswith("before: no lock | after: a lock | request_id: r-1")
    assert lines[-1] == f"HOLDS    {place}: 3 entries; head {head_text(journal.head())}"


def test_an_open_intent_comes_first_in_red_and_says_what_to_do(place: Path) -> None:
    crashed(place)
    text, code = shown(color=True)
    assert code == 1
    first, what, next_step = text.splitlines()[:3]
    assert first.startswith(f"\x1b[31mOPEN     2026-11-07 03:12:44 UTC  #3  plan {PLAN}  step 1")
    assert "its outcome was never written" in first
    assert "SendMessage to reassembly" in what
    assert "Next: look whether it was done; apply its plan again, it resumes" in next_step
    assert "OPEN" not in shown("--verify", "--last", "0")[0].partition("\n")[2]


def test_verify_lists_no_entries_but_what_is_open(place: Path) -> None:
    crashed(place)
    text, code = shown("--verify")
    assert code == 1
    assert [line.split()[0] for line in text.splitlines() if not line.startswith(" ")] == ["OPEN", "HOLDS"]


def test_the_last_few_and_how_many_are_not_shown(place: Path) -> None:
    repaired(place)
    text, _ = shown("--last", "1")
    assert "2 earlier entries are not shown" in text
    assert "#2" in text
    assert "#1" not in text


def test_a_broken_chain_is_critical_and_the_entries_before_it_are_shown(place: Path) -> None:
    crashed(place)
    place.write_bytes(place.read_bytes().replace(b"a lock and a message", b"a lock and a massage"))
    text, code = shown()
    assert code == 2
    assert "#0" in text
    assert "BROKEN" in text
    assert "the chain breaks at entry 1" in text
    assert "Next: change nothing, keep a copy as evidence" in text
    assert "HOLDS" not in text


def test_a_cut_tail_is_seen_against_a_head(place: Path) -> None:
    journal = repaired(place)
    head = head_text(journal.head())
    assert shown("--head", head)[1] == 0
    assert f"it contains the head {head}" in shown("--head", head)[0]
    place.write_bytes(b"".join(place.read_bytes().splitlines(keepends=True)[:-1]))
    assert shown()[1] == 1  # its intent is open again, but the chain holds
    text, code = shown("--verify", "--head", head)
    assert code == 2
    assert f"MISSING  it does not contain the head {head}: entries are missing at its end" in text
    place.unlink()
    assert shown("--head", head)[1] == 2


def test_an_older_head_is_still_contained(place: Path) -> None:
    journal = repaired(place)
    assert shown("--head", head_text((1, journal.entries()[0].hash)))[1] == 0
    assert shown("--head", f"0:{GENESIS}")[1] == 0
    assert shown("--head", head_text((2, journal.entries()[0].hash)))[1] == 2


def test_a_torn_line_is_said(place: Path) -> None:
    repaired(place)
    with place.open("ab") as file:
        file.write(b'{"at":"2026')
    text, code = shown()
    assert code == 0
    assert "TORN     the last line is half written (11 bytes)" in text
    journal_at(place).append("note", "", None, {}, AT)
    assert "TORN" not in shown()[0]
    assert "half written" in shown()[0]


def test_an_empty_journal_is_no_error(place: Path) -> None:
    text, code = shown()
    assert (text, code) == (f"EMPTY    {place}: nothing has been written\n", 0)


def test_what_aws_said_cannot_steer_the_terminal(place: Path) -> None:
    facts = {"words": "\x1b[2Jgone\r\nOPEN     forged", "x\n\x1b[1m": ["\u202e", {"a": "\x07"}]}
    journal_at(place).append("outcome", "p\x1b[0m", 0, facts | {"state": "done\x1b[32m"}, AT)
    text, _ = shown()
    assert len(text.splitlines()) == 3
    assert all(character.isprintable() or character == "\n" for character in text)


def test_a_secret_that_was_written_is_not_shown(place: Path) -> None:
    draft = Draft("note", "", None, {"words": "password=hunter2"}, AT)
    place.parent.mkdir()
    with mock.patch.object(journal_entry, "is_free_of_secrets", return_value=True):
        place.write_bytes(draft.written(0, GENESIS)[1] + b"\n")
    assert b"hunter2" in place.read_bytes()
    text, code = shown()
    assert code == 0
    assert "hunter2" not in text


def test_lines_and_code_without_a_command_line(place: Path) -> None:
    lines, code = journal_lines(crashed(place), None, 2)
    assert code == 1
    assert [severity for severity, _ in lines[:3]] == ["critical"] * 3
    assert lines[-1][0] == "ok"


@pytest.mark.parametrize(
    ("words", "code", "says"),
    [
        (["--head", "3"], 64, "N:HASH"),
        (["--last", "-1"], 64, "--last"),
        (["-e", "nowhere"], 64, "no nowhere.yaml"),
        (["-e", "bundle:incident.jsonl"], 64, "an evidence bundle holds no journal"),
        (["-e", "prod", "--verify"], 1, "OPEN"),
    ],
)
def test_the_real_command_ends_with_its_code(place: Path, words: list[str], code: int, says: str) -> None:
    crashed(place)
    done = forked.run("ops", ["journal", *words])
    assert done.returncode == code, done.stderr
    assert says in done.stdout + done.stderr
