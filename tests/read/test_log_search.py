"""What a search covers and what it says it lacks: groups refused one by one, the guard, quotas, pages by hand."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from threading import Event, Thread
from typing import Any

import pytest

from ops_lib.aws import Aws
from ops_lib.evidence import Unread, known
from ops_lib.log_rows import Coverage, LogGroup
from ops_lib.read import insights, one_job
from ops_lib.read.log_groups import estimate_bytes, expired_groups, read_groups
from ops_lib.read.log_quotas import quotas_of_settings, read_quotas
from ops_lib.read.log_search import Search, bundled
from ops_lib.read.logs import MARGIN, read_job_logs, window_of
from tests.insights_model import MEDIA, VIDEO, WEB, Model, Row, Rules, clients, in_force
from tests.read.crafted import answers
from tests.read.searched import GROUPS, JOB, NOW, SMALL, START, START_MS, assert_whole, found, rows_at

THREE = (MEDIA, VIDEO, WEB)


@pytest.fixture(scope="module", autouse=True)
def no_waiting() -> Iterator[None]:
    """The model answers at once."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(insights, "FIRST_PAUSE_S", 0.0)
        yield


def three(**rules: Any) -> Model:
    return Model(rows_at(*range(0, 90_000, 1_000), groups=THREE), replace(SMALL, **rules), GROUPS)


def test_one_query_names_every_group_and_says_what_it_was() -> None:
    model = three()
    coverage = known(found(model)).coverage
    (sent,) = coverage.queries
    assert set(sent.groups) == set(GROUPS) == set(coverage.groups)
    assert (sent.status, sent.rows, sent.pages) == ("Complete", 90, 9)
    assert f"like /{JOB}/" in sent.text
    assert coverage.statistics.records_matched == 90
    assert coverage.statistics.bytes_scanned > 0
    assert coverage.lag_s == pytest.approx(0.999)
    assert coverage.settled_until == NOW - timedelta(minutes=2)
    assert coverage.refused is None


def test_a_group_that_insights_is_refused_for_is_read_by_filter_log_events() -> None:
    model = three(refused=[VIDEO])
    got = known(found(model))
    assert_whole(model, got)
    assert got.coverage.is_complete
    assert got.coverage.refused is not None
    assert VIDEO in got.coverage.refused.reason
    by = {group: query.operation for query in got.coverage.queries for group in query.groups}
    assert by == dict.fromkeys(GROUPS, "StartQuery") | {VIDEO: "FilterLogEvents"}


def test_a_group_that_may_not_be_read_at_all_leaves_a_partial_story_that_names_it() -> None:
    model = three(refused=[VIDEO], refused_filter=[VIDEO])
    got = known(found(model))
    assert {row.group for row in got.rows} == {MEDIA, WEB}
    assert set(got.coverage.unread) == {VIDEO}
    assert VIDEO not in got.coverage.groups
    assert not got.coverage.is_complete
    assert any("access denied" in gap and VIDEO in gap for gap in got.coverage.gaps())


def test_a_group_that_went_away_since_it_was_listed_is_unread_and_the_others_are_read() -> None:
    model = three(most=100_000)
    with in_force(model) as aws:
        groups = read_groups(aws)
        model.groups.remove(WEB)
        got = known(read_job_logs(aws, JOB, groups, START, NOW))
    assert got.coverage is not None
    assert got.coverage.unread[WEB].kind == "missing"
    assert len(got.lines) == 60


def test_everything_refused_is_unread() -> None:
    unread = found(three(refused=GROUPS, refused_filter=GROUPS))
    assert isinstance(unread, Unread)
    assert unread.kind == "denied"
    without_phrase = found(three(refused=GROUPS), phrase=None)
    assert isinstance(without_phrase, Unread)


def test_pages_by_hand_are_read_to_the_last_one_though_some_are_empty() -> None:
    model = three(refused=GROUPS)
    got = known(found(model))
    assert_whole(model, got)
    assert sum(query.pages for query in got.coverage.queries) > len(model.rows) / 10
    assert got.coverage.statistics.bytes_scanned == 0, "FilterLogEvents does not tell"


