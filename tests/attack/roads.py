"""Every road to a change that a notebook cell might take, each one a function.

A road is run twice: in a process with `import ops_lib`, where it must change nothing, and in one without it,
where it must reach the server, or else it would prove nothing. Import this module and call `earlier()` BEFORE
ops_lib is imported: what is made and remembered here stands for a cell that ran earlier than the library.
"""

from __future__ import annotations

import asyncio
import copy
import importlib
import io
import os
import pickle
import sys
import tempfile
import threading
import urllib.request
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import boto3
import botocore.client
import botocore.endpoint
import botocore.session
import botocore.signers
from boto3.s3.transfer import TransferConfig
from botocore import UNSIGNED
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest, AWSResponse
from botocore.config import Config

Road = Callable[[], object]
KERNEL: dict[str, Road] = {}  # run one after the other in one kernel
ALONE: dict[str, Road] = {}  # leave the process bent, so each has its own
LIMITS: dict[str, Road] = {}  # known to pass: nothing inside one process can stop them

ITEM = {"TableName": "jobs", "Item": {"pk": {"S": "1"}}}
KEY = {"TableName": "jobs", "Key": {"pk": {"S": "1"}}}
OBJECT = {"Bucket": "bucket", "Key": "key"}
QUEUE = "http://queue/1/q"

EARLY: dict[str, Any] = {}
EARLY_CALL = botocore.client.BaseClient._make_api_call
EARLY_MAKE_REQUEST = botocore.endpoint.Endpoint.make_request
PUT_TARGET = "DynamoDB_20120810.PutItem"
PUT_BODY = b'{"TableName": "jobs", "Item": {"pk": {"S": "1"}}}'


def earlier() -> None:
    EARLY.update(client=fresh("dynamodb"), table=boto3.resource("dynamodb").Table("jobs"))


def kernel(road: Road) -> Road:
    KERNEL[road.__name__] = road
    return road


def alone(road: Road) -> Road:
    ALONE[road.__name__] = road
    return road


def limit(road: Road) -> Road:
    LIMITS[road.__name__] = road
    return road


def fresh(service: str, **options: Any) -> Any:
    return boto3.client(service, **options)  # type: ignore[call-overload]


def send(url: str, method: str, body: bytes = b"", headers: dict[str, str] | None = None) -> None:
    request = urllib.request.Request(url, body, headers or {}, method=method)
    with urllib.request.urlopen(request, timeout=10) as answer:
        answer.read()


def transport(url: str) -> tuple[AWSResponse, dict[str, Any]]:
    """Deliver a change by a road of one's own, as instrumentation with its own HTTP stack does."""
    send(url, "POST", PUT_BODY, {"X-Amz-Target": PUT_TARGET})
    return AWSResponse(url, 200, {}, io.BytesIO(b"{}")), {}


# ordinary calls of an unlisted operation


def _call(service: str, method: str, /, **arguments: Any) -> None:
    def road() -> object:
        return getattr(fresh(service), method)(**arguments)

    KERNEL[f"{service}.{method}"] = road


