"""Devices that serve no touchpoint: the annunciator and speaker of a group, the transmitter of a node."""

# ruff: noqa: E501 - the rules are a table, one a line

from __future__ import annotations

import pytest

from andgate.errors import PlanError, Problem
from andgate.plan import Plan, describe, parse_plan
from andgate.plan.addresses import pocsag_address

PLAN = """\
[site]
id = "agx"
name = "Andgate International"
timezone = "Europe/Rome"
[channels.pager]
url = "pocsag://roof/1234567"
[groups.agents]
name = "Agents"
channels = ["pager"]
[nodes.roof.devices.mast]
kind = "transmitter"
ptt = 21
[nodes.break-room.devices.alarm]
kind = "annunciator"
group = "agents"
button = 5
beacon = 6
quiet = "23:00-05:00"
[nodes.break-room.devices.voice]
kind = "speaker"
group = "agents"
ptt = 7
call_sign = "Andgate"
says_over = true
"""

RULES = [
    ('group = "agents"\nbutton', 'group = "agent"\nbutton', 15, "nodes.break-room.devices.alarm.group", "unknown group", 'mean "agents"'),
    ('group = "agents"\nbutton', "button", 13, "nodes.break-room.devices.alarm.group", "missing", "agents"),
    ('group = "agents"\nbutton', 'group = "agents"\ntouchpoint = "x"\nbutton', 16, "nodes.break-room.devices.alarm.touchpoint", "unknown key", "Name one of"),
    ("23:00-05:00", "at night", 18, "nodes.break-room.devices.alarm.quiet", "no span of the day", "04:30-23:30"),
    ("true", '"yes"', 24, "nodes.break-room.devices.voice.says_over", "must be true or false", "without quotes"),
    ('call_sign = "Andgate"\n', "", 19, "nodes.break-room.devices.voice.call_sign", "missing", "call_sign ="),
    ('"Andgate"\nsays', '"-v"\nsays', 23, "nodes.break-room.devices.voice.call_sign", "like an option", "at most 40"),
    ('"Andgate"\nsays', f'"{"a" * 41}"\nsays', 23, "nodes.break-room.devices.voice.call_sign", "too long", "at most 40"),
    ("roof/1234567", "roof/7", 6, "channels.pager.url", "does not name a pager", "8 to 2097151"),
    ("roof/1234567", "roof/2097152", 6, "channels.pager.url", "does not name a pager", "pocsag://NODE/RIC"),
    ("roof/1234567", "roof/123?baud=300", 6, "channels.pager.url", "does not name a pager", "pocsag://NODE/RIC"),
    ("roof/1234567", "roof:1/123", 6, "channels.pager.url", "does not name a pager", "pocsag://NODE/RIC"),
    ("roof/1234567", "break-room/123", 6, "channels.pager.url", 'node "break-room" has no transmitter', "Name one of: roof"),
    ("roof/1234567", "rof/123", 6, "channels.pager.url", 'node "rof" has no transmitter', 'mean "roof"'),
    ("[nodes.break", '[nodes.roof.devices.spare]\nkind = "transmitter"\nptt = 20\n[nodes.break', 6, "channels.pager.url", "two transmitters", "node of its own"),
]  # fmt: skip


def problems_of(text: str) -> tuple[Problem, ...]:
    with pytest.raises(PlanError) as refused:
        parse_plan(text)
    return refused.value.problems


@pytest.mark.parametrize(
    ("old", "new", "line", "key", "what", "remedy"), RULES, ids=[f"{row[3]}: {row[4]}"[:60] for row in RULES]
)
def test_a_mistake_is_told_with_line_key_and_remedy(
    old: str, new: str, line: int, key: str, what: str, remedy: str
) -> None:
    assert old in PLAN
    problems = problems_of(PLAN.replace(old, new, 1))
    assert any(
        (problem.line, problem.key) == (line, key) and what in problem.what and remedy in problem.remedy
        for problem in problems
    ), "\n".join(map(str, problems))


@pytest.fixture(scope="module")
def plan() -> Plan:
    return parse_plan(PLAN)


def test_they_belong_to_a_group_or_to_nobody(plan: Plan) -> None:
    alarm, voice, mast = (plan.devices[name] for name in ("break-room/alarm", "break-room/voice", "roof/mast"))
    assert (alarm.touchpoint, alarm.settings["group"], alarm.settings["quiet"]) == ("", "agents", "23:00-05:00")
    assert alarm.signals == {"press": "claimed"}
    assert voice.settings | {"says_over": True, "call_sign": "Andgate", "stale_ms": 30_000} == voice.settings
    assert (mast.touchpoint, mast.settings["invert"]) == ("", False)


def test_their_node_need_not_stand_at_a_touchpoint_and_may(plan: Plan) -> None:
    placed = PLAN + '[touchpoints.belt]\nname = "Belt"\ngroup = "agents"\n[nodes.break-room]\ntouchpoint = "belt"\n'
    assert parse_plan(placed).devices["break-room/alarm"].touchpoint == ""
    assert plan.nodes["break-room"].touchpoint is None


def test_in_words_they_stand_with_their_group(plan: Plan) -> None:
    said = describe(plan)
    assert "agents" in next(line for line in said.splitlines() if "annunciator" in line)
    assert "listens to claimed" not in said
    assert "pager (a pager, over POCSAG)" in said
    assert ", told by break-room/alarm, break-room/voice\n" in said


def test_a_group_that_only_its_break_room_tells_is_told_so() -> None:
    bare = (
        PLAN.replace('channels = ["pager"]\n', "")
        + """
[touchpoints.belt]
name = "Belt"
group = "agents"
[expectations.bags]
promise = "I have my bag."
touchpoints = ["belt"]
opens = ["docked"]
closes = ["unloaded"]
fails_after = "25m"
[[expectations.bags.pages]]
left = "8m"
group = "agents"
"""
    )
    said = describe(parse_plan(bare))
    assert "Agents (agents): no channel, told by break-room/alarm, break-room/voice only" in said
    assert "Note: Agents have no channel: they are told by break-room/alarm, break-room/voice only" in said


def test_addresses_of_pagers() -> None:
    assert pocsag_address("pocsag://roof/1234567") == ("roof", 1_234_567, 1200, 3, False)
    assert pocsag_address("pocsag://roof/8?baud=512&function=1") == ("roof", 8, 512, 1, False)
    assert pocsag_address("pocsag://roof/8?numeric=1") == ("roof", 8, 1200, 0, True)
    for url in ("snpp://roof/8", "pocsag:///8", "pocsag://roof/", "pocsag://roof/8?power=9", "pocsag://roof/8?baud=",
                "pocsag://roof/2007665", "pocsag://roof/8?numeric=2", "pocsag://roof/8?function=4", "pocsag://roof/8/9"):  # fmt: skip
        assert pocsag_address(url) is None
