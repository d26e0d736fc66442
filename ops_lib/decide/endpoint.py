"""Findings about the endpoint as it is: status, what runs and what the tag would bring, build, backlog, leftovers."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ops_lib.decide.checks import ENDPOINT, counted, unread_finding
from ops_lib.decide.endpoint_knobs import without_effect
from ops_lib.decide.endpoint_orphans import orphans
from ops_lib.decide.endpoint_wish import containers, image_of, running
from ops_lib.decide.findings import Finding
from ops_lib.deployed import Build, Deployed, Image
from ops_lib.evidence import Endpoint, Evidence, Read, Unread

# A build of CUDA, PyTorch and iw3 is some gigabytes, the first apply's stub a small Python (pipeline.md 6, F14).
STUB_AT_MOST_BYTES = 500_000_000
NOTEBOOK = "4_endpoint_update"
BUILD_IT = "Build the image (inference-build), wait for SUCCEEDED, then run this notebook again with image=latest."


def endpoint_findings(deployed: Deployed) -> tuple[Finding, ...]:
    """Return every finding about the endpoint as it is, ok ones too."""
    return (
        *status_finding(_brief(deployed.endpoint), deployed.name),
        *_rolled_back(deployed),
        *_stub(deployed),
        *_images(deployed),
        *_build(deployed),
        *_backlog(deployed),
        *_knobs(deployed),
        *_terraform(deployed),
        *_alarms(deployed),
        *_orphans(deployed),
    )


def status_finding(found: Evidence[Endpoint | None], name: str | None) -> Iterator[Finding]:
    """Yield the finding on the endpoint's status."""
    if isinstance(found, Unread):
        yield unread_finding("endpoint", "the endpoint's status", found, ENDPOINT)
        return
    endpoint = found.value
    if name is None:
        yield Finding("endpoint", "note", "The .env names no SageMaker endpoint (inference over HTTP).", ENDPOINT)
    elif endpoint is None:
        said = f"Endpoint {name} does not exist: every invocation is refused."
        yield Finding("endpoint", "critical", said, ENDPOINT, (), "Create it, or correct the .env.")
    elif endpoint.status != "InService":
        facts = (endpoint.failure_reason,) if endpoint.failure_reason else ()
        said = f"Endpoint {name} is {endpoint.status}."
        step = "Wait if it is being updated; otherwise see its failure reason and its log group."
        yield Finding("endpoint", "critical", said, ENDPOINT, facts, step, NOTEBOOK)
    else:
        said = f"Endpoint {name} is InService with config {endpoint.config_name}."
        yield Finding("endpoint", "ok", said, ENDPOINT)


def content_of(deployed: Deployed) -> dict[str, Any]:
    """Return what DescribeEndpoint said, empty where there is none or it was not read."""
    found = deployed.endpoint.value if isinstance(deployed.endpoint, Read) else None
    return dict(found.content) if found else {}


def running_image(deployed: Deployed) -> Image | None:
    """Return the image that runs, as the repository has it; None where that is not known."""
    digests = {path.rpartition("@")[2] for path in running(content_of(deployed)).values()}
    images = deployed.images.value if isinstance(deployed.images, Read) else ()
    return image_of(images, next(iter(digests))) if len(digests) == 1 else None


def _brief(found: Evidence[Any]) -> Evidence[Endpoint | None]:
    if isinstance(found, Unread) or found.value is None:
        return found
    got = found.value.content
    brief = Endpoint(found.value.name, got["EndpointStatus"], got["EndpointConfigName"], got.get("FailureReason"), None)
    return Read(brief, found.source, found.at)


def _rolled_back(deployed: Deployed) -> Iterator[Finding]:
    content = content_of(deployed)
    if content.get("EndpointStatus") == "InService" and content.get("FailureReason"):
        said = f"The last update was rolled back: {deployed.name} runs {content['EndpointConfigName']} again."
        step = "Mend what the reason says before updating again; InService alone does not mean that an update worked."
        yield Finding("endpoint-rolled-back", "warning", said, ENDPOINT, (content["FailureReason"],), step)


