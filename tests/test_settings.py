"""Settings from the .env as the pipeline's Terraform writes it, both versions."""

from pathlib import Path

import pytest

from ops_lib.errors import BadEnvFile, BadEnvironment
from ops_lib.settings import NEEDED, open_settings, read_env_file
from tests.recorded import VERSIONS, recording


def environment(folder: Path, env: str | None, extra: str = "") -> str:
    if env is not None:
        (folder / ".env").write_text(env, encoding="utf-8")
    path = folder / "prod.yaml"
    path.write_text(f"env_file: .env\n{extra}", encoding="utf-8")
    return str(path)


@pytest.mark.parametrize("version", VERSIONS)
def test_names_come_from_the_recorded_env(tmp_path: Path, version: str) -> None:
    settings = open_settings(environment(tmp_path, recording(version)["env_file"]))
    assert settings.region == "us-east-1"
    assert settings.prefix == settings.cluster == "stereo-spot"
    assert settings.endpoint_name == "stereo-spot-inference"
    assert settings.tables["jobs"] == "stereo-spot-jobs"
    assert settings.queues["video-worker"].endswith("/stereo-spot-video-worker")
    assert ("job-status-events" in settings.queues) == (version == "newest")
    assert ("segment-output" in settings.queues) == (version == "runbook")
    assert settings.label is None
    assert settings.frozen_now is None
    assert settings.now().tzinfo is not None


def test_a_queue_or_table_of_a_newer_pipeline_needs_no_code(tmp_path: Path) -> None:
    env = recording("newest")["env_file"] + "\nTHUMBNAIL_QUEUE_URL=https://x/1/thumbs\nTHUMBNAILS_TABLE_NAME=t\n"
    settings = open_settings(environment(tmp_path, env))
    assert settings.queues["thumbnail"] == "https://x/1/thumbs"
    assert settings.tables["thumbnails"] == "t"


def test_a_null_output_is_absent_or_empty(tmp_path: Path) -> None:
    env = recording("newest")["env_file"] + "\nINGEST_QUEUE_URL=\n"
    env = env.replace("SAGEMAKER_ENDPOINT_NAME=stereo-spot-inference", "SAGEMAKER_ENDPOINT_NAME=")
    settings = open_settings(environment(tmp_path, env))
    assert "ingest" not in settings.queues
    assert settings.endpoint_name is None


def test_values_are_taken_as_they_stand(tmp_path: Path) -> None:
    env = recording("runbook")["env_file"].replace("REGION=us-east-1", "REGION=us-east-1\nNAME_PREFIX=${HOME}")
    assert open_settings(environment(tmp_path, env)).prefix == "${HOME}"


@pytest.mark.parametrize(
    ("env", "says"),
    [
        (None, "no such file"),
        ("", "no KEY=value"),
        ("# nothing\n\n", "no KEY=value"),
        ("\x00\x01", "no KEY=value"),
        ("REGION=us-east-1", "lacks ECS_CLUSTER_NAME"),
        ("\n".join(f"{name}=x" for name in NEEDED), "lacks any .*_QUEUE_URL"),
    ],
)
def test_a_bad_env_is_one_clear_line(tmp_path: Path, env: str | None, says: str) -> None:
    with pytest.raises(BadEnvFile, match=says) as refused:
        open_settings(environment(tmp_path, env))
    said = str(refused.value)
    assert "terraform-output" in said
    assert "\n" not in said
    assert refused.value.exit_code == 64


def test_an_env_that_is_no_text_is_one_clear_line(tmp_path: Path) -> None:
    (tmp_path / ".env").write_bytes(b"\xff\xfe\x00R")
    with pytest.raises(BadEnvFile):
        read_env_file(tmp_path / ".env")


def test_two_regions_are_a_contradiction(tmp_path: Path) -> None:
    env = recording("runbook")["env_file"]
    with pytest.raises(BadEnvironment, match="REGION=us-east-1"):
        open_settings(environment(tmp_path, env, "region: eu-central-1\n"))
    assert open_settings(environment(tmp_path, env, "region: us-east-1\n")).region == "us-east-1"


def test_the_environment_is_the_argument_else_the_variable(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = environment(tmp_path, recording("runbook")["env_file"])
    monkeypatch.setenv("OPS_ENVIRONMENT", path)
    assert open_settings("").environment == "prod"
    assert open_settings(None).environment == "prod"
    monkeypatch.setenv("OPS_ENVIRONMENT", "nosuch")
    assert open_settings(path).environment == "prod"
    with pytest.raises(BadEnvironment):
        open_settings()


def test_the_name_that_opens_it_again_is_a_path_unless_the_name_finds_this_very_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = open_settings(environment(tmp_path, recording("runbook")["env_file"]))
    assert settings.name == str(tmp_path / "prod.yaml")
    monkeypatch.setenv("OPS_PARAMETERS", str(tmp_path / "named"))
    named = tmp_path / "named" / "environments"
    named.mkdir(parents=True)
    elsewhere = open_settings(environment(named, recording("runbook")["env_file"]))
    assert elsewhere.name == "prod"
    assert settings.name == str(tmp_path / "prod.yaml")
