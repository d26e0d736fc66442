"""Files that must outlive a crash: what is written is on the disk before it counts, and so is a new file's name."""

from __future__ import annotations

import os
from pathlib import Path


def opened(path: Path, flags: int) -> int:
    """Return a file's descriptor; what is created is its owner's only, in a folder that is made where there is none."""
    try:
        return os.open(path, flags, 0o600)
    except FileNotFoundError:
        if not flags & os.O_CREAT:
            raise
        path.parent.mkdir(parents=True, exist_ok=True)
        return os.open(path, flags, 0o600)


def append(file: int, size: int, text: bytes) -> None:
    """Write and fsync; after an error (a full disk) the file is as long as before, if it can be done."""
    left = memoryview(text)
    try:
        while left:
            left = left[os.write(file, left) :]
        os.fsync(file)
    except OSError:
        os.ftruncate(file, size)
        raise


def ends_a_line(file: int, size: int) -> bool:
    """Return whether what is appended begins a line of its own."""
    return not size or os.pread(file, 1, size - 1) == b"\n"


def sync_folder(folder: Path) -> None:
    """Make the name of a new file in `folder` as durable as its content."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
