"""The journal in S3, over HTTP against the sandbox, under the responder's role and through the gate's door."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError, ReadTimeoutError

from ops_lib.change.journal import GENESIS, journal_at
from ops_lib.errors import BadJournal, ChangeRefused, NotJournalled, NotReadable
from tests.counts import PROVE, few
from tests.sandbox.running import Sandbox, running

AT = datetime(2026, 11, 7, 3, 12, 44, tzinfo=UTC)
BUCKET = "stereo-spot-input-123456789012"


# Against a bucket in memory: what races and lost answers do, one by one.


@dataclass
class Bucket:
    """S3 as its documents say: If-None-Match decides; `faults` happen to the next PutObjects, one each."""

    objects: dict[str, tuple[bytes, dict[str, str]]] = field(default_factory=dict)
    faults: list[Any] = field(default_factory=list)
    calls: Counter[str] = field(default_factory=Counter)

    def put_object(self, Key: str, Body: bytes, IfNoneMatch: str, Metadata: dict[str, str], **_: Any) -> None:
        self.calls["PutObject"] += 1
        fault = self.faults.pop(0) if self.faults else None
        if callable(fault):
            fault()
        if fault in ("ConditionalRequestConflict", "AccessDenied", "never sent"):
            raise ReadTimeoutError(endpoint_url="s3") if fault == "never sent" else error(fault)
        if IfNoneMatch == "*" and Key in self.objects:
            raise error("PreconditionFailed")
        self.objects[Key] = (Body, Metadata)
        if fault == "answer lost":
            raise ReadTimeoutError(endpoint_url="s3")
        if fault == "sent twice":  # botocore's own retry meets the object that its first attempt has made
            raise error("PreconditionFailed")

    def get_object(self, Key: str, **_: Any) -> dict[str, Any]:
        self.calls["GetObject"] += 1
        if Key not in self.objects:
            raise error("NoSuchKey")
        body, metadata = self.objects[Key]
        return {"Body": BytesIO(body), "Metadata": metadata}

    head_object = get_object

    def get_paginator(self, name: str) -> Any:
        assert name == "list_objects_v2"
        return self

    def paginate(self, Prefix: str, StartAfter: str, **_: Any) -> list[dict[str, Any]]:
        self.calls["ListObjectsV2"] += 1
        keys = sorted(key for key in self.objects if key.startswith(Prefix) and key > StartAfter)
        return [{"Contents": [{"Key": key} for key in keys[at : at + 2]]} for at in range(0, len(keys), 2)] or [{}]


def error(code: str, operation: str = "PutObject") -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": "on purpose"}}, operation)


def of(bucket: Any) -> Any:
    return journal_at("s3://bucket/ops/prod", bucket)


def write(journal: Any, step: int = 0, who: str = "alice") -> Any:
    return journal.append("intent", "p", step, {"who": who}, AT)


def test_entries_are_objects_in_the_order_of_their_numbers() -> None:
    bucket = Bucket()
    written = [write(of(bucket), step) for step in range(5)]
    assert list(bucket.objects) == [f"ops/prod/{number:09d}.json" for number in range(5)]
    assert of(bucket).entries() == tuple(written)
    assert of(bucket).head() == (5, written[-1].hash)
    assert written[0].previous == GENESIS
    assert [entry.step for entry in of(bucket).open_intents()] == [0, 1, 2, 3, 4]


def test_other_objects_under_the_prefix_are_not_entries() -> None:
    bucket = Bucket()
    entry = write(of(bucket))
    for key in ("ops/prod/readme.txt", "ops/prod/1.json", "ops/prod2/000000001.json", "ops/prod/000000001.json.bak"):
        bucket.objects[key] = (b"x", {})
    assert of(bucket).entries() == (entry,)
    assert write(of(bucket)).number == 1


def test_who_loses_the_race_writes_the_next_number() -> None:
    bucket = Bucket()
    one, other = of(bucket), of(bucket)
    write(one)
    bucket.faults = [lambda: write(other, 1, "bob"), None]
    mine = write(one, 1)
    assert mine.number == 2
    assert [entry.facts["who"] for entry in of(bucket).entries()] == ["alice", "bob", "alice"]


def test_two_who_write_the_very_same_words_are_two_entries() -> None:
    bucket = Bucket()
    bucket.faults = [lambda: write(of(bucket))]
    assert write(of(bucket)).number == 1
    assert len(of(bucket).entries()) == 2


@pytest.mark.parametrize("fault", ["answer lost", "sent twice", "ConditionalRequestConflict"])
def test_a_lost_answer_is_found_out_and_nothing_is_written_twice(fault: str) -> None:
    bucket = Bucket(faults=[fault])
    journal = of(bucket)
    first, second = write(journal), write(journal, 1)
    assert of(bucket).entries() == (first, second)


@pytest.mark.parametrize("fault", ["never sent", "AccessDenied"])
def test_what_could_not_be_written_is_said(fault: str) -> None:
    bucket = Bucket(faults=[fault])
    with pytest.raises(NotJournalled, match=r"s3://bucket/ops/prod: nothing could be written.*apply again"):
        write(of(bucket))
    assert not bucket.objects


def test_a_race_that_is_lost_for_ever_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("time.sleep", lambda _: None)
    with pytest.raises(NotJournalled, match="others were quicker"):
        write(of(Bucket(faults=["ConditionalRequestConflict"] * 1000)))


def test_a_journal_that_goes_on_is_not_listed_anew_from_its_beginning() -> None:
    bucket = Bucket()
    for step in range(6):
        write(of(bucket), step)
    journal = of(bucket)
    write(journal)
    bucket.calls.clear()
    write(journal)
    assert bucket.calls == {"ListObjectsV2": 1, "PutObject": 1}


@pytest.mark.parametrize("number", [0, 1, 2])
def test_a_changed_object_is_noticed(number: int) -> None:
    bucket = Bucket()
    for step in range(3):
        write(of(bucket), step)
    key = f"ops/prod/{number:09d}.json"
    bucket.objects[key] = (bucket.objects[key][0].replace(b"alice", b"mallo"), {})
    with pytest.raises(BadJournal, match=f"s3://bucket/ops/prod: the chain breaks at entry {number}"):
        of(bucket).entries()
    if number == 2:
        with pytest.raises(BadJournal, match="entry 2"):
            write(of(bucket))


@pytest.mark.parametrize("number", [0, 1, 2])
def test_a_removed_object_is_noticed_and_at_the_end_by_a_head(number: int) -> None:
    bucket = Bucket()
    for step in range(3):
        write(of(bucket), step)
    head = of(bucket).head()
    del bucket.objects[f"ops/prod/{number:09d}.json"]
    found = of(bucket).reading()
    assert not found.contains(head)
    assert (found.broken.entry if found.broken else None) == (number if number < 2 else None)


def test_an_object_under_anothers_number_is_noticed() -> None:
    bucket = Bucket()
    write(of(bucket))
    bucket.objects["ops/prod/000000001.json"] = bucket.objects["ops/prod/000000000.json"]
    with pytest.raises(BadJournal, match="entry 1"):
        of(bucket).entries()
    with pytest.raises(BadJournal, match="entry 1: it carries number 0"):
        write(of(bucket))


def test_a_journal_that_cannot_be_read_is_not_an_empty_one() -> None:
    bucket = Bucket()
    write(of(bucket))

    def denied(**_: Any) -> Any:
        raise error("AccessDenied", "GetObject")

    bucket.get_object = denied  # type: ignore[method-assign]
    with pytest.raises(NotReadable, match=r"access denied.*add s3:GetObject"):
        of(bucket).entries()


def test_in_s3_the_exclusive_lock_holds_nothing() -> None:
    with of(Bucket()).exclusive(), of(Bucket()).exclusive():
        pass
    assert "conditional writes of the plan decide" in str(type(of(Bucket())).exclusive.__doc__)


# Against the sandbox: real requests, real races between processes, the real gate and the responder's policy.


@pytest.fixture(scope="module")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    root = tmp_path_factory.mktemp("state")
    with running(root, "sandbox-journal", "--jobs", "5", "--speed", "0") as started:
        yield started


def responder(sandbox: Sandbox) -> dict[str, str]:
    file = sandbox.root / "sandbox-journal" / "sandbox" / "responder.json"
    keys = json.loads(file.read_text(encoding="utf-8"))
    return sandbox.access | {
        "AWS_ACCESS_KEY_ID": keys["access_key_id"],
        "AWS_SECRET_ACCESS_KEY": keys["secret_access_key"],
    }


def appending(sandbox: Sandbox, prefix: str, who: str, each: int) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "tests.change.appending", f"s3://{BUCKET}/{prefix}", who, str(each)]
    pipes: dict[str, Any] = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    return subprocess.Popen(command, text=True, env=os.environ | responder(sandbox), **pipes)


def test_the_sandbox_writes_an_object_once(sandbox: Sandbox) -> None:
    """Amazon S3 User Guide, "Conditional writes": the first of If-None-Match writes succeeds, the rest get 412."""
    script = Path(__file__).parent / "outside" / "write_once.py"
    rounds = "500" if PROVE else "10"
    command = [sys.executable, str(script), BUCKET, rounds]
    done = subprocess.run(
        command, capture_output=True, text=True, timeout=250, env=os.environ | sandbox.access, check=False
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == {
        "rounds": int(rounds),
        "once": int(rounds),
        "refusals": ["412 PreconditionFailed"],
    }


@pytest.mark.parametrize("count", few([2, 8], 0))
def test_processes_at_once_lose_nothing_in_the_sandboxs_s3(sandbox: Sandbox, count: int) -> None:
    each, prefix = 40 if PROVE else 5, f"ops/{count}"
    processes = [appending(sandbox, prefix, f"process-{number}", each) for number in range(count)]
    for process in processes:
        assert process.stdout
        assert process.stdin
        assert process.stdout.readline() == "ready\n", process.communicate()
    for process in processes:
        assert process.stdin
        process.stdin.write("\n")
        process.stdin.flush()
    told = [process.communicate(timeout=200) for process in processes]
    assert [process.returncode for process in processes] == [0] * count, told
    journal = journal_at(f"s3://{BUCKET}/{prefix}", sandbox.client("s3"))
    entries = journal.entries()
    assert Counter((entry.plan_id, entry.step) for entry in entries) == Counter(
        (f"process-{number}", step) for number in range(count) for step in range(each)
    )
    lines = sorted(line for out, _ in told for line in out.splitlines() if line.startswith("ok"))
    assert lines == sorted(f"ok {entry.number} {entry.hash}" for entry in entries)


def test_the_readers_process_can_read_it_and_not_write_it(sandbox: Sandbox) -> None:
    process = appending(sandbox, "ops/read", "alice", 2)
    assert process.communicate("\n", timeout=60)[0].count("ok") == 2
    journal = journal_at(f"s3://{BUCKET}/ops/read", sandbox.client("s3"))
    assert [entry.plan_id for entry in journal.entries()] == ["alice", "alice"]
    with pytest.raises(ChangeRefused):
        write(journal)
    assert len(journal.entries()) == 2
