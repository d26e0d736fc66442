"""The list of reads against botocore's own models, and the gate's installation; test_gate_attacks.py attacks it."""

from __future__ import annotations

import importlib
import re
import subprocess
import sys
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import boto3
import botocore.session
import pytest
from botocore.awsrequest import AWSRequest
from botocore.client import BaseClient
from botocore.endpoint import Endpoint
from botocore.model import OperationModel, ServiceModel
from botocore.signers import RequestSigner

import ops_lib
from ops_lib import gate
from ops_lib.errors import ChangeRefused

ROOT = Path(__file__).parent.parent
BOTO3_NAMES = {
    "Service Quotas": "service-quotas",
    "CloudWatch Logs": "logs",
    "Application Auto Scaling": "application-autoscaling",
    "SSO OIDC": "sso-oidc",
}
SEAMS = (
    (BaseClient, "_make_api_call"),
    (Endpoint, "make_request"),
    (RequestSigner, "sign"),
    (Endpoint, "_send"),
)

# Listed though their first word is no word of reading; each with the reason why it changes nothing.
NOT_NAMED_AS_READS = {
    "StartQuery": "a search of one's own",
    "StopQuery": "ends a search of one's own",
    "AssumeRole": "a credential for this process",
    "AssumeRoleWithWebIdentity": "a credential for this process",
    "CreateToken": "a credential for this process",
    "CreateOAuth2Token": "a credential for this process",
    "SimulatePrincipalPolicy": "a question about policies",
    "FilterLogEvents": "a search",
    "BatchGetItem": "several GetItem",
    "BatchGetImage": "several images' manifests",
    "BatchGetBuilds": "several builds' states",
}
# What reads and changes under one roof, or only sounds like a read: must never be listed.
NEVER = {
    "SQS": "ReceiveMessage ChangeMessageVisibility ChangeMessageVisibilityBatch StartMessageMoveTask DeleteMessage",
    "DynamoDB": "ExecuteStatement BatchExecuteStatement ExecuteTransaction TransactWriteItems BatchWriteItem",
    "STS": "GetFederationToken GetSessionToken",
    "ECR": "GetAuthorizationToken GetDownloadUrlForLayer",
    "CloudWatch Logs": "StartLiveTail CreateExportTask TestTransformer",
    "S3": "PutObject CopyObject DeleteObject SelectObjectContent CreateSession RestoreObject PostObject",
    "SageMaker": "UpdateEndpoint UpdateEndpointWeightsAndCapacities",
    "CodeBuild": "BatchDeleteBuilds StartBuild RetryBuild",
    "SSO OIDC": "RegisterClient StartDeviceAuthorization CreateTokenWithIAM",
}


def service_model(service: gate.Service) -> ServiceModel:
    name = BOTO3_NAMES.get(service.service_id, service.service_id.lower())
    return botocore.session.get_session().get_service_model(name)


def listed() -> list[Any]:
    return [pytest.param(service, id=service.service_id) for service in gate.CATALOGUE]


def aws(service: str) -> Any:
    """Return a client that could send nothing: its endpoint is a closed port of this machine."""
    session: Any = boto3.Session("a", "b", region_name="us-east-1")
    return session.client(service, endpoint_url="http://127.0.0.1:9")


def python(code: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, cwd=ROOT)


# The list.


@pytest.mark.parametrize("service", listed())
def test_each_listed_operation_exists_in_botocore(service: gate.Service) -> None:
    model = service_model(service)
    assert (model.service_id, model.endpoint_prefix) == (service.service_id, service.endpoint_prefix)
    assert service.operations <= set(model.operation_names)
    assert (service.kind == "rest") is model.resolved_protocol.startswith("rest")


@pytest.mark.parametrize("service", listed())
def test_no_listed_operation_is_a_change(service: gate.Service) -> None:
    model = service_model(service)
    for name in service.operations:
        first_word = re.findall("[A-Z][a-z]+", name)[0]
        assert first_word in ("Get", "List", "Describe", "Head", "Query", "Scan") or name in NOT_NAMED_AS_READS
        if service.kind == "rest":
            assert _sent_as_read(service, model.operation_model(name))


def _sent_as_read(service: gate.Service, operation: OperationModel) -> bool:
    path = (service.service_id, operation.http["requestUri"].split("?")[0])
    return operation.http["method"] in ("GET", "HEAD") or path in gate.TOKEN_PATHS


def test_where_amazon_marks_reads_itself_the_list_agrees() -> None:
    """Smithy's trait `readonly`: only some service models carry it, ECS's is complete."""
    (ecs,) = (service for service in gate.CATALOGUE if service.service_id == "ECS")
    model: Any = service_model(ecs)
    operations = model._service_description["operations"]
    assert all(operations[name].get("readonly") for name in ecs.operations)


@pytest.mark.parametrize("service_id", NEVER)
def test_operations_that_only_sound_like_reads_are_not_listed(service_id: str) -> None:
    assert not gate.READS[service_id] & set(NEVER[service_id].split())


