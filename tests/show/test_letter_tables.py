"""Letters on screen, the choice among them, the look as a cell runs it, and the second look beside the first."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from html import unescape
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from IPython.core.interactiveshell import InteractiveShell
from IPython.utils.capture import capture_output

from ops_lib.decide.letter_findings import letter_findings
from ops_lib.decide.repairs.letters import plan_letters
from ops_lib.decide.repairs.names import NOBODY, NOT_YET, NOTHING_CHOSEN, NoRepair
from ops_lib.evidence import Evidence
from ops_lib.letters import Inspection
from ops_lib.show import letter_causes, letter_choice, letter_tables, letters_again, looking, plan_tables
from ops_lib.show.journal_lines import journal_of
from ops_lib.show.letter_choice import Desk, LetterChoice, choose
from ops_lib.show.letters_again import before_and_now
from tests.corpus import TEST, TWO
from tests.decide.repairs.deployment import NAMES
from tests.decide.states import HOUR, JOB, NOW, job
from tests.judged_letters import QUEUES, SOURCE, judged, letter, look, three_classes
from tests.recorded import UNREAD


@pytest.fixture(autouse=True)
def shell() -> None:
    InteractiveShell.instance()


def test_the_first_screen_holds_the_groups_and_what_they_do_not_tell() -> None:
    letters = three_classes(reassembly=UNREAD)
    page = letter_tables.answer(letters, letter_findings(QUEUES, letters), "mine")
    assert page.startswith('<div class="verdict critical">')
    assert page.index("still-needed") < page.index("test-event") < page.index("duplicate-source-event")
    assert "replay, once the cause is mended" in page
    assert "2 dead letters of chunking" not in page, "the groups tell it"
    assert "reassembly dead letters" not in page


def test_without_a_look_the_first_screen_says_what_nobody_has_seen() -> None:
    letters = judged({})
    page = letter_tables.answer(letters, letter_findings(QUEUES, letters), "mine")
    assert "3 dead letters of video-worker that this run did not look into" in page


def test_a_needed_letter_of_a_failed_job_says_how_to_open_that_job() -> None:
    looks = three_classes().looks
    failed = judged(looks, job(status="failed", recorded=(2,), pairs=QUEUES))
    page = letter_tables.groups(failed, "mine")
    assert f"ops open 3_stuck_job -e mine -p job_id={JOB}</code>" in page
    assert "leave it, see why" not in page
    assert "3_stuck_job" not in letter_tables.groups(three_classes(), "mine")
    stopped = judged(looks, job(recorded=(2,), pairs=QUEUES, endpoint=None))
    assert "leave it, see why" in letter_tables.groups(stopped, "mine"), "mending the endpoint is not in 3_stuck_job"


def test_no_row_is_left_out_silently(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(letter_tables, "MOST_ROWS", 3)
    page = letter_tables.every_letter(three_classes())
    assert page.count("<summary>body</summary>") == 3
    assert "1 more letters are not shown" in page


def test_queues_now_tells_none_not_read_and_zero_apart() -> None:
    queues = QUEUES | {"a": replace(QUEUES["chunking"], dlq=None), "b": replace(QUEUES["chunking"], dlq=UNREAD)}
    told = letter_tables.queues_now(queues).set_index("queue")
    assert told.loc["chunking", "dead letters"] == 2
    assert told.loc["reassembly", "dead letters"] == 0
    assert told.loc["a", "dead-letter queue"] == "none"
    assert "access denied" in str(told.loc["b", "dead-letter queue"])
    assert told.loc["b", "dead letters"] is None


def test_who_is_left_out_of_a_plan_is_told_with_the_reason() -> None:
    letters = three_classes()
    here = replace(NAMES, input_bucket="B", output_bucket="B")
    plan, without = plan_letters("replay", letters.judged, letters.jobs, QUEUES, here, NOW)
    assert not isinstance(plan, NoRepair)
    page = letter_tables.left_out(without, letters.judged)
    assert "2 chosen letters not in this plan, and why" in page
    assert "test-event" in page
    assert "duplicate-source-event" in page
    assert letter_tables.left_out({}, letters.judged) == ""


def test_where_none_may_be_replayed_every_reason_is_told() -> None:
    letters = judged({"chunking": three_classes().looks["chunking"]})
    plan, _ = plan_letters("replay", letters.judged, letters.jobs, QUEUES, NAMES, NOW)
    assert isinstance(plan, NoRepair)
    assert plan.reason.startswith("None of 2 letters may be replayed. 1: test-event: ")
    assert "; 1: duplicate-source-event: " in plan.reason
    assert plan.whom_to_call == NOBODY


def test_a_letter_that_is_needed_but_not_yet_to_be_replayed_is_told_first_and_never_as_all_well() -> None:
    failed = judged(three_classes().looks, job(status="failed", recorded=(2,), pairs=QUEUES))
    plan, _ = plan_letters("replay", failed.judged, failed.jobs, QUEUES, NAMES, NOW)
    assert isinstance(plan, NoRepair)
    assert plan.whom_to_call == NOT_YET
    assert "may be replayed. 1: still-needed: " in plan.reason
    page = plan_tables.no_repair_card(plan)
    assert "something has to be done first" in page
    assert "Nothing has to be changed" not in page


def test_nothing_chosen_is_no_plan_and_no_alarm() -> None:
    plan, without = plan_letters("replay", (), {}, QUEUES, NAMES, NOW)
    assert isinstance(plan, NoRepair)
    assert (plan.whom_to_call, without) == (NOTHING_CHOSEN, {})


def many(count: int) -> Any:
    letters = judged({"chunking": look("chunking", *(letter("chunking", TEST, n) for n in range(count)))})
    plan, _ = plan_letters("discard", letters.judged, letters.jobs, QUEUES, NAMES, NOW)
    return plan


def test_a_long_plan_of_letters_is_told_by_kinds_with_every_step_folded() -> None:
    page = plan_tables.plan_table(many(40), None)
    assert "<td><b>40</b></td><td>sqs:DeleteMessage</td><td>chunking</td>" in page
    assert "all 40 steps, each with its exact calls" in page
    assert page.count("the exact calls: sqs:ReceiveMessage, then sqs:DeleteMessage<") == 40
    assert "all 3 steps" not in plan_tables.plan_table(many(3), None)


def test_a_filter_chooses_what_it_shows_and_a_click_drops_one() -> None:
    letters = three_classes()
    choice = LetterChoice(letters.judged)
    desk = Desk(choice, NOW)
    assert len(choice.letters) == 4
    assert [label.split(" · ")[1] for label, _ in desk.list.options] == [
        one.letter.message_id[:8] for one in letters.judged
    ]
    assert "Chosen: 4 of 4 shown. 2 to replay, 2 to discard." in desk.told.value
    desk.kind.value = "still-needed"
    assert {one.name for one in choice.letters} == {"still-needed"}
    desk.list.value = desk.list.value[1:]
    assert len(choice.letters) == 1
    desk.kind.value = ""
    desk.text.value = "  S3:TESTEVENT "
    assert [one.name for one in choice.letters] == ["test-event"]
    desk.text.value = "nothing has this"
    assert choice.letters == ()
    desk.text.value = ""
    desk.job.value = JOB
    assert len(choice.letters) == 3


def test_what_may_not_be_moved_is_chosen_only_by_hand_and_then_told() -> None:
    letters = judged({"chunking": look("chunking", letter("chunking", TWO, 1))})
    choice = LetterChoice(letters.judged)
    desk = Desk(choice, NOW)
    assert choice.letters == ()
    desk.list.value = (0,)
    assert "1 for neither" in desk.told.value


def test_the_list_shows_a_hostile_body_as_harmless_text() -> None:
    body = '{"Records":[{"s3":{"bucket":{"name":"b"},"object":{"key":"\\u001b[31m<b>\\n\\ud800"}}}]}'
    desk = Desk(LetterChoice(judged({"chunking": look("chunking", letter("chunking", body, 1))}).judged), NOW)
    for label, _ in desk.list.options:
        assert label.isprintable()
        assert label.encode()


def test_without_a_person_all_letters_are_chosen(monkeypatch: pytest.MonkeyPatch) -> None:
    letters = three_classes()
    with capture_output() as shown:
        assert choose(letters).letters == letters.judged
    assert "Nobody can choose" in str(shown.outputs[0].data)
    monkeypatch.setattr(letter_choice, "somebody_is_there", lambda: True)
    with capture_output() as shown:
        choose(letters)
    assert "application/vnd.jupyter.widget-view+json" in shown.outputs[0].data


def test_a_run_without_a_person_does_not_look_unless_its_parameter_says_so() -> None:
    told: list[str] = []
    book: Any = SimpleNamespace(parameters=SimpleNamespace(inspect=False, most=10), html=told.append, aws=None)
    assert looking.look(book, QUEUES) == {}
    assert "inspect" in told[0]


@pytest.mark.parametrize(("inspect", "somebody"), [(True, False), (False, True)])
def test_it_looks_where_the_parameter_or_a_person_says_so(
    inspect: bool, somebody: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[tuple[str, int]] = []

    def stand_in(aws: object, key: str, dlq: object, most: int, told: Any) -> Evidence[Inspection]:
        asked.append((key, most))
        told(1)
        return look(key)

    monkeypatch.setattr(looking, "somebody_is_there", lambda: somebody)
    monkeypatch.setattr(looking, "inspect", stand_in)
    book: Any = SimpleNamespace(parameters=SimpleNamespace(inspect=inspect, most=10), aws=None)
    with capture_output():
        assert looking.look(book, QUEUES).keys() == QUEUES.keys()
    assert asked == [(key, 10) for key in QUEUES]


def test_the_price_names_the_bound_only_where_it_cuts() -> None:
    assert "At most 1 of each queue" in looking.price(QUEUES, 1)
    assert "At most" not in looking.price(QUEUES, 1000)
    assert "raise" not in looking.price({"reassembly": QUEUES["reassembly"]}, 1000)


def test_afterwards_what_is_gone_left_and_back_is_told() -> None:
    before = three_classes()
    left = look("video-worker", letter("video-worker", before.judged[1].letter.body, 4, HOUR))
    after = three_classes(chunking=look("chunking"), video_worker=left)
    assert "3 letters gone." in before_and_now(before, after)
    back = look("chunking", letter("chunking", SOURCE, 9, 1))
    page = before_and_now(before, three_classes(chunking=back))
    assert "came back: the cause still holds" in page
    assert page.startswith('<div class="verdict critical">')
    assert "Nothing has changed" in before_and_now(before, before)


def test_letters_that_could_not_be_seen_are_not_called_gone() -> None:
    before = three_classes()
    for hidden in (look("chunking", about=2, in_flight=2), UNREAD, None):
        page = before_and_now(before, three_classes(chunking=hidden))
        assert page.startswith('<div class="verdict unknown">')
        assert "look again in half a minute" in page


def test_a_job_that_moved_on_is_named() -> None:
    before = three_classes()
    after = judged(before.looks, job(status="completed", film_s=HOUR, pairs=QUEUES))
    assert f"<code>{JOB}</code>" in before_and_now(before, after)


def an_environment(folder: Path) -> Path:
    path = folder / "mine.yaml"
    path.write_text(f"env_file: .env\nstate: {folder / 'state'}\n", encoding="utf-8")
    return path


@pytest.mark.parametrize(("since_s", "looks"), [(60, True), (-60, False)])
def test_it_looks_again_only_where_something_was_applied_since(
    since_s: int, looks: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = an_environment(tmp_path)
    told: list[Any] = []
    at = NOW + timedelta(seconds=since_s)
    journal_of(str(path)).append("note", "p", None, {}, at)
    monkeypatch.setattr(letters_again, "somebody_is_there", lambda: True)
    monkeypatch.setattr(letters_again, "PipelineReads", lambda *_: told.append("looked"))
    book: Any = SimpleNamespace(settings=SimpleNamespace(name=str(path), now=lambda: NOW), html=told.append, aws=None)
    with suppress(AttributeError):
        letters_again.look_again(book, QUEUES, three_classes())
    assert (told == ["looked"]) == looks
    assert (told == [letters_again.NOTHING_APPLIED]) != looks


def test_a_journal_that_cannot_be_read_excludes_nothing(tmp_path: Path) -> None:
    book: Any = SimpleNamespace(settings=SimpleNamespace(name=str(tmp_path / "gone.yaml")))
    assert letters_again._applied_since(book, NOW)


def test_a_body_is_redacted_before_it_is_cut_and_its_size_is_the_whole() -> None:
    edge = letter_tables.BODY_CHARS - 8
    for body in ("x" * edge + " AKIAABCDEFGHIJKLMNOP", "y" * 1_048_576):
        page = letter_tables._inside(letter("chunking", body, 1))
        assert "AKIA" not in page
        assert f"{len(body):,} bytes; only the first 2,000 characters are shown" in page
    assert "only the first" not in letter_tables._inside(letter("chunking", TEST, 1))


def test_every_line_of_each_job_that_a_letter_names_is_one_command_away() -> None:
    page = unescape(letter_causes.stories(three_classes().judged, "prod"))
    assert page.count("open 5_job_logs") == 1
    assert f"open 5_job_logs -e prod -p job_id={JOB}" in page
    assert letter_causes.stories((), "prod") == ""
