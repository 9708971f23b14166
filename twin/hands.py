"""Real nodes in this process, their pins in the twin's hands: every press and broken beam goes through the edge."""

from __future__ import annotations

import logging
import threading
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from andgate.clock import Clock
from andgate.errors import UsageError
from andgate.plan import Device, Plan
from edge.app import EdgeApp
from edge.broker import Broker
from edge.devices.mock import MockBoard
from twin.happenings import Level, Pressed

_log = logging.getLogger("andgate.twin")

_LOOK_S, _PATIENCE = 0.05, 400
"""Twenty seconds for all nodes to connect, looked at every so often."""
_NEAR_M, _FAR_M = 0.6, 2.5
"""Where somebody stands who is at the mark, and where the far wall is; refined by the sensor's own marks."""


class Hands:
    """The nodes of a plan on mock pins, and hands on them."""

    def __init__(
        self, plan: Plan, *, broker: Broker, data: Path, clock: Clock, levels: Mapping[str, bool] | None = None
    ) -> None:
        """Make the nodes; `start` starts them.

        Args:
            plan: the site.
            broker: the site's.
            data: a folder; each node keeps its spool in its own below it.
            clock: the clock that everything shares.
            levels: what the sensors see at the start, by ``node/device``; nothing where they are not named.
        """
        self._devices = plan.devices
        self._boards: dict[str, MockBoard] = {}
        self._apps: list[EdgeApp] = []
        for node in plan.nodes.values():
            board = self._boards[node.id] = MockBoard(clock)
            self._apps.append(
                EdgeApp(
                    node.id,
                    plan.site.id,
                    broker_url=broker,
                    data_dir=data / node.id,
                    clock=clock,
                    pin_factory=board.factory,
                )
            )
        for device in plan.devices.values():
            self._set(device, on=(levels or {}).get(device.name, False))

    def start(self) -> None:
        """Switch the nodes on, several at once: each makes its spool on the disk first."""
        with ThreadPoolExecutor(max_workers=8) as pool:
            list(pool.map(EdgeApp.start, self._apps))

    def stop(self) -> None:
        """Switch them off, and let go of the pins."""
        with ThreadPoolExecutor(max_workers=8) as pool:
            list(pool.map(EdgeApp.stop, self._apps))
        for board in self._boards.values():
            board.close()

    def wait_connected(self) -> None:
        """Wait until every node has found the broker, or for a while."""
        waiting = threading.Event()
        for _ in range(_PATIENCE):
            if all(app.connected for app in self._apps):
                return
            waiting.wait(_LOOK_S)
        missing = [app.node_id for app in self._apps if not app.connected]
        _log.warning("%d nodes have no connection yet: %s", len(missing), ", ".join(missing))

    def take(self, happening: Pressed | Level) -> None:
        """Press a button, or change what a sensor sees."""
        device = self._devices[happening.device]
        if isinstance(happening, Level):
            self._set(device, on=happening.on)
        else:
            self._boards[device.node].press(_pin(device, "button"), for_s=happening.for_ms / 1000)

    def _set(self, device: Device, *, on: bool) -> None:
        board = self._boards[device.node]
        if device.kind == "distance":
            near, far = _number(device, "near"), _number(device, "far")
            metres = min(_NEAR_M, near * 0.6) if on else max(_FAR_M, far * 1.5)
            board.distance(_pin(device, "trigger"), _pin(device, "echo"), metres)
        elif device.kind in {"beam", "belt-sensor"}:
            active_high = device.settings.get("active") == "high"
            board.drive(_pin(device, "pin"), high=on == active_high)


def _pin(device: Device, setting: str) -> int:
    value = device.settings.get(setting)
    if not isinstance(value, int):
        raise UsageError(f"{device.name}: no pin {setting!r} in the plan")
    return value


def _number(device: Device, setting: str) -> float:
    value = device.settings.get(setting)
    if not isinstance(value, int | float):
        raise UsageError(f"{device.name}: no number {setting!r} in the plan")
    return float(value)