def _stub(deployed: Deployed) -> Iterator[Finding]:
    """Yield whether the stub answers: its image is small, and it never writes a line (F14)."""
    logged, image = deployed.invocations_logged, running_image(deployed)
    if isinstance(logged, Read) and logged.value:
        yield Finding("endpoint-stub", "ok", "The container has written lines of its own: it is no stub.", ENDPOINT)
    elif image and image.size_bytes <= STUB_AT_MOST_BYTES:
        facts = (f"image {short(image.digest)} is {image.size_bytes / 1e6:.0f} MB", "no line 'invocations start'")
        said = "The endpoint runs the stub image: it answers, and no segment is ever written."
        yield Finding("endpoint-stub", "critical", said, ENDPOINT, facts, BUILD_IT)
    elif _answers_without_a_line(deployed):
        facts = ("invocations were processed since the image was deployed", "no line 'invocations start'")
        said = "The container answers without a line in its log: it may be the stub, which writes no segment."
        yield Finding("endpoint-stub", "critical", said, ENDPOINT, facts, BUILD_IT)
    elif isinstance(logged, Unread):
        yield unread_finding("endpoint-stub", "whether the endpoint runs the stub image", logged, ENDPOINT)
    elif isinstance(deployed.images, Unread):
        yield unread_finding("endpoint-stub", "whether the endpoint runs the stub image", deployed.images, ENDPOINT)
    else:
        said = "The container has begun no invocation since its image was deployed, by its own log."
        yield Finding("endpoint-stub", "note", said, ENDPOINT)


def _answers_without_a_line(deployed: Deployed) -> bool:
    images = [i for v in content_of(deployed).get("ProductionVariants", ()) for i in v.get("DeployedImages", ())]
    since = max((one["ResolutionTime"] for one in images if "ResolutionTime" in one), default=None)
    if since is None or isinstance(deployed.metrics, Unread) or isinstance(deployed.invocations_logged, Unread):
        return False
    rows = deployed.metrics.value
    return bool(((rows["metric"] == "processed_requests") & (rows["value"] > 0) & (rows["time"] > since)).any())


def _images(deployed: Deployed) -> Iterator[Finding]:
    paths = running(content_of(deployed))
    if isinstance(deployed.images, Unread):
        yield unread_finding("endpoint-image", "which image the tag brings", deployed.images, ENDPOINT)
        return
    for specified, resolved in paths.items():
        digest = resolved.rpartition("@")[2]
        if image_of(deployed.images.value, digest) is None:
            said = f"The image that runs ({short(digest)}) is no longer in its repository."
            step = "A new instance could not start: update to an image that is there."
            yield Finding("endpoint-image", "warning", said, ENDPOINT, (resolved,), step)
        elif "@" not in specified:
            yield _moving(deployed.images.value, specified, digest)
        else:
            yield Finding("endpoint-image", "ok", f"The image is pinned: {short(digest)} runs.", ENDPOINT, (resolved,))
    if not paths and content_of(deployed):
        yield Finding("endpoint-image", "unknown", "Not known: which image runs; AWS names none.", ENDPOINT)


def _moving(images: tuple[Image, ...], specified: str, digest: str) -> Finding:
    tag = specified.rpartition("/")[2].partition(":")[2] or "latest"
    newest = image_of(images, tag)
    facts = (f"the model names {specified}", f"{short(digest)} runs")
    if newest is None:
        said = f"The model names the tag {tag}, which no image has any more: a new instance could not start."
        return Finding("endpoint-image", "warning", said, ENDPOINT, facts, BUILD_IT)
    if newest.digest == digest:
        said = f"The tag {tag} is the image that runs ({short(digest)}); it may move at any build."
        return Finding("endpoint-image", "ok", said, ENDPOINT, facts)
    said = (
        f"The tag {tag} is another image than the one that runs: {short(newest.digest)}, "
        f"pushed {newest.pushed_at:%Y-%m-%d %H:%M} UTC."
    )
    step = "Propose it with image=latest; a replaced instance may bring it in without anybody having decided so."
    return Finding("endpoint-image", "note", said, ENDPOINT, facts, step)


