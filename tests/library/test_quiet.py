"""What keeps pages back: the plan's keys, mutes that come again, suspensions, release, training."""

from __future__ import annotations

from bisect import bisect_left
from datetime import UTC, datetime, timedelta
from functools import cache
from itertools import accumulate, pairwise
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from andgate.errors import PlanError
from andgate.moment.engine import Engine
from andgate.moment.events import Paged, PageSkipped
from andgate.moment.signals import Action, Listening, Muted, Released, Signal, Trained, Unmuted, Untrained
from andgate.moment.state import dump, load
from andgate.plan import Plan, describe, parse_plan
from andgate.plan.quiet import Recurring, Scope, Suspends
from andgate.quiet import (
    HUB,
    MISSED_MS,
    Contact,
    Span,
    contact,
    covers,
    listening,
    merged,
    missed_ms,
    occurrence,
    occurrences,
    places,
    stands_again,
    suspensions,
    whole_places,
)
from andgate.routing import deliveries
from tests.plans import AGENTS, SITE

MINUTE_MS = 60_000
HOUR_MS = 60 * MINUTE_MS
NOON = 1_795_000_000_000
PLAN = (
    SITE
    + AGENTS
    + """
[groups.supervisors]
name = "Supervisors"
channels = ["radio"]
[touchpoints.counter-a]
name = "Counter A"
area = "Terminal 1"
group = "agents"
[touchpoints.belt-3]
name = "Belt 3"
group = "supervisors"
[touchpoints.fire-panel]
name = "Fire panel"
group = "supervisors"
[nodes.desk-a1]
touchpoint = "counter-a"
[nodes.desk-a1.devices.mot]
kind = "mot-button"
button = 17
[nodes.mark-a.devices.mark]
touchpoint = "counter-a"
kind = "beam"
pin = 22
[expectations.wait]
promise = "I wait no more than 15 minutes."
touchpoints = ["counter-a", "belt-3"]
opens = ["pressed", "reached"]
closes = ["reset", "cleared"]
holds = { reached = "cleared" }
fails_after = "3m"
[[expectations.wait.pages]]
left = "3m"
group = "agents"
[[expectations.wait.pages]]
left = "90s"
group = "supervisors"
unless = "claimed"
"""
)
MUTE = """
[mutes.night]
reason = "Nightly cleaning"
owner = "Facility management"
from = "23:30"
to = "04:30"
"""


def plan(extra: str = "", **swaps: str) -> Plan:
    text = PLAN
    for old, new in swaps.items():
        text = text.replace(f"[touchpoints.{old.replace('_', '-')}]", f"[touchpoints.{old.replace('_', '-')}]\n{new}")
    return parse_plan(text + extra)


def problems(text: str) -> list[tuple[str, str]]:
    with pytest.raises(PlanError) as caught:
        parse_plan(text)
    return [(problem.key, problem.what) for problem in caught.value.problems]


# ------------------------------------------------------------------------------------------------------ the plan


def test_a_plan_that_says_nothing_of_it_keeps_its_version(airport_toml: str) -> None:
    assert parse_plan(airport_toml).version == parse_plan(airport_toml + "\n# quiet\n").version
    assert plan().version != plan(MUTE).version


def test_mutes_are_read_and_said() -> None:
    found = plan(
        MUTE + 'days = ["sun", "mon"]\nareas = ["Terminal 1"]\ntouchpoints = ["belt-3"]\n'
        'expectations = ["wait"]\ngroups = ["agents"]\nfaults = true\n'
    )
    assert found.quiet.mutes["night"] == Recurring(
        id="night",
        reason="Nightly cleaning",
        owner="Facility management",
        start_min=23 * 60 + 30,
        end_min=4 * 60 + 30,
        days=(0, 6),
        scope=Scope(("Terminal 1",), ("belt-3",), ("wait",), ("agents",)),
        faults=True,
    )
    assert (
        "night: mon, sun 23:30-04:30 agents are not paged about Terminal 1 and belt-3 and wait, nor technicians of "
        "faults there: Nightly cleaning (Facility management)"
    ) in describe(found)
    assert "night: every day 23:30-04:30 nobody is paged about the whole site" in describe(plan(MUTE))
    assert plan(MUTE.replace("04:30", "24:00")).quiet.mutes["night"].end_min == 24 * 60