def test_a_page_by_hand_that_does_not_come_is_a_cut_of_its_group_alone() -> None:
    model = Model(rows_at(*range(0, 90_000, 1_000), groups=(MEDIA,)), replace(SMALL, refused=[MEDIA], lost=LOST), THREE)
    got = known(found(model))
    (cut,) = got.coverage.cuts
    assert MEDIA in cut.reason
    assert "throttled" in cut.reason
    assert cut.since == got.rows[-1].at
    assert 0 < len(got.rows) < 90


LOST = {"FilterLogEvents": 4}


def test_a_token_that_never_changes_is_not_followed_for_ever() -> None:
    model = three(refused=GROUPS)
    same = {"events": [], "nextToken": "same"}
    with in_force(model) as aws, answers(FilterLogEvents=lambda _: same) as seen:
        got = known(read_job_logs(aws, JOB, read_groups(aws), START, NOW))
    assert got.coverage is not None
    assert {cut.reason.split(" pages")[0] for cut in got.coverage.cuts} == {"2"}
    assert [name for name, _ in seen].count("logs:FilterLogEvents") == 2 * len(GROUPS)


def test_more_than_may_be_scanned_is_refused_with_the_number_before_anything_is_sent() -> None:
    created = {"storedBytes": 90 * 10**9, "creationTime": START_MS - 30 * 86_400_000}
    model = three(told=created)
    refused = found(model)
    assert isinstance(refused, Unread)
    assert refused.kind == "not-asked"
    gigabytes = len(GROUPS) * 90 * 25 / (7 * 24)
    assert f"about {gigabytes:.1f} GB would be scanned" in refused.reason
    assert "the limit is 20.0 GB" in refused.reason
    assert "scan_gb" in refused.next_step
    assert model.calls["StartQuery"] == 0
    assert known(found(model, most_bytes=10**12)).coverage.estimated_bytes == round(gigabytes * 10**9)


def test_the_estimate_is_the_windows_share_of_what_a_group_holds() -> None:
    def estimate(**group: Any) -> int | None:
        return estimate_bytes({"g": LogGroup("g", **group)}, NOW - timedelta(days=1), NOW + timedelta(hours=1), NOW)

    days = {"retention_days": 10}
    assert estimate(**days, stored_bytes=1_000) == 100
    assert estimate(**days, stored_bytes=1_000, created_at=NOW - timedelta(days=2)) == 500
    assert estimate(**days, stored_bytes=1_000, created_at=NOW - timedelta(hours=2)) == 1_000
    assert estimate(retention_days=None, stored_bytes=1_000) == 1_000, "since when it is written is not known"
    assert estimate(**days) is None


def test_what_retention_removed_is_said_of_each_group() -> None:
    groups = {"a": LogGroup("a", 7), "b": LogGroup("b", 30), "c": LogGroup("c", None)}
    expired = expired_groups(groups, NOW - timedelta(days=9), NOW)
    assert expired == {"a": NOW - timedelta(days=7)}
    coverage = Coverage(("a",), NOW, NOW, NOW, expired=expired | {"d": NOW - timedelta(days=7)})
    assert [gap.split("before")[1] for gap in coverage.gaps()] == [
        f" {NOW - timedelta(days=7):%Y-%m-%d %H:%M:%S} UTC have expired in a, d"
    ]
    assert not coverage.is_complete


def test_the_window_is_the_jobs_own_else_as_long_as_lines_are_kept() -> None:
    model = three()
    with in_force(model) as aws:
        groups = read_groups(aws)
    assert window_of(groups, START, NOW) == (START - MARGIN, NOW + MARGIN)
    assert window_of(groups, START, NOW, NOW - MARGIN) == (START - MARGIN, NOW)
    assert window_of(groups, None, NOW)[0] == NOW - timedelta(days=7)


def test_groups_are_bundled_by_quota_and_class_and_delivery_cannot_be_searched() -> None:
    classes = {"a": "STANDARD", "b": "INFREQUENT_ACCESS", "c": "STANDARD", "d": "DELIVERY", "e": "STANDARD"}
    groups = {name: LogGroup(name, 7, log_class=log_class) for name, log_class in classes.items()}
    assert list(bundled(groups, 2)) == [["a", "c"], ["e"], ["b"]]
    model = three(told={"logGroupClass": "DELIVERY"})
    unread = found(model)
    assert isinstance(unread, Unread)
    assert "DELIVERY" in unread.reason
    assert model.calls["StartQuery"] == 0


