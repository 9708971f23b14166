"""The kinds of device a plan may name, with their keys, pins and the signals they report."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

from andgate.plan.model import Device


class Setting(Struct, frozen=True):
    """One key of a device kind."""

    type: str
    """``pin`` | ``int`` | ``number`` | ``duration`` | ``choice`` | ``flag``, or one of four sorts of text.

    A ``text`` is an id, ``words`` are for people or programs, ``hours`` are a daily span, a ``group`` is the plan's.
    """
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
    serves: Literal["touchpoint", "group", "node"] = "touchpoint"
    """What it belongs to: a place, the people of a group wherever they sit, or just its node."""


def _pin(text: str) -> Setting:
    return Setting(type="pin", required=True, help=text)


def _optional_pin(text: str) -> Setting:
    return Setting(type="pin", help=text)


def _for_group(text: str) -> Setting:
    return Setting(type="group", required=True, help=text)


_PLAYER = Setting(
    type="choice", default="aplay", choices=("aplay", "paplay"), help="the program that plays: ALSA or PulseAudio"
)
_OUTPUT = Setting(
    type="words", default="", help='the sound card, as the player names it: "plughw:1,0"; default: the player\'s own'
)
_BUSY = _optional_pin("GPIO of the radio's busy line: nothing is sent while somebody talks")
_BUSY_ACTIVE = Setting(type="choice", default="low", choices=("low", "high"), help="level while somebody talks")
_QUIET = Setting(type="hours", default="", help='a daily span of silence by the site\'s clocks, as "23:00-05:00"')

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
    "annunciator": Kind(
        help="the alarm of a break room: beacon, buzzer and one big button with which a group says that somebody comes",
        settings={
            "group": _for_group("whose pages it tells"),
            "button": _pin("GPIO of the claim button, to ground"),
            "lamp": _optional_pin("GPIO of the lamp in the button"),
            "beacon": _optional_pin("GPIO of the beacon, through a relay"),
            "buzzer": _optional_pin("GPIO of the buzzer"),
            "longest": Setting(type="duration", default="30s", help="how long it may sound on for one thing"),
            "quiet": _QUIET,
            "settle": Setting(type="duration", default="30ms", help=_SETTLE),
        },
        signals={"press": "claimed"},
        momentary=True,
        serves="group",
    ),
    "speaker": Kind(
        help="says a group's pages aloud, over a loudspeaker or a radio that it keys",
        settings={
            "group": _for_group("whose pages it says"),
            "ptt": _optional_pin("GPIO that keys the radio; none: a loudspeaker"),
            "busy": _BUSY,
            "busy_active": _BUSY_ACTIVE,
            "call_sign": Setting(type="words", default="", help="what a keyed radio says first; required with `ptt`"),
            "voice": Setting(type="words", default="en", help="espeak-ng's voice"),
            "player": _PLAYER,
            "output": _OUTPUT,
            "stale": Setting(type="duration", default="30s", help="what could not be said within this is dropped"),
            "says_over": Setting(type="flag", default=False, help="say also when it is over"),
            "quiet": _QUIET,
        },
        signals={},
        serves="group",
    ),
    "transmitter": Kind(
        help="sends pages to POCSAG pagers through a radio that it keys; channels name its node",
        settings={
            "ptt": _pin("GPIO that keys the transmitter"),
            "busy": _BUSY,
            "busy_active": _BUSY_ACTIVE,
            "invert": Setting(
                type="flag", default=False, help="turn the signal over; try it if no pager hears anything"
            ),
            "player": _PLAYER,
            "output": _OUTPUT,
        },
        signals={},
        serves="node",
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
