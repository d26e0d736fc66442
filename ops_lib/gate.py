"""The gate: in this process boto3 can read AWS and nothing else.

`import ops_lib` installs it. It guards against mistakes, not against hostile code in the same process (a cell
can always start another program or sign a request by hand): the boundary is the credential. There is no
off-switch; no environment variable and no global opens it: the patched methods hold the list in closures.

Four seams of botocore are patched, for every client made before or after. What each alone stops:

    BaseClient._make_api_call  a change, before any handler or transport of another's sees its arguments
    Endpoint.make_request      the same, handed to the endpoint behind the client's back
    RequestSigner.sign         presigned URLs and POST forms, which reach no endpoint; signing any change
    Endpoint._send             a request that says something else on leaving than the name it was called by

All four let pass what the door (ops_lib/door.py) admits, one call with its arguments: in the process of `ops apply` a
step of a plan, and under an inspection lease a look into a dead-letter queue.

`guard(client)` puts the same judgement on one client's own events: it holds even where botocore was reloaded.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Mapping
from types import MappingProxyType
from typing import Any, NamedTuple, TypeVar, cast
from urllib.parse import parse_qs, urlsplit

from botocore import __version__ as botocore_version
from botocore.client import BaseClient
from botocore.endpoint import Endpoint
from botocore.signers import RequestSigner

from ops_lib.door import Door, make_door
from ops_lib.errors import ChangeRefused

Client = TypeVar("Client")


class Service(NamedTuple):
    """The reads of one AWS service; ids and prefixes as in botocore's service model, kind "rpc" or "rest"."""

    service_id: str
    endpoint_prefix: str
    kind: str
    operations: frozenset[str]


def _service(service_id: str, endpoint_prefix: str, kind: str, *operations: str) -> Service:
    return Service(service_id, endpoint_prefix, kind, frozenset(" ".join(operations).split()))


# Operations by name, never by a verb's prefix. A test looks each of them up in botocore's models.
# fmt: off
CATALOGUE: tuple[Service, ...] = (
    # Not ReceiveMessage, not ChangeMessageVisibility: they hide messages, and a few looks make a dead letter. Only an
    # inspection lease (ops_lib/lease.py) makes them, on one dead-letter queue.
    _service("SQS", "sqs", "rpc",
             "GetQueueAttributes GetQueueUrl ListDeadLetterSourceQueues ListMessageMoveTasks",
             "ListQueueTags ListQueues"),
    # Not ExecuteStatement: PartiQL writes under the same name as it reads.
    _service("DynamoDB", "dynamodb", "rpc",
             "BatchGetItem DescribeTable DescribeTimeToLive GetItem ListTables Query Scan"),
    _service("ECS", "ecs", "rpc",
             "DescribeClusters DescribeServices DescribeTaskDefinition DescribeTasks",
             "ListClusters ListServices ListTasks"),
    _service("Application Auto Scaling", "application-autoscaling", "rpc",
             "DescribeScalableTargets DescribeScalingActivities DescribeScalingPolicies"),
    _service("CloudWatch", "monitoring", "rpc",
             "DescribeAlarmHistory DescribeAlarms GetMetricData GetMetricStatistics ListMetrics"),
    # StartQuery and StopQuery begin and end a search of one's own: billed by bytes scanned, changing nothing.
    _service("CloudWatch Logs", "logs", "rpc",
             "DescribeLogGroups DescribeLogStreams FilterLogEvents GetLogEvents",
             "GetQueryResults StartQuery StopQuery"),
    _service("Service Quotas", "servicequotas", "rpc", "ListServiceQuotas"),
    _service("S3", "s3", "rest",
             "GetBucketLifecycleConfiguration GetBucketLocation GetBucketNotificationConfiguration",
             "GetBucketVersioning GetObject HeadBucket HeadObject ListObjectsV2"),
    _service("SageMaker", "api.sagemaker", "rpc",
             "DescribeEndpoint DescribeEndpointConfig DescribeModel",
             "ListEndpointConfigs ListEndpoints ListModels ListTags"),
    _service("ECR", "api.ecr", "rpc", "BatchGetImage DescribeImages"),
    _service("CodeBuild", "codebuild", "rpc", "BatchGetBuilds ListBuildsForProject"),
    _service("Pipes", "pipes", "rest", "DescribePipe ListPipes"),
    _service("IAM", "iam", "rpc", "SimulatePrincipalPolicy"),
    # What botocore itself calls to obtain a credential: a role, a web identity, `aws sso login`, `aws login`.
    # They change nothing in the pipeline, and without them no profile that names a role could read.
    _service("STS", "sts", "rpc", "AssumeRole AssumeRoleWithWebIdentity GetCallerIdentity"),
    _service("SSO", "portal.sso", "rest", "GetRoleCredentials"),
    _service("SSO OIDC", "oidc", "rest", "CreateToken"),
    _service("Signin", "signin", "rest", "CreateOAuth2Token"),
)
# fmt: on

