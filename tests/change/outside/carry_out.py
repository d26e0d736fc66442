"""Carries out a plan's file call by call, as an operator would by hand: `carry_out.py PLAN`.

It knows nothing of ops_lib: what is not in the file is not done. Each step's conditions are read first; the first one
that does not hold ends it with exit code 2.
"""

from __future__ import annotations

import json
import sys
from functools import cache
from pathlib import Path
from typing import Any

import boto3
import jmespath
from botocore import xform_name
from botocore.config import Config

ONE_ATTEMPT = Config(retries={"total_max_attempts": 1})


@cache
def client_of(service: str) -> Any:
    return boto3.client(service, config=ONE_ATTEMPT)


def ask(call: dict[str, Any]) -> Any:
    client, method = client_of(call["service"]), xform_name(call["operation"])
    if client.can_paginate(method):
        return client.get_paginator(method).paginate(**call["arguments"]).build_full_result()
    return getattr(client, method)(**call["arguments"])


def holds(condition: dict[str, Any]) -> bool:
    found = jmespath.search(condition["path"], ask(condition["call"]))
    if found != condition["expected"]:
        print(f"{condition['what']}: expected {condition['expected']}, found {found}")
    return bool(found == condition["expected"])


if __name__ == "__main__":
    assert not [name for name in sys.modules if name.startswith("ops_lib")]
    for step in json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))["steps"]:
        print(step["title"])
        if not all([holds(condition) for condition in step["conditions"]]):
            sys.exit(2)
        ask(step["call"])