@pytest.mark.parametrize(
    ("old", "new", "key"),
    [
        ('reason = "Nightly cleaning"\n', "", "reason"),
        ('owner = "Facility management"\n', "", "owner"),
        ('from = "23:30"\n', "", "from"),
        ('"23:30"', '"24:00"', "from"),
        ('"23:30"', '"25:00"', "from"),
        ('"04:30"', '"half past four"', "to"),
        ('"04:30"', '"23:30"', "to"),
        ('"04:30"', '"04:30"\ndays = ["monday"]', "days[0]"),
        ('"04:30"', '"04:30"\ngroups = ["nobody"]', "groups[0]"),
        ('"04:30"', '"04:30"\nfaults = "yes"', "faults"),
        ('"04:30"', '"04:30"\nforever = true', "forever"),
    ],
)
def test_a_mute_that_is_wrong(old: str, new: str, key: str) -> None:
    assert f"mutes.night.{key}" in [place for place, _ in problems(PLAN + MUTE.replace(old, new))]


def test_what_a_contact_suspends() -> None:
    whole = plan(fire_panel='suspends = "site"')
    assert whole.quiet.suspends == {"fire-panel": Suspends()}
    assert "Fire panel suspends the whole site while a feed says suspended; unheard for 15m it ends" in describe(whole)
    assert "Note: no device there says suspended" in describe(whole)
    part = plan(
        '[nodes.gate.devices.alarm]\nkind = "beam"\npin = 4\ntouchpoint = "fire-panel"\n'
        'signals = { on = "suspended", off = "resumed" }\n',
        fire_panel='suspends = ["Terminal 1", "belt-3"]\nsuspends_at_most = "5m"',
    )
    assert part.quiet.suspends == {"fire-panel": Suspends(("Terminal 1",), ("belt-3",), 5 * MINUTE_MS)}
    assert "suspends Terminal 1 and belt-3 while gate/alarm says suspended" in describe(part)
    assert places(part.quiet.suspends["fire-panel"], part) == ("counter-a", "belt-3")
    assert places(whole.quiet.suspends["fire-panel"], whole) == ("counter-a", "belt-3", "fire-panel")


@pytest.mark.parametrize(
    ("keys", "key"),
    [
        ('suspends = "terminal"', "suspends"),
        ("suspends = []", "suspends"),
        ('suspends = ["nowhere"]', "suspends[0]"),
        ('suspends_at_most = "5m"', "suspends_at_most"),
        ('suspends = "site"\nsuspends_at_most = "9h"', "suspends_at_most"),
        ('suspends = "site"\nsuspends_at_most = "0s"', "suspends_at_most"),
        ('listens = "yes"', "listens"),
    ],
)
def test_a_contact_that_is_wrong(keys: str, key: str) -> None:
    text = PLAN.replace("[touchpoints.fire-panel]", f"[touchpoints.fire-panel]\n{keys}")
    assert f"touchpoints.fire-panel.{key}" in [place for place, _ in problems(text)]


def test_places_that_only_listen_and_desks_in_training() -> None:
    text = PLAN.replace("[touchpoints.belt-3]", "[touchpoints.belt-3]\nlistens = true").replace(
        "[nodes.desk-a1]\n", '[nodes.desk-a1]\ntraining = true\ntrainer = "supervisors"\n'
    )
    found = parse_plan(text)
    assert found.quiet.listens == ("belt-3",)
    assert found.quiet.training == {"desk-a1/mot": "supervisors"}
    said = describe(found)
    assert "Belt 3 only listens: nobody is paged about it" in said
    assert "desk-a1/mot is for training: Supervisors are paged in place of everybody else" in said