def test_every_exception_to_the_naming_is_still_listed() -> None:
    everything = set().union(*gate.READS.values())
    assert set(NOT_NAMED_AS_READS) <= everything


@pytest.mark.parametrize("service", listed())
def test_every_unlisted_operation_of_a_listed_service_is_refused(service: gate.Service) -> None:
    client = aws(BOTO3_NAMES.get(service.service_id, service.service_id.lower()))
    for name in set(service_model(service).operation_names) - service.operations:
        with pytest.raises(ChangeRefused, match=f"Refused {service.service_id} {name}: "):
            client._make_api_call(name, {})


def test_the_list_cannot_be_edited_in_place() -> None:
    reads: Any = gate.READS
    with pytest.raises(TypeError):
        reads["Lambda"] = frozenset({"Invoke"})
    with pytest.raises(AttributeError):
        reads["SQS"].add("PurgeQueue")
    with pytest.raises(AttributeError):
        gate.CATALOGUE[0].operations = frozenset()  # type: ignore[misc]


def test_replacing_the_list_opens_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """The patched methods hold the list of the first import; a global with its name is only a name."""
    everything = gate.Service("SQS", "sqs", "rest", frozenset({"PurgeQueue"}))
    monkeypatch.setattr(gate, "CATALOGUE", (everything,))
    monkeypatch.setattr(gate, "READS", {"SQS": everything.operations})
    monkeypatch.setattr(gate, "TOKEN_PATHS", {("SQS", "/"), ("S3", "/b/k")})
    gate.install()
    with pytest.raises(ChangeRefused, match="Refused SQS PurgeQueue: it is not on the list"):
        aws("sqs").purge_queue(QueueUrl="q")
    with pytest.raises(ChangeRefused, match="Refused S3 PUT request"):
        aws("s3").generate_presigned_url("get_object", Params={"Bucket": "b", "Key": "k"}, HttpMethod="PUT")


# The refusal.


def test_the_refusal_is_one_line_with_operation_reason_and_next_step() -> None:
    with pytest.raises(ChangeRefused) as refused:
        aws("sqs").purge_queue(QueueUrl="q")
    assert str(refused.value) == (
        "Refused SQS PurgeQueue: it is not on the list of reading operations (ops_lib/gate.py). "
        "Next: notebooks only read; a change is made by `ops apply` from a reviewed plan."
    )


def test_a_change_is_refused_before_its_arguments_are_looked_at() -> None:
    with pytest.raises(ChangeRefused):
        aws("dynamodb").put_item(TableName=7)


def test_a_change_is_refused_before_a_credential_is_looked_for() -> None:
    session = botocore.session.Session()
    client: Any = session.create_client("s3", region_name="us-east-1", endpoint_url="http://127.0.0.1:9")
    with pytest.raises(ChangeRefused):
        client.put_object(Bucket="b", Key="k")


# What a request says by itself, as the signer sees it.


@pytest.mark.parametrize(
    ("service", "called", "request_"),
    [
        ("cloudwatch", "GetMetricData", AWSRequest("POST", "http://h/service/X/operation/PutMetricData")),
        ("sts", "GetCallerIdentity", AWSRequest("POST", "http://h/", data={"Action": "GetSessionToken"})),
        ("sqs", "ListQueues", AWSRequest("POST", "http://h/", {"x-amz-target": "AmazonSQS.PurgeQueue"})),
        ("sqs", "ListQueues", AWSRequest("GET", "http://h/?Action=PurgeQueue")),
        ("sqs", "ListQueues", AWSRequest("POST", "http://h/")),
        ("s3", "GetObject", AWSRequest("PUT", "http://h/bucket/key")),
        ("s3", "GetObject", AWSRequest("POST", "http://h/bucket?delete", {"X-Amz-Target": "X.GetObject"})),
        (
            "pipes",
            "DescribePipe",
            AWSRequest("POST", "http://h/v1/pipes/p/stop", {"X-Amz-Target": "X.DescribePipe"}),
        ),
        ("sso-oidc", "CreateToken", AWSRequest("POST", "http://h/client/register")),
    ],
)
def test_nothing_is_signed_but_what_it_is_called(service: str, called: str, request_: AWSRequest) -> None:
    with pytest.raises(ChangeRefused, match=f"it was to be signed as the read {called}"):
        aws(service)._request_signer.sign(called, request_)
    assert "Authorization" not in request_.headers


def test_an_action_in_a_form_already_encoded_is_seen() -> None:
    form = {"Content-Type": "application/x-www-form-urlencoded; charset=utf-8"}
    request = AWSRequest("POST", "http://h/", form, b"Action=GetSessionToken&Version=2011-06-15")
    with pytest.raises(ChangeRefused, match="STS GetSessionToken"):
        aws("sts")._request_signer.sign("GetCallerIdentity", request)


def test_a_presigned_read_is_a_get_of_s3_only() -> None:
    url = aws("s3").generate_presigned_url("get_object", Params={"Bucket": "b", "Key": "k"})
    assert url.startswith("http://127.0.0.1:9/b/k?")
    with pytest.raises(ChangeRefused, match="only reads of S3 are presigned"):
        aws("sts").generate_presigned_url("get_caller_identity")


