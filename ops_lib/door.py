"""The gate's door: one call of a thread, once, with exactly its arguments, in a process that is no kernel.

`ops apply` opens it for each step; an inspection lease (ops_lib/lease.py), which a kernel may have too, for its own two
calls. What is let through is followed on its whole way: at each of the gate's seams once,
in their order, in one thread, and its request must say what the arguments say when botocore serialises them afresh.
The state is kept in closures: assigning to a name of a module opens nothing.
"""

from __future__ import annotations

import json
import os
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from copy import deepcopy
from dataclasses import dataclass
from typing import Any, NamedTuple
from urllib.parse import parse_qsl, unquote, urlencode, urlsplit

from botocore.handlers import handle_copy_source_param
from botocore.serialize import create_serializer

from ops_lib.errors import ChangeRefused
from ops_lib.lease import Lease, Terms, make_lender

# "signing" lasts while botocore may fetch a credential, which is a read of its own.
KERNELS = ("ipykernel", "ipykernel_launcher")
WAY = ("opened", "called", "requested", "signing", "signed", "sent")


class Door(NamedTuple):
    """`admit` opens it, and yields what tells whether the request has left.

    `lend` yields an inspection lease. The gate asks `enters` for a call, `passes` at each further seam, `inside` on a
    client's events.
    """

    admit: Callable[[str, str, Mapping[str, Any]], AbstractContextManager[Callable[[], bool]]]
    lend: Callable[[Any, Terms], AbstractContextManager[Lease]]
    enters: Callable[[Any, str, Any], bool]
    passes: Callable[[str, Any, str], bool]
    leaves: Callable[[], None]
    inside: Callable[[str, str], bool]


@dataclass
class _Permit:
    service_id: str
    operation: str
    arguments: dict[str, Any]
    reached: str = "opened"
    was_sent: bool = False
    model: Any = None
    expected: dict[str, Any] | None = None


def make_door() -> Door:  # noqa: C901 (its functions share what nobody else may reach)
    """Return a door, shut; only its own functions reach what it holds."""
    held: dict[tuple[int, int], _Permit] = {}  # by thread
    turn = threading.Lock()
    born_in_kernel = in_kernel()

    def mine() -> _Permit | None:
        return held.get(_thread())

    @contextmanager
    def admit(service_id: str, operation: str, arguments: Mapping[str, Any]) -> Iterator[Callable[[], bool]]:
        if born_in_kernel or in_kernel():
            raise _refusal(f"{service_id} {operation}", "a notebook's process never changes anything")
        with open_for(service_id, operation, arguments) as was_sent:
            yield was_sent

    @contextmanager
    def open_for(service_id: str, operation: str, arguments: Mapping[str, Any]) -> Iterator[Callable[[], bool]]:
        if other := mine():
            raise _refusal(f"{service_id} {operation}", f"{other.operation} is being admitted: one at a time")
        thread, permit = _thread(), _Permit(service_id, operation, _copied(dict(arguments)))
        held[thread] = permit
        try:
            yield lambda: permit.was_sent
        finally:
            del held[thread]  # its own, whichever thread lets go of it

    @contextmanager
    def open_in_turn(service_id: str, operation: str, arguments: Mapping[str, Any]) -> Iterator[Callable[[], bool]]:
        """Two leases at once take turns: a refusal in the middle would leave letters hidden that one of them holds."""
        with turn, open_for(service_id, operation, arguments) as was_sent:
            yield was_sent

    def enters(client: Any, operation: str, arguments: Any) -> bool:
        model, permit = client.meta.service_model, mine()
        if permit is None or (permit.service_id, permit.operation) != (model.service_id, operation):
            return False
        if permit.reached != "opened":
            raise _refusal(f"{model.service_id} {operation}", "it was admitted once, and has been called")
        if permit.arguments != arguments:
            raise _refusal(f"{model.service_id} {operation}", "its arguments are not the admitted ones")
        permit.model, permit.reached = model, "called"
        return True

    def passes(seam: str, request: Any, operation: str) -> bool:
        permit = mine()
        due = permit is not None and permit.reached == WAY[WAY.index(seam) - 1]
        if permit is None or not due or operation not in (permit.operation, ""):
            return False
        require_same(permit, request)
        permit.reached, permit.was_sent = seam, seam == "sent"
        return True

    def inside(service_id: str, operation: str) -> bool:
        permit = mine()
        named = permit is not None and (permit.service_id, permit.operation) == (service_id, operation)
        return permit is not None and named and permit.reached not in ("opened", "left")

    def leaves() -> None:
        if permit := mine():
            permit.reached = "left"

    def require_same(permit: _Permit, request: Any) -> None:
        if permit.expected is None:  # only now: botocore has looked at the arguments
            permit.expected = _serialised(permit.model, permit.operation, permit.arguments)
        if not permit.expected or not _says(request, permit.expected, permit.arguments):
            raise _refusal("the admitted call", "its request says something else than the admitted arguments")

    return Door(admit, make_lender(open_in_turn), enters, passes, leaves, inside)


