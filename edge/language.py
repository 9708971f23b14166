"""The language of lamps and buzzers, as data and one pure function.

Blinking: wait. Steady: heard. Slow: somebody comes. A faint wink every ten seconds: alive, and all is well.

    said = condition(view, own, now_s)                    what the lamp has to say, and since when
    LAMP[said.name].on_at(now_s - said.since_s)           whether it is lit at this instant

The blinks differ by a factor of about two each, so that people tell them apart without counting: five a second (seen
here and not yet confirmed; or asked: the sensor sees no line, press once more if there is one), two (nobody told), one
(time is running out), one in 2.4 s (somebody comes). One lamp has one colour; "red and white in turn" of the screens is
the two-a-second blink here.
"""

from __future__ import annotations

from math import inf
from typing import Literal

from msgspec import Struct

Name = Literal[
    "identify",
    "refused",
    "untold",
    "seen",
    "asked",
    "heard",
    "saved",
    "failed",
    "failing",
    "claimed",
    "threatened",
    "alone",
    "blind",
    "calm",
]


class Pattern(Struct, frozen=True):
    """On and off by turns, beginning with on; seconds each."""

    steps: tuple[float, ...]
    repeat: bool = True
    """False: once, then off."""

    def on_at(self, since_s: float) -> bool:
        """Say whether it is on, so long after it began."""
        return self._place(since_s)[0]

    def next_s(self, since_s: float) -> float:
        """Return how long until the next change, or infinity if there is none."""
        return self._place(since_s)[1]

    def _place(self, since_s: float) -> tuple[bool, float]:
        total = sum(self.steps)
        if total == inf:
            return True, inf
        if not total or (not self.repeat and since_s >= total):
            return False, inf
        left = max(since_s, 0.0) % total
        for index, step in enumerate(self.steps):
            if left < step:
                return index % 2 == 0, step - left
            left -= step
        return False, self.steps[0]  # the last instant of a turn, lost to rounding


OFF = Pattern(())
STEADY = Pattern((inf,), repeat=False)

LAMP: dict[Name, Pattern] = {
    "calm": Pattern((0.05, 9.95)),
    "seen": Pattern((0.1, 0.1)),
    "asked": Pattern((0.1, 0.1)),
    "untold": Pattern((0.25, 0.25)),
    "refused": Pattern((0.15, 0.15, 0.15, 0.15, 0.15, 0.45), repeat=False),
    "heard": STEADY,
    "threatened": STEADY,
    "claimed": Pattern((1.2, 1.2)),
    "failing": Pattern((0.5, 0.5)),
    "failed": Pattern((1.0,), repeat=False),
    "saved": Pattern((3.0,), repeat=False),
    "alone": Pattern((0.1, 0.2, 0.1, 2.6)),
    "blind": Pattern((0.1, 0.2, 0.1, 2.6)),
    "identify": Pattern((0.1, 0.1, 0.1, 0.1, 0.6, 0.2)),
}
"""What a lamp does for each thing it has to say."""

SOUND: dict[Name, Pattern] = {
    "untold": Pattern((0.4, 0.2, 0.4), repeat=False),
    "refused": Pattern((0.4,), repeat=False),
    "threatened": Pattern((0.15, 0.1, 0.15), repeat=False),
    "failing": Pattern((0.2, 0.1, 0.2, 9.5)),
    "failed": Pattern((1.5,), repeat=False),
    "saved": Pattern((0.08, 0.08, 0.12, 0.08, 0.3), repeat=False),
    "alone": Pattern((0.05, 0.2, 0.05), repeat=False),
    "identify": Pattern((0.1, 0.9)),
}
"""What a buzzer does; a buzzer has one note, so low and rising are told by length. Anything else is silence."""

