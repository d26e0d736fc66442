"""Services, scaling and alarms of a sandbox in which half a minute is a tenth of a second: their rules from outside."""

from __future__ import annotations

import ast
import json
import urllib.request

import pytest

from tests.sandbox.rules import OUTSIDE, Outcomes, names, rules, run
from tests.sandbox.running import Sandbox, running

FOLLOWING = [OUTSIDE / "ecs_in_time.py", OUTSIDE / "autoscaling_in_time.py"]
REASSEMBLY = [OUTSIDE / "reassembly_in_time.py"]


def stop(sandbox: Sandbox, service: str) -> None:
    """Want no task of a service, before the sandbox's clock begins: by hand, as boto3 may not change a thing here."""
    key = "Credential=sandbox/20260101/us-east-1/ecs/aws4_request"
    headers = {
        "Authorization": f"AWS4-HMAC-SHA256 {key}, SignedHeaders=host, Signature=0",
        "Content-Type": "application/x-amz-json-1.1",
        "X-Amz-Target": "AmazonEC2ContainerServiceV20141113.UpdateService",
    }
    body = json.dumps({"cluster": "stereo-spot", "service": service, "desiredCount": 0}).encode()
    request = urllib.request.Request(sandbox.state["endpoint_url"], body, headers)
    with urllib.request.urlopen(request, timeout=60) as answer:
        assert json.load(answer)["service"]["desiredCount"] == 0


@pytest.fixture(scope="module")
def outcomes(tmp_path_factory: pytest.TempPathFactory) -> Outcomes:
    """Run all rules: those that follow in a fast sandbox, the reassembly in one slow enough to be stopped."""
    fast, slow = tmp_path_factory.mktemp("fast"), tmp_path_factory.mktemp("slow")
    options = ("--jobs", "20", "--incident")
    with running(slow, "sandbox-reassembly", "--speed", "20", *options, "reassembly-running") as sandbox:
        stop(sandbox, "media-worker")
        found = run(REASSEMBLY, sandbox.access, slow)
    with running(fast, "sandbox-services", "--speed", "300", *options, "no-workers") as sandbox:
        return found | run(FOLLOWING, sandbox.access, fast)


@pytest.mark.parametrize(("file", "rule"), names(FOLLOWING + REASSEMBLY))
def test_conforms_to_aws(file: str, rule: str, outcomes: Outcomes) -> None:
    assert (file, rule) in outcomes, f"{rule} did not run"
    assert not outcomes[file, rule], "\n".join(outcomes[file, rule])


@pytest.mark.parametrize(
    "rule", [rule for file in FOLLOWING + REASSEMBLY for rule in rules(file)], ids=lambda one: one.name
)
def test_every_rule_cites_the_document_it_stands_on(rule: ast.FunctionDef) -> None:
    assert "AWS: " in (ast.get_docstring(rule) or "")
