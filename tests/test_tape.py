"""Clients that are recorded, and clients that a bundle answers: the same evidence, findings and verdicts."""

from __future__ import annotations

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError
from botocore.httpsession import URLLib3Session

from ops_lib import bundle, tape
from ops_lib.aws import Aws, connect
from ops_lib.bundle_settings import about, parameters_of
from ops_lib.decide.pipeline import pipeline_findings
from ops_lib.decide.stuck_job import judge
from ops_lib.errors import BadBundle, ChangeRefused
from ops_lib.evidence import Read, Unread
from ops_lib.read.attempt import attempt
from ops_lib.read.past_reports import read_past_reports
from ops_lib.read.pipeline import PipelineReads
from ops_lib.settings import Settings, open_settings
from tests.faults import KINDS
from tests.recorded import recording

Rules = tuple[dict[str, str], Counter[str]]


@pytest.fixture
def recorded() -> Aws:
    """Fresh clients: what others have asked is not on their tape."""
    return connect(open_settings("recording-newest"))


@pytest.fixture
def offline(monkeypatch: pytest.MonkeyPatch) -> None:
    def send(*_: Any) -> None:
        raise AssertionError("a request left this process")

    monkeypatch.setattr(URLLib3Session, "send", send)


def kept(live: Aws, folder: Path, said: Any = None) -> Settings:
    """Write what `live` was answered, and open it."""
    first = about(live.settings, "0_triage", {}, live.identity.account_id, live.settings.now())
    bundle.write(folder / "b.jsonl", first, live.tape.calls, said)
    return open_settings(f"bundle:{folder / 'b.jsonl'}")


def judged(aws: Aws, jobs: list[str]) -> Any:
    """Return everything that is concluded: findings of the pipeline, verdicts of the jobs, what was not read."""
    reads = PipelineReads(aws, aws.settings.now())
    pipeline = reads.pipeline()
    evidence = reads.jobs(jobs)
    verdicts = {job_id: judge(one, reads.now) for job_id, one in evidence.items()}
    unread = {name: _untimed(part) for one in evidence.values() for name, part in one.unread().items()}
    return pipeline_findings(pipeline, 3600), verdicts, unread


def _untimed(part: Unread) -> tuple[str, str]:
    return part.kind, part.reason


def jobs_of(aws: Aws) -> list[str]:
    version = str(aws.settings.sandbox).removeprefix("recording-")
    return sorted(recording(version)["job_verdicts"])


def test_everything_is_judged_alike_without_aws(aws: Aws, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    recorded = connect(aws.settings)
    jobs = jobs_of(recorded)
    before = judged(recorded, jobs)
    settings = kept(recorded, tmp_path)
    request.getfixturevalue("offline")
    assert judged(connect(settings), jobs) == before


def test_a_report_store_in_s3_is_read_again_from_the_bundle(recorded: Aws, tmp_path: Path) -> None:
    there = replace(recorded.settings, report_store=f"s3://{recorded.settings.output_bucket}/none")
    live = connect(there)
    before = read_past_reports(live, "daily_health", there.now())
    settings = kept(live, tmp_path)
    assert settings.reports_in_s3 == there.reports_in_s3
    again = read_past_reports(connect(settings), "daily_health", there.now())
    assert isinstance(before, Read)
    assert isinstance(again, Read)
    assert again.value == before.value


@pytest.mark.parametrize("kind", KINDS)
def test_what_was_not_read_is_not_read_again_for_the_same_reason(
    recorded: Aws, tmp_path: Path, faults: Rules, kind: str
) -> None:
    faults[0].update({"dynamodb:Query": kind, "logs:StartQuery": kind, "ecs:ListTasks": kind})
    jobs = jobs_of(recorded)[:1]
    before = judged(recorded, jobs)
    faults[0].clear()
    sent = sum(faults[1].values())
    assert judged(connect(kept(recorded, tmp_path)), jobs) == before
    assert sum(faults[1].values()) == sent, "nothing is sent"


def test_a_bundle_is_an_environment_that_nobody_takes_for_the_present(tmp_path: Path) -> None:
    aws = connect(open_settings("recording-newest"))
    settings = kept(aws, tmp_path)
    assert settings.label is not None
    assert settings.label.startswith(f"BUNDLE of SANDBOX {aws.settings.sandbox}, ")
    assert settings.now() == aws.settings.now()
    assert settings.leads_to == aws.settings.name
    assert open_settings(settings.name).queues == aws.settings.queues


def test_what_was_not_asked_then_is_unread_now(recorded: Aws, tmp_path: Path) -> None:
    there = connect(kept(recorded, tmp_path))
    answer = attempt("sqs:GetQueueUrl", lambda: there.client("sqs").get_queue_url(QueueName="other"))
    assert isinstance(answer, Unread)
    assert (answer.kind, answer.next_step) == ("not-asked", "ask the live environment")


def test_a_bundle_opens_no_way_to_change_anything(recorded: Aws, tmp_path: Path) -> None:
    there = connect(kept(recorded, tmp_path))
    for client in (there.client("sqs"), there.once("sqs")):
        with pytest.raises(ChangeRefused):
            client.send_message(QueueUrl="https://q", MessageBody="x")


def test_the_same_question_twice_gets_both_answers_in_order_and_then_the_last(
    recorded: Aws, tmp_path: Path, faults: Rules
) -> None:
    url = recorded.settings.queues["chunking"]

    def ask(aws: Aws) -> Any:
        try:
            return aws.client("sqs").get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]
        except ClientError as error:
            return str(error)

    faults[0]["sqs:GetQueueAttributes"] = "denied"
    said = [ask(recorded)]
    faults[0].clear()
    said.append(ask(recorded))
    there = connect(kept(recorded, tmp_path))
    assert [ask(there) for _ in range(3)] == [said[0], said[1], said[1]]
    assert said[0] != said[1]


