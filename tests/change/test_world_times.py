"""Times in a plan's file are compared in UTC: botocore gives them in the zone of whoever asks."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

from ops_lib.change.world import as_json


def test_the_same_moment_is_the_same_text_in_every_zone() -> None:
    here = datetime(2026, 11, 26, 5, 30, tzinfo=timezone(timedelta(hours=2, minutes=30)))
    assert as_json({"At": here}) == as_json({"At": here.astimezone(UTC)}) == {"At": "2026-11-26T03:00:00+00:00"}
    assert as_json(datetime(2026, 11, 26)) == "2026-11-26T00:00:00"  # noqa: DTZ001 - a naive one stays as it is
