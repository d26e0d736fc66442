"""What is checked before the endpoint is updated: each check a finding, and nothing that is not known counts as well.

AWS: API reference, "TrafficRoutingConfig", "CapacitySize": a canary is at most half of a variant's instances;
"AutoRollbackConfig": one to ten alarms, and one that is in ALARM at the start rolls the update back at once.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta

from ops_lib.decide.checks import ENDPOINT, counted, unread_finding
from ops_lib.decide.endpoint import built, content_of, running_image, short
from ops_lib.decide.endpoint_knobs import TERRAFORM, bad_values, without_effect
from ops_lib.decide.endpoint_wish import Proposal, containers, image_of
from ops_lib.decide.findings import Finding
from ops_lib.deployed import Build, Deployed, Image
from ops_lib.evidence import Unread

MOST_ALARMS, MOST_CANARY = 10, 50
CLOCKS = timedelta(minutes=5)  # CodeBuild's and ECR's are not one
INDEXES = ("application/vnd.oci.image.index", "application/vnd.docker.distribution.manifest.list")
# Without these a plan would be a guess; the others are said, and the operator decides.
BLOCKING = ("endpoint", "image", "build", "canary", "alarms", "knobs")
BACKLOG = (
    "Requests that wait stay in the backlog and are taken by whichever instances serve; what an old instance still has "
    "in hand when it is ended may be lost, and in the newest pipeline nothing sends that segment again"
)


@dataclass(frozen=True)
class Rollout:
    """How the update reaches the instances: all at once, or `canary_percent` of them first for `bake_s` seconds.

    `alarms`: those that roll it back. `termination_s`: how long old instances stay after the traffic has left them.
    """

    canary_percent: int = 0
    alarms: tuple[str, ...] = ()
    bake_s: int = 600
    termination_s: int = 300

    @property
    def request(self) -> dict[str, object]:
        """Return UpdateEndpoint's DeploymentConfig."""
        routing: dict[str, object] = {"Type": "ALL_AT_ONCE", "WaitIntervalInSeconds": 0}
        if self.canary_percent:
            size = {"Type": "CAPACITY_PERCENT", "Value": self.canary_percent}
            routing = {"Type": "CANARY", "CanarySize": size, "WaitIntervalInSeconds": self.bake_s}
        policy = {"TrafficRoutingConfiguration": routing, "TerminationWaitInSeconds": self.termination_s}
        alarms = {"Alarms": [{"AlarmName": name} for name in self.alarms]}
        rolls_back = {"AutoRollbackConfiguration": alarms} if self.alarms else {}
        return {"BlueGreenUpdatePolicy": policy, **rolls_back}

    @property
    def words(self) -> str:
        """Return it as the end of a sentence."""
        how = f"{self.canary_percent}% first, then the rest" if self.canary_percent else "all at once"
        watched = f", rolled back by {', '.join(self.alarms)}" if self.alarms else ""
        return f"{how}{watched}; old instances stay {self.termination_s} s longer"


def preflight(deployed: Deployed, proposal: Proposal, rollout: Rollout) -> tuple[Finding, ...]:
    """Return every check of this proposal, those that hold too."""
    return (
        *_status(deployed),
        *_image(deployed, proposal),
        *_build(deployed, proposal),
        *_canary(proposal, rollout),
        *_alarms(deployed, rollout),
        *_backlog(deployed),
        *_role(deployed, proposal),
        *_knobs(deployed, proposal),
        *_terraform(deployed, proposal),
    )


def with_checks(findings: Sequence[Finding], checks: Sequence[Finding]) -> tuple[Finding, ...]:
    """Return the findings on the endpoint and these checks; the backlog once, as what it means for the update."""
    said = {one.id.replace("preflight-", "endpoint-") for one in checks} & {"endpoint-backlog"}
    return (*(one for one in findings if one.id not in said), *checks)


def blocking(findings: Sequence[Finding]) -> tuple[Finding, ...]:
    """Return those for which there must be no plan: what does not hold, and what is not known to."""
    names = {f"preflight-{name}" for name in BLOCKING}
    return tuple(one for one in findings if one.id in names and one.severity in ("critical", "unknown"))


def _finding(name: str, severity: str, said: str, facts: Sequence[str] = (), step: str = "") -> Finding:
    return Finding(f"preflight-{name}", severity, said, ENDPOINT, tuple(facts), step)  # type: ignore[arg-type]


