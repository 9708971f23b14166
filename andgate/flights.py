"""What passengers type, read and hear about their flight: keys, addresses, and news as sentences in the site's zone."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from andgate.errors import PayloadError
from andgate.moment.signals import Signal
from andgate.plan import Alerts
from andgate.routing import shown_key
from andgate.wire.times import parse_time

_FIELD = re.compile(r"\{([^{}]*)\}")
_FLIGHT = re.compile(r"(?=[0-9]?[A-Z])[A-Z0-9]{2}[A-Z]?[0-9]{1,4}[A-Z]?")
"""The airline's two characters, a letter among them, or three; the number; a suffix (IATA resolution 762)."""
_NUMBER = re.compile(r"\+?[0-9]{5,15}")
_ADDRESS = re.compile(r"[A-Za-z0-9._%+'-]{1,64}@[A-Za-z0-9.-]{1,180}\.[A-Za-z]{2,24}")
_TELEPHONE_SIGNS = str.maketrans("", "", " -./()\u00a0")


def flight_key(flight: str, day: str) -> str | None:
    """Return the key of a flight as people type it (``ag 1234`` on ``2026-11-21``); None if it is none."""
    found = _FLIGHT.fullmatch("".join(flight.upper().split()))
    try:
        on = date.fromisoformat(day)
    except ValueError:
        return None
    return None if found is None else f"{found[0]}/{on.isoformat()}"


def telephone(text: str) -> str | None:
    """Return a telephone number with its digits only and, where it was given so, a plus; None if it is none."""
    digits = text.strip().translate(_TELEPHONE_SIGNS)
    digits = f"+{digits[2:]}" if digits.startswith("00") else digits
    return digits if _NUMBER.fullmatch(digits) else None


def mail_address(text: str) -> str | None:
    """Return one e-mail address, its domain in lower case; None if it is none, or several."""
    found = text.strip()
    if not _ADDRESS.fullmatch(found):
        return None
    name, _, domain = found.rpartition("@")
    return f"{name}@{domain.lower()}"


def erased_at_ms(key: str, keeps_ms: int, zone: str, now_ms: int) -> int:
    """Return when what is personal about a flight is erased: so long after the end of its day, in the site's zone."""
    _, _, day = key.partition("/")
    try:
        over = date.fromisoformat(day) + timedelta(days=1)
    except (ValueError, OverflowError):
        return now_ms + keeps_ms
    midnight = datetime(over.year, over.month, over.day, tzinfo=ZoneInfo(zone))
    return int(midnight.timestamp() * 1000) + keeps_ms


def sentence(template: str, signal: Signal, zone: str) -> str:
    """Return the news that a signal brings, in the plan's words.

    ``{flight}`` is the flight as people say it, everything else what the signal says `about` it; a time (RFC 3339) is
    shown as the clocks of the site show it. Where the signal does not say a word that is needed, the sentence says that
    there is news, and nothing is invented.
    """
    flight = shown_key(signal.key or "")
    missing = False

    def word(found: re.Match[str]) -> str:
        nonlocal missing
        if found[1] == "flight":
            return flight
        value = signal.about.get(found[1], signal.value if found[1] == "value" else None)
        if value is None or value == "":
            missing = True
            return ""
        return f"{value:g}" if isinstance(value, int | float) else _shown(value, zone)

    said = _FIELD.sub(word, template)
    return f"There is news about flight {flight}. Please look at the screens, or ask our staff." if missing else said


def _shown(text: str, zone: str) -> str:
    try:
        at_ms = parse_time(text)
    except PayloadError:
        return " ".join(text.split())[:100]
    return datetime.fromtimestamp(at_ms / 1000, UTC).astimezone(ZoneInfo(zone)).strftime("%H:%M")


def newest(alerts: Alerts, signals: Iterable[Signal]) -> list[Signal]:
    """Return the last of each sort of news, in the order of the fold: what a passenger must know now."""
    last: dict[str, Signal] = {}
    for signal in sorted(signals, key=lambda each: each.order):
        if signal.name in alerts.news:
            last.pop(signal.name, None)
            last[signal.name] = signal
    return list(last.values())


def spoken(text: str) -> str:
    """Return a text for a voice: the letters and figures of a flight one by one, ``A G 1 2 3 4``."""
    return re.sub(rf"\b{_FLIGHT.pattern}\b", lambda found: " ".join(found[0]), text)