_call("dynamodb", "put_item", **ITEM)
_call("dynamodb", "delete_item", **KEY)
_call("dynamodb", "update_item", **KEY)
_call("dynamodb", "batch_write_item", RequestItems={"jobs": [{"PutRequest": {"Item": ITEM["Item"]}}]})
_call("dynamodb", "transact_write_items", TransactItems=[{"Put": ITEM}])
_call("dynamodb", "execute_statement", Statement="DELETE FROM jobs WHERE pk='1'")
_call("dynamodb", "batch_execute_statement", Statements=[{"Statement": "DELETE FROM jobs WHERE pk='1'"}])
_call("dynamodb", "execute_transaction", TransactStatements=[{"Statement": "DELETE FROM jobs WHERE pk='1'"}])
_call("sqs", "send_message", QueueUrl=QUEUE, MessageBody="b")
_call("sqs", "send_message_batch", QueueUrl=QUEUE, Entries=[{"Id": "1", "MessageBody": "b"}])
_call("sqs", "receive_message", QueueUrl=QUEUE, VisibilityTimeout=0)
_call("sqs", "change_message_visibility", QueueUrl=QUEUE, ReceiptHandle="h", VisibilityTimeout=0)
_call("sqs", "delete_message", QueueUrl=QUEUE, ReceiptHandle="h")
_call("sqs", "purge_queue", QueueUrl=QUEUE)
_call("sqs", "start_message_move_task", SourceArn="arn:aws:sqs:us-east-1:1:q")
_call("s3", "put_object", **OBJECT)
_call("s3", "delete_object", **OBJECT)
_call("s3", "delete_objects", Bucket="bucket", Delete={"Objects": [{"Key": "key"}]})
_call("s3", "restore_object", **OBJECT)
_call("ecs", "update_service", service="s", desiredCount=0)
_call("ecs", "run_task", taskDefinition="t")
_call(
    "application-autoscaling",
    "register_scalable_target",
    ServiceNamespace="ecs",
    ResourceId="r",
    ScalableDimension="ecs:service:DesiredCount",
)
_call("cloudwatch", "put_metric_data", Namespace="n", MetricData=[{"MetricName": "m", "Value": 1}])
_call("cloudwatch", "set_alarm_state", AlarmName="a", StateValue="OK", StateReason="r")
_call(
    "logs",
    "put_log_events",
    logGroupName="g",
    logStreamName="s",
    logEvents=[{"timestamp": 1, "message": "m"}],
)
_call("logs", "delete_log_group", logGroupName="g")
_call("sagemaker", "update_endpoint", EndpointName="e", EndpointConfigName="c")
_call("sagemaker-runtime", "invoke_endpoint_async", EndpointName="e", InputLocation="s3://b/k")
_call("codebuild", "start_build", projectName="p")
_call("codebuild", "batch_delete_builds", ids=["i"])
_call("pipes", "stop_pipe", Name="p")
_call("iam", "create_access_key", UserName="u")
_call("lambda", "invoke", FunctionName="f")
_call("ssm", "send_command", DocumentName="AWS-RunShellScript")
_call("ec2", "run_instances", MinCount=1, MaxCount=1)
_call("sns", "publish", TopicArn="arn:aws:sns:us-east-1:1:t", Message="m")
_call("scheduler", "delete_schedule", Name="s")
# Named like reads; each takes something or hands something out.
_call("sts", "get_federation_token", Name="nn")
_call("sts", "get_session_token")
_call("ecr", "get_authorization_token")
_call("secretsmanager", "get_secret_value", SecretId="s")
_call("kinesis", "get_records", ShardIterator="i")
_call("swf", "poll_for_decision_task", domain="d", taskList={"name": "n"})


# boto3's conveniences


@kernel
def resource_put_item() -> object:
    return boto3.resource("dynamodb").Table("jobs").put_item(Item={"pk": "1"})


@kernel
def resource_batch_writer() -> None:
    with boto3.resource("dynamodb").Table("jobs").batch_writer() as batch:
        batch.put_item(Item={"pk": "1"})


@kernel
def resource_queue_send() -> object:
    return boto3.resource("sqs").Queue(QUEUE).send_message(MessageBody="b")


@kernel
def resource_object_delete() -> object:
    return boto3.resource("s3").Object("bucket", "key").delete()


@kernel
def resource_bucket_empty() -> object:
    return boto3.resource("s3").Bucket("bucket").delete_objects(Delete={"Objects": [{"Key": "k"}]})


@kernel
def resource_meta_client() -> object:
    return boto3.resource("dynamodb").meta.client.put_item(TableName="jobs", Item={"pk": "1"})


@kernel
def upload_file() -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "f")
        path.write_bytes(b"x")
        fresh("s3").upload_file(str(path), "bucket", "key")


@kernel
def upload_fileobj_in_threads() -> None:
    size = 5 * 2**20
    parts = TransferConfig(multipart_threshold=size, multipart_chunksize=size, max_concurrency=4)
    fresh("s3").upload_fileobj(io.BytesIO(bytes(size + 1)), "bucket", "key", Config=parts)


@kernel
def managed_copy() -> None:
    fresh("s3").copy(OBJECT, "bucket", "copy")


@kernel
def paginator() -> None:
    list(fresh("dynamodb").get_paginator("list_backups").paginate())


@kernel
def paginator_made_by_hand() -> None:
    pages = fresh("dynamodb").get_paginator("scan")
    pages._method = fresh("dynamodb").put_item
    list(pages.paginate(**ITEM))


@kernel
def waiter() -> None:
    once = {"Delay": 0, "MaxAttempts": 1}
    fresh("ec2").get_waiter("instance_running").wait(InstanceIds=["i-1"], WaiterConfig=once)


# presigned


