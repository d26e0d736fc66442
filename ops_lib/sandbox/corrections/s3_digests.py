"""An object whose digest is not the one the request names is not stored; moto looks at none.

AWS: S3's API reference, "Error responses": BadDigest, InvalidDigest; User Guide, "Checking object integrity".
CRC-32C and CRC-64/NVME are refused: nothing here computes them.
"""

from __future__ import annotations

import binascii
import hashlib
from base64 import b64decode
from collections.abc import Callable
from typing import Any

from moto.s3.exceptions import S3ClientError
from moto.s3.responses import S3Response

CHECKSUM = "x-amz-checksum-"
DIGESTS: dict[str, Callable[[bytes], bytes]] = {
    "crc32": lambda body: binascii.crc32(body).to_bytes(4, "big"),
    "sha1": lambda body: hashlib.sha1(body, usedforsecurity=False).digest(),
    "sha256": lambda body: hashlib.sha256(body).digest(),
}
NOT_COMPUTED = ("crc32c", "crc64nvme")


def apply() -> None:
    """Check the digests before an object is put."""
    original: Callable[[S3Response], Any] = S3Response.put_object

    def put_object(self: S3Response) -> Any:
        body = self.body or b""
        _check_md5(self.headers.get("Content-MD5"), body)
        for name, digest in DIGESTS.items():
            _check(name, self.headers.get(CHECKSUM + name), digest, body)
        for name in NOT_COMPUTED:
            if self.headers.get(CHECKSUM + name):
                raise S3ClientError("InvalidRequest", f"The sandbox does not compute {name}.")
        return original(self)

    S3Response.put_object = put_object  # type: ignore[method-assign]


def _check_md5(told: str | None, body: bytes) -> None:
    if told is None:
        return
    actual = hashlib.md5(body, usedforsecurity=False).digest()
    value = _decoded(told)
    if value is None or len(value) != len(actual):
        raise S3ClientError("InvalidDigest", "The Content-MD5 you specified was invalid.")
    if value != actual:
        raise S3ClientError("BadDigest", "The Content-MD5 you specified did not match what we received.")


def _check(name: str, told: str | None, digest: Callable[[bytes], bytes], body: bytes) -> None:
    if told is None:
        return
    actual, value = digest(body), _decoded(told)
    if value is None or len(value) != len(actual):
        raise S3ClientError("InvalidRequest", f"Value for {CHECKSUM}{name} header is invalid.")
    if value != actual:
        words = "you specified did not match the calculated checksum."
        raise S3ClientError("BadDigest", f"The {name.upper()} {words}")


def _decoded(text: str) -> bytes | None:
    try:
        return b64decode(text, validate=True)
    except binascii.Error:
        return None
