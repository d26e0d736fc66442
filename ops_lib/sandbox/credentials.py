"""The keys a sandbox knows from the start, and which key a request says it is signed with.

Signatures are not verified: whoever names a key is taken for its owner. This is practice with permissions, not a
protection of the sandbox.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs

Environ = dict[str, Any]
# The owner may everything: tests and seeding. Notebooks have the reader's, `ops apply` the responder's, `ops deliver`
# the deliverer's.
OWNER, READER, RESPONDER, DELIVER = "sandbox", "sandbox-reader", "sandbox-responder", "sandbox-deliver"
# AWS: IAM User Guide, "Elements of an AWS API request signature": key/date/region/service/aws4_request.
SCOPE = re.compile(r"([^/\s=,]+)/\d*/([^/,]*)/([^/,]*)/aws4_request")


@dataclass(frozen=True)
class Signed:
    """Who signed: the access key, for which region and service, and the session's token ("" without one)."""

    key: str
    region: str
    service: str
    token: str


def signed(environ: Environ) -> Signed | None:
    """Return what the Authorization header or a presigned URL says, in signature version 4 or 2; None if nothing."""
    header = str(environ.get("HTTP_AUTHORIZATION", ""))
    token = str(environ.get("HTTP_X_AMZ_SECURITY_TOKEN", ""))
    if scope := SCOPE.search(header):
        return Signed(scope[1], scope[2], scope[3], token)
    if header.startswith("AWS "):
        return Signed(header[4:].partition(":")[0], "", "s3", token)
    asked = str(environ.get("QUERY_STRING", ""))
    return _presigned(parse_qs(asked)) if "Signature" in asked else None


def _presigned(query: dict[str, list[str]]) -> Signed | None:
    given = {name.lower(): values[0] for name, values in query.items()}
    token = given.get("x-amz-security-token", "")
    if scope := SCOPE.search(given.get("x-amz-credential", "")):
        return Signed(scope[1], scope[2], scope[3], token)
    return Signed(given["awsaccesskeyid"], "", "s3", token) if "awsaccesskeyid" in given else None
