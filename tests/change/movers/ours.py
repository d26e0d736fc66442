"""Our mover against the model: operators with overlapping plans, troubled and killed, until nothing is left to do."""

from __future__ import annotations

import json
import random
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any
from unittest import mock

import boto3

from ops_lib.aws import Aws, Identity, _Clients
from ops_lib.change import apply, held, mover, pace
from ops_lib.change.backup import Backup
from ops_lib.change.journal import Entry, Journal, journal_at
from ops_lib.change.journal_entry import Draft
from ops_lib.change.outcome import StepOutcome
from ops_lib.change.plan import Call, Letter, Plan, Step
from ops_lib.change.step import Applier
from ops_lib.settings import Settings
from tests.change.movers.letters import DLQ, MAIN, count, fill
from tests.change.movers.model import URL, Message, Model, at_the_boundary, md5, md5_of
from tests.change.movers.trouble import LAPSE_S, Killed, Trouble
from tests.change.movers.turns import InlineLanes

NOTHING: dict[str, str] = {"before": "", "after": "", "risk": "", "undo": ""}
MOST_RUNS = 40


def settings_in(root: Path) -> Settings:
    journal = str(root / "journal.jsonl")
    names: dict[str, Any] = dict.fromkeys(Settings.__dataclass_fields__)
    return Settings(**names | {"environment": "model", "region": "us-east-1", "state": root, "journal": journal})


def aws_in(root: Path) -> Aws:
    identity = Identity("123456789012", "arn:aws:iam::123456789012:user/model", "us-east-1")
    return Aws(settings_in(root), identity, clients())


@cache
def clients() -> _Clients:
    """Return real clients, made once for all scenes: that takes longer than a scene."""
    return _Clients(boto3.Session("model", "model", region_name="us-east-1"), settings_in(Path()), taped=False)


def step_of(message: Message, what: str = "replay", doubles: str = "a copy") -> Step:
    """Return the step that moves (or discards) a letter; `doubles` "": a second copy would do harm."""
    call = Call("sqs", "SendMessage", {"QueueUrl": URL + MAIN})
    discard = Call("sqs", "DeleteMessage", {"QueueUrl": URL + DLQ})
    md5s = md5(message.body.encode()), md5_of(message.attributes) if message.attributes else ""
    return Step(
        title=f"{what} {message.id}",
        call=call if what == "replay" else discard,
        **NOTHING,
        harmless_twice=what == "replay" and bool(doubles),
        doubles=doubles if what == "replay" else "",
        letter=Letter(URL + DLQ, message.id, *md5s),
    )


def plan_of(steps: list[Step], reason: str, rate: int = 1000) -> Plan:
    place = {"environment": "model", "account_id": "123456789012", "region": "us-east-1"}
    return Plan("move", reason, **place, now=datetime(2026, 11, 7, tzinfo=UTC), steps=tuple(steps), letters_per_s=rate)


