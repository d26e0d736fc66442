"""Roads that turn the gate's own handles or reload modules: they leave the process bent, so each has its own."""

from __future__ import annotations

import importlib
import os
import sys
from typing import Any

import boto3
import botocore.client
import botocore.endpoint
import botocore.signers
from attack.road import ITEM, OBJECT, alone, fresh, request_for, send


def new_client(service: str) -> Any:
    """Return a client of a new session: the default one keeps the classes it was made with."""
    return boto3.Session().client(service)  # type: ignore[call-overload]


def reload_botocore() -> None:
    for name in ("signers", "endpoint", "args", "client"):
        importlib.reload(importlib.import_module(f"botocore.{name}"))


def _gate() -> Any:
    return importlib.import_module("ops_lib.gate") if "ops_lib" in sys.modules else None


@alone
def list_replaced() -> object:
    if gate := _gate():
        everything = {"DynamoDB": frozenset({"PutItem"})}
        gate.READS = everything
        gate.CATALOGUE = (gate.Service("DynamoDB", "dynamodb", "rpc", frozenset({"PutItem"})),)
        gate.install()
    return fresh("dynamodb").put_item(**ITEM)


@alone
def judges_replaced() -> object:
    if gate := _gate():
        for name in (
            "is_read",
            "guard",
            "_read_judge",
            "_wire_judge",
            "_require_read",
            "_refusal",
            "_verify",
        ):
            setattr(gate, name, lambda *_: lambda *_: None)
    return fresh("dynamodb").put_item(**ITEM)


@alone
def gate_reloaded() -> object:
    if gate := _gate():
        importlib.reload(gate)
    return fresh("dynamodb").put_item(**ITEM)


@alone
def library_reloaded() -> object:
    if _gate():
        importlib.reload(importlib.import_module("ops_lib"))
    return fresh("dynamodb").put_item(**ITEM)


@alone
def library_forgotten() -> object:
    for name in [name for name in sys.modules if name.split(".")[0] == "ops_lib"]:
        del sys.modules[name]
    return fresh("dynamodb").put_item(**ITEM)


@alone
def environment_variables() -> object:
    for name in ("OPS_GATE", "OPS_NO_GATE", "OPS_APPLY", "OPS_ALLOW_WRITES", "OPS_UNSAFE", "OPS_TEST"):
        os.environ[name] = {"OPS_GATE": "off"}.get(name, "1")
    return library_reloaded()


@alone
def client_module_reloaded() -> object:
    importlib.reload(botocore.client)
    return new_client("dynamodb").put_item(**ITEM)


@alone
def client_and_endpoint_modules_reloaded() -> object:
    importlib.reload(botocore.endpoint)
    importlib.reload(botocore.client)
    return new_client("dynamodb").put_item(**ITEM)


@alone
def signers_module_reloaded() -> object:
    importlib.reload(botocore.signers)
    return new_client("dynamodb").put_item(**ITEM)


@alone
def modules_reloaded_and_library_too() -> object:
    """The library closes reloaded seams again when it is reloaded itself."""
    reload_botocore()
    if gate := _gate():
        importlib.reload(gate)
        importlib.reload(importlib.import_module("ops_lib"))
    return new_client("dynamodb").put_item(**ITEM)


@alone
def modules_reloaded_but_client_guarded() -> object:
    """The client's own events still judge where no class does."""
    reload_botocore()
    client = new_client("dynamodb")
    if gate := _gate():
        gate.guard(client)
    return client.put_item(**ITEM)


@alone
def modules_reloaded_but_client_guarded_presigned_put() -> None:
    reload_botocore()
    client = new_client("s3")
    if gate := _gate():
        gate.guard(client)
    send(client.generate_presigned_url("put_object", Params=OBJECT), "PUT", b"x")


@alone
def modules_reloaded_but_client_guarded_make_request() -> object:
    reload_botocore()
    client = new_client("dynamodb")
    if gate := _gate():
        gate.guard(client)
    return client._endpoint.make_request(*request_for(client, "PutItem", ITEM))
