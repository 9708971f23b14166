"""Shifts against a clock on the wall that is looked at every minute."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from andgate.errors import PlanError
from andgate.plan import Group, Plan, Shift, describe, parse_plan
from andgate.shifts import MINUTE_MS, Turn, instant, next_boundary, next_turns, on_at, team_at, turn_of, turns
from tests.plans import SITE

GROUP = """
[groups.agents]
name = "Ticket agents"
"""
HOUR_MS = 60 * MINUTE_MS
DAY_MS = 24 * HOUR_MS


def plan_of(*shifts: Shift, timezone: str = "Europe/Rome", holidays: tuple[str, ...] = ()) -> Plan:
    plan = parse_plan(SITE + GROUP)
    site = replace(plan.site, timezone=timezone, holidays=holidays)
    group = Group(id="agents", name="Ticket agents", channels=(), shifts={shift.id: shift for shift in shifts})
    return replace(plan, site=site, groups={"agents": group})


def shift_of(start: str, end: str, *, days: tuple[int, ...] = tuple(range(7)), **more: object) -> Shift:
    start_min, end_min = (60 * int(text[:2]) + int(text[3:]) for text in (start, end))
    return Shift(id="s", name="S", start_min=start_min, end_min=end_min, days=days, **more)  # type: ignore[arg-type]


def at(text: str, zone: str = "UTC") -> int:
    return round(datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone)).timestamp() * 1000)


@lru_cache(maxsize=64)
def wall(zone: str, first_ms: int, days: int) -> list[tuple[int, datetime]]:
    """What the clock on the wall shows, minute by minute."""
    minutes = range(first_ms, first_ms + days * DAY_MS, MINUTE_MS)
    return [
        (ms, datetime.fromtimestamp(ms / 1000, UTC).astimezone(ZoneInfo(zone)).replace(tzinfo=None)) for ms in minutes
    ]


def first_showing(zone: str, around_ms: int, wanted: datetime) -> int:
    """The first minute at which the wall shows that date and at least that time, found by looking."""
    shown = wall(zone, around_ms - 3 * DAY_MS, 7)
    return next(ms for ms, local in shown if local >= wanted)


# Where the clocks change: forward and back, by an hour and by half of one, at midnight, and in both hemispheres.
CHANGES = [
    ("Europe/Rome", "2026-03-29"),
    ("Europe/Rome", "2026-10-25"),
    ("America/New_York", "2026-03-08"),
    ("America/New_York", "2026-11-01"),
    ("Australia/Lord_Howe", "2026-04-05"),
    ("Australia/Lord_Howe", "2026-10-04"),
    ("Africa/Cairo", "2026-04-24"),
    ("Asia/Kolkata", "2026-03-29"),
]


@given(
    st.sampled_from(CHANGES),
    st.integers(-2, 2),
    st.integers(0, 24 * 60 - 1),
    st.integers(1, 24 * 60),
)
def test_every_turn_is_what_the_clock_on_the_wall_says(change: tuple[str, str], off: int, start: int, end: int) -> None:
    zone, day = change
    if start == end:
        end = start + 1
    plan = plan_of(Shift(id="s", name="S", start_min=start, end_min=end, days=tuple(range(7))), timezone=zone)
    begins = date.fromisoformat(day) + timedelta(days=off)
    turn = turn_of(plan, "agents", "s", begins.isoformat())
    assert turn is not None
    midnight = datetime(begins.year, begins.month, begins.day)  # noqa: DTZ001 - on the wall
    around_ms = at(f"{day}T00:00:00")
    ends = midnight + timedelta(minutes=end + (24 * 60 if end <= start else 0))
    assert turn.start_ms == first_showing(zone, around_ms, midnight + timedelta(minutes=start))
    assert turn.end_ms == first_showing(zone, around_ms, ends)


@given(
    st.sampled_from(CHANGES),
    st.lists(st.tuples(st.integers(0, 95), st.integers(1, 96), st.sets(st.integers(0, 6))), min_size=1, max_size=4),
    st.integers(0, 5 * 24 * 60),
)
def test_who_is_on_at_any_minute(change: tuple[str, str], drawn: list[tuple[int, int, set[int]]], minute: int) -> None:
    zone, day = change
    shifts = [
        Shift(id=f"s{n}", name="S", start_min=15 * start, end_min=15 * end, days=tuple(sorted(days)))
        for n, (start, end, days) in enumerate(drawn)
        if start != end
    ]
    plan = plan_of(*shifts, timezone=zone)
    now_ms = at(f"{day}T00:00:00") - 2 * DAY_MS + minute * MINUTE_MS
    expected = set()
    for shift in shifts:
        for back in range(-1, 3):
            begins = (datetime.fromtimestamp(now_ms / 1000, ZoneInfo(zone)) - timedelta(days=back)).date()
            if begins.weekday() in shift.days:
                turn = turn_of(plan, "agents", shift.id, begins.isoformat())
                if turn is not None and turn.start_ms <= now_ms < turn.end_ms:
                    expected.add((shift.id, begins.isoformat()))
    on = on_at(plan, "agents", now_ms)
    assert {(turn.shift, turn.date) for turn in on} == expected
    assert list(on) == sorted(on)
    assert team_at(plan, "agents", now_ms) == (on[0] if on else None)
    following = next_boundary(plan, "agents", now_ms)
    if following is not None and following - now_ms < 2 * DAY_MS:
        for ms in range(now_ms, following, 15 * MINUTE_MS):
            assert on_at(plan, "agents", ms) == on
        assert on_at(plan, "agents", following - 1) == on
        assert on_at(plan, "agents", following) != on


def test_a_shift_over_a_change_has_its_true_length() -> None:
    plan = plan_of(shift_of("22:00", "06:00"))
    lengths = {}
    for day in ("2026-03-27", "2026-03-28", "2026-10-24", "2026-10-25"):
        turn = turn_of(plan, "agents", "s", day)
        assert turn is not None
        lengths[day] = (turn.end_ms - turn.start_ms) // HOUR_MS
    assert lengths == {"2026-03-27": 8, "2026-03-28": 7, "2026-10-24": 9, "2026-10-25": 8}


def test_shifts_that_meet_on_the_wall_meet_in_truth() -> None:
    plan = plan_of(shift_of("18:00", "02:30"), replace(shift_of("02:30", "10:00"), id="t"))
    for day, morning in (("2026-03-28", "2026-03-29"), ("2026-10-24", "2026-10-25")):
        night, early = turn_of(plan, "agents", "s", day), turn_of(plan, "agents", "t", morning)
        assert night is not None
        assert early is not None
        assert night.end_ms == early.start_ms
    # 02:30 is never shown on that night: the shift begins when the clocks jump to 03:00
    assert instant("Europe/Rome", "2026-03-29", 150) == at("2026-03-29T01:00:00")
    # and shown twice on this one: the first counts
    assert instant("Europe/Rome", "2026-10-25", 150) == at("2026-10-25T00:30:00")


def test_a_shift_that_no_clock_ever_shows_is_not_on() -> None:
    plan = plan_of(shift_of("02:00", "02:45"))
    assert turns(plan, "agents", at("2026-03-28T23:00:00"), at("2026-03-29T03:00:00")) == ()
    assert len(turns(plan, "agents", at("2026-03-29T23:00:00"), at("2026-03-30T03:00:00"))) == 1


def test_days_holidays_and_single_dates() -> None:
    shift = shift_of("08:00", "16:00", days=(0, 1, 2, 3, 4), on=("2026-12-26",), off=("2026-12-24",))
    plan = plan_of(shift, holidays=("2026-12-25", "2026-12-28"))

    def dates(plan: Plan) -> list[str]:
        found = turns(plan, "agents", at("2026-12-21T00:00:00"), at("2026-12-30T00:00:00"))
        return [turn.date[-2:] for turn in found]

    assert dates(plan) == ["21", "22", "23", "26", "29"]
    assert dates(plan_of(replace(shift, holidays=True), holidays=plan.site.holidays)) == [
        *("21", "22", "23", "25", "26", "28", "29")
    ]
    # On a holiday the day of the week says nothing, and a single date goes before it.
    assert dates(plan_of(replace(shift, on=("2026-12-25",)), holidays=("2026-12-25",))) == [
        "21",
        "22",
        "23",
        "25",
        "28",
        "29",
    ]


def test_a_group_without_shifts_has_no_turns() -> None:
    plan = plan_of()
    for group in ("agents", "nobody"):
        assert on_at(plan, group, 0) == ()
        assert team_at(plan, group, 0) is None
        assert next_boundary(plan, group, 0) is None
        assert next_turns(plan, group, 0) == ()
        assert turn_of(plan, group, "s", "2026-12-24") is None


def test_what_comes_next() -> None:
    plan = plan_of(shift_of("08:00", "16:00", days=(0,)), replace(shift_of("08:00", "12:00", days=(0,)), id="t"))
    monday = "2026-11-23"
    start, noon, end = (at(f"{monday}T{clock}:00", "Europe/Rome") for clock in ("08:00", "12:00", "16:00"))
    assert next_boundary(plan, "agents", start - 1) == start
    assert next_boundary(plan, "agents", start) == noon
    assert next_boundary(plan, "agents", noon) == end
    assert next_boundary(plan, "agents", end) == start + 7 * DAY_MS
    assert [(turn.key, turn.start_ms) for turn in next_turns(plan, "agents", start)] == [
        (("agents", "t", "2026-11-30"), start + 7 * DAY_MS),
        (("agents", "s", "2026-11-30"), start + 7 * DAY_MS),
    ]


def test_a_shift_of_one_date_is_seen_a_year_ahead_and_no_further() -> None:
    plan = plan_of(shift_of("08:00", "16:00", days=(), on=("2027-11-01",)))
    begins = at("2027-11-01T08:00:00", "Europe/Rome")
    assert next_boundary(plan, "agents", begins - 360 * DAY_MS) == begins
    assert next_boundary(plan, "agents", begins - 500 * DAY_MS) is None
    assert next_turns(plan, "agents", begins) == ()


def test_turns_that_overlap() -> None:
    early, late = shift_of("06:00", "14:15"), replace(shift_of("14:00", "22:00"), id="t")
    plan = plan_of(early, late)
    both = on_at(plan, "agents", at("2026-11-23T14:05:00", "Europe/Rome"))
    assert [turn.shift for turn in both] == ["s", "t"]
    team = team_at(plan, "agents", both[0].end_ms - 1)
    assert isinstance(team, Turn)
    assert team.shift == "s"
    assert team_at(plan, "agents", both[0].end_ms) == both[1]


TEXT = (
    SITE
    + 'holidays = ["2026-12-26", 2026-12-25]\nshift_warning = "20m"\n'
    + GROUP
    + """
