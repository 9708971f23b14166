from __future__ import annotations

import pytest

from andgate.errors import PlanError
from andgate.plan import Plan, parse_plan
from andgate.plan.addresses import is_pager
from andgate.plan.model import USUAL_PACE
from andgate.plan.words import describe
from tests.plans import AGENTS, SITE

TEXT = SITE + AGENTS


def plan_of(site: str = "", group: str = "") -> Plan:
    return parse_plan(TEXT.replace('timezone = "Europe/Rome"', f'timezone = "Europe/Rome"\n{site}') + group)


def test_a_plan_that_says_nothing_of_pace_keeps_its_version_and_words() -> None:
    plan = plan_of()
    assert plan.groups["agents"].pace is USUAL_PACE
    assert plan.site.drill_min is None
    assert plan.groups["agents"].pace.bundles_from is None
    words = describe(plan)
    assert "Ticket agents (agents): reached by radio\n" in words
    assert "proven" not in words
    assert "told together" not in words


@pytest.mark.parametrize(
    ("group", "words"),
    [
        ("bundles_from = 0", "reached by radio; threats are never told together"),
        ('bundles_from = 6\nbundles_within = "1m"', "; from 6 threats within 1m on they are told together"),
        ('bundles_within = "1m"', "; threats within 1m may be told together"),
        ("pages_most = 3", "; at most 3 further pages within 5m"),
        ('pages_most = 3\npages_within = "1m"', "; at most 3 further pages within 1m"),
    ],
)
def test_a_group_says_how_much_at_once(group: str, words: str) -> None:
    assert words in describe(plan_of(group=group))


def test_the_channels_are_proven_at_night() -> None:
    plan = plan_of(site='drill = "03:30"')
    assert plan.site.drill_min == 210
    assert plan.version != plan_of().version
    assert "Every night at 03:30 all channels of the coming shift are proven, silently" in describe(plan)


@pytest.mark.parametrize(
    ("site", "group", "key", "what"),
    [
        ('drill = "25:00"', "", "site.drill", "no time of day"),
        ("drill = 3", "", "site.drill", "must be text"),
        ("", "bundles_from = 1", "groups.agents.bundles_from", "would bundle every page"),
        ("", "bundles_from = -1", "groups.agents.bundles_from", "whole number"),
        ("", 'bundles_within = "0s"', "groups.agents.bundles_within", "longer than nothing"),
        ("", "pages_most = 0", "groups.agents.pages_most", "whole number"),
        ("", 'pages_within = "1m"', "groups.agents.pages_within", "limits nothing"),
    ],
)
def test_what_is_wrong_is_told(site: str, group: str, key: str, what: str) -> None:
    with pytest.raises(PlanError) as wrong:
        plan_of(site, group)
    assert [(problem.key, what in problem.what) for problem in wrong.value.problems] == [(key, True)]


def test_pagers_are_those_of_the_sites_own_broker() -> None:
    assert is_pager("mqtt://")
    assert is_pager("MQTT://pager-7")
    assert not is_pager("snpp://host/5551234")
