"""The plan: what is read from a file, and that nothing but a PlanError ever comes out of a bad one."""

# ruff: noqa: E501 - TOML in the lines of a test

from __future__ import annotations

import tomllib

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from andgate.errors import PlanError
from andgate.plan import Hours, PageStep, Plan, describe, parse_plan
from andgate.plan.durations import format_duration, parse_duration
from andgate.plan.lines import Path, find_lines

SITE = '[site]\nid = "agx"\nname = "Andgate"\ntimezone = "UTC"\n'


@pytest.fixture
def airport(airport_toml: str) -> Plan:
    return parse_plan(airport_toml)


def test_the_contract_s_example_is_read(airport: Plan) -> None:
    wait = airport.expectations["check-in-wait"]
    assert wait.pages == (
        PageStep(left_ms=180_000, group="ticket-agents"),
        PageStep(left_ms=90_000, group="supervisors", unless_claimed=True),
    )
    assert (wait.rejoins_within_ms, wait.gives_up_after_ms, wait.holds) == (0, 3_600_000, {"reached": "cleared"})
    assert airport.expectations["baggage-claim"].countdown_ms == 1_320_000
    assert airport.touchpoints["counter-a"].hours == Hours(start_min=270, end_min=1_410)
    assert airport.touchpoints["belt-3"].hours is None
    assert airport.devices["desk-a1/mot"].touchpoint == "counter-a"
    assert airport.devices["mark-a/mark"].settings == {"pin": 22, "active": "low", "settle_ms": 4_000}
    assert airport.devices["belt-3/done"].settings["sign"] == "sign"
    assert airport.interactions_of == {"check-in-wait": (), "baggage-claim": ("arrival",)}


def test_a_site_alone_is_a_plan() -> None:
    plan = parse_plan(SITE)
    assert (plan.nodes, plan.expectations, plan.interactions, plan.channels) == ({}, {}, {}, {})
    assert describe(plan) == f"Andgate (agx), times in UTC, plan {plan.version}\n"


def test_technicians_are_optional_and_said_in_words(airport: Plan, airport_toml: str) -> None:
    assert airport.site.technicians is None
    assert "[site] names no technicians" in describe(airport)
    zone = 'timezone = "Europe/Rome"\n'
    text = airport_toml.replace(zone, zone + 'technicians = "supervisors"\n')
    plan = parse_plan(text)
    assert (plan.site.technicians, plan.site.technicians_after_ms) == ("supervisors", 60_000)
    assert "Supervisors are paged when a node or device is at fault; when a node is lost, after 1m\n" in describe(plan)
    plan = parse_plan(text.replace(zone, zone + 'technicians_after = "5m"\n').replace('channels = ["radio"]\n', ""))
    assert plan.site.technicians_after_ms == 300_000
    assert "Note: Supervisors have no channel: they see faults on screens only" in describe(plan)


def test_links_begin_where_people_reach_the_hub() -> None:
    assert parse_plan(SITE).site.url is None
    for text in ("https://andgate.example.com/", "https://andgate.example.com"):
        assert parse_plan(SITE.replace("[site]", f'[site]\nurl = "{text}"')).site.url == "https://andgate.example.com"


def test_a_byte_order_mark_and_windows_line_ends_are_no_mistake(airport: Plan, airport_toml: str) -> None:
    text = airport_toml.replace("\n", "\r\n")
    assert parse_plan("\ufeff" + text) == airport
    with pytest.raises(PlanError) as refused:
        parse_plan(text.replace('"Europe/Rome"', "1"))
    assert [problem.line for problem in refused.value.problems] == [
        airport_toml[: airport_toml.index("timezone")].count("\n") + 1
    ]


def test_the_version_tells_content_from_layout(airport: Plan, airport_toml: str) -> None:
    assert len(airport.version) == 12
    assert int(airport.version, 16) >= 0
    assert parse_plan("# a comment\n" + airport_toml.replace(" = ", "=")).version == airport.version
    head, mark, tail = airport_toml.partition("[interactions.arrival]")
    assert parse_plan(mark + tail + "\n" + head).version == airport.version, "the order of tables is layout"
    assert parse_plan(airport_toml.replace('"25m"', '"24m"')).version != airport.version


def test_hours_may_run_over_midnight_and_to_its_end() -> None:
    def hours(text: str) -> Hours | None:
        more = f'[groups.g]\nname = "G"\n[touchpoints.t]\nname = "T"\ngroup = "g"\nhours = "{text}"\n'
        return parse_plan(SITE + more).touchpoints["t"].hours

    assert hours("22:00-06:00") == Hours(start_min=1_320, end_min=360)
    assert hours("00:00-24:00") == Hours(start_min=0, end_min=1_440)


