"""A job id is validated before it enters any query: two exact forms, nothing else."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ops_lib.errors import BadParameter
from ops_lib.job_id import UUID, parse_job_id

JOB = "bb37f23c-7609-4727-bc8a-bb541b4bd02a"


@pytest.mark.parametrize(
    "text",
    [
        JOB,
        f" {JOB} ",
        f"http://stereo-spot-web-ui-1234567890.us-east-1.elb.amazonaws.com/jobs/{JOB}",
        f"https://video.example.org/jobs/{JOB}",
        f"https://video.example.org/jobs/{JOB}/",
        f"http://127.0.0.1:8080/jobs/{JOB}",
    ],
)
def test_an_id_and_the_web_address_are_accepted(text: str) -> None:
    assert parse_job_id(text) == JOB


@pytest.mark.parametrize(
    "text",
    [
        "",
        "../../x",
        f"../{JOB}",
        f"{JOB}/../../x",
        ".*",
        f"{JOB}|.*",
        f"{JOB}\n",
        f"{JOB}\n| stats count(*)",
        f"\n{JOB}",
        f"{JOB}; rm -rf ~",
        f"$({JOB})",
        JOB.upper(),
        JOB[:-1],
        JOB + "0",
        JOB.replace("-", ""),
        JOB.replace("b", "\N{CYRILLIC SMALL LETTER A}"),
        f"ftp://host/jobs/{JOB}",
        f"https://host/jobs/{JOB}?x=1",
        f"https://host/jobs/{JOB}#frag",
        f"https://user:password@host/jobs/{JOB}",
        f"https://host/other/{JOB}",
        "\N{ARABIC-INDIC DIGIT ZERO}" * 8 + JOB[8:],
        12345678901,
        None,
        True,
        ["x"],
    ],
)
def test_anything_else_is_refused_in_one_line(text: object) -> None:
    with pytest.raises(BadParameter) as refused:
        parse_job_id(text)
    said = str(refused.value)
    assert "\n" not in said
    assert "lower-case UUID" in said
    assert "Next:" in said
    assert refused.value.exit_code == 64


@given(st.text())
def test_no_text_becomes_an_id_that_it_does_not_hold(text: str) -> None:
    try:
        found = parse_job_id(text)
    except BadParameter:
        return
    assert UUID.fullmatch(found)
    assert found in text


@given(st.uuids())
def test_every_uuid_is_accepted(value: object) -> None:
    assert parse_job_id(str(value)) == str(value)
