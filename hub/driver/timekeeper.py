"""The timekeeper: what the hub does when the machine's clock was set while it ran, or before it started.

Site time goes on as if nothing had happened, so nothing fails and nothing is saved by it; people are told. It goes over
to the machine's UTC when that is ahead, has stayed so, and no moment is open that began on the old scale
(docs/decisions/0032). Belongs to the driver's thread; `ahead_ms` and `fault` may be read from any.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable

import msgspec
from msgspec import Struct

from andgate.moment.moments import Moment
from hub.clock import STEADY_S, STEP_S, HubClock, SystemClock, synchronised
from hub.ingest.taken import AHEAD_MS
from hub.store import Store

_log = logging.getLogger(__name__)

LOOK_S = 1.0
"""Site seconds between looks at the machine's clock."""
_META = "insert into meta (key, value) values ('clock', ?) on conflict (key) do update set value = excluded.value"


class _Scale(Struct):
    """A scale that is not UTC's, as it is stored for the next run."""

    boot: str
    begun_ms: int
    """Site time when the kernel booted."""
    since_ms: int
    """Site time when the hub began to use it."""


class Timekeeper:
    """Watches the clock of one hub. With any other than a `SystemClock` there is nothing to watch."""

    def __init__(
        self, store: Store, clock: HubClock, journal_ms: int, synchronised: Callable[[], bool] = synchronised
    ) -> None:
        """Put the clock on the journal's scale; nobody else may have asked it for the time.

        Args:
            store: of this run.
            clock: site time.
            journal_ms: site time of the newest entry.
            synchronised: whether the machine's UTC is kept right.
        """
        self._synchronised = synchronised
        self._store = store
        self._clock = clock if isinstance(clock, SystemClock) else None
        self._looked_s = 0.0
        self._held = False
        self._jumped_ms = self._by_ms = 0
        self.ahead_ms = 0
        """By how much UTC is ahead of site time (negative: behind) where that is more than is slewed; else 0."""
        self.fault: str | None = None
        """What is wrong with the machine's clock, in words."""
        self.since_ms = 0
        """Site time when the hub began to use this scale."""
        if self._clock is not None:
            self._begin(self._clock, journal_ms)

    def _begin(self, clock: SystemClock, journal_ms: int) -> None:
        row = self._store.db.execute("select value from meta where key = 'clock'").fetchone()
        kept = msgspec.json.decode(row[0], type=_Scale | None) if row else None
        boot, begun_ms = clock.scale()
        self.since_ms = clock.now_ms()
        if kept is not None and boot and kept.boot == boot and abs(kept.begun_ms - begun_ms) > STEP_S * 1000:
            clock.stand(clock.now_ms() + kept.begun_ms - begun_ms)
            self.since_ms = kept.since_ms
        if journal_ms > clock.now_ms():
            if journal_ms - clock.now_ms() > STEP_S * 1000:
                _log.error(
                    "the machine's clock is %s behind the newest entry of the journal. Either it is wrong now, or it "
                    "was when that was written; site time goes on from the journal's",
                    _span(journal_ms - clock.now_ms()),
                )
            clock.stand(journal_ms)
            self.since_ms = journal_ms
        self._watch(clock)

    def look(self, open_moments: Callable[[], Iterable[Moment]]) -> int:
        """Look at the machine's clock, now and then; return by how many milliseconds site time has jumped: mostly 0.

        Args:
            open_moments: gives the open moments; asked only where it matters.
        """
        clock = self._clock
        if clock is None or clock.mono_s() - self._looked_s < LOOK_S:
            return 0
        self._looked_s = clock.mono_s()
        self._watch(clock)
        if self.ahead_ms <= 0 or clock.steady_s < STEADY_S:
            return 0
        if any(moment.opened_ms >= self.since_ms for moment in open_moments()):
            return 0
        by_ms = clock.follow()
        self._jumped_ms, self._by_ms = clock.now_ms(), by_ms
        _log.warning("site time has gone %s ahead, to the machine's clock: nothing was open", _span(by_ms))
        self._watch(clock)
        self.since_ms = clock.now_ms()
        return by_ms

    def site_ms(self, utc_ms: int) -> int:
        """Return the site time of a UTC that somebody else told, whose clock may be right where ours was not.

        The machine's clock is believed about it where it is kept by the world's, or where nothing else makes sense.
        """
        ahead_ms = self.ahead_ms
        if ahead_ms == 0 or self._clock is None:
            return utc_ms
        if self._synchronised() or utc_ms > self._clock.now_ms() + AHEAD_MS:
            return utc_ms - ahead_ms
        return utc_ms

    def now_of(self, at_ms: int) -> int:
        """Return what a site time that was told before the last jump is now."""
        return at_ms + self._by_ms if at_ms < self._jumped_ms else at_ms

    def _watch(self, clock: SystemClock) -> None:
        ahead_s = clock.ahead_s
        held = abs(ahead_s) > STEP_S
        self.ahead_ms = round(ahead_s * 1000) if held else 0
        self.fault = _words(self.ahead_ms) if held else None
        if held != self._held:
            self._held = held
            if held:
                _log.error("%s", self.fault)
                scale = _Scale(*clock.scale(), since_ms=self.since_ms)
            else:
                _log.warning("the machine's clock and site time agree again")
                scale = None
            self._store.row(_META, (msgspec.json.encode(scale).decode(),))


def _words(ahead_ms: int) -> str:
    what = f"the machine's clock is {_span(abs(ahead_ms))} {'ahead of' if ahead_ms > 0 else 'behind'} site time"
    if ahead_ms > 0:
        return f"{what}. Times shown are that much too early, durations are right; it is followed when nothing is open"
    return f"{what}. Times shown are that much too late, durations are right; stop the hub for so long to put it right"


def _span(ms: int) -> str:
    s = round(ms / 1000)
    for size, name in ((86_400, "d"), (3_600, "h"), (60, "min")):
        if s >= 2 * size:
            return f"{s / size:.1f} {name}"
    return f"{s} s"
