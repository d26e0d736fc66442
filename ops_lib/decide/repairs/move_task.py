"""The plan that has SQS itself move a whole dead-letter queue back to its sources, and the one that cancels that.

For a queue too large for letter by letter, and only where some letter that was seen is to be replayed and none does
harm: the task has no filter. (SQS API reference, "StartMessageMoveTask": one active task a queue, at most 500 messages
a second, 36 hours.)
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime

from ops_lib.change.plan import Call, Condition, Plan, Step
from ops_lib.decide.checks import counted
from ops_lib.decide.dead_letters import REPLAY, JudgedLetter
from ops_lib.decide.repairs.conditions import endpoint_in_service
from ops_lib.decide.repairs.letters import pair_of
from ops_lib.decide.repairs.names import NOBODY, NOT_YET, Names, NoRepair, Unsafe
from ops_lib.decide.repairs.planned import answered, planned
from ops_lib.evidence import Evidence, Queue, QueuePair, known
from ops_lib.letters import MoveTask

FASTEST = 500
# SQS keeps with a message that it moved from where. One sent into the dead-letter queue by hand has none, and ends the
# task (Developer Guide, "Troubleshoot dead-letter queue and DLQ redrive issues": CouldNotDetermineMessageSource).
SOURCE = "DeadLetterQueueSourceArn"
RISK = (
    "It is for a queue too large for letter by letter. Against a replay of chosen letters it loses: any choice (test "
    "events and letters that nobody needs go too, and come back), any edit, the backup, the conditions of each job, "
    "and the stop when letters come back. Messages get new MessageIds and their retention starts anew. SQS runs one "
    "task of a queue at a time, for up to 36 h."
)
MOVED = "what was moved stays moved"
Tasks = Evidence[tuple[MoveTask, ...]]


def plan_move_task(
    key: str,
    judged: Sequence[JudgedLetter],
    queues: Mapping[str, QueuePair],
    tasks: Tasks,
    names: Names,
    now: datetime,
    per_s: int = 10,
) -> Plan | NoRepair:
    """Return the plan that moves all dead letters of the queue `key` back, `per_s` messages a second at the most.

    `judged`: the letters that were seen, of any queue. None where one of them would do harm, or none may be
    replayed.
    """
    return answered(
        lambda: _plan("Move", _start(key, judged, queues, known(tasks), names, per_s), key, queues, names, now)
    )


def plan_cancel_move(
    key: str, queues: Mapping[str, QueuePair], tasks: Tasks, names: Names, now: datetime
) -> Plan | NoRepair:
    """Return the plan that cancels the move task that runs on the dead-letter queue of `key`."""
    return answered(lambda: _plan("Stop moving", _cancel(key, queues, known(tasks)), key, queues, names, now))


def _start(
    key: str,
    judged: Sequence[JudgedLetter],
    queues: Mapping[str, QueuePair],
    tasks: tuple[MoveTask, ...],
    names: Names,
    per_s: int,
) -> Step:
    main, dlq = pair_of(queues, key)
    own = [one for one in judged if one.letter.queue == key]
    _require_movable(key, own, dlq, tasks, per_s)
    last, arn = _newest_ms(tasks), _arn(main)
    seen = ", ".join(f"{count} {name}" for name, count in sorted(Counter(one.name for one in own).items()))
    endpoint = (endpoint_in_service(names.endpoint_name),) if key == "video-worker" and names.endpoint_name else ()
    return Step(
        title=f"have SQS move all letters of {dlq.name} back to where they came from",
        call=Call("sqs", "StartMessageMoveTask", {"SourceArn": arn, "MaxNumberOfMessagesPerSecond": per_s}),
        before=f"about {counted(range(dlq.visible_messages), 'letter')}; seen of them: {seen}",
        after=f"they are messages of {main.name} again, {per_s} a second at the most; Stop cancels the task",
        risk=RISK,
        undo=f"cancel the task; {MOVED}",
        conditions=(
            Condition("no other move task was started", _list(arn), "Results[0].StartedTimestamp", last),
            _redrives_to(main, arn),
            _has_letters(dlq),
            *endpoint,
        ),
        done_when=Condition("SQS lists the task", _list(arn), f"Results[0].StartedTimestamp > `{last or 0}`", True),
    )


def _require_movable(key: str, own: Sequence[JudgedLetter], dlq: Queue, tasks: Sequence[MoveTask], per_s: int) -> None:
    seen = Counter(one.name for one in own)
    if not 1 <= per_s <= FASTEST:
        raise Unsafe(f"SQS moves 1 to {FASTEST} messages a second, not {per_s}.", NOT_YET)
    if tasks and tasks[0].is_active:
        raise Unsafe(f"A move task of {dlq.name} is under way: {tasks[0].words}. Wait for it, or cancel it.", NOT_YET)
    if not dlq.visible_messages:
        raise Unsafe(f"No letter of {dlq.name} is visible.", NOBODY)
    if not own:
        raise Unsafe(f"Nobody has looked at any dead letter of {key}: look first, the task has no filter.", NOT_YET)
    if lost := sum(SOURCE not in one.letter.system_attributes for one in own):
        reason = f"{lost} of {len(own)} letters that were seen do not say where they came from: it would fail there"
        raise Unsafe(f"{reason}. Replay them, or discard them first.", NOT_YET)
    if harm := seen["would-do-harm"]:
        reason = f"{harm} of {sum(seen.values())} letters that were seen would do harm, and the task has no filter"
        raise Unsafe(f"{reason}: replay the ones that are needed by themselves.", NOT_YET)
    if all(one.safe != REPLAY for one in own):
        listed = ", ".join(f"{count} {name}" for name, count in sorted(seen.items()))
        raise Unsafe(f"No letter that was seen may be replayed ({listed}), and the task has no filter.", NOBODY)


def _cancel(key: str, queues: Mapping[str, QueuePair], tasks: tuple[MoveTask, ...]) -> Step:
    main, dlq = pair_of(queues, key)
    if not tasks or tasks[0].status != "RUNNING" or tasks[0].handle is None:
        state = tasks[0].words if tasks else "there is none"
        raise Unsafe(f"No move task of {dlq.name} is running: {state}.", NOBODY)
    arn = _arn(main)
    path = "contains(['CANCELLING', 'CANCELLED'], Results[0].Status)"
    return Step(
        title=f"cancel the move task of {dlq.name}",
        call=Call("sqs", "CancelMessageMoveTask", {"TaskHandle": tasks[0].handle}),
        before=tasks[0].words,
        after=f"no more letters are moved; {MOVED}",
        risk=f"{MOVED[:1].upper()}{MOVED[1:]}, and some more may be until SQS has stopped.",
        undo="start another task: it moves what is left",
        conditions=(
            Condition(
                "the same task is running",
                _list(arn),
                "Results[0].[Status, StartedTimestamp]",
                ["RUNNING", tasks[0].started_ms],
            ),
        ),
        done_when=Condition("the task is being cancelled, or is", _list(arn), path, True),
        harmless_twice=True,
        doubles="the cancelling: SQS refuses the second",
    )


def _plan(title: str, step: Step, key: str, queues: Mapping[str, QueuePair], names: Names, now: datetime) -> Plan:
    main, dlq = pair_of(queues, key)
    ends = "COMPLETED" if step.call.operation == "StartMessageMoveTask" else "CANCELLED"
    ended = Condition(f"the move task is {ends}", _list(_arn(main)), "Results[0].Status", ends)
    reason = f"{step.title}: {step.before}"
    return planned(names, now, f"{title} all letters of {dlq.name}", reason, [step], [ended])


def _arn(main: Queue) -> str:
    if main.dlq_arn is None:
        raise Unsafe(f"{main.name} has no RedrivePolicy that names a dead-letter queue.")
    return main.dlq_arn


def _newest_ms(tasks: Sequence[MoveTask]) -> int | None:
    return tasks[0].started_ms if tasks else None


def _list(arn: str) -> Call:
    return Call("sqs", "ListMessageMoveTasks", {"SourceArn": arn, "MaxResults": 1})


def _redrives_to(main: Queue, arn: str) -> Condition:
    call = Call("sqs", "GetQueueAttributes", {"QueueUrl": main.url, "AttributeNames": ["RedrivePolicy"]})
    what = f"the RedrivePolicy of {main.name} still names this dead-letter queue"
    return Condition(what, call, f"contains(Attributes.RedrivePolicy, '\"{arn}\"')", True)


def _has_letters(dlq: Queue) -> Condition:
    name = "ApproximateNumberOfMessages"
    call = Call("sqs", "GetQueueAttributes", {"QueueUrl": dlq.url, "AttributeNames": [name]})
    return Condition("there are letters to move", call, f"Attributes.{name} != '0'", True)
