"""The site that a storm goes over: an airport whose promises last seconds, so that a round plays many of them."""

from __future__ import annotations

import os
from dataclasses import dataclass

from andgate.plan import Plan, parse_plan
from tests.plans import CREWS, SITE

HUB, PAGER, FEED = "127.0.0.2", "127.0.0.3", "127.0.0.4"
"""Under which address of the broker each party calls it: a partition is between an address and the rest."""
PORT = int(os.environ.get("FAULTS_PORT", "1883"))
WEB = int(os.environ.get("FAULTS_WEB", "8080"))
"""In a namespace of its own every port is free; without one others are chosen."""


@dataclass(frozen=True)
class Desk:
    """A node of the site, and what a hand can reach there."""

    name: str
    address: str
    buttons: tuple[int, ...] = ()
    holds: tuple[int, ...] = ()
    levels: tuple[int, ...] = ()
    lamp: int | None = None


NODES = (
    Desk("desk-a1", "127.0.0.11", buttons=(17,), holds=(17,), lamp=27),
    Desk("desk-a2", "127.0.0.12", buttons=(17,), holds=(17,), lamp=27),
    Desk("mark-a", "127.0.0.13", levels=(22,)),
    Desk("belt-3", "127.0.0.14", buttons=(5,)),
)
BY_NAME = {node.name: node for node in NODES}
ROOT = "andgate/v1/agx"

PLAN = (
    SITE
    + CREWS
    + """
[touchpoints.counter-a]
name = "Check-in counter A"
group = "ticket-agents"
[touchpoints.belt-3]
name = "Baggage belt 3"
group = "supervisors"
[nodes.desk-a1]
touchpoint = "counter-a"
[nodes.desk-a1.devices.mot]
kind = "mot-button"
button = 17
lamp = 27
hold = "600ms"
[nodes.desk-a2]
touchpoint = "counter-a"
[nodes.desk-a2.devices.mot]
kind = "mot-button"
button = 17
lamp = 27
hold = "600ms"
[nodes.mark-a.devices.mark]
touchpoint = "counter-a"
kind = "beam"
pin = 22
settle = "300ms"
[nodes.belt-3.devices.done]
touchpoint = "belt-3"
kind = "done-button"
button = 5
[nodes.belt-3.devices.sign]
touchpoint = "belt-3"
kind = "sign"
driver = "text"
[expectations.check-in-wait]
promise = "I wait no more than six seconds to check in."
touchpoints = ["counter-a"]
opens = ["pressed", "reached"]
closes = ["reset", "cleared"]
holds = { reached = "cleared" }
fails_after = "6s"
rejoins_within = "1s"
gives_up_after = "6s"
[[expectations.check-in-wait.pages]]
left = "4s"
group = "ticket-agents"
[[expectations.check-in-wait.pages]]
left = "2s"
group = "supervisors"
unless = "claimed"
[expectations.baggage-claim]
promise = "I have my bag within eight seconds of docking."
touchpoints = ["belt-3"]
key = "flight"
opens = ["docked"]
closes = ["unloaded"]
threatens = ["jammed"]
fails_on = ["lost"]
voids = ["cancelled"]
countdown = "6s"
fails_after = "8s"
better_than = "2s"
gives_up_after = "6s"
[[expectations.baggage-claim.pages]]
left = "5s"
group = "supervisors"
[interactions.arrival]
name = "Arriving with us"
key = "flight"
inputs = ["baggage-claim"]
"""
)


def plan() -> Plan:
    """Return the plan, parsed."""
    return parse_plan(PLAN)
