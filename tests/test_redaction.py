"""Data for a file keeps its shape and loses its secrets; JSON can always hold what comes out."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from urllib.parse import quote, unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ops_lib import redaction
from ops_lib.redaction import REMOVED, redact, redacted

KEY = "AKIA" + "IOSFODNN7EXAMPLE"
anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary() | st.datetimes() | st.decimals(),
    lambda inner: st.lists(inner) | st.tuples(inner) | st.dictionaries(st.text() | st.integers(), inner),
    max_leaves=10,
)


@given(anything)
def test_json_holds_whatever_comes_out(value: Any) -> None:
    out = redacted(value)
    assert json.loads(json.dumps(out, allow_nan=False)) == out
    assert redacted(out) == out


def test_data_keeps_its_shape() -> None:
    value = {"a": [1, 2.5, None, True], "b": {"c": "text"}}
    assert redacted(value) == value
    assert redacted((1, (2,))) == [1, [2]]


@pytest.mark.parametrize("value", [Decimal("1.5"), datetime(2026, 11, 7, tzinfo=UTC), float("inf"), b"x"])
def test_what_json_does_not_know_becomes_text(value: Any) -> None:
    assert redacted(value) == str(value)


@pytest.mark.parametrize("where", [KEY, [KEY], {"x": KEY}, {KEY: 1}, ({"x": [f"key {KEY}"]},)])
def test_a_secret_is_found_at_any_depth(where: Any) -> None:
    out = json.dumps(redacted(where))
    assert KEY not in out
    assert REMOVED in out


@pytest.mark.parametrize(
    "name", ["SecretAccessKey", "aws_secret_access_key", "SessionToken", "Password", "db_password"]
)
@pytest.mark.parametrize("value", ["hunter2", ["hunter2"], {"S": "hunter2"}])
def test_what_stands_under_a_secrets_name_is_removed(name: str, value: Any) -> None:
    assert redacted({name: value, "user": "alice"}) == {name: REMOVED, "user": "alice"}
    assert redacted({name: None}) == {name: None}


@pytest.mark.parametrize(("name", "value"), [("name", "value"), ("Name", "Value"), ("Key", "Value")])
def test_a_pair_of_name_and_value_is_one_with_its_name(name: str, value: str) -> None:
    """As ECS has a container's variables, and AWS its tags."""
    assert redacted([{name: "DB_PASSWORD", value: "hunter2"}]) == [{name: "DB_PASSWORD", value: REMOVED}]
    assert redacted({name: "HF_TOKEN_ARN", value: "arn:aws:x"}) == {name: "HF_TOKEN_ARN", value: "arn:aws:x"}


@pytest.mark.parametrize(
    "inside",
    [
        f"k {KEY} e",
        "Cookie: a=b; c",
        "-----BEGIN PRIVATE KEY-----\nMIIE",
        "x%22%20password%3Dhunter2",
        {"x": {"password": 1}},
    ],
)
def test_a_text_that_is_json_is_json_still(inside: Any) -> None:
    """A notebook that runs from a bundle reads the same body."""
    body = json.dumps({"job_id": "j", "note": inside, "more": json.dumps([inside, "last"])})
    out = redacted({"Body": body})["Body"]
    assert json.loads(out)["job_id"] == "j"
    assert json.loads(json.loads(out)["more"])[-1] == "last"
    assert REMOVED in out
    assert redacted(out) == out
    assert redacted(json.dumps({"job_id": "j"})) == '{"job_id": "j"}', "what holds none is as it was, byte for byte"


@pytest.mark.parametrize("name", ["HF_TOKEN_SECRET_ARN", "VAPID_SECRET_ARN", "NextToken", "nextToken", "ReceiptHandle"])
def test_what_only_sounds_like_a_secret_stays(name: str) -> None:
    assert redacted({name: "x"}) == {name: "x"}


