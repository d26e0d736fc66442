"""Every shape of body in pipeline.md 3, and bodies nobody should have sent."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ops_lib.decide.bodies import Body, decode

JOB = "4f1ef31e-400e-41ce-a81a-edfb51e91cc7"


def s3(key: str, bucket: str = "stereo-spot-input-123456789012", **more: Any) -> str:
    return json.dumps({"Records": [{"s3": {"bucket": {"name": bucket}, "object": {"key": key}}, **more}]})


FULL = (
    '{"Records":[{"eventVersion":"2.1","eventSource":"aws:s3","awsRegion":"us-east-1",'
    '"eventTime":"2026-02-20T09:15:02.123Z","eventName":"ObjectCreated:Put","userIdentity":{"principalId":"AWS:AROA"},'
    '"requestParameters":{"sourceIPAddress":"10.0.1.5"},"responseElements":{"x-amz-request-id":"r","x-amz-id-2":"i"},'
    '"s3":{"s3SchemaVersion":"1.0","configurationId":"tf-s3-queue-1","bucket":{"name":"stereo-spot-input-1",'
    '"ownerIdentity":{"principalId":"A"},"arn":"arn:aws:s3:::stereo-spot-input-1"},"object":{"key":"segments/'
    f'{JOB}/00001_00003_anaglyph.mp4","size":52428800,"eTag":"e","sequencer":"0055AED6DCD90281E5"}}}}}}]}}'
)


@pytest.mark.parametrize(
    ("key", "kind", "job", "index"),
    [
        (f"input/{JOB}/source.mp4", "source event", JOB, None),
        (f"input%2F{JOB}%2Fsource.mp4", "source event", JOB, None),
        (f"segments/{JOB}/00001_00003_anaglyph.mp4", "segment event", JOB, 1),
        (f"segments%2F{JOB}%2F00012_00300_sbs.mp4", "segment event", JOB, 12),
        (f"jobs/{JOB}/segments/7.mp4", "output event", JOB, 7),
        (f"jobs/{JOB}/final.mp4", "film event", JOB, None),
        (f"jobs/{JOB}/.reassembly-done", "reassembly-done event", JOB, None),
        ("sagemaker-async-responses/abc.out", "inference result", None, None),
        ("sagemaker-async-failures/abc-error.out", "inference failure", None, None),
        (f"input/{JOB}/holiday+film.mp4", "other object event", None, None),
        (f"input/{JOB.upper()}/source.mp4", "other object event", None, None),
        (f"jobs/{JOB}/segments/07x.mp4", "other object event", None, None),
        (f"jobs/{JOB}/segments/{'9' * 30}.mp4", "other object event", None, None),
    ],
)
def test_an_s3_event_is_what_its_key_says(key: str, kind: str, job: str | None, index: int | None) -> None:
    body = decode(s3(key))
    assert (body.kind, body.job_id, body.segment_index) == (kind, job, index)


def test_the_whole_event_as_s3_writes_it() -> None:
    key = f"segments/{JOB}/00001_00003_anaglyph.mp4"
    assert decode(FULL) == Body("segment event", JOB, 1, "stereo-spot-input-1", key, segment_total=3)


def test_a_plus_is_a_space_as_the_pipeline_reads_it() -> None:
    assert decode(s3("input/a+b%2Bc.mp4")).key == "input/a b+c.mp4"


def test_the_pipeline_reads_the_first_record_alone_and_the_others_are_counted() -> None:
    content = json.loads(s3(f"jobs/{JOB}/segments/0.mp4"))
    content["Records"] += json.loads(s3(f"jobs/{JOB}/segments/1.mp4"))["Records"]
    body = decode(json.dumps(content))
    assert (body.segment_index, body.records) == (0, 2)


def test_the_notification_test_event() -> None:
    text = '{"Service":"Amazon S3","Event":"s3:TestEvent","Time":"t","Bucket":"stereo-spot-input-1","RequestId":"r"}'
    assert decode(text) == Body("test event", bucket="stereo-spot-input-1")


def test_messages_of_reassembly_deletion_and_ingest() -> None:
    assert decode(f'{{"job_id":"{JOB}"}}') == Body("job message", JOB)
    assert decode(f'{{"job_id":"{JOB}","extra":1}}') == Body("job message", JOB)
    text = f'{{"source_type":"youtube","job_id":"{JOB}","source_url":"https://youtu.be/x"}}'
    assert decode(text) == Body("ingest message", JOB, source_url="https://youtu.be/x")


@pytest.mark.parametrize("wrapped", [False, True])
def test_records_of_the_stream(wrapped: bool) -> None:
    record = {"eventName": "MODIFY", "dynamodb": {"Keys": {"job_id": {"S": JOB}}, "OldImage": {}}}
    text = json.dumps({"Records": [record, record]} if wrapped else record)
    assert decode(text) == Body("job record", JOB, records=2 if wrapped else 1)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "no JSON"),
        ("not json", "no JSON"),
        ("[" * 100_000, "no JSON"),
        ('{"a":' * 50_000, "no JSON"),
        ('{"number": ' + "9" * 5000 + "}", "no JSON"),
        ("[]", "no object"),
        ("null", "no object"),
        ('"text"', "no object"),
        ("{}", "neither"),
        ('{"Records": []}', "no record"),
        ('{"Records": {}}', "no record"),
        ('{"Records": [7]}', "no record"),
        ('{"Records": [{}]}', "no bucket and key"),
        ('{"Records": [{"s3": {"bucket": {"name": "b"}, "object": {"key": 7}}}]}', "no bucket and key"),
        ('{"Records": [{"s3": {"bucket": "b", "object": "k"}}]}', "no bucket and key"),
        ('{"job_id": 7}', "neither"),
        ('{"job_id": "../../etc"}', "neither"),
        ('{"dynamodb": {"Keys": {}}}', "name no job"),
        ('{"dynamodb": 7}', "name no job"),
    ],
)
def test_what_the_pipeline_could_not_read_is_malformed_and_says_why(text: str, why: str) -> None:
    body = decode(text)
    assert body.kind == "malformed"
    assert why in (body.why or "")
    assert body.job_id is None


def test_broken_escapes_and_markup_are_read_as_they_are() -> None:
    assert decode(s3("input/\\ud800<script>alert(1)</script>")).kind == "other object event"
    assert decode('{"job_id": "\\ud800"}').kind == "malformed"


NAMES = st.sampled_from(
    ["Records", "s3", "bucket", "object", "key", "name", "job_id", "Event", "dynamodb", "Keys", "S"]
)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text() | NAMES, inner, max_size=4),
    max_leaves=12,
)


@given(JSON | st.text().map(str))
def test_nothing_that_can_be_sent_breaks_it(content: Any) -> None:
    body = decode(content if isinstance(content, str) else json.dumps(content))
    assert body.kind
    assert (body.why is not None) == (body.kind == "malformed")


@pytest.mark.parametrize(
    "key",
    [
        f"jobs/{JOB}/segments/001.mp4",
        f"jobs/{JOB}/segments/\N{ARABIC-INDIC DIGIT ONE}.mp4",
        f"segments/{JOB}/0000\N{ARABIC-INDIC DIGIT ONE}_00003_sbs.mp4",
    ],
)
def test_a_number_that_no_version_writes_is_no_index(key: str) -> None:
    assert decode(s3(key)).kind == "other object event"