@kernel
def presigned_put() -> None:
    send(fresh("s3").generate_presigned_url("put_object", Params=OBJECT), "PUT", b"x")


@kernel
def presigned_put_v4() -> None:
    client = fresh("s3", config=Config(signature_version="s3v4"))
    send(client.generate_presigned_url("put_object", Params=OBJECT), "PUT", b"x")


@kernel
def presigned_delete() -> None:
    send(fresh("s3").generate_presigned_url("delete_object", Params=OBJECT), "DELETE")


@kernel
def presigned_get_as_put() -> None:
    """boto3 signs a listed read's URL for another method when asked to: the object is overwritten."""
    send(fresh("s3").generate_presigned_url("get_object", Params=OBJECT, HttpMethod="PUT"), "PUT", b"x")


@kernel
def presigned_get_as_delete() -> None:
    send(fresh("s3").generate_presigned_url("head_object", Params=OBJECT, HttpMethod="DELETE"), "DELETE")


@kernel
def presigned_post() -> None:
    form = fresh("s3").generate_presigned_post("bucket", "key")
    send(form["url"], "POST", repr(form["fields"]).encode())


@kernel
def presigned_read_of_a_query_service() -> None:
    """AWS's query services obey a GET whose address names any Action."""
    client = fresh("sqs")
    address = f"{client.meta.endpoint_url}/?Action=PurgeQueue&QueueUrl=q"
    request = {"method": "GET", "url": address, "headers": {}, "body": b"", "context": {}}
    send(client._request_signer.generate_presigned_url(request, "GetQueueUrl"), "GET")


@kernel
def post_presigner() -> None:
    client = fresh("s3")
    address = f"{client.meta.endpoint_url}/bucket"
    request = {"method": "POST", "url": address, "headers": {}, "body": b"", "context": {}}
    form = botocore.signers.S3PostPresigner(client._request_signer).generate_presigned_post(request)
    send(form["url"], "POST", b"x")


@kernel
def signer_lent_to_urllib() -> None:
    """A listed name, and a request that is something else."""
    client = fresh("dynamodb")
    headers = {"X-Amz-Target": PUT_TARGET}
    request = AWSRequest("POST", client.meta.endpoint_url, headers, PUT_BODY)
    client._request_signer.sign("GetItem", request)
    send(client.meta.endpoint_url, "POST", PUT_BODY, dict(request.headers.items()))


@kernel
def unsigned_client() -> object:
    return fresh("s3", config=Config(signature_version=UNSIGNED)).put_object(**OBJECT)


@kernel
def unsigned_presigned_put() -> None:
    client = fresh("s3", config=Config(signature_version=UNSIGNED))
    send(client.generate_presigned_url("put_object", Params=OBJECT), "PUT", b"x")


# sessions and classes of one's own


@kernel
def fresh_boto3_session() -> object:
    session = boto3.Session(aws_access_key_id="a", aws_secret_access_key="b", region_name="us-east-1")
    return session.client("dynamodb").put_item(**ITEM)  # type: ignore[arg-type]


@kernel
def fresh_botocore_session() -> object:
    return botocore.session.get_session().create_client("dynamodb").put_item(**ITEM)


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
    session = botocore.session.Session()
    session.register("creating-client-class", lambda base_classes, **_: base_classes.insert(0, _Override))
    return session.create_client("dynamodb").put_item(**ITEM)


@kernel
def class_hook_with_an_attribute() -> object:
    def add(class_attributes: dict[str, Any], **_: Any) -> None:
        class_attributes["_make_api_call"] = _Override._make_api_call

    session = botocore.session.Session()
    session.register("creating-client-class", add)
    return session.create_client("dynamodb").put_item(**ITEM)


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
    class Mine(botocore.endpoint.Endpoint):
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


# behind the client's back


def request_for(client: Any, operation: str, arguments: dict[str, Any]) -> tuple[Any, dict[str, Any]]:
    model = client.meta.service_model.operation_model(operation)
    context = {
        "client_region": client.meta.region_name,
        "client_config": client.meta.config,
        "has_streaming_input": False,
        "auth_type": model.resolved_auth_type,
    }
    url = client.meta.endpoint_url
    return model, client._convert_to_request_dict(arguments, model, url, context=context)


