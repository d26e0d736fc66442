"""Half of AWS does not answer: the report is written, says so first, and is never green and never merely a warning.

Which half, and how each of its operations fails, is drawn; the same number draws the same.
"""

from __future__ import annotations

import json
import os
import random
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from ops_lib.aws import connect
from ops_lib.decide.fleet import Fleet, without_upload
from ops_lib.decide.fleet_findings import all_unread, fleet_findings
from ops_lib.decide.pipeline import pipeline_findings
from ops_lib.decide.stuck_job import judge
from ops_lib.read.pipeline import PipelineReads
from ops_lib.settings import open_settings
from ops_lib.show.findings_file import document
from tests import faults, forked
from tests.counts import PROVE, few
from tests.sandbox.running import running

# What the daily report asks, but for who it is: without an answer to that nothing is read, which is 3 as well.
ASKED = (
    *("application-autoscaling:DescribeScalableTargets", "cloudwatch:DescribeAlarms", "cloudwatch:GetMetricData"),
    *("dynamodb:GetItem", "dynamodb:Query", "dynamodb:Scan", "ecs:DescribeServices", "ecs:DescribeTaskDefinition"),
    *("ecs:DescribeTasks", "ecs:ListServices", "ecs:ListTasks", "logs:DescribeLogGroups", "logs:GetQueryResults"),
    *("logs:StartQuery", "s3:GetBucketNotificationConfiguration", "s3:GetObject", "s3:ListObjectsV2"),
    *("sagemaker:DescribeEndpoint", "sqs:GetQueueAttributes", "sqs:GetQueueUrl"),
)
HOW = ("denied", "throttled", "unreachable", "timeout", "html", "garbage")
Rules = tuple[dict[str, str], Counter[str]]


def half(number: int) -> dict[str, str]:
    """Return which operations fail and how: an odd number's each in its own way."""
    drawn = random.Random(number)
    chosen = drawn.sample(ASKED, len(ASKED) // 2)
    alike = drawn.choice(HOW[:3])
    return {operation: drawn.choice(HOW) if number % 2 else alike for operation in chosen}


def status(environment: str) -> str:
    """Return the status of the daily report's findings, read and judged in this process."""
    aws = connect(open_settings(environment))
    reads = PipelineReads(aws, aws.settings.now())
    pipeline = reads.pipeline()
    fleet = Fleet(pipeline, reads.sources(without_upload(pipeline, reads.now)), reads.now)
    jobs = reads.jobs(fleet.to_judge(20))
    verdicts = {job_id: judge(job, reads.now) for job_id, job in jobs.items()}
    findings = [*pipeline_findings(pipeline, 3600), *fleet_findings(fleet, verdicts)]
    return str(document(environment, reads.now, findings, all_unread(fleet, jobs))["status"])


# Each takes queries of tables and the queues away; the first leaves something critical in sight.
@pytest.mark.parametrize(("number", "code"), [(44, 2), (10, 3)])
def test_the_report_is_written_and_says_so_first(tmp_path: Path, number: int, code: int) -> None:
    faults.startup_file(tmp_path / "ipython")
    own = {"IPYTHONDIR": str(tmp_path / "ipython"), faults.VARIABLE: json.dumps(half(number))}
    folder = tmp_path / "report"
    done = forked.run("ops", ["report", "-e", "recording-newest", "--output", folder], env=os.environ | own)
    assert done.returncode == code, done.stdout + done.stderr
    content = json.loads((folder / "findings.json").read_text("utf-8"))
    assert content["status"] == {2: "critical", 3: "unknown"}[code]
    page = (folder / "report.html").read_text("utf-8")
    first = page[page.index('class="verdict') :].partition("</div>")[0]
    assert f"{len(content['unread'])} reads did not succeed; see below." in first
    assert "run-failed" not in {one["id"] for one in content["findings"]}
    assert done.stdout.count("not read: ") == len(content["unread"])


@pytest.fixture(scope="module")
def healthy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A pipeline that needs nobody."""
    root = tmp_path_factory.mktemp("half")
    with running(root, "sandbox-half", "--jobs", "5", "--speed", "0"), pytest.MonkeyPatch.context() as patch:
        patch.setenv("OPS_STATE", str(root))
        assert status("sandbox-half") == "ok"
        yield "sandbox-half"


@pytest.mark.skipif(not PROVE, reason="of the long run")
@pytest.mark.parametrize("number", few(range(40)))
def test_whichever_half_it_is_a_healthy_pipeline_is_not_known(healthy: str, faults: Rules, number: int) -> None:
    faults[0].update(half(number))
    assert status(healthy) == "unknown"
    faults[0].clear()


@pytest.mark.parametrize("number", few(range(40)))
def test_and_a_sick_one_is_not_known_or_critical(faults: Rules, number: int) -> None:
    faults[0].update(half(number))
    assert status("recording-newest") in ("unknown", "critical")