# Installation.


def test_the_package_is_a_real_one_so_that_importing_it_installs_the_gate() -> None:
    """An editable install made before __init__.py existed loads a namespace package, and no gate: install it anew."""
    assert ops_lib.__file__ is not None
    assert ops_lib.__version__ == tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]


def test_every_seam_is_ours_after_import() -> None:
    assert all(hasattr(vars(owner)[name], "__ops_gate__") for owner, name in SEAMS)


@pytest.mark.parametrize("again", [gate.install, lambda: importlib.reload(gate), lambda: importlib.reload(ops_lib)])
def test_installing_again_wraps_nothing_twice(again: Callable[[], object]) -> None:
    before, own = [vars(owner)[name] for owner, name in SEAMS], dict(vars(gate))
    try:
        again()
        assert [vars(owner)[name] for owner, name in SEAMS] == before
        with pytest.raises(ChangeRefused):
            aws("sqs").purge_queue(QueueUrl="q")
    finally:
        vars(gate).update(own)  # a reloaded module's door is in no seam: whoever comes next needs the first


@pytest.mark.parametrize("module_and_seam", ["client.BaseClient._make_api_call", "endpoint.Endpoint.make_request"])
@pytest.mark.parametrize("change", ["del {seam}", "{seam} = lambda self, request, more: None", "{seam} = None"])
def test_a_botocore_without_the_seam_is_not_imported_with(module_and_seam: str, change: str) -> None:
    _refuses_to_import(module_and_seam, change)


@pytest.mark.parametrize("module_and_seam", ["signers.RequestSigner.sign", "endpoint.Endpoint._send"])
@pytest.mark.parametrize("change", ["del {seam}", "{seam} = lambda self, other: None"])
def test_a_botocore_without_the_inner_seam_is_not_imported_with(module_and_seam: str, change: str) -> None:
    _refuses_to_import(module_and_seam, change)


def _refuses_to_import(module_and_seam: str, change: str) -> None:
    module = module_and_seam.split(".")[0]
    seam = f"botocore.{module_and_seam}"
    ran = python(f"import botocore.{module}\n{change.format(seam=seam)}\nimport ops_lib")
    assert ran.returncode == 1
    last = ran.stderr.strip().splitlines()[-1]
    named = re.escape(module_and_seam.split(".", 1)[1])
    assert re.fullmatch(rf"ImportError: ops_lib cannot guard botocore \S+: {named} takes .* Next: .*", last)


def test_a_missing_seam_leaves_the_others_unpatched() -> None:
    """All or nothing: a process that catches the ImportError must not look half guarded."""
    code = """
import botocore.endpoint
from botocore.client import BaseClient
del botocore.endpoint.Endpoint._send
try:
    import ops_lib
except ImportError:
    print(hasattr(BaseClient._make_api_call, "__ops_gate__"))
"""
    assert python(code).stdout == "False\n"


def test_guard_installs_the_gate_where_the_package_did_not() -> None:
    code = """
import sys, types, boto3
sys.modules["ops_lib"] = types.ModuleType("ops_lib")
sys.modules["ops_lib"].__path__ = ["ops_lib"]
from ops_lib import gate
gate.guard(boto3.client("sqs", region_name="us-east-1"))
boto3.client("dynamodb", region_name="us-east-1").put_item()
"""
    assert "ChangeRefused: Refused DynamoDB PutItem" in python(code).stderr


def test_guard_returns_the_client_and_registers_once() -> None:
    client = aws("sqs")
    assert gate.guard(gate.guard(client)) is client
    for event, name in (("provide-client-params", "ops-gate-params"), ("before-sign", "ops-gate-sign")):
        client.meta.events.unregister(event, unique_id=name)
    client.meta.events.emit("provide-client-params.sqs.PurgeQueue", model=None)  # nobody is left to raise


def test_guard_judges_before_handlers_registered_earlier() -> None:
    client, heard = aws("sqs"), list[str]()
    client.meta.events.register("provide-client-params", lambda **_: heard.append("other"))
    gate.guard(client)
    model = client.meta.service_model.operation_model("PurgeQueue")
    with pytest.raises(ChangeRefused):
        client.meta.events.emit("provide-client-params.sqs.PurgeQueue", model=model, params={})
    assert heard == []


def test_importing_the_library_stays_light() -> None:
    heavy = "{'boto3', 's3transfer', 'pandas', 'matplotlib', 'IPython', 'numpy', 'pydantic', 'yaml', 'moto'}"
    assert python(f"import sys, ops_lib; print(sorted({heavy} & set(sys.modules)))").stdout == "[]\n"


def test_botocore_stays_in_the_range_that_was_attacked() -> None:
    """Another minor version may send requests by another road: run the attacks on it first, then widen this."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert "boto3>=1.44,<1.45" in project["dependencies"]
    assert botocore.__version__.startswith("1.44.")
