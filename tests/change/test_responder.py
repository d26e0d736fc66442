"""Under whose credential `ops apply` writes where there is no sandbox's own file: the role, else the ambient one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from ops_lib.change.journal import journal_at
from ops_lib.settings import open_settings
from tests.change import plans
from tests.change.stage import Ran, Stage

ROLE = "arn:aws:iam::123456789012:role/stereo-spot-ops-responder"
READER_ROLE = "arn:aws:iam::123456789012:role/stereo-spot-ops-reader"
KEYS = {"AWS_ACCESS_KEY_ID": "sandbox", "AWS_SECRET_ACCESS_KEY": "sandbox", "AWS_DEFAULT_REGION": "us-east-1"}
Apply = Callable[..., tuple[Ran, str]]


@pytest.fixture
def apply_in(at: Stage, job: str, tmp_path: Path) -> Apply:
    """Apply a trigger in an environment that is no sandbox (an endpoint, keys); returns the run and who it was."""

    def run(variables: dict[str, str], **keys: Any) -> tuple[Ran, str]:
        yaml = tmp_path / "real.yaml"
        usual = {
            "env_file": at.root / "sandbox-apply" / "sandbox" / ".env",
            "account_id": '"123456789012"',
            "state": tmp_path / "state",
        }
        yaml.write_text("".join(f"{name}: {value}\n" for name, value in {**usual, **keys}.items() if value))
        plan = replace(plans.trigger(at.settings, job), environment="real")
        reached = variables | {"AWS_ENDPOINT_URL": at.sandbox.state["endpoint_url"]}
        ran = at.apply(plan, "-e", str(yaml), variables=reached)
        if not ran.events:
            return ran, ""
        s3 = at.sandbox.client("s3")
        entries = journal_at(open_settings(str(yaml)).journal, s3=s3).entries()
        return ran, str(entries[0].facts["who"])

    return run


def test_the_role_is_assumed_from_the_operators_own(apply_in: Apply) -> None:
    ran, who = apply_in(KEYS, responder_role_arn=ROLE)
    assert ran.exit == 0, ran.stderr
    assert who == "arn:aws:sts::123456789012:assumed-role/stereo-spot-ops-responder/stereo-spot-ops"


def test_the_readers_role_is_not_taken(apply_in: Apply) -> None:
    ran, who = apply_in(KEYS, responder_role_arn=ROLE, reader_role_arn=READER_ROLE)
    assert ran.exit == 0, ran.stderr
    assert "stereo-spot-ops-responder" in who


def test_without_a_role_the_ambient_credential_and_not_the_yamls_profile(apply_in: Apply, tmp_path: Path) -> None:
    config = tmp_path / "config"
    config.write_text("[profile reads]\naws_access_key_id = sandbox-reader\naws_secret_access_key = sandbox-reader\n")
    ran, who = apply_in(KEYS | {"AWS_CONFIG_FILE": str(config)}, profile="reads")
    assert ran.exit == 0, ran.stderr
    assert who == "arn:aws:iam::123456789012:user/sandbox"


def test_a_reader_may_not_step_up(apply_in: Apply) -> None:
    reader = {"AWS_ACCESS_KEY_ID": "sandbox-reader", "AWS_SECRET_ACCESS_KEY": "sandbox-reader"}
    ran, _ = apply_in(KEYS | reader, responder_role_arn=ROLE)
    assert (ran.exit, ran.stdout) == (3, "")
    assert ran.stderr.startswith("NotReadable: environment real: STS did not say")
    assert "AccessDenied" in ran.stderr


def test_a_responder_of_another_account_is_refused(at: Stage, job: str, apply_in: Apply) -> None:
    """The YAML expects nobody in particular; the plan does, and STS is asked."""
    ran, _ = apply_in(KEYS, account_id='"210987654321"')
    assert (ran.exit, ran.stdout) == (64, "")
    assert ran.stderr.startswith("WrongAccount: account of the environment: got '210987654321'")
    plan = replace(plans.trigger(at.settings, job), account_id="210987654321")
    assert at.apply(plan).exit == 64


def test_no_account_in_the_yaml_and_the_plan_of_another(at: Stage, job: str, tmp_path: Path) -> None:
    yaml = tmp_path / "anybody.yaml"
    env_file = at.root / "sandbox-apply" / "sandbox" / ".env"
    yaml.write_text(f"env_file: {env_file}\nendpoint_url: {at.sandbox.state['endpoint_url']}\n")
    other = replace(plans.trigger(at.settings, job), environment="anybody", account_id="210987654321")
    ran = at.apply(other, "-e", str(yaml), variables=KEYS)
    assert (ran.exit, ran.stdout) == (64, "")
    said = "WrongAccount: account of the responder's credential: got '123456789012'; the plan was made for 210987654321"
    assert ran.stderr.startswith(said)
    assert at.seen == ["sts:GetCallerIdentity"]


def test_a_journal_in_s3_is_written_through_the_door(at: Stage, apply_in: Apply) -> None:
    ran, who = apply_in(KEYS, state="s3://stereo-spot-output-123456789012/ops")
    assert ran.exit == 0, ran.stderr
    assert who == "arn:aws:iam::123456789012:user/sandbox"
    assert ran.outcome["journal"]["entries"] == 6
    assert at.seen.count("s3:PUT") == 6
