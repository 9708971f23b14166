from __future__ import annotations

from andgate.plan import parse_plan
from hub.fleet.wanted import node_config
from tests.plans import SITE

PLAN = (
    SITE
    + """
[groups.staff]
name = "Staff"
channels = []
[touchpoints.line-b]
name = "Line B"
group = "staff"
[touchpoints.line-a]
name = "Line A"
group = "staff"
hours = "05:00-23:00"
[touchpoints.belt]
name = "Belt"
group = "staff"
[nodes.desk]
touchpoint = "line-b"
[nodes.desk.devices.mot]
kind = "mot-button"
button = 17
[nodes.desk.devices.mark]
touchpoint = "line-a"
kind = "beam"
pin = 22
[expectations.wait]
promise = "I wait no more than 15 minutes."
touchpoints = ["line-b", "belt", "line-a"]
opens = ["pressed", "reached"]
closes = ["reset", "cleared"]
fails_after = "3m"
[expectations.bag]
promise = "I have my bag within 25 minutes."
touchpoints = ["belt"]
opens = ["pressed"]
closes = ["reset"]
fails_after = "25m"
"""
)


def test_a_node_is_told_of_its_own_touchpoints_and_of_no_others() -> None:
    plan = parse_plan(PLAN)
    config = node_config(plan, plan.nodes["desk"])
    assert [(it.id, it.touchpoints) for it in config.expectations] == [("wait", ["line-a", "line-b"])]
    assert {name: (it.name, it.hours) for name, it in config.touchpoints.items()} == {
        "line-a": ("Line A", "05:00-23:00"),
        "line-b": ("Line B", None),
    }


def test_a_touchpoint_elsewhere_does_not_change_what_a_node_should_be() -> None:
    more = PLAN.replace('touchpoints = ["line-b", "belt", "line-a"]', 'touchpoints = ["line-a", "line-b"]')
    before, after = parse_plan(PLAN), parse_plan(more)
    assert node_config(before, before.nodes["desk"]) == node_config(after, after.nodes["desk"])
