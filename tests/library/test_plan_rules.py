"""Every rule of the plan: one mistake each, and what is said about it."""

# ruff: noqa: E501 - the rules are a table, one a line

from __future__ import annotations

import pytest

from andgate.errors import PlanError, Problem
from andgate.plan import describe, parse_plan
from andgate.plan.addresses import hook_address, hook_key, pager_address, push_contact

SECRET = f'secret = "whsec_{"A" * 43}="'
PLAN = """\
[site]
id = "agx"
name = "Andgate International"
timezone = "Europe/Rome"
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
[nodes.desk.devices.mark]
kind = "distance"
echo = 5
trigger = 6
[nodes.desk.devices.sign]
kind = "sign"
[nodes.desk.devices.done]
kind = "done-button"
button = 7
[expectations.wait]
promise = "I wait no more than 15 minutes."
touchpoints = ["counter-a"]
opens = ["pressed", "reached"]
closes = ["reset", "cleared"]
holds = { reached = "cleared" }
fails_after = "3m"
[[expectations.wait.pages]]
left = "3m"
group = "agents"
[[expectations.wait.pages]]
left = "90s"
group = "agents"
unless = "claimed"
[expectations.bags]
promise = "I have my bag within 25 minutes."
touchpoints = ["counter-a"]
key = "flight"
opens = ["docked"]
closes = ["unloaded"]
fails_after = "25m"
[interactions.arrival]
name = "Arriving"
key = "flight"
inputs = ["bags", "wait"]
"""

KEY = 'key = "flight"\n'

