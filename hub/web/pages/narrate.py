"""A moment's trail in words: one sentence for each event."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from andgate.moment import events as e
from hub.web.pages.names import group_name, signal_words, touchpoint_name, witness_words
from hub.web.pages.spans import clock, hms, span
from hub.web.pages.words import listed, say

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from andgate.plan import Plan


class Teller:
    """Says what an event means, with the plan's names and the signals' own words."""

    def __init__(self, plan: Plan, signals: Mapping[str, str]) -> None:
        """Use `plan` for names; `signals` is identity -> signal name."""
        self._plan = plan
        self._signals = signals
        self._by: dict[type[e.Event], Callable[[Any], str]] = {
            e.Opened: self._seen("trail.opened"),
            e.Witnessed: self._seen("trail.witnessed"),
            e.Rejoined: self._seen("trail.rejoined"),
            e.Threatened: self._with_signal("trail.threatened"),
            e.Failing: lambda _: say("trail.failing"),
            e.Contradicted: lambda event: say("trail.contradicted", until=hms(event.until_ms, plan.site.timezone)),
            e.Doubted: self._doubted,
            e.Refused: self._refused,
            e.Kept: lambda event: say("trail.kept", signal=self.signal(event.signal)),
            e.Saved: lambda event: say("trail.saved", signal=self.signal(event.signal)),
            e.Failed: self._with_signal("trail.failed"),
            e.Closed: self._closed,
            e.GaveUp: lambda _: say("trail.gave-up"),
            e.Voided: self._voided,
            e.Unvoided: lambda _: say("trail.unvoided"),
            e.Moved: lambda event: say("trail.moved", to=touchpoint_name(plan, event.to)),
            e.Claimed: self._claimed,
            e.ClaimLapsed: lambda event: say("trail.claim-lapsed", by=event.by),
            e.Unclaimed: self._unclaimed,
            e.HandedOver: self._handed_over,
            e.Overridden: lambda event: say("trail.overridden", by=event.by, reason=event.reason),
            e.Noted: lambda event: say(
                "trail.noted", what=say(f"moment.{event.what}").lower(), by=event.by, text=event.text
            ),
            e.Revised: lambda event: say("trail.revised", fields=listed(event.changed), because=self.because(event)),
            e.Confirmed: lambda event: (
                say("trail.confirmed.because", because=event.because) if event.because else say("trail.confirmed")
            ),
            e.Withdrawn: lambda _: say("trail.withdrawn"),
            e.AskedVoid: lambda event: say("trail.asked-void", by=event.by, reason=event.reason),
            e.Paged: self._paged,
            e.PageSkipped: lambda event: say(
                "trail.page-skipped",
                group=group_name(plan, event.group),
                because=say(f"moment.skip.{event.because}"),
            ),
            e.StoodDown: lambda event: say(
                "trail.stood-down", groups=listed([group_name(plan, group) for group in event.groups])
            ),
        }

    def tell(self, event: e.AnyEvent) -> str:
        """Return one sentence, without a full stop."""
        return self._by[type(event)](event)

    def signal(self, ident: str | None) -> str:
        """Return a signal's name in words; "the clock" where there is none."""
        if ident is None:
            return say("trail.clock")
        return signal_words(self._signals.get(ident, ident))

    def because(self, event: e.Revised) -> str:
        """Return why something was revised; identities become the names of what they are."""
        if event.because in self._signals:
            return self.signal(event.because)
        why, _, rest = event.because.partition(": ")
        device, _, name = rest.rpartition(" ")
        if not device or " " in device:
            return event.because
        return say("trail.because", why=why, witness=witness_words(self._plan, device), signal=signal_words(name))

    def _seen(self, key: str) -> Callable[[Any], str]:
        return lambda event: say(
            key, witness=witness_words(self._plan, event.witness), signal=self.signal(event.signal)
        )

    def _with_signal(self, key: str) -> Callable[[Any], str]:
        return lambda event: (
            say(key) if event.signal is None else say(f"{key}.signal", signal=self.signal(event.signal))
        )

    @staticmethod
    def _unclaimed(event: e.Unclaimed) -> str:
        if event.whose is None:
            return say("trail.unclaimed", by=event.by)
        if event.reason is not None:
            return say("trail.unclaimed.shift", whose=event.whose, reason=event.reason)
        return say("trail.unclaimed.whose", by=event.by, whose=event.whose)

    def _refused(self, event: e.Refused) -> str:
        held = listed([witness_words(self._plan, each) for each in event.held_by])
        witness = witness_words(self._plan, event.witness)
        return say("trail.refused", signal=self.signal(event.signal), witness=witness, held=held)

    def _doubted(self, event: e.Doubted) -> str:
        zone = self._plan.site.timezone
        why = ""
        if event.why is not None:
            why = (
                say(f"blind.{event.why}")
                if event.why in ("lost", "stopped", "stale")
                else say("blind.fault", why=event.why)
            )
        device, since = witness_words(self._plan, event.device), hms(event.from_ms, zone)
        if event.to_ms is None:
            return say("trail.doubted", device=device, since=since, why=why)
        return say("trail.doubted.to", device=device, since=since, until=hms(event.to_ms, zone), why=why)

    def _closed(self, event: e.Closed) -> str:
        return say("trail.closed", late=clock(int(event.late_s)), signal=self.signal(event.signal))

    def _voided(self, event: e.Voided) -> str:
        key = "trail.voided" if event.by is None else "trail.voided.by"
        return say(key, reason=event.reason, by=event.by)

    def _claimed(self, event: e.Claimed) -> str:
        key = "trail.claimed"
        values: dict[str, object] = {"by": event.by}
        if event.took is not None:
            key, values = "trail.claimed.took", {"by": event.by, "whose": event.took}
        elif event.needs > 1:
            key, values = "trail.claimed.some", {"by": event.by, "have": event.have, "needs": event.needs}
        if event.until_ms is not None:
            key, values = f"{key}.until", {**values, "until": hms(event.until_ms, self._plan.site.timezone)}
        said = say(key, **values)
        return f"{said} {say('trail.first', what=event.first)}" if event.first else said

    def _handed_over(self, event: e.HandedOver) -> str:
        to = event.person or (group_name(self._plan, event.group) if event.group is not None else say("trail.someone"))
        said = (
            say("trail.handed-over", by=event.by, to=to)
            if event.whose is None
            else say("trail.handed-over.whose", by=event.by, to=to, whose=event.whose)
        )
        return said if event.reason is None else f"{said}: {event.reason}"

    def _paged(self, event: e.Paged) -> str:
        key = {"repeat": "trail.paged.repeat", "handed-over": "trail.paged.handed"}.get(event.reason, "trail.paged")
        to = event.person or group_name(self._plan, event.group)
        return say(key if event.left_ms >= 0 else f"{key}.over", group=to, left=span(event.left_ms))
