"""The console's address decoded again, by a decoder of the test's own: groups, window, query and host are right."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ops_lib.errors import BadParameter
from ops_lib.log_rows import Coverage
from ops_lib.show.console_link import MOST_GROUPS, insights_link, job_page, job_query

JOB = "bb37f23c-7609-4727-bc8a-bb541b4bd02a"
SINCE, UNTIL = datetime(2026, 2, 20, 8, 55, 1, 250_000, UTC), datetime(2026, 2, 20, 10, 0, 0, 1, UTC)
GROUPS = ("/ecs/stereo-spot/job-worker", "/aws/sagemaker/Endpoints/stereo-spot-inference")
MARK = "logsV2:logs-insights$3FqueryDetail$3D"


def coverage(*groups: str) -> Coverage:
    return Coverage(groups, SINCE, UNTIL, UNTIL)


def decoded(text: str) -> Any:
    """Read the console's notation, character by character."""
    value, rest = read(text)
    assert not rest, rest
    return value


def read(text: str) -> tuple[Any, str]:
    if text.startswith("~'"):
        found = re.match(r"~'((?:[A-Za-z0-9_.-]|\*\*[0-9a-f]{4}|\*[0-9a-f]{2})*)", text)
        assert found
        plain = re.sub(r"\*\*([0-9a-f]{4})|\*([0-9a-f]{2})", lambda hit: chr(int(hit[1] or hit[2], 16)), found[1])
        return plain, text[found.end() :]
    assert text.startswith("~("), text[:40]
    text = text[2:]
    if text.startswith("~"):
        items = []
        while not text.startswith(")"):
            item, text = read(text)
            items.append(item)
        return items, text[1:]
    fields = {}
    while True:
        name = re.match(r"[A-Za-z]+", text)
        assert name, text[:40]
        fields[name[0]], text = read(text[name.end() :])
        if text.startswith(")"):
            return fields, text[1:]
        assert text.startswith("~")
        text = text[1:]


def opened(link: str | None) -> tuple[str, dict[str, Any]]:
    assert link is not None
    parts = urlsplit(link)
    assert (parts.scheme, parts.path) == ("https", "/cloudwatch/home")
    assert parts.fragment.startswith(MARK)
    return f"{parts.netloc}?{parts.query}", decoded(parts.fragment.removeprefix(MARK))


@pytest.mark.parametrize(
    ("partition", "region", "host"),
    [
        ("aws", "eu-west-1", "eu-west-1.console.aws.amazon.com"),
        ("aws-cn", "cn-north-1", "cn-north-1.console.amazonaws.cn"),
        ("aws-us-gov", "us-gov-west-1", "us-gov-west-1.console.amazonaws-us-gov.com"),
    ],
)
def test_the_address_says_what_was_searched(partition: str, region: str, host: str) -> None:
    where, detail = opened(insights_link(partition, region, coverage(*GROUPS), JOB))
    assert where == f"{host}?region={region}"
    assert detail == {
        "start": "2026-02-20T08:55:01.000Z",
        "end": "2026-02-20T10:00:01.000Z",  # widened, so that no line of the last second is lost
        "timeType": "ABSOLUTE",
        "tz": "UTC",
        "editorString": job_query(JOB),
        "source": list(GROUPS),
        "lang": "CWLI",
        "logClass": "STANDARD",
        "queryBy": "logGroupName",
    }


def test_the_notation_is_the_one_the_pipeline_itself_uses() -> None:
    link = insights_link("aws", "us-east-1", coverage("/ecs/p/web-ui"), JOB) or ""
    assert "~source~(~'*2fecs*2fp*2fweb-ui)~lang~'CWLI" in link
    assert "editorString~'fields*20*40timestamp*2c*20*40log" in link
    assert f"*0a*7c*20filter*20*40message*20like*20*2f{JOB}*2f*0a" in link


@given(st.lists(st.text(min_size=1), min_size=1, max_size=4))
def test_any_name_of_a_group_comes_back(names: list[str]) -> None:
    names = [name.encode("utf-16", "ignore").decode("utf-16") for name in names]
    names = ["".join(c for c in name if ord(c) < 0x10000) or "g" for name in names]
    assert opened(insights_link("aws", "us-east-1", coverage(*names), JOB))[1]["source"] == names


def test_what_the_console_cannot_take_is_not_asked() -> None:
    many = coverage(*(f"g{n}" for n in range(MOST_GROUPS + 9)))
    assert len(opened(insights_link("aws", "us-east-1", many, JOB))[1]["source"]) == MOST_GROUPS
    assert insights_link("aws-iso", "us-iso-east-1", coverage("g"), JOB) is None
    assert insights_link("aws", "us-east-1.evil.example/", coverage("g"), JOB) is None
    with pytest.raises(BadParameter):
        job_query(".*/ or 1")


@pytest.mark.parametrize(
    ("base", "address"),
    [
        ("http://web-1.elb.amazonaws.com", f"http://web-1.elb.amazonaws.com/jobs/{JOB}"),
        ("https://video.example.org/", f"https://video.example.org/jobs/{JOB}"),
        ("javascript:alert(1)", None),
        ("https://video.example.org/?x=", None),
        ("", None),
        (None, None),
    ],
)
def test_the_jobs_page_only_where_the_env_names_a_web_ui(base: str | None, address: str | None) -> None:
    assert job_page(base, JOB) == address
