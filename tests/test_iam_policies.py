"""The committed policies (deploy/iam): the reader's is what the notebooks call, no less and no more."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import urllib.request
from pathlib import Path
from typing import Any

import botocore.session
import pytest
from botocore import xform_name

from ops_lib import bundle
from ops_lib.sandbox.actions import ACTION_OF, action_of
from ops_lib.sandbox.checked import OPERATIONS
from ops_lib.tape import BESIDE
from tests import faults, forked
from tests.counts import few
from tests.sandbox.running import running

ROOT = Path(__file__).parents[1]
NOTEBOOKS = (
    "0_triage",
    "1_dead_letters",
    "2_scaling",
    "3_stuck_job",
    "4_endpoint_update",
    "5_job_logs",
    "daily_health",
)
# AWS: they need no permission, or only botocore asks for them.
NEED_NONE = {"sts:GetCallerIdentity"}
# Asked only where a query is interrupted.
IN_TROUBLE = {"logs:StopQuery"}
# AWS: Service Authorization Reference: no resource types, or only others than these requests name.
NAME_NO_RESOURCE = {
    *("application-autoscaling:DescribeScalableTargets", "cloudwatch:DescribeAlarms", "cloudwatch:GetMetricData"),
    *("ecs:DescribeTaskDefinition", "ecs:ListServices", "ecs:ListTasks", "logs:DescribeLogGroups"),
    *("logs:GetQueryResults", "logs:StopQuery", "application-autoscaling:RegisterScalableTarget"),
    *("application-autoscaling:DescribeScalingActivities", "application-autoscaling:DescribeScalingPolicies"),
    *("sagemaker:ListEndpointConfigs", "sagemaker:ListEndpoints", "sagemaker:ListModels"),
    "cloudwatch:PutMetricData",
    "servicequotas:ListServiceQuotas",
    # AWS: Service Authorization Reference, "Amazon SageMaker AI": lists act on no resource.
    *("sagemaker:ListEndpointConfigs", "sagemaker:ListEndpoints", "sagemaker:ListModels"),
}
# The two reads with a side effect, which only an inspection lease makes.
LEASE = {"sqs:ChangeMessageVisibility", "sqs:ReceiveMessage"}
READING = re.compile(r"[a-z0-9-]+:(BatchGet|Describe|Filter|Get|List|Query|Scan|Simulate|StartQuery|StopQuery)\w*")


def policy(name: str) -> dict[str, Any]:
    content: dict[str, Any] = json.loads((ROOT / "deploy" / "iam" / f"{name}.json").read_text(encoding="utf-8"))
    return content


def several(given: Any) -> list[str]:
    return given if isinstance(given, list) else [given]


def actions(name: str) -> set[str]:
    return {action for statement in policy(name)["Statement"] for action in several(statement["Action"])}


@pytest.mark.parametrize("name", ["reader", "responder", "journal", "deliver"])
def test_every_action_is_one_of_awss_by_its_whole_name(name: str) -> None:
    session, renamed = botocore.session.get_session(), set(ACTION_OF.values()) | {"iam:PassRole"}
    for statement in policy(name)["Statement"]:
        assert statement["Effect"] == "Allow"
        assert several(statement["Action"]) == sorted(several(statement["Action"]))
        for action in several(statement["Action"]):
            service, _, operation = action.partition(":")
            assert action in renamed or operation in session.get_service_model(service).operation_names, action


@pytest.mark.parametrize("name", ["reader", "responder", "journal", "deliver"])
def test_every_statement_has_a_name_of_its_own_and_is_about_the_pipeline(name: str) -> None:
    content = policy(name)
    assert content["Version"] == "2012-10-17"
    names = [statement["Sid"] for statement in content["Statement"]]
    assert len(set(names)) == len(names)
    for statement in content["Statement"]:
        for resource in several(statement["Resource"]):
            if resource == "*":
                assert set(several(statement["Action"])) <= NAME_NO_RESOURCE, statement["Sid"]
            else:
                assert "stereo-spot" in resource


def test_a_policy_fits_into_a_role() -> None:
    # AWS: IAM User Guide, "IAM and AWS STS quotas": a managed policy has at most 6,144 characters without white space.
    for name in ("reader", "responder"):
        assert len(json.dumps(policy(name), separators=(",", ":"))) < 6144


def test_the_reader_changes_nothing_but_hides_a_dead_letter_for_a_moment() -> None:
    assert {action for action in actions("reader") if not READING.fullmatch(action)} == LEASE
    assert not actions("reader") & {"sqs:DeleteMessage", "dynamodb:ExecuteStatement"}
    (look,) = (one for one in policy("reader")["Statement"] if LEASE & set(several(one["Action"])))
    assert all(resource.endswith("-dlq") for resource in several(look["Resource"]))


def test_the_reader_scans_one_table_and_sees_no_object_but_failures() -> None:
    narrow = {
        "dynamodb:Scan": "arn:aws:dynamodb:*:*:table/stereo-spot-inference-invocations",
        "s3:GetObject": "arn:aws:s3:::stereo-spot-output-*/sagemaker-async-failures/*",
    }
    for action, resource in narrow.items():
        about = [s["Resource"] for s in policy("reader")["Statement"] if action in several(s["Action"])]
        assert set(about) - {"arn:aws:s3:::stereo-spot-ops-reports/*"} == {resource}


def test_who_delivers_reads_nothing_and_touches_nothing_of_the_pipeline() -> None:
    assert actions("deliver") == {"s3:PutObject", "sns:Publish", "cloudwatch:PutMetricData"}
    for statement in policy("deliver")["Statement"]:
        assert "stereo-spot-ops-reports" in statement["Resource"] or "Condition" in statement


def test_the_responder_may_whatever_the_reader_may() -> None:
    mine = policy("responder")["Statement"]
    for statement in policy("reader")["Statement"]:
        assert statement in mine


def test_the_responder_receives_and_discards_dead_letters_only() -> None:
    inspecting = {"sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:ChangeMessageVisibility", "sqs:PurgeQueue"}
    for statement in policy("responder")["Statement"]:
        if inspecting & set(several(statement["Action"])):
            assert all(resource.endswith("-dlq") for resource in several(statement["Resource"]))


def test_the_journals_policy_is_what_its_store_calls() -> None:
    source = (ROOT / "ops_lib" / "change" / "journal_s3.py").read_text(encoding="utf-8")
    called = {*re.findall(r"_s3\.(?!get_paginator)(\w+)\(", source), *re.findall(r'get_paginator\("(\w+)"\)', source)}
    operations = botocore.session.get_session().get_service_model("s3").operation_names
    asked = {action_of(f"s3:{name}") for name in operations if xform_name(name) in called}
    assert len(called) == 4
    assert asked == actions("journal") == {"s3:GetObject", "s3:ListBucket", "s3:PutObject"}


def test_the_readme_says_how_the_responders_role_is_got_and_what_a_journal_in_s3_needs() -> None:
    words = " ".join((ROOT / "deploy" / "iam" / "README.md").read_text(encoding="utf-8").split())
    for needed in ("responder_role_arn", "journal.json", "state: s3://", *actions("journal")):
        assert needed in words


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """Run doctor and the notebooks with the reader's key; return what was called and what each of them left."""
    root = tmp_path_factory.mktemp("ran")
    ops, environment = [sys.executable, "-m", "ops_lib"], ["-e", "recording-newest"]
    with running(root, "recording-newest") as sandbox:
        commands = {
            name: [
                *ops,
                "run",
                name,
                *environment,
                "--output",
                str(root / name),
                "--bundle",
                str(root / f"{name}.jsonl"),
            ]
            for name in NOTEBOOKS
        }
        commands["1_dead_letters"] += ["-p", "inspect=true"]
        commands["3_stuck_job"] += ["-p", "inspect_dead_letters=true"]
        commands["doctor"] = [*ops, "doctor", *environment]
        own = os.environ | {"OPS_STATE": str(root)}
        started = {
            name: subprocess.Popen(
                command, env=own, cwd=ROOT, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
            )
            for name, command in commands.items()
        }
        said = {name: process.communicate(timeout=200)[0] for name, process in started.items()}
        with urllib.request.urlopen(f"{sandbox.state['endpoint_url']}/sandbox/calls") as answer:
            calls = set(json.load(answer))
    codes = {name: process.returncode for name, process in started.items()}
    return {"calls": calls, "said": said, "codes": codes, "root": root}


