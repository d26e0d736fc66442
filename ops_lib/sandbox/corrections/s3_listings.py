"""What a listing may be asked: moto takes less than no key, and answers 500 for a token that it never gave.

AWS: API reference, "ListObjectsV2": MaxKeys: never more than 1,000; ContinuationToken; InvalidArgument.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from moto.s3.exceptions import InvalidArgumentError, InvalidContinuationToken
from moto.s3.responses import S3Response

MOST = 1000


def apply() -> None:
    """Look at the request before moto does."""
    original: Callable[[S3Response], Any] = S3Response.list_objects_v2

    def list_objects_v2(self: S3Response) -> Any:
        # One that is empty is refused by moto.
        token = self.querystring.get("continuation-token", [""])[0]
        if token and token not in self.backend._pagination_tokens:
            raise InvalidContinuationToken()
        asked = self.querystring.get("max-keys", [str(MOST)])[0]
        if not asked.isdecimal():
            words = "Argument maxKeys must be an integer between 0 and 2147483647"
            raise InvalidArgumentError(words, "maxKeys", asked)
        self.querystring["max-keys"] = [str(min(int(asked), MOST))]
        return original(self)

    S3Response.list_objects_v2 = list_objects_v2  # type: ignore[method-assign]
