"""A moment's drawing: whatever happened in however short or long a life, no words over others and none cut off."""

from __future__ import annotations

import re
from html import unescape

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from andgate.moment import events as e
from andgate.moment.moments import Moment
from andgate.moment.signals import Signal
from hub.store.rows import SignalRow, TrailLine
from hub.web.pages.labels import MOST_LANES, Label, lay, shorten, width_of, wrap
from hub.web.pages.scale import NARROW, WIDE, Shape
from hub.web.pages.timeline import Timeline
from tests.browser.airport import DAY, HOUR, MINUTE, NOW, PLAN, SECOND, World

TEXT = re.compile(r"<text class=\"([^\"]*)\" x=\"([-\d.]+)\" y=\"([-\d.]+)\"(?: text-anchor=\"(\w+)\")?[^>]*>([^<]*)")
BOLD = {"name", "strong", "on"}
Box = tuple[float, float, float, float, str]


def boxes(drawn: str) -> list[Box]:
    """Return where every text stands: left, top, right, bottom, words."""
    found = []
    for cls, x, y, anchor, inside in TEXT.findall(drawn):
        words = unescape(inside)
        width = width_of(words, bold=bool(BOLD & set(cls.split())))
        left = float(x) - {"": 0.0, "middle": width / 2, "end": width}[anchor]
        found.append((left, float(y) - 12, left + width, float(y) + 3, words))
    return found


def overlaps(one: Box, other: Box) -> bool:
    return one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]


def check(drawn: str, shape: Shape) -> None:
    height = float(re.findall(r"viewBox=\"0 0 [\d.]+ ([\d.]+)\"", drawn)[0])
    found = boxes(drawn)
    assert len(found) > 5
    for box in found:
        assert box[0] >= -0.5, f"cut at the left: {box}"
        assert box[2] <= shape.width + 0.5, f"cut at the right: {box}"
        assert box[1] >= -1, f"cut at the top: {box}"
        assert box[3] <= height + 0.5, f"cut below: {box}"
    for index, box in enumerate(found):
        for other in found[index + 1 :]:
            assert not overlaps(box, other), f"{box} over {other}"


NAMES = st.sampled_from(
    ["pressed", "reached", "cleared", "reset", "reached-15", "boarding", "a-signal-with-a-long-name"]
)
PEOPLE = st.sampled_from(["Jo", "Marta R.", "supervisors-2", "W" * 60, "Constantinopolitan von Hohenlohe-Langenburg"])
WORDS = st.one_of(st.just("the line had cleared before the deadline"), st.text("aW ,.漢", min_size=1, max_size=300))


@st.composite
def stories(draw: st.DrawFn) -> tuple[Moment, list[TrailLine], list[SignalRow], int]:
    """Return a moment of any length with any number of facts, in and long after its life."""
    life = draw(st.sampled_from([10 * SECOND, 47 * SECOND, 3 * MINUTE, 25 * MINUTE, 3 * HOUR, 26 * HOUR]))
    opened = NOW - 2 * DAY
    ends = opened + life

    def at() -> int:
        far = draw(st.integers(0, 9)) == 0
        return opened + draw(st.integers(-60_000, 5 * DAY) if far else st.integers(0, life * 2))

    fresh = World(busy=False, month=False)
    state, verdict = draw(
        st.sampled_from(
            [("open", None), ("open", "failure"), ("ended", "success"), ("ended", "failure"), ("ended", "void")]
        )
    )
    over = max(at(), opened + 1)
    moment = fresh.add(
        "drawn", draw(st.sampled_from(["check-in-wait", "baggage-claim"])), "counter-a", opened, ends_ms=ends,
        state=state, verdict=verdict, ended_ms=over if state == "ended" else None,
        threatened_ms=draw(st.one_of(st.none(), st.integers(opened, ends))), failing_ms=opened + life * 2 // 3,
        provisional=draw(st.booleans()),
    )  # fmt: skip
    rows, trail = [], []
    for index in range(draw(st.integers(0, 40))):
        when = at()
        late = draw(st.sampled_from([0, 40, 3_000, 107_000, 9 * HOUR]))
        device = draw(st.sampled_from(["desk-counter-a/mot", "mark-counter-a/beam"]))
        signal = Signal(
            id=f"n/x/1/{index}", name=draw(NAMES), touchpoint="counter-a", at_ms=when, received_ms=when + late,
            source="x", device=device,
        )  # fmt: skip
        rows.append(SignalRow(signal, 1, "judged", when))
    ids: list[str | None] = [row.signal.id for row in rows] or [None]
    m = moment.id
    for _ in range(draw(st.integers(0, 25))):
        when = at()
        some = draw(st.sampled_from(ids))
        group = draw(st.sampled_from(["agents", "supervisors", "duty", "a-group-the-plan-has-no-more"]))
        events: list[e.AnyEvent] = [
            e.Paged(moment=m, at_ms=when, page="p", step=0, group=group, reason="time-left", left_ms=1, late_ms=9),
            e.Paged(moment=m, at_ms=when, page="p", step=0, group=group, reason="time-left", left_ms=1),
            e.PageSkipped(moment=m, at_ms=when, step=1, group=group, because="superseded"),
            e.StoodDown(moment=m, at_ms=when, groups=(group,)),
            e.Claimed(moment=m, at_ms=when, by=draw(PEOPLE), until_ms=None),
            e.Unclaimed(moment=m, at_ms=when, by="Jo"),
            e.Saved(moment=m, at_ms=when, signal=some),
            e.Failed(moment=m, at_ms=when, signal=some),
            e.Voided(moment=m, at_ms=when, reason="x"),
            e.Noted(moment=m, at_ms=when, what="cause", text="x", by="Jo"),
            e.Revised(moment=m, at_ms=when, changed=("verdict",), was={}, now={}, because=draw(WORDS)),
            e.Refused(moment=m, at_ms=when, signal=some or "gone", witness="x", held_by=("x",)),
        ]
        trail.append(TrailLine(1, when, when, draw(st.sampled_from(events))))
    trail.sort(key=lambda line: line.now_ms)
    return moment, trail, rows, max(at(), opened)


