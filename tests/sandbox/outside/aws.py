"""Plain boto3, in a process that has never imported ops_lib: its gate would refuse what these tests write."""

from __future__ import annotations

import json
import os
import sys
import time
import uuid
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

RECORDINGS = Path(__file__).parents[3] / "ops_lib" / "sandbox" / "recordings"
ACCOUNT = "123456789012"
NOW = int(time.time())
PROVE = bool(os.environ.get("OPS_PROVE"))


def client(service: str) -> Any:
    assert "ops_lib" not in sys.modules
    # One attempt: what is said is what the first answer was.
    return boto3.client(service, config=Config(retries={"total_max_attempts": 1}, max_pool_connections=32))


def unique(stem: str) -> str:
    """Return a name that no resource has yet."""
    return f"{stem}-{uuid.uuid4().hex[:12]}"


def recording() -> dict[str, Any]:
    """Return the file that this server loaded."""
    content: dict[str, Any] = json.loads((RECORDINGS / f"{os.environ['RECORDING']}.json").read_text(encoding="utf-8"))
    return content


def shift_s() -> int:
    """Return by how much the server moved the recording's times."""
    return int(os.environ["LOADED_AT"]) - int(recording()["captured_at"])


def code_of(call: Any, **arguments: Any) -> str:
    """Return the error code of a call that must fail."""
    with pytest.raises(ClientError) as refused:
        call(**arguments)
    response = refused.value.response
    assert response["ResponseMetadata"]["HTTPStatusCode"] == 400
    return str(response["Error"]["Code"])
