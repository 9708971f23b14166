"""A whole node on mock pins, for tests that start it, stop it and look what it says."""

from __future__ import annotations

from pathlib import Path

from edge.app import EdgeApp
from edge.devices.mock import MockBoard
from edge.language import condition
from edge.spool import Spool
from edge.worker import Worker


class Node:
    """It is started at once; whoever made it ends it."""

    def __init__(self, url: str, folder: Path, name: str = "desk") -> None:
        self.url, self.folder, self.name, self.board = url, folder, name, MockBoard()
        self.start()

    def start(self) -> None:
        self.app = EdgeApp(self.name, broker_url=self.url, data_dir=self.folder, pin_factory=self.board.factory)
        self.app.start()

    def crash(self) -> None:
        """End as if the power had gone, and take the pins away."""
        self.app.crash()
        self.board.close()

    @property
    def worker(self) -> Worker:
        """Its thread's own, which nobody else may change."""
        assert self.app._worker is not None
        return self.app._worker

    @property
    def spool(self) -> Spool:
        return self.worker.spool

    def depth(self) -> int:
        """How many signals wait for their receipt."""
        return self.spool.depth

    def says(self, now_s: float | None = None) -> str:
        """What the lamp of its button `mot` says; empty while it has none."""
        mot = self.worker.rack.devices.get("mot")
        if mot is None:
            return ""
        now_s = self.worker.clock.mono_s() if now_s is None else now_s
        return condition(self.worker.face._view("counter-a"), self.worker.face.own_of(mot, now_s), now_s).name
