"""The only client factory: the account before any data, guarded clients, and answers that AWS never gave refused."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from pathlib import Path
from threading import Event
from typing import Any

import pytest
from botocore.exceptions import ClientError
from botocore.httpsession import URLLib3Session
from botocore.parsers import ResponseParserError

from ops_lib import aws as aws_module
from ops_lib.aws import Aws, connect
from ops_lib.errors import ChangeRefused, NotReadable, WrongAccount
from ops_lib.settings import Settings, open_settings
from tests.recorded import recording

Rules = tuple[dict[str, str], Counter[str]]


def production(folder: Path, text: str = "") -> Settings:
    (folder / ".env").write_text(recording("runbook")["env_file"], encoding="utf-8")
    (folder / "prod.yaml").write_text(f"env_file: .env\n{text}", encoding="utf-8")
    return open_settings(str(folder / "prod.yaml"))


def test_nothing_but_sts_is_asked_before_the_account_is_right(aws: Aws, faults: Rules) -> None:
    with pytest.raises(WrongAccount) as refused:
        connect(replace(aws.settings, account_id="999999999999"))
    assert dict(faults[1]) == {"sts:GetCallerIdentity": 1}
    assert "no data was read" in str(refused.value)
    assert refused.value.exit_code == 64


@pytest.mark.parametrize("kind", ["denied", "timeout", "garbage", "empty", "html"])
def test_sts_that_does_not_answer_is_one_clear_line(aws: Aws, faults: Rules, kind: str) -> None:
    faults[0]["sts:GetCallerIdentity"] = kind
    with pytest.raises(NotReadable) as refused:
        connect(aws.settings)
    assert "no data was read" in str(refused.value)
    assert "\n" not in str(refused.value)
    assert refused.value.exit_code == 3


def test_an_unknown_profile_and_no_credential(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    with pytest.raises(NotReadable, match="profile nobody"):
        connect(production(tmp_path, "profile: nobody\n"))
    with pytest.raises(NotReadable, match="credential"):
        connect(production(tmp_path))
    with pytest.raises(NotReadable):
        connect(production(tmp_path, "reader_role_arn: arn:aws:iam::123456789012:role/reader\n"))


def test_a_sandbox_asks_only_itself_whatever_the_operator_has_set(aws: Aws, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_PROFILE", "production")
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "REAL")
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    fresh = connect(open_settings(aws.settings.environment))
    client = fresh.client("sqs")
    assert client.meta.endpoint_url == aws.settings.endpoint_url
    assert client._request_signer._credentials.access_key == "sandbox-reader"  # type: ignore[attr-defined]
    assert client.get_queue_url(QueueName="stereo-spot-chunking")["QueueUrl"]


def test_elsewhere_boto3s_own_variables_are_honoured(aws: Aws, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert aws.settings.endpoint_url
    monkeypatch.setenv("AWS_ENDPOINT_URL", aws.settings.endpoint_url)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "sandbox")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "sandbox")
    own = connect(production(tmp_path, 'account_id: "123456789012"\n'))
    assert own.client("sqs").meta.endpoint_url == aws.settings.endpoint_url
    assert own.identity.account_id == "123456789012"


def test_a_reader_role_is_assumed(aws: Aws, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, faults: Rules) -> None:
    assert aws.settings.endpoint_url
    monkeypatch.setenv("AWS_ENDPOINT_URL", aws.settings.endpoint_url)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "sandbox")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "sandbox")
    role = "arn:aws:iam::123456789012:role/stereo-spot-ops-reader"
    own = connect(production(tmp_path, f"reader_role_arn: {role}\n"))
    assert sum("AssumeRole" in operation for operation in faults[1]) == 1
    assert own.client("sqs")._request_signer._credentials.access_key != "sandbox"  # type: ignore[attr-defined]
    assert "reader" in own.identity.arn


def test_clients_are_made_while_sts_is_waited_for(aws: Aws, monkeypatch: pytest.MonkeyPatch) -> None:
    made, all_made, make, send = set(), Event(), aws_module._client, URLLib3Session.send

    def noted(session: Any, service: str, *rest: Any) -> Any:
        client = make(session, service, *rest)
        made.add(service)
        if made >= {*aws_module.AHEAD}:
            all_made.set()
        return client

    def held_back(self: Any, request: Any) -> Any:
        assert all_made.wait(30), made
        return send(self, request)

    monkeypatch.setattr(aws_module, "_client", noted)
    monkeypatch.setattr(URLLib3Session, "send", held_back)
    assert connect(aws.settings).identity == aws.identity


def test_every_client_is_guarded_made_once_and_tries_three_times(aws: Aws) -> None:
    assert aws.client("sqs") is aws.client("sqs")
    assert aws.client("sqs").meta.config.retries["total_max_attempts"] == 3  # type: ignore[index]
    with pytest.raises(ChangeRefused):
        aws.client("sqs").purge_queue(QueueUrl="https://x/1/q")
    with pytest.raises(ChangeRefused):
        aws.client("sqs").receive_message(QueueUrl="https://x/1/q")


@pytest.mark.parametrize("kind", ["garbage", "html"])
@pytest.mark.parametrize("call", ["get_item", "describe_table"])
def test_what_aws_never_said_is_no_empty_answer(aws: Aws, faults: Rules, kind: str, call: str) -> None:
    faults[0].update({"dynamodb:GetItem": kind, "dynamodb:DescribeTable": kind})
    arguments = {"TableName": "t"} | ({"Key": {"job_id": {"S": "x"}}} if call == "get_item" else {})
    with pytest.raises((ResponseParserError, UnicodeDecodeError)):
        getattr(aws.client("dynamodb"), call)(**arguments)


def test_what_aws_never_said_is_refused_and_not_kept_where_answers_are_no_evidence(aws: Aws, faults: Rules) -> None:
    untaped = connect(aws.settings, taped=False)
    ask = {"QueueUrl": aws.settings.queues["chunking"], "AttributeNames": ["All"]}
    assert untaped.once("sqs").get_queue_attributes(**ask)["Attributes"]
    faults[0]["sqs:GetQueueAttributes"] = "html"
    with pytest.raises(ResponseParserError):
        untaped.once("sqs").get_queue_attributes(**ask)
    assert len(untaped.tape) == 0


def test_an_error_of_awss_own_stays_that_error(aws: Aws) -> None:
    with pytest.raises(ClientError, match="ResourceNotFoundException"):
        aws.client("dynamodb").get_item(TableName="stereo-spot-nowhere", Key={"job_id": {"S": "x"}})


def test_the_account_a_sandboxs_file_expects_is_checked_like_any_other(aws: Aws, tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text(f'sandbox: {aws.settings.sandbox}\naccount_id: "999999999999"\n', encoding="utf-8")
    with pytest.raises(WrongAccount, match="999999999999"):
        connect(open_settings(str(path)))