def _status(deployed: Deployed) -> Iterator[Finding]:
    content = content_of(deployed)
    status = content.get("EndpointStatus")
    if status == "InService":
        yield _finding("endpoint", "ok", "The endpoint is InService, nothing else is under way.")
        if reason := content.get("FailureReason"):
            said = "The last update was rolled back; one to the same image would most likely be so again."
            step = "Mend what the reason says first; compare the image with the one that was tried."
            yield _finding("rolled-back", "warning", said, [str(reason)], step)
    elif status is None:
        yield _finding("endpoint", "unknown", "Not known: whether the endpoint may be updated.")
    elif status == "Failed":
        step = "SageMaker updates no failed endpoint: Terraform has to delete and create it."
        yield _finding("endpoint", "critical", "The endpoint is Failed.", [str(content.get("FailureReason"))], step)
    else:
        said = f"The endpoint is {status}: SageMaker refuses an update while another is in progress."
        step = "Wait, then run this notebook again. The pipeline's script would leave a model and a config behind here."
        if status == "UpdateRollbackFailed":
            said, step = "The endpoint serves with a mix of two configs (UpdateRollbackFailed).", "Restore one first."
        yield _finding("endpoint", "critical", said, (), step)


def _image(deployed: Deployed, proposal: Proposal) -> Iterator[Finding]:
    if isinstance(deployed.images, Unread):
        finding = unread_finding("preflight-image", "whether the image exists", deployed.images, ENDPOINT)
        yield finding
        return
    image, shown = image_of(deployed.images.value, proposal.digest), short(proposal.digest)
    if image is None:
        said = f"The repository holds no image {shown}: it was deleted, or it is another repository's."
        yield _finding("image", "critical", said, [proposal.image], "Choose one that is there (image=latest).")
    elif image.media_type.startswith(INDEXES):
        said = f"Image {shown} is an index of several images, which SageMaker does not run."
        yield _finding("image", "critical", said, [image.media_type], "Build it for one platform, without provenance.")
    else:
        by = f"{proposal.tag} is" if proposal.tag else "The image is"
        said = f"{by} {shown}, pushed {image.pushed_at:%Y-%m-%d %H:%M} UTC; it is pinned by this digest."
        yield _finding("image", "ok", said, [proposal.image])


def _build(deployed: Deployed, proposal: Proposal) -> Iterator[Finding]:
    """Yield whether the tag is what the last build pushed; asked only where the image was chosen by a tag."""
    if not proposal.tag:
        return
    if isinstance(deployed.build, Unread):
        yield unread_finding("preflight-build", "whether the last build has ended", deployed.build, ENDPOINT)
        return
    build = deployed.build.value
    images = () if isinstance(deployed.images, Unread) else deployed.images.value
    image, runs = image_of(images, proposal.digest), running_image(deployed)
    if build is None:
        yield _finding("build", "warning", "No build of the image is known: somebody pushed it by hand.")
    elif build.status == "IN_PROGRESS":
        said = f"A build is under way: {proposal.tag} is still what was there before it."
        yield _finding("build", "critical", said, [build.id], "Wait until it has SUCCEEDED, then run again.")
    elif build.status != "SUCCEEDED":
        said = f"The last build {built(build)}: {proposal.tag} is of an earlier one."
        yield _finding("build", "warning", said, [build.id], "See its log group; go on only if that one is wanted.")
    elif image and not _is_of(image, build):
        said = f"{proposal.tag} was pushed at another time than the last build, which {built(build)}: by somebody else."
        pushed = f"pushed {image.pushed_at:%Y-%m-%d %H:%M} UTC"
        yield _finding("build", "warning", said, [build.id, pushed], "Find out who pushed it, and what is in it.")
    else:
        yield _newer(image, runs, f"The last build {built(build)}")


def _is_of(image: Image, build: Build) -> bool:
    began, ended = build.started_at or image.pushed_at, build.ended_at or image.pushed_at
    return began - CLOCKS <= image.pushed_at <= ended + CLOCKS


def _newer(image: Image | None, runs: Image | None, said: str) -> Finding:
    if image and runs and image.pushed_at < runs.pushed_at:
        said = f"{said}, but the image is older than the one that runs."
        return _finding("build", "warning", said, [f"runs: pushed {runs.pushed_at:%Y-%m-%d %H:%M} UTC"])
    return _finding("build", "ok", f"{said}, and the tag is what it pushed.")


def _canary(proposal: Proposal, rollout: Rollout) -> Iterator[Finding]:
    if not rollout.canary_percent:
        return
    counts = [one.get("InitialInstanceCount", 0) for one in proposal.config["ProductionVariants"]]
    if rollout.canary_percent > MOST_CANARY:
        said = f"A canary is at most {MOST_CANARY}% of the instances, not {rollout.canary_percent}%."
        yield _finding("canary", "critical", said, (), "Choose fewer, or canary_percent=0.")
    elif min(counts) < 2:
        said = f"A canary is at most half of the instances, and there is {counted(range(min(counts)), 'instance')}."
        yield _finding("canary", "critical", said, (), "Update all at once (canary_percent=0), or add an instance.")
    elif not rollout.alarms:
        said = "A canary without an alarm is watched by nobody: only a container that never gets healthy ends it."
        yield _finding("canary", "warning", said, (), "Name alarms in rollback_alarms.")
    else:
        yield _finding("canary", "ok", f"A canary of {rollout.canary_percent}% is possible.")