@pytest.mark.parametrize(
    ("keys", "key"),
    [
        ("training = true", "trainer"),
        ('trainer = "supervisors"', "trainer"),
        ('training = true\ntrainer = "nobody"', "trainer"),
        ('training = "yes"', "training"),
    ],
)
def test_training_that_is_wrong(keys: str, key: str) -> None:
    text = PLAN.replace("[nodes.mark-a.devices.mark]\n", f"[nodes.mark-a.devices.mark]\n{keys}\n")
    assert f"nodes.mark-a.devices.mark.{key}" in [place for place, _ in problems(text)]


def test_what_is_no_table_at_all_is_somebody_elses_problem() -> None:
    assert problems('nodes = "none"\ntouchpoints = { x = 3 }\n' + '[site]\nid="a"\nname="A"\ntimezone="UTC"\n')
    device = '[nodes.odd]\ntraining = true\ntrainer = "supervisors"\n[nodes.odd.devices.x]\nkind = "nothing"\n'
    assert problems(PLAN + device)


# ----------------------------------------------------------------------------------------------- mutes by the wall


def wall(text: str) -> int:
    return round(datetime.fromisoformat(text).replace(tzinfo=ZoneInfo("Europe/Rome")).timestamp() * 1000)


def utc(ms: int | None) -> str:
    assert ms is not None
    return datetime.fromtimestamp(ms / 1000, UTC).strftime("%m-%dT%H:%M")


@pytest.mark.parametrize(
    ("start", "end", "at", "begins", "ends"),
    [
        ((23, 30), (4, 30), "2026-03-28T12:00", "03-28T22:30", "03-29T02:30"),  # an hour shorter
        ((23, 30), (4, 30), "2026-10-24T12:00", "10-24T21:30", "10-25T03:30"),  # an hour longer
        ((2, 30), (5, 0), "2026-03-29T00:30", "03-29T01:00", "03-29T03:00"),  # begins in the hour that is skipped
        ((1, 0), (2, 15), "2026-03-29T00:30", "03-29T00:00", "03-29T01:00"),  # ends in it
        ((2, 10), (2, 50), "2026-03-29T00:30", "03-30T00:10", "03-30T00:50"),  # lies in it: that day there is none
        ((2, 15), (2, 45), "2026-10-25T01:30", "10-25T00:15", "10-25T00:45"),  # comes twice: only once
        ((0, 0), (24, 0), "2026-06-01T12:00", "05-31T22:00", "06-01T22:00"),
    ],
)
def test_a_mute_comes_again_by_the_wall_right_across_summer_time(
    start: tuple[int, int], end: tuple[int, int], at: str, begins: str, ends: str
) -> None:
    mute = Recurring(id="n", reason="r", owner="o", start_min=start[0] * 60 + start[1], end_min=end[0] * 60 + end[1])
    found = occurrence(mute, plan(), wall(at))
    assert found is not None
    assert (utc(found.from_ms), utc(found.to_ms)) == (begins, ends)


def test_weekdays_are_those_on_which_it_begins() -> None:
    mute = Recurring(id="n", reason="r", owner="o", start_min=1410, end_min=270, days=(6,))
    found = list(occurrences(mute, plan(), wall("2026-11-14T00:00"), wall("2026-11-28T00:00")))
    assert [utc(span.from_ms) for span in found] == ["11-15T22:30", "11-22T22:30"]
    assert occurrence(mute, plan(), wall("2026-11-23T04:00")) == found[1]
    assert next(iter(occurrences(mute, plan(), wall("2026-11-16T05:00"), wall("2026-11-21T00:00"))), None) is None


@given(
    st.integers(0, 1439),
    st.integers(1, 1440),
    st.integers(wall("2026-01-01T00:00"), wall("2027-01-01T00:00")),
    st.sampled_from(["Europe/Rome", "America/New_York", "Asia/Kathmandu", "Australia/Lord_Howe", "UTC"]),
)
def test_occurrences_are_found_from_anywhere_and_never_overlap(start: int, end: int, at_ms: int, zone: str) -> None:
    if start == end:
        return
    where = parse_plan(f'[site]\nid = "a"\nname = "A"\ntimezone = "{zone}"\n')
    mute = Recurring(id="n", reason="r", owner="o", start_min=start, end_min=end)
    now = occurrence(mute, where, at_ms)
    assert now is not None
    assert now.to_ms is not None
    assert at_ms < now.to_ms
    spans = list(occurrences(mute, where, at_ms - 72 * HOUR_MS, at_ms + 72 * HOUR_MS))
    assert all(span.to_ms is not None and span.from_ms < span.to_ms for span in spans)
    assert all((one.to_ms or 0) <= two.from_ms for one, two in pairwise(spans))
    assert now in spans
    assert next(span for span in spans if at_ms < (span.to_ms or 0)) == now


