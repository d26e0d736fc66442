"""What `ops apply` said, line by line: no order, lack or lie of its lines is ever shown as done."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from ops_lib.change.plan import Call, Step
from ops_lib.show.headless import NOTEBOOKS
from ops_lib.show.progress import ENDS, Progress
from ops_lib.show.redact import safe
from tests.show.plans import plan


def line(**event: Any) -> str:
    return json.dumps(event)


def after(*lines: str, exit_code: int | None = None) -> Progress:
    progress = Progress(plan())
    for one in lines:
        progress = progress.heard(one)
    return progress if exit_code is None else progress.ended(exit_code)


START = line(event="start", plan="x", steps=2, open_intents=[])
FIRST = line(event="step", number=1, title="a", state="done", words="confirmed")
SECOND = line(event="step", number=2, title="b", state="done", words="")
DONE = line(event="outcome", state="done", done=2)


def states(progress: Progress) -> list[str]:
    return [state for _, _, state, _ in progress._states()]


def test_while_it_runs_each_step_is_where_it_is() -> None:
    assert states(after()) == ["waiting", "waiting"]
    assert "Starting" in after().html()
    assert states(after(START)) == ["in progress", "waiting"]
    assert states(after(START, FIRST)) == ["done", "in progress"]
    assert "one call after the other" in after(START, FIRST).html()
    assert "the world is asked" in after(START, FIRST, SECOND).html()
    assert after(START, FIRST, SECOND, DONE).end is None  # until the process has ended


def test_how_far_sqs_is_with_what_it_moves_is_told_while_it_runs_and_at_the_end() -> None:
    moving = [line(event="progress", number=2, words=f"RUNNING, {count} of about 9 moved <b>") for count in (1, 5)]
    running = after(START, FIRST, SECOND, *moving)
    assert running.far == "RUNNING, 5 of about 9 moved <b>"
    assert "Stop cancels it" in running.html()
    assert "<b>" not in running.html().split("SQS moves")[1].split("</p>")[0]
    ended = after(START, FIRST, SECOND, *moving, DONE, exit_code=0)
    assert (ended.end, "5 of about 9" in ended.html()) == ("done", True)
    assert json.dumps({"event": "progress"}) in after(line(event="progress")).words


def test_an_update_that_did_not_come_true_or_goes_on_is_never_shown_as_done() -> None:
    refuted = line(event="outcome", state="refuted", done=2, words="Not updated: silent rollback: <why>")
    ended = after(START, FIRST, SECOND, refuted, exit_code=2)
    assert (ended.end, ENDS["refuted"][0]) == ("refuted", "critical")
    assert "it did not come true" in ended.html()
    assert "&lt;why&gt;" in ended.html()
    under_way = line(event="outcome", state="under-way", done=2, words="Not known yet")
    waiting = after(START, FIRST, SECOND, under_way, exit_code=3)
    assert (waiting.end, ENDS["under-way"][0]) == ("under-way", "unknown")
    assert "go on waiting" in waiting.html()
    # Whatever the exit code says, it is not done.
    assert after(START, FIRST, SECOND, refuted, exit_code=0).end == "refuted"


def test_how_far_an_update_is_says_that_stopping_only_ends_the_waiting() -> None:
    update = Step("update", Call("sagemaker", "UpdateEndpoint", {}), "", "", "", "")
    progress = Progress(replace(plan(), steps=(update,))).heard(line(event="start", open_intents=[]))
    progress = progress.heard(line(event="step", number=1, title="update", state="done", words=""))
    running = progress.heard(line(event="progress", number=1, words="Updating, new instances: Creating")).html()
    assert "The endpoint: Updating, new instances: Creating. Stop only ends the waiting" in running
    assert "SQS" not in running


def test_who_else_applies_is_named_while_it_waits() -> None:
    waiting = after("waiting: pid 7 <b> is applying a plan\n")
    assert "waiting: pid 7 &lt;b&gt; is applying a plan" in waiting.html()
    assert "waiting" not in after("waiting: pid 7", START, FIRST, SECOND, DONE, exit_code=0).html()


@pytest.mark.parametrize(
    ("lines", "exit_code", "end"),
    [
        ((START, FIRST, SECOND, DONE), 0, "done"),
        ((START, FIRST, SECOND, DONE), 2, "broke-off"),
        ((START, FIRST, SECOND, DONE), -9, "broke-off"),
        ((START, FIRST, SECOND), 0, "broke-off"),
        ((START,), 70, "broke-off"),
        ((START,), 64, "broke-off"),
        ((), 0, "broke-off"),
        ((), -9, "broke-off"),
        ((), 2, "broke-off"),
        ((), 64, "not-started"),
        ((), 3, "not-started"),
        ((), 70, "not-started"),
        (("Traceback (most recent call last):",), 1, "broke-off"),
        ((START, line(event="outcome", state="refused")), 2, "refused"),
        ((START, line(event="outcome", state="unknown")), 3, "unknown"),
        ((START, line(event="outcome", state="of a newer version")), 0, "broke-off"),
        ((START, line(event="outcome")), 0, "broke-off"),
        ((START, line(event="outcome", state=None)), 0, "broke-off"),
        ((START, line(event="outcome", state=["done"])), 0, "broke-off"),
    ],
)
def test_the_end_is_what_both_the_words_and_the_exit_code_say(lines: tuple[str, ...], exit_code: int, end: str) -> None:
    ended = after(*lines, exit_code=exit_code)
    assert ended.end == end
    colour, headline, next_step = ENDS[end]
    page = ended.html()
    assert f'class="verdict {colour}"' in page
    assert headline in page
    assert safe(next_step) in page
    assert ('class="verdict ok"' in page) == (end == "done")


def test_a_step_that_was_begun_and_never_heard_of_again_is_unknown() -> None:
    assert states(after(START, FIRST, exit_code=-9)) == ["done", "unknown"]
    assert states(after(START, exit_code=-9)) == ["unknown", "not-attempted"]
    assert states(after(exit_code=64)) == ["not-attempted", "not-attempted"]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "\n",
        "null",
        "7",
        "[]",
        "{}",
        "{",
        '"event"',
        '{"event": 1}',
        '{"event": "step"}',
        '{"event": "step", "number": "x", "state": "done"}',
        '{"event": "start", "open_intents": 5}',
        "\ufffd\ufffd",
        "x" * 100_000,
    ],
)
def test_a_line_that_is_no_event_of_ours_breaks_nothing(text: str) -> None:
    ended = after(START, text, FIRST, SECOND, DONE, exit_code=0)
    assert ended.end == "done"
    assert after(text, exit_code=64).end in ("not-started", "broke-off")
    assert after(text, exit_code=64).html()


def test_of_many_words_the_last_are_kept_and_shown_where_it_went_wrong() -> None:
    ended = after(*(f"word {number}" for number in range(100)), exit_code=70)
    assert "word 99" in ended.html()
    assert "word 5<" not in ended.html()


def test_secrets_in_what_it_says_are_removed() -> None:
    page = after("aws_secret_access_key=abcdefghijkl", exit_code=70).html()
    assert "abcdefghijkl" not in page


def test_the_cell_to_run_after_applying_stands_where_it_is_said_to_stand() -> None:
    for path in NOTEBOOKS.glob("*.ipynb"):
        text = path.read_text(encoding="utf-8")
        rest = text.rpartition("book.review(plan")[2]
        assert rest == text or "## Did it work?" in rest or "again from the top" in text, path.name
