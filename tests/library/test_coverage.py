"""Coverage against the obvious way to count it: minute by minute."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from andgate.coverage import Cell, Covered, Reign, Sight, Span, Spell, Watch, cells, served, spells
from andgate.plan import Hours, Plan, is_open, is_served, parse_plan
from tests.plans import SITE

MINUTE = 60_000
HOUR = 60 * MINUTE
NIGHT = round(datetime(2026, 10, 24, 20, 0, tzinfo=UTC).timestamp() * 1000)
"""Six hours before Rome's clocks are set back."""

PLAN = (
    SITE
    + """
[groups.agents]
name = "Agents"
[touchpoints.line]
name = "Line"
area = "T1"
group = "agents"
hours = "04:37-23:30"
[touchpoints.bar]
name = "Bar"
group = "agents"
hours = "18:00-02:30"
[touchpoints.gate]
name = "Gate"
group = "agents"
[nodes.one]
touchpoint = "line"
[nodes.one.devices.mot]
kind = "mot-button"
button = 17
[nodes.one.devices.mark]
kind = "beam"
pin = 22
[nodes.one.devices.sign]
kind = "sign"
driver = "text"
[nodes.two.devices.mot]
touchpoint = "bar"
kind = "mot-button"
button = 17
[expectations.wait]
promise = "I do not wait."
touchpoints = ["line", "bar"]
opens = ["pressed", "reached"]
closes = ["reset", "cleared"]
fails_after = "3m"
[expectations.press]
promise = "I am heard."
touchpoints = ["line"]
opens = ["pressed"]
closes = ["reset"]
fails_after = "3m"
[expectations.door]
promise = "A feed says when the door opens."
touchpoints = ["gate"]
opens = ["docked"]
closes = ["opened"]
fails_after = "3m"
"""
)


@pytest.fixture(scope="module")
def plan() -> Plan:
    return parse_plan(PLAN)


def hour_of(at_ms: int) -> int:
    local = datetime.fromtimestamp(at_ms / 1000, UTC).astimezone(ZoneInfo("Europe/Rome"))
    return at_ms - local.minute * MINUTE - local.second * 1000 - local.microsecond // 1000


def sight(at: int, device: str, *, blind: bool, seq: int = 0) -> Sight:
    return Sight(
        (NIGHT + at * MINUTE, "hub", 0, seq, f"{at}-{seq}"), device, "bar" if device == "two/mot" else "line", blind
    )


def by_the_minute(plan: Plan, blind: list[Spell], span: Span) -> dict[tuple[int, str, str], list[int]]:
    found: dict[tuple[int, str, str], list[int]] = {}
    judges = {("wait", "line"): {"one/mot", "one/mark"}, ("press", "line"): {"one/mot"}, ("wait", "bar"): {"two/mot"}}
    for at_ms in range(*span, MINUTE):
        for (expectation, touchpoint), devices in judges.items():
            if not is_served(plan, touchpoint, at_ms):
                continue
            count = found.setdefault((hour_of(at_ms), expectation, touchpoint), [0, 0])
            count[0] += MINUTE
            dark = any(
                spell.device in devices and spell.from_ms <= at_ms and (spell.to_ms is None or at_ms < spell.to_ms)
                for spell in blind
            )
            count[1] += 0 if dark else MINUTE
    return found


MINUTES = st.integers(-200, 800)
SIGHTS = st.lists(st.tuples(MINUTES, st.sampled_from(["one/mot", "one/mark", "one/sign", "two/mot"]), st.booleans()))


@settings(max_examples=60, deadline=None)
@given(seen=SIGHTS, span=st.tuples(st.integers(0, 700), st.integers(0, 700)))
def test_it_agrees_with_counting_every_minute(plan: Plan, seen: list[tuple[int, str, bool]], span: Span) -> None:
    known = [sight(at, device, blind=blind, seq=n) for n, (at, device, blind) in enumerate(seen)]
    blind = spells(known)
    whole = (NIGHT + min(span) * MINUTE, NIGHT + max(span) * MINUTE)
    made = cells([Reign(Watch(plan), NIGHT, NIGHT + 2_000 * MINUTE)], blind, whole, hour_of)
    assert {
        (cell.hour_ms, cell.expectation, cell.touchpoint): [it.due_ms, it.seen_ms] for cell, it in made.items()
    } == (by_the_minute(plan, blind, whole))
    assert spells(reversed(known)) == blind


def test_a_spell_begins_with_the_first_word_and_ends_with_the_first_that_takes_it_back() -> None:
    known = [
        sight(0, "one/mot", blind=False),
        sight(1, "one/mot", blind=True),
        sight(2, "one/mot", blind=True),
        sight(3, "one/mot", blind=False),
        sight(4, "one/mot", blind=False),
        sight(5, "one/mark", blind=True),
        sight(6, "two/mot", blind=True),
        sight(6, "two/mot", blind=False, seq=1),
    ]
    assert spells(known) == [
        Spell("one/mot", "line", NIGHT + MINUTE, NIGHT + 3 * MINUTE),
        Spell("one/mark", "line", NIGHT + 5 * MINUTE, None),
    ]


def test_each_plan_counts_while_it_is_in_force(plan: Plan) -> None:
    other = parse_plan(PLAN.replace('"04:37-23:30"', '"00:00-24:00"').replace('area = "T1"', 'area = "T2"'))
    change = NIGHT + 30 * MINUTE
    reigns = [Reign(Watch(plan), 0, change), Reign(Watch(other), change, NIGHT + HOUR)]
    made = cells(reigns, [], (NIGHT - HOUR, NIGHT + 2 * HOUR), hour_of, frozenset({"line"}))
    area = {
        cell.area: covered for cell, covered in made.items() if cell.expectation == "press" and cell.hour_ms == NIGHT
    }
    assert area == {"T1": Covered(30 * MINUTE, 30 * MINUTE), "T2": Covered(30 * MINUTE, 30 * MINUTE)}
    assert {cell.touchpoint for cell in made} == {"line"}
    assert Cell(NIGHT - HOUR, "press", "line", "agents", "T1") in made


def test_what_only_feeds_judge_has_no_coverage(plan: Plan) -> None:
    made = cells([Reign(Watch(plan), 0, NIGHT + HOUR)], [], (NIGHT, NIGHT + HOUR), hour_of)
    assert {cell.expectation for cell in made} == {"wait", "press"}


def test_a_share_needs_something_due() -> None:
    assert (Covered().share, Covered(4, 1).share, Covered(4, 1).blind_ms) == (None, 0.25, 3)
    assert Covered(4, 1) + Covered(2, 2) == Covered(6, 3)


@given(
    hours=st.none() | st.builds(Hours, st.integers(0, 1439), st.integers(0, 1440)), at=MINUTES, long=st.integers(0, 200)
)
def test_served_is_what_the_plan_says_of_every_minute(hours: Hours | None, at: int, long: int) -> None:
    span = (NIGHT + at * MINUTE + 1, NIGHT + (at + long) * MINUTE)
    minutes = {
        at_ms
        for from_ms, to_ms in served(hours, "Europe/Rome", span)
        for at_ms in range(from_ms // MINUTE * MINUTE, to_ms, MINUTE)
    }
    asked = range(span[0] // MINUTE * MINUTE, max(span), MINUTE) if span[0] < span[1] else ()
    assert minutes == {at_ms for at_ms in asked if is_open(hours, "Europe/Rome", at_ms)}
