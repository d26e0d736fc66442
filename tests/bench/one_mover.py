"""One way to move dead letters, in a process of its own: `python -m tests.bench.one_mover WAY LETTERS DELAY_S LANES`.

WAY: ours (backup and journal, one fsync each for a batch), batches (receive, send, delete, ten at a time, no safety, in
LANES threads), single (one message at a time). Says as JSON the seconds, those of the processor, and the process's peak
memory in MB: of all of it, and what it took beyond what it had before the first letter was moved.
"""

from __future__ import annotations

import json
import resource
import sys
import tempfile
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from tests.bench.near_queues import DLQ, MAIN, md5s, message_id, near_queues

RATE = 100_000  # letters a second that the plan allows: more than any machine moves


def main(way: str, letters: int, delay_s: float, lanes: int) -> None:
    work = _ours(letters) if way == "ours" else _bare(way, lanes)
    before_mb = resident_mb()
    clear_peak()
    with near_queues(letters, delay_s) as queues:
        start, start_cpu = time.perf_counter(), time.process_time()
        work()
        seconds, cpu_s = time.perf_counter() - start, time.process_time() - start_cpu
    assert queues.moved_each_once, (queues.came, queues.deleted)
    told = {"seconds": round(seconds, 2), "cpu_s": round(cpu_s, 3)}
    told |= {"peak_mb": peak_mb(), "more_mb": round(peak_mb() - before_mb, 1)}
    sys.stdout.write(json.dumps(told))


def _ours(letters: int) -> Any:
    from ops_lib.change import apply
    from ops_lib.change.journal import journal_at
    from ops_lib.change.plan import Call, Letter, Plan, Step
    from ops_lib.change.step import Applier
    from tests.change.movers.ours import NOTHING, aws_in

    call = Call("sqs", "SendMessage", {"QueueUrl": MAIN})
    steps = (
        Step(
            title=f"replay {message_id(number)}",
            call=call,
            **NOTHING,
            harmless_twice=True,
            doubles="a copy",
            letter=Letter(DLQ, message_id(number), *md5s(number)),
        )
        for number in range(letters)
    )
    place = {"environment": "model", "account_id": "123456789012", "region": "us-east-1"}
    plan = Plan("move", "bench", **place, now=datetime.now(UTC), steps=tuple(steps), letters_per_s=RATE)
    assert plan.code  # made, as any plan, before it is applied
    root = Path(tempfile.mkdtemp(prefix="ops-bench-mover-"))
    aws = aws_in(root)
    aws.once("sqs")
    applier = Applier(aws, journal_at(root / "journal.jsonl"), plan, lambda: datetime.now(UTC))

    def work() -> None:
        seen = Counter[str]()
        apply._apply_steps(applier, lambda event: seen.update([event.get("state", "")]), [])
        assert seen["done"] == letters, seen

    return work


def _bare(way: str, lanes: int) -> Any:
    import boto3
    from botocore.config import Config

    keys = {"aws_access_key_id": "bench", "aws_secret_access_key": "bench", "region_name": "us-east-1"}
    sqs = boto3.client("sqs", config=Config(max_pool_connections=lanes + 1), **keys)
    assert not [name for name in sys.modules if name.startswith("ops_lib")], "its gate would refuse them"

    def lane(_: int) -> None:
        while (_batch if way == "batches" else _single)(sqs):
            pass

    def work() -> None:
        with ThreadPoolExecutor(lanes) as pool:
            list(pool.map(lane, range(lanes)))

    return work


def _received(sqs: Any, most: int) -> list[Any]:
    names = {"MessageAttributeNames": ["All"], "MessageSystemAttributeNames": ["All"]}
    return list(sqs.receive_message(QueueUrl=DLQ, MaxNumberOfMessages=most, **names).get("Messages", []))


def _content(message: Any) -> dict[str, Any]:
    return {"MessageBody": message["Body"], "MessageAttributes": message["MessageAttributes"]}


def _batch(sqs: Any) -> bool:
    messages = _received(sqs, 10)
    if messages:
        numbered = list(enumerate(messages))
        sqs.send_message_batch(QueueUrl=MAIN, Entries=[{"Id": str(n), **_content(one)} for n, one in numbered])
        handles = [{"Id": str(n), "ReceiptHandle": one["ReceiptHandle"]} for n, one in numbered]
        sqs.delete_message_batch(QueueUrl=DLQ, Entries=handles)
    return bool(messages)


def _single(sqs: Any) -> bool:
    messages = _received(sqs, 1)
    for one in messages:
        sqs.send_message(QueueUrl=MAIN, **_content(one))
        sqs.delete_message(QueueUrl=DLQ, ReceiptHandle=one["ReceiptHandle"])
    return bool(messages)


def resident_mb() -> float:
    return _status("VmRSS")


def peak_mb() -> float:
    try:
        return _status("VmHWM")
    except OSError:
        return round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, 1)


def clear_peak() -> None:
    """Have the kernel count the peak from here on (Linux, proc(5): clear_refs)."""
    Path("/proc/self/clear_refs").write_text("5", encoding="ascii")


def _status(name: str) -> float:
    lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    return round(next(int(line.split()[1]) for line in lines if line.startswith(name)) / 1024, 1)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), float(sys.argv[3]), int(sys.argv[4]))
