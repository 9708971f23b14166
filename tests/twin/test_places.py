from __future__ import annotations

from andgate.plan import Plan, parse_plan
from tests.plans import SMALL
from twin.places import places_of

AND_A_SHOP = """
[touchpoints.shop]
name = "Shop"
group = "agents"
[expectations.prices]
promise = "It is the lowest price."
touchpoints = ["shop"]
opens = ["over"]
closes = ["under"]
fails_after = "3m"
"""


def test_every_touchpoint_of_the_airport_has_a_part(airport: Plan) -> None:
    places = places_of(airport)
    assert list(places) == list(airport.touchpoints)
    parts = [place.part for place in places.values()]
    assert {part: parts.count(part) for part in parts} == {"line": 7, "belt": 6, "oversize": 1, "help": 5, "gate": 3}


def test_what_hangs_where(airport: Plan) -> None:
    places = places_of(airport)
    assert places["counter-a"].buttons == ("desk-a1/mot", "desk-a2/mot")
    assert places["counter-a"].mark == "mark-a/mark"
    assert not places["counter-a"].quick
    assert places["bag-drop-1"].quick
    assert places["belt-3"].done == "belt-3/done"
    assert places["belt-3"].mark == "belt-3/drive"
    assert places["oversize"].buttons == ("oversize/start",)


def test_what_it_does_not_know_stays_quiet() -> None:
    places = places_of(parse_plan(SMALL + AND_A_SHOP))
    assert list(places) == ["counter-a"]
    assert places["counter-a"].mark is None
