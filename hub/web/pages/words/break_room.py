"""The words of a break room's screen; part of the one catalogue."""

from __future__ import annotations

BREAK_ROOM: dict[str, str] = {
    "nav.annunciators": "Break rooms",
    "device.annunciator": "break room alarm",
    "device.speaker": "voice",
    "device.transmitter": "pager transmitter",
    "annunciator.title": "Break room",
    "annunciator.which": "Which group?",
    "annunciator.none": "The plan has no group.",
    "annunciator.calm": "Nothing needs you.",
    "annunciator.calm.more": "{group} are told here, and over {ways}.",
    "annunciator.calm.alone": "{group} are told here only.",
    "annunciator.claim": "Press: one of us goes",
    "annunciator.claim.full": "Press: one of us goes to {place}",
    "annunciator.suspended": "Nobody is asked to go there now.",
    "annunciator.suspended.more": "When the alarm is over, who is still needed is paged.",
    "annunciator.coming": "Somebody comes",
    "annunciator.first": "First: {what}",
    "annunciator.more": "and {n} more",
    "annunciator.more.label": "Also waiting",
}
