"""How passengers are told, as a plan says it, and every way to say it wrong."""

from __future__ import annotations

import pytest

from andgate.errors import PlanError
from andgate.plan import describe, parse_plan

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
PLAN = f"""[site]
id = "agx"
name = "Andgate"
timezone = "UTC"
url = "https://andgate.example"
[groups.desk]
name = "Flight desk"
[touchpoints.desk]
name = "Flight desk"
group = "desk"
[expectations.told]
promise = "I am told within 5 minutes."
touchpoints = ["desk"]
key = "flight"
opens = ["delayed", "gate"]
closes = ["told"]
voids = ["nobody-asked"]
fails_after = "5m"
[alerts]
expectation = "told"
told = "told"
nobody = "nobody-asked"
keeps = "12h"
[alerts.ways.mail]
name = "E-mail"
takes = "address"
url = "mailto://mail.example?to={{address}}"
[alerts.ways.call]
name = "A call"
takes = "number"
url = "webhook+https://voice.example/calls"
secret = "{SECRET}"
[alerts.news]
delayed = "{{flight}} is late: {{time}}."
gate = "{{flight}} leaves from {{gate}}."
"""


def test_a_plan_says_how_passengers_are_told() -> None:
    plan = parse_plan(PLAN)
    alerts = plan.alerts
    assert alerts is not None
    assert (alerts.expectation, alerts.told, alerts.nobody, alerts.keeps_ms) == (
        "told",
        "told",
        "nobody-asked",
        43_200_000,
    )
    assert [(way.name, way.takes_number) for way in alerts.ways.values()] == [("E-mail", False), ("A call", True)]
    assert alerts.ways["call"].secret == SECRET
    words = describe(plan)
    assert "Who asked is told, by E-mail (mail) or A call (call); judged as told: told when everybody knows\n" in words
    assert 'delayed: "{flight} is late: {time}."' in words
    assert "example" not in words, "a URL may hold a secret"
    assert parse_plan(PLAN.replace('keeps = "12h"\n', "")).alerts != alerts


def test_what_passengers_are_told_is_a_part_of_the_version() -> None:
    without = PLAN[: PLAN.index("[alerts]")]
    assert parse_plan(without).alerts is None
    assert len({parse_plan(text).version for text in (without, PLAN, PLAN.replace("is late", "is delayed"))}) == 3


@pytest.mark.parametrize(
    ("old", "new", "key", "what", "remedy"),
    [
        ('url = "https://andgate.example"\n', "", "alerts.expectation", "nothing to link to", "Add url ="),
        ('expectation = "told"', 'expectation = "tell"', "alerts.expectation", "unknown", "Name one of: told"),
        ('expectation = "told"\n', "", "alerts.expectation", "missing", "told"),
        ('\ntold = "told"', "", "alerts.told", "missing", "told ="),
        ('\ntold = "told"', '\ntold = "tald"', "alerts.told", "does not close", 'Did you mean "told"?'),
        ('nobody = "nobody-asked"\n', "", "alerts.nobody", "missing", "nobody ="),
        ('\nnobody = "nobody-asked"', '\nnobody = "no"', "alerts.nobody", "does not void", "nobody-asked"),
        ('voids = ["nobody-asked"]\n', "", "alerts.nobody", "does not void", 'Add voids = ["nobody-asked"]'),
        ('key = "flight"\n', "", "alerts.expectation", "has no key", "Add key ="),
        ('keeps = "12h"', 'keeps = "31d"', "alerts.keeps", "not a duration", "45s"),
        ('keeps = "12h"', 'keeps = "721h"', "alerts.keeps", "longer than", "a few days"),
        ('opens = ["delayed", "gate"]', 'opens = ["delayed"]', "alerts.news", '"gate" does not open', "delayed"),
        ('gate = "{flight} leaves from {gate}."\n', "", "alerts.news", 'no words for "gate"', "gate ="),
        ("is late: {time}", "is late: {0}", "alerts.news.delayed", "no place for a word", "{gate}"),
        ("is late: {time}", "is late: {", "alerts.news.delayed", "no place for a word", "{gate}"),
        ('"{flight} is late: {time}."', "3", "alerts.news.delayed", "must be text", "quotes"),
        ('\ndelayed = "{flight}', '\nDelayed = "x"\ndelayed = "{flight}', "alerts.news.Delayed", "bad id", "delayed"),
        ("?to={address}", "", "alerts.ways.mail.url", "the passenger's own address", "{address}"),
        ('takes = "address"\n', "", "alerts.ways.mail.takes", "missing", "address"),
        ('takes = "address"', 'takes = "pigeon"', "alerts.ways.mail.takes", "unknown sort", "address"),
        ('name = "E-mail"\n', "", "alerts.ways.mail.name", "missing", "E-mail"),
        ('url = "webhook+https://voice.example/calls"\n', "", "alerts.ways.call.url", "missing", "mqtt://"),
        (f'secret = "{SECRET}"\n', "", "alerts.ways.call.secret", "missing", "openssl"),
        ("[alerts]", "[[alerts]]", "alerts", "must be a table", "[alerts]"),
        ("keeps", "keep", "alerts.keep", "unknown key", "keeps"),
    ],
)
def test_what_is_wrong_is_said(old: str, new: str, key: str, what: str, remedy: str) -> None:
    assert old in PLAN
    with pytest.raises(PlanError) as refused:
        parse_plan(PLAN.replace(old, new, 1))
    found = [each for each in refused.value.problems if each.key == key]
    assert found, refused.value.problems
    assert any(what in each.what and remedy in each.remedy for each in found), found
    assert all(each.line for each in found)


def test_alerts_need_ways_and_news() -> None:
    for first, last, key in (("[alerts.ways.mail]", "[alerts.news]", "ways"), ("[alerts.news]", None, "news")):
        start = PLAN.index(first)
        text = PLAN[:start] + (PLAN[PLAN.index(last) :] if last else "")
        with pytest.raises(PlanError) as refused:
            parse_plan(text)
        assert f"alerts.{key}" in {each.key for each in refused.value.problems}
    with pytest.raises(PlanError):
        parse_plan(PLAN[: PLAN.index("[alerts.news]")].replace('keeps = "12h"', "news = 3"))
