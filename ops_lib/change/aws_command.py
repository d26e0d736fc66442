"""The `aws` command that makes the same call: for reading, and for the day on which none of this can be run.

Pure text, quoted for a POSIX shell. It does none of the plan's checks.
"""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import quote

from botocore import xform_name

from ops_lib.change.plan import Call

# Where the command line calls a service otherwise than boto3 does.
SERVICES = {"s3": "s3api"}


def aws_command(call: Call, endpoint_url: str | None = None, region: str | None = None) -> str:
    """Return the command on one line; `endpoint_url` is given for a sandbox (`aws sqs` heeds no variable)."""
    words = ["aws", SERVICES.get(call.service, call.service), xform_name(call.operation, "-")]
    for name, value in call.arguments.items():
        words += _option(name, value)
    words += ["--region", region] if region else []
    words += ["--endpoint-url", endpoint_url] if endpoint_url else []
    return shlex.join(words)


def _option(name: str, value: Any) -> Iterator[str]:
    option = f"--{xform_name(name, '-')}"
    if isinstance(value, bool):
        yield option if value else f"--no-{option[2:]}"
        return
    text = _text(name, value)
    if text.startswith("-"):
        # Else it would be taken for an option of its own.
        yield f"{option}={text}"
    else:
        yield from (option, text)


def _text(name: str, value: Any) -> str:
    if name == "CopySource" and isinstance(value, Mapping):
        # boto3 writes bucket and key into one header; the command line takes the header.
        return f"{value['Bucket']}/{quote(str(value['Key']))}"
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, separators=(",", ":"))
