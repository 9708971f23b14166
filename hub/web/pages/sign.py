"""The countdown sign on any screen: which signs there are, and the LEDs' own alphabet for the browser."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

import msgspec
from msgspec import Struct

from andgate.sign import PALETTE, SignState, flight
from andgate.sign import words as sign_words
from andgate.sign.glyphs import CHARACTERS
from andgate.sign.sizes import SIZES
from andgate.wire.codec import moment_message
from hub.web.pages.names import touchpoint_name
from hub.web.pages.words import say

if TYPE_CHECKING:
    from andgate.plan import Device, Plan
    from hub.web.pages.source import Source

COLUMNS, ROWS = 128, 32


class Sign(Struct, frozen=True, kw_only=True):
    """One sign, as the page needs it."""

    touchpoint: str
    name: str
    columns: int
    rows: int
    counts: str
    """``countdown`` for staff, ``promise`` for customers."""
    moments: list[object]
    """Open moments there, as the stream tells them."""
    suspended: bool = False
    """A fire alarm: it is blank, and says so to staff only."""


class Choice(Struct, frozen=True):
    """A sign one may look at."""

    id: str
    name: str


@cache
def glyph_tables() -> bytes:
    """Return every character in every size a sign writes in, as JSON: width, then one number a row."""
    tables = {
        f"{size.height},{size.weight},{size.wide}": {
            letter: [size.glyph(letter).width, *size.glyph(letter).rows] for letter in sorted(CHARACTERS)
        }
        for size in SIZES
    }
    return msgspec.json.encode({"palette": PALETTE, "glyphs": tables})


def device_of(plan: Plan, touchpoint: str) -> Device | None:
    """Return the first sign of a touchpoint, or None."""
    return next((each for each in plan.devices.values() if each.kind == "sign" and each.touchpoint == touchpoint), None)


def choices(plan: Plan) -> tuple[Choice, ...]:
    """Return the places with a sign; where the plan has none, those whose promises have a key to show."""
    found = dict.fromkeys(each.touchpoint for each in plan.devices.values() if each.kind == "sign")
    for promise in plan.expectations.values():
        if promise.countdown_ms is not None:
            found.update(dict.fromkeys(promise.touchpoints))
    return tuple(Choice(touchpoint, touchpoint_name(plan, touchpoint)) for touchpoint in found)


def sign(source: Source, touchpoint: str, counts: str | None = None) -> Sign | None:
    """Return the sign of a touchpoint, which any place can have on a screen; None where there is no such place."""
    plan = source.plan
    if touchpoint not in plan.touchpoints:
        return None
    device = device_of(plan, touchpoint)
    settings = device.settings if device is not None else {}
    running = sorted((m for m in source.open_moments() if m.touchpoint == touchpoint), key=lambda m: (m.ends_ms, m.id))
    return Sign(
        touchpoint=touchpoint,
        name=touchpoint_name(plan, touchpoint),
        columns=int(settings.get("width", COLUMNS)),
        rows=int(settings.get("height", ROWS)),
        counts=counts if counts in ("countdown", "promise") else str(settings.get("counts", "countdown")),
        moments=[msgspec.to_builtins(moment_message(moment)) for moment in running],
        suspended=source.quiet.suspended(touchpoint) is not None,
    )


def label(sign_: Sign) -> str:
    """Return what the sign is called to somebody who does not see it."""
    return say("sign.label", place=sign_.name)


def words(source: Source, sign_: Sign) -> str:
    """Return the sign as one line of text, for a screen reader and where scripts are off."""
    now_ms = source.now_ms()
    if sign_.suspended:
        return sign_words(SignState())
    running = sorted((m for m in source.open_moments() if m.touchpoint == sign_.touchpoint), key=lambda m: m.ends_ms)
    flights = tuple(
        flight(m.key, m.opened_ms, m.ends_ms if sign_.counts == "promise" else m.counts_to_ms, m.ends_ms, now_ms)
        for m in running
    )
    return sign_words(SignState(flights=flights))
