"""Two nested settings field by field: what differs, by its path; lists of named things are matched by their names."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

ABSENT = "absent"
# What the things in a list are told apart by, where they have names.
NAMES = ("VariantName", "Key", "ContainerHostname")
Path = tuple[str, ...]


class Change(NamedTuple):
    """One field that differs: its path, as "ProductionVariants[AllTraffic].InstanceType", and both values."""

    path: str
    before: Any
    after: Any


def differences(before: Any, after: Any) -> tuple[Change, ...]:
    """Return every field that differs; none exactly where both are the same data."""
    old, new = dict(_leaves((), before)), dict(_leaves((), after))
    paths = [path for path in dict.fromkeys((*old, *new)) if not _same(old, new, path)]
    found = tuple(Change(_words(path), old.get(path, ABSENT), new.get(path, ABSENT)) for path in paths)
    return found if found or before == after else (Change("order of the named", before, after),)


def _leaves(path: Path, value: Any) -> Iterator[tuple[Path, Any]]:
    """Yield every value that has no inside, with its path; an empty list or map is one, too."""
    if isinstance(value, Mapping) and value:
        for name, inside in value.items():
            yield from _leaves((*path, f".{name}"), inside)
    elif isinstance(value, (list, tuple)) and value:
        for label, inside in zip(_labels(value), value, strict=True):
            yield from _leaves((*path, f"[{label}]"), inside)
    else:
        yield path, value


def _labels(values: Sequence[Any]) -> list[str]:
    """Return what tells the things of a list apart: a name of their own if all have one, else their place."""
    for key in NAMES:
        names = [one[key] for one in values if isinstance(one, Mapping) and isinstance(one.get(key), str)]
        if len(set(names)) == len(values):
            return names
    return [str(place) for place in range(len(values))]


def _same(old: Mapping[Path, Any], new: Mapping[Path, Any], path: Path) -> bool:
    if path not in old or path not in new:
        return False
    before, after = old[path], new[path]
    # JSON's true is not 1.
    return isinstance(before, bool) is isinstance(after, bool) and bool(before == after)


def _words(path: Path) -> str:
    return "".join(path).removeprefix(".") or "the whole"
