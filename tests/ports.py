"""Ports for what a test starts, stops and starts again: nobody else gets them meanwhile.

A port that the kernel has just given and that was closed again may be given to somebody else before a broker listens on
it, or while it is restarted: two workers and a thousand sockets make that happen now and then. These ports are below
those that the kernel gives, and each is kept by a name that only one process of the machine can have.
"""

from __future__ import annotations

import contextlib
import random
import socket
from collections import deque
from pathlib import Path

LOWEST = 10_000
_LOW = Path("/proc/sys/net/ipv4/ip_local_port_range")
_chance = random.SystemRandom()
_KEPT_MOST = 100
"""More than a test needs at once, and far fewer than the files that a process may have open."""
_kept: deque[socket.socket] = deque()


def free_port(host: str = "127.0.0.1") -> int:
    """Return a port on which nobody listens, and which nobody else is given for a long while."""
    given = int(_LOW.read_text(encoding="ascii").split()[0]) if _LOW.exists() else 32_768
    for _ in range(1_000):
        port = _chance.randrange(LOWEST, max(given, LOWEST + 10_000))
        mine = socket.socket(socket.AF_UNIX)
        with contextlib.suppress(OSError), socket.socket() as probe:
            mine.bind(f"\0andgate-test-port-{port}")
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind((host, port))
            _kept.append(mine)
            if len(_kept) > _KEPT_MOST:
                _kept.popleft().close()
            return port
        mine.close()
    raise AssertionError("there is no free port")