def unsigned(client: Any) -> Any:
    """Take the signer off the client's requests, so that only what sends them can stop them."""
    service_id = client.meta.service_model.service_id.hyphenize()
    client.meta.events.unregister(f"request-created.{service_id}", client._request_signer.handler)
    return client


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
    client = botocore.session.Session().create_client("s3")
    client.meta.service_model._service_description["operations"]["GetObject"]["http"]["method"] = "PUT"
    return client.get_object(**OBJECT)


# event handlers


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


# threads and processes


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


# turning the gate's own handles (each in a process of its own)


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
    return boto3.Session().client("dynamodb").put_item(**ITEM)  # type: ignore[arg-type]


@alone
def client_and_endpoint_modules_reloaded() -> object:
    importlib.reload(botocore.endpoint)
    importlib.reload(botocore.client)
    return boto3.Session().client("dynamodb").put_item(**ITEM)  # type: ignore[arg-type]


@alone
def signers_module_reloaded() -> object:
    importlib.reload(botocore.signers)
    return boto3.Session().client("dynamodb").put_item(**ITEM)  # type: ignore[arg-type]


@alone
def modules_reloaded_and_library_too() -> object:
    """The library closes reloaded seams again when it is reloaded itself."""
    reload_botocore()
    if gate := _gate():
        importlib.reload(gate)
        importlib.reload(importlib.import_module("ops_lib"))
    return boto3.Session().client("dynamodb").put_item(**ITEM)  # type: ignore[arg-type]


@alone
def modules_reloaded_but_client_guarded() -> object:
    """The client's own events still judge where no class does."""
    reload_botocore()
    client = boto3.Session().client("dynamodb")
    if gate := _gate():
        gate.guard(client)
    return client.put_item(**ITEM)  # type: ignore[arg-type]


@alone
def modules_reloaded_but_client_guarded_presigned_put() -> None:
    reload_botocore()
    client = boto3.Session().client("s3")
    if gate := _gate():
        gate.guard(client)
    send(client.generate_presigned_url("put_object", Params=OBJECT), "PUT", b"x")


@alone
def modules_reloaded_but_client_guarded_make_request() -> object:
    reload_botocore()
    client: Any = boto3.Session().client("dynamodb")
    if gate := _gate():
        gate.guard(client)
    return client._endpoint.make_request(*request_for(client, "PutItem", ITEM))


def reload_botocore() -> None:
    for name in ("signers", "endpoint", "args", "client"):
        importlib.reload(importlib.import_module(f"botocore.{name}"))


# known limits: code that means to get round the gate does


@limit
def botocore_reloaded() -> object:
    reload_botocore()
    return boto3.Session().client("dynamodb").put_item(**ITEM)  # type: ignore[arg-type]


@limit
def request_signed_by_hand() -> None:
    credentials = boto3.Session().get_credentials()
    url = os.environ["AWS_ENDPOINT_URL"]
    request = AWSRequest("POST", url, {"X-Amz-Target": PUT_TARGET}, PUT_BODY)
    SigV4Auth(credentials, "dynamodb", "us-east-1").add_auth(request)
    send(url, "POST", PUT_BODY, dict(request.headers.items()))


@limit
def another_python() -> None:
    import subprocess

    code = f"import boto3; boto3.client('dynamodb').put_item(**{ITEM!r})"
    subprocess.run([sys.executable, "-c", code], check=True)


@limit
def patches_deleted() -> object:
    for owner, name in SEAMS.values():
        open_seam(owner, name)
    return fresh("dynamodb").put_item(**ITEM)


SEAMS = {
    "_make_api_call": (botocore.client.BaseClient, "_make_api_call"),
    "make_request": (botocore.endpoint.Endpoint, "make_request"),
    "sign": (botocore.signers.RequestSigner, "sign"),
    "_send": (botocore.endpoint.Endpoint, "_send"),
}


def open_seam(owner: type, name: str) -> None:
    """Put botocore's own method back in place of the gate's, out of the gate's closure."""
    gated = vars(owner)[name]
    cells = dict(zip(gated.__code__.co_freevars, gated.__closure__ or (), strict=True))
    if "original" in cells:
        setattr(owner, name, cells["original"].cell_contents)


def main(road: str, *options: str) -> None:
    """python roads.py ROAD [guarded] [without=SEAM]"""
    earlier()
    if "guarded" in options:
        importlib.import_module("ops_lib")
    for option in options:
        if option.startswith("without="):
            open_seam(*SEAMS[option.removeprefix("without=")])
    {**KERNEL, **ALONE, **LIMITS}[road]()


if __name__ == "__main__":
    main(*sys.argv[1:])
