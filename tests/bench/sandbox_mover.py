"""The seconds that the library takes to move N letters of a sandbox: `python -m tests.bench.sandbox_mover STATE N`.

The queues are filled and compared by a process without ops_lib (tests/change/outside/queues_of_letters.py).
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from ops_lib.aws import connect
from ops_lib.change import apply
from ops_lib.change.journal import journal_at
from ops_lib.change.plan import Call, Letter, Plan, Step
from ops_lib.change.step import Applier
from ops_lib.settings import Settings
from tests.bench.near_queues import content, md5s
from tests.bench.one_mover import RATE
from tests.change.movers.ours import NOTHING, settings_in

OUTSIDE = Path(__file__).parents[1] / "change" / "outside" / "queues_of_letters.py"


def main(state_file: str, letters: int) -> None:
    state = json.loads(Path(state_file).read_text(encoding="utf-8"))
    root = Path(tempfile.mkdtemp(prefix="ops-bench-mover-"))
    settings = replace(settings_in(root), region=state["region"], endpoint_url=state["endpoint_url"], **owner())
    made = asked(
        state, {"do": "fill", "name": "stereo-spot-bench", "letters": [(*content(n), {}) for n in range(letters)]}
    )
    plan = plan_of(settings, made)
    aws = connect(settings, taped=False)
    applier = Applier(aws, journal_at(root / "journal.jsonl"), plan, lambda: datetime.now(UTC))
    seen, start = Counter[str](), time.perf_counter()
    apply._apply_steps(applier, lambda event: seen.update([event.get("state", "")]), [])
    seconds = time.perf_counter() - start
    assert seen["done"] == letters, seen
    sys.stdout.write(f"{seconds:.2f}")


def owner() -> dict[str, Any]:
    return {"keys": ("sandbox", "sandbox"), "sandbox": "sandbox"}


def plan_of(settings: Settings, made: dict[str, Any]) -> Plan:
    call = Call("sqs", "SendMessage", {"QueueUrl": made["main"]})
    steps = tuple(
        Step(f"replay {name}", call, **NOTHING, harmless_twice=True, letter=Letter(made["dlq"], name, *md5s(number)))
        for number, name in enumerate(made["ids"])
    )
    place = {"environment": "model", "account_id": "123456789012", "region": settings.region}
    return Plan("move", "bench", **place, now=datetime.now(UTC), steps=steps, letters_per_s=RATE)


def asked(state: dict[str, Any], request: dict[str, Any]) -> dict[str, Any]:
    keys = {"AWS_ACCESS_KEY_ID": "sandbox", "AWS_SECRET_ACCESS_KEY": "sandbox"}
    place = {"AWS_ENDPOINT_URL": state["endpoint_url"], "AWS_DEFAULT_REGION": state["region"]}
    words, text = [sys.executable, str(OUTSIDE)], json.dumps(request) + "\n"
    done = subprocess.run(words, input=text, env=os.environ | keys | place, capture_output=True, text=True, check=True)
    found: dict[str, Any] = json.loads(done.stdout)
    return found


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