RULES = [
    # (what to replace, by what, line, key, in what is wrong, in the remedy)
    # site
    ('[site]\nid = "agx"\nname = "Andgate International"\ntimezone = "Europe/Rome"\n', "", 0, "site", "missing", "[site]"),
    ('id = "agx"\n', "", 1, "site.id", "missing", 'id = "agx"'),
    ('name = "Andgate International"\n', "", 1, "site.name", "missing", "name ="),
    ('timezone = "Europe/Rome"\n', "", 1, "site.timezone", "missing", "Europe/Rome"),
    ("Europe/Rome", "Europe/Roma", 4, "site.timezone", "unknown time zone", 'Did you mean "Europe/Rome"? Write an IANA'),
    ("Europe/Rome", "xqxqxq", 4, "site.timezone", "unknown time zone", 'Write an IANA name such as "Europe/Rome"'),
    ("Europe/Rome", "Europe", 4, "site.timezone", "unknown time zone", "IANA"),
    ("Europe/Rome", "../etc/passwd", 4, "site.timezone", "unknown time zone", "IANA"),
    ('"agx"', '"AGX Airport"', 2, "site.id", "bad id", 'such as "agx-airport"'),
    ('"agx"', '"!!"', 2, "site.id", "bad id", "Use lower-case"),
    ('"agx"', '""', 2, "site.id", "bad id", "Use lower-case"),
    ('"agx"', '"agx\\n"', 2, "site.id", "bad id", 'such as "agx"'),
    ('"agx"', "7", 2, "site.id", "must be text, not 7", "quotes"),
    ('id = "agx"', 'id = "agx"\ncolour = "red"', 3, "site.colour", "unknown key", "Name one of: "),
    ('id = "agx"', 'id = "agx"\ntechnicians = "agent"', 3, "site.technicians", "unknown group", 'Did you mean "agents"?'),
    ('id = "agx"', 'id = "agx"\ntechnicians = 1', 3, "site.technicians", "must be the id of a group", "agents"),
    ('id = "agx"', 'id = "agx"\ntechnicians_after = "2m"', 3, "site.technicians_after", "pages nobody", "technicians ="),
    ('id = "agx"', 'id = "agx"\ntechnicians = "agents"\ntechnicians_after = "2"', 4, "site.technicians_after", "duration", "45s"),
    ('id = "agx"', 'id = "agx"\nurl = "andgate.example.com"', 3, "site.url", "no address", "https://andgate.example.com"),
    ('id = "agx"', 'id = "agx"\nurl = "https://a.example/?x=1"', 3, "site.url", "no address", "how people outside"),
    ('id = "agx"', 'id = "agx"\nurl = "ftp://a.example"', 3, "site.url", "no address", "how people outside"),
    ("[site]", "site = 3\n[sites]", 1, "site", "must be a table, not 3", "Write [site]"),
    ('"Andgate International"', '"  "', 3, "site.name", "empty", "Write"),
    ('"Andgate International"', '"a\\u0000"', 3, "site.name", "control characters", "plain text"),
    ('"Andgate International"', f'"{"a" * 501}"', 3, "site.name", "501 characters", "at most 500"),
    # channels, groups, touchpoints
    ('"mqtt://"', '"radio"', 6, "channels.radio.url", "no URL with a scheme", "mqtt://"),
    ('url = "mqtt://"\n', "", 5, "channels.radio.url", "missing", "mqtt://"),
    ('"mqtt://"', '"snpp://pages.example"', 6, "channels.radio.url", "does not name a pager", "snpp://HOST:444/PAGER-ID"),
    ('"mqtt://"', '"snpp://pages.example/1/2"', 6, "channels.radio.url", "does not name a pager", "one pager"),
    ('"mqtt://"', '"snpp://pages.example/1?pin=2"', 6, "channels.radio.url", "does not name a pager", "one pager"),
    ('"mqtt://"', '"snpp://pages.example:99999/1"', 6, "channels.radio.url", "does not name a pager", "its port"),
    ('"mqtt://"', '"snpp://me@pages.example/1"', 6, "channels.radio.url", "does not name a pager", "one pager"),
    ('"mqtt://"', '"snpp://pages.exämple/1"', 6, "channels.radio.url", "does not name a pager", "one pager"),
    ('"mqtt://"', '"webpush://phones"', 6, "channels.radio.url", "more than phones need", "phones add themselves"),
    ('"mqtt://"', '"webhook+https://hooks.example"', 5, "channels.radio.secret", "missing", "openssl rand"),
    ('"mqtt://"', '"webhook+https://hooks.example"\nsecret = 1', 7, "channels.radio.secret", "base64 of 24 to 64", "openssl"),
    ('"mqtt://"', '"webhook+https://hooks.example"\nsecret = "hunter2"', 7, "channels.radio.secret", "whsec_", "openssl"),
    ('"mqtt://"', '"webhook+https://hooks.example"\nsecret = "whsec_hunter2"', 7, "channels.radio.secret", "whsec_", "openssl"),
    ('"mqtt://"', '"webhook+https://hooks.example"\nsecret = "whsec_aHVudGVyMg=="', 7, "channels.radio.secret", "24", "openssl"),
    ('"mqtt://"', f'"webhook+https://a:hunter2@hooks.example"\n{SECRET}', 6, "channels.radio.url", "posted to", "its own key"),
    ('"mqtt://"', '"mqtt://"\nsecret = "hunter2"', 7, "channels.radio.secret", "signs nothing", "webhook+https://HOST/PATH"),
    ('channels = ["radio"]', 'channels = ["radoi"]', 9, "groups.agents.channels[0]", "unknown channel", 'Did you mean "radio"?'),
    ('channels = ["radio"]', 'channels = "radio"', 9, "groups.agents.channels", "must be a list", "brackets"),
    ('channels = ["radio"]', "channels = [1]", 9, "groups.agents.channels[0]", "must be the id of a channel", "radio"),
    ('channels = ["radio"]', 'channels = ["radio", "radio"]', 9, "groups.agents.channels[1]", "named twice", "Delete one"),
    ('[channels.radio]\nurl = "mqtt://"\n', "", 7, "groups.agents.channels[0]", "unknown channel", "add one first"),
    ("[groups.agents]", "[groups]\nx = 1\n[groups.agents]", 8, "groups.x", "must be a table", "[groups.x]"),
    ("[groups.agents]", "[group.x]\n[groups.agents]", 7, "group", "unknown key", 'Did you mean "groups"?'),
    ("[channels.radio]", '[channels.Radio_1]\nurl = "mqtt://"\n[channels.radio]', 5, "channels.Radio_1", "bad id", '"radio-1"'),
    ("[channels.radio]", '[channels."a b"]\nurl = "mqtt://"\n[channels.radio]', 5, 'channels."a b"', "bad id", '"a-b"'),
    ('group = "agents"\nhours', "hours", 10, "touchpoints.counter-a.group", "missing", "Name one of: agents"),
    ('group = "agents"\nhours', 'group = "agent"\nhours', 12, "touchpoints.counter-a.group", "unknown group", "agents"),
    ('"04:30-23:30"', '"4:30-23:30"', 13, "touchpoints.counter-a.hours", "no span", "04:30-23:30"),
    ('"04:30-23:30"', '"04:30-25:30"', 13, "touchpoints.counter-a.hours", "no clock shows", "04:30-23:30"),
    ('"04:30-23:30"', '"04:30-23:60"', 13, "touchpoints.counter-a.hours", "no clock shows", "04:30-23:30"),
    ('"04:30-23:30"', '"24:00-23:30"', 13, "touchpoints.counter-a.hours", "no clock shows", "04:30-23:30"),
    ('"04:30-23:30"', '"04:30-04:30"', 13, "touchpoints.counter-a.hours", "ends when it begins", "leave it out"),
    ('"04:30-23:30"', "04:30:00", 13, "touchpoints.counter-a.hours", "the date or time 04:30:00", "quotes"),
    # nodes and devices
    ('touchpoint = "counter-a"', 'touchpoint = "counter"', 15, "nodes.desk.touchpoint", "unknown touchpoint", '"counter-a"'),
    ('kind = "mot-button"', 'kind = "mot"', 17, "nodes.desk.devices.mot.kind", "unknown kind of device", "mot-button"),
    ('kind = "mot-button"\n', "", 16, "nodes.desk.devices.mot.kind", "missing", "beam"),
    ('kind = "mot-button"', "kind = []", 17, "nodes.desk.devices.mot.kind", "unknown kind of device a list", "beam"),
    ("button = 17\n", "", 16, "nodes.desk.devices.mot.button", "missing", "button = 17"),
    ("button = 17", "button = 28", 18, "nodes.desk.devices.mot.button", "from 0 to 27, not 28", "Write one"),
    ("button = 17", "button = -1", 18, "nodes.desk.devices.mot.button", "not -1", "Write one"),
    ("button = 17", "button = true", 18, "nodes.desk.devices.mot.button", "not true", "Write one"),
    ("button = 17", 'button = "17"', 18, "nodes.desk.devices.mot.button", 'not "17"', "Write one"),
    ("button = 17", "button = 17\nlamp = 17", 19, "nodes.desk.devices.mot.lamp", "taken by mot.button", "free one: 4, 8, 9"),
    ("button = 7", "button = 6", 27, "nodes.desk.devices.done.button", "taken by mark.trigger", "free one: 4, 7, 8"),
    ("button = 17", 'button = 17\nbutto = "x"', 19, "nodes.desk.devices.mot.butto", "unknown key", 'mean "button"'),
    ("button = 17", 'button = 17\nstyle = "loud"', 19, "nodes.desk.devices.mot.style", "unknown style", "latching"),
    ("button = 17", 'button = 17\nhold = "2"', 19, "nodes.desk.devices.mot.hold", '"2" is not a duration', "45s"),
    ("button = 17", "button = 17\nhold = 2", 19, "nodes.desk.devices.mot.hold", "2 is not a duration", "45s"),
    ("button = 17", 'button = 17\nhold = "20ms"', 19, "nodes.desk.devices.mot.hold", "not longer than settle", '"2s"'),
    ("button = 17", 'button = 17\nsignals = { pres = "x" }', 19, "nodes.desk.devices.mot.signals.pres", "unknown key", "press"),
    ("button = 17", 'button = 17\nsignals = { press = "X" }', 19, "nodes.desk.devices.mot.signals.press", "bad id", '"x"'),
    ("button = 17", 'button = 17\nsignals = { press = "blind" }', 19, "nodes.desk.devices.mot.signals.press", "by itself", "blind-here"),
    ("button = 17", 'button = 17\nsignals = { press = "reset" }', 19, "nodes.desk.devices.mot.signals", "same name", "of its own"),
    ("trigger = 6", "trigger = 6\nnear = 2", 23, "nodes.desk.devices.mark.near", "2 m is not nearer than far = 1.5 m", "gap"),
    ("trigger = 6", "trigger = 6\nnear = nan", 23, "nodes.desk.devices.mark.near", "not nan", "1.5"),
    ("trigger = 6", "trigger = 6\nnear = inf", 23, "nodes.desk.devices.mark.near", "not inf", "1.5"),
    ("trigger = 6", "trigger = 6\nnear = 0", 23, "nodes.desk.devices.mark.near", "greater than 0", "1.5"),
    ("trigger = 6", f"trigger = 6\nnear = {'9' * 400}", 23, "nodes.desk.devices.mark.near", "a huge number", "1.5"),
    ("trigger = 6", "trigger = 6\nnear = true", 23, "nodes.desk.devices.mark.near", "not true", "1.5"),
    ('kind = "sign"', 'kind = "sign"\nwidth = 0', 25, "nodes.desk.devices.sign.width", "from 1 to", "Write one"),
    ("button = 7\n", 'button = 7\nsign = "led"\n', 28, "nodes.desk.devices.done.sign", "does not exist", "Name one of: sign"),
    ("button = 7\n", 'button = 7\nsign = "mot"\n', 28, "nodes.desk.devices.done.sign", "is no sign", "Name one of: sign"),
    ("[nodes.desk.devices.done]", '[nodes.desk.devices.two]\nkind = "sign"\n[nodes.desk.devices.done]', 27, "nodes.desk.devices.done.sign", "several signs", "sign, two"),
    ('[nodes.desk]\ntouchpoint = "counter-a"', "[nodes.desk]", 15, "nodes.desk.devices.mot.touchpoint", "missing, here and at the node", "counter-a"),
    ('kind = "sign"', 'kind = "sign"\ntouchpoint = "b"', 25, "nodes.desk.devices.sign.touchpoint", "unknown touchpoint", "counter-a"),
    # expectations
    ('promise = "I wait no more than 15 minutes."\n', "", 28, "expectations.wait.promise", "missing", "15 minutes"),
    ('fails_after = "3m"\n', "", 28, "expectations.wait.fails_after", "missing", '"15m"'),
    ('fails_after = "3m"', 'fails_after = "0s"', 34, "expectations.wait.fails_after", "longer than nothing", "3m"),
    ('fails_after = "3m"', 'fails_after = "3 m"', 34, "expectations.wait.fails_after", "not a duration", "1h30m"),
    ('fails_after = "3m"', 'fails_after = "745h"', 34, "expectations.wait.fails_after", "longer than 744h", "1h30m"),
    ('touchpoints = ["counter-a"]\nopens = ["pressed"', 'touchpoints = []\nopens = ["pressed"', 30, "expectations.wait.touchpoints", "empty list", "at least one touchpoint"),
    ('touchpoints = ["counter-a"]\nopens = ["pressed"', 'opens = ["pressed"', 28, "expectations.wait.touchpoints", "missing", "touchpoint"),
    ('touchpoints = ["counter-a"]\nopens = ["pressed"', 'touchpoints = ["counter-b"]\nopens = ["pressed"', 30, "expectations.wait.touchpoints[0]", "unknown touchpoint", 'mean "counter-a"'),
    ('opens = ["docked"]\n', "", 42, "expectations.bags.opens", "missing", "at least one signal"),
    ('closes = ["unloaded"]\n', "", 42, "expectations.bags.closes", "missing", "at least one signal"),
    ('opens = ["docked"]', 'opens = ["Docked"]', 46, "expectations.bags.opens[0]", "bad id", '"docked"'),
    ('opens = ["docked"]', 'opens = ["moved"]', 46, "expectations.bags.opens[0]", "by itself", "moved-here"),
    ('opens = ["docked"]', 'opens = ["docked", "unloaded"]', 47, "expectations.bags.closes[0]", '"unloaded" closes it, but opens says', "opens or closes"),
    ('opens = ["docked"]', 'opens = ["docked"]\nthreatens = ["docked"]', 47, "expectations.bags.threatens[0]", "but opens", "one of the two"),
    ('opens = ["docked"]', 'opens = ["docked"]\nfails_on = ["docked"]', 47, "expectations.bags.fails_on[0]", "but opens", "one of the two"),
    ('opens = ["docked"]', 'opens = ["docked"]\nvoids = ["x", "unloaded"]', 47, "expectations.bags.voids[1]", "but closes", "one of the two"),
    ('opens = ["docked"]', 'opens = ["docked"]\nvoids = ["x"]\nfails_on = ["x"]', 47, "expectations.bags.voids[0]", "but fails_on", "fails_on or voids"),
    ('reached = "cleared"', 'reached = "reached"', 33, "expectations.wait.holds.reached", "its own hold", "cleared"),
    ('reached = "cleared"', 'reached = "x", x = "y"', 33, "expectations.wait.holds.reached", "is itself a hold", "either"),
    ('reached = "cleared"', 'reset = "x"', 33, "expectations.wait.holds.reset", "refuses every closing", "out of holds"),
    ('reached = "cleared"', "reached = 1", 33, "expectations.wait.holds.reached", "must be text", "quotes"),
    ('reached = "cleared"', 'Reached = "cleared"', 33, "expectations.wait.holds.Reached", "bad id", '"reached"'),
    ('reached = "cleared"', 'blind = "x"', 33, "expectations.wait.holds.blind", "by itself", "blind-here"),
    ('reached = "cleared"', 'reached = "gap"', 33, "expectations.wait.holds.reached", "by itself", "gap-here"),
    ('holds = { reached = "cleared" }', 'holds = "cleared"', 33, "expectations.wait.holds", "must be a table", "[expectations.wait.holds]"),
    ('fails_after = "25m"', 'fails_after = "25m"\ncountdown = "26m"', 49, "expectations.bags.countdown", "26m is longer than fails_after = 25m", "at most 25m"),
    ('fails_after = "25m"', 'fails_after = "25m"\nbetter_than = "25m"', 49, "expectations.bags.better_than", "not shorter", "less than 25m"),
    ('fails_after = "25m"', 'fails_after = "25m"\nfails_afer = "25m"', 49, "expectations.bags.fails_afer", "unknown key", "fails_after"),
    # pages
    ('left = "3m"', 'left = "181s"', 36, "expectations.wait.pages[0].left", "3m1s is longer than fails_after = 3m", "at most 3m"),
    ('left = "90s"', 'left = "3m"', 39, "expectations.wait.pages[1].left", '"agents" is paged twice at 3m', "Delete one"),
    ('left = "90s"\n', "", 38, "expectations.wait.pages[1].left", "missing", "3m"),
    ('left = "90s"\ngroup = "agents"\n', 'left = "90s"\n', 38, "expectations.wait.pages[1].group", "missing", "agents"),
    ('unless = "claimed"', 'repeat = "10s"', 41, "expectations.wait.pages[1].repeat", "nobody can answer within 10s", "15s"),
    ('fails_after = "25m"', 'fails_after = "25m"\nneeds = 0', 49, "expectations.bags.needs", "from 1 to 20", "without quotes"),
    ('unless = "claimed"', 'unless = "busy"', 41, "expectations.wait.pages[1].unless", "unknown condition", "claimed"),
    ('unless = "claimed"', 'until = "claimed"', 41, "expectations.wait.pages[1].until", "unknown key", "unless"),
    ('fails_after = "25m"', 'fails_after = "25m"\npages = 1', 49, "expectations.bags.pages", "list of tables", "[[expectations.bags.pages]]"),
    ('fails_after = "25m"', 'fails_after = "25m"\npages = [\n1]', 50, "expectations.bags.pages[0]", "must be a table", "two brackets"),
    # interactions
    ('inputs = ["bags", "wait"]\n', "", 49, "interactions.arrival.inputs", "missing", "at least one"),
    ('inputs = ["bags", "wait"]', 'inputs = ["bag"]', 52, "interactions.arrival.inputs[0]", "unknown expectation or interaction", 'mean "bags"'),
    ('inputs = ["bags", "wait"]', 'inputs = ["bags", "bags"]', 52, "interactions.arrival.inputs[1]", "named twice", "Delete"),
    ('name = "Arriving"\n', "", 49, "interactions.arrival.name", "missing", "Arriving"),
    (KEY + "inputs", "inputs", 49, "interactions.arrival.key", 'input "bags" has the key "flight"', 'Add key = "flight"'),
    (KEY + "inputs", 'key = "visit"\ninputs', 52, "interactions.arrival.inputs", 'key "flight", this gate "visit"', 'write key = "flight"'),
    (KEY + "inputs", 'key = "V"\ninputs', 51, "interactions.arrival.key", "bad id", '"v"'),
    ('inputs = ["bags", "wait"]', 'inputs = ["arrival"]', 52, "interactions.arrival.inputs", "itself: arrival > arrival", "Take one"),
    ("[interactions.arrival]", '[interactions.wait]\nname = "W"\ninputs = ["bags"]\nkey = "flight"\n[interactions.arrival]', 49, "interactions.wait", "expectation too", "of its own"),
    ("[interactions.arrival]", '[interactions.g]\nname = "W"\ninputs = ["h"]\n[interactions.h]\nname = "W"\ninputs = ["g"]\n[interactions.arrival]', 51, "interactions.g.inputs", "g > h > g", "Take one"),
]  # fmt: skip