def _alarms(deployed: Deployed, rollout: Rollout) -> Iterator[Finding]:
    if not rollout.alarms:
        said = "No alarm rolls this update back; SageMaker does so only where the new container never gets healthy."
        yield _finding("alarms", "note", said)
        return
    if isinstance(deployed.alarms, Unread):
        yield unread_finding("preflight-alarms", "whether the alarms are quiet", deployed.alarms, ENDPOINT)
        return
    states = {alarm.name: alarm.state for alarm in deployed.alarms.value}
    missing = [name for name in rollout.alarms if name not in states]
    loud = [f"{name}: {states[name]}" for name in rollout.alarms if states.get(name, "OK") == "ALARM"]
    blind = [f"{name}: {states[name]}" for name in rollout.alarms if states.get(name) == "INSUFFICIENT_DATA"]
    if missing or len(rollout.alarms) > MOST_ALARMS:
        said = f"No such alarm: {', '.join(missing)}." if missing else f"At most {MOST_ALARMS} alarms roll back."
        yield _finding("alarms", "critical", said, (), "Correct rollback_alarms.")
    elif loud:
        said = "An alarm that is to roll the update back is in ALARM already: it would be rolled back at once."
        yield _finding("alarms", "critical", said, loud, "Wait until it is quiet, or leave it out.")
    elif blind:
        said = "An alarm that is to roll the update back has no data: it sees nothing until requests come."
        yield _finding("alarms", "warning", said, blind)
    else:
        yield _finding("alarms", "ok", f"{counted(rollout.alarms, 'alarm')} exist and are quiet.", rollout.alarms)


def _backlog(deployed: Deployed) -> Iterator[Finding]:
    backlog = deployed.backlog_requests
    if isinstance(backlog, Unread):
        yield unread_finding("preflight-backlog", "whether requests wait at the endpoint", backlog, ENDPOINT)
    elif backlog.value is None:
        said = f"Not known: whether requests wait; CloudWatch has no datapoint for 15 minutes. {BACKLOG}."
        yield _finding("backlog", "unknown", said, (), "Look at the video-worker's queue before updating.")
    elif backlog.value:
        said = f"About {counted(range(int(backlog.value)), 'request')} in the backlog. {BACKLOG}."
        yield _finding("backlog", "warning", said, (), "Wait until it is empty if the update can wait.")
    else:
        yield _finding("backlog", "ok", "The backlog is empty; one request may still be in hand.")


def _role(deployed: Deployed, proposal: Proposal) -> Iterator[Finding]:
    declared = deployed.declared.get("SAGEMAKER_ENDPOINT_ROLE_ARN")
    roles = sorted({str(made.get("ExecutionRoleArn")) for made in proposal.models.values()})
    if declared is None:
        yield _finding("role", "unknown", "Not known: which role the model should have; the .env names none.")
    elif roles != [declared]:
        said = "The model's role is not the one of the .env, and the responder may pass only that one."
        yield _finding("role", "warning", said, [*roles, f".env: {declared}"], "Find out who changed it.")
    else:
        yield _finding("role", "ok", "The model keeps its role, the one of the .env.", roles)


def _knobs(deployed: Deployed, proposal: Proposal) -> Iterator[Finding]:
    environments = [one.get("Environment", {}) for made in proposal.models.values() for one in containers(made)]
    bad = [said for environment in environments for _, said in bad_values(environment)]
    if bad:
        yield _finding("knobs", "critical", "The container cannot use what would be set.", bad, "Correct the value.")
    idle = [said for environment in environments for _, said in without_effect(environment, deployed.declared)]
    if idle:
        step = "Leave it out: an update would cost minutes and change nothing."
        yield _finding("knobs-without-effect", "warning", "A variable is set that has no effect.", idle, step)


def _terraform(deployed: Deployed, proposal: Proposal) -> Iterator[Finding]:
    """Yield what will undo the change: Terraform's next apply always, the next redeploy for the environment."""
    fields = [change.path.rpartition(".")[2] for change in proposal.changes]
    facts = [f"{name}: Terraform's variable {TERRAFORM[name]}" for name in dict.fromkeys(fields) if name in TERRAFORM]
    lost = [change.path for change in proposal.changes if ".Environment." in change.path]
    facts += [f"{path}: also lost at the next redeploy by script, which builds the environment anew" for path in lost]
    said = f"Terraform's next apply points the endpoint back to its own config {deployed.name}."
    yield _finding("terraform", "note", said, facts, "Put what is to last into Terraform as well.")
