"""What is on the machine's disk: whether the databases are whole, and what the node has kept."""

from __future__ import annotations

import ctypes
import json
import sqlite3
import threading
from pathlib import Path
from typing import Any

WAIT_S = 240.0
_SET_STATUS, _SET_MAXERROR = 0x10, 0x4


def check(folder: str) -> dict[str, str]:
    """Return what SQLite says of each database in a folder; it does what a program's start does, too."""
    said = {}
    for path in sorted(Path(folder).rglob("*.db")):
        base = sqlite3.connect(path)
        said[str(path)] = ", ".join(str(row[0]) for row in base.execute("pragma integrity_check"))
        base.close()
    return said


def spool(folder: str, *, wait: bool) -> list[Any]:
    """Return what a node has kept; `wait`: when all of it has been receipted."""
    pause, rows = threading.Event(), []
    base = sqlite3.connect(f"file:{folder}/spool.db?mode=ro", uri=True)
    for _ in range(int(WAIT_S / 0.5)):
        rows = base.execute("select body, receipted_ms from entry order by id").fetchall()
        if not wait or all(row[1] is not None for row in rows):
            base.close()
            return [json.loads(row[0]) for row in rows]
        pause.wait(0.5)
    raise AssertionError(f"never receipted: {[row for row in rows if row[1] is None]}")


def synchronise() -> int:
    """Let the kernel believe its clock, as a time server does: the machine's clock is right, and nobody tells it."""

    class Timex(ctypes.Structure):
        _fields_ = [
            ("modes", ctypes.c_uint),
            ("pad", ctypes.c_long * 4),
            ("status", ctypes.c_int),
            ("rest", ctypes.c_byte * 400),
        ]

    said = Timex(modes=_SET_STATUS | _SET_MAXERROR)
    return int(ctypes.CDLL(None).adjtimex(ctypes.byref(said)))