[groups.agents.shifts.early]
days = "mon-fri"
from = "04:30"
to = "12:30"
[groups.agents.shifts.late]
days = ["mon-tue", "sun", "fri"]
from = "12:30"
to = "24:00"
[groups.agents.shifts.night-2]
name = "Small hours"
from = "00:00"
to = "04:30"
on = ["2026-12-31"]
off = ["2026-12-24"]
[groups.agents.shifts.gala]
days = "holidays"
from = "22:00"
to = "02:00"
[groups.agents.shifts.weekend]
days = "sat-sun"
from = "09:00"
to = "10:00"
"""
)


def test_shifts_are_read() -> None:
    plan = parse_plan(TEXT)
    assert plan.site.holidays == ("2026-12-25", "2026-12-26")
    assert plan.site.shift_warning_ms == 20 * MINUTE_MS
    shifts = plan.groups["agents"].shifts
    assert shifts["early"] == Shift(id="early", name="Early", start_min=270, end_min=750, days=(0, 1, 2, 3, 4))
    assert (shifts["late"].days, shifts["late"].end_min) == ((0, 1, 4, 6), 1440)
    night = shifts["night-2"]
    assert (night.name, night.days, night.holidays) == ("Small hours", tuple(range(7)), True)
    assert (night.on, night.off) == (("2026-12-31",), ("2026-12-24",))
    assert (shifts["gala"].days, shifts["gala"].holidays) == ((), True)
    assert parse_plan(SITE + GROUP).site.shift_warning_ms == 30 * MINUTE_MS


def test_a_plan_without_shifts_keeps_its_version() -> None:
    assert parse_plan(SITE + GROUP + "channels = []\n").version == parse_plan(SITE + GROUP).version
    assert parse_plan(SITE + GROUP).version != parse_plan(TEXT).version


def test_shifts_are_told_in_words() -> None:
    words = describe(parse_plan(TEXT))
    assert "Shift Early (early): 04:30-12:30, Monday to Friday, not on holidays\n" in words
    assert "Shift Late (late): 12:30-24:00, Monday and Tuesday, Friday, Sunday, not on holidays\n" in words
    assert "Small hours (night-2): 00:00-04:30, every day, also on 2026-12-31, not on 2026-12-24\n" in words
    assert "Ticket agents (agents): no channel of its own, but whoever is on shift\n" in words
    assert "Shift Gala (gala): 22:00-02:00 the next day, holidays\n" in words
    assert "nobody on from Wednesday 12:30 to Thursday 00:00; Thursday 12:30 to Friday 00:00;" in words
    assert "Holidays: 2026-12-25, 2026-12-26\n" in words


@pytest.mark.parametrize(
    ("shifts", "told"),
    [
        ('[groups.agents.shifts.a]\nfrom = "00:00"\nto = "24:00"\n', None),
        (
            '[groups.agents.shifts.a]\ndays = ["tue-sun"]\nfrom = "06:00"\nto = "24:00"\n',
            "Monday 00:00 to Tuesday 06:00",
        ),
        ('[groups.agents.shifts.a]\ndays = "mon"\nfrom = "06:00"\nto = "05:00"\n', "Tuesday 05:00 to Monday 06:00"),
        ('[groups.agents.shifts.a]\nfrom = "06:00"\nto = "05:00"\n', " and 1 more spans"),
        (
            '[groups.agents.shifts.a]\ndays = "holidays"\non = ["2026-12-01"]\nfrom = "06:00"\nto = "05:00"\n',
            "nobody on in a plain week: pages",
        ),
    ],
)
def test_hours_without_anybody_are_pointed_out(shifts: str, told: str | None) -> None:
    words = describe(parse_plan(SITE + GROUP + shifts))
    if told is None:
        assert "nobody on" not in words
    else:
        assert told in words
    assert "Holidays" not in words


def test_holidays_without_anybody_are_pointed_out() -> None:
    holidays = SITE + "holidays = [" + ", ".join(f'"2026-12-{day:02}"' for day in range(1, 9)) + "]\n"
    shifts = '[groups.agents.shifts.a]\ndays = "mon-sun"\nfrom = "06:00"\nto = "05:00"\n'
    words = describe(parse_plan(holidays + GROUP + shifts))
    assert 'nobody on on holidays: no shift says "holidays" or "daily"' in words
    assert "2026-12-06 and 2 more" in words
    assert "Holidays" not in describe(parse_plan(holidays + GROUP))
    single = '[groups.agents.shifts.a]\ndays = "holidays"\non = ["2026-12-01"]\nfrom = "06:00"\nto = "05:00"\n'
    assert "on holidays" not in describe(parse_plan(holidays + GROUP + single))


def test_single_dates_only_is_said() -> None:
    plan = plan_of(shift_of("06:00", "08:00", days=(), on=("2026-12-01",)))
    assert "06:00-08:00, on single dates only, also on 2026-12-01" in describe(plan)


A = "[groups.agents.shifts.a]\n"
RULES = [
    # (what is added, line, key, in what is wrong, in the remedy)
    ("", A + 'from = "06:00"\n', 9, "groups.agents.shifts.a.to", "missing", "12:30"),
    ("", A + 'to = "06:00"\n', 9, "groups.agents.shifts.a.from", "missing", "04:30"),
    (
        "",
        A + 'from = "06:00"\nto = "6:00"\n',
        11,
        "groups.agents.shifts.a.to",
        '"6:00" is no time',
        "hours and minutes",
    ),
    ("", A + 'from = "24:00"\nto = "06:00"\n', 10, "groups.agents.shifts.a.from", "no time", "over midnight"),
    ("", A + 'from = "23:60"\nto = "06:00"\n', 10, "groups.agents.shifts.a.from", "no time", "over midnight"),
    ("", A + 'from = "06:00"\nto = "24:01"\n', 11, "groups.agents.shifts.a.to", "no time", "over midnight"),
    ("", A + 'from = 6\nto = "24:00"\n', 10, "groups.agents.shifts.a.from", "must be text", "quotes"),
    ("", A + 'from = "06:00"\nto = "06:00"\n', 11, "groups.agents.shifts.a.to", "ends when it begins", 'to = "24:00"'),
    (
        "",
        A + 'from = "06:00"\nto = "08:00"\ndays = "mo-fr"\n',
        12,
        "groups.agents.shifts.a.days",
        '"mo-fr" is no day',
        '"mon-fri"',
    ),
    (
        "",
        A + 'from = "06:00"\nto = "08:00"\ndays = "mon-"\n',
        12,
        "groups.agents.shifts.a.days",
        "no day",
        '"holidays"',
    ),
    (
        "",
        A + 'from = "06:00"\nto = "08:00"\ndays = ["mon", 3]\n',
        12,
        "groups.agents.shifts.a.days",
        "3 is no day",
        "daily",
    ),
    ("", A + 'from = "06:00"\nto = "08:00"\ndays = []\n', 12, "groups.agents.shifts.a.days", "empty list", "daily"),
    (
        "",
        A + 'from = "06:00"\nto = "08:00"\non = "2026-12-24"\n',
        12,
        "groups.agents.shifts.a.on",
        "must be a list",
        "2026-12-25",
    ),
    (
        "",
        A + 'from = "06:00"\nto = "08:00"\non = ["24.12.2026"]\n',
        12,
        "groups.agents.shifts.a.on[0]",
        "no date",
        "2026-12-25",
    ),
    (
        "",
        A + 'from = "06:00"\nto = "08:00"\non = ["2026-02-30"]\n',
        12,
        "groups.agents.shifts.a.on[0]",
        "no date",
        "2026-12-25",
    ),
    (
        "",
        A + 'from = "06:00"\nto = "08:00"\non = [2026-12-24T00:00:00]\n',
        12,
        "groups.agents.shifts.a.on[0]",
        "no date",
        "2026",
    ),
    (
        "",
        A + 'from = "06:00"\nto = "08:00"\non = ["2026-12-24", 2026-12-24]\n',
        12,
        "groups.agents.shifts.a.on[1]",
        "named twice",
        "Delete",
    ),
    (
        "",
        A + 'from = "06:00"\nto = "08:00"\non = ["2026-12-24"]\noff = ["2026-12-24"]\n',
        13,
        "groups.agents.shifts.a.off",
        "under `on` too",
        "Delete",
    ),
    ("", A + 'from = "06:00"\nto = "08:00"\nat = "x"\n', 12, "groups.agents.shifts.a.at", "unknown key", "from"),
    ("", "[groups.agents.shifts]\nearly = 3\n", 10, "groups.agents.shifts.early", "must be a table", "shifts.early"),
    (
        "",
        '[groups.agents.shifts.Early]\nfrom = "06:00"\nto = "08:00"\n',
        9,
        "groups.agents.shifts.Early",
        "bad id",
        "early",
    ),
    ('holidays = "2026-12-25"\n', "", 6, "site.holidays", "must be a list", "2026-12-25"),
    ('holidays = ["Christmas"]\n', "", 6, "site.holidays[0]", "no date", "2026-12-25"),
    ('shift_warning = "soon"\n', "", 6, "site.shift_warning", "not a duration", "45s"),
]


@pytest.mark.parametrize(("site", "group", "line", "key", "what", "remedy"), RULES)
def test_what_is_wrong_is_said_with_its_line_and_a_remedy(
    site: str, group: str, line: int, key: str, what: str, remedy: str
) -> None:
    with pytest.raises(PlanError) as caught:
        parse_plan(SITE + site + GROUP + group)
    (problem,) = caught.value.problems
    assert (problem.line, problem.key) == (line, key)
    assert what in problem.what
    assert remedy in problem.remedy


def test_how_a_group_on_shift_is_reached_is_told_in_words() -> None:
    channel = '[channels.radio]\nurl = "mqtt://"\n'
    reached = parse_plan(TEXT.replace(GROUP, channel + GROUP + 'channels = ["radio"]\n'))
    assert "Ticket agents (agents): reached by radio, whoever is on shift\n" in describe(reached)
    desk = '[touchpoints.a]\nname = "A"\ngroup = "agents"\n[nodes.n]\ntouchpoint = "a"\n'
    promise = (
        '[expectations.wait]\npromise = "P"\ntouchpoints = ["a"]\nopens = ["x"]\ncloses = ["y"]\nfails_after = "3m"\n'
        '[[expectations.wait.pages]]\nleft = "3m"\ngroup = "agents"\n'
    )
    technicians = TEXT.replace('timezone = "Europe/Rome"', 'timezone = "Europe/Rome"\ntechnicians = "agents"')
    words = describe(parse_plan(technicians + desk + promise))
    assert "have no channel" not in words
    assert "see faults on screens only" not in words
