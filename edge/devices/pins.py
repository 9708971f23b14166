"""Which pins a node has: a Pi's, or mock ones to try things out."""

from __future__ import annotations

import warnings
from importlib import import_module
from typing import Any

from andgate.errors import UsageError

FACTORIES = {
    "lgpio": "gpiozero.pins.lgpio:LGPIOFactory",
    "rpigpio": "gpiozero.pins.rpigpio:RPiGPIOFactory",
    "pigpio": "gpiozero.pins.pigpio:PiGPIOFactory",
    "native": "gpiozero.pins.native:NativeFactory",
}
NAMES = ("auto", "mock", *FACTORIES)


def pins(name: str) -> Any:  # noqa: ANN401 - gpiozero has no types
    """Return a new gpiozero pin factory: ``mock``, ``lgpio``, ..., or ``auto``, which is lgpio.

    Nothing is chosen silently: a machine without pins is told so, and mock pins are never a fallback.

    Raises:
        UsageError: if this machine has no such pins, with what to do.
    """
    if name == "mock":
        from edge.devices.mock import BoardFactory  # noqa: PLC0415 - not on a real node

        return BoardFactory()
    wanted = "lgpio" if name == "auto" else name
    if wanted not in FACTORIES:
        raise UsageError(f"no pins are called {name!r}. Use one of {', '.join(NAMES)}")
    module, _, factory = FACTORIES[wanted].partition(":")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return getattr(import_module(module), factory)()
    except Exception as wrong:
        said = str(wrong) or type(wrong).__name__
        raise UsageError(
            f"this machine has no pins through {wanted}: {said}. On a Raspberry Pi install python3-{wanted}; "
            "to try things out without one use --pins mock"
        ) from wrong
