"""How dead-letter queues are set up, as a table: what keeps letters how long, and who is told of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pandas as pd

from ops_lib.decide.case import words
from ops_lib.decide.queue_lint import dlq_name, receives_until_dead_s
from ops_lib.evidence import Alarm, Evidence, Queue, QueuePair, Read, Unread

COLUMNS = ("queue", "dead-letter queue", "keeps", "source keeps", "max receives", "visibility", "dead after", "alarm")
NOT_READ = "not read"


def dead_letter_settings(queues: Mapping[str, QueuePair], alarms: Evidence[tuple[Alarm, ...]]) -> pd.DataFrame:
    """Return one row per main queue; what was not read says so. "dead after": receives times visibility, at least."""
    return pd.DataFrame([_row(pair, alarms) for pair in queues.values()], columns=list(COLUMNS), dtype="object")


def _row(pair: QueuePair, alarms: Evidence[tuple[Alarm, ...]]) -> tuple[object, ...]:
    main = pair.main.value if isinstance(pair.main, Read) else None
    name = dlq_name(pair)
    dlq = name or ("none" if pair.dlq is None else NOT_READ)
    own: tuple[object, ...] = (NOT_READ,) * 4
    if main:
        dead = words(receives_until_dead_s(main)) if main.max_receive_count else "never"
        receives = main.max_receive_count or "no limit"
        own = words(main.retention_s), receives, words(main.visibility_timeout_s), dead
    return pair.key, dlq, _kept(pair.dlq), *own, _alarm(name, alarms)


def _kept(dlq: Evidence[Queue] | None) -> str:
    if dlq is None:
        return ""
    return words(dlq.value.retention_s) if isinstance(dlq, Read) else NOT_READ


def _alarm(name: str | None, alarms: Evidence[tuple[Alarm, ...]]) -> str:
    if name is None:
        return ""
    if isinstance(alarms, Unread):
        return f"{NOT_READ}: {alarms.reason}"
    return _told([alarm for alarm in alarms.value if alarm.queue_name == name])


def _told(own: Sequence[Alarm]) -> str:
    if not own:
        return "none"
    state = next((alarm.state for alarm in own if alarm.state == "ALARM"), own[0].state)
    told = len({action for alarm in own for action in alarm.actions})
    return f"{state}, notifies {told or 'nobody'}"
