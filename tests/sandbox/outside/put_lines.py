"""Write log events as any program could, by plain boto3: JSON on stdin, [{group, stream, at_ms, message}, ...]."""

from __future__ import annotations

import json
import sys
from itertools import groupby
from typing import Any

import boto3


def main() -> None:
    logs: Any = boto3.client("logs")
    given = sorted(json.load(sys.stdin), key=lambda one: (one["group"], one["stream"]))
    for (group, stream), some in groupby(given, key=lambda one: (one["group"], one["stream"])):
        logs.create_log_stream(logGroupName=group, logStreamName=stream)
        events = [{"timestamp": one["at_ms"], "message": one["message"]} for one in some]
        logs.put_log_events(logGroupName=group, logStreamName=stream, logEvents=events)


if __name__ == "__main__":
    main()
