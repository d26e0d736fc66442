"""Copies and puts on a condition: checked and written as one, so that of two that ask the same one is refused.

moto knows no x-amz-copy-source-if-match, no condition on a copy's destination. AWS: API reference, "CopyObject" and
"PutObject"; User Guide, "How to prevent object overwrites with conditional writes": 412 PreconditionFailed where a
condition does not hold, 404 for If-Match where nothing is there, If-None-Match takes * only.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from threading import RLock
from typing import Any
from urllib.parse import unquote, urlsplit

from moto.core.utils import str_to_rfc_1123_datetime
from moto.s3.exceptions import MissingKey, PreconditionFailed, S3ClientError
from moto.s3.models import FakeKey, S3Backend
from moto.s3.responses import S3Response

one_at_a_time = RLock()
WRITES = ("put_object", "copy_object", "delete_object")
SOURCE = "x-amz-copy-source-if-"


def apply() -> None:
    """Check conditions before a write, holding off every other."""
    for name in WRITES:
        setattr(S3Backend, name, _locked(getattr(S3Backend, name)))
    put: Callable[..., Any] = S3Response.put_object
    copy: Callable[..., Any] = S3Response.copy_object

    def put_object(self: S3Response) -> Any:
        _check_destination(self)
        return put(self)

    def copy_object(self: S3Response) -> Any:
        _check_source(self)
        _check_destination(self)
        return copy(self)

    S3Response.put_object = _locked(put_object)  # type: ignore[method-assign]
    S3Response.copy_object = _locked(copy_object)  # type: ignore[method-assign]


def _locked(write: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(write)
    def locked(*arguments: Any, **named: Any) -> Any:
        with one_at_a_time:
            return write(*arguments, **named)

    return locked


def _check_source(request: S3Response) -> None:
    """Raise PreconditionFailed for a source that is not as asked; one that is not there is moto's to refuse."""
    bucket, key = unquote(urlsplit(request.headers["x-amz-copy-source"]).path).lstrip("/").split("/", 1)
    source = request.backend.get_object(bucket, key)
    if source is None:
        return
    match, none_match, modified, unmodified = (
        request.headers.get(SOURCE + name) for name in ("match", "none-match", "modified-since", "unmodified-since")
    )
    # An ETag that is asked for decides alone; the time counts where there is none.
    if match is not None and not _is(source, match):
        raise PreconditionFailed("x-amz-copy-source-If-Match")
    if none_match is not None and _is(source, none_match):
        raise PreconditionFailed("x-amz-copy-source-If-None-Match")
    if match is None and unmodified is not None and _changed_since(source, unmodified):
        raise PreconditionFailed("x-amz-copy-source-If-Unmodified-Since")
    if none_match is None and modified is not None and not _changed_since(source, modified):
        raise PreconditionFailed("x-amz-copy-source-If-Modified-Since")


def _check_destination(request: S3Response) -> None:
    match, none_match = (request.headers.get(name) for name in ("If-Match", "If-None-Match"))
    if none_match not in (None, "*"):
        words = "A header you provided implies functionality that is not implemented"
        raise S3ClientError("NotImplemented", f"{words}: If-None-Match takes * only")
    if match is None and none_match is None:
        return
    name = request.parse_key_name()
    there = request.backend.get_object(request.bucket_name, name)
    if none_match and there is not None:
        raise PreconditionFailed("If-None-Match")
    if match is not None and there is None:
        raise MissingKey(key=name)
    if match is not None and there is not None and not _is(there, match):
        raise PreconditionFailed("If-Match")


def _is(key: FakeKey, etag: str) -> bool:
    return etag == "*" or etag.strip('"') == str(key.etag).strip('"')


def _changed_since(key: FakeKey, moment: str) -> bool:
    # HTTP's dates have whole seconds.
    return bool(key.last_modified.replace(microsecond=0) > str_to_rfc_1123_datetime(moment))
