from __future__ import annotations

import importlib.metadata
from datetime import date, timedelta

import pytest

from andgate.errors import UsageError
from twin.flights import BUSIEST, day_begins_ms, day_of, flights_of, recorded, recorded_day
from twin.parameters import FlightParameters

TODAY = date(2026, 11, 21)


def test_the_busiest_day_is_chicagos_as_it_was_recorded() -> None:
    day = recorded()[BUSIEST]
    assert len(day) == 58
    assert sum(arrival.arrived_min >= 21 * 60 for arrival in day) > 10


def test_a_flight_is_named_by_its_number_and_the_sites_day() -> None:
    flights = flights_of(TODAY, today=TODAY, seed=1, parameters=FlightParameters())
    assert len({flight.key for flight in flights}) == len(flights) == 58
    assert all(flight.key.endswith("/2026-11-21") for flight in flights)
    assert any(flight.key.startswith("UA") for flight in flights)


def test_flights_turn_round_or_came_the_night_before() -> None:
    for flight in flights_of(TODAY, today=TODAY, seed=1, parameters=FlightParameters()):
        assert 0 <= flight.docks_s < 24 * 3600
        assert flight.leaves_first == (flight.departs_s < flight.docks_s)
        assert flight.departs_s - 3 * 3600 >= 0, "check-in opens after the day has begun"


def test_a_day_is_the_same_for_the_same_seed_only() -> None:
    def day(seed: int) -> object:
        return flights_of(TODAY, today=TODAY, seed=seed, parameters=FlightParameters())

    assert day(1) == day(1)
    assert day(1) != day(2)


def test_the_month_before_is_played_by_the_month_before() -> None:
    assert recorded_day(TODAY, TODAY) == BUSIEST
    assert recorded_day(TODAY - timedelta(days=1), TODAY) == BUSIEST - timedelta(days=1)
    assert recorded_day(TODAY - timedelta(days=29), TODAY) == date(2013, 8, 1)
    assert recorded_day(TODAY + timedelta(days=1), TODAY) == date(2013, 8, 1), "it goes round"


def test_a_day_begins_at_three_in_the_morning_of_the_site() -> None:
    begins_ms = day_begins_ms(TODAY, "Europe/Rome")
    assert begins_ms == 1_795_226_400_000  # 2026-11-21T02:00Z
    assert day_of(begins_ms, "Europe/Rome") == TODAY
    assert day_of(begins_ms - 1, "Europe/Rome") == TODAY - timedelta(days=1)


def test_a_missing_data_set_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    def gone(name: str) -> importlib.metadata.Distribution:
        raise importlib.metadata.PackageNotFoundError(name)

    monkeypatch.setattr(importlib.metadata, "distribution", gone)
    recorded.cache_clear()
    with pytest.raises(UsageError, match="make install"):
        recorded()
    recorded.cache_clear()
