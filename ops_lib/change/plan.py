"""A plan: exact calls as data, what must still hold when they are made, and the short code of exactly this plan.

Pure. `decide/` makes plans, `apply` carries one out, and nothing else does. A plan lies in a file as canonical JSON;
its code is the beginning of that file's hash, so an edited file has another code.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import Any

VALID_FOR = timedelta(minutes=30)
CODE_LENGTH = 6
CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
# What people read in place of another character (Crockford's base32).
READ_AS = str.maketrans("OIL", "011")


class BadPlan(ValueError):
    """Raised where a file is no plan as this module writes them; the text says what is wrong with it."""


@dataclass(frozen=True)
class Call:
    """One AWS API call: `service` as boto3 names its client, `operation` as AWS does, arguments as boto3 takes them."""

    service: str
    operation: str
    arguments: Mapping[str, Any]

    @property
    def name(self) -> str:
        """Return "sqs:SendMessage"."""
        return f"{self.service}:{self.operation}"


@dataclass(frozen=True)
class Condition:
    """What a read must say, read again when the step is applied.

    `call` is read with all its pages; what stands in the answer at `path` (JMESPath) must equal `expected`.
    `job_id`: of what verifies a plan the job it is about, "" where it is about the plan as a whole.
    """

    what: str
    call: Call
    path: str
    expected: Any
    job_id: str = ""


@dataclass(frozen=True)
class Letter:
    """A message of a dead-letter queue: what a step sends or deletes, held by MessageId and compared by its MD5s.

    `md5_of_attributes` is SQS's own, "" where it has none.
    """

    queue_url: str
    message_id: str
    md5_of_body: str
    md5_of_attributes: str = ""


@dataclass(frozen=True)
class Setting:
    """What a step sets, and of which thing: how it was found and how it is left, by AWS's own names.

    `of`: "service video-worker", "queue reassembly". The journal keeps it, so that `found` can be given back.
    """

    of: str
    found: Mapping[str, Any]
    left: Mapping[str, Any]


@dataclass(frozen=True)
class Step:
    """One change: the call, the world before and after in words, what could go wrong, how to undo it.

    `conditions` are read again before it is sent. `done_when` says how the world shows that it was done: None where
    nothing shows it. `harmless_twice`: sending it once more does no harm, and `doubles` says what it may double.
    `job_id`: the job it puts right; "" where it is about no single one, so that every other step hangs on it.
    `letter`: the dead letter that the call is about: SendMessage sends it to where it came from and then deletes it,
    DeleteMessage (whose receipt handle nobody knows before) only deletes it.
    `letters`: all that a PurgeQueue takes. They are received and compared again, and kept in the backup, before it.
    `setting`: what it sets, where a later plan can give back what it found.
    """

    title: str
    call: Call
    before: str
    after: str
    risk: str
    undo: str
    conditions: tuple[Condition, ...] = ()
    done_when: Condition | None = None
    harmless_twice: bool = False
    doubles: str = ""
    job_id: str = ""
    letter: Letter | None = None
    letters: tuple[Letter, ...] = ()
    setting: Setting | None = None


@dataclass(frozen=True)
class Plan:
    """Steps in order, for one environment, account and region; `now` is when it was made (UTC, whole seconds).

    `verified_by`: what the world must say some time after the last step, once the pipeline has gone on by itself.
    `letters_per_s`: how many dead letters are sent in a second at the most.
    """

    title: str
    reason: str
    environment: str
    account_id: str
    region: str
    now: datetime
    steps: tuple[Step, ...]
    verified_by: tuple[Condition, ...] = ()
    letters_per_s: int = 10

    @property
    def expires(self) -> datetime:
        """Return when it may not be applied any more (UTC)."""
        return self.now + VALID_FOR

    @cached_property
    def id(self) -> str:
        """Return the name of the plan's file: when it was made, and the beginning of its hash."""
        return f"{self.now:%Y%m%dT%H%M%SZ}-{self._digest.hex()[:12]}"

    @property
    def code(self) -> str:
        """Return the short code that the operator types: it belongs to exactly this plan."""
        bits = int.from_bytes(self._digest, "big")
        return "".join(CROCKFORD[(bits >> (256 - 5 * (place + 1))) & 31] for place in range(CODE_LENGTH))

    @cached_property
    def _digest(self) -> bytes:
        return hashlib.sha256(self.canonical()).digest()

    @property
    def job_ids(self) -> tuple[str, ...]:
        """Return the jobs it puts right, in order."""
        return tuple(dict.fromkeys(step.job_id for step in self.steps if step.job_id))

    @property
    def count(self) -> int | None:
        """Return how many letters it purges, which the operator types besides the code; None where it purges none."""
        return sum(len(step.letters) for step in self.steps) or None

    def canonical(self) -> bytes:
        """Return the plan as JSON in ASCII: sorted keys, no spaces, times as ISO 8601 in UTC."""
        content = asdict(self) | {"now": self.now.astimezone(UTC).isoformat()}
        return json.dumps(content, sort_keys=True, separators=(",", ":")).encode()


@dataclass(frozen=True)
class Prior:
    """Of one thing what plans have changed, by AWS's own names: as it was `found` at first, as it was `left` at last.

    `of` as in `Setting`; `at` (UTC), `who` and `title`: of the first change that is still to be given back.
    """

    of: str
    at: datetime
    who: str
    title: str
    found: dict[str, Any] = field(default_factory=dict)
    left: dict[str, Any] = field(default_factory=dict)

    @property
    def words(self) -> str:
        """Return who recorded what before which change."""
        was = ", ".join(f"{name} {value}" for name, value in self.found.items())
        return f"{self.of}: {was}, recorded {self.at:%Y-%m-%d %H:%M:%S} UTC by {self.who} before: {self.title}"


def same_code(typed: str, plan: Plan) -> bool:
    """Return whether what somebody typed is the plan's code; case, spaces and O/0, I/L/1 do not matter."""
    return typed.strip().upper().translate(READ_AS) == plan.code


def plan_from(text: bytes) -> Plan:
    """Return the plan in a file. Raises BadPlan where it is none, or not written as `canonical` writes it."""
    try:
        content = json.loads(text)
        steps = tuple(_step(step) for step in content.pop("steps"))
        verified = tuple(_condition(one) for one in content.pop("verified_by"))
        now = datetime.fromisoformat(content.pop("now"))
        plan = Plan(**content, now=now, steps=steps, verified_by=verified)
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise BadPlan(f"it is no plan of ours ({type(error).__name__}: {error})") from None
    if plan.canonical() != text.strip():
        raise BadPlan("it is not written as plans are written: somebody has edited it")
    return plan


def _step(content: dict[str, Any]) -> Step:
    done_when, letter, letters = (content.pop(name) for name in ("done_when", "letter", "letters"))
    setting = content.pop("setting")
    return Step(
        setting=Setting(**setting) if setting is not None else None,
        letter=Letter(**letter) if letter is not None else None,
        letters=tuple(Letter(**one) for one in letters),
        call=Call(**content.pop("call")),
        conditions=tuple(_condition(one) for one in content.pop("conditions")),
        done_when=_condition(done_when) if done_when is not None else None,
        **content,
    )


def _condition(content: dict[str, Any]) -> Condition:
    return Condition(call=Call(**content.pop("call")), **content)
