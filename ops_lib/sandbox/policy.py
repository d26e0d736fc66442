"""What an IAM policy says to one action on one resource: allowed, denied by name, or not allowed.

AWS: IAM User Guide, "Policy evaluation logic": everything is denied unless a statement allows it; a Deny overrides
every Allow. Only as much of the language as the committed policies use is known here; a policy with more is refused
when it is read, so that none of it is silently ignored.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal, NamedTuple

Decision = Literal["allowed", "explicitDeny", "implicitDeny"]
# Condition keys and what the request says for them.
Context = tuple[tuple[str, str], ...]

ELEMENTS = {"Sid", "Effect", "Action", "Resource", "Condition"}
# AWS: "IAM JSON policy elements: Condition operators": of these, only StringEquals takes no wildcards.
OPERATORS = {"StringEquals", "StringLike", "ArnLike"}


class _Condition(NamedTuple):
    key: str
    values: re.Pattern[str]


class _Statement(NamedTuple):
    allows: bool
    actions: re.Pattern[str]
    resources: re.Pattern[str]
    conditions: tuple[_Condition, ...]

    def applies(self, resource: str, context: dict[str, str]) -> bool:
        return bool(self.resources.fullmatch(resource)) and all(
            key.lower() in context and values.fullmatch(context[key.lower()]) for key, values in self.conditions
        )


class Policy:
    """An identity-based policy, compiled once. Raises ValueError for what it does not know."""

    def __init__(self, document: dict[str, Any]) -> None:
        self._statements = [_statement(one) for one in _several(document["Statement"])]
        self._about = lru_cache(1024)(self._find)

    @classmethod
    def load(cls, file: Path) -> Policy:
        """Return the policy of a JSON file."""
        return cls(json.loads(file.read_text(encoding="utf-8")))

    def decide(self, action: str, resource: str, context: Context = ()) -> Decision:
        """Return the decision as iam:SimulatePrincipalPolicy words it."""
        known = {key.lower(): value for key, value in context}
        found = {one.allows for one in self._about(action) if one.applies(resource, known)}
        return "implicitDeny" if not found else "allowed" if found == {True} else "explicitDeny"

    def _find(self, action: str) -> tuple[_Statement, ...]:
        return tuple(one for one in self._statements if one.actions.fullmatch(action))


def _statement(given: dict[str, Any]) -> _Statement:
    if set(given) - ELEMENTS or "${" in json.dumps(given) or given["Effect"] not in ("Allow", "Deny"):
        raise ValueError(f"a statement that the sandbox cannot judge: {given}")
    conditions = [
        _Condition(key, _pattern(_several(values), wild=operator != "StringEquals"))
        for operator, keys in given.get("Condition", {}).items()
        for key, values in keys.items()
    ]
    if set(given.get("Condition", {})) - OPERATORS:
        raise ValueError(f"a condition that the sandbox cannot judge: {given['Condition']}")
    # AWS: "IAM JSON policy elements: Action": names of actions are not case-sensitive; ARNs are.
    actions = _pattern(_several(given["Action"]), flags=re.IGNORECASE)
    return _Statement(given["Effect"] == "Allow", actions, _pattern(_several(given["Resource"])), tuple(conditions))


def _pattern(patterns: Iterable[str], wild: bool = True, flags: int = 0) -> re.Pattern[str]:
    """Return one expression for all; AWS's wildcards are `*`, any characters, and `?`, one."""
    escaped = [re.escape(text) for text in patterns]
    if wild:
        escaped = [text.replace(r"\*", ".*").replace(r"\?", ".") for text in escaped]
    return re.compile("|".join(escaped), flags | re.DOTALL)


def _several(given: Any) -> list[Any]:
    return list(given) if isinstance(given, list) else [given]