def problems_of(text: str) -> tuple[Problem, ...]:
    with pytest.raises(PlanError) as refused:
        parse_plan(text)
    return refused.value.problems


def test_the_plan_without_mistakes_is_taken() -> None:
    assert list(parse_plan(PLAN).expectations) == ["wait", "bags"]


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
    assert all(not problem.remedy.endswith((".", "?")) and problem.remedy for problem in problems)


SYNTAX = [
    ("[site", 1, "not TOML", "this line"),
    ('[site]\nid = "a\n', 2, "not TOML", "this line"),
    ('a = """\nx', 2, "at the end of the file", "this line"),
    ("a = 1\na = 2", 2, "not TOML: Cannot overwrite a value at the end", "every key once"),
    ("a = 1979-13-01", 1, "not TOML", "this line"),
    (f"a = {'9' * 5000}", 0, "too many digits", "this line"),
    (f"a = {'[' * 5000}", 0, "too deep", "headers"),
    ("a = 1\n# \ud800", 2, "half of one", "UTF-8"),
    ("#" * 4_000_001, 0, "4000001 characters", "a plan"),
    ("\0", 1, "not TOML", "this line"),
]


@pytest.mark.parametrize(("text", "line", "what", "remedy"), SYNTAX)
def test_what_is_not_toml_is_told_with_its_line(text: str, line: int, what: str, remedy: str) -> None:
    (problem,) = problems_of(text)
    assert (problem.line, problem.key) == (line, "plan")
    assert what in problem.what
    assert remedy in problem.remedy