def _build(deployed: Deployed) -> Iterator[Finding]:
    if isinstance(deployed.build, Unread):
        yield unread_finding("endpoint-build", "how the last build of the image ended", deployed.build, ENDPOINT)
        return
    build = deployed.build.value
    if build is None:
        yield Finding("endpoint-build", "note", "The image was never built here.", ENDPOINT, (), BUILD_IT)
    elif build.status == "SUCCEEDED":
        yield Finding("endpoint-build", "ok", f"The last build of the image {built(build)}.", ENDPOINT)
    elif build.status == "IN_PROGRESS":
        said = "The image is being built: what the tag names now is older."
        yield Finding("endpoint-build", "note", said, ENDPOINT, (build.id,), "Wait until it has SUCCEEDED.")
    else:
        said = f"The last build of the image {built(build)}: the tag names an older one."
        yield Finding("endpoint-build", "warning", said, ENDPOINT, (build.id,), "See its log group.")


def built(build: Build) -> str:
    """Return how and when a build ended, as the end of a sentence."""
    return f"ended {build.status}" + (f" at {build.ended_at:%Y-%m-%d %H:%M} UTC" if build.ended_at else "")


def _backlog(deployed: Deployed) -> Iterator[Finding]:
    backlog = deployed.backlog_requests
    if isinstance(backlog, Unread):
        yield unread_finding("endpoint-backlog", "how many requests wait at the endpoint", backlog, ENDPOINT)
    elif backlog.value is None:
        said = "CloudWatch has no datapoint of the endpoint's backlog for 15 minutes: not known, which is not zero."
        yield Finding("endpoint-backlog", "note", said, ENDPOINT)
    else:
        requests = counted(range(int(backlog.value)), "request")
        yield Finding("endpoint-backlog", "ok", f"About {requests} in the endpoint's backlog.", ENDPOINT)


def _knobs(deployed: Deployed) -> Iterator[Finding]:
    for model in deployed.models.values():
        described = containers(model.value.content) if isinstance(model, Read) else ()
        for one in described:
            for name, said in without_effect(one.get("Environment", {}), deployed.declared):
                step = "Take it out (set_environment='NAME=' here); it changes nothing."
                yield Finding(f"endpoint-knob:{name}", "note", f"{said}.", ENDPOINT, (), step)


def _terraform(deployed: Deployed) -> Iterator[Finding]:
    config = content_of(deployed).get("EndpointConfigName")
    if config and config != deployed.name:
        said = f"The endpoint runs {config}, not Terraform's {deployed.name}: the next apply points it back."
        step = "Put the change into Terraform as well, or update again after each apply."
        yield Finding("endpoint-terraform", "note", said, ENDPOINT, (), step)


def _alarms(deployed: Deployed) -> Iterator[Finding]:
    if isinstance(deployed.alarms, Unread):
        yield unread_finding("endpoint-alarms", "which alarms there are", deployed.alarms, ENDPOINT)
    elif not any(
        alarm.namespace.endswith(("AWS/SageMaker", "/aws/sagemaker/Endpoints")) for alarm in deployed.alarms.value
    ):
        said = "No alarm watches the endpoint: a bad update is rolled back only where its container never gets healthy."
        step = "Make one, for instance on Invocation5XXErrors, and name it in rollback_alarms."
        yield Finding("endpoint-alarms", "note", said, ENDPOINT, (), step)


def _orphans(deployed: Deployed) -> Iterator[Finding]:
    if isinstance(deployed.listing, Unread):
        yield unread_finding("endpoint-orphans", "which models and configs are left over", deployed.listing, ENDPOINT)
        return
    if deployed.status != "InService":
        return  # what it uses is not told by one config's name
    left = orphans(deployed.name, deployed.listing.value)
    if left.names:
        said = f"{counted(left.names, 'model or config')} of earlier updates that nothing uses."
        step = "The clean-up plan below deletes them; nothing is billed for them."
        yield Finding("endpoint-orphans", "note", said, ENDPOINT, left.names, step)


def short(digest: str) -> str:
    """Return the beginning of a digest, as people compare them."""
    return digest[:19]
