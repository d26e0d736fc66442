"""What a secret looks like: each pattern as a sentence that holds one, unique by where it is planted."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Pattern:
    """`write` makes of a token of 40 letters and digits a text and the part of it that nobody may see."""

    name: str
    write: Callable[[str], tuple[str, str]]


def _around(before: str, after: str = "", length: int = 24, capital: bool = False) -> Callable[[str], tuple[str, str]]:
    def write(token: str) -> tuple[str, str]:
        secret = (token.upper() if capital else token)[:length]
        return f"{before}{secret}{after}", secret

    return write


def _jwt(token: str) -> tuple[str, str]:
    return f"eyJhbGciOiJIUzI1NiJ9.eyJ{token[:20]}.{token[20:]}", token[20:]


PATTERNS = (
    Pattern("access key", _around("AKIA", length=16, capital=True)),
    Pattern("temporary access key", _around("ASIA", length=16, capital=True)),
    Pattern("secret access key", _around("aws_secret_access_key = ", length=40)),
    Pattern("secret access key in JSON", _around('{"SecretAccessKey": "', '"}', 40)),
    Pattern("secret access key in JSON in JSON", _around('{\\"SecretAccessKey\\": \\"', '\\"}', 40)),
    Pattern("session token", _around("AWS_SESSION_TOKEN=")),
    Pattern("session token without its name", _around("token FwoGZXIvYXdzE", length=40)),
    Pattern("presigned URL", _around("https://b.s3.amazonaws.com/k?X-Amz-Date=1&X-Amz-Signature=", "&x=1")),
    Pattern("presigned URL's session", _around("https://b/k?X-Amz-Security-Token=")),
    Pattern(
        "presigned URL in another URL", _around("https://b/?to=https%3A%2F%2Fb%2Fk%3FX-Amz-Signature%3D", "%26x%3D1")
    ),
    Pattern("presigned URL of version 2", _around("https://b/k?Expires=1&Signature=", "%3D")),
    Pattern("bearer token", _around("Authorization: Bearer ")),
    Pattern("basic authorization", _around("{'Authorization': 'Basic ", "'}")),
    Pattern("cookie", _around("Cookie: theme=dark; sid=")),
    Pattern("cookie of YouTube", _around("__Secure-3PSID=g.a000", "; x=1")),
    Pattern("line of a cookie file", _around(".youtube.com\tTRUE\t/\tTRUE\t1798761600\tLOGIN\t")),
    Pattern("password", _around("password=")),
    Pattern("password in JSON in JSON", _around('{\\"db_password\\":\\"', '\\"}')),
    Pattern("password in a URL", _around("postgres://alice:", "@db.example.org/x")),
    Pattern("password alone in a URL", _around("redis://:", "@cache:6379/0")),
    Pattern("token in a URL", _around("https://", "@git.example.org/x.git")),
    Pattern("private key", _around("-----BEGIN RSA PRIVATE KEY-----\nMIIE", "\n-----END RSA PRIVATE KEY-----")),
    Pattern("private key over several lines", _around("-----BEGIN PRIVATE KEY-----\nMIIE1aA", f"{'x' * 17}\n", 40)),
    Pattern("private key's value", _around("VAPID_PRIVATE_KEY=")),
    Pattern("web token", _jwt),
    Pattern("token of Hugging Face", _around("hf_", length=34)),
    Pattern("token of Hugging Face by its name", _around("HF_TOKEN=")),
    Pattern("token of GitHub", _around("ghp_", length=36)),
    Pattern("fine token of GitHub", _around("github_pat_11A", length=36)),
    Pattern("token of GitLab", _around("glpat-", length=20)),
    Pattern("token of Slack", _around("xoxb-")),
    Pattern("webhook of Slack", _around("https://hooks.slack.com/services/T0/B0/")),
    Pattern("key of Google", _around("AIza", length=35)),
    Pattern("API key", _around("X-Api-Key: ")),
    Pattern("client's secret", _around("client_secret=")),
)


def token_of(source: str, pattern: str) -> str:
    """Return forty letters and digits that stand nowhere else."""
    return hashlib.sha256(f"{source} {pattern}".encode()).hexdigest()[:40]


def mark_of(source: str) -> str:
    """Return a word that is no secret: where it is seen, the source was read."""
    return f"seen{hashlib.sha256(source.encode()).hexdigest()[:8]}"


def text_of(source: str, *names: str) -> str:
    """Return a mark and one secret of each pattern (of those named)."""
    chosen = [one for one in PATTERNS if not names or one.name in names]
    return " ".join([mark_of(source), *[one.write(token_of(source, one.name))[0] for one in chosen]])


def secrets_of(source: str) -> dict[str, str]:
    """Return by secret the pattern it is planted as."""
    return {one.write(token_of(source, one.name))[1]: one.name for one in PATTERNS}
