"""The journal in S3: one object an entry, `<prefix>/<number>.json`, each written only where none is yet.

PutObject with If-None-Match "*" decides who gets a number; who loses the race writes the next one. An answer that was
lost is found out by reading the number back: each object says in its metadata which writer made it.
"""

from __future__ import annotations

import random
import re
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TypeVar

from botocore.exceptions import BotoCoreError, ClientError

from ops_lib.change.journal_entry import GENESIS, Draft, Entry, Unfit, entry_from
from ops_lib.errors import BadJournal, NotJournalled, NotReadable
from ops_lib.evidence import Unread
from ops_lib.read.attempt import attempt

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

T = TypeVar("T")
NAME = re.compile(r"(\d{9})\.json")
LOST_RACES = 100  # in a row; each means that somebody else has written
WRITER = "writer"  # metadata: by which it is known whose an entry is
RACE = ("PreconditionFailed", "ConditionalRequestConflict")
ABSENT = ("NoSuchKey", "404")


class S3Store:
    """Objects below s3://bucket/prefix, through the given client."""

    def __init__(self, bucket: str, prefix: str, s3: S3Client) -> None:
        self.bucket, self.prefix, self._s3 = bucket, prefix, s3
        self.place = f"s3://{bucket}/{prefix}"
        self._last: Entry | None = None  # the last one seen: numbers before it need not be listed again

    def read(self) -> tuple[list[bytes], bytes]:
        """Return all entries in the order of their numbers; an object is never half written."""
        numbers = self._numbers(after=-1)
        with ThreadPoolExecutor(16) as pool:
            return [text for text, _ in pool.map(self._get, numbers)], b""

    def lines(self, start: int) -> Iterator[tuple[bytes, int]]:
        """Yield the entries from number `start` on, each with the number of the next."""
        numbers = self._numbers(after=start - 1)
        with ThreadPoolExecutor(16) as pool:
            for number, (text, _) in zip(numbers, pool.map(self._get, numbers), strict=True):
                yield text, number + 1

    def add(self, drafts: Sequence[Draft]) -> list[Entry]:
        """Write the entries that follow, one after the other. Raises NotJournalled, NotReadable, BadJournal."""
        return [self._add(draft) for draft in drafts]

    def _add(self, draft: Draft) -> Entry:
        """Write the entry that follows the last one. Raises NotJournalled, NotReadable, BadJournal."""
        writer = uuid.uuid4().hex
        last = self._last_one()
        for lost in range(LOST_RACES):
            entry = draft.entry(*((last.number + 1, last.hash) if last else (0, GENESIS)))
            refused = self._put(entry, writer)
            if refused is None or self._is_by(writer, entry.number):
                self._last = entry
                return entry
            if refused not in RACE:
                raise NotJournalled(self.place, refused)
            time.sleep(random.uniform(0, min(0.5, 0.01 * lost)))
            last = self._last_one()
        raise NotJournalled(self.place, f"{LOST_RACES} others were quicker, one after the other")

    @contextmanager
    def exclusive(self, waiting: Callable[[str], None]) -> Iterator[None]:
        """Hold nothing: S3 has no lock that ends with its process; the plan's conditional writes decide."""
        yield

    def _put(self, entry: Entry, writer: str) -> str | None:
        """Return None if it was written, else the error's code, or its words where there is no answer."""
        arguments: dict[str, Any] = {
            "Bucket": self.bucket,
            "Key": self._key(entry.number),
            "Body": entry.line(),
            "ContentType": "application/json",
            "IfNoneMatch": "*",
            "Metadata": {WRITER: writer},
        }
        try:
            self._s3.put_object(**arguments)
        except ClientError as error:
            code = error.response.get("Error", {}).get("Code", "")
            return code if code in RACE else str(error)
        except BotoCoreError as error:
            return str(error)
        return None

    def _last_one(self) -> Entry | None:
        """Return the last entry there is."""
        known = self._last
        numbers = self._numbers(after=known.number if known else -1)
        if numbers:
            known = self._entry(numbers[-1])
        self._last = known
        return known

    def _entry(self, number: int) -> Entry:
        try:
            entry = entry_from(self._get(number)[0])
        except Unfit as unfit:
            raise BadJournal(self.place, number, str(unfit)) from None
        if entry.number != number:
            raise BadJournal(self.place, number, f"it carries number {entry.number}")
        return entry

    def _numbers(self, after: int) -> list[int]:
        start = self._key(after) if after >= 0 else f"{self.prefix}/"
        pages = self._s3.get_paginator("list_objects_v2").paginate(
            Bucket=self.bucket, Prefix=f"{self.prefix}/", StartAfter=start
        )
        keys = self._read("ListObjectsV2", lambda: [one["Key"] for page in pages for one in page.get("Contents", [])])
        names = (NAME.fullmatch(key.removeprefix(f"{self.prefix}/")) for key in keys)
        return sorted(int(name[1]) for name in names if name)

    def _get(self, number: int) -> tuple[bytes, str]:
        """Return an object's content and its writer."""

        def get() -> tuple[bytes, str]:
            answer = self._s3.get_object(Bucket=self.bucket, Key=self._key(number))
            return answer["Body"].read(), answer["Metadata"].get(WRITER, "")

        return self._read("GetObject", get)

    def _is_by(self, writer: str, number: int) -> bool:
        try:
            return self._s3.head_object(Bucket=self.bucket, Key=self._key(number))["Metadata"].get(WRITER) == writer
        except (ClientError, BotoCoreError):
            return False  # not there, or not known: it does not count as written

    def _read(self, operation: str, read: Callable[[], T]) -> T:
        answer = attempt(f"s3:{operation} {self.place}", read)
        if isinstance(answer, Unread):
            raise NotReadable(f"journal {self.place}: {answer.reason}. Next: {answer.next_step}.")
        return answer.value

    def _key(self, number: int) -> str:
        return f"{self.prefix}/{number:09d}.json"
