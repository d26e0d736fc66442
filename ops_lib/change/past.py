"""What the journal says of dead letters: sent, perhaps sent, deleted, by whichever plan.

Pure. A letter is known by its MessageId: a message that is sent again gets a new one, so whatever any plan did to this
one was done to this one. Two operators with overlapping plans, and a plan made after another was killed, find here
that only the delete is left.
"""

from __future__ import annotations

from collections.abc import Container, Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime

from ops_lib.change.journal import Entry

SEND, DELETE = "send", "delete"  # `phase` of an intent, and of the outcome that says what came of it
SENT = "sent"  # between send and delete: an outcome that does not end the step
Key = tuple[str, int | None]


@dataclass(slots=True)
class Past:
    """One letter's: `sent_as` its new MessageId, "" if none is confirmed; `doubles` what a second copy may double.

    `unsettled`: steps that meant to send it and never heard; `touched`: when it was last in somebody's hand (UTC).
    """

    sent_as: str = ""
    doubles: str = ""
    was_lost: bool = False
    deleting: bool = False
    deleted: bool = False
    touched: datetime | None = None
    unsettled: tuple[Key, ...] = ()

    @property
    def maybe_sent(self) -> bool:
        """Return whether a copy of it may be in its main queue although SQS never confirmed one."""
        return not self.sent_as and (self.was_lost or bool(self.unsettled))


@dataclass
class Pasts:
    """The letters of `wanted` (MessageIds) by MessageId, as far as the journal was read.

    `plans`: by MD5 of a body the plans that have sent it, without `plan_id` itself.
    """

    wanted: Container[str]
    plan_id: str = ""
    letters: dict[str, Past] = field(default_factory=dict)
    plans: dict[str, set[str]] = field(default_factory=dict)
    _meant: dict[Key, tuple[Past, str]] = field(default_factory=dict)

    def of(self, message_id: str) -> Past:
        """Return a letter's past as it is now known; an empty one where nobody has touched it."""
        past = self.letters.get(message_id)
        return replace(past) if past else Past()

    def replays(self, md5_of_body: str) -> int:
        """Return how many other plans have sent this body."""
        return len(self.plans.get(md5_of_body, ()))

    def read(self, entries: Iterable[Entry]) -> None:
        """Note what further entries say, in their order."""
        for entry in entries:
            for part in entry.parts():
                self._note(part)

    def forget(self, message_id: str) -> None:
        """Forget a letter that nobody will ask for again."""
        self.letters.pop(message_id, None)

    def _note(self, entry: Entry) -> None:
        key, phase = (entry.plan_id, entry.step), entry.facts.get("phase")
        if entry.kind == "intent" and phase in (SEND, DELETE):
            message_id = str(entry.facts["message_id"])
            past = self.letters.setdefault(message_id, Past()) if message_id in self.wanted else Past()
            self._meant[key] = past, str(entry.facts.get("md5_of_body", ""))
            _meant(past, key, phase, entry.at)
        elif entry.kind == "outcome" and key in self._meant:
            past, body = self._meant[key]
            _came(past, key, entry)
            if entry.facts.get("state") == SENT and entry.plan_id != self.plan_id:
                self.plans.setdefault(body, set()).add(entry.plan_id)
            if past.deleted:
                del self._meant[key]


def _meant(past: Past, key: Key, phase: str, at: datetime) -> None:
    past.touched = at
    if phase == DELETE:
        past.deleting = True
        return
    past.was_lost = past.was_lost or key in past.unsettled
    past.unsettled = (*(one for one in past.unsettled if one != key), key)


def _came(past: Past, key: Key, entry: Entry) -> None:
    """Note an outcome. Only one that is about the send settles it: a refusal of a later run says nothing of it."""
    state, phase = entry.facts.get("state"), entry.facts.get("phase")
    past.doubles = str(entry.facts.get("doubles", "")) or past.doubles
    if state in ("done", "already-done"):
        past.deleted = True
    if phase != SEND:
        return
    past.unsettled = tuple(one for one in past.unsettled if one != key)
    past.was_lost = past.was_lost or state == "unknown"
    if state == SENT:
        past.sent_as = str(entry.facts["sent_as"])