def test_all_problems_are_told_at_once_and_in_file_order() -> None:
    text = PLAN.replace('inputs = ["bags", "wait"]', "inputs = []").replace("Europe/Rome", "Rome").replace("17", "99")
    assert [problem.line for problem in problems_of(text)] == [4, 18, 52]


def test_a_wrong_channel_url_is_not_repeated_for_it_may_hold_a_secret() -> None:
    for wrong in (
        '"mailto:me:hunter2"',
        '"webhook+https://a:hunter2@hooks.example"\nsecret = "whsec_hunter2"',
        '"webhook+https://hooks.example"\nsecret = ["hunter2"]',
        '"mqtt://"\nsecret = "hunter2"',
        '"snpp://hunter2@pages.example"',
    ):
        problems = problems_of(PLAN.replace('"mqtt://"', wrong))
        assert problems
        assert "hunter2" not in str(problems)


def test_addresses_of_the_channels_of_our_own() -> None:
    assert pager_address("snpp://Pages.example/555-1234") == ("pages.example", 444, "555-1234", False)
    assert pager_address("snpp://pages.example/7?two-way=1") == ("pages.example", 444, "7", True)
    assert pager_address("SNPP://[::1]:4444/7") == ("::1", 4444, "7", False)
    for url in ("snpp://pages.example/", "snpp:///7", "snpp://pages.example:0/7", "snpp://[pages/7", "mqtt://a/7"):
        assert pager_address(url) is None
    assert hook_address("webhook+https://hooks.example/a?b=c") == (True, "hooks.example", 443, "/a?b=c")
    assert hook_address("webhook+http://hooks.example:8000") == (False, "hooks.example", 8000, "/")
    assert hook_address("webhook+http://hooks.example") == (False, "hooks.example", 80, "/")
    assert push_contact("webpush://") == ""
    assert push_contact("WebPush://duty@agx.example") == "duty@agx.example"
    assert push_contact("webpush://duty@agx.example/") is None
    assert hook_address("https://hooks.example") is None
    assert hook_key("whsec_" + "A" * 32) == bytes(24)
    assert hook_key("whsec_" + "A" * 88) is None
    assert hook_key("whsec_ä") is None


