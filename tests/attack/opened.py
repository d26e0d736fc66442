"""Roads past an open door: python -m attack.opened MODE ROAD..., from the folder tests; prints what each came to.

MODE "other": the door is open for a call with other arguments than the road's. MODE "spent": it was open for exactly
the road's, and the call has been made. MODE "cases": the functions below, by name. One line of JSON for each road:
[road, error's name or "", changes that have arrived].
"""

from __future__ import annotations

import copy
import importlib
import json
import os
import sys
import threading
import urllib.request
from collections.abc import Callable
from typing import Any

from attack import bent, calls, clients, conveniences, inside
from attack.road import ALONE, EARLY_CALL, ITEM, KERNEL, KEY, OBJECT, earlier, fresh, request_for, unsigned
from botocore import UNSIGNED
from botocore.config import Config

ROADS = (bent, calls, clients, conveniences, inside)
OTHER = {"TableName": "jobs", "Item": {"pk": {"S": "2"}}}
CASES: dict[str, Callable[[Any], object]] = {}


def case(function: Callable[[Any], object]) -> Callable[[Any], object]:
    CASES[function.__name__] = function
    return function


def put(gate: Any, **admitted: Any) -> Any:
    return gate.admit("DynamoDB", "PutItem", admitted or ITEM)


@case
def the_admitted_call(gate: Any) -> None:
    with put(gate) as was_sent:
        assert not was_sent()
        fresh("dynamodb").put_item(**ITEM)
        assert was_sent()


@case
def the_admitted_call_of_a_guarded_client(gate: Any) -> None:
    with put(gate):
        gate.guard(fresh("dynamodb")).put_item(**ITEM)


@case
def reads_beside_it(gate: Any) -> None:
    with put(gate):
        fresh("dynamodb").get_item(**KEY)
        fresh("dynamodb").put_item(**ITEM)
        fresh("dynamodb").get_item(**KEY)


@case
def a_second_use(gate: Any) -> None:
    with put(gate):
        fresh("dynamodb").put_item(**ITEM)
        fresh("dynamodb").put_item(**ITEM)


@case
def after_the_door_is_shut(gate: Any) -> None:
    with put(gate):
        pass
    fresh("dynamodb").put_item(**ITEM)


@case
def other_arguments(gate: Any) -> None:
    with put(gate):
        fresh("dynamodb").put_item(**OTHER)


@case
def an_argument_more(gate: Any) -> None:
    with put(gate):
        fresh("dynamodb").put_item(**ITEM, ReturnValues="ALL_OLD")


@case
def an_argument_less(gate: Any) -> None:
    with put(gate, **ITEM, ConditionExpression="attribute_not_exists(pk)"):
        fresh("dynamodb").put_item(**ITEM)


@case
def arguments_changed_after_it_was_opened(gate: Any) -> None:
    mine = copy.deepcopy(ITEM)
    with put(gate, **mine):
        mine["Item"]["pk"]["S"] = "3"  # type: ignore[index]
        fresh("dynamodb").put_item(**mine)


@case
def another_operation(gate: Any) -> None:
    with put(gate):
        fresh("dynamodb").delete_item(**KEY)


@case
def another_service(gate: Any) -> None:
    with put(gate):
        fresh("s3").put_object(**OBJECT)


@case
def two_at_a_time(gate: Any) -> None:
    with put(gate), put(gate, **OTHER):
        fresh("dynamodb").put_item(**ITEM)


@case
def another_thread(gate: Any) -> None:
    errors: list[Exception] = []

    def work() -> None:
        try:
            fresh("dynamodb").put_item(**ITEM)
        except Exception as error:  # noqa: BLE001 (handed over)
            errors.append(error)

    with put(gate):
        worker = threading.Thread(target=work)
        worker.start()
        worker.join()
    raise errors[0]


@case
def a_thread_that_lets_go_of_anothers(gate: Any) -> None:
    """What the thread had opened is shut, not what another has."""
    mine = put(gate)
    mine.__enter__()

    def let_go() -> None:
        with put(gate, **OTHER):
            mine.__exit__(None, None, None)
            fresh("dynamodb").get_item(**KEY)

    worker = threading.Thread(target=let_go)
    worker.start()
    worker.join()
    fresh("dynamodb").put_item(**ITEM)


