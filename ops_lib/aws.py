"""The only place that makes AWS clients: one session per environment, the account checked before any data is read.

Every client is guarded by the gate. boto3's own AWS_ENDPOINT_URL and credential variables are honoured, except in a
sandbox, which brings its own endpoint and keys so that no real credential is ever sent to it.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from threading import Lock, Thread
from typing import TYPE_CHECKING, Any, Literal, overload

import boto3
import botocore.session
from botocore.config import Config
from botocore.credentials import AssumeRoleCredentialFetcher, DeferredRefreshableCredentials
from botocore.exceptions import BotoCoreError, ClientError
from botocore.parsers import ResponseParserError

from ops_lib import gate, sandbox_process
from ops_lib.environment import EnvironmentFile, load_environment
from ops_lib.errors import NotReadable, WrongAccount
from ops_lib.places import ops_command
from ops_lib.settings import Settings
from ops_lib.tape import Player, Tape

if TYPE_CHECKING:
    from mypy_boto3_application_autoscaling import ApplicationAutoScalingClient
    from mypy_boto3_cloudwatch import CloudWatchClient
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_ecs import ECSClient
    from mypy_boto3_iam import IAMClient
    from mypy_boto3_logs import CloudWatchLogsClient
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_sagemaker import SageMakerClient
    from mypy_boto3_sqs import SQSClient

# botocore's own retries are the only ones: three attempts, then the reason is shown.
CONFIG = Config(
    connect_timeout=3,
    read_timeout=15,
    retries={"mode": "standard", "total_max_attempts": 3},
    max_pool_connections=32,
    # Given whole: botocore puts its own together anew, twice for each call.
    user_agent=f"stereo-spot-ops Boto3/{boto3.__version__}",
)
# A change is sent once: where its answer is lost, the world is asked, not botocore. S3 may take long over a copy.
# No checksum that S3 does not ask for: it would wrap the body, and the gate could not compare it.
ONCE = CONFIG.merge(
    Config(
        read_timeout=60,
        retries={"mode": "standard", "total_max_attempts": 1},
        request_checksum_calculation="when_required",
    )
)
# What the verdict on a job waits for longest comes first: its log lines, then its tasks and queues.
AHEAD = ("logs", "dynamodb", "ecs", "sqs", "s3", "cloudwatch", "sagemaker")


@dataclass(frozen=True)
class Identity:
    """Who asks: STS GetCallerIdentity's account and ARN, and the region of the clients."""

    account_id: str
    arn: str
    region: str


class Aws:
    """Clients of one environment, each made once and kept; safe to share between threads.

    `tape`: what they were answered up to now.
    """

    def __init__(self, settings: Settings, identity: Identity, clients: _Clients) -> None:
        self.settings, self.identity, self._clients = settings, identity, clients
        self.tape = clients.tape

    @overload
    def client(self, service: Literal["sqs"]) -> SQSClient: ...
    @overload
    def client(self, service: Literal["dynamodb"]) -> DynamoDBClient: ...
    @overload
    def client(self, service: Literal["s3"]) -> S3Client: ...
    @overload
    def client(self, service: Literal["ecs"]) -> ECSClient: ...
    @overload
    def client(self, service: Literal["application-autoscaling"]) -> ApplicationAutoScalingClient: ...
    @overload
    def client(self, service: Literal["sagemaker"]) -> SageMakerClient: ...
    @overload
    def client(self, service: Literal["cloudwatch"]) -> CloudWatchClient: ...
    @overload
    def client(self, service: Literal["logs"]) -> CloudWatchLogsClient: ...
    @overload
    def client(self, service: Literal["iam"]) -> IAMClient: ...
    @overload
    def client(self, service: Literal["codebuild", "ecr", "service-quotas"]) -> Any: ...

    def client(self, service: str) -> Any:
        """Return the guarded client of `service` (boto3's name), making it once."""
        return self._clients.get(service)

    def beside(self, what: str, read: Callable[[], Any]) -> Any:
        """Return what `read` returns, kept on the tape; from a bundle what it returned then (None: not asked)."""
        if self._clients.player:
            return self._clients.player.noted(what)
        answer = read()
        self.tape.note(what, answer)
        return answer

    def once(self, service: str) -> Any:
        """Return the client of `service` that sends each call once: for changes, which the gate must admit."""
        return self._clients.get(service, ONCE)


class _Clients:
    """The clients of one session. boto3 makes them one at a time: its session is not safe between threads."""

    def __init__(self, session: boto3.Session, settings: Settings, taped: bool = True) -> None:
        self._session, self._settings, self._taped = session, settings, taped
        self.tape = Tape()
        self.player = Player(settings.bundle) if settings.bundle else None
        self._made: dict[tuple[str, bool], Any] = {}
        self._making = Lock()

    def get(self, service: str, config: Config = CONFIG) -> Any:
        with self._making:
            key = (service, config is ONCE)
            if key not in self._made:
                client = _client(self._session, service, self._settings, config)
                if self.player:
                    self.player.play(client)
                elif self._taped:
                    self.tape.record(client, _refuse_what_aws_never_said)
                else:
                    client.meta.events.register_first("after-call", _refuse_what_aws_never_said)
                self._made[key] = client
            return self._made[key]

    def make_ahead(self) -> None:
        # What cannot be made says so to whoever asks for it.
        with suppress(BotoCoreError, ValueError):
            for service in AHEAD:
                self.get(service)