def test_more_groups_than_a_query_names_are_read_by_several_at_once_and_quotas_are_asked_for() -> None:
    model = three()
    with in_force(model) as aws:
        few = replace(quotas_of_settings(aws.settings), groups_per_query=2, rows_per_query=100)
    got = known(found(model, quotas=few))
    assert_whole(model, got)
    assert [len(query.groups) for query in got.coverage.queries] == [2, 2]


def test_quotas_are_aws_own_where_it_lists_them_and_say_which_are_settings(aws: Aws, faults: Any) -> None:
    listed = read_quotas(aws)
    assert (listed.start_query_per_s, listed.filter_log_events_per_s) == (10, 25)
    assert "10 StartQuery and 25 FilterLogEvents a second (Service Quotas)" in listed.words()
    assert "50 groups and 100,000 rows a query, 5 queries at once (setting)" in listed.words()
    faults[0]["service-quotas:ListServiceQuotas"] = "denied"
    own = read_quotas(aws)
    assert own.unread is not None
    assert "servicequotas:ListServiceQuotas" in own.unread.next_step
    assert own.words().endswith("(setting)")


def test_an_interrupt_stops_the_queries_of_every_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    model = three(most=100_000, endings={f"query-{number}": "Running" for number in range(9)})
    stop = Event()
    monkeypatch.setattr(insights, "FIRST_PAUSE_S", 30.0)

    def interrupt() -> None:
        while model.calls["GetQueryResults"] < len(GROUPS):
            time.sleep(0.01)
        stop.set()

    Thread(target=interrupt, daemon=True).start()
    with in_force(model) as aws:
        few = replace(quotas_of_settings(aws.settings), groups_per_query=1)
        asked = Search("", START, NOW, quotas=few, stop=stop)
        unread = read_job_logs(aws, JOB, read_groups(aws), START, NOW, like=asked)
    assert isinstance(unread, Unread)
    assert "interrupted" in unread.reason
    assert model.calls["StartQuery"] == model.calls["StopQuery"] == len(GROUPS)
    assert not model.running()


def test_reading_a_job_calls_its_query_off_where_it_is_interrupted(aws: Aws, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = Event()

    def running(_: object) -> dict[str, Any]:
        asked.set()
        return {"status": "Running", "results": []}

    def interrupted(_: object) -> None:
        asked.wait(20)
        raise KeyboardInterrupt

    # Called by the thread that waits for all others.
    monkeypatch.setattr(one_job.SharedReads, "queues", interrupted)
    with answers(GetQueryResults=running) as seen, pytest.raises(KeyboardInterrupt):
        one_job.read_job(aws, JOB, aws.settings.now())
    assert "logs:StopQuery" in {name for name, _ in seen}


def test_another_jobs_line_is_not_this_jobs_though_it_mentions_it() -> None:
    other = JOB.replace("6", "7", 1)
    texts = [
        f"job_id={JOB} x",
        f"job_id={other} y",
        f"key: sagemaker-invocation-requests/{JOB}/0.json",
        f"GET /jobs/{JOB}",
    ]
    texts += ["reassembly: job_id=00-1 received", "no invocation record for s3://b/k"]
    rows = [Row(START_MS + n, MEDIA, text, f"p{n}") for n, text in enumerate(texts)]
    with in_force(Model(rows, Rules(), GROUPS)) as aws:
        got = known(read_job_logs(aws, JOB, read_groups(aws), START, NOW))
    assert [line.message for line in got.lines] == [texts[0], texts[2]]
    assert [line.message for line in got.mentions] == [texts[3]]
    assert [line.message for line in got.receipts] == [texts[4]]
    assert [line.message for line in got.nameless] == [texts[5]]


def test_a_line_with_no_page_but_its_time_is_of_this_clock() -> None:
    model = Model(rows_at(1_045), SMALL, GROUPS)
    (row,) = known(found(model)).rows
    assert row.at == START + timedelta(milliseconds=1_045)
    assert row.at.tzinfo == UTC == datetime.now(UTC).tzinfo
    assert clients().settings.prefix in row.group
