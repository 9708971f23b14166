"""The keeper: what a store needs beside being written, off the way of the presses."""

from __future__ import annotations

import logging
import threading

from andgate.clock import Clock
from andgate.moment.engine import Engine
from andgate.moment.state import dump
from hub.store import Checkpoints, Snapshot, Snapshots, Store

_log = logging.getLogger(__name__)

SNAPSHOT_ENTRIES = 5_000
SNAPSHOT_AT_MOST = 20_000
"""A busy hub waits for a quiet moment to take a snapshot, but not longer than this many entries."""
SNAPSHOT_S = 180.0


class Keeper:
    """Takes snapshots of the engine and moves the write-ahead log into the database."""

    def __init__(self, store: Store, clock: Clock, *, snapshot: int) -> None:
        """Keep `store`, whose newest snapshot is of entry `snapshot`; `start` begins."""
        self._store = store
        self._clock = clock
        self._snapshots = Snapshots(store.data)
        self._entry = snapshot
        self._taken_s = clock.mono_s()
        self._writer: threading.Thread | None = None
        self._checkpoints = Checkpoints(store.data)

    def start(self) -> None:
        """Begin to look after the write-ahead log."""
        self._checkpoints.start()

    def committed(self) -> None:
        """Say that something was committed."""
        self._checkpoints.poke()

    def look(self, engine: Engine, *, busy: bool) -> None:
        """Take a snapshot if one is due."""
        since = self._store.entry - self._entry
        if since == 0 or (busy and since < SNAPSHOT_AT_MOST):
            return
        if since >= SNAPSHOT_ENTRIES or self._clock.mono_s() - self._taken_s >= SNAPSHOT_S:
            if self._writer is not None and self._writer.is_alive():
                return
            self.snapshot(engine)

    def snapshot(self, engine: Engine) -> None:
        """Take a snapshot now; it is written beside everything else."""
        snapshot = Snapshot(self._store.entry, self._store.hash, dump(engine))
        self._entry, self._taken_s = snapshot.entry, self._clock.mono_s()
        if self._writer is not None:
            self._writer.join()
        self._writer = threading.Thread(target=self._write, args=(snapshot,), name="snapshot")
        self._writer.start()

    def _write(self, snapshot: Snapshot) -> None:
        self._store.mark(snapshot.entry, snapshot.head)
        try:
            self._snapshots.write(snapshot)
        except OSError as wrong:
            _log.warning("no snapshot could be written, the next start takes longer: %s", wrong)

    def stop(self) -> None:
        """Wait for what is being written and end; call it once, after `start`."""
        if self._writer is not None:
            self._writer.join()
        self._checkpoints.stop()
