"""The drop-down and the folded cards say the same; traits are set and read as a person would."""

from __future__ import annotations

import pytest
from IPython.core.interactiveshell import InteractiveShell
from IPython.utils.capture import RichOutput, capture_output

from ops_lib.decide.stuck_job import judge
from ops_lib.decide.verdict import Verdict
from ops_lib.show.job_picker import job_picker, show_jobs
from tests.recorded import captured_at, expected_verdicts, job_evidence


@pytest.fixture(autouse=True)
def shell() -> None:
    InteractiveShell.instance()


def verdicts() -> dict[str, Verdict]:
    recorded = [(version, job) for version, job, _ in expected_verdicts() if version == "newest"]
    return {job: judge(job_evidence(version, job), captured_at(version)) for version, job in recorded}


def html_of(outputs: list[RichOutput]) -> str:
    return "".join(str(output.data.get("text/html", "")) for output in outputs)


def test_choosing_a_job_shows_its_verdict() -> None:
    judged = verdicts()
    chooser, card = job_picker(judged).children
    for job_id, verdict in judged.items():
        chooser.value = job_id
        assert verdict.name in card.value
        assert job_id in card.value


def test_without_a_browser_every_verdict_is_there_all_the_same() -> None:
    judged = verdicts()
    with capture_output() as shown:
        show_jobs(judged)
    page = html_of(shown.outputs)
    for job_id, verdict in judged.items():
        assert job_id in page
        assert verdict.name in page
    assert page.count("<details>") == len(judged)


def test_no_open_job_is_said() -> None:
    chooser, card = job_picker({}).children
    assert "No open job" in card.value
    assert chooser.disabled