def test_the_reader_may_exactly_what_the_notebooks_call(ran: dict[str, Any]) -> None:
    called = {action_of(operation) for operation in ran["calls"]}
    assert called - NEED_NONE - actions("reader") == set(), "add it to deploy/iam/reader.json and responder.json"
    assert actions("reader") - called - IN_TROUBLE == set(), "nothing calls it: take it out of deploy/iam"


def test_what_is_called_only_in_trouble_is_called_by_a_reader() -> None:
    sources = "".join(file.read_text(encoding="utf-8") for file in (ROOT / "ops_lib" / "read").glob("*.py"))
    for action in IN_TROUBLE:
        assert action in {action_of(operation) for operation in OPERATIONS}
        assert f"{xform_name(action.partition(':')[2])}" in sources


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_with_the_readers_key_a_notebook_reads_everything(ran: dict[str, Any], name: str) -> None:
    # A recording has too few messages for a judgement on visibility timeouts: unknown, though everything was read.
    assert ran["codes"][name] in {0, 1, 2, 3 if name == "2_scaling" else 0}, ran["said"][name]
    findings = json.loads((ran["root"] / name / "findings.json").read_text(encoding="utf-8"))
    assert findings["unread"] == []
    assert "stereo-spot-ops-reader" in (ran["root"] / name / "report.html").read_text(encoding="utf-8")


