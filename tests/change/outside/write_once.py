"""Eight threads write the same new object at once, many times: exactly one may succeed. Never imports ops_lib."""

from __future__ import annotations

import json
import sys
import threading
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

WRITERS = 8


def main(bucket: str, rounds: str) -> None:
    s3 = boto3.client("s3", config=Config(retries={"total_max_attempts": 1}, max_pool_connections=WRITERS))
    refusals: set[str] = set()
    once = sum(one_round(s3, bucket, f"ops/once/{number}", refusals) for number in range(int(rounds)))
    print(json.dumps({"rounds": int(rounds), "once": once, "refusals": sorted(refusals)}))


def one_round(s3: Any, bucket: str, key: str, refusals: set[str]) -> bool:
    """Return whether exactly one writer was told that it has written, and the object is that writer's."""
    won: list[str] = []
    start = threading.Barrier(WRITERS)

    def write(writer: str) -> None:
        start.wait()
        try:
            s3.put_object(Bucket=bucket, Key=key, Body=writer.encode(), IfNoneMatch="*")
            won.append(writer)
        except ClientError as error:
            answer = error.response
            refusals.add(f"{answer['ResponseMetadata']['HTTPStatusCode']} {answer['Error']['Code']}")

    threads = [threading.Thread(target=write, args=(str(number),)) for number in range(WRITERS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return len(won) == 1 and s3.get_object(Bucket=bucket, Key=key)["Body"].read().decode() == won[0]


if __name__ == "__main__":
    main(*sys.argv[1:])
