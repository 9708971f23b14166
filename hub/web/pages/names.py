"""What things are called on a screen: places, keys, devices, signals, persons. No ids where people look."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

from hub.web.pages.words import ENGLISH, say

if TYPE_CHECKING:
    from andgate.moment.moments import Moment
    from andgate.moment.teams import Team
    from andgate.plan import Plan


def key_words(key: str) -> str:
    """Return a key as shown: ``AG1234/2026-11-21`` is ``AG1234``."""
    return key.split("/", 1)[0]


def touchpoint_name(plan: Plan, touchpoint: str) -> str:
    """Return a touchpoint's name; its id where the plan has it no more."""
    found = plan.touchpoints.get(touchpoint)
    return found.name if found else touchpoint


def place(plan: Plan, moment: Moment) -> str:
    """Return ``Belt 3, AG1234``."""
    name = touchpoint_name(plan, moment.touchpoint)
    return f"{name}, {key_words(moment.key)}" if moment.key else name


def promise(plan: Plan, expectation: str) -> str:
    """Return the customer's words, without quotes."""
    found = plan.judged.get(expectation)
    return found.promise if found else expectation


def group_name(plan: Plan, group: str) -> str:
    """Return a group's name."""
    found = plan.groups.get(group)
    return found.name if found else group


def team_words(plan: Plan, moment: Moment) -> str:
    """Return which shift answered for a moment, in a sentence; empty where its group does not work in shifts."""
    opened, due = moment.team, moment.team_due
    if opened is None:
        return ""
    said = _team(plan, opened)
    if due is None or due == opened:
        return say("team.opened", team=said)
    return say("team.both", team=said, due=_team(plan, due).rstrip(","))


def _team(plan: Plan, team: Team) -> str:
    name = group_name(plan, team.group)
    known = plan.groups.get(team.group)
    if team.shift is None or known is None:
        return say("team.none", group=name)
    shift = known.shifts[team.shift].name if team.shift in known.shifts else team.shift
    day = date.fromisoformat(team.date or "1970-01-01")
    return say("team.on", group=name, shift=shift, day=f"{day.day} {say('months').split()[day.month - 1]}")


def kind_words(kind: str) -> str:
    """Return ``red button`` for ``mot-button``."""
    return ENGLISH.get(f"device.{kind}", kind)


def witness_words(plan: Plan, witness: str) -> str:
    """Return a moment's witness in words: ``Check-in counter A, red button``; a feed keeps its name."""
    device = plan.devices.get(witness)
    if device is None:
        return witness or say("trail.someone")
    group = str(device.settings.get("group", ""))
    where = touchpoint_name(plan, device.touchpoint) if device.touchpoint else group_name(plan, group)
    return f"{where}, {kind_words(device.kind)} {device.node}"


def signal_words(name: str) -> str:
    """Return a signal's name as words: ``reached-15`` is ``reached 15``."""
    return name.replace("-", " ")


def sentence(text: str) -> str:
    """Return the text with a capital first letter and a full stop."""
    text = text.strip()
    if not text:
        return text
    return text[0].upper() + text[1:] + ("" if text[-1] in ".!?”" else ".")


def capital(text: str) -> str:
    """Return the text with a capital first letter."""
    return text[:1].upper() + text[1:]
