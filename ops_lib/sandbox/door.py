"""The door before moto: what nobody has checked, unknown keys, forbidden actions and double talk do not pass it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from ops_lib.sandbox import refusals
from ops_lib.sandbox.access import Access
from ops_lib.sandbox.checked import require_checked
from ops_lib.sandbox.coherent import require_one_story
from ops_lib.sandbox.credentials import Environ
from ops_lib.sandbox.identities import ANSWERS
from ops_lib.sandbox.operations import form_of
from ops_lib.sandbox.refusals import Refused


class Door:
    """Refuses, answers what the door alone knows (who asks, what a role could do), or lets through."""

    def __init__(self) -> None:
        self._access = Access()

    def replace_policy(self, role: str, document: dict[str, Any] | None) -> None:
        """Let a role have this policy, None: the committed one. Raises KeyError or ValueError where it cannot."""
        self._access.replace(role, document)

    def answer(self, environ: Environ, respond: Callable[..., Any], operation: str) -> Iterable[bytes] | None:
        """Return the answer of a request that goes no further, None for one that may go on."""
        try:
            require_checked(operation)
            who = self._access.admit(environ, operation)
            require_one_story(environ, operation)
            find = ANSWERS.get(operation)
            if find is None:
                return None
            body = find(self._access, who, form_of(environ)).encode()
        except Refused as refused:
            return refusals.answer(refused, environ, respond)
        respond("200 OK", [("Content-Type", "text/xml"), ("Content-Length", str(len(body)))])
        return [body]
