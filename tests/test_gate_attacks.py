"""Rogue cells against the gate, counted at a real server: after `import ops_lib`, no change arrives."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from attack import run  # noqa: F401 (registers the roads)
from attack.road import ALONE, KERNEL, LIMITS
from attack.server import CountingServer, client_environment, counting_server
from jupyter_client.blocking.client import BlockingKernelClient
from jupyter_client.manager import start_new_kernel

from ops_lib.gate import CATALOGUE

TESTS = Path(__file__).parent
SERVICES = (
    "sqs dynamodb ecs application-autoscaling cloudwatch logs s3 sagemaker ecr codebuild pipes iam sts sso"
    " sso-oidc signin service-quotas"
)
Cell = Callable[[str], str]

# What stops the road when this one seam is missing from the gate? Nothing: so none of the four may go.
ONLY_STOPPED_BY = {
    "_make_api_call": "handler_before_call_with_own_transport",
    "make_request": "endpoint_make_request_with_own_transport",
    "sign": "presigned_put",
    "_send": "handler_before_send",
}


@pytest.fixture(scope="module")
def server() -> Iterator[CountingServer]:
    with counting_server() as running:
        yield running


@pytest.fixture(scope="module")
def rogue_cell(server: CountingServer) -> Iterator[Cell]:
    """Run a cell in a Jupyter kernel that has imported ops_lib; returns the error's name, or ""."""
    yield from _kernel(server, "import ops_lib")


@pytest.fixture(scope="module")
def free_cell(server: CountingServer) -> Iterator[Cell]:
    """The same without ops_lib: shows that a road leads somewhere."""
    yield from _kernel(server, "")


def _kernel(server: CountingServer, last_line: str) -> Iterator[Cell]:
    environment = os.environ | client_environment(server.url)
    manager, client = start_new_kernel(kernel_name="python3", env=environment, cwd=str(TESTS))
    try:
        # The roads are imported before the library, as by somebody's earlier cell.
        first = f"import sys; sys.path.insert(0, {str(TESTS)!r})\nfrom attack import run\nrun.earlier()\n{last_line}"
        assert _execute(client, first) == ""
        yield lambda code: _execute(client, code)
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)
        manager.cleanup_resources()


def _execute(client: BlockingKernelClient, code: str) -> str:
    reply = client.execute_interactive(code, timeout=60, output_hook=lambda _: None)
    return str(reply["content"].get("ename", ""))


def _run(server: CountingServer, script: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", f"attack.{script}", *arguments]
    environment = os.environ | client_environment(server.url)
    return subprocess.run(command, env=environment, cwd=TESTS, capture_output=True, text=True, timeout=60)


def _alone(server: CountingServer, road: str, *options: str) -> subprocess.CompletedProcess[str]:
    return _run(server, "run", road, *options)


@pytest.mark.parametrize("road", KERNEL)
def test_a_rogue_cell_changes_nothing(road: str, rogue_cell: Cell, server: CountingServer) -> None:
    server.take()
    error = rogue_cell(f"run.KERNEL[{road!r}]()")
    assert server.take_changes() == []
    assert error == "ChangeRefused"


@pytest.mark.parametrize("road", KERNEL)
def test_the_road_leads_somewhere_without_the_gate(road: str, free_cell: Cell, server: CountingServer) -> None:
    server.take()
    free_cell(f"run.KERNEL[{road!r}]()")
    assert server.take_changes() != []


@pytest.mark.parametrize("road", ALONE)
def test_a_bent_process_changes_nothing(road: str, server: CountingServer) -> None:
    server.take()
    ran = _alone(server, road, "guarded")
    assert server.take_changes() == []
    assert ran.returncode == 1
    assert "ChangeRefused" in ran.stderr or "refused" in ran.stderr or road == "judges_replaced"


@pytest.mark.parametrize("road", ALONE)
def test_the_bent_road_leads_to_a_change_without_the_gate(road: str, server: CountingServer) -> None:
    server.take()
    ran = _alone(server, road)
    assert server.take_changes() != [], ran.stderr


@pytest.mark.parametrize(("seam", "road"), ONLY_STOPPED_BY.items())
def test_each_seam_is_needed(seam: str, road: str, server: CountingServer) -> None:
    server.take()
    assert "ChangeRefused" in _alone(server, road, "guarded").stderr
    assert server.take_changes() == []
    ran = _alone(server, road, "guarded", f"without={seam}")
    assert server.take_changes() != [], ran.stderr


@pytest.mark.parametrize("road", LIMITS)
def test_known_limit(road: str, server: CountingServer) -> None:
    """These DO pass, and README says so: one process is no boundary, the read-only credential is.

    Should one of them be stopped one day, this fails, and the sentence in README is to be corrected.
    """
    server.take()
    ran = _alone(server, road, "guarded")
    assert ran.returncode == 0, ran.stderr
    assert server.take_changes() == ["PutItem"]


def test_a_refused_cell_reads_as_one_clear_line(server: CountingServer) -> None:
    ran = _alone(server, "sqs.receive_message", "guarded")
    last = ran.stderr.strip().splitlines()[-1]
    assert last.startswith("ops_lib.errors.ChangeRefused: Refused SQS ReceiveMessage: ")
    assert "ops apply" in last


def test_reads_still_arrive(rogue_cell: Cell, server: CountingServer) -> None:
    """The gate is no wall: client, resource, presigned URL and managed download of a kernel still read."""
    server.take()
    cell = """
import io
from attack.road import KEY, OBJECT, QUEUE, boto3, fresh, send
fresh("dynamodb").get_item(**KEY)
boto3.resource("dynamodb").Table("jobs").get_item(Key={"pk": "1"})
fresh("sqs").get_queue_attributes(QueueUrl=QUEUE)
send(fresh("s3").generate_presigned_url("get_object", Params=OBJECT), "GET")
fresh("s3").download_fileobj("bucket", "key", io.BytesIO())
"""
    assert rogue_cell(cell) == ""
    expected = [
        "GetItem",
        "GetItem",
        "GetQueueAttributes",
        "GET /bucket/key",
        "HEAD /bucket/key",
        "GET /bucket/key",
    ]
    assert server.take() == [(operation, False) for operation in expected]


def test_every_listed_read_reaches_the_server(server: CountingServer) -> None:
    """No listed operation is refused on its way, for its method, its protocol or its endpoint's prefix."""
    server.take()
    ran = _run(server, "every_read", *SERVICES.split())
    assert ran.stdout == ""
    assert len(server.take()) == sum(len(service.operations) for service in CATALOGUE), ran.stderr