def test_pages_stand_in_the_order_of_falling_time_left(airport_toml: str) -> None:
    text = airport_toml.replace('left = "90s"', 'left = "x"').replace('left = "3m"', 'left = "90s"')
    pages = parse_plan(text.replace('left = "x"', 'left = "3m"')).expectations["check-in-wait"].pages
    assert [(step.left_ms, step.group) for step in pages] == [(180_000, "supervisors"), (90_000, "ticket-agents")]


def test_a_device_may_rename_its_signals(airport_toml: str) -> None:
    text = airport_toml.replace("pin = 22", 'pin = 22\nsignals = { on = "reached-15" }')
    assert parse_plan(text).devices["mark-a/mark"].signals == {"on": "reached-15", "off": "cleared"}


DURATIONS = [
    ("45s", 45_000),
    ("3m", 180_000),
    ("1h30m", 5_400_000),
    ("30ms", 30),
    ("1h1m1s1ms", 3_661_001),
    ("0s", 0),
    ("90m", 5_400_000),
    ("", None),
    ("3", None),
    ("m", None),
    ("1.5h", None),
    ("-3m", None),
    ("3M", None),
    ("30m1h", None),
    ("3m 4s", None),
    ("3m\n", None),
    ("٣m", None),
    ("9" * 5_000 + "s", None),
]


@pytest.mark.parametrize(("text", "ms"), DURATIONS)
def test_durations(text: str, ms: int | None) -> None:
    assert parse_duration(text) == ms


@given(st.integers(0, 10**12))
def test_a_duration_reads_as_it_is_written(ms: int) -> None:
    assert parse_duration(format_duration(ms)) == ms


def test_words_say_what_the_contract_s_example_means(airport: Plan) -> None:
    words = describe(airport)
    for expected in (
        "counter A (counter-a, Terminal 1, 04:30-23:30)",
        "Begins with pressed (desk-a1/mot) or reached (mark-a/mark)",
        "While reached stands, nothing can end it: that is refused until cleared (mark-a/mark)",
        "Threatened from its beginning",
        "Threatened when 8m are left, and at once by jammed (a feed)",
        "With 1m30s left (1m30s after the beginning): Supervisors are paged, unless somebody has claimed it",
        "counts down from 22m",
        "Faster than 8m is praised",
        "Each flight is judged by itself",
        "Does not count after cancelled (a feed) or diverted (a feed)",
        "Note: no device at its touchpoints reports docked: only a feed can begin it",
        "After a failure: Apologise in person",
        'AND "I have my bag within 25 minutes of docking." (baggage-claim)',
        "Supervisors (supervisors): reached by radio",
        "  mot     mot-button  counter-a   button 17, lamp 27  press: pressed, hold: reset",
    ):
        assert expected in words


def test_words_say_what_is_odd_in_a_plan_though_allowed() -> None:
    words = describe(
        parse_plan(
            SITE
            + '[groups.g]\nname = "The crew"\n[touchpoints.t]\nname = "T"\ngroup = "g"\n[touchpoints.u]\nname = "U"\n'
            'group = "g"\n[nodes.idle]\n[nodes.n]\ntouchpoint = "t"\n[nodes.n.devices.b]\nkind = "start-button"\n'
            'button = 4\nsignals = { press = "strated" }\n[nodes.n.devices.c]\nkind = "beam"\npin = 5\nsignals = { on = "started", off = "faded" }\n[expectations.e]\npromise = "P"\ntouchpoints = ["t"]\n'
            'opens = ["started"]\ncloses = ["stopped"]\nfails_on = ["broken"]\nfails_after = "5m"\nrejoins_within = "9s"\n'
            'holds = { strated = "over" }\n'
            '[[expectations.e.pages]]\nleft = "1m"\ngroup = "g"\n[expectations.f]\npromise = "Q"\ntouchpoints = ["u"]\n'
            'opens = ["a"]\ncloses = ["b"]\nfails_after = "5m"\n[interactions.i]\nname = "Inner"\ninputs = ["e"]\n'
            '[interactions.o]\nname = "Outer"\ninputs = ["i", "f"]\n'
        )
    )
    for expected in (
        "Note: no promise at t listens to faded from c",
        "Note: no device at its touchpoints reports over: without a feed that does, strated holds for ever",
        "Note: no device at its touchpoints reports stopped: only a feed can end it",
        "Note: The crew have no channel: they see pages on screens only",
        "The crew (g): no channel, screens only",
        "idle\n  nothing hangs on it",
        "Failed at once by broken (a feed)",
        "Beginning again within 9s of an end goes on with the same",
        "Nobody is paged",
        "Threatened never: no page and no signal says when",
        "Outer (o) succeeds only if every one of these is kept:\n  AND all of Inner (i)\n",
    ):
        assert expected in words


