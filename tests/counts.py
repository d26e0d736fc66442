"""How much is run: everything under OPS_PROVE=1 (`make prove`), a part that is enough for every change otherwise."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import TypeVar

T = TypeVar("T")
PROVE = bool(os.environ.get("OPS_PROVE"))


def few(values: Sequence[T], *places: int) -> list[T]:
    """Return all values in the long run, else those at these places."""
    return list(values) if PROVE else [values[place] for place in places]
