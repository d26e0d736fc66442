"""Gather what the endpoint runs and could run: it and its parts, images, build, alarms, backlog, metrics, leftovers."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from typing import Any

from botocore.exceptions import ClientError

from ops_lib.aws import Aws
from ops_lib.deployed import Deployed, Described, Listing, Named
from ops_lib.evidence import Evidence, Read, Unread
from ops_lib.read.alarms import read_alarms
from ops_lib.read.attempt import Incomplete, attempt
from ops_lib.read.endpoint_metrics import read_backlog, read_endpoint_metrics
from ops_lib.read.images import read_build, read_images
from ops_lib.read.times import utc
from ops_lib.read.whole import read_whole

MOST_DESCRIBED = 200  # configs and endpoints of an account that are looked into
STARTS = '"invocations start"'
MOST_PAGES = 20


def read_deployed(aws: Aws, now: datetime, rollback_alarms: Iterable[str] = ()) -> Deployed | None:
    """Return the evidence of the endpoint, None where the .env names none (inference over HTTP).

    `rollback_alarms`: alarms read besides the deployment's own.
    """
    name = aws.settings.endpoint_name
    if not name:
        return None
    with ThreadPoolExecutor(max_workers=8) as pool:
        alarms = pool.submit(read_alarms, aws, tuple(rollback_alarms))
        images, build = pool.submit(read_images, aws), pool.submit(read_build, aws)
        listing = pool.submit(_listing, aws, name)
        backlog = pool.submit(read_backlog, aws, name, now)
        endpoint = _endpoint(aws, name)
        config = _config(aws, endpoint)
        logged = pool.submit(_invocations_logged, aws, name, endpoint)
        metrics = pool.submit(read_endpoint_metrics, aws, name, _variant(endpoint), now)
        return Deployed(
            name=name,
            endpoint=endpoint,
            config=config,
            models={model: _whole(aws, "Model", model) for model in _models(config)},
            images=images.result(),
            build=build.result(),
            alarms=alarms.result(),
            backlog_requests=backlog.result(),
            invocations_logged=logged.result(),
            metrics=metrics.result(),
            listing=listing.result(),
            declared=aws.settings.env,
        )


def read_setup(aws: Aws, config: str) -> tuple[Evidence[Described], dict[str, Evidence[Described]]]:
    """Return a config of that name and the models it names."""
    found = _whole(aws, "EndpointConfig", config)
    return found, {model: _whole(aws, "Model", model) for model in _models(found)}


def _whole(aws: Aws, kind: str, name: str) -> Evidence[Described]:
    return attempt(f"sagemaker:Describe{kind} {name}", lambda: read_whole(aws, kind, name))


def _endpoint(aws: Aws, name: str) -> Evidence[Described | None]:
    def ask() -> Described | None:
        try:
            return read_whole(aws, "Endpoint", name)
        except ClientError as error:
            # SageMaker answers ValidationException "Could not find endpoint" for a name that does not exist.
            if "could not find" in str(error).lower():
                return None
            raise

    return attempt(f"sagemaker:DescribeEndpoint {name}", ask)


def _config(aws: Aws, endpoint: Evidence[Described | None]) -> Evidence[Described]:
    if isinstance(endpoint, Read) and endpoint.value:
        return _whole(aws, "EndpointConfig", endpoint.value.content["EndpointConfigName"])
    why = "there is no endpoint" if isinstance(endpoint, Read) else f"the endpoint was not read: {endpoint.reason}"
    return Unread("sagemaker:DescribeEndpointConfig", "not-asked", why, "see the endpoint")


def _models(config: Evidence[Described]) -> list[str]:
    content = config.value.content if isinstance(config, Read) else {}
    return sorted(models_in(content))


def models_in(config: Any) -> frozenset[str]:
    """Return the models that a config as AWS describes it names; a variant of inference components names none."""
    variants = [*config.get("ProductionVariants", ()), *config.get("ShadowProductionVariants", ())]
    return frozenset(one["ModelName"] for one in variants if "ModelName" in one)


def _variant(endpoint: Evidence[Described | None]) -> str:
    found = endpoint.value if isinstance(endpoint, Read) else None
    variants = found.content.get("ProductionVariants", ()) if found else ()
    return str(variants[0]["VariantName"]) if variants else "AllTraffic"


def _invocations_logged(aws: Aws, name: str, endpoint: Evidence[Described | None]) -> Evidence[bool]:
    """Return whether the container has begun an invocation since its image was deployed: the stub writes no line."""
    group = f"/aws/sagemaker/Endpoints/{name}"
    found = endpoint.value if isinstance(endpoint, Read) else None
    if not found:
        return Unread(f"logs:FilterLogEvents {group}", "not-asked", "the endpoint was not read", "see the endpoint")
    images = [image for one in found.content.get("ProductionVariants", ()) for image in one.get("DeployedImages", ())]
    since = max((image["ResolutionTime"] for image in images if "ResolutionTime" in image), default=None)
    request: dict[str, Any] = {"logGroupName": group, "filterPattern": STARTS, "limit": 1}
    request |= {"startTime": int(since.timestamp() * 1000)} if since else {}
    return attempt(f"logs:FilterLogEvents {group}", lambda: _any_line(aws, request))


def _any_line(aws: Aws, request: dict[str, Any]) -> bool:
    for _ in range(MOST_PAGES):
        page = aws.client("logs").filter_log_events(**request)
        if page["events"] or not page.get("nextToken"):
            return bool(page["events"])
        request["nextToken"] = page["nextToken"]
    raise Incomplete(f"more than {MOST_PAGES} pages without a line")


def _listing(aws: Aws, name: str) -> Evidence[Listing]:
    return attempt(f"sagemaker:ListEndpointConfigs {name}", lambda: _list(aws, name))


def _list(aws: Aws, name: str) -> Listing:
    client: Any = aws.client("sagemaker")

    def named(operation: str, key: str, **asked: Any) -> list[Any]:
        return [one for page in client.get_paginator(operation).paginate(**asked) for one in page[key]]

    configs, endpoints = named("list_endpoint_configs", "EndpointConfigs"), named("list_endpoints", "Endpoints")
    if len(configs) + len(endpoints) > MOST_DESCRIBED:
        raise Incomplete(f"more than {MOST_DESCRIBED} configs and endpoints: which models they use was not looked into")
    with ThreadPoolExecutor(max_workers=8) as pool:
        of_configs = pool.map(_models_of(client), [one["EndpointConfigName"] for one in configs])
        used = pool.map(_configs_of(client), [one["EndpointName"] for one in endpoints])
        return Listing(
            configs=_named(configs, "EndpointConfigName", name),
            models=_named(named("list_models", "Models", NameContains=name), "ModelName", name),
            in_use=frozenset().union(*used),
            models_of=dict(zip((one["EndpointConfigName"] for one in configs), of_configs, strict=True)),
        )


def _models_of(client: Any) -> Callable[[str], frozenset[str]]:
    def find(config: str) -> frozenset[str]:
        got = client.describe_endpoint_config(EndpointConfigName=config)
        # An answer without the list is no answer: a model that nobody names is left over, and is deleted.
        return models_in(got | {"ProductionVariants": got["ProductionVariants"]})

    return find


def _configs_of(client: Any) -> Callable[[str], frozenset[str]]:
    def find(endpoint: str) -> frozenset[str]:
        got = client.describe_endpoint(EndpointName=endpoint)
        pending = got.get("PendingDeploymentSummary", {}).get("EndpointConfigName")
        return frozenset(filter(None, (got["EndpointConfigName"], pending)))

    return find


def _named(found: Iterable[Any], key: str, contained: str) -> tuple[Named, ...]:
    ours = (one for one in found if contained.lower() in one[key].lower())
    return tuple(sorted((Named(one[key], utc(one["CreationTime"])) for one in ours), key=lambda one: one.created_at))
