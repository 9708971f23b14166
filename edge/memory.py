"""Little memory: a Pi Zero has 512 MB for everything, and what a start leaves behind is mostly holes.

The C library gives each thread a heap of its own and keeps what is freed. One heap is enough for a program whose
threads mostly wait, and after the imports, and now and then, the holes go back to the system: 1.5 MB of 37.
"""

from __future__ import annotations

import contextlib
import ctypes

_ARENA_MAX = -8
"""``M_ARENA_MAX`` of the GNU C library's ``malloc.h``."""


def one_heap() -> None:
    """Let all threads share one heap; call it before there are any. Nothing happens where there is no such thing."""
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).mallopt(_ARENA_MAX, 1)


def give_back() -> None:
    """Hand unused memory to the system, where the C library can."""
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).malloc_trim(0)
