"""Looks into dead-letter queues: everything seen once, coverage said, put back, and what cut a look short."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from ops_lib.aws import Aws, connect
from ops_lib.evidence import Queue, QueuePair, Read, Unread, known
from ops_lib.letters import Inspection
from ops_lib.read.dead_letters import SHORTEST_S, cost, inspect, inspect_all, terms_for
from ops_lib.read.one_job import read_job
from ops_lib.read.queues import read_pair
from ops_lib.settings import open_settings
from tests.sandbox.running import Sandbox, running

MANY = 137


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    """A sandbox of this file's own, with many letters behind the chunking queue."""
    with running(tmp_path_factory.mktemp("letters"), "recording-newest") as sandbox:
        outside(sandbox, "send", "stereo-spot-chunking-dlq", str(MANY))
        yield sandbox


def outside(sandbox: Sandbox, *words: str) -> str:
    """Run the script that writes: in this process the gate stops it."""
    script = Path(__file__).parents[1] / "sandbox" / "outside" / "dead_letters.py"
    command = [sys.executable, str(script), *words]
    own = os.environ | sandbox.access
    return subprocess.run(command, env=own, capture_output=True, text=True, check=True, timeout=60).stdout


@pytest.fixture
def there(own: Sandbox, monkeypatch: pytest.MonkeyPatch) -> Aws:
    monkeypatch.setenv("OPS_STATE", str(own.root))
    return connect(open_settings("recording-newest"))


def look(aws: Aws, key: str = "chunking", **given: Any) -> Inspection:
    pair = read_pair(aws, key)
    assert pair.dlq is not None
    return known(inspect(aws, key, pair.dlq, **given))


def visible(aws: Aws, key: str = "chunking") -> int:
    return known(read_pair(aws, key).dlq).visible_messages  # type: ignore[arg-type]


def test_every_letter_is_seen_once_and_put_back(there: Aws) -> None:
    before = visible(there)
    seen = look(there)
    assert len({letter.message_id for letter in seen.letters}) == len(seen.letters) == before == seen.about
    assert (seen.put_back, seen.in_flight, seen.stopped_by, seen.hidden_until) == (before, 0, None, None)
    assert seen.saw_all
    assert visible(there) == before


def test_letters_come_oldest_first_with_their_attributes(there: Aws) -> None:
    letters = look(there).letters
    times = [letter.sent_at for letter in letters if letter.sent_at]
    assert times == sorted(times)
    assert len(times) == len(letters)
    assert all(letter.queue == "chunking" and letter.receives >= 1 for letter in letters)


def test_a_look_that_is_enough_says_that_it_is_not_all(there: Aws) -> None:
    seen = look(there, most=20)
    assert 20 <= len(seen.letters) < seen.about
    assert seen.stopped_by == "no more than 20 were asked for"
    assert (seen.reached_most, seen.to_see_all) == (True, "Raise most and look again")
    assert not seen.saw_all
    assert visible(there) == seen.about


def test_a_look_that_one_receive_brought_as_many_as_sqs_counted_still_has_not_seen_all(there: Aws) -> None:
    seen = look(there, "output-events", most=1)
    assert (seen.saw_as_many, seen.reached_most, seen.saw_all) == (len(seen.letters) == seen.about, True, False)
    assert seen.stopped_by == "no more than 1 was asked for"


def test_letters_that_somebody_else_holds_are_no_letters_that_were_seen(there: Aws, own: Sandbox) -> None:
    held = json.loads(outside(own, "hold", "stereo-spot-output-events-dlq", "1", "600"))
    seen = look(there, "output-events")
    assert (seen.in_flight, len(held), len(seen.letters)) == (1, 1, 2)
    assert not seen.saw_all
    assert held[0] not in {letter.message_id for letter in seen.letters}


def test_an_empty_queue_is_not_received_from(there: Aws, faults: Any) -> None:
    assert look(there, "reassembly") == Inspection("reassembly", (), 0, 0, 0)
    assert faults[1]["sqs:ReceiveMessage"] == 0