UNTOLD_AFTER_S = 5.0
"""A press that nobody has confirmed for so long has told nobody."""
HEARD_S = 2.0
"""So long a lamp says "heard" before the touchpoint's own state must have come."""
SAVED_S = 4.0
FAILED_S = 2.0
REFUSED_S = 1.5
DECIDED_S = 1.0
"""A failure is decided one second after its deadline, here as at the hub."""


class Open(Struct, frozen=True, kw_only=True):
    """One open moment, on the node's monotonic clock."""

    expectation: str
    key: str | None
    opened_s: float
    counts_to_s: float
    deadline_s: float
    threatened_s: float | None = None
    failing_s: float | None = None
    claimed_s: float | None = None
    asks_until_s: float | None = None
    """While a sensor contradicts the press: until then somebody should press once more, if there is a line."""
    timed: bool = True
    """False: the node has lost the site's time; then times are only minus or plus infinity, by what was last said."""


class Ended(Struct, frozen=True, kw_only=True):
    """The moment that ended last."""

    key: str | None
    verdict: str
    saved: bool
    at_s: float
    deadline_s: float = inf
    expectation: str = ""
    clock: str = ""
    """The wall clock of the place then: ``18:42``."""


class View(Struct, frozen=True):
    """A touchpoint as its node sees it, nearest deadline first."""

    moments: tuple[Open, ...] = ()
    ended: Ended | None = None


class Own(Struct, frozen=True, kw_only=True):
    """What the node knows by itself; monotonic seconds."""

    waiting_s: float | None = None
    """Since when a press waits for its receipt."""
    loose_s: float | None = None
    """Since when a press waits that is in memory only: it is not safe here, so nobody is told that it is."""
    heard_s: float | None = None
    """When the last receipt for a press came."""
    refused_s: float | None = None
    identify_s: float | None = None
    identify_until_s: float = -inf
    blind_s: float | None = None
    """Since when an input here cannot be trusted to see, or what it sees cannot be kept."""
    alone_s: float | None = None
    """Since when it tells that nobody hears it."""


class Condition(Struct, frozen=True):
    """What a lamp or buzzer has to say, and since when."""

    name: Name
    since_s: float


TURN_S = 5.0
"""While a place is threatened and nobody was told, its lamp says both by turns of so long..."""
UNTOLD_SHOWN_S = 2.0
"""...so much of it "nobody was told: call"..."""
ALONE_SHOWN_S = 0.7
"""...or, where nobody has pressed, only the double blink of a node that is cut off, after a short dark."""
_DARK_S = 0.3
UNTOLD_HEARD_S = 1.0
"""How long the two notes of "nobody was told" take; a buzzer says one thing after the other."""

_URGENCY: tuple[Name, ...] = ("asked", "failing", "claimed", "threatened")


def condition(view: View, own: Own, now_s: float, pace: float = 1.0) -> Condition:
    """Return the one thing a lamp says now: what concerns the finger first, then the most urgent moment, then calm.

    Cut off, a lamp says by turns that nobody knows and how the place stands: neither may hide the other.

    Args:
        view: the touchpoint.
        own: what the node knows by itself.
        now_s: the instant, on the monotonic clock of `view` and `own`.
        pace: seconds of that clock in one real second; other than 1 only in a demo. People's eyes are real.
    """
    touched = _touched(own, now_s, pace)
    if touched is not None and touched.name != "untold":
        return touched
    stands = _stands(view, own, now_s, pace)
    if touched is not None:
        into_s = (now_s - touched.since_s) / pace % TURN_S
        return touched if into_s < UNTOLD_SHOWN_S or stands.name in ("alone", "blind", "calm") else stands
    if own.alone_s is not None and stands.name not in ("alone", "heard", "saved"):
        since_s = now_s - (now_s - own.alone_s) % (TURN_S * pace)
        into_s = (now_s - since_s) / pace
        if into_s < ALONE_SHOWN_S:
            return Condition("alone", since_s + (_DARK_S - sum(LAMP["alone"].steps)) * pace)
    return stands


