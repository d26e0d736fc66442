"""The exception below an error is named among the facts; whether it was read changes no verdict."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from ops_lib.decide.stuck_job import judge
from ops_lib.evidence import LogLine, Traceback
from ops_lib.gathered import JobEvidence
from ops_lib.log_format import last_words
from tests.decide.states import LONG, NOW, STREAM, dead, job, line, queue
from tests.recorded import UNREAD, read

GAVE_UP = line("T [ERROR] reassembly: job_id={J} failed to process message: x", LONG - 60, STREAM)
REFUSED = [line("video-worker: job_id={J} segment_index=1 invoke_async failed: x", LONG + n) for n in range(5)]
UNWRITTEN = [
    line("segment-output: job_id={J} segment_index=1 failed to process message: x", LONG + n) for n in range(5)
]
WORDS = "botocore.exceptions.ClientError: An error occurred (Throttling): Rate exceeded"


def below(said: LogLine, *following: str) -> Traceback:
    return Traceback(said, ("Traceback (most recent call last):", '  File "/app/x.py", line 1, in y', *following))


CASES: dict[str, tuple[LogLine, Callable[[tuple[Traceback, ...]], JobEvidence]]] = {
    "reassembly-died": (GAVE_UP, lambda t: job(lock=(LONG, LONG), lines=[GAVE_UP], tracebacks=t)),
    "inference-refused": (REFUSED[3], lambda t: job(status="failed", recorded=(0, 2), lines=REFUSED, tracebacks=t)),
    "completion-event-dead-lettered": (
        UNWRITTEN[0],
        lambda t: job(
            recorded=(0, 2),
            produced=(0, 1, 2),
            lines=UNWRITTEN,
            tracebacks=t,
            pairs={"segment-output": dead(queue("segment-output"), 1)},
        ),
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_the_facts_name_the_exception_and_nothing_else_depends_on_it(name: str) -> None:
    said, build = CASES[name]
    told, silent = judge(build((below(said, WORDS),)), NOW), judge(build(()), NOW)
    assert told.name == silent.name == name
    assert any(WORDS in fact for fact in told.because)
    assert not any(WORDS in fact for fact in silent.because)
    assert replace(told, because=()) == replace(silent, because=())


def test_another_lines_traceback_is_not_taken_for_it() -> None:
    _, build = CASES["reassembly-died"]
    other = replace(GAVE_UP, stream="ecs/media-worker/" + "c" * 32)
    assert not any(WORDS in fact for fact in judge(build((below(other, WORDS),)), NOW).because)


def test_an_exceptions_secret_is_removed_and_its_end_cut() -> None:
    _, build = CASES["reassembly-died"]
    words = f"ValueError: AKIA{'A' * 16} {'x' * 500}"
    (fact,) = (one for one in judge(build((below(GAVE_UP, words),)), NOW).because if "ValueError" in one)
    assert "AKIA" not in fact
    assert len(fact) < 250


def test_unread_tracebacks_are_listed_and_the_verdict_stands() -> None:
    _, build = CASES["inference-refused"]
    evidence = build(())
    logs = evidence.logs.value  # type: ignore[union-attr]
    verdict = judge(replace(evidence, logs=read(replace(logs, untraced=UNREAD))), NOW)
    assert verdict.name == "inference-refused"
    assert verdict.unread == ("tracebacks: access denied",)


@pytest.mark.parametrize(
    ("following", "words"),
    [
        (("Traceback (most recent call last):", "  File x", "MemoryError"), "MemoryError"),
        (("a.b.C: first", "", "During handling of the above exception, another:", "", "d.E: second"), "d.E: second"),
        (("pydantic.ValidationError: 1 validation error", "status", "  Input should be x", ""), None),
        (("Killed by the kernel",), "Killed by the kernel"),
        (("Traceback (most recent call last):", "  File x"), ""),
        ((), ""),
    ],
)
def test_the_last_words(following: tuple[str, ...], words: str | None) -> None:
    assert last_words(following) == (following[0] if words is None else words)
