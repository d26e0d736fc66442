"""What one process's clients were answered, kept in memory; and clients that are answered from a bundle instead.

Both sit at botocore's own events, behind the gate, so every reader is recorded and replayed without knowing it.
"""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from threading import Lock
from typing import Any

import botocore.exceptions
from botocore.exceptions import BotoCoreError, ClientError
from botocore.parsers import ResponseParserError
from botocore.response import StreamingBody

from ops_lib.bundle import Bundle, Call, plain, question, restored, stream

ARGUMENTS = "ops_arguments"  # where a call's own context carries them from its first event to its last
BESIDE = "beside AWS"
MOST_BYTES = 16_000_000  # as they came; a whole incident is some hundred thousand
# Not the pipeline's state: who is asked for a credential, and what it answers, never goes into a file.
NEVER = {"AssumeRole", "AssumeRoleWithWebIdentity", "GetRoleCredentials", "CreateToken", "CreateOAuth2Token"}

Check = Callable[..., None]


class Tape:
    """The calls of one process's clients, in the order in which they were answered; safe to share between threads.

    `lost`: how many calls were not kept because `MOST_BYTES` of answers were. Answers are kept as botocore gave them:
    most tapes are never written, and taking secrets out costs more than reading.
    """

    def __init__(self) -> None:
        self._calls: list[Call] = []
        self._size, self.lost = 0, 0
        self._lock = Lock()

    def __len__(self) -> int:
        return len(self._calls)

    @property
    def calls(self) -> tuple[Call, ...]:
        """Return what was recorded up to now, as botocore gave it: secrets are taken out where it is written."""
        with self._lock:
            return tuple(self._calls)

    def record(self, client: Any, check: Check) -> None:
        """Record every call of `client`; an answer that `check` raises over is recorded as raised."""
        events = client.meta.events
        events.register_last("provide-client-params", _remember, unique_id="ops-tape-arguments")
        events.register_first("after-call", lambda **told: self._checked(check, **told))
        # Last: a reader may add to an answer what botocore has no name for (read/whole.py).
        events.register_last("after-call", self._answered)
        events.register("after-call-error", self._failed)

    def _checked(self, check: Check, http_response: Any, parsed: Any, model: Any, context: Any, **_: Any) -> None:
        try:
            check(http_response=http_response, parsed=parsed, model=model)
        except ResponseParserError as error:
            self._keep(model, context, http_response.status_code, "", None, _raised(error))
            raise

    def _answered(self, http_response: Any, parsed: Any, model: Any, context: Any, **_: Any) -> None:
        if model.name in NEVER:
            return
        raw, body = b"", _streamed_member(parsed)
        if body:
            # Read here, and given back, so that whoever asked still can.
            name, raw = body[0], self._read(body[1], model, context)
            parsed[name] = restored(stream(raw))
            answer = _told(parsed | {name: None}) | {name: stream(raw)}
        else:
            answer = _told(parsed)
        request_id = str(parsed.get("ResponseMetadata", {}).get("RequestId", ""))
        size = len(raw) if body else len(http_response.content)
        self._keep(model, context, http_response.status_code, request_id, answer, None, size)

    def note(self, what: str, answer: Any) -> None:
        """Keep something that a run read and that is not AWS's, such as earlier reports."""
        self._add(Call(BESIDE, what, {}, datetime.now(UTC), 200, "", answer), 0)

    def _read(self, body: Any, model: Any, context: Any) -> bytes:
        try:
            return bytes(body.read())
        except Exception as error:
            self._keep(model, context, 0, "", None, _raised(error))
            raise

    def _failed(self, exception: Exception, context: Any, event_name: str = "", **_: Any) -> None:
        if ARGUMENTS in context:
            self._keep(context[ARGUMENTS][0], context, 0, "", None, _raised(exception))

    def _keep(
        self, model: Any, context: Any, status: int, request_id: str, answer: Any, raised: Any, size: int = 0
    ) -> None:
        arguments = context.get(ARGUMENTS, (model, {}))[1]
        now, service = datetime.now(UTC), str(model.service_model.service_id)
        self._add(Call(service, model.name, arguments, now, status, request_id, answer, raised), size)

    def _add(self, call: Call, size: int) -> None:
        with self._lock:
            if self._size + size > MOST_BYTES:
                self.lost += 1
                return
            self._size += size
            self._calls.append(call)


@dataclass(frozen=True)
class _Http:
    """As much of an HTTP answer as botocore looks at once it has been parsed."""

    status_code: int


class Player:
    """Answers the calls of clients from a bundle: the same question again gets its answers in order, then the last.

    Nothing is sent: what the bundle does not hold is answered as an error, so that its reader says *unread*.
    """

    def __init__(self, bundle: Bundle) -> None:
        self._answers: dict[str, deque[Call]] = defaultdict(deque)
        self._lock = Lock()
        for call in bundle.calls:
            self._answers[call.key].append(call)

    def play(self, client: Any) -> None:
        """Answer every call of `client` from the bundle, before it could be sent."""
        client.meta.events.register_last("provide-client-params", _remember, unique_id="ops-tape-arguments")
        client.meta.events.register_first("before-call", self._answer, unique_id="ops-tape-answer")

    def noted(self, what: str) -> Any:
        """Return what `Tape.note` kept; None where it kept nothing."""
        call = self._next(question(BESIDE, what, {}))
        return restored(call.answer) if call else None

    def _answer(self, model: Any, context: Mapping[str, Any], **_: Any) -> tuple[_Http, Any]:
        call = self._next(question(model.service_model.service_id, model.name, plain(context[ARGUMENTS][1])))
        if call is None:
            raise ClientError(_NOT_HERE, model.name)
        if call.raised:
            raise _error(call.raised)
        return _Http(call.status), restored(call.answer)

    def _next(self, key: str) -> Call | None:
        with self._lock:
            waiting = self._answers.get(key)
            if not waiting:
                return None
            return waiting.popleft() if len(waiting) > 1 else waiting[0]


_NOT_HERE: Any = {"Error": {"Code": "NotInThisBundle", "Message": "this was not asked when the bundle was written"}}


def _remember(params: Any, model: Any, context: Any, **_: Any) -> None:
    # botocore changes the arguments on their way (an S3 key, a queue's URL); what the reader asked is what counts.
    context[ARGUMENTS] = (model, dict(params))


def _streamed_member(parsed: Mapping[str, Any]) -> tuple[str, Any] | None:
    return next(((name, value) for name, value in parsed.items() if isinstance(value, StreamingBody)), None)


def _told(parsed: Mapping[str, Any]) -> dict[str, Any]:
    """Return the answer without the transport's headers; how often botocore tried stays."""
    meta = parsed.get("ResponseMetadata", {})
    return {**parsed, "ResponseMetadata": {name: part for name, part in meta.items() if name != "HTTPHeaders"}}


def _raised(error: Exception) -> dict[str, Any]:
    given = {name: str(value) for name, value in getattr(error, "kwargs", {}).items()}
    return {"name": type(error).__name__, "given": given, "message": str(error)}


def _error(raised: Mapping[str, Any]) -> Exception:
    """Return the exception again: botocore's own, or, by its name, what broke while an answer was taken apart."""
    name = str(raised["name"])
    kind = getattr(botocore.exceptions, name, None)
    if isinstance(kind, type) and issubclass(kind, BotoCoreError):
        return kind(**raised["given"])
    broken: Exception = type(name, (ResponseParserError,), {})(raised["message"])
    return broken
