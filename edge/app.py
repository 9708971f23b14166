"""A node, in-process: the program, the twin and the tests start it alike.

node = EdgeApp("desk-a1", broker_url="mqtt://127.0.0.1:1883", data_dir=Path("desk-a1"))
node.start()        # armed: from here on a press counts
node.stop()
"""

from __future__ import annotations

import logging
import queue
import threading
from pathlib import Path
from typing import Any

from andgate.clock import Clock
from andgate.errors import UsageError
from andgate.plan.tables import ID
from edge.broker import Broker
from edge.clock import node_clock
from edge.devices.pins import pins
from edge.folder import FolderLock
from edge.link import Link
from edge.spool import Spool
from edge.worker import Event, Stop, Worker

_log = logging.getLogger("andgate.edge")

START_S = 10.0
"""A node that takes longer to be armed says so, again and again; it is armed when it is."""
STOP_S = 15.0
WAITING_MOST = 1_000
"""Messages and edges that wait for the worker before the broker has to wait."""


class EdgeApp:
    """One node: no globals, no signal handlers; many live in one process."""

    def __init__(
        self,
        node_id: str,
        site: str | None = None,
        *,
        broker_url: str | Broker,
        data_dir: Path,
        clock: Clock | None = None,
        pin_factory: Any = None,  # noqa: ANN401 - gpiozero has no types
    ) -> None:
        """Prepare a node; nothing is opened before `start`.

        Args:
            node_id: its id in the plan.
            site: the site's id; None: learnt from the hub with the first configuration, and kept.
            broker_url: ``mqtt://host:1883``, ``mqtts://...``, or a `Broker` with certificates.
            data_dir: where its spool lives; one folder a node.
            clock: a clock of the surrounding program; None: the machine's own. A clock that runs faster (a demo's)
                makes everything faster but the blinking, which is for real eyes.
            pin_factory: a gpiozero pin factory; None: this Pi's own pins.

        Raises:
            UsageError: for an id or address that cannot be.
        """
        for what, name in (("node", node_id), ("site", site)):
            if name is not None and not ID.fullmatch(name):
                raise UsageError(f"the {what} id {name!r} is wrong. Use lower-case letters, digits and hyphens")
        self.node_id = node_id
        self._site = site
        self._broker = broker_url if isinstance(broker_url, Broker) else Broker.at(broker_url)
        self._data_dir = Path(data_dir)
        self._clock = node_clock(clock)
        self._pins = pin_factory
        self._inbox: queue.SimpleQueue[Event] = queue.SimpleQueue()
        self._armed = threading.Event()
        self._wrong: Exception | None = None
        self._worker: Worker | None = None
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Open spool and devices and begin to connect; returns when the node is armed, broker or not.

        Raises:
            UsageError: if the data folder cannot be used, or the node is already started.
        """
        if self._thread is not None:
            raise UsageError(f"node {self.node_id} is already started")
        self._armed.clear()
        self._wrong = None
        self._inbox = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._run, name=f"node {self.node_id}", daemon=True)
        self._thread.start()
        while not self._armed.wait(START_S):
            _log.warning("%s: not armed yet: spool and devices are still being opened", self.node_id)
        self._fail()

    def _fail(self) -> None:
        """Raise what went wrong while starting, if anything did."""
        if self._wrong is not None:
            self._end(goodbye=False)
            raise self._wrong

    def _run(self) -> None:
        try:
            lock = FolderLock(self._data_dir)
        except UsageError as wrong:
            self._wrong = wrong
            self._armed.set()
            return
        try:
            self._work()
        finally:
            lock.close()

    def _work(self) -> None:
        try:
            spool = Spool(self._data_dir, self._clock.boot_id)
            self._check_owner(spool)
            clock = self._clock
            inbox = self._inbox
            link = Link(
                self._broker,
                f"andgate-{self.node_id}",
                inbox.put,
                lambda: clock.real_s(clock.mono_s()),
                room=lambda: inbox.qsize() < WAITING_MOST,
            )
            self._worker = Worker(
                self.node_id,
                self._site,
                spool=spool,
                link=link,
                clock=self._clock,
                pin_factory=self._pins if self._pins is not None else pins("auto"),
                inbox=self._inbox,
            )
            self._worker.arm()
        except Exception as wrong:  # noqa: BLE001 - told to whoever called start()
            self._wrong = wrong
            return
        finally:
            self._armed.set()
        self._worker.run()

    def _check_owner(self, spool: Spool) -> None:
        """Refuse the folder of another node: what waits in it would be said in this one's name."""
        owner = (spool.fact("node") or b"").decode()
        if owner and owner != self.node_id:
            spool.close()
            raise UsageError(
                f"the data folder {self._data_dir} is that of the node {owner}. Give {self.node_id} a --data folder "
                "of its own"
            )
        spool.keep("node", self.node_id.encode())

    def stop(self) -> None:
        """End cleanly: last words to the broker, lamps dark, everything unsent safe on disk."""
        self._end(goodbye=True)

    def crash(self) -> None:
        """End as if the power had gone: no goodbye, so the broker speaks the will. For tests and the twin."""
        self._end(goodbye=False)

    def _end(self, *, goodbye: bool) -> None:
        if self._thread is None:
            return
        self._inbox.put(Stop(goodbye=goodbye))
        self._thread.join(STOP_S)
        self._thread = None

    @property
    def connected(self) -> bool:
        """Whether a connection to the broker stands."""
        return self._worker is not None and self._worker.delivery.connected

    @property
    def running(self) -> bool:
        """Whether it is started and alive."""
        return self._thread is not None and self._thread.is_alive()

    def sign_text(self, device: str) -> str:
        """Return what a sign of this node says just now, in words; empty if it has no such sign."""
        shown = self._worker.rack.devices.get(device) if self._worker is not None else None
        return str(getattr(shown, "text", ""))