class Walls:
    """What the clocks on the walls show, minute by minute: an oracle that knows nothing of offsets and folds."""

    def __init__(self, zone: str, noon: datetime) -> None:
        self.begin_ms = round((noon - timedelta(days=5)).timestamp() * 1000) // MINUTE_MS * MINUTE_MS
        where = ZoneInfo(zone)
        shown = (
            datetime.fromtimestamp((self.begin_ms + minute * MINUTE_MS) / 1000, where).replace(tzinfo=None)
            for minute in range(10 * 1440)
        )
        self.latest = list(accumulate(shown, max))
        """The latest that they have shown by then: the second coming of an hour is no news."""

    def first_ms(self, wall: datetime) -> int:
        """Return when they show this, or more, for the first time."""
        return self.begin_ms + bisect_left(self.latest, wall) * MINUTE_MS

    def quiet(self, mute: Recurring, from_ms: int, to_ms: int) -> set[int]:
        """Return the minutes of a span that a mute is about."""
        found: set[int] = set()
        first = self.latest[0].date()
        for day in (first + timedelta(days=number) for number in range(-1, 12)):  # also one that the clocks leave out
            if not mute.days or day.weekday() in mute.days:
                midnight = datetime.combine(day, datetime.min.time())
                over = mute.end_min + (1440 if mute.end_min <= mute.start_min else 0)
                begin_ms, end_ms = (
                    self.first_ms(midnight + timedelta(minutes=each)) for each in (mute.start_min, over)
                )
                found.update(range(max(begin_ms, from_ms), min(end_ms, to_ms), MINUTE_MS))
        return found


@cache
def walls(zone: str, noon: datetime) -> Walls:
    return Walls(zone, noon)


TURNS = [  # noon of days around which the clocks change, a month ends, a leap day comes or a whole day is left out
    ("Europe/Rome", "2026-03-29"),
    ("Europe/Rome", "2026-10-25"),
    ("America/New_York", "2026-11-01"),
    ("America/St_Johns", "2026-03-08"),
    ("Australia/Lord_Howe", "2026-04-05"),  # by half an hour
    ("Australia/Lord_Howe", "2026-10-04"),
    ("Antarctica/Troll", "2026-03-29"),  # by two hours
    ("Africa/Casablanca", "2026-02-15"),  # back for a month
    ("Asia/Kathmandu", "2026-12-31"),  # 5:45 ahead
    ("Pacific/Chatham", "2026-04-05"),  # 12:45 ahead
    ("Pacific/Kiritimati", "2026-02-28"),  # 14 hours ahead
    ("Pacific/Apia", "2011-12-30"),  # the day that was not
    ("Pacific/Pago_Pago", "2028-02-29"),  # 11 hours behind
    ("UTC", "2026-06-30"),
]