@dataclass
class Scene:
    """One dead-letter queue and those who work on it; `told`: the last outcome of each letter, by MessageId."""

    root: Path
    seed: int
    size: int
    rate: float
    figures: Counter[str] = field(default_factory=Counter)
    told: dict[str, StepOutcome] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.chance = random.Random(self.seed)
        self.model = Model(self.chance)
        self.letters = fill(self.model, self.chance, self.size)
        self.by_id = {letter.id: letter for letter in self.letters}
        self.trouble = Trouble(self.model, self.chance, 0.0)
        self.aws = aws_in(self.root)
        self.journal = journal_at(self.aws.settings.journal)
        self.plans: list[Plan] = []
        self.stop: list[str] = []
        self.nested = False
        self.lanes: type = InlineLanes

    def overlapping_plans(self) -> list[Plan]:
        """Two operators' plans: the first of most letters, replays and discards; the second replays some of them."""
        self.discards = {one.id for one in self.letters if self.chance.random() < 0.1}
        self.harmful = {one.id for one in self.letters if self.chance.random() < 0.2}
        first = self.chance.sample(self.letters, max(1, self.size * 9 // 10))
        second = [one for one in self.chance.sample(self.letters, self.size // 2) if one.id not in self.discards]
        self.wanted = {one.id for one in [*first, *second]}
        steps = [[self.step(one) for one in chosen] for chosen in (first, second or first)]
        return [plan_of(one, f"plan {n}", self.chance.choice([1, 3, 10, 1000])) for n, one in enumerate(steps)]

    def step(self, letter: Message) -> Step:
        if letter.id in self.discards:
            return step_of(letter, "discard")
        return step_of(letter, doubles="" if letter.id in self.harmful else "a copy")

    def play(self) -> Counter[str]:
        """Let the operators work, troubled, then untroubled until a run changes nothing; return the figures."""
        self.plans = self.overlapping_plans()
        with self.surrounded():
            for _ in range(self.chance.randint(3, 10)):
                self.trouble.rate = self.rate
                self.run(self.chance.choice(self.plans))
                self.model.clock.sleep(self.chance.choice([0, 5, LAPSE_S]))
            self.trouble.rate = 0.0
            for _ in range(MOST_RUNS):
                before = self.state()
                for plan in self.plans:
                    self.model.clock.sleep(LAPSE_S)
                    self.run(plan)
                if self.state() == before:
                    break
        return self.counted()

    def state(self) -> Any:
        return [sorted(queue) for queue in self.model.queues.values()]

    def run(self, plan: Plan) -> tuple[StepOutcome, ...]:
        """Apply a plan as `ops apply` does, from the journal on; return nothing where it was killed."""
        applier = Applier(self.aws, self.journal, plan, lambda: datetime.fromtimestamp(self.model.clock.now, UTC))
        self.figures["runs"] += 1
        try:
            outcomes = apply._apply_steps(applier, lambda _: None, self.stop)
        except Killed:
            self.figures["kills"] += 1
            self.trouble.dead = False
            return ()
        for outcome in outcomes:
            letter = plan.steps[outcome.number - 1].letter
            self.told[letter.message_id if letter else ""] = outcome
        return outcomes

    def _lanes(self) -> Any:
        """Return what stands for `Lanes`: whatever `lanes` is when a run begins."""
        scene = self

        class Chosen:
            def __class_getitem__(cls, _: Any) -> type:
                return scene.lanes

        return Chosen

    @contextmanager
    def in_between(self, lanes: type) -> Iterator[None]:
        """Another operator's run begins in the middle of one: whatever is under way there waits."""
        before, self.lanes, self.nested = self.lanes, lanes, True
        try:
            yield
        finally:
            self.lanes, self.nested = before, False

    def another_operator(self) -> None:
        """While a hold lapses: somebody looks at the queue, or the other plan is applied from beginning to end."""
        if self.nested or not self.between_calls or self.chance.random() < 0.5:
            self.trouble.peek()
            return
        rate, self.trouble.rate = self.trouble.rate, 0.0
        self.figures["operators in between"] += 1
        with self.in_between(InlineLanes):
            self.run(self.plans[1])
        self.trouble.rate = rate

    def take_turns(self) -> None:
        """Let another lane go on, where they take turns."""
        if turns := getattr(self.lanes, "turns", None):
            turns.point()

    @contextmanager
    def surrounded(self) -> Iterator[None]:
        """Everything outside the mover is the model's: HTTP, time; after each durable line something may happen."""
        self.trouble.meanwhile = self.another_operator
        self.between_calls = False
        write, keep = Journal.write, Backup.keep

        def line() -> None:
            self.take_turns()
            self.between_calls = True
            try:
                self.trouble.at_a_line()
            finally:
                self.between_calls = False

        def sent(request: Any) -> Any:
            self.take_turns()
            return self.trouble.send(request)

        def written(journal: Journal, drafts: Sequence[Draft]) -> Sequence[Entry]:
            self.trouble.live()
            entries = write(journal, drafts)
            line()
            return entries

        def kept(backup: Backup, *letters: Any) -> None:
            self.trouble.live()
            keep(backup, *letters)
            line()

        with ExitStack() as patches:
            patches.enter_context(at_the_boundary(sent))
            for module in (held, mover, pace):
                patches.enter_context(mock.patch.object(module, "time", self.model.clock))
            patches.enter_context(mock.patch.object(mover, "Lanes", self._lanes()))
            patches.enter_context(mock.patch.object(Journal, "write", written))
            patches.enter_context(mock.patch.object(Backup, "keep", kept))
            patches.enter_context(mock.patch("os.fsync"))  # a power failure is not in this play
            yield

    def counted(self) -> Counter[str]:
        """Return the figures; what must never be is counted as well, and is for the test to refuse."""
        replayed = [one for one in self.letters if one.id not in self.discards]
        found = count(replayed, self.model, self.wanted)
        declared = self.declared()
        main = Counter(message.content for message in self.model.queues[MAIN].values())
        for letter in replayed:
            more = main[letter.content] - 1 + (letter.id in self.model.queues[DLQ] and letter.id in self.wanted)
            if main[letter.content] and more > 0:
                found["declared doubles" if letter.id in declared else "undeclared doubles"] += 1
        gone = [one for one in self.letters if one.id not in self.model.queues[DLQ]]
        backed_up = self.backed_up()
        found["without backup"] = sum(one.content not in backed_up for one in gone)
        found["touched but not asked for"] = sum(one.id not in self.wanted for one in gone)
        found["left behind"] = sum(
            one.id in self.wanted and one.id in self.model.queues[DLQ] and one.id not in declared
            for one in self.letters
        )
        found["discarded"] = sum(one.id in self.discards for one in gone)
        return found + self.figures + Counter({f"fault {kind}": n for kind, n in self.trouble.seen.items()})

    def declared(self) -> set[str]:
        """Return the letters of which an outcome says that they may be double: in the journal, or told at the end."""
        ids = {(plan.id, number): step.letter for plan in self.plans for number, step in enumerate(plan.steps, 1)}
        parts = (part for entry in self.journal.entries() for part in entry.parts())
        doubles = [(part.plan_id, part.step) for part in parts if part.facts.get("doubles")]
        said = {letter.message_id for key in doubles if (letter := ids[key])}  # type: ignore[index]
        return said | {name for name, outcome in self.told.items() if outcome.state == "unknown"}

    def backed_up(self) -> set[str]:
        """Return the contents in the backup files, read as anybody would: a line of JSON each."""
        found = set()
        for file in (self.root / "backups").glob("*.jsonl"):
            for line in file.read_text().splitlines():
                one = json.loads(line)
                header = one["Attributes"].get("AWSTraceHeader")
                system = {"AWSTraceHeader": {"DataType": "String", "StringValue": header}} if header else {}
                found.add(json.dumps([one["Body"], one["MessageAttributes"], system], sort_keys=True))
        return found