@case
def a_forked_child(gate: Any) -> None:
    with put(gate):
        child = os.fork()
        if not child:
            try:
                fresh("dynamodb").put_item(**ITEM)
            except Exception as error:  # noqa: BLE001 (the exit code tells)
                os._exit(1 if type(error).__name__ == "ChangeRefused" else 2)
            os._exit(0)
        if os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 1:
            raise gate.ChangeRefused("in the child")


@case
def past_the_first_seam(gate: Any) -> None:
    client = fresh("dynamodb")
    with put(gate):
        EARLY_CALL(client, "PutItem", ITEM)


@case
def past_the_first_two_seams(gate: Any) -> None:
    client = fresh("dynamodb")
    with put(gate):
        client._endpoint.make_request(*request_for(client, "PutItem", ITEM))


@case
def signed_alone(gate: Any) -> None:
    client = unsigned(fresh("dynamodb"))
    model, request = request_for(client, "PutItem", ITEM)
    with put(gate):
        client._request_signer.sign("PutItem", client._endpoint.create_request(request, model))


@case
def sent_alone(gate: Any) -> None:
    client = unsigned(fresh("dynamodb"))
    model, request = request_for(client, "PutItem", ITEM)
    prepared = client._endpoint.create_request(request, model)
    with put(gate):
        client._endpoint._send(prepared)


@case
def unsigned_client(gate: Any) -> None:
    with put(gate):
        fresh("dynamodb", config=Config(signature_version=UNSIGNED)).put_item(**ITEM)


@case
def presigned(gate: Any) -> None:
    with gate.admit("S3", "PutObject", OBJECT):
        url = fresh("s3").generate_presigned_url("put_object", Params=OBJECT)
        urllib.request.urlopen(urllib.request.Request(url, b"x", method="PUT"), timeout=5)


def bent_by(event: str, change: Callable[..., Any]) -> Callable[[Any], object]:
    def run(gate: Any) -> None:
        client = fresh("dynamodb")
        client.meta.events.register(event, change)
        with put(gate):
            client.put_item(**ITEM)

    return run


BODY = json.dumps(OTHER).encode()


def _params(params: dict[str, Any], **_: Any) -> None:
    params["Item"] = OTHER["Item"]


def _call(params: dict[str, Any], **_: Any) -> None:
    params["body"] = BODY


def _request(request: Any, **_: Any) -> None:
    request.data = BODY


def _prepared(request: Any, **_: Any) -> None:
    request.body = BODY


def _target(request: Any, **_: Any) -> None:
    del request.headers["X-Amz-Target"]
    request.headers["X-Amz-Target"] = "DynamoDB_20120810.DeleteItem"


def _twice(request: Any, **_: Any) -> None:
    fresh("dynamodb").put_item(**ITEM)


CASES["handler changes the arguments"] = bent_by("provide-client-params", _params)
CASES["handler changes the parameters"] = bent_by("before-parameter-build", _params)
CASES["handler changes the body before the call"] = bent_by("before-call", _call)
CASES["handler changes the body before it is signed"] = bent_by("before-sign", _request)
CASES["handler changes the body before it is sent"] = bent_by("before-send", _prepared)
CASES["handler changes the operation before it is signed"] = bent_by("before-sign", _target)
CASES["handler changes the operation before it is sent"] = bent_by("before-send", _target)
CASES["handler makes the same call again"] = bent_by("before-send", _twice)


@case
def a_door_of_another_import(gate: Any) -> None:
    again = importlib.reload(gate)
    with again.admit("DynamoDB", "PutItem", ITEM):
        fresh("dynamodb").put_item(**ITEM)


def road_in(mode: str, name: str) -> Callable[[Any], object]:
    if mode == "cases":
        return CASES[name]
    road = {**KERNEL, **ALONE}[name]

    def run(gate: Any) -> None:
        with put(gate, **(OTHER if mode == "other" else ITEM)):
            if mode == "spent":
                fresh("dynamodb").put_item(**ITEM)
            road()

    return run


def main(mode: str, *names: str) -> None:
    earlier()
    gate = importlib.import_module("ops_lib.gate")
    for name in names or CASES:
        error = ""
        try:
            road_in(mode, name)(gate)
        except Exception as raised:  # noqa: BLE001 (its name is the answer)
            error = type(raised).__name__
        with urllib.request.urlopen(urllib.request.Request(f"{os.environ['AWS_ENDPOINT_URL']}/taken")) as answer:
            changes = json.load(answer)
        print(json.dumps([name, error, changes]), flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