READS: Mapping[str, frozenset[str]] = MappingProxyType({s.service_id: s.operations for s in CATALOGUE})

# The only listed REST operations that are sent with another method than GET or HEAD: (service id, path).
TOKEN_PATHS: frozenset[tuple[str, str]] = frozenset({("SSO OIDC", "/token"), ("Signin", "/v1/token")})

_GATED = "__ops_gate__"  # marks a method that is already ours, so that a reload never wraps twice


def guard(client: Client) -> Client:
    """Return `client` after registering the gate on its own events, first in line; twice does no harm."""
    install()  # a stale editable install can load ops_lib as a namespace package, whose __init__ never runs
    events = cast(Any, client).meta.events
    events.register_first("provide-client-params", _on_params, unique_id="ops-gate-params")
    events.register_first("before-sign", _on_sign, unique_id="ops-gate-sign")
    return client


def install() -> None:
    """Patch the seams, each once. Raises ImportError, with nothing patched, if botocore lacks one of them."""
    seams = tuple(_seams(_read_judge(), _wire_judge(), _DOOR))
    for seam in seams:
        _verify(seam)
    for seam in seams:
        original = vars(seam.owner)[seam.name]
        if not hasattr(original, _GATED):
            gated = seam.wrap(original)
            setattr(gated, _GATED, True)
            setattr(seam.owner, seam.name, gated)


# Judging. Made into closures by install(), so that assigning to a name of this module changes nothing. Only the
# first import's door is in the seams: another's admits nothing.

_DOOR = make_door()
admit, lend = _DOOR.admit, _DOOR.lend

ReadJudge = Callable[[str, str], None]
WireJudge = Callable[[str, str, Any], None]


def _read_judge() -> ReadJudge:
    reads = READS

    def require_read(service_id: str, operation: str) -> None:
        if operation not in reads.get(service_id, ()):
            raise _refusal(f"{service_id} {operation}", "it is not on the list of reading operations")

    return require_read


def _wire_judge() -> WireJudge:
    """Return the judge of what a request says by itself, whatever name it was called by."""
    services = MappingProxyType({s.endpoint_prefix: s for s in CATALOGUE})
    token_paths = TOKEN_PATHS

    def require_read_on_wire(prefix: str, why: str, request: Any) -> None:
        service = services.get(prefix)
        if service is None:
            raise _refusal(f"request to {prefix}", "no operation of that service is listed")
        if service.kind == "rest":
            token = (service.service_id, urlsplit(request.url).path) in token_paths
            unlisted = set() if token or request.method in ("GET", "HEAD") else {f"{request.method} request"}
        else:
            unlisted = (set(_operations_named(request)) or {"unnamed request"}) - service.operations
        if unlisted:
            raise _refusal(f"{service.service_id} {min(unlisted)}", why)

    return require_read_on_wire


def _operations_named(request: Any) -> Iterator[str]:
    """Yield every operation that a request names, in each of AWS's RPC protocols: JSON, CBOR, query."""
    headers = [(name.lower(), _text(value)) for name, value in request.headers.items()]
    yield from (value.rpartition(".")[2] for name, value in headers if name == "x-amz-target")
    url = urlsplit(request.url)
    if "/operation/" in url.path:
        yield url.path.rpartition("/operation/")[2]
    yield from parse_qs(url.query).get("Action", [])
    body = request.data if hasattr(request, "data") else request.body  # before signing, or prepared
    if isinstance(body, dict):
        yield from [body["Action"]] if "Action" in body else []
    elif any("form-urlencoded" in value for name, value in headers if name == "content-type"):
        yield from parse_qs(_text(body)).get("Action", [])


def _text(value: str | bytes) -> str:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else value


def _refusal(what: str, why: str) -> ChangeRefused:
    next_step = "notebooks only read; a change is made by `ops apply` from a reviewed plan"
    return ChangeRefused(f"Refused {what}: {why} (ops_lib/gate.py). Next: {next_step}.")