# ------------------------------------------------------------------------------------------------- lines of keys

LINES = """\
top = 1 # a comment with [brackets] = "x"
"quoted key".'lit.eral' = '''
not = "a key"
'''
[a.b]
c = [ # a list
  { x = 1, y.z = "}]," }, [
    2, "two" ],
]
d = { } # empty
text = \"\"\"
[not.a.header]
esc \\"\"\" still \"\"\"\"\"

[[a.rows]]
when = 1979-05-27 07:32:00Z
[[a.rows]]
[a.rows.inner]
n = 0xff
[[a.rows.deep]]
k = -inf
[ "a" . last ]
z = []
"esc\\u0041pe" = true
[a]
late = 1
"""


def test_lines_of_keys() -> None:
    tomllib.loads(LINES)
    lines = find_lines(LINES)
    for path, line in {
        ("top",): 1,
        ("quoted key", "lit.eral"): 2,
        ("a", "b"): 5,
        ("a", "b", "c"): 6,
        ("a", "b", "c", 0): 7,
        ("a", "b", "c", 0, "y", "z"): 7,
        ("a", "b", "c", 1, 1): 8,
        ("a", "b", "d"): 10,
        ("a", "b", "text"): 11,
        ("a", "rows", 0): 15,
        ("a", "rows", 0, "when"): 16,
        ("a", "rows", 1): 17,
        ("a", "rows", 1, "inner"): 18,
        ("a", "rows", 1, "deep", 0, "k"): 21,
        ("a", "last", "z"): 23,
        ("a", "last", "escApe"): 24,
        ("a",): 25,
        ("a", "late"): 26,
    }.items():
        assert lines[path] == line, path
    assert ("a", "b", "not") not in lines


def _quoted(text: str) -> str:
    body = "".join(c if c.isprintable() and c not in '"\\' else f"\\U{ord(c):08x}" for c in text)
    return f'"{body}"'


BARE = st.text("ab-_1", min_size=1, max_size=3)
KEYS = st.one_of(BARE, st.text(max_size=4).map(_quoted))
SCALARS = st.one_of(
    st.integers(-(10**6), 10**6).map(str),
    st.sampled_from(
        ["true", "1979-05-27 07:32:00Z", "-inf", "1e5", "07:32:00", "''", "'''a\n'b''c'''", '"""x\n""y"""']
    ),
    st.text(max_size=6).map(_quoted),
)
BLANK = st.sampled_from(["", " ", "\t"])
GAP = st.sampled_from(["", " ", "\n", " # x ] } \" '\n"])


