"""The environment file: found by name or path, every key checked, each fault one clear line."""

from datetime import date
from pathlib import Path

import pytest

from ops_lib.environment import environment_names, find_environment, load_environment
from ops_lib.errors import BadEnvironment


def write(folder: Path, name: str, text: str) -> Path:
    path = folder / "environments" / f"{name}.yaml"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


def test_a_name_is_sought_in_the_variable_then_here_then_in_the_checkout(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    named, here = tmp_path / "named", tmp_path / "here" / "parameters"
    first, second = write(named, "prod", "env_file: a"), write(here, "prod", "env_file: b")
    write(here, "only-here", "env_file: c")
    monkeypatch.chdir(tmp_path / "here")
    monkeypatch.setenv("OPS_PARAMETERS", str(named))
    assert find_environment("prod") == first
    monkeypatch.delenv("OPS_PARAMETERS")
    assert find_environment("prod") == second
    assert find_environment("sandbox").name == "sandbox.yaml"
    assert {"prod", "only-here", "sandbox"} <= set(environment_names())


def test_a_path_may_lie_anywhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write(tmp_path, "mine", "env_file: .env")
    assert find_environment(str(path)) == path
    monkeypatch.chdir(path.parent)
    assert find_environment("mine.yaml") == path


@pytest.mark.parametrize("name", ["nosuch", "../../etc/passwd", "a/b", "a b", "", "x\ny", "-e", "nosuch.yaml", "*"])
def test_a_name_that_is_none_is_one_clear_line(name: str) -> None:
    with pytest.raises(BadEnvironment) as refused:
        find_environment(name)
    said = str(refused.value)
    assert "\n" not in said
    assert "Next:" in said
    assert refused.value.exit_code == 64


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "empty"),
        ("[1, 2]", "dictionary"),
        ("env_file: [", "not readable as YAML"),
        ("[" * 20_000, "not readable as YAML"),
        ("accepted: [{id: a, reason: b, until: 2026-02-30}]", "not readable as YAML"),
        ("thresholds: {oldest_age_s: " + "9" * 5000 + "}", "not readable as YAML"),
        ("env_file: a\ncolour: red", "colour.*no such key"),
        ("account_id: 123456789012", "account_id.*leading zero"),
        ('account_id: "12345"', "account_id"),
        ("account_id: 012345670001", "account_id.*leading zero"),
        ("region: moon", "region"),
        ("endpoint_url: ftp://x", "endpoint_url"),
        ("reader_role_arn: reader", "reader_role_arn"),
        ("sandbox: production", "sandbox"),
        ("thresholds: {oldest_age_s: -1}", "thresholds.oldest_age_s"),
        ("thresholds: {oldest_age: 5}", "thresholds.oldest_age.*no such key"),
        ("thresholds: {oldest_age_s: '5'}", "thresholds.oldest_age_s"),
        ("accepted: [{id: a, reason: b}]", "accepted.0.until"),
        ("accepted: [{id: a, reason: b, until: soon}]", "accepted.0.until"),
        ("accepted: [{id: '', reason: b, until: 2026-01-01}]", "accepted.0.id"),
        ("declared: {queue: {}}", "declared.queue.*no such key"),
        ("declared: {queues: {chunking: {visibility: 900}}}", "declared.queues.chunking.visibility.*no such key"),
        ("declared: {queues: {chunking: {visibility_timeout_s: 43201}}}", "declared.queues.chunking"),
        ("declared: {services: {media-worker: {max_capacity: ten}}}", "declared.services.media-worker.max_capacity"),
    ],
)
def test_each_fault_names_the_key_and_the_rule(tmp_path: Path, text: str, says: str) -> None:
    with pytest.raises(BadEnvironment, match=says) as refused:
        load_environment(write(tmp_path, "bad", text))
    assert "\n" not in str(refused.value)


def test_every_key_of_the_example_is_understood() -> None:
    example = load_environment(find_environment("example"))
    assert example.account_id == "123456789012"
    assert example.accepted[0].until == date(2027, 1, 31)
    assert example.thresholds.history_days == 7
    assert example.declared.values[("queue", "reassembly", "visibility_timeout_s")] == 3600
    assert example.declared.values[("service", "video-worker", "max_capacity")] == 8
    assert len(example.declared.values) == 6


def test_nothing_is_declared_unless_it_is_said(tmp_path: Path) -> None:
    assert load_environment(write(tmp_path, "prod", "env_file: a")).declared.values == {}


def test_paths_are_relative_to_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir("/")
    path = write(tmp_path, "prod", "env_file: ../x/.env\nstate: ../state")
    declared = load_environment(path)
    assert declared.env_path(path).resolve() == (tmp_path / "x" / ".env").resolve()
    assert declared.state_folder(path).resolve() == (tmp_path / "state").resolve()


def test_the_state_is_under_the_users_state_folder_unless_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write(tmp_path, "prod", "env_file: .env")
    monkeypatch.delenv("OPS_STATE", raising=False)
    assert load_environment(path).state_folder(path) == Path.home() / ".local/state/ops/prod"
    monkeypatch.setenv("OPS_STATE", str(tmp_path))
    assert load_environment(path).state_folder(path) == tmp_path / "prod"


@pytest.mark.parametrize(
    ("state", "journal", "folder"),
    [
        ("", "{root}/prod/journal.jsonl", "{root}/prod"),
        ("state: /srv/ops", "/srv/ops/journal.jsonl", "/srv/ops"),
        ("state: s3://ops-bucket/prod", "s3://ops-bucket/prod/journal", "{root}/prod"),
        ("state: s3://ops-bucket/prod/", "s3://ops-bucket/prod/journal", "{root}/prod"),
    ],
)
def test_the_journal_lies_in_the_state_folder_or_in_s3(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, state: str, journal: str, folder: str
) -> None:
    monkeypatch.setenv("OPS_STATE", str(tmp_path / "root"))
    path = write(tmp_path, "prod", f"env_file: .env\n{state}")
    declared = load_environment(path)
    assert declared.journal_place(path) == journal.format(root=tmp_path / "root")
    assert str(declared.state_folder(path)) == folder.format(root=tmp_path / "root")