def test_own_channels_in_words() -> None:
    for url, what in (
        ('"snpp://pages.example/7"', "radio (a pager, over SNPP)"),
        ('"webpush://"', "radio (phones that asked for it)"),
        (f'"webhook+https://hooks.example/"\n{SECRET}', "radio (a signed web hook)"),
        (f'"webhook+http://hooks.example/"\n{SECRET}', "radio (a signed web hook, not encrypted)"),
        ('"mailto://a:b@mail.example"', "reached by radio\n"),
    ):
        plan = parse_plan(PLAN.replace('"mqtt://"', url))
        assert what in describe(plan)
        assert "example" not in describe(plan), "a URL may hold a secret"
    assert parse_plan(PLAN).channels["radio"].secret is None


def test_a_mistake_in_one_table_is_not_told_again_where_it_is_named() -> None:
    problems = problems_of(
        PLAN.replace('name = "Agents"\n', "").replace('promise = "I have my bag', 'promises = "I have')
    )
    assert [problem.key for problem in problems] == [
        "groups.agents.name",
        "expectations.bags.promise",
        "expectations.bags.promises",
    ]


def test_keyed_inputs_with_different_keys_cannot_be_put_right_by_one_key() -> None:
    other = '[expectations.seat]\npromise = "p"\ntouchpoints = ["counter-a"]\nkey = "visit"\nopens = ["a"]\ncloses = ["b"]\nfails_after = "1m"\n'
    text = PLAN.replace(KEY + 'inputs = ["bags", "wait"]', 'inputs = ["bags", "seat"]') + other
    assert {problem.remedy for problem in problems_of(text)} == {"All keyed inputs of a gate need one and the same key"}


