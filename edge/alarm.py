"""The language of a break room: what its beacon, buzzer and button say of a group's pages. Pure, time is an argument.

==========================  ======================  ==========================  =====================================
a page to this group is...  beacon                  buzzer                      lamp in the button
==========================  ======================  ==========================  =====================================
new                         steady                  two notes once              steady
repeated, or the next step  steady                  two notes twice             steady
in the last third           one flash a second      two short notes, each 10 s  one flash a second
failed, nobody comes        one flash each 5 s      one long note               one flash, then dark
claimed                     dark                    silent                      slow pulse
claimed, more are needed    as before               as before                   slow pulse, till the last third
over, suspended             dark                    silent                      faint wink: alive
not heard: the hub is lost  double blink            two low notes, each 9 s     double blink, by turns with the rest
a press, not yet confirmed  as before               silent for a while          fast blink
a press that told nobody    as before               two low notes               two blinks a second
a press with nothing to do  as before               one low note                three quick blinks
==========================  ======================  ==========================  =====================================

Each thing sounds from when this node first knew of it, so that who comes back after an outage still hears what stands,
and never twice for the same; and for one thing no longer than the plan's `longest`. In quiet hours nothing sounds.
"""

from __future__ import annotations

from collections.abc import Iterable
from math import inf
from typing import Literal

from msgspec import Struct
from msgspec.structs import replace

from edge.language import (
    DECIDED_S,
    LAMP,
    OFF,
    STEADY,
    UNTOLD_AFTER_S,
    Name,
    Open,
    Own,
    Pattern,
    View,
    condition,
    next_turn_s,
    sound_condition,
)

Cause = Literal["page", "repeat", "failing", "failed"]

BEACON: dict[Name, Pattern] = {
    "threatened": STEADY,
    "heard": STEADY,
    "failing": LAMP["failing"],
    "failed": Pattern((1.0, 4.0)),
    "alone": LAMP["alone"],
    "identify": LAMP["identify"],
}
"""What a beacon does; anything else is darkness: a relay must not click every ten seconds."""
CALL: dict[Cause, Pattern] = {
    "page": Pattern((0.15, 0.1, 0.15), repeat=False),
    "repeat": Pattern((0.15, 0.1, 0.15, 0.5, 0.15, 0.1, 0.15), repeat=False),
    "failing": Pattern((0.2, 0.1, 0.2, 9.5)),
    "failed": Pattern((1.5,), repeat=False),
}
"""What a buzzer says of a page."""
LOST = Pattern((0.4, 0.2, 0.4, 8.0))
"""What it says while nobody hears the node."""
TOUCHED: dict[Name, Pattern] = {
    "untold": Pattern((0.4, 0.2, 0.4), repeat=False),
    "refused": Pattern((0.4,), repeat=False),
    "identify": Pattern((0.1, 0.9)),
}
"""What it says to a finger, or to a technician."""
_LOUDEST: tuple[Cause, ...] = ("failed", "failing", "repeat", "page")
"""Of what began at once, the worst speaks first."""
SILENCED_S = 15.0
"""So long a press silences its page before the hub's own word must have come."""


class Call(Struct, frozen=True):
    """A moment that a group has been paged about, on the node's clock."""

    id: str
    page: str
    pages: int
    place: str
    open: Open
    """`threatened_s` is when the group was paged last, `claimed_s` since when enough people are on it."""
    coming: int = 0
    """So many are on it already, where that is not enough."""


class GroupView(Struct, frozen=True):
    """What stands for a group, nearest deadline first."""

    calls: tuple[Call, ...] = ()
    suspended: bool = False

    @property
    def asking(self) -> tuple[Call, ...]:
        """Those that ask for somebody: none while a fire alarm is on."""
        return () if self.suspended else self.calls


class Says(Struct, frozen=True):
    """What an annunciator does just now."""

    beacon: bool
    buzzer: bool
    lamp: bool
    next_s: float
    """Real seconds until any of it changes, at most."""


