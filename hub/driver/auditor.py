"""The auditor at work: looks at each wake that decided something about pages, and every 15 seconds at everything.

What `andgate.audit` finds becomes a fault of the hub's own: on the screens, among the metrics, and a page. What depends
on the time only is believed when a second look finds it too: a machine that slept, or a disk that was slow, is late
with everything and wrong about nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from msgspec import Struct

from andgate.audit import Finding, Quiet, Told, audit, told, unsent
from andgate.moment.engine import Engine
from andgate.moment.moments import Moment
from andgate.moment.outlook import Outlook
from andgate.routing import place
from hub.clock import HubClock
from hub.fleet.faults import Key
from hub.fleet.watch import Watch
from hub.store import Store

LOOK_S = 15.0
"""Real seconds between looks at every open threat."""
AGAIN_S = 5.0
"""A finding that may be mere lateness is looked at again so soon; it counts when it stands that long."""
SLACK_S = 2.0
"""By so much the hub may be late with everything."""
QUIET_S = 30.0
"""An attempt to send may take so long."""
_MAY_BE_LATE = frozenset({"undecided", "lapse", "unsent", "unreleased"})
_PLACES = 3


class Audit(Struct, frozen=True):
    """What the last look at everything found."""

    at_ms: int | None = None
    """When that was; None: not yet."""
    mono_s: float = 0.0
    """The same, on the machine's own clock."""
    threats: int = 0
    """Open moments that need somebody."""
    findings: tuple[Finding, ...] = ()
    """What stands now, that of smaller looks since then included."""


class Auditor:
    """Looks; belongs to the driver's thread. `report` may be read from any."""

    def __init__(
        self,
        store: Store,
        clock: HubClock,
        *,
        listen_only: bool,
        quiet: Callable[[Moment, str, int], Quiet | None] = lambda _moment, _group, _now_ms: None,
    ) -> None:
        """Look at what `store` and an engine have of each other.

        Args:
            store: of the hub.
            clock: site time.
            listen_only: the hub pages nobody.
            quiet: (moment, group, now) -> what keeps pages about it from them; None: nothing does.
        """
        self._quiet = quiet
        self._store = store
        self._clock = clock
        self._listen_only = listen_only
        self._touched: set[str] = set()
        self._told: dict[str, Told] = {}
        self._wrong: dict[str, tuple[Finding, ...]] = {}
        self._doubts: dict[tuple[str, str, str], float] = {}
        """What may be mere lateness, and when it was found first."""
        self._next_s: float | None = None
        self._since_ms: int | None = None
        self.report = Audit()

    def decided(self, moment: str) -> None:
        """Say that something was decided about a moment's pages, or became of one."""
        if self._since_ms is not None:  # the first look is at everything
            self._touched.add(moment)

    def sent(self, moment: str) -> None:
        """Say that a page about a moment went out: that can only mend what is wrong, so else nobody looks at once."""
        self._told.pop(moment, None)
        if self._wrong or self._doubts or self.report.findings:
            self.decided(moment)

    def wait_s(self) -> float:
        """Return how many real seconds there are until the next look at everything."""
        return 0.0 if self._next_s is None else max(0.0, self._next_s - self._clock.mono_s())

    def look(self, engine: Engine, watch: Watch) -> bool:
        """Look, if it is time or anything was decided; whether that changed what `watch` has to tell."""
        mono_s = self._clock.mono_s()
        whole = self._next_s is None or mono_s >= self._next_s
        if not whole and not self._touched:
            return False
        now_ms = self._clock.now_ms()
        if self._since_ms is None:
            self._since_ms = now_ms
        for moment in self._touched:
            self._told.pop(moment, None)
        threats = self._all(engine, now_ms) if whole else self._some(engine, now_ms)
        self._touched.clear()
        found = self._believed(self._findings(now_ms), mono_s)
        if whole:
            self._next_s = mono_s + (AGAIN_S if self._doubts else LOOK_S)
            self.report = Audit(now_ms, mono_s, threats, found)
        elif found != self.report.findings:
            self.report = Audit(self.report.at_ms, self.report.mono_s, self.report.threats, found)
        return watch.audited(_faults(found, engine), now_ms)

    def _all(self, engine: Engine, now_ms: int) -> int:
        known, self._told, self._wrong = self._told, {}, {}
        threats = 0
        for threats, outlook in enumerate(engine.outlooks(), 1):  # noqa: B007 - it counts
            moment = outlook.moment.id
            sent = self._told[moment] = known.get(moment) or told(self._store.pages.of(moment))
            self._audit(outlook, sent, engine, now_ms)
        return threats

    def _some(self, engine: Engine, now_ms: int) -> int:
        for moment in self._touched:
            self._wrong.pop(moment, None)
        for outlook in engine.outlooks(self._touched):
            moment = outlook.moment.id
            sent = self._told[moment] = told(self._store.pages.of(moment))
            self._audit(outlook, sent, engine, now_ms)
        return self.report.threats

    def _audit(self, outlook: Outlook, sent: Told, engine: Engine, now_ms: int) -> None:
        slack_ms = round(SLACK_S * 1000 * self._clock.rate)
        found = audit(
            outlook,
            sent,
            engine.plan,
            now_ms,
            slack_ms=slack_ms,
            listen_only=self._listen_only,
            quiet=lambda group: self._quiet(outlook.moment, group, now_ms),
        )
        if found.findings:
            self._wrong[found.moment] = found.findings

    def _findings(self, now_ms: int) -> list[Finding]:
        quiet_ms = round(QUIET_S * 1000 * self._clock.rate)
        queued = unsent(self._store.pages.queued.values(), self._since_ms or now_ms, now_ms, quiet_ms=quiet_ms)
        return [finding for each in self._wrong.values() for finding in each] + queued

    def _believed(self, findings: Iterable[Finding], mono_s: float) -> tuple[Finding, ...]:
        """Leave out what may be mere lateness and has not been found for long enough."""
        doubts: dict[tuple[str, str, str], float] = {}
        believed = []
        for each in findings:
            if each.what in _MAY_BE_LATE:
                key = (each.what, each.moment, each.group)
                first_s = doubts[key] = self._doubts.get(key, mono_s)
                if mono_s - first_s < AGAIN_S:
                    continue
            believed.append(each)
        self._doubts = doubts
        if doubts and self._next_s is not None:
            self._next_s = min(self._next_s, mono_s + AGAIN_S)
        return tuple(believed)


def _faults(findings: Iterable[Finding], engine: Engine) -> dict[Key, str]:
    """Return what is wrong, by whom it is about, and where: one fault for all that has the same cause."""
    places: dict[Key, dict[str, None]] = {}
    notes: dict[Key, str] = {}
    for each in findings:
        if each.what == "unsent":
            key = (f"channel/{each.note}", "", "unsent")
        elif each.what in ("failed", "no-channel"):
            key = (f"group/{each.group}", "", "unreached" if each.what == "failed" else "no-channel")
            notes[key] = each.note
        elif each.what == "unreleased":
            key = ("hub/audit", "", "unreleased")
        else:
            key = ("hub/audit", "", "forgotten")
        moment = engine.moment(each.moment)
        places.setdefault(key, {})[place(moment, engine.plan) if moment is not None else each.moment] = None
    return {key: _where(list(names), notes.get(key, "")) for key, names in places.items()}


def _where(names: list[str], note: str) -> str:
    more = f" and {len(names) - _PLACES} more" if len(names) > _PLACES else ""
    return ", ".join(names[:_PLACES]) + more + (f" ({note})" if note else "")
