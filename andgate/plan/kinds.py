"""The kinds of device a plan may name, with their keys, pins and the signals they report."""

from __future__ import annotations

from msgspec import Struct

from andgate.plan.model import Device


class Setting(Struct, frozen=True):
    """One key of a device kind."""

    type: str
    """``pin`` | ``int`` | ``number`` | ``text`` | ``duration`` | ``choice``."""
    default: int | float | str | bool | None = None
    """None where the key is required."""
    required: bool = False
    choices: tuple[str, ...] = ()
    help: str = ""


class Kind(Struct, frozen=True):
    """A kind of device: what it is, its keys, what it reports."""

    help: str
    settings: dict[str, Setting]
    signals: dict[str, str]
    """Occasion -> default signal name. Occasions of level devices are ``on`` and ``off``."""
    momentary: bool = False
    """A press, not a level: a level found at start is never a press."""


def _pin(text: str) -> Setting:
    return Setting(type="pin", required=True, help=text)


def _optional_pin(text: str) -> Setting:
    return Setting(type="pin", help=text)


_SETTLE = "how long a level must stand before it is believed"

KINDS: dict[str, Kind] = {
    "mot-button": Kind(
        help="the red moment-of-truth button: a press raises, a hold resets; its lamp answers",
        settings={
            "button": _pin("GPIO (BCM) of the button, to ground"),
            "lamp": _optional_pin("GPIO of the lamp in the button"),
            "style": Setting(
                type="choice",
                default="momentary",
                choices=("momentary", "latching", "foot"),
                help="latching: down raises, released resets; foot: a foot switch, longer debounce",
            ),
            "hold": Setting(type="duration", default="2s", help="how long to hold for a reset"),
            "settle": Setting(type="duration", default="30ms", help=_SETTLE),
        },
        signals={"press": "pressed", "hold": "reset"},
        momentary=True,
    ),
    "beam": Kind(
        help="a light beam across the line at the mark: broken is on",
        settings={
            "pin": _pin("GPIO of the receiver"),
            "active": Setting(type="choice", default="low", choices=("low", "high"), help="level while broken"),
            "settle": Setting(type="duration", default="4s", help=_SETTLE),
        },
        signals={"on": "reached", "off": "cleared"},
    ),
    "distance": Kind(
        help="an ultrasonic distance sensor at the mark: something nearer than `near` is on, farther than `far` is off",
        settings={
            "echo": _pin("GPIO of the echo line"),
            "trigger": _pin("GPIO of the trigger line"),
            "near": Setting(type="number", default=1.0, help="metres; nearer is on"),
            "far": Setting(type="number", default=1.5, help="metres; farther is off; between the two nothing changes"),
            "settle": Setting(type="duration", default="4s", help=_SETTLE),
        },
        signals={"on": "reached", "off": "cleared"},
    ),
    "done-button": Kind(
        help="one big button beside a sign: unloading complete for the flight that the sign shows",
        settings={
            "button": _pin("GPIO of the button, to ground"),
            "sign": Setting(type="text", default="", help="device id of the sign it belongs to; default: the node's"),
            "settle": Setting(type="duration", default="30ms", help=_SETTLE),
        },
        signals={"press": "unloaded"},
        momentary=True,
    ),
    "start-button": Kind(
        help="starts a countdown on the spot, as plane dock does",
        settings={
            "button": _pin("GPIO of the button, to ground"),
            "settle": Setting(type="duration", default="30ms", help=_SETTLE),
        },
        signals={"press": "docked"},
        momentary=True,
    ),
    "belt-sensor": Kind(
        help="the belt drive's fault contact: closed is jammed",
        settings={
            "pin": _pin("GPIO of the contact, to ground"),
            "active": Setting(type="choice", default="low", choices=("low", "high"), help="level while jammed"),
            "settle": Setting(type="duration", default="2s", help=_SETTLE),
        },
        signals={"on": "jammed", "off": "running"},
    ),
    "lamp": Kind(
        help="a lamp that speaks the touchpoint's state",
        settings={"pin": _pin("GPIO of the lamp")},
        signals={},
    ),
    "buzzer": Kind(
        help="a buzzer that speaks the touchpoint's state",
        settings={"pin": _pin("GPIO of the buzzer")},
        signals={},
    ),
    "sign": Kind(
        help="an LED countdown sign",
        settings={
            "driver": Setting(
                type="choice", default="text", choices=("text", "max7219", "screen"), help="what panel it is"
            ),
            "width": Setting(type="int", default=128, help="LEDs across"),
            "height": Setting(type="int", default=32, help="LEDs down"),
            "counts": Setting(
                type="choice",
                default="countdown",
                choices=("countdown", "promise"),
                help="countdown: the inner target, for staff; promise: the deadline, for customers",
            ),
        },
        signals={},
    ),
}


def springs_back(device: Device) -> bool:
    """Whether nobody leaves it on: a button, but not one that latches, which stays where somebody has put it."""
    return KINDS[device.kind].momentary and device.settings.get("style") != "latching"
