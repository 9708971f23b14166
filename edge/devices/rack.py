"""The devices a node has just now: opened from its configuration, kept where nothing about them changed."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

from andgate.plan.kinds import KINDS
from andgate.wire.messages import DeviceConfig, DeviceHealth, NodeConfig
from edge.clock import NodeClock
from edge.devices import Device, Edge, Hands, Input, make
from edge.devices.buzzer import Buzzer
from edge.devices.done_button import DoneButton
from edge.devices.lamp import Lamp, Light
from edge.devices.mot_button import MotButton
from edge.devices.pins import why

_log = logging.getLogger("andgate.edge")


class Rack:
    """A node's devices by id; belongs to the worker."""

    def __init__(self, pin_factory: Any, clock: NodeClock, emit: Callable[[Edge], None]) -> None:  # noqa: ANN401
        """Begin empty."""
        self._pins, self._clock, self._emit = pin_factory, clock, emit
        self.devices: dict[str, Device] = {}
        self.faults: dict[str, str] = {}
        """Devices that could not be opened, and why."""
        self._configs: dict[str, DeviceConfig] = {}

    def fit(self, config: NodeConfig, *, anew: bool = False) -> list[Input]:
        """Open and close devices until they are as configured; return the inputs that are new.

        A device that cannot be opened is a fault in the health; the others work.
        """
        for name in [name for name, had in self._configs.items() if anew or config.devices.get(name) != had]:
            del self._configs[name]
            self.faults.pop(name, None)
            device = self.devices.pop(name, None)
            if device is not None:
                device.close()
        fresh = []
        for name, wanted in config.devices.items():
            if name in self._configs:
                continue
            self._configs[name] = wanted
            try:
                device = self._open(name, wanted)
            except Exception as wrong:  # noqa: BLE001 - drivers raise what they like, lgpio's busy line no known type
                self.faults[name] = why(wrong, self._pins, _pins_of(wanted))
                _log.warning("device %s cannot be used: %s", name, self.faults[name])
                continue
            self.devices[name] = device
            if isinstance(device, Input):
                fresh.append(device)
        return fresh

    def _open(self, name: str, wanted: DeviceConfig) -> Device:
        return make(Hands(name, wanted, self._pins, self._clock, self._emit))

    def config(self, name: str) -> DeviceConfig:
        """Return a device's configuration."""
        return self._configs[name]

    @property
    def inputs(self) -> list[Input]:
        """The devices that report."""
        return [device for device in self.devices.values() if isinstance(device, Input)]

    @property
    def lights(self) -> list[tuple[Device, Light]]:
        """Every lamp with the device it belongs to; buzzers are not lamps."""
        found: list[tuple[Device, Light]] = []
        for device in self.devices.values():
            if isinstance(device, Buzzer):
                continue
            if isinstance(device, MotButton | Lamp) and device.light is not None:
                found.append((device, device.light))
        return found

    @property
    def buzzers(self) -> list[Buzzer]:
        """Every buzzer."""
        return [device for device in self.devices.values() if isinstance(device, Buzzer)]

    def sign_of(self, button: DoneButton) -> Any | None:  # noqa: ANN401 - Sign, which is imported only where one is
        """Return the sign a done-button belongs to: the one it names, else the node's at its touchpoint, or None."""
        signs = [device for name, device in self.devices.items() if self._configs[name].kind == "sign"]
        named = [sign for sign in signs if sign.id == button.sign]
        near = [sign for sign in signs if sign.touchpoint == button.touchpoint]
        return next(iter(named or near), None)

    @property
    def signs(self) -> list[Any]:
        """Every sign."""
        return [device for name, device in self.devices.items() if self._configs[name].kind == "sign"]

    def health(self, at_s: float) -> dict[str, DeviceHealth]:
        """Say how each device is, also those that could not be opened."""
        said = {name: device.health(at_s) for name, device in self.devices.items()}
        said.update({name: DeviceHealth(level="unknown", fault=fault) for name, fault in self.faults.items()})
        return said

    @property
    def drops(self) -> int:
        """How many edges were too fast to be believed, since start."""
        return sum(device.drops for device in self.inputs)

    def close(self) -> None:
        """Close every device; the lamps go dark."""
        for device in self.devices.values():
            device.close()
        self.devices.clear()
        self._configs.clear()


def _pins_of(config: DeviceConfig) -> list[int]:
    """Return the GPIOs of a device; none for a kind that this version does not know."""
    kind = KINDS.get(config.kind)
    wired = {name for name, setting in kind.settings.items() if setting.type == "pin"} if kind is not None else set()
    return [int(pin) for name, pin in config.settings.items() if name in wired and pin is not None]
