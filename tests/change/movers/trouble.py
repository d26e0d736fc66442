"""What goes wrong between a mover and SQS, chosen by chance and counted by kind; the same for every mover."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable
from typing import Any

from botocore.awsrequest import AWSResponse
from botocore.exceptions import ConnectionClosedError, ReadTimeoutError

from tests.change.movers.model import Model, operation_of
from tests.faults import answer

PARTIAL = "partial"  # some entries of a batch are not taken
LAPSE_S = 400  # longer than any hold
KINDS = (
    "throttled",
    "lost-before",
    "lost-after",
    "closed-after",
    "error-after",
    "lapse-before",
    "lapse-after",
    "kill-before",
    "kill-after",
)


class Killed(BaseException):
    """Raised where the process would be gone, and by everything it would do after that."""


class Trouble:
    """Answers requests from the model, some with a fault; `rate` is a fault's chance at each call and journal line."""

    def __init__(self, model: Model, chance: random.Random, rate: float) -> None:
        self.model, self.chance, self.rate = model, chance, rate
        self.seen = Counter[str]()
        self.dead = False
        self.meanwhile: Callable[[], None] = self.peek

    def send(self, request: Any) -> AWSResponse:
        self.live()
        batch = operation_of(request).endswith("Batch")
        kind = self.drawn(KINDS + (PARTIAL,) * 4 if batch else KINDS)
        self.around(kind, "before")
        if kind == "throttled":
            return answer(request, "throttled")
        if kind == "lost-before":
            raise ReadTimeoutError(endpoint_url=request.url)
        got = self.model.answer(request, self.some if kind == PARTIAL else lambda _: set())
        self.around(kind, "after")
        if kind == "lost-after":
            raise ReadTimeoutError(endpoint_url=request.url)
        if kind == "closed-after":
            raise ConnectionClosedError(endpoint_url=request.url)
        if kind == "error-after":
            got.status_code = 500
            got._content = b"{}"
        return got

    def at_a_line(self) -> None:
        """Be called after each durable line of a journal or backup: killed there, or put to sleep."""
        self.live()
        kind = self.drawn(("kill-line", "lapse-line", *[""] * 8))
        if kind:
            self.around(kind.replace("-line", "-after"), "after")

    def live(self) -> None:
        if self.dead:
            raise Killed

    def drawn(self, kinds: tuple[str, ...]) -> str:
        kind = self.chance.choice(kinds) if self.chance.random() < self.rate else ""
        if kind:
            self.seen[kind] += 1
        return kind

    def around(self, kind: str, when: str) -> None:
        if kind == f"kill-{when}":
            self.dead = True
            raise Killed
        if kind == f"lapse-{when}":
            self.model.clock.sleep(LAPSE_S)
            self.meanwhile()

    def peek(self) -> None:
        """Somebody else looks at every queue: what he receives has a new handle, and comes back after 30 s."""
        for queue in self.model.queues.values():
            for message in self.chance.sample(list(queue.values()), min(5, len(queue))):
                if message.visible_at <= self.model.clock.now:
                    self.model.deliver(message, {"VisibilityTimeout": 30})

    def some(self, entries: list[Any]) -> set[str]:
        return {entry["Id"] for entry in entries if self.chance.random() < 0.4}
