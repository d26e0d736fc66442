"""Every row once, past what a query returns, against a model that obeys the rules of AWS; what is lacking is said."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import boto3
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ops_lib.evidence import Unread, known
from ops_lib.read import every_row, insights
from tests.counts import PROVE
from tests.insights_model import MEDIA, VIDEO, Model, Rules, in_force
from tests.read.searched import GROUPS, SMALL, START, assert_whole, found, rows_at


@pytest.fixture(scope="module", autouse=True)
def no_waiting() -> Iterator[None]:
    """The model answers at once."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(insights, "FIRST_PAUSE_S", 0.0)
        yield


COUNTS = [1, 9, 10, 11, 99, 100, 101, 199, 200, 250, 1_000]


@pytest.mark.parametrize("count", COUNTS)
@pytest.mark.parametrize("instant", [False, True])
def test_every_row_once_around_a_page_and_a_query(count: int, instant: bool) -> None:
    model = Model(rows_at(*(number * 37 for number in range(count))), replace(SMALL, instant=instant), GROUPS)
    got = known(found(model))
    assert_whole(model, got)
    assert got.coverage.is_complete
    assert got.coverage.gaps() == ()
    assert sum(query.rows for query in got.coverage.queries) >= count


@pytest.mark.parametrize("count", [10_001, *([9_999, 10_000, 100_000, 100_001, 250_000] if PROVE else [])])
def test_every_row_once_by_the_numbers_of_aws(count: int) -> None:
    # Three rows a millisecond, so that the cut falls among equals.
    model = Model(rows_at(*(number // 3 for number in range(count))), groups=GROUPS)
    got = known(found(model, deadline_s=600))
    assert_whole(model, got)
    queries = got.coverage.queries
    assert len(queries) == 1 + (count > 100_000) + (count > 200_000)
    assert sum(query.pages for query in queries) == model.calls["GetQueryResults"] - len(queries)


@pytest.mark.parametrize("equals", [2, 50, 99])
@pytest.mark.parametrize("before", [1, 60, 99, 100, 101])
def test_equal_timestamps_at_the_cut_are_neither_lost_nor_doubled(equals: int, before: int) -> None:
    at_cut = [before * 1_000] * equals
    model = Model(rows_at(*(n * 1_000 for n in range(before)), *at_cut, *(200_000 + n for n in range(80))), SMALL)
    assert_whole(model, known(found(model)))


def test_thousands_of_equal_timestamps_at_the_cut() -> None:
    rules = Rules(page=1_000, most=5_000)
    model = Model(rows_at(*([0] * 2_000), *([3_000] * 4_500), *([4_000] * 3_000), 5_000), rules)
    assert_whole(model, known(found(model)))


def test_more_rows_in_a_second_than_a_query_returns_are_read_group_by_group() -> None:
    model = Model(rows_at(0, *([5_000] * 150), *([5_001] * 40), 9_000), SMALL)
    assert_whole(model, known(found(model)))


def test_more_rows_in_a_second_of_one_group_are_a_cut_with_its_second_and_nothing_else_is_lost() -> None:
    model = Model(rows_at(0, *([5_500] * 150), 6_000, 6_001, 9_000, groups=(MEDIA,)), SMALL, GROUPS)
    got = known(found(model))
    (cut,) = got.coverage.cuts
    assert (cut.since, cut.until) == (START + timedelta(seconds=5), START + timedelta(seconds=6))
    assert "match from then on, Logs Insights returned 100" in cut.reason
    assert not got.coverage.is_complete
    assert any("are lacking" in gap for gap in got.coverage.gaps())
    assert len({row.ptr for row in got.rows}) == len(got.rows) == 100 + 4
    assert {row.message for row in got.rows} == {row.message for row in model.rows}


def test_more_rows_than_anybody_wants_in_memory_are_a_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(every_row, "MOST_ROWS", 300)
    model = Model(rows_at(*(number * 1_000 for number in range(1_000))), SMALL)
    got = known(found(model))
    (cut,) = got.coverage.cuts
    assert 300 <= len(got.rows) < 500
    assert cut.since > got.rows[-1].at
    assert "300" in cut.reason


@given(
    times=st.lists(st.integers(0, 12).map(lambda half: half * 500), max_size=40),
    most=st.integers(1, 9),
    page=st.integers(1, 4),
    instant=st.booleans(),
    groups=st.sampled_from([(MEDIA,), (MEDIA, VIDEO)]),
)
@settings(max_examples=400 if PROVE else 40)
def test_whatever_the_times_a_row_is_here_once_or_in_a_cut(
    times: list[int], most: int, page: int, instant: bool, groups: tuple[str, ...]
) -> None:
    model = Model(rows_at(*times, groups=groups), Rules(page=page, most=most, instant=instant), groups)
    got = known(found(model))
    assert len({row.ptr for row in got.rows}) == len(got.rows)
    lacking = {row.ptr for row in model.rows} - {row.ptr for row in got.rows}
    for row in model.rows:
        at = datetime.fromtimestamp(row.ms / 1000, UTC)
        assert row.ptr not in lacking or any(cut.since <= at <= cut.until for cut in got.coverage.cuts)
    crowded = max((sum(one // 1000 == ms // 1000 for one in times) for ms in times), default=0)
    assert bool(got.coverage.cuts) <= (crowded >= most), "only a second too full for a query is cut"


def test_rows_are_what_botocore_itself_makes_of_them() -> None:
    model = Model(rows_at(*range(25)), SMALL)
    with in_force(model):
        fresh, ours = (boto3.Session("a", "b", region_name="us-east-1").client("logs") for _ in range(2))
        ours.meta.events.register(insights.PARSING, insights._take_rows)
        query = insights.query_text("job_id", "asc", 100)
        window = {"startTime": int(START.timestamp()), "endTime": int(START.timestamp()) + 9, "queryString": query}
        for client in (fresh, ours):
            client.get_query_results(queryId=client.start_query(logGroupNames=[MEDIA, VIDEO], **window)["queryId"])
        first, second = fresh.get_query_results(queryId="query-0"), ours.get_query_results(queryId="query-1")
    assert {**first, "ResponseMetadata": None} == {**second, "ResponseMetadata": None}
    assert len(first["results"]) == 10


def test_the_newest_rows_are_enough_where_that_is_asked() -> None:
    model = Model(rows_at(*(number * 1_000 for number in range(250))), SMALL)
    got = known(found(model, newest=30))
    assert [row.message for row in got.rows] == [row.message for row in model.rows[-30:]]
    (cut,) = got.coverage.cuts
    assert cut.until == got.rows[0].at
    assert model.calls["StartQuery"] == 1
    whole = Model(rows_at(1, 2, 3), SMALL)
    assert_whole(whole, known(found(whole, newest=30)))


@pytest.mark.parametrize("status", ["Failed", "Cancelled", "Timeout", "Unknown"])
@pytest.mark.parametrize("query", [0, 1])
def test_a_query_that_ends_badly_leaves_a_partial_story_that_says_so(status: str, query: int) -> None:
    model = Model(
        rows_at(*(number * 1_000 for number in range(250))), replace(SMALL, endings={f"query-{query}": status})
    )
    got = known(found(model))
    (cut,) = got.coverage.cuts
    assert f"ended as {status}" in cut.reason
    assert cut.since == (START - timedelta(hours=1) if query == 0 else START + timedelta(seconds=99))
    assert {row.ptr for row in model.rows[: 99 * query]} <= {row.ptr for row in got.rows}
    assert got.coverage.queries[-1].status == status
    assert not model.running()


def test_a_query_that_never_ends_is_stopped_and_what_came_before_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    model = Model(rows_at(*(number * 1_000 for number in range(150))), replace(SMALL, endings={"query-1": "Running"}))
    monkeypatch.setattr(insights.Patience, "is_over", property(lambda _: model.calls["GetQueryResults"] > 20))
    got = known(found(model, deadline_s=0.3))
    assert "was still Running after 0 s" in got.coverage.cuts[0].reason
    assert model.calls["StopQuery"] == 1
    assert not model.running()


def test_a_page_that_does_not_come_stops_the_query_and_is_said() -> None:
    lost = replace(SMALL, lost={"GetQueryResults": 15})
    model = Model(rows_at(*(number * 1_000 for number in range(150))), lost)
    got = known(found(model))
    (cut,) = got.coverage.cuts
    assert "throttled" in cut.reason
    assert cut.since == START + timedelta(seconds=99)
    assert len(got.rows) == 99
    assert not model.running()


def test_a_place_in_the_accounts_quota_of_queries_is_waited_for_but_not_for_ever(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(insights, "BUSY_S", 0.2)
    model = Model(rows_at(1, 2), replace(SMALL, at_once=0))
    unread = found(model)
    assert isinstance(unread, Unread)
    assert unread.kind == "throttled"
    assert "a quota of this account is used up" in unread.reason
    assert model.calls["StartQuery"] <= 6, "botocore tries three times, and so do we, a second apart"
    free = Model(rows_at(1, 2), replace(SMALL, at_once=0))
    monkeypatch.setattr(insights.Patience, "pause", lambda *_: setattr(free, "rules", SMALL))
    monkeypatch.setattr(insights, "BUSY_S", 5)
    assert_whole(free, known(found(free)))
