"""The watchdog: who is told in the house when the hub itself cannot page as it should, and who starts it anew.

What the auditor finds is paged like everything else: through the journal, by the worker that sends. What keeps those
from working cannot be told that way: a disk that takes nothing, a thread that hangs. This one has a thread of its own,
waits for none of them, and writes nothing. systemd hears from it only while every thread goes on.
"""

from __future__ import annotations

import logging
import os
import socket
import threading
from collections.abc import Callable

_log = logging.getLogger(__name__)

EVERY_S = 5.0
"""Real seconds between looks."""
PATIENCE_S = 30.0
"""Trouble that passes sooner is told to nobody."""


class Watchdog:
    """Looks every few seconds; `look` is one of its looks."""

    def __init__(
        self,
        mono_s: Callable[[], float],
        hangs: Callable[[], str | None],
        unable: Callable[[], str | None],
        tell: Callable[[str | None], None],
    ) -> None:
        """Prepare; `start` begins.

        Args:
            mono_s: real seconds, of a clock that only counts.
            hangs: which thread does not go on, in words; None: they all do.
            unable: what else keeps pages from being decided, in words; None: nothing does.
            tell: tells people what is wrong, or with None that it is well again. It may take its time, and raise.
        """
        self._mono_s = mono_s
        self._hangs = hangs
        self._unable = unable
        self._tell = tell
        self._since_s: float | None = None
        self._told = False
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="watchdog", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """End: from now on nothing is told, and nobody waits for what is being told."""
        self._stopping.set()

    def _run(self) -> None:
        while not self._stopping.wait(EVERY_S):
            self.look()

    def look(self) -> None:
        """Look once, and tell what has stood for long enough."""
        hangs = self._hangs()
        if hangs is None:
            still_alive()
        wrong = hangs or self._unable()
        if self._stopping.is_set():
            return
        if wrong is None:
            self._since_s = None
            if self._told:
                self._say(None)
            return
        now_s = self._mono_s()
        if self._since_s is None:
            self._since_s = now_s
        if not self._told and now_s - self._since_s >= PATIENCE_S:
            _log.error("pages do not go as they should: %s", wrong)
            self._say(wrong)

    def _say(self, wrong: str | None) -> None:
        self._told = wrong is not None
        try:
            self._tell(wrong)
        except Exception:  # noqa: BLE001 - it must look again, whatever becomes of the telling
            _log.exception("could not tell anybody what is wrong with the hub")


def still_alive() -> None:
    """Tell systemd, where it wants to know, that the hub is alive; without that it starts it anew (WatchdogSec)."""
    path = os.environ.get("NOTIFY_SOCKET", "")
    if not path or "WATCHDOG_USEC" not in os.environ:
        return
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as sock:
            sock.sendto(b"WATCHDOG=1", "\0" + path[1:] if path.startswith("@") else path)
    except OSError as wrong:
        _log.warning("systemd cannot be told that the hub is alive: %s", wrong)
