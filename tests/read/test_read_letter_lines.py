"""The lines around dead letters: one query for many jobs, bounded, and what could not be read is said."""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from ops_lib.aws import Aws, connect
from ops_lib.decide.bodies import decode
from ops_lib.decide.dead_letters import JudgedLetter, judge_letter
from ops_lib.decide.letter_causes import lines_wanted
from ops_lib.evidence import QueuePair, Unread, known
from ops_lib.letters import LinesWanted
from ops_lib.read.dead_letters import inspect_all
from ops_lib.read.letter_lines import MOST_JOBS, read_letter_lines
from ops_lib.read.log_groups import read_groups
from ops_lib.read.pipeline import PipelineReads
from ops_lib.settings import open_settings
from ops_lib.show.letter_causes import causes_table, read_causes
from tests.sandbox.running import command, start

INCIDENTS = ("test-event", "malformed", "unknown-job", "duplicate-source-event", "inference-refused")


@pytest.fixture(scope="module")
def there(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Aws]:
    root, name = Path(os.environ["OPS_STATE"]), "sandbox-causes"
    planted = [word for incident in INCIDENTS for word in ("--incident", incident)]
    start(root, name, "--version", "newest", "--speed", "0", "--jobs", "5", *planted)
    environment = tmp_path_factory.mktemp("causes") / f"{name}.yaml"
    environment.write_text(f'sandbox: {name}\naccount_id: "123456789012"\n', encoding="utf-8")
    yield connect(open_settings(str(environment)))
    command(root, "stop", name)


Looked = tuple[PipelineReads, list[JudgedLetter], dict[str, QueuePair]]


@pytest.fixture(scope="module")
def looked(there: Aws) -> Looked:
    """Every letter, looked at once and judged."""
    aws, reads = there, PipelineReads(there, there.settings.now())
    pairs = dict(reads.pipeline().queues)
    letters = [letter for look in inspect_all(aws, pairs).values() for letter in known(look).letters]
    jobs = reads.jobs(sorted({job for letter in letters if (job := decode(letter.body).job_id)}))
    kept = {key: known(pair.dlq).retention_s for key, pair in pairs.items() if pair.dlq is not None}
    return reads, [judge_letter(letter, jobs, kept[letter.queue], reads.now) for letter in letters], pairs


SAID = {
    ("chunking", "test event"): ("time", "chunking: job_id=? invalid S3 event body", ""),
    ("chunking", "source event"): ("job", "chunking: job_id=<id> ", ""),
    ("reassembly", "malformed"): ("time", "reassembly: job_id=? invalid message body", ""),
    ("video-worker", "segment event"): ("job", "invoke_async failed: An error occurred", "ClientError"),
    ("video-worker", "test event"): ("none", "", ""),
}  # fmt: skip


def test_every_letter_has_its_cause_by_one_query(looked: Looked, faults: Any) -> None:
    reads, judged, pairs = looked
    before = faults[1]["logs:StartQuery"]
    causes = read_causes(reads, judged, pairs)
    assert faults[1]["logs:StartQuery"] == before + 1
    assert {(one.letter.queue, one.body.kind) for one in judged} == set(SAID)
    for one in judged:
        how, said, error = SAID[one.letter.queue, one.body.kind]
        cause = causes[one.letter.message_id]
        assert cause.how == how
        assert said in cause.signature
        assert error in cause.error
    table = causes_table(judged, causes)
    assert table["letters"].sum() == len(judged)
    assert "no line found from" in "".join(table["what the log says"])


@pytest.mark.parametrize("fault", ["denied", "throttled"])
def test_logs_that_cannot_be_read_are_no_cause(looked: Looked, faults: Any, fault: str) -> None:
    reads, judged, pairs = looked
    faults[0]["logs:StartQuery"] = fault
    assert {cause.how for cause in read_causes(reads, judged, pairs).values()} == {"unread"}


def test_a_traceback_that_cannot_be_read_leaves_the_lines(looked: Looked, faults: Any) -> None:
    reads, judged, _ = looked
    faults[0]["logs:GetLogEvents"] = "denied"
    lines = known(reads.letter_lines(lines_wanted(judged, reads.now)))
    assert lines.lines
    assert lines.untraced is not None
    assert lines.tracebacks == ()


def test_more_jobs_than_a_query_holds_are_left_out_and_named(there: Aws) -> None:
    now = there.settings.now()
    ids = tuple(f"00000000-0000-4000-8000-{number:012d}" for number in range(MOST_JOBS + 3))
    found = known(read_letter_lines(there, read_groups(there), LinesWanted(ids, (), now - timedelta(hours=1), now)))
    assert found.left_out == set(ids[MOST_JOBS:])


def test_nobody_to_ask_about_is_not_asked(there: Aws, faults: Any) -> None:
    now = there.settings.now()
    part = read_letter_lines(there, read_groups(there), LinesWanted((), (), now, now))
    assert isinstance(part, Unread)
    assert part.kind == "not-asked"
    assert faults[1]["logs:StartQuery"] == 0
