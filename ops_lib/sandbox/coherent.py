"""A request must say one thing: what the door judges has to be what moto, behind it, will do.

The door names an operation by the protocol's own header, body or path; moto finds its service by the scope of the
signature or by the host, and some of its services look into the query string first. Where these could differ, a
request could be judged as one operation and carried out as another.
"""

from __future__ import annotations

from ops_lib.sandbox import refusals
from ops_lib.sandbox.credentials import Environ, signed
from ops_lib.sandbox.operations import protocol_of
from ops_lib.sandbox.refusals import Refused

# The service a signature is made for, where it is not called as boto3 calls its client.
SIGNED_AS = {"cloudwatch": "monitoring", "sagemaker-runtime": "sagemaker", "service-quotas": "servicequotas"}
CONTENT_TYPES = {"json": "application/x-amz-json-", "cbor": "application/cbor", "query": "application/x-www-form-"}
HERE = ("127.0.0.1", "localhost")


def require_one_story(environ: Environ, operation: str) -> None:
    """Raise Refused for a request whose parts lead to different operations, resources or services."""
    service, protocol = operation.partition(":")[0], protocol_of(environ)
    by = signed(environ)
    if by is not None and by.service != SIGNED_AS.get(service, service):
        raise _refused(f"signed for {by.service!r}, but it asks {operation}")
    if str(environ.get("HTTP_HOST", HERE[0])).partition(":")[0] not in HERE:
        raise _refused(f"the host is {environ['HTTP_HOST']!r}: a sandbox is asked by its own address")
    if protocol not in CONTENT_TYPES:
        return
    if environ["REQUEST_METHOD"] != "POST" or environ.get("QUERY_STRING"):
        raise _refused(f"{protocol} requests are posted, without a query string")
    if protocol != "cbor" and str(environ.get("PATH_INFO", "")).strip("/"):
        raise _refused(f"{protocol} requests go to the path /")
    if not str(environ.get("CONTENT_TYPE", "")).startswith(CONTENT_TYPES[protocol]):
        raise _refused(f"a {protocol} request has the content type {CONTENT_TYPES[protocol]}...")


def _refused(why: str) -> Refused:
    return Refused(refusals.INCOHERENT, f"The request is not coherent: {why}")