def test_gates_may_lie_in_gates_but_not_without_end() -> None:
    def chain(length: int) -> str:
        gates = "".join(
            f'[interactions.g{n}]\nname = "G"\nkey = "flight"\ninputs = ["g{n + 1}"]\n' for n in range(length - 1)
        )
        return PLAN + gates + f'[interactions.g{length - 1}]\nname = "G"\nkey = "flight"\ninputs = ["bags"]\n'

    assert parse_plan(chain(16)).expectations_of("g0") == ("bags",)
    (problem,) = problems_of(chain(17))
    assert problem.key == "interactions.g0.inputs"
    assert "more than 16 gates" in problem.what
    assert len(problems_of(chain(3000))) == 1


def test_a_gate_that_only_leads_to_a_loop_is_not_blamed_for_it() -> None:
    loop = '[interactions.g]\nname = "G"\ninputs = ["h"]\n[interactions.h]\nname = "H"\ninputs = ["g"]\n'
    text = PLAN.replace('inputs = ["bags", "wait"]', 'inputs = ["bags", "g"]') + loop
    assert [problem.key for problem in problems_of(text)] == ["interactions.g.inputs", "interactions.h.inputs"]


def test_of_many_names_a_dozen_are_listed() -> None:
    many = "".join(f'[channels.c{n}]\nurl = "mqtt://"\n' for n in range(20))
    problems = problems_of(PLAN.replace('["radio"]', '["zzz"]') + many)
    assert "and 9 more" in problems[0].remedy


def test_a_node_full_of_devices_has_no_free_pin() -> None:
    lamps = "".join(
        f'[nodes.n.devices.l{n}]\nkind = "lamp"\ntouchpoint = "counter-a"\npin = {n % 28}\n' for n in range(29)
    )
    (problem,) = problems_of(PLAN + lamps)
    assert problem.what == "GPIO 0 is already taken by l0.pin"
    assert problem.remedy == "Use a free one: none is left on this node"