def next_turn_s(own: Own, now_s: float, pace: float = 1.0) -> float:
    """Return how many real seconds until a lamp that takes turns says the other thing; infinity if it takes none."""
    began = [at_s for at_s in (own.alone_s, own.loose_s) if at_s is not None]
    began += [] if own.waiting_s is None else [own.waiting_s + UNTOLD_AFTER_S * pace]
    into = [(now_s - at_s) / pace % TURN_S for at_s in began if at_s <= now_s]
    ahead = [each - at_s for at_s in into for each in (ALONE_SHOWN_S, UNTOLD_SHOWN_S, TURN_S) if each > at_s]
    return min(ahead, default=inf)


def sound_condition(view: View, own: Own, now_s: float, pace: float = 1.0) -> Condition:
    """Return the one thing a buzzer says now; as a lamp, but it says each thing once and takes no turns."""
    touched = _touched(own, now_s, pace)
    if touched is not None and (touched.name != "untold" or now_s - touched.since_s < UNTOLD_HEARD_S * pace):
        return touched
    return _stands(view, own, now_s, pace)


def _stands(view: View, own: Own, now_s: float, pace: float) -> Condition:
    """Say how the place stands, whoever presses."""
    standing = [_standing(moment, now_s) for moment in view.moments]
    urgent = min((said for said in standing if said.name in _URGENCY), key=_rank, default=None)
    if urgent is not None:
        return urgent
    if own.heard_s is not None and now_s - own.heard_s < HEARD_S * pace:
        return Condition("heard", own.heard_s)
    flash = _flash(view.ended, now_s, pace)
    if flash is not None:
        return flash
    failed = next((said for said in standing if said.name == "failed"), None)
    if failed is not None:
        return failed
    if own.alone_s is not None:
        return Condition("alone", own.alone_s)
    if own.blind_s is not None:
        return Condition("blind", own.blind_s)
    return Condition("calm", 0.0)


def _touched(own: Own, now_s: float, pace: float) -> Condition | None:
    """Answer the finger, or the technician who asks which node this is."""
    if now_s < own.identify_until_s:
        return Condition("identify", own.identify_s or 0.0)
    if own.refused_s is not None and now_s - own.refused_s < REFUSED_S * pace:
        return Condition("refused", own.refused_s)
    if own.loose_s is not None:
        return Condition("untold", own.loose_s)
    if own.waiting_s is None:
        return None
    untold_s = own.waiting_s + UNTOLD_AFTER_S * pace
    return Condition("untold", untold_s) if now_s >= untold_s else Condition("seen", own.waiting_s)


def _rank(said: Condition) -> tuple[int, float]:
    return _URGENCY.index(said.name), said.since_s


def _standing(moment: Open, now_s: float) -> Condition:
    """Say how one open moment stands."""
    decided_s = moment.deadline_s + DECIDED_S
    if now_s >= decided_s:
        return Condition("failed", decided_s)
    if moment.asks_until_s is not None and now_s < moment.asks_until_s:
        return Condition("asked", moment.opened_s if moment.timed else 0.0)  # a question, to whoever stands there
    if moment.failing_s is not None and now_s >= moment.failing_s:
        return Condition("failing", moment.failing_s)
    if moment.threatened_s is None or now_s < moment.threatened_s:
        return Condition("calm", 0.0)
    if moment.claimed_s is not None and now_s >= moment.claimed_s:
        return Condition("claimed", max(moment.claimed_s, 0.0))  # a pulse must begin somewhere
    return Condition("threatened", moment.threatened_s)


def _flash(ended: Ended | None, now_s: float, pace: float) -> Condition | None:
    """Say shortly how the last moment ended."""
    if ended is None:
        return None
    if ended.saved and now_s - ended.at_s < SAVED_S * pace:
        return Condition("saved", ended.at_s)
    if ended.verdict == "failure" and now_s - ended.at_s < FAILED_S * pace:
        return Condition("failed", ended.at_s)
    return None