class Alarm:
    """One annunciator's memory of what it has sounded for."""

    def __init__(self, longest_s: float, pace: float = 1.0) -> None:
        """Begin in silence.

        Args:
            longest_s: how long it may sound on for one thing.
            pace: seconds of the node's clock in a real one; other than 1 only in a demo.
        """
        self._longest_s, self._pace = longest_s, pace
        self._sounds: dict[tuple[str, Cause, int], float] = {}
        """Moment, what is said of it and by which of its pages -> since when."""
        self._answered: dict[str, float] = {}
        """Moments that somebody has claimed here, and when: the hub has not said so yet."""

    def target(self, view: GroupView, now_s: float) -> Call | None:
        """Return what a press claims: of what nobody is on, or too few, the nearest deadline that can still be met.

        What has failed comes after that, as on every screen.
        """
        waiting = [call for call in view.asking if call.open.claimed_s is None]
        return min(waiting, key=lambda call: _level(call.open, now_s) == "failed", default=None)

    def answered(self, moment: str, now_s: float) -> None:
        """Somebody has pressed for this moment."""
        self._answered[moment] = now_s

    def look(self, view: GroupView, now_s: float) -> list[str]:
        """Take note of what is new; return the pages that are told from now on."""
        wanted: dict[tuple[str, Cause, int], float] = {}
        told = []
        for call in view.asking:
            if call.open.claimed_s is not None:
                continue
            page: Cause = "page" if call.pages <= 1 else "repeat"
            level = _level(call.open, now_s)
            for key in ((call.id, page, call.pages), *(((call.id, level, 0),) if level is not None else ())):
                wanted[key] = self._sounds.get(key, now_s)
                if key[2] and key not in self._sounds:
                    told.append(call.page)
        self._sounds = wanted
        standing = {call.id for call in view.calls}
        self._answered = {name: at_s for name, at_s in self._answered.items() if name in standing}
        return told

    def due_s(self, view: GroupView, now_s: float) -> float:
        """Return when the clock alone makes something new of what stands."""
        ahead = [
            at_s
            for call in view.calls
            for at_s in (call.open.failing_s or inf, call.open.deadline_s + DECIDED_S)
            if now_s < at_s
        ]
        return min(ahead, default=inf)

    def say(self, view: GroupView, own: Own, now_s: float, *, quiet: bool) -> Says:
        """Return what it does now.

        Args:
            view: what stands, as `look` has taken note of it.
            own: what the node knows by itself: a press that waits, and whether anybody hears it.
            now_s: the instant on the node's clock.
            quiet: nothing may sound.
        """
        pace = self._pace
        calls = view.asking
        open_calls = [call.open for call in calls if call.open.claimed_s is None]
        unclaimed = View(tuple(open_calls))
        answered = [replace(call.open, claimed_s=-inf) if call.coming else call.open for call in calls]
        whole = View(tuple(it for it in answered if it.claimed_s is None) or tuple(answered))
        lamp = condition(whole, own, now_s, pace)
        place = condition(unclaimed, Own(identify_s=own.identify_s, identify_until_s=own.identify_until_s,
                                         alone_s=None if view.suspended else own.alone_s), now_s, pace)  # fmt: skip
        lamp_s, beacon_s = (now_s - lamp.since_s) / pace, (now_s - place.since_s) / pace
        beacon = BEACON.get(place.name, OFF)
        waits_s = [LAMP[lamp.name].next_s(lamp_s), beacon.next_s(beacon_s), next_turn_s(own, now_s, pace)]
        sounds = False
        if not quiet and not view.suspended:
            sounds, wait_s = self._sound(own, now_s)
            waits_s.append(wait_s)
        return Says(beacon.on_at(beacon_s), sounds, LAMP[lamp.name].on_at(lamp_s), min(waits_s))

    def _sound(self, own: Own, now_s: float) -> tuple[bool, float]:
        """Say whether the buzzer sounds, and how many real seconds until that changes."""
        touched = sound_condition(View(), own, now_s, self._pace)
        if touched.name in TOUCHED:
            since_s = (now_s - touched.since_s) / self._pace
            pattern = TOUCHED[touched.name]
            return pattern.on_at(since_s), min(pattern.next_s(since_s), 0.5)
        began = [(-at_s, _LOUDEST.index(cause), CALL[cause]) for (moment, cause, _), at_s in self._sounds.items()
                 if self._aloud(moment, own, now_s)]  # fmt: skip
        if own.alone_s is not None:
            began.append((-own.alone_s, len(_LOUDEST), LOST))
        longest_s = self._longest_s / self._pace
        for at_s, _, pattern in sorted(began, key=lambda each: each[:2]):  # the newest speaks, until it has said it
            since_s = (now_s + at_s) / self._pace
            wait_s = pattern.next_s(since_s)
            if since_s < longest_s and wait_s != inf:
                return pattern.on_at(since_s), min(wait_s, longest_s - since_s)
        return False, inf

    def _aloud(self, moment: str, own: Own, now_s: float) -> bool:
        """Say whether a moment may sound: not just after somebody here has claimed it, while that is on its way."""
        at_s = self._answered.get(moment)
        if at_s is None:
            return True
        passed_s = (now_s - at_s) / self._pace
        untold = own.waiting_s is not None and passed_s >= UNTOLD_AFTER_S
        return own.alone_s is None and (untold or passed_s >= SILENCED_S)


def view_of(calls: Iterable[Call], *, suspended: bool = False) -> GroupView:
    """Return calls as a view, nearest deadline first."""
    return GroupView(tuple(sorted(calls, key=lambda it: (it.open.deadline_s, it.open.opened_s, it.id))), suspended)


def _level(it: Open, now_s: float) -> Literal["failing", "failed"] | None:
    if now_s >= it.deadline_s + DECIDED_S:
        return "failed"
    return "failing" if it.failing_s is not None and now_s >= it.failing_s else None
