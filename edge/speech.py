"""What a voice says of a page: one short sentence, as long as there is room for. Pure.

    sentence("Baggage belt 3", "AG1234/2026-11-21", 470.0, call_sign="Andgate")
    "Andgate. Baggage belt 3, A G 1 2 3 4. Seven minutes left."

A page's own text is made for the eye; what is heard must be short, and letters of a flight be heard one by one.
"""

from __future__ import annotations

from collections.abc import Iterator

_MINUTE_S = 60
_SECONDS_BELOW_S = 120
"""Under two minutes seconds are said, in tens."""
_TEN_S = 10
_SMALL = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")


def sentence(place: str, key: str | None, left_s: float | None, *, call_sign: str = "") -> str:
    """Return what is said of a moment.

    Args:
        place: the touchpoint's name.
        key: the moment's key, ``AG1234/2026-11-21``; None where it has none.
        left_s: time left until the promise breaks; None: nobody knows.
        call_sign: who speaks, on a radio.
    """
    flight = f", {spelled(key.split('/', 1)[0])}" if key else ""
    return " ".join(part for part in (_stop(call_sign), f"{place}{flight}.", left_words(left_s)) if part)


def over(place: str, key: str | None, *, call_sign: str = "") -> str:
    """Return what is said when it is over."""
    flight = f", {spelled(key.split('/', 1)[0])}" if key else ""
    return " ".join(part for part in (_stop(call_sign), f"{place}{flight}: over.") if part)


def left_words(left_s: float | None) -> str:
    """Return time left in words, as people say it; too late is said, too."""
    if left_s is None:
        return ""
    if left_s <= 0:
        return "The promise is broken."
    if left_s < _SECONDS_BELOW_S:
        tens = max(1, int(left_s // _TEN_S)) * _TEN_S
        return f"{tens} seconds left."
    minutes = int(left_s // _MINUTE_S)
    return f"{_SMALL[minutes].capitalize() if minutes < len(_SMALL) else minutes} minutes left."


def spelled(text: str) -> str:
    """Return a flight's name letter by letter and digit by digit."""
    return " ".join(each for each in text.upper() if each.isalnum())


def shorter(text: str) -> Iterator[str]:
    """Yield a text, then the same with ever fewer words before its last sentence: how long is left stays."""
    yield text
    *first, last = text.split(". ")
    words = ". ".join(first).split()
    while len(words) > 1:
        words = words[:-1]
        yield f"{' '.join(words).rstrip('.,:')}. {last}"


def _stop(text: str) -> str:
    return f"{text}." if text else ""
