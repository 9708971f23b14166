"""What passengers type, and what they read and hear."""

from __future__ import annotations

from typing import Any

import pytest

from andgate.flights import erased_at_ms, flight_key, mail_address, newest, sentence, spoken, telephone
from andgate.moment.signals import About, Signal
from andgate.plan import Alerts
from andgate.wire.times import parse_time

ROME = "Europe/Rome"
KEY = "AG1234/2026-11-21"


def said(
    name: str = "delayed", at_ms: int = 0, value: float | str | None = None, key: str | None = KEY, **about: object
) -> Signal:
    given: About = {field: it for field, it in about.items() if it is None or isinstance(it, str | int | float | bool)}
    return Signal(
        id=f"f/{name}{at_ms}",
        name=name,
        touchpoint="desk",
        at_ms=at_ms,
        received_ms=at_ms,
        source="feed",
        key=key,
        value=value,
        about=given,
    )


@pytest.mark.parametrize(
    ("typed", "key"),
    [
        ("AG1234", KEY),
        (" ag 1234 ", KEY),
        ("U21", "U21/2026-11-21"),
        ("9W12A", "9W12A/2026-11-21"),
        ("AGX1", "AGX1/2026-11-21"),
        ("1234", None),
        ("AG", None),
        ("AG12345", None),
        ("AG1234/x", None),
        ("", None),
    ],
)
def test_a_flight_is_read_as_people_type_it(typed: str, key: str | None) -> None:
    assert flight_key(typed, "2026-11-21") == key


def test_a_day_that_is_none_makes_no_flight() -> None:
    assert flight_key("AG1234", "2026-02-30") is None
    assert flight_key("AG1234", "tomorrow") is None


@pytest.mark.parametrize(
    ("typed", "number"),
    [
        ("+39 06 123-4567", "+39061234567"),
        ("0039 (06) 123.4567", "+39061234567"),
        ("06/1234567", "061234567"),
        ("12", None),
        ("+39 06 x", None),
        ("++3906123456", None),
    ],
)
def test_a_number_keeps_its_digits(typed: str, number: str | None) -> None:
    assert telephone(typed) == number


@pytest.mark.parametrize(
    ("typed", "address"),
    [
        (" Ada.L@Example.COM ", "Ada.L@example.com"),
        ("ada@example.com,eve@example.com", None),
        ("ada@example.com\nbcc: eve@example.com", None),
        ("ada", None),
        ("ada@localhost", None),
    ],
)
def test_an_address_is_one_address(typed: str, address: str | None) -> None:
    assert mail_address(typed) == address


def test_what_is_personal_goes_after_the_flights_day_as_the_site_counts_it() -> None:
    assert erased_at_ms(KEY, 3_600_000, ROME, 0) == parse_time("2026-11-22T00:00:00.000Z")
    # The night in which the clocks go back is an hour longer, and the day ends all the same at midnight.
    assert erased_at_ms("AG1/2026-10-25", 0, ROME, 0) == parse_time("2026-10-25T23:00:00.000Z")
    assert erased_at_ms("AG1", 5, ROME, 7) == 12
    assert erased_at_ms("AG1/9999-12-31", 5, ROME, 7) == 12


def test_news_is_said_in_the_plans_words() -> None:
    template = "{flight} is late. It now leaves at {time}, gate {gate}, {value} more minutes, bus {bus}."
    signal = said(value=25.0, time="2026-11-21T17:40:00Z", gate="  B  12 ", bus=3)
    assert sentence(template, signal, ROME) == (
        "AG1234 is late. It now leaves at 18:40, gate B 12, 25 more minutes, bus 3."
    )
    assert sentence("No {flight}.", said(key=None), ROME) == "No ."


@pytest.mark.parametrize("about", [{}, {"time": None}, {"time": ""}])
def test_a_word_that_nobody_said_is_not_invented(about: dict[str, Any]) -> None:
    words = sentence("{flight} now leaves at {time}.", said(**about), ROME)
    assert words == "There is news about flight AG1234. Please look at the screens, or ask our staff."


def test_the_last_of_each_sort_is_the_news() -> None:
    alerts = Alerts(
        expectation="told", told="told", nobody="nobody", ways={}, news={"delayed": "", "gate": ""}, keeps_ms=1
    )
    signals = [said("delayed", 3), said("gate", 2), said("delayed", 1), said("boarding", 4)]
    assert [(it.name, it.at_ms) for it in newest(alerts, signals)] == [("gate", 2), ("delayed", 3)]


def test_a_voice_says_a_flight_letter_by_letter() -> None:
    assert spoken("AG1234 now leaves from gate B12 at 18:40 on 2026-11-21.") == (
        "A G 1 2 3 4 now leaves from gate B 1 2 at 18:40 on 2026-11-21."
    )