def test_a_streamed_answer_reaches_its_reader_and_the_bundle(recorded: Aws, tmp_path: Path) -> None:
    bucket = recorded.settings.output_bucket
    recorded = connect(replace(recorded.settings, keys=("sandbox", "sandbox")))  # the reader may read failures alone
    listed = recorded.client("s3").list_objects_v2(Bucket=bucket, Prefix="jobs/", MaxKeys=1)
    where = {"Bucket": bucket, "Key": listed["Contents"][0]["Key"], "Range": "bytes=0-9"}
    live = recorded.client("s3").get_object(**where)["Body"].read()
    again = connect(kept(recorded, tmp_path)).client("s3").get_object(**where)["Body"].read()
    assert len(live) == 10
    assert again == live


def test_questions_at_once_are_all_kept(recorded: Aws) -> None:
    client, url = recorded.client("sqs"), recorded.settings.queues["chunking"]
    before = len(recorded.tape)
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda _: client.get_queue_attributes(QueueUrl=url, AttributeNames=["All"]), range(40)))
    assert len(recorded.tape) == len(recorded.tape.calls) == before + 40


def test_each_call_says_when_and_which_request_it_was(recorded: Aws) -> None:
    calls = recorded.tape.calls
    assert [call.operation for call in calls][:1] == ["GetCallerIdentity"]
    assert all(call.request_id and call.status == 200 and call.at.tzinfo for call in calls)


def test_what_a_reader_does_with_an_answer_does_not_change_what_was_kept(recorded: Aws) -> None:
    url = recorded.settings.queues["chunking"]
    answer = recorded.client("sqs").get_queue_attributes(QueueUrl=url, AttributeNames=["All"])
    attributes = dict(answer.pop("Attributes"))
    assert recorded.tape.calls[-1].answer["Attributes"] == attributes


def test_too_much_to_keep_is_said(recorded: Aws, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tape, "MOST_BYTES", 0)
    recorded.client("sqs").get_queue_url(QueueName=recorded.settings.queues["chunking"].rpartition("/")[2])
    assert recorded.tape.lost == 1


def test_a_bundle_of_another_version_is_one_clear_line(recorded: Aws, tmp_path: Path) -> None:
    first = about(recorded.settings, "0_triage", {}, "1", recorded.settings.now())
    del first["settings"]["queues"]
    bundle.write(tmp_path / "b.jsonl", first, (), {})
    with pytest.raises(BadBundle, match="another version"):
        open_settings(f"bundle:{tmp_path / 'b.jsonl'}")


@pytest.mark.parametrize(
    "settings",
    [None, [], {"queues": 5}, {"queues": {"a": 5}}, {"region": {}}, {"thresholds": "{}x"}, {"accepted": [1]}],
    ids=str,
)
def test_settings_of_another_kind_are_one_clear_line(tmp_path: Path, settings: Any) -> None:
    live = open_settings("recording-newest")
    first = about(live, "0_triage", {}, "1", live.now())
    first["settings"] = first["settings"] | settings if isinstance(settings, dict) else settings
    bundle.write(tmp_path / "b.jsonl", first, (), {})
    with pytest.raises(BadBundle, match="another version"):
        open_settings(f"bundle:{tmp_path / 'b.jsonl'}")


@pytest.mark.parametrize("now", ["2026-11-26T03:00:00", "soon", None, 5])
def test_a_time_that_is_none_is_one_clear_line(tmp_path: Path, now: Any) -> None:
    live = open_settings("recording-newest")
    first = about(live, "0_triage", {}, "1", live.now()) | {"now": now}
    bundle.write(tmp_path / "b.jsonl", first, (), {})
    with pytest.raises(BadBundle, match="another version"):
        open_settings(f"bundle:{tmp_path / 'b.jsonl'}")


@pytest.mark.parametrize("given", [{}, None, [], "x", 5])
def test_parameters_of_a_bundle_are_its_own_notebooks_and_a_map(tmp_path: Path, given: Any) -> None:
    live = open_settings("recording-newest")
    first = about(live, "0_triage", {"judged_jobs": 3}, "1", live.now())
    bundle.write(tmp_path / "a.jsonl", first, (), {})
    settings = open_settings(f"bundle:{tmp_path / 'a.jsonl'}")
    assert parameters_of(settings, "0_triage") == {"judged_jobs": 3}
    assert parameters_of(settings, "daily_health") == parameters_of(live, "0_triage") == {}
    bundle.write(tmp_path / "b.jsonl", first | {"parameters": given}, (), {})
    assert parameters_of(open_settings(f"bundle:{tmp_path / 'b.jsonl'}"), "0_triage") == {}


def test_a_wrong_account_in_a_bundle_cannot_be(recorded: Aws, tmp_path: Path) -> None:
    settings = kept(recorded, tmp_path)
    assert connect(replace(settings, account_id=recorded.identity.account_id)).identity == recorded.identity
