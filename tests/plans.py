"""Pieces of small plans, for tests to put together and go on from. Where lines are counted a test writes its own."""

from __future__ import annotations

SITE = """
[site]
id = "agx"
name = "Andgate International"
timezone = "Europe/Rome"
"""
AGENTS = """
[channels.radio]
url = "mqtt://"
[groups.agents]
name = "Ticket agents"
channels = ["radio"]
"""
CREWS = """
[channels.radio]
url = "mqtt://"
[groups.ticket-agents]
name = "Ticket agents"
channels = ["radio"]
[groups.supervisors]
name = "Supervisors"
channels = ["radio"]
"""
COUNTER = """
[touchpoints.counter-a]
name = "Counter A"
group = "agents"
"""
DESK = """
[nodes.desk-a1]
touchpoint = "counter-a"
[nodes.desk-a1.devices.mot]
kind = "mot-button"
button = 17
"""
WAIT = """
[expectations.wait]
promise = "I wait no more than 15 minutes."
touchpoints = ["counter-a"]
opens = ["pressed"]
closes = ["reset"]
fails_after = "3m"
"""
SMALL = SITE + AGENTS + COUNTER + DESK + WAIT
"""A counter with a red button, and one promise."""
