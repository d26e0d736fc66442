"""Behind the client's back: its endpoint, its models and its event handlers."""

from __future__ import annotations

import sys
from typing import Any

from attack.road import (
    EARLY_CALL,
    EARLY_MAKE_REQUEST,
    ITEM,
    KEY,
    OBJECT,
    PUT_BODY,
    PUT_TARGET,
    fresh,
    fresh_botocore,
    kernel,
    request_for,
    send,
    transport,
    unsigned,
)
from botocore import UNSIGNED


@kernel
def make_api_call() -> object:
    return fresh("dynamodb")._make_api_call("PutItem", ITEM)


@kernel
def make_api_call_kept_from_before() -> object:
    return EARLY_CALL(fresh("dynamodb"), "PutItem", ITEM)


@kernel
def endpoint_make_request() -> object:
    client = fresh("dynamodb")
    return client._endpoint.make_request(*request_for(client, "PutItem", ITEM))


@kernel
def endpoint_make_request_unsigned() -> object:
    client = unsigned(fresh("dynamodb"))
    return client._endpoint.make_request(*request_for(client, "PutItem", ITEM))


@kernel
def endpoint_make_request_kept_from_before() -> object:
    client = fresh("dynamodb")
    return EARLY_MAKE_REQUEST(client._endpoint, *request_for(client, "PutItem", ITEM))


@kernel
def endpoint_make_request_with_own_transport() -> object:
    client = unsigned(fresh("dynamodb"))
    client.meta.events.register("before-send", lambda request, **_: transport(request.url)[0])
    return client._endpoint.make_request(*request_for(client, "PutItem", ITEM))


@kernel
def endpoint_send_request() -> object:
    client = unsigned(fresh("dynamodb"))
    model, request = request_for(client, "PutItem", ITEM)
    return client._endpoint._send_request(request, model)


@kernel
def endpoint_send() -> object:
    client = unsigned(fresh("dynamodb"))
    model, request = request_for(client, "PutItem", ITEM)
    return client._endpoint._send(client._endpoint.create_request(request, model))


@kernel
def operation_model_renamed() -> object:
    client = fresh("dynamodb")
    model, request = request_for(client, "PutItem", ITEM)
    model.name = "GetItem"
    return client._endpoint.make_request(model, request)


@kernel
def service_model_rewritten() -> object:
    client = fresh_botocore("s3")
    client.meta.service_model._service_description["operations"]["GetObject"]["http"]["method"] = "PUT"
    return client.get_object(**OBJECT)


# Event handlers.


def _turned_into_put(request: Any, **_: Any) -> None:
    del request.headers["X-Amz-Target"]
    request.headers["X-Amz-Target"] = PUT_TARGET
    if hasattr(request, "data"):
        request.data = PUT_BODY
    else:
        request.body = PUT_BODY
        request.headers["Content-Length"] = str(len(PUT_BODY))


@kernel
def handler_before_call() -> object:
    def turn(params: dict[str, Any], **_: Any) -> None:
        params["headers"]["X-Amz-Target"] = PUT_TARGET
        params["body"] = PUT_BODY

    client = fresh("dynamodb")
    client.meta.events.register("before-call", turn)
    return client.get_item(**KEY)


@kernel
def handler_before_call_with_own_transport() -> object:
    client = fresh("dynamodb")
    client.meta.events.register("before-call", lambda params, **_: transport(params["url"]))
    return client.put_item(**ITEM)


@kernel
def handler_request_created() -> object:
    client = fresh("dynamodb")
    client.meta.events.register_last("request-created", _turned_into_put)
    return client.get_item(**KEY)


@kernel
def handler_before_sign() -> object:
    client = fresh("dynamodb")
    client.meta.events.register("before-sign", _turned_into_put)
    return client.get_item(**KEY)


@kernel
def handler_before_send() -> object:
    client = fresh("dynamodb")
    client.meta.events.register("before-send", _turned_into_put)
    return client.get_item(**KEY)


def _method_put(request: Any, **_: Any) -> None:
    request.method = "PUT"


@kernel
def handler_turns_a_get_into_a_put() -> object:
    client = fresh("s3")
    client.meta.events.register("before-send", _method_put)
    return client.get_object(**OBJECT)


@kernel
def handler_turns_a_presigned_get_into_a_put() -> None:
    client = fresh("s3")
    client.meta.events.register("before-sign", _method_put)
    send(client.generate_presigned_url("get_object", Params=OBJECT), "PUT", b"x")


@kernel
def handler_names_another_action() -> object:
    def add(request: Any, **_: Any) -> None:
        request.url += "?Action=PurgeQueue"

    client = fresh("sqs")
    client.meta.events.register("before-send", add)
    return client.get_queue_url(QueueName="q")


@kernel
def signer_chosen_away() -> object:
    client = fresh("dynamodb")
    client.meta.events.register("choose-signer", lambda **_: UNSIGNED)
    return client.put_item(**ITEM)


@kernel
def guard_taken_off_the_client() -> object:
    client: Any = fresh("dynamodb")
    if "ops_lib.gate" in sys.modules:
        sys.modules["ops_lib.gate"].guard(client)
    for event, name in (("provide-client-params", "ops-gate-params"), ("before-sign", "ops-gate-sign")):
        client.meta.events.unregister(event, unique_id=name)
    return client.put_item(**ITEM)