# One client's events (guard).

_require_read, _inside = _read_judge(), _DOOR.inside


def _on_params(model: Any, **_: Any) -> None:
    if not _inside(model.service_model.service_id, model.name):
        _require_read(model.service_model.service_id, model.name)


def _on_sign(operation_name: str, request_signer: Any, **_: Any) -> None:
    if not _inside(str(request_signer._service_id), operation_name):
        _require_read(str(request_signer._service_id), operation_name)


# Botocore's classes (install).


class _Seam(NamedTuple):
    owner: type
    name: str
    parameters: str
    wrap: Callable[[Any], Callable[..., Any]]


def _seams(judge: ReadJudge, wire: WireJudge, door: Door) -> Iterator[_Seam]:
    call, make = "self operation_name api_params", "self operation_model request_dict"
    sign = "self operation_name request region_name signing_type expires_in signing_name"
    yield _Seam(BaseClient, "_make_api_call", call, lambda f: _api_call(f, judge, door))
    yield _Seam(Endpoint, "make_request", make, lambda f: _make_request(f, judge, door))
    yield _Seam(RequestSigner, "sign", sign, lambda f: _sign(f, judge, wire, door))
    yield _Seam(Endpoint, "_send", "self request", lambda f: _send(f, wire, door))


def _verify(seam: _Seam) -> None:
    found = vars(seam.owner).get(seam.name)
    parameters = " ".join(inspect.signature(found).parameters) if callable(found) else "(it is missing)"
    if parameters != seam.parameters:
        raise ImportError(
            f"ops_lib cannot guard botocore {botocore_version}: {seam.owner.__name__}.{seam.name} takes "
            f"{parameters!r}, expected {seam.parameters!r}. Next: install the versions of requirements.lock."
        )


def _api_call(original: Any, judge: ReadJudge, door: Door) -> Callable[..., Any]:
    def _make_api_call(self: Any, operation_name: str, api_params: Any) -> Any:
        if door.enters(self, operation_name, api_params):
            try:
                return original(self, operation_name, api_params)
            finally:
                door.leaves()
        judge(self.meta.service_model.service_id, operation_name)
        return original(self, operation_name, api_params)

    return _make_api_call


def _make_request(original: Any, judge: ReadJudge, door: Door) -> Callable[..., Any]:
    def make_request(self: Any, operation_model: Any, request_dict: Any) -> Any:
        service_id, operation = operation_model.service_model.service_id, operation_model.name
        if not (door.inside(service_id, operation) and door.passes("requested", request_dict, operation)):
            judge(service_id, operation)
        return original(self, operation_model, request_dict)

    return make_request


def _sign(original: Any, judge: ReadJudge, wire: WireJudge, door: Door) -> Callable[..., Any]:
    prefixes = MappingProxyType({s.service_id: s.endpoint_prefix for s in CATALOGUE})

    def sign(
        self: Any,
        operation_name: str,
        request: Any,
        region_name: Any = None,
        signing_type: str = "standard",
        expires_in: Any = None,
        signing_name: Any = None,
    ) -> None:
        service_id = str(self._service_id)
        is_inside = signing_type == "standard" and door.inside(service_id, operation_name)
        if is_inside and door.passes("signing", request, operation_name):
            original(self, operation_name, request, region_name, signing_type, expires_in, signing_name)
            door.passes("signed", request, operation_name)  # looks again: `before-sign` handlers may change it
            return
        judge(service_id, operation_name)
        # A presigned URL is used later and by anybody: only of S3's GET and HEAD is it certain what it does.
        if signing_type != "standard" and service_id != "S3":
            raise _refusal(f"presigned {service_id} {operation_name}", "only reads of S3 are presigned")
        why = f"it was to be signed as the read {operation_name}"
        wire(prefixes[service_id], why, request)
        original(self, operation_name, request, region_name, signing_type, expires_in, signing_name)
        wire(prefixes[service_id], why, request)  # again: `before-sign` handlers may change it

    return sign


def _send(original: Any, wire: WireJudge, door: Door) -> Callable[..., Any]:
    def _send(self: Any, request: Any) -> Any:
        if not door.passes("sent", request, ""):
            wire(self._endpoint_prefix, "it was to be sent under the name of a listed read", request)
        return original(self, request)

    return _send