@pytest.mark.parametrize("fault", ["denied", "throttled", "timeout", "garbage", "html"])
def test_a_look_that_fails_is_unread_with_its_reason(there: Aws, faults: Any, fault: str) -> None:
    faults[0]["sqs:ReceiveMessage"] = fault
    dlq = read_pair(there, "chunking").dlq
    assert dlq is not None
    part = inspect(there, "chunking", dlq)
    assert isinstance(part, Unread)
    assert part.kind == ("garbage" if fault == "html" else fault)
    assert faults[1]["sqs:ReceiveMessage"] == 1, "a lost receive is not sent again: it hides what nobody saw"


@pytest.mark.parametrize("fault", ["denied", "throttled", "timeout", "html", "empty"])
def test_a_queue_that_is_not_shown_to_be_a_dead_letter_queue_is_unread(there: Aws, faults: Any, fault: str) -> None:
    dlq = read_pair(there, "chunking").dlq
    assert dlq is not None
    faults[0]["sqs:ListDeadLetterSourceQueues"] = fault
    part = inspect(there, "chunking", dlq)
    assert isinstance(part, Unread)
    assert ("sqs:ListDeadLetterSourceQueues" in part.next_step) == (fault == "denied"), part.next_step
    assert faults[1]["sqs:ReceiveMessage"] == 0


def test_a_queue_whose_counts_were_not_read_is_not_looked_into(there: Aws) -> None:
    part = inspect(there, "chunking", Unread("sqs:GetQueueAttributes", "denied", "access denied", "ask"))
    assert isinstance(part, Unread)
    assert (part.kind, part.next_step) == ("not-asked", "ask")


def test_a_failed_put_back_names_when_they_come_back_by_themselves(there: Aws, faults: Any) -> None:
    pair = read_pair(there, "job-events")
    assert pair.dlq is not None
    faults[0]["sqs:ChangeMessageVisibilityBatch"] = "denied"
    seen = known(inspect(there, "job-events", pair.dlq))
    assert len(seen.letters) == 1
    assert seen.put_back == 0
    assert seen.hidden_until is not None


def test_all_looks_at_every_queue_that_has_dead_letters(there: Aws) -> None:
    pairs = {key: read_pair(there, key) for key in ("chunking", "video-worker")}
    pairs["lonely"] = QueuePair("lonely", pairs["chunking"].main, None)
    looks = inspect_all(there, pairs)
    assert list(looks) == ["chunking", "video-worker"]
    assert all(isinstance(found, Read) for found in looks.values())


def test_a_job_is_read_with_its_dead_letters_only_where_somebody_asks(there: Aws, faults: Any) -> None:
    job = "bb37f23c-7609-4727-bc8a-bb541b4bd02a"
    assert read_job(there, job, there.settings.now()).dead_letters == {}
    assert faults[1]["sqs:ReceiveMessage"] == 0
    looked = read_job(there, job, there.settings.now(), inspect=True)
    assert set(looked.dead_letters) == set(looked.queues)
    assert "chunking dead letters" in looked.parts()


# What a look costs is said before.

DLQ = Queue("dlq", "u", 3, 0, 0, 30, 345_600)


def test_the_cost_is_said_before(there: Aws) -> None:
    def pair(count: int) -> QueuePair:
        return QueuePair("q", Unread("s", "denied", "r", "n"), Read(replace(DLQ, visible_messages=count), "s", NOW))

    NOW = there.settings.now()
    assert cost([pair(0)]) == "Their dead-letter queues are empty: nothing is received."
    assert "About 12 messages" in cost([pair(5), pair(7)])
    assert f"at most {SHORTEST_S} s" in cost([pair(5)])


@pytest.mark.parametrize(("count", "hide_s"), [(0, 30), (49, 30), (500, 40), (5000, 130), (1_000_000, 130)])
def test_the_longer_the_queue_the_longer_the_lease_up_to_a_bound(count: int, hide_s: int) -> None:
    terms = terms_for(replace(DLQ, visible_messages=count))
    assert terms.hide_s == hide_s
    assert terms.receives >= min(count, 5000)


def test_nothing_here_deletes_or_sends() -> None:
    source = (Path(__file__).parents[2] / "ops_lib" / "read" / "dead_letters.py").read_text(encoding="utf-8")
    assert not {word for word in ("delete_message", "send_message", "purge_queue") if word in source}