@settings(max_examples=150, deadline=None)
@given(
    st.sampled_from(TURNS),
    st.one_of(st.integers(0, 1439), st.sampled_from([0, 1, 60, 119, 120, 121, 150, 179, 180, 181, 1439])),
    st.one_of(st.integers(1, 1440), st.sampled_from([1, 60, 120, 121, 150, 179, 180, 181, 240, 1440])),
    st.one_of(st.just(()), st.sets(st.integers(0, 6), min_size=1).map(lambda days: tuple(sorted(days)))),
)
def test_a_mute_that_comes_again_is_quiet_when_the_clocks_on_the_walls_say_so(
    turn: tuple[str, str], start: int, end: int, days: tuple[int, ...]
) -> None:
    """Minute by minute over four days, and what is asked from any of these minutes."""
    if start == end:
        return
    zone, day = turn
    noon = datetime.fromisoformat(day).replace(hour=12, tzinfo=UTC)
    where = parse_plan(f'[site]\nid = "a"\nname = "A"\ntimezone = "{zone}"\n')
    mute = Recurring(id="n", reason="r", owner="o", start_min=start, end_min=end, days=days)
    from_ms, to_ms = (round((noon + timedelta(days=by)).timestamp() * 1000) for by in (-2, 2))
    wanted = walls(zone, noon).quiet(mute, from_ms, to_ms)
    spans = list(occurrences(mute, where, from_ms, to_ms))
    found = {
        minute
        for span in spans
        for minute in range(max(span.from_ms, from_ms), min(span.to_ms or to_ms, to_ms), MINUTE_MS)
    }
    assert found == wanted
    for at_ms in range(from_ms, to_ms, 97 * MINUTE_MS):
        now = occurrence(mute, where, at_ms)
        assert now is not None
        assert now.holds(at_ms) == (at_ms in wanted)
        coming = [minute for minute in wanted if minute >= at_ms]
        if coming and not now.holds(at_ms):
            assert now.from_ms == min(coming)


def test_the_next_one_is_known_though_the_clocks_skip_the_one_before_it() -> None:
    mute = Recurring(id="n", reason="r", owner="o", start_min=130, end_min=170, days=(6,))
    for asked in ("2026-03-22T12:00", "2026-03-23T12:00"):
        found = occurrence(mute, plan(), wall(asked))
        assert found is not None
        assert utc(found.from_ms) == "04-05T00:10"


def test_a_scope_counts_together() -> None:
    here = plan()
    about = {"touchpoint": "counter-a", "expectation": "wait", "group": "agents"}
    for scope, fits in (
        (Scope(), True),
        (Scope(areas=("Terminal 1",)), True),
        (Scope(areas=("Terminal 2",)), False),
        (Scope(touchpoints=("belt-3",)), False),
        (Scope(expectations=("wait",), groups=("agents",)), True),
        (Scope(expectations=("other",)), False),
        (Scope(groups=("supervisors",)), False),
    ):
        assert covers(scope, here, **about) is fits
    assert not covers(Scope(areas=("Terminal 1",)), here, touchpoint="gone", expectation="wait", group="agents")
    assert places(Scope(expectations=("wait", "gone")), here) == ("counter-a", "belt-3")
    assert places(Scope(areas=("Terminal 1",)), here) == ("counter-a",)
    assert places(Scope(touchpoints=("belt-3",)), here) == ("belt-3",)
    assert whole_places(Scope(areas=("Terminal 1",)))
    assert not whole_places(Scope(groups=("agents",)))


# ---------------------------------------------------------------------------------------------------- suspensions


def said(at_ms: int, *, on: bool, device: str = "gate/alarm", touchpoint: str = "fire-panel") -> Contact:
    return Contact((at_ms, "gate", 1, at_ms, "x"), device=device, touchpoint=touchpoint, on=on)


def test_a_contact_suspends_again_where_only_the_hub_has_ended_it() -> None:
    def hub(at_ms: int, *, on: bool) -> Contact:
        return Contact((at_ms, HUB, 0, at_ms, "h"), device="gate/alarm", touchpoint="fire-panel", on=on)

    assert not stands_again([])
    assert not stands_again([hub(5, on=False)])
    assert not stands_again([said(1, on=True)])
    assert stands_again([hub(5, on=False), said(1, on=True)])
    assert not stands_again([said(1, on=True), said(2, on=False), hub(5, on=False)])
    assert not stands_again([said(1, on=True), hub(5, on=False), hub(6, on=True)])
    assert not stands_again([said(1, on=True), hub(5, on=False), said(6, on=False)])


def test_whoever_repeats_a_word_is_missed_after_twice_its_longest_pause() -> None:
    assert missed_ms([0]) is None
    assert missed_ms([0, 120_000, 180_000]) == 180_000 + 240_000
    assert missed_ms([0, 3]) == 3 + MISSED_MS, "a word that came twice is no rhythm"