@pytest.mark.parametrize("shape", [WIDE, NARROW], ids=lambda shape: shape.ident)
@settings(max_examples=80, deadline=None)
@given(story=stories())
def test_no_words_are_cut_or_stand_over_others(
    shape: Shape, story: tuple[Moment, list[TrailLine], list[SignalRow], int]
) -> None:
    moment, trail, rows, now = story
    check(Timeline(PLAN, moment, trail, rows, now, shape).markup(), shape)


@pytest.mark.parametrize("shape", [WIDE, NARROW], ids=lambda shape: shape.ident)
def test_every_moment_of_the_airport_can_be_read(shape: Shape) -> None:
    world = World(busy=True)
    drawn = 0
    for moment in [*list(world._moments.values())[::61], *world.open_moments()]:
        trail, rows = world.trail(moment.id), world.signals_of(moment.id)
        check(Timeline(PLAN, moment, trail, rows, NOW, shape).markup(), shape)
        drawn += 1
    assert drawn > 20


def test_two_short_claims_have_a_place_each() -> None:
    fresh = World(busy=False, month=False)
    moment = fresh.add("claimed", "check-in-wait", "counter-a", NOW - 20 * MINUTE, ends_ms=NOW - 5 * MINUTE)
    moment = replace(moment, state="ended", verdict="failure", ended_ms=NOW - MINUTE)
    m = moment.id
    trail = [
        TrailLine(1, event.at_ms, event.at_ms, event)
        for event in (
            e.Claimed(moment=m, at_ms=NOW - 7 * MINUTE, by="gate-staff-4", until_ms=None),
            e.ClaimLapsed(moment=m, at_ms=NOW - 5 * MINUTE, by="gate-staff-4"),
            e.Claimed(moment=m, at_ms=NOW - 4 * MINUTE, by="supervisors-2", until_ms=None),
        )
    ]
    drawn = Timeline(PLAN, moment, trail, [], NOW).markup()
    check(drawn, WIDE)
    assert {"gate-staff-4, on it 2:00", "supervisors-2, on it 3:00"} <= {box[4] for box in boxes(drawn)}


def test_what_came_the_day_after_leaves_the_moment_its_room() -> None:
    fresh = World(busy=False, month=False)
    moment = fresh.add("later", "check-in-wait", "counter-a", NOW - 2 * DAY, state="ended", verdict="failure")
    m, late = moment.id, NOW - DAY
    trail = [TrailLine(1, late, late, e.Voided(moment=m, at_ms=late, reason="false alarm"))]
    drawing = Timeline(PLAN, replace(moment, ended_ms=moment.ends_ms + MINUTE), trail, [], NOW)
    assert drawing.scale.x(moment.ends_ms) - drawing.scale.x(moment.opened_ms) > 400
    assert drawing.scale.x(late) > drawing.scale.right
    assert "later" in {box[4] for box in boxes(drawing.markup())}
    noted = [TrailLine(1, late, late, e.Noted(moment=m, at_ms=late, what="cause", text="x", by="Jo"))]
    assert not Timeline(PLAN, replace(moment, ended_ms=moment.ends_ms), noted, [], NOW).scale.later


def test_labels_that_matter_stay_where_not_all_have_room() -> None:
    labels = [
        Label(words=f"label {n}", at=float(n), start=float(n), width=200.0, cls="note", weight=n == 0)
        for n in range(60)
    ]
    laid = lay(labels, backwards=True)
    assert laid.lanes <= MOST_LANES
    assert laid.hidden == 60 - len(laid.rows) > 0
    assert labels[0] in [label for label, _ in laid.rows]


@given(st.text(max_size=80), st.floats(30, 400))
def test_shortened_words_fit(text: str, width: float) -> None:
    assert width_of(shorten(text, width)) <= width or width_of("…") > width
    for line in wrap(text, width, most=3):
        assert width_of(line) <= width


def test_words_are_cut_between_words() -> None:
    assert shorten("priority delivery to the hotel", 120) == "priority delivery…"
    assert shorten("priority delivery to the hotel", 110) == "priority…"
    assert shorten("short", 120) == "short"
    assert wrap("say why, and the new time", 105) == ["say why, and", "the new time"]