def connect(settings: Settings, taped: bool = True) -> Aws:
    """Return the clients of an environment after STS has confirmed the account; `taped`: their answers are kept.

    Raises WrongAccount if STS names another account than the environment expects, and NotReadable if there
    is no credential or STS does not answer. Nothing else is asked of AWS before this check.
    """
    try:
        clients = _Clients(_session(settings), settings, taped)
        sts = clients.get("sts")
        # Reading a service's model takes tens of milliseconds of this processor's time; STS's answer takes none of it.
        Thread(target=clients.make_ahead, daemon=True).start()
        answer = sts.get_caller_identity()
        identity = Identity(str(answer["Account"]), str(answer["Arn"]), settings.region)
    except (BotoCoreError, ClientError, ResponseParserError, KeyError, ValueError, TypeError) as error:
        raise NotReadable(_who_are_you(settings, error)) from None
    expected = settings.account_id
    if expected and identity.account_id != expected:
        raise WrongAccount(
            "AWS account of the present credential",
            identity.account_id,
            f"environment {settings.environment} expects {expected}; no data was read",
            "switch the profile or credentials, or open the environment you mean with -e",
        )
    return Aws(settings, identity, clients)


def connect_responder(settings: Settings) -> Aws:
    """Return the clients of `ops apply`: the same checks under the responder's credential, never the reader's.

    In a sandbox its own responder's keys; else the YAML's responder_role_arn, assumed from its profile; else the
    ambient credential, without the YAML's profile, which is the reader's. Raises as `connect` does.
    """
    return _connect_as(settings, "responder", lambda declared: declared.responder_role_arn)


def connect_deliver(settings: Settings) -> Aws:
    """Return the clients of `ops deliver`: the same checks under deliver_role_arn's credential, else the ambient one.

    In a sandbox its own keys for that role. Raises as `connect` does.
    """
    return _connect_as(settings, "deliver", lambda declared: declared.deliver_role_arn)


def _connect_as(settings: Settings, role: str, arn_of: Callable[[EnvironmentFile], str | None]) -> Aws:
    """Return the clients of a role that is not the reader's: never under the YAML's profile alone, which is.

    Their answers are no evidence, and there may be a hundred thousand of them: they are not kept.
    """
    if settings.sandbox:
        return connect(replace(settings, keys=sandbox_process.keys_of(role, settings.sandbox)), taped=False)
    arn = arn_of(load_environment(settings.file))
    return connect(replace(settings, reader_role_arn=arn, profile=settings.profile if arn else None), taped=False)


def _client(session: boto3.Session, service: str, settings: Settings, config: Config = CONFIG) -> Any:
    # A sandbox is on this machine: never through the operator's proxy.
    config = config.merge(Config(proxies={})) if settings.sandbox else config
    client = session.client(service, endpoint_url=settings.endpoint_url, config=config)  # type: ignore[call-overload]
    return gate.guard(client)


def _refuse_what_aws_never_said(http_response: Any, model: Any, **_: Any) -> None:
    """Raise ResponseParserError for a success that is no document of the service's protocol.

    botocore reads a hotel network's welcome page, or half an answer, as an empty one: "no such item".
    """
    if http_response.status_code >= 300 or model.has_streaming_output:
        return
    body, protocol = http_response.content.strip(), model.service_model.resolved_protocol
    ends = body[:1] + body[-1:]
    is_document = {
        "json": ends == b"{}",
        "rest-json": ends == b"{}",
        "smithy-rpc-v2-cbor": "cbor" in str(http_response.headers.get("Content-Type", "")),
    }.get(protocol, ends == b"<>" and b"<html" not in body[:200].lower())
    if body and not is_document:
        raise ResponseParserError(f"{model.name} was answered with {len(body)} bytes that are no {protocol} document")


def _session(settings: Settings) -> boto3.Session:
    if settings.keys:
        # A sandbox must not depend on, or fail by, the operator's AWS_PROFILE.
        core = botocore.session.Session(session_vars={"profile": (None, None, None, None)})
        core.set_credentials(*settings.keys)
        return boto3.Session(botocore_session=core, region_name=settings.region)
    core = botocore.session.Session(profile=settings.profile)
    if settings.reader_role_arn:
        core = _assume(core, settings.reader_role_arn, settings)
    return boto3.Session(botocore_session=core, region_name=settings.region)


def _assume(source: botocore.session.Session, role_arn: str, settings: Settings) -> botocore.session.Session:
    """Return a session under a role; its credentials are fetched when used and renewed by botocore."""
    source.set_config_variable("region", settings.region)
    try:
        own = source.get_credentials()
    except BotoCoreError as error:
        raise NotReadable(_who_are_you(settings, error)) from None
    if own is None:
        raise NotReadable(_who_are_you(settings, ValueError(f"no credential to assume {role_arn} with")))
    fetcher = AssumeRoleCredentialFetcher(
        # Whoever is asked for everything else is asked for the role.
        client_creator=partial(source.create_client, endpoint_url=settings.endpoint_url),
        source_credentials=own,
        role_arn=role_arn,
        extra_args={"RoleSessionName": "stereo-spot-ops"},
    )
    session = botocore.session.Session(profile=settings.profile)
    # botocore documents no public way to hand a session credentials that renew themselves.
    renewing = DeferredRefreshableCredentials(method="assume-role", refresh_using=fetcher.fetch_credentials)
    vars(session)["_credentials"] = renewing
    return session


def _who_are_you(settings: Settings, error: Exception) -> str:
    how = f"profile {settings.profile}" if settings.profile else "the ambient credential"
    words = " ".join(str(error).split()) or type(error).__name__
    return (
        f"environment {settings.environment}: STS did not say which account {how} belongs to ({words}); "
        f"no data was read. Next: sign in (aws sso login, or export fresh keys), then run {ops_command()} doctor."
    )