def test_a_suspension_stands_while_its_contact_says_so() -> None:
    found = suspensions(
        [
            said(40, on=True),
            said(10, on=True),
            said(20, on=True),
            said(30, on=False),
            said(35, on=False),
            said(50, on=True, device=""),
            said(60, on=True, device="b/c"),
            said(60, on=False, device="b/c"),
        ]
    )
    assert found["gate/alarm"] == (Span(10, 30), Span(40))
    assert found[contact("", "fire-panel")] == (Span(50),)
    assert found["b/c"] == ()
    assert said(10, on=True).at_ms == 10


def test_spans() -> None:
    assert Span(10, 20).holds(10)
    assert not Span(10, 20).holds(20)
    assert Span(10).holds(10**12)
    assert not Span(10).holds(9)
    assert Span(10, 20).meets(0, 10)
    assert not Span(10, 20).meets(20, 30)
    assert Span(10).meets(50, 60)
    assert merged([Span(5, 7), Span(1, 3), Span(2, 4), Span(4, 5), Span(9), Span(10, 11)]) == [
        Span(1, 7),
        Span(9),
    ]
    assert merged([Span(1, 5), Span(2, 3)]) == [Span(1, 5)]
    assert listening([(10, True), (20, False), (30, True)], 0, 40) == [Span(10, 20), Span(30, 40)]
    assert listening([(10, True), (20, False), (30, True)], 15, 25) == [Span(15, 20)]
    assert listening([(10, True), (40, False)], 15, 25) == [Span(15, 25)]
    assert listening([], 0, 40) == []


# -------------------------------------------------------------------------------------------------------- release


def signal(seq: int, name: str = "pressed", at_ms: int = NOON, training: str | None = None, **more: Any) -> Signal:
    device = more.pop("device", "desk-a1/mot")
    return Signal(
        id=f"n/{device.partition('/')[0]}/b/{seq}",
        name=name,
        touchpoint=more.pop("touchpoint", "counter-a"),
        at_ms=at_ms,
        received_ms=more.pop("received_ms", at_ms),
        source=device.partition("/")[0],
        device=device,
        boot_rank=1,
        seq=seq,
        training=training,
        **more,
    )


def test_what_was_kept_back_is_paged_once_as_it_stands() -> None:
    engine = Engine(plan())
    step = engine.receive([signal(1)], NOON)
    (moment,) = step.published
    engine.advance(NOON + 100_000)
    pages = ((moment.id, "agents"), (moment.id, "supervisors"), (moment.id, "others"), ("unknown", "agents"))
    at_ms = NOON + 110_000
    step = engine.receive([Released(at_ms=at_ms, pages=pages)], at_ms)
    paged = [event for event in step.events if isinstance(event, Paged)]
    assert [(event.group, event.step, event.reason, event.left_ms, event.cancels) for event in paged] == [
        ("agents", 0, "quiet-over", 70_000, False),
        ("supervisors", 1, "quiet-over", 70_000, True),
        ("others", 0, "quiet-over", 70_000, False),
    ]
    (delivery, *_) = deliveries(paged[0], moment, engine.plan)
    assert delivery.text.startswith("Counter A: 1:10 left until 12:09. It was quiet until now. “I wait no more than")


def test_nobody_is_told_of_what_is_over_or_taken_care_of() -> None:
    engine = Engine(plan())
    (moment,) = engine.receive([signal(1)], NOON).published
    engine.advance(NOON + 100_000)
    claim = Action(id="c", do="claim", moment=moment.id, at_ms=NOON + 100_000, by="~1", promise_ms=600_000)
    engine.receive([claim], NOON + 100_000)
    both = Released(at_ms=NOON + 101_000, pages=((moment.id, "agents"), (moment.id, "supervisors")))
    events = engine.receive([both], NOON + 101_000).events
    assert [type(event) for event in events] == [Paged, PageSkipped]
    engine.receive([signal(2, "reset", NOON + 102_000)], NOON + 102_000)
    assert not engine.receive([both], NOON + 103_000).events


