"""Which pins a node has: a Pi's, or mock ones to try things out."""

from __future__ import annotations

import warnings
from collections.abc import Iterable
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
_OURS = 0xF00
"""In a line's flags: what lgpio adds for a line that this process has claimed itself."""


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
        raise UsageError(
            f"this machine has no pins through {wanted}: {_words(wrong)}. {_remedy(wrong, wanted)}; "
            "to try things out without one use --pins mock"
        ) from wrong


def _remedy(wrong: Exception, wanted: str) -> str:
    """Say what to do about pins that cannot be had."""
    if isinstance(wrong, FileNotFoundError | PermissionError):
        # It makes a pipe where it is started, and does not say so.
        return f"Start the node in a folder that it may write to, or name one in LG_WD: {wanted} makes a pipe there"
    if "gpiochip" in str(wrong):
        return "On a Raspberry Pi this user must be of the group gpio"
    return f"On a Raspberry Pi install python3-{wanted}"


def why(wrong: Exception, pin_factory: Any, numbers: Iterable[int]) -> str:  # noqa: ANN401 - gpiozero has no types
    """Say why a device could not be opened; where another program has one of its pins, which pin and which program.

    Args:
        wrong: what opening it raised. The drivers below gpiozero raise what they like.
        pin_factory: the pins.
        numbers: GPIOs (BCM) of the device.
    """
    said = _words(wrong)
    if "busy" not in said:
        return said
    held = ((number, _holder(pin_factory, number)) for number in numbers)
    number, holder = next(((number, holder) for number, holder in held if holder is not None), (None, ""))
    pin = "one of its pins" if number is None else f"GPIO {number}"
    who = f", which the kernel calls {holder!r}" if holder else ""
    return f"{pin} is in use by another program{who}. Stop that program, or give the device another pin"


def _words(wrong: Exception) -> str:
    """Return an error's words; lgpio's own error puts its in quotes."""
    return str(wrong).strip("'\"") or type(wrong).__name__


def _holder(pin_factory: Any, number: int) -> str | None:  # noqa: ANN401 - gpiozero has no types
    """Return what the kernel calls whoever holds a line that this process does not hold, or None."""
    try:
        _, _, flags, _, holder = import_module("lgpio").gpio_get_line_info(pin_factory._handle, number)  # noqa: SLF001 - its only name
    except Exception:  # noqa: BLE001 - other pins than lgpio's cannot tell
        return None
    return str(holder) if flags & 1 and not flags & _OURS else None
