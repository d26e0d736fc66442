"""How much faster than AWS's and the pipeline's minutes those of this sandbox are."""

from __future__ import annotations

from math import inf


class Pace:
    """`speed` 0: what is under way never ends by itself."""

    speed = 0.0

    def lasts(self, seconds: float) -> float:
        """Return how many real seconds so many of AWS's are."""
        return seconds / self.speed if self.speed else inf


# Of this process: one server is one sandbox.
pace = Pace()
