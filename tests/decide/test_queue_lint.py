"""The queues' own settings: each rule broken alone says its note, and nothing that is well says any."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from ops_lib.decide.findings import Finding, status_of
from ops_lib.decide.queue_lint import queue_lint
from ops_lib.evidence import Alarm, Queue, QueuePair
from ops_lib.show.dlq_settings import dead_letter_settings
from tests.recorded import UNREAD, read

DAYS_14, DAYS_4 = 1_209_600, 345_600
MAIN = Queue("p-chunking", "u", 0, 0, 0, 900, DAYS_14, 5, "arn:aws:sqs:r:1:p-chunking-dlq")
DLQ = Queue("p-chunking-dlq", "d", 0, 0, 0, 30, DAYS_14)
ALARM = Alarm("a", "OK", DLQ.name, ("arn:sns",), None)


def pair(key: str = "chunking", main: Any = MAIN, dlq: Any = DLQ) -> QueuePair:
    return QueuePair(key, read(main), read(dlq))


def lint(*pairs: QueuePair, alarms: Any = None) -> dict[str, Finding]:
    alarms = read((ALARM,)) if alarms is None else alarms
    findings = queue_lint({one.key: one for one in pairs or (pair(),)}, alarms)
    assert len({finding.id for finding in findings}) == len(findings), "an id is said twice"
    assert {finding.severity for finding in findings} <= {"note"}
    assert status_of(findings) == "ok", "advice never counts"
    return {finding.id: finding for finding in findings}


def test_settings_that_are_well_say_nothing() -> None:
    assert lint() == {}


BROKEN = {
    "dead-letter-retention": pair(dlq=replace(DLQ, retention_s=DAYS_4)),
    "dead-letter-queue-redrives": pair(dlq=replace(DLQ, dlq_arn="arn:aws:sqs:r:1:other")),
    "receive-count-low": pair(main=replace(MAIN, max_receive_count=2)),
    "receive-count-high": pair(main=replace(MAIN, max_receive_count=1000, visibility_timeout_s=3600)),
    "visibility-short": pair(main=replace(MAIN, visibility_timeout_s=899)),
    "queue-types-differ": pair(main=replace(MAIN, name="p-chunking.fifo")),
    "no-dead-letter-queue:chunking": replace(pair(main=replace(MAIN, dlq_arn=None)), dlq=None),
}


@pytest.mark.parametrize("rule", BROKEN)
def test_each_rule_that_is_broken_is_said_and_no_other(rule: str) -> None:
    (found,) = lint(BROKEN[rule]).values()
    assert found.id == rule
    assert found.next_step


def test_a_shared_dead_letter_queue_names_its_sources() -> None:
    found = lint(pair(), pair("ingest", replace(MAIN, name="p-ingest", visibility_timeout_s=1200)))
    assert found["dead-letter-queue-shared"].evidence == ("arn:aws:sqs:r:1:p-chunking-dlq: chunking, ingest",)


def test_a_message_that_expires_as_it_dies_is_said_by_the_shorter_retention() -> None:
    slow = replace(MAIN, max_receive_count=10, visibility_timeout_s=36_000)  # 100 h of tries
    assert "receive-count-high" not in lint(pair(main=slow))
    found = lint(pair(main=slow, dlq=replace(DLQ, retention_s=DAYS_4)))
    assert "4 d 4 h" in found["receive-count-high"].evidence[0]


def test_a_dead_letter_queue_without_an_alarm_and_one_that_notifies_nobody() -> None:
    assert lint(alarms=read(()))["unwatched-dead-letters"].evidence == (DLQ.name,)
    assert set(lint(alarms=read((replace(ALARM, actions=()),)))) == {"silent-alarms"}


def test_what_was_not_read_is_no_advice() -> None:
    assert queue_lint({"chunking": QueuePair("chunking", UNREAD, UNREAD)}, UNREAD) == ()


def test_the_table_says_what_was_not_read() -> None:
    frame = dead_letter_settings({"chunking": pair(), "lost": QueuePair("lost", UNREAD, UNREAD)}, read((ALARM,)))
    own, lost = frame.to_dict("records")
    assert (own["keeps"], own["max receives"], own["alarm"]) == ("14 d", 5, "OK, notifies 1")
    assert {lost[name] for name in ("dead-letter queue", "keeps", "source keeps", "dead after")} == {"not read"}
    assert dead_letter_settings({"chunking": pair()}, UNREAD)["alarm"][0].startswith("not read: ")
    silent = dead_letter_settings({"chunking": pair()}, read((replace(ALARM, actions=(), state="ALARM"),)))
    assert silent["alarm"][0] == "ALARM, notifies nobody"
