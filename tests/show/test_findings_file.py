"""findings.json: the committed schema, closed lists, secrets out, nothing green that is broken."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import jsonschema
import pytest

from ops_lib.decide.findings import EXIT_CODES, Finding
from ops_lib.decide.fleet_findings import job_finding
from ops_lib.decide.stuck_job import judge
from ops_lib.decide.vocabulary import ACTIONS, FAILURE_MODES, SEVERITIES, VERDICTS
from ops_lib.parameters import SCHEMAS
from ops_lib.show import findings_file
from tests.recorded import UNREAD, captured_at, expected_verdicts, job_evidence

NOW = datetime(2026, 2, 20, 9, 15, tzinfo=UTC)
BAD = Finding("a", "critical", "said", "1. Dead letters", ("fact",), "step", "3_stuck_job", {"job_id": "x"})


def valid(content: object) -> None:
    jsonschema.Draft202012Validator.check_schema(findings_file.schema())
    jsonschema.validate(content, findings_file.schema())


def test_the_documents_of_all_recorded_jobs_fit_the_schema() -> None:
    for version, job_id, name in expected_verdicts():
        verdict = judge(job_evidence(version, job_id), captured_at(version))
        content = findings_file.document("e", NOW, [job_finding(job_id, verdict)], {}, verdict)
        valid(content)
        assert content["verdict"]["name"] == name


def test_the_schemas_lists_are_the_librarys_lists() -> None:
    properties = findings_file.schema()["properties"]
    verdict = properties["verdict"]["properties"]
    assert verdict["name"]["enum"] == list(VERDICTS)
    assert verdict["candidates"]["items"]["enum"] == list(VERDICTS)
    assert verdict["safe_actions"]["items"]["enum"] == list(ACTIONS)
    assert verdict["unsafe_actions"]["items"]["enum"] == list(ACTIONS)
    assert verdict["failure_modes"]["items"]["enum"] == list(FAILURE_MODES)
    finding = properties["findings"]["items"]["properties"]
    assert finding["severity"]["enum"] == list(SEVERITIES)
    assert set(finding["notebook"]["enum"]) == {*SCHEMAS, None}
    assert set(properties["status"]["enum"]) == set(EXIT_CODES) - {"note"}


@pytest.mark.parametrize(
    "broken",
    [
        {"status": "green"},
        {"generated_at": "yesterday"},
        {"findings": [{"id": "x"}]},
        {"verdict": {"name": "fine"}},
        {"colour": 1},
    ],
)
def test_the_schema_refuses_what_is_not_on_the_lists(broken: dict[str, object]) -> None:
    content = findings_file.document("e", NOW, [BAD], {})
    valid(content)
    with pytest.raises(jsonschema.ValidationError):
        valid(content | broken)


def test_unread_parts_keep_their_reason_and_next_step() -> None:
    content = findings_file.document("e", NOW, [], {"lock": UNREAD})
    valid(content)
    assert content["unread"] == [
        {
            "what": "lock",
            "source": UNREAD.source,
            "kind": "denied",
            "reason": "access denied",
            "next_step": "ask for it",
        }
    ]


def test_a_run_that_broke_off_is_never_green() -> None:
    content = findings_file.failure("e", NOW, "run-failed", "the kernel died", "run again")
    valid(content)
    assert content["status"] == "unknown"


def test_secrets_do_not_reach_the_file(tmp_path: Path) -> None:
    key = "ASIA" + "Q" * 16
    finding = Finding("a", "critical", f"key {key}", "s", (f"?X-Amz-Signature={'f' * 64}",), key, None, {"p": key})
    findings_file.write(findings_file.document("e", NOW, [finding], {}), tmp_path / "f.json")
    text = (tmp_path / "f.json").read_text(encoding="utf-8")
    assert key not in text
    assert "f" * 64 not in text


def test_the_same_content_gives_the_same_bytes(tmp_path: Path) -> None:
    for name in ("a", "b"):
        findings_file.write(findings_file.document("e", NOW, [BAD], {"x": UNREAD}), tmp_path / name)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()
    assert json.loads((tmp_path / "a").read_text())["generated_at"] == "2026-02-20T09:15:00+00:00"


def test_findings_come_worst_first_and_accepted_ones_last() -> None:
    from dataclasses import replace

    mild, fine = replace(BAD, id="b", severity="warning"), replace(BAD, id="c", severity="ok")
    lived_with = replace(BAD, id="d", accepted="known (until 2027-01-01)")
    content = findings_file.document("e", NOW, [fine, lived_with, mild, BAD], {})
    assert [finding["id"] for finding in content["findings"]] == ["a", "b", "c", "d"]
    assert content["status"] == "critical"
    assert findings_file.document("e", NOW, [fine, lived_with], {})["status"] == "ok"


def test_no_control_character_and_no_half_surrogate_reaches_the_file() -> None:
    hostile = replace(BAD, summary="a\x1b[31mb\x00", evidence=("input/\ud800.mp4\u202e",))
    text = json.dumps(findings_file.document("sandbox", NOW, [hostile], {}), ensure_ascii=False)
    assert text.encode()
    assert not any(c in text for c in "\x1b\x00\u202e")
