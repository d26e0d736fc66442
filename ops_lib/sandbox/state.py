"""A sandbox's state folder: state.json, the .env, the keys of the roles that write, the server's log."""

from __future__ import annotations

import fcntl
import json
import os
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Any

from ops_lib.places import state_root
from ops_lib.sandbox.credentials import DELIVER, READER, RESPONDER
from ops_lib.sandbox.options import Options
from ops_lib.sandbox.recording import ACCOUNT, REGION, Recording
from ops_lib.sandbox_process import fingerprint as fingerprint

IDLE_S = 1800.0
NEEDED = {"name": str, "pid": int, "endpoint_url": str, "fingerprint": str}


def folder(name: str) -> Path:
    """Return the sandbox's folder."""
    return state_root() / name / "sandbox"


OF_ROLES = {"responder.json": RESPONDER, "deliver.json": DELIVER}


def idle_s() -> float:
    """Return after how many seconds without a call the server ends: $OPS_SANDBOX_IDLE_S, else half an hour."""
    return float(os.environ.get("OPS_SANDBOX_IDLE_S") or IDLE_S)


def read(name: str) -> dict[str, Any] | None:
    """Return the state a server wrote, None if there is none or what is there is no such state."""
    try:
        content = json.loads((folder(name) / "state.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    whole = isinstance(content, dict) and all(isinstance(content.get(key), kind) for key, kind in NEEDED.items())
    return content if whole else None


def write(options: Options, port: int, recording: Recording) -> None:
    """Write the .env and the other roles' keys, then the state: whoever finds the state finds a server that listens.

    The state has the reader's keys: a notebook never sees another role's.
    """
    place = folder(options.name)
    place.mkdir(parents=True, exist_ok=True)
    _replace(place / ".env", recording.data["env_file"])
    if options.recording is None and options.name != "sandbox":
        # So that `-e <name>` opens it.
        _replace(place.parent / f"{options.name}.yaml", f'sandbox: {options.name}\naccount_id: "{ACCOUNT}"\n')
    for file, key in OF_ROLES.items():
        _replace(place / file, json.dumps(_keys(key)) + "\n", mode=0o600)
    content = {
        "name": options.name,
        "pid": os.getpid(),
        "port": port,
        "endpoint_url": f"http://127.0.0.1:{port}",
        "loaded_at": recording.loaded_at.isoformat(),
        **_keys(READER),
        "region": REGION,
        "account_id": ACCOUNT,
        "version": options.version,
        "lives": options.recording is None,
        "options": options.as_json(),
        "fingerprint": fingerprint(),
    }
    _replace(place / "state.json", json.dumps(content, indent=2) + "\n")


def set_aside(name: str) -> None:
    """Move what was planned and done in an earlier world to `earlier/<UTC>/`, as a new one begins.

    A letter of a recording or of an incident comes again with the same MessageId or body; the journal of the earlier
    world would say that it was sent, and it would be deleted unsent.
    """
    place = folder(name).parent
    found = [path for path in (place / "journal.jsonl", place / "plans", place / "backups") if path.exists()]
    if found:
        earlier = place / "earlier" / f"{datetime.now(UTC):%Y%m%dT%H%M%S.%fZ}"
        earlier.mkdir(parents=True)
        for path in found:
            path.rename(earlier / path.name)


def hold(name: str) -> IO[str]:
    """Hold the server's own lock as long as this process lives, its pid in it: whoever lost the state finds it so."""
    place = folder(name)
    place.mkdir(parents=True, exist_ok=True)
    held = (place / "server.pid").open("a+")
    fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
    held.truncate(0)
    held.write(str(os.getpid()))
    held.flush()
    return held


def holder(name: str) -> int | None:
    """Return the pid of the server that lives under this name, None if none does."""
    try:
        with (folder(name) / "server.pid").open("r+") as held:
            try:
                fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                return int(held.read())
    except (OSError, ValueError):
        pass
    return None


def remove(name: str, pid: int) -> None:
    """Remove the state if it is still that of process `pid`."""
    content = read(name)
    if content and content["pid"] == pid:
        for file in ("state.json", *OF_ROLES):
            (folder(name) / file).unlink(missing_ok=True)


def _keys(key: str) -> dict[str, str]:
    return {"access_key_id": key, "secret_access_key": key}


def _replace(path: Path, text: str, mode: int = 0o644) -> None:
    new = path.with_suffix(f"{path.suffix}.{os.getpid()}")
    new.touch(mode)
    new.write_text(text, encoding="utf-8")
    new.replace(path)
