"""Run one road in this process: python -m attack.run ROAD [guarded] [without=SEAM], from the folder tests."""

from __future__ import annotations

import importlib
import sys

from attack import bent, calls, clients, conveniences, inside, limits
from attack.limits import SEAMS, open_seam
from attack.road import ALONE, KERNEL, LIMITS, earlier

ROADS = (calls, conveniences, clients, inside, bent, limits)  # importing them registers their roads


def main(road: str, *options: str) -> None:
    """Run the road, after `import ops_lib` if "guarded", and with one seam of the gate put back as it was."""
    earlier()
    if "guarded" in options:
        importlib.import_module("ops_lib")
    for option in options:
        if option.startswith("without="):
            open_seam(*SEAMS[option.removeprefix("without=")])
    {**KERNEL, **ALONE, **LIMITS}[road]()


if __name__ == "__main__":
    main(*sys.argv[1:])
