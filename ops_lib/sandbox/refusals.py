"""An error as each of AWS's wire protocols words it, and why the door refuses.

AWS: "Common error types" of each API reference; Smithy, "AWS JSON 1.0 protocol", "AWS Query protocol" and "Smithy RPC
v2 CBOR protocol", "Operation error serialization"; S3's API reference, "Error responses".
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from typing import Any, NamedTuple
from uuid import uuid4
from xml.sax.saxutils import escape

from ops_lib.sandbox.credentials import Environ
from ops_lib.sandbox.operations import Protocol, protocol_of

PIECE = 2**20
REASONS = {400: "Bad Request", 403: "Forbidden", 404: "Not Found"}
# JSON services that spoke the query protocol before, and still give its codes. AWS: trait awsQueryCompatible.
WERE_QUERY = ("AmazonSQS", "GraniteServiceVersion20100801")


class Kind(NamedTuple):
    """What one error is called in the protocols of JSON, of queries and of S3, and their status."""

    json: str
    query: str
    s3: str
    json_status: int = 400
    status: int = 403


def same(code: str, status: int = 400) -> Kind:
    """Return an error that is called the same everywhere."""
    return Kind(code, code, code, status, status)


DENIED = Kind("AccessDeniedException", "AccessDenied", "AccessDenied")
UNKNOWN_KEY = Kind("UnrecognizedClientException", "InvalidClientTokenId", "InvalidAccessKeyId")
UNSIGNED = Kind("MissingAuthenticationTokenException", "MissingAuthenticationToken", "AccessDenied")
EXPIRED = Kind("ExpiredTokenException", "ExpiredToken", "ExpiredToken")
NOT_CHECKED = same("NotInThisSandbox")
INCOHERENT = same("IncoherentRequest")


class Refused(Exception):
    """Raised inside the door for a request that goes no further."""

    def __init__(self, kind: Kind, message: str) -> None:
        super().__init__(message)
        self.kind, self.message = kind, message


def answer(refused: Refused, environ: Environ, respond: Callable[..., Any]) -> Iterable[bytes]:
    """Return the error in the request's own protocol, after reading the request to its end."""
    _drain(environ)
    kind, protocol = refused.kind, protocol_of(environ)
    was_query = str(environ.get("HTTP_X_AMZ_TARGET", "")).startswith(WERE_QUERY)
    status = kind.json_status if protocol in ("json", "cbor") and not was_query else kind.status
    headers, body = _worded(protocol, refused, str(environ.get("CONTENT_TYPE", "")))
    if was_query:
        headers["x-amzn-query-error"] = f"{kind.query};Sender"
    if environ["REQUEST_METHOD"] == "HEAD":
        body = b""
    request_id = {"x-amzn-RequestId": str(uuid4()), "Content-Length": str(len(body))}
    respond(f"{status} {REASONS[status]}", [*(headers | request_id).items()])
    return [body]


def _worded(protocol: Protocol, refused: Refused, asked: str) -> tuple[dict[str, str], bytes]:
    kind, message = refused.kind, refused.message
    if protocol == "json":
        return {"Content-Type": asked}, json.dumps({"__type": kind.json, "message": message}).encode()
    if protocol == "cbor":
        body = b"\xa2" + b"".join(map(_cbor_text, ("__type", kind.json, "message", message)))
        return {"Content-Type": "application/cbor", "smithy-protocol": "rpc-v2-cbor"}, body
    if protocol == "rest-json":
        headers = {"Content-Type": "application/json", "x-amzn-ErrorType": kind.json}
        return headers, json.dumps({"message": message}).encode()
    if protocol == "query":
        error = f"<Type>Sender</Type><Code>{kind.query}</Code><Message>{escape(message)}</Message>"
        return {"Content-Type": "text/xml"}, f"<ErrorResponse><Error>{error}</Error></ErrorResponse>".encode()
    error = f"<Code>{kind.s3}</Code><Message>{escape(message)}</Message>"
    head = '<?xml version="1.0" encoding="UTF-8"?>\n'
    return {"Content-Type": "application/xml"}, f"{head}<Error>{error}</Error>".encode()


def _cbor_text(text: str) -> bytes:
    """Return a text string as CBOR (RFC 8949, 3.1, major type 3)."""
    raw = text.encode()
    return b"\x79" + len(raw).to_bytes(2, "big") + raw


def _drain(environ: Environ) -> None:
    """Read what the client still sends: a connection closed before that loses the answer."""
    left = int(environ.get("CONTENT_LENGTH") or 0)
    while left > 0:
        piece = environ["wsgi.input"].read(min(left, PIECE))
        if not piece:
            return
        left -= len(piece)
