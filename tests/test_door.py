"""The gate's door, attacked at a server that counts: the admitted call arrives, once and as it is; nothing else."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from http.client import HTTPMessage
from pathlib import Path
from typing import Any

import pytest
from attack import run  # noqa: F401 (registers the roads)
from attack.opened import CASES
from attack.road import ALONE, KERNEL
from attack.server import CountingServer, client_environment, counting_server

from ops_lib.door import _says, in_kernel

TESTS = Path(__file__).parent
PROVE = bool(os.environ.get("OPS_PROVE"))
# What arrives though nothing may follow: the admitted call itself, made once.
ARRIVES = {
    "the_admitted_call": "",
    "the_admitted_call_of_a_guarded_client": "",
    "reads_beside_it": "",
    "a_second_use": "ChangeRefused",
    "unsigned_client": "",  # the admitted call all the same; AWS refuses nobody's
}
Told = dict[str, tuple[str, list[str]]]


@pytest.fixture(scope="module")
def server() -> Iterator[CountingServer]:
    with counting_server() as running:
        yield running


def opened(server: CountingServer, mode: str, *roads: str) -> Told:
    words = [sys.executable, "-m", "attack.opened", mode, *roads]
    environment = os.environ | client_environment(server.url)
    done = subprocess.run(words, env=environment, cwd=TESTS, capture_output=True, text=True, timeout=120)
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    assert done.returncode == 0, done.stderr
    return {name: (error, changes) for name, error, changes in lines}


@pytest.fixture(scope="module")
def cases(server: CountingServer) -> Told:
    return opened(server, "cases")


@pytest.mark.parametrize("name", CASES)
def test_only_the_admitted_call_arrives(cases: Told, name: str) -> None:
    error, changes = cases[name]
    assert error == ARRIVES.get(name, "ChangeRefused")
    assert changes == (["PutItem"] if name in ARRIVES else [])


@pytest.mark.parametrize(("mode", "arrives"), [("other", []), ("spent", ["PutItem"])])
def test_every_road_of_a_rogue_cell_stays_shut_while_the_door_is_open(
    server: CountingServer, mode: str, arrives: list[str]
) -> None:
    told = opened(server, mode, *KERNEL)
    assert set(told) == set(KERNEL)
    assert {road: came for road, came in told.items() if came != ("ChangeRefused", arrives)} == {}


# Roads that leave the process bent; forked_child raises what its child's exit code tells.
SHORT = ("list_replaced", "gate_reloaded", "library_reloaded", "forked_child")
BENT = [road for road in (ALONE if PROVE else SHORT) if road != "judges_replaced"]


@pytest.mark.parametrize("road", BENT)
def test_bent_roads_stay_shut_while_the_door_is_open(server: CountingServer, road: str) -> None:
    ((error, changes),) = opened(server, "other", road).values()
    assert changes == []
    assert error in ("ChangeRefused", "RuntimeError")


# A notebook's kernel.

ADMIT = "gate.admit('DynamoDB', 'PutItem', {}).__enter__()"


@pytest.mark.parametrize(
    "before",
    [
        "import ipykernel; from ops_lib import gate",
        "from ops_lib import gate; import ipykernel",
        "import ipykernel; from ops_lib import gate; [sys.modules.pop(n) for n in [*sys.modules] if 'ipyk' in n]",
        "sys.orig_argv.append('ipykernel_launcher'); from ops_lib import gate",
    ],
)
def test_where_a_kernel_is_loaded_the_door_never_opens(before: str) -> None:
    code = f"import sys; {before}; {ADMIT}"
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=TESTS.parent, timeout=60)
    last = ran.stderr.strip().splitlines()[-1]
    assert last.startswith("ops_lib.errors.ChangeRefused: Refused DynamoDB PutItem: a notebook's process never changes")


@pytest.mark.parametrize("name", ["ipykernel", "ipykernel_launcher"])
def test_a_process_that_has_loaded_a_kernel_is_one(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "orig_argv", ["python", "-c", "..."])
    for one in ("ipykernel", "ipykernel_launcher"):
        monkeypatch.delitem(sys.modules, one, raising=False)
    assert not in_kernel()
    monkeypatch.setitem(sys.modules, name, sys)
    assert in_kernel()


def test_a_real_kernel_cannot_open_it(server: CountingServer) -> None:
    from jupyter_client.manager import start_new_kernel

    environment = os.environ | client_environment(server.url)
    manager, client = start_new_kernel(kernel_name="python3", env=environment, cwd=str(TESTS.parent))
    try:
        cell = (
            "import boto3\nfrom ops_lib import gate\nfrom ops_lib.change.send import Admitted\n"
            "Admitted(boto3.client('s3')).put_object(Bucket='b', Key='k', Body=b'x')"
        )
        reply = client.execute_interactive(cell, timeout=60, output_hook=lambda _: None)
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)
        manager.cleanup_resources()
    assert reply["content"]["ename"] == "ChangeRefused"
    assert server.take_changes() == []


# S3 puts the bucket into the host or into the path.

EXPECTED: dict[str, Any] = {"method": "PUT", "url_path": "/a%20b", "headers": {"x-amz-copy-source": "b/c"}, "body": b""}


@pytest.mark.parametrize(
    ("url", "same"),
    [
        ("https://bucket.s3.us-east-1.amazonaws.com/a%20b", True),
        ("http://127.0.0.1:9/bucket/a%20b", True),
        ("http://127.0.0.1:9/a%20b", False),
        ("http://127.0.0.1:9/other/a%20b", False),
        ("https://other.s3.amazonaws.com/a%20b", False),
        ("https://bucket.s3.amazonaws.com/a%20c", False),
    ],
)
def test_the_place_of_an_object(url: str, same: bool) -> None:
    request = {"method": "PUT", "url": url, "headers": {"X-Amz-Copy-Source": b"b/c", "User-Agent": "x"}, "body": ""}
    assert _says(request, EXPECTED, {"Bucket": "bucket", "Key": "a b"}) is same
    assert not _says(request | {"method": "POST"}, EXPECTED, {"Bucket": "bucket"})
    assert not _says(request | {"headers": {}}, EXPECTED, {"Bucket": "bucket"})


def test_a_header_that_says_two_things_is_not_the_expected_one() -> None:
    headers = HTTPMessage()
    request = {"method": "PUT", "url": "https://s3/bucket/a%20b", "headers": headers, "body": b""}
    for value, same in (("b/c", True), ("x/y", False)):
        headers["X-Amz-Copy-Source"] = value
        assert _says(request, EXPECTED, {"Bucket": "bucket"}) is same
