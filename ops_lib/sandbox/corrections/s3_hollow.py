"""S3 objects that have a size but weigh nothing. A copy of a hollow object is hollow too."""

from __future__ import annotations

from hashlib import md5
from typing import Any

from moto.s3.models import FakeKey

from ops_lib.sandbox.corrections.hollow import Hollow


def apply() -> None:
    """Let keys hold hollow values."""
    value: Any = FakeKey.value
    etag: Any = FakeKey.etag

    def get(self: FakeKey) -> bytes:
        content: bytes = value.fget(self)
        return Hollow.of(self.contentsize) if not content and self.contentsize else content

    def tag(self: FakeKey) -> str:
        if self._etag is None and isinstance(self.value, Hollow):
            self._etag = md5(f"{self.name}:{self.contentsize}".encode(), usedforsecurity=False).hexdigest()
        return str(etag.fget(self))

    FakeKey.value = property(get, value.fset)  # type: ignore[assignment,method-assign]
    FakeKey.etag = property(tag)  # type: ignore[assignment,method-assign]
