"""Clients, sessions and classes of one's own making, copies of clients, threads and forks."""

from __future__ import annotations

import asyncio
import copy
import os
import pickle
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import boto3
import botocore.session
from attack.road import EARLY, EARLY_CALL, ITEM, alone, fresh, fresh_botocore, kernel
from botocore.endpoint import Endpoint


@kernel
def fresh_boto3_session() -> object:
    session: Any = boto3.Session(aws_access_key_id="a", aws_secret_access_key="b", region_name="us-east-1")
    return session.client("dynamodb").put_item(**ITEM)


@kernel
def fresh_botocore_session() -> object:
    return fresh_botocore("dynamodb").put_item(**ITEM)


@kernel
def default_session_replaced() -> object:
    boto3.setup_default_session(region_name="eu-west-1")
    return fresh("dynamodb").put_item(**ITEM)


@kernel
def client_made_before_the_library() -> object:
    return EARLY["client"].put_item(**ITEM)


@kernel
def table_made_before_the_library() -> object:
    return EARLY["table"].put_item(Item={"pk": "1"})


class _Override:
    def _make_api_call(self, operation_name: str, api_params: dict[str, Any]) -> object:
        return EARLY_CALL(self, operation_name, api_params)


@kernel
def class_hook_with_a_base() -> object:
    session: Any = botocore.session.Session()
    session.register("creating-client-class", lambda base_classes, **_: base_classes.insert(0, _Override))
    return fresh_botocore("dynamodb", session).put_item(**ITEM)


@kernel
def class_hook_with_an_attribute() -> object:
    def add(class_attributes: dict[str, Any], **_: Any) -> None:
        class_attributes["_make_api_call"] = _Override._make_api_call

    session: Any = botocore.session.Session()
    session.register("creating-client-class", add)
    return fresh_botocore("dynamodb", session).put_item(**ITEM)


@kernel
def client_given_another_class() -> object:
    client = fresh("dynamodb")
    client.__class__ = type("Mine", (_Override, type(client)), {})
    return client.put_item(**ITEM)


@kernel
def method_put_on_the_client() -> object:
    client = fresh("dynamodb")
    client._make_api_call = _Override._make_api_call.__get__(client)
    return client.put_item(**ITEM)


@kernel
def endpoint_of_another_class() -> object:
    class Mine(Endpoint):
        def make_request(self, operation_model: Any, request_dict: Any) -> Any:
            return self._send_request(request_dict, operation_model)  # type: ignore[attr-defined]

    client = fresh("dynamodb")
    client._endpoint.__class__ = Mine
    return EARLY_CALL(client, "PutItem", ITEM)


@kernel
def copied_client() -> object:
    client = fresh("dynamodb")
    twin = object.__new__(type(client))  # copy.copy() itself ends in a RecursionError
    vars(twin).update(vars(client))
    return twin.put_item(**ITEM)


@kernel
def thread() -> None:
    raised: list[BaseException] = []

    def work() -> None:
        try:
            fresh("dynamodb").put_item(**ITEM)
        except Exception as error:  # noqa: BLE001 (handed over)
            raised.append(error)

    worker = threading.Thread(target=work)
    worker.start()
    worker.join()
    for error in raised:
        raise error


@kernel
def thread_pool() -> object:
    with ThreadPoolExecutor(2) as pool:
        return pool.submit(lambda: EARLY["client"].put_item(**ITEM)).result()


@alone
def asyncio_to_thread() -> object:
    return asyncio.run(asyncio.to_thread(lambda: fresh("dynamodb").put_item(**ITEM)))


@alone
def forked_child() -> None:
    child = os.fork()
    if child == 0:
        try:
            fresh("dynamodb").put_item(**ITEM)
            os._exit(0)
        except Exception:  # noqa: BLE001 (the exit code tells)
            os._exit(1)
    if os.waitpid(child, 0)[1]:
        raise RuntimeError("the child was refused")


@kernel
def deep_copied_client() -> object:
    """Cannot be copied (locks); a copy would be of the same class anyway."""
    try:
        client = copy.deepcopy(fresh("dynamodb"))
    except TypeError:
        client = fresh("dynamodb")
    return client.put_item(**ITEM)


@kernel
def pickled_client() -> object:
    try:
        client = pickle.loads(pickle.dumps(fresh("dynamodb")))
    except (AttributeError, TypeError, pickle.PicklingError):
        client = fresh("dynamodb")
    return client.put_item(**ITEM)