def test_with_the_readers_key_doctor_finds_nothing_amiss(ran: dict[str, Any]) -> None:
    assert ran["codes"]["doctor"] == 0, ran["said"]["doctor"]
    assert "cannot write" in ran["said"]["doctor"]


def operations_table(root: Path) -> str:
    """Return every operation of the pipeline's services with the notebooks that ask it, as their bundles hold them."""
    asked: dict[str, set[str]] = {}
    for name in NOTEBOOKS:
        for call in bundle.read(root / f"{name}.jsonl").calls:
            if call.service != BESIDE:
                asked.setdefault(f"{call.service} {call.operation}", set()).add(name)
    rows = [f"| {operation} | {', '.join(sorted(names))} |" for operation, names in sorted(asked.items())]
    return "\n".join(["| operation | asked by |", "|---|---|", *rows])


def test_every_operation_is_listed_with_the_notebooks_that_need_it(ran: dict[str, Any]) -> None:
    table = operations_table(ran["root"])
    (ran["root"] / "operations.md").write_text(table)
    assert table in (ROOT / "deploy" / "iam" / "README.md").read_text(encoding="utf-8"), table


@pytest.mark.parametrize("name", few(NOTEBOOKS, 6))
def test_from_its_bundle_a_notebook_says_the_same_without_a_network(ran: dict[str, Any], name: str) -> None:
    root, folder = ran["root"], ran["root"] / f"offline-{name}"
    faults.startup_file(root / "ipython", "no_network")
    own = os.environ | {"OPS_STATE": str(root / "elsewhere"), "IPYTHONDIR": str(root / "ipython")}
    done = forked.run("ops", ["run", name, "-e", f"bundle:{root / name}.jsonl", "--output", folder], ROOT, own)
    assert done.returncode == ran["codes"][name], done.stdout + done.stderr
    assert (folder / "findings.json").read_bytes() == (root / name / "findings.json").read_bytes()
