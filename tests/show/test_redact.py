"""Secrets are removed and markup is escaped, wherever text came from AWS."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ops_lib.redaction import redact_counted
from ops_lib.show.redact import REMOVED, on_one_line, printable, redact, safe

KEY = "AKIA" + "IOSFODNN7EXAMPLE"


@pytest.mark.parametrize(
    ("text", "secret"),
    [
        (f"key {KEY} denied", KEY),
        ("temporary ASIA" + "A" * 16, "ASIA" + "A" * 16),
        ("https://b.s3.amazonaws.com/k?X-Amz-Signature=0a1b2c3d&x=1", "0a1b2c3d"),
        ("https://b/k?X-Amz-Credential=abc%2F20260101&x=1", "abc%2F20260101"),
        ("https://b/k?x-amz-security-token=IQoJb3JpZ2luX2VjE", "IQoJb3JpZ2luX2VjE"),
        ("https://b/k?AWSAccessKeyId=x&Signature=vjbyPxybdZaNmGa%3D", "vjbyPxybdZaNmGa%3D"),
        ("aws_secret_access_key = wJalrXUtnFEMI/K7MDENG", "wJalrXUtnFEMI/K7MDENG"),
        ('{"SecretAccessKey": "wJalrXUtnFEMI"}', "wJalrXUtnFEMI"),
        ('"SessionToken": "FwoGZXIvYXdz"', "FwoGZXIvYXdz"),
        ("Authorization: Bearer abcdef0123456789", "abcdef0123456789"),
        ("HF_TOKEN hf_" + "a" * 34, "hf_" + "a" * 34),
        ("ghp_" + "b" * 36, "ghp_" + "b" * 36),
        ("authorization: Basic dXNlcjpodW50ZXIy", "dXNlcjpodW50ZXIy"),
        ("{'Authorization': 'AWS4-HMAC-SHA256 Credential=AKIA/x, Signature=" + "0f" * 32 + "'}", "0f" * 32),
        ("Cookie: sid=abc123; theme=dark", "abc123"),
        ("'Set-Cookie': 'id=a3fWa; Secure'", "a3fWa"),
        ("yt-dlp: __Secure-3PSID=g.a000kQ; SAPISID=Zx9/A1", "g.a000kQ"),
        ("yt-dlp: __Secure-3PSID=g.a000kQ; SAPISID=Zx9/A1", "Zx9/A1"),
        ('{"access_token": "ya29.a0AfH6"}', "ya29.a0AfH6"),
        ("X-Api-Key: 9f8e7d6c5b", "9f8e7d6c5b"),
        ("https://alice:hunter22@host/x", "hunter22"),
        ("xoxb-" + "1" * 12, "1" * 12),
        ("-----BEGIN RSA PRIVATE KEY-----\nMIIEow\n-----END RSA PRIVATE KEY-----", "MIIEow"),
        ("\x1b[31mAK\x1b[0mIA" + "IOSFODNN7EXAMPLE", "IOSFODNN7EXAMPLE"),
        ("eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.abc_def-123", "eyJzdWIiOiIxMjM0In0"),
    ],
)
def test_a_secret_does_not_survive(text: str, secret: str) -> None:
    clean, count = redact_counted(printable(text))
    assert secret not in clean
    assert REMOVED in clean
    assert count >= 1
    assert redact_counted(clean) == (clean, 0)
    assert secret not in safe(text)


@pytest.mark.parametrize(
    "text",
    [
        "job_id=bb37f23c-7609-4727-bc8a-bb541b4bd02a created mode=sbs",
        "arn:aws:sqs:us-east-1:123456789012:stereo-spot-chunking-dlq",
        "s3://stereo-spot-output-123456789012/jobs/x/segments/0.mp4",
        "An error occurred (ValidationError) when calling the InvokeEndpointAsync operation",
        "YTDLP_COOKIES_SECRET_ARN=arn:aws:secretsmanager:us-east-1:123456789012:secret:x",
        "the presigned URL's signature is wrong; the cookie jar is empty",
        "Refused STS GetSessionToken: it was to be signed as another",
        "s3://bucket/key:with@at and https://host:443/path@x",
    ],
)
def test_evidence_is_left_alone(text: str) -> None:
    assert redact(text) == text


@given(st.text())
def test_no_markup_and_no_control_character_gets_through(text: str) -> None:
    shown = safe(text)
    assert "<" not in shown
    assert ">" not in shown
    assert '"' not in shown
    assert all(c.isprintable() or c in "\n\t" for c in shown)


def test_hostile_text_is_shown_as_text() -> None:
    assert safe("<script>alert(1)</script>") == "&lt;script&gt;alert(1)&lt;/script&gt;"


@given(st.text())
def test_a_terminal_gets_one_printable_line(text: str) -> None:
    shown = on_one_line(text)
    assert all(c.isprintable() for c in shown)
    assert len(shown) <= 300


def test_a_terminal_gets_no_secret_and_no_endless_line() -> None:
    assert KEY not in on_one_line(f"denied for {KEY}")
    assert on_one_line("a\x1b[31m\n  b\x07") == "a b\N{REPLACEMENT CHARACTER}"
    assert KEY not in on_one_line(f"{KEY[:6]}\x1b[1m{KEY[6:]}")
    assert on_one_line("x" * 500).endswith("... (500 characters)")