def in_kernel() -> bool:
    """Return whether this process is a notebook's kernel, or was forked from one."""
    return any(name in sys.modules for name in KERNELS) or any("ipykernel" in word for word in sys.orig_argv)


def _thread() -> tuple[int, int]:
    return os.getpid(), threading.get_ident()


def _copied(value: Any) -> Any:
    """Return what nobody else can change; of a call's arguments, most are text in dicts and lists."""
    if isinstance(value, dict):
        return {name: _copied(part) for name, part in value.items()}
    if isinstance(value, list):
        return [_copied(part) for part in value]
    return value if type(value) in (str, bytes, int) else deepcopy(value)


def _serialised(model: Any, operation: str, arguments: dict[str, Any]) -> dict[str, Any]:
    """Return the request as botocore makes it of the arguments alone, without anybody's handlers."""
    given = arguments
    if model.service_id == "S3":
        given = deepcopy(arguments)
        handle_copy_source_param(given)
    serializer = create_serializer(model.resolved_protocol, False)
    return dict(serializer.serialize_to_request(given, model.operation_model(operation)))


def _says(request: Any, expected: dict[str, Any], arguments: dict[str, Any]) -> bool:
    """Return whether a request (a dict, an AWSRequest or a prepared one) says what is expected."""
    given = request if isinstance(request, dict) else vars(request)
    body = given["data"] if "data" in given else given.get("body")
    wanted = [(name.lower(), _text(value)) for name, value in expected["headers"].items()]
    names = [name for name, _ in wanted]
    headers = [(name.lower(), _text(value)) for name, value in given["headers"].items() if name.lower() in names]
    same = given["method"] == expected["method"] and sorted(headers) == sorted(wanted)  # each of them once
    return same and _same_content(body, expected["body"]) and _place(given["url"], expected, arguments)


def _place(url: str, expected: dict[str, Any], arguments: dict[str, Any]) -> bool:
    """Return whether a URL is the expected path, with S3's bucket before it in the host or in the path."""
    asked, path = urlsplit(url), unquote(expected["url_path"])
    bucket = arguments.get("Bucket")
    if bucket is None:
        return unquote(asked.path or "/") == path
    in_host = asked.netloc.startswith(f"{bucket}.") and unquote(asked.path) == path
    return in_host or unquote(asked.path) in (f"/{bucket}{path}", path if path.startswith(f"/{bucket}/") else "")


def _same_content(body: Any, expected: Any) -> bool:
    if isinstance(expected, dict) and not isinstance(body, dict):
        # The query protocol: a form on the wire, a dict until then.
        return parse_qsl(_text(body or b""), keep_blank_values=True) == parse_qsl(urlencode(expected), True)
    return bool(body == expected or _content(body) == _content(expected))


def _content(body: Any) -> Any:
    if hasattr(body, "seek"):
        start = body.tell()
        body, _ = body.read(), body.seek(start)
    text = _text(body or b"")
    try:
        return json.loads(text)
    except ValueError:
        return text


def _text(value: Any) -> str:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)


def _refusal(what: str, why: str) -> ChangeRefused:
    next_step = "a change is made by `ops apply` from a reviewed plan, each call once"
    return ChangeRefused(f"Refused {what}: {why} (ops_lib/door.py). Next: {next_step}.")