def test_what_keeps_quiet_means_nothing_to_the_judging() -> None:
    engine = Engine(plan())
    for item in (
        Muted(id="m", at_ms=NOON, by="~1", owner="~1", reason="r", begin_ms=NOON, end_ms=NOON + 1),
        Unmuted(mute="m", at_ms=NOON, by="~1"),
        Trained(id="t", at_ms=NOON, by="~1", who="desk-a1", trainer="supervisors", until_ms=NOON + 1),
        Untrained(training="t", at_ms=NOON, by="~1"),
        Listening(at_ms=NOON, on=True),
        Released(at_ms=NOON, pages=()),
    ):
        step = engine.receive([item], NOON)
        assert not step.events
        assert not step.published


# ------------------------------------------------------------------------------------------------------- training

WORDS = st.sampled_from(["pressed", "reset", "reached", "cleared"])


@st.composite
def days(draw: st.DrawFn) -> list[tuple[Signal, int]]:
    """Real devices and devices in training at one place, prompt and late, in any order."""
    made = []
    for seq in range(1, draw(st.integers(2, 14)) + 1):
        training = draw(st.sampled_from([None, "supervisors"]))
        at_ms = NOON + draw(st.integers(0, 30)) * 10_000
        late_ms = draw(st.sampled_from([0, 0, 0, 5_000, 200_000]))
        device = "desk-a2/mot" if training else draw(st.sampled_from(["desk-a1/mot", "mark-a/mark"]))
        made.append(
            (
                signal(seq, draw(WORDS), at_ms, training, device=device, received_ms=at_ms + late_ms),
                at_ms + late_ms,
            )
        )
    return sorted(made, key=lambda each: each[1])


def judged(day: list[tuple[Signal, int]]) -> dict[str, Any]:
    engine = Engine(plan())
    for item, now_ms in day:
        engine.receive([item], now_ms)
    engine.advance(NOON + 2 * HOUR_MS)
    return {moment.id: moment for moment in engine.moments()}


@given(days())
def test_training_touches_nothing_real_and_nothing_real_touches_training(day: list[tuple[Signal, int]]) -> None:
    both = judged(day)
    real = judged([each for each in day if each[0].training is None])
    trained = judged([each for each in day if each[0].training is not None])
    assert {id: moment for id, moment in both.items() if moment.training is None} == real
    assert {id: moment for id, moment in both.items() if moment.training is not None} == trained
    assert all(moment.interactions == () for moment in trained.values())


@given(days(), st.integers(0, 14))
def test_a_restart_in_the_middle_changes_nothing(day: list[tuple[Signal, int]], at: int) -> None:
    engine = Engine(plan())
    for number, (item, now_ms) in enumerate(day):
        if number == at:
            engine = load(dump(engine))
        engine.receive([item], now_ms)
    engine.advance(NOON + 2 * HOUR_MS)
    assert {moment.id: moment for moment in engine.moments()} == judged(day)


def test_only_the_trainer_is_paged_and_what_moves_stays_apart() -> None:
    engine = Engine(plan())
    step = engine.receive([signal(1, training="supervisors")], NOON)
    (moment,) = step.published
    (event,) = [each for each in step.events if isinstance(each, Paged)]
    made = deliveries(event, moment, engine.plan)
    assert [(each.group, each.text.startswith("Training, not real. Counter A")) for each in made] == [
        ("supervisors", True)
    ]
    moved = signal(2, "moved", NOON + 1000, "supervisors", to="belt-3")
    (there,) = engine.receive([moved], NOON + 1000).published
    assert (there.touchpoint, there.training) == ("belt-3", "supervisors")
    (real,) = engine.receive([signal(3, at_ms=NOON + 2000, touchpoint="belt-3", device="d/x")], NOON + 2000).published
    assert real.training is None
    assert len(engine.open_moments()) == 2


def test_what_broke_in_training_owes_nobody_anything() -> None:
    remedy = '[expectations.wait.remedy]\ntext = "Apologise."\nwithin = "10m"\ngroup = "agents"\n'
    engine = Engine(plan(remedy))
    engine.receive([signal(1, training="supervisors")], NOON)
    engine.advance(NOON + HOUR_MS // 2)
    assert [moment.expectation for moment in engine.moments()] == ["wait"]