def _lists(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    arrays = st.tuples(GAP, st.lists(st.tuples(inner, GAP).map("".join), max_size=3)).map(
        lambda it: f"[{it[0]}{','.join(it[1])}]"
    )
    tables = st.lists(st.tuples(KEYS, inner), max_size=3, unique_by=lambda it: _plain(it[0])).map(
        lambda it: "{" + ", ".join(f"{key} = {value}" for key, value in it) + "}"
    )
    return st.one_of(arrays, tables)


def _plain(key: str) -> str:
    return next(iter(tomllib.loads(f"{key} = 1")))


VALUES = st.recursive(SCALARS, _lists, max_leaves=8)
DOTTED = st.lists(KEYS, min_size=1, max_size=3)
STATEMENTS = st.one_of(
    st.tuples(DOTTED, BLANK, VALUES).map(
        lambda it: f"{it[1]}{(it[1] + '.' + it[1]).join(it[0])}{it[1]}={it[1]}{it[2]}"
    ),
    DOTTED.map(lambda it: f"[{'.'.join(it)}]"),
    DOTTED.map(lambda it: f"[[ {' . '.join(it)} ]] # x"),
    st.just("# comment = 1"),
)


def _paths(value: object, path: Path = ()) -> set[Path]:
    inner: list[tuple[str | int, object]] = []
    if isinstance(value, dict):
        inner = list(value.items())
    elif isinstance(value, list):
        inner = list(enumerate(value))
    return {path} | {deep for part, it in inner for deep in _paths(it, (*path, part))}


@given(st.lists(STATEMENTS, max_size=6).map("\n".join))
def test_every_key_of_any_toml_has_a_line(text: str) -> None:
    try:
        content = tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        return
    lines = find_lines(text)
    assert set(lines) == _paths(content) - {()}
    assert all(1 <= line <= text.count("\n") + 1 for line in lines.values())


# ---------------------------------------------------------------------------------------------------------- fuzz


def _takes_or_refuses(text: str) -> None:
    try:
        plan = parse_plan(text)
    except PlanError as refused:
        problems = refused.problems
    else:
        assert describe(plan)
        return
    assert problems
    assert [it.line for it in problems] == sorted(it.line for it in problems)
    assert all(it.what and it.remedy and "\n" not in str(it) for it in problems)


@given(st.text())
@example("\ud800")
@example("a = [\x00]")
def test_any_text_is_taken_or_refused(text: str) -> None:
    _takes_or_refuses(text)
    _takes_or_refuses(SITE + text)


@given(st.lists(STATEMENTS, max_size=6).map("\n".join))
def test_any_toml_is_taken_or_refused(text: str) -> None:
    _takes_or_refuses(text)


WORDS = st.sampled_from(
    ["1", "-1", "true", '"3m"', '"0s"', "[]", "{}", '["a"]', "[[1]]", "nan", "1979-05-27", '""', '"flight"', '"reset"',
     "[{}]", '{ a = "b" }', '"counter-a"', '"mark-a"', f"{'9' * 300}", '"' + "x" * 600 + '"', '"moved"', '["reset", "reset"]']
)  # fmt: skip


@given(st.data())
def test_any_value_in_a_good_plan_may_be_any_other(data: st.DataObject) -> None:
    lines = (SITE + AIRPORT).splitlines()
    for _ in range(data.draw(st.integers(1, 4))):
        place = data.draw(st.integers(0, len(lines) - 1))
        key, equals, _ = lines[place].partition(" = ")
        what = data.draw(st.integers(0, 2))
        if what == 0 and equals:
            lines[place] = f"{key} = {data.draw(WORDS)}"
        elif what == 1:
            lines[place] = ""
        else:
            lines.insert(place, lines[data.draw(st.integers(0, len(lines) - 1))])
    _takes_or_refuses("\n".join(lines))


AIRPORT = """
[channels.radio]
url = "mqtt://"
[groups.agents]
name = "Agents"
channels = ["radio"]
[touchpoints.counter-a]
name = "Counter A"
group = "agents"
hours = "04:30-23:30"
[nodes.desk]
touchpoint = "counter-a"
[nodes.desk.devices.mot]
kind = "mot-button"
button = 17
signals = { press = "pressed" }
[nodes.desk.devices.mark]
kind = "distance"
echo = 5
trigger = 6
near = 1
[nodes.desk.devices.sign]
kind = "sign"
width = 64
[nodes.desk.devices.done]
kind = "done-button"
button = 7
sign = "sign"
[expectations.wait]
promise = "I wait no more than 15 minutes."
touchpoints = ["counter-a"]
key = "flight"
opens = ["pressed", "reached"]
closes = ["reset", "cleared"]
threatens = ["jammed"]
fails_on = ["broken"]
voids = ["cancelled"]
holds = { reached = "cleared" }
fails_after = "3m"
countdown = "2m"
better_than = "1m"
rejoins_within = "1s"
gives_up_after = "2h"
remedy = "Sorry."
[[expectations.wait.pages]]
left = "3m"
group = "agents"
unless = "claimed"
[interactions.arrival]
name = "Arriving"
key = "flight"
inputs = ["wait"]
[interactions.journey]
name = "All"
key = "flight"
inputs = ["arrival"]
"""


def test_gates_that_share_their_inputs_are_walked_once() -> None:
    level = "".join(
        f'[interactions.g{depth}-{n}]\nname = "G"\nkey = "flight"\ninputs = [{inputs}]\n'
        for depth in range(15)
        for inputs in (", ".join(f'"g{depth + 1}-{it}"' for it in range(9)) if depth < 14 else '"wait"',)
        for n in range(9)
    )
    assert parse_plan(SITE + AIRPORT + level).expectations_of("g0-0") == ("wait",)


def test_the_fuzzed_plan_is_good_to_begin_with() -> None:
    assert parse_plan(SITE + AIRPORT).expectations_of("journey") == ("wait",)