def test_a_secret_in_a_url_is_found_however_often_it_is_encoded() -> None:
    text = f"k=1&key={KEY}"
    for _ in range(3):
        text = quote(text, safe="")
        assert KEY not in redact(text)
        assert unquote(redact(text)).count(REMOVED) == 1
    assert redact("jobs%2Fx%2F00001.mp4") == "jobs%2Fx%2F00001.mp4", "what hides nothing stays as it was"
    assert redact(f"%1b[31m{KEY}%1b[0m").isprintable()


def test_the_same_patterns_serve_what_people_see() -> None:
    from ops_lib.show import redact as shown

    assert shown.redact is redact
    assert shown.REMOVED is REMOVED


PIECES = (
    *(
        KEY,
        "X-Amz-Signature=",
        "&sig=",
        "?Token=",
        "Credential=",
        "AUTHORIZATION: ",
        "Basic ",
        "Set-Cookie: ",
        "SAPISID=",
    ),
    *("__Secure-3PSID=", "aws_secret_access_key=", "SessionToken: ", "PassWord=", "access_token=", "X-Api-Key: "),
    *(
        "client_secret=",
        "Bearer ",
        "https://",
        "user:pass@host",
        "hf_",
        "ghp_",
        "xoxb-",
        "AIza",
        "eyJ",
        "a1B2" * 9,
        ".",
    ),
    *("-----BEGIN RSA PRIVATE KEY-----", " ", '"', "\u0130", "\u1e9e", "pa\u017f\u017fword=", "to\u212aen=", "0f" * 20),
)


pieces = st.lists(st.sampled_from(PIECES) | st.text(max_size=3), max_size=8).map("".join)


@given(pieces)
def test_a_hint_never_hides_a_secret(text: str) -> None:
    slowly = text
    for _, secret in redaction._SECRETS:
        slowly = secret.sub(lambda found: f"{found.groupdict().get('keep') or ''}{REMOVED}", slowly)
    assert redact(text) == slowly


@given(st.recursive(pieces | st.integers(), lambda inner: st.lists(inner) | st.dictionaries(pieces, inner)))
def test_json_that_is_free_of_secrets_holds_none(value: Any) -> None:
    text = json.dumps(value)
    assert not redaction.is_free_of_secrets(text) or redacted(value) == value


@pytest.mark.parametrize(
    "value",
    [
        {"Name": "HF_TOKEN", "Value": 1},
        {"authorization": 1},
        "aB3/" * 16,
        "".join(f"%{ord(c):02X}" for c in "AKIA") + "Z" * 16,
    ],
)
def test_json_of_what_only_the_whole_data_tells_is_not_free_of_secrets(value: Any) -> None:
    assert redacted([value]) != [value]
    assert not redaction.is_free_of_secrets(json.dumps([value]))


@pytest.mark.parametrize(
    "name", ["SecretAccessKey", "aws_session_token", "PASSWORD", "password_of_the_db", "x-amz-credential"]
)
def test_json_with_a_secrets_name_is_not_free_of_secrets(name: str) -> None:
    assert not redaction.is_free_of_secrets(json.dumps({"a": [{name: 1}]}))
    assert redaction.is_free_of_secrets(json.dumps({"url": "https://sqs/queue", "words": "a session of whom"}))


@pytest.mark.parametrize("words", ['api_key": "0123456789"', "pa\u017f\u017fword=x", f"{KEY[:4]}\x1b[0m{KEY[4:]}"])
def test_what_json_writes_with_an_escape_may_be_a_secret(words: str) -> None:
    assert redacted([words]) != [words]
    assert not redaction.is_free_of_secrets(json.dumps([words]))


def test_a_secret_that_a_terminals_sequences_hide_is_removed_and_colours_alone_stay() -> None:
    key = "AKIA" + "IOSFODNN7EXAMPLE"
    hidden = f"\x1b[31m{key[:4]}\x1b[0m{key[4:]} of one"
    assert redaction.redact(hidden) == f"{redaction.REMOVED} of one"
    assert redaction.redact_counted(f"{hidden}{'.' * 200}")[1] == 1
    assert redaction.redact("\x1b[31mred\x1b[0m") == "\x1b[31mred\x1b[0m"
    assert key[4:] not in str(redaction.redacted({"message": hidden}))
