"""The site's time on the node: its monotonic clock plus an offset learnt from the hub. Pure.

The offset is the middle of the quickest question and answer: the hub's UTC lies between the asking and the answer's
arrival, so it is wrong by at most half of that. A slow exchange does not replace a quick one unless that has grown
old, or they cannot both be right. The offset belongs to one monotonic scale and is kept on disk with its name.

Quick exchanges that lie far enough apart tell how fast the quartz runs, and the offset follows. What counts down does
not jump: where a better offset is less than a second away, what is shown goes over to it by a twentieth of a second
each second.
"""

from __future__ import annotations

import msgspec
from msgspec import Struct

OLD_S = 900.0
"""A quartz drifts up to 50 us a second: after so long a slower exchange is better."""


class Anchor(Struct, frozen=True):
    """One reading that ties both clocks together."""

    boot_id: str
    mono_s: float
    site_ms: float
    spread_s: float
    """Question to answer; the reading is good to half of it."""
    rate: float = 1.0
    """Site seconds per second of the node's clock; other than 1 only under a demo's hub."""

    def site_at(self, mono_s: float) -> float:
        """Return the site's time in milliseconds."""
        return self.site_ms + (mono_s - self.mono_s) * 1000 * self.rate

    def mono_at(self, site_ms: float) -> float:
        """Return the node's time of a site time."""
        return self.mono_s + (site_ms - self.site_ms) / 1000 / self.rate


BASE_S = 600.0
"""Readings so far apart tell how fast the quartz runs."""
BASE_MOST_S = 6 * 3600.0
SURE = 20e-6
"""And they do if it comes out to this; a quartz is wrong by up to 100 millionths."""
RATE_MOST = 300e-6
"""Beyond this it is no quartz but a clock that was set."""
READINGS_MOST = 32
STEP_MS = 1000.0
"""What is farther off is put right at once."""
SLEW = 0.05


class SiteTime:
    """What the node knows of the site's time; without it everything that needs it says so."""

    def __init__(self, boot_id: str, pace: float = 1.0) -> None:
        """Know nothing yet.

        Args:
            boot_id: names the monotonic scale.
            pace: seconds of that scale per real second; other than 1 only for a clock that a demo lends.
        """
        self.boot_id = boot_id
        self.pace = pace
        self.anchor: Anchor | None = None
        self.drift = 0.0
        """How much shorter the site's seconds are than those of this clock (it is slow), or longer (negative)."""
        self._readings: list[Anchor] = []
        """Quick ones, for the rate."""
        self._behind_ms = 0.0
        """How far what is shown still is from the anchor's line, at `_slewed_s`."""
        self._slewed_s = 0.0

    def learn(self, at_ms: int, asked_s: float, answered_s: float, rate: float = 1.0) -> bool:
        """Take the hub's answer; return whether the offset moved by more than 50 ms or is new."""
        middle_s = (asked_s + answered_s) / 2
        spread_s = max(answered_s - asked_s, 0.0)
        pace = rate / self.pace
        new = Anchor(self.boot_id, middle_s, at_ms, spread_s, pace)
        old = self.anchor
        moved = old is None or abs(old.site_at(middle_s) - at_ms) > 50  # noqa: PLR2004 - the contract's 50 ms
        if old is not None:
            possible_ms = (old.spread_s + spread_s) / 2 * 1000 + 1
            contradicts = abs(old.site_at(middle_s) - at_ms) > possible_ms
            if spread_s > old.spread_s and not contradicts and middle_s - old.mono_s < OLD_S * self.pace:
                return False
        self.anchor = msgspec.structs.replace(new, rate=pace * (1 + self._drift(new)))
        if old is not None and old.spread_s >= 0:
            shown_ms = old.site_at(answered_s) + self._behind_ms
            self._behind_ms = shown_ms - self.anchor.site_at(answered_s)
            if abs(self._behind_ms) > STEP_MS:
                self._behind_ms = 0.0
            self._slewed_s = answered_s
        return moved

    def _drift(self, new: Anchor) -> float:
        """Note a reading; return by how much the site's seconds are shorter than the quartz's, as far as it is sure."""
        base_s, most_s = BASE_S * self.pace, BASE_MOST_S * self.pace
        last = self._readings[-1] if self._readings else None
        if last is not None and (new.rate != last.rate or abs(last.site_at(new.mono_s) - new.site_ms) > STEP_MS):
            self._readings.clear()  # the hub's clock was set, or it is another hub
        kept = [reading for reading in self._readings if new.mono_s - reading.mono_s <= most_s]
        if not kept or new.mono_s - kept[-1].mono_s >= base_s / 4:
            kept.append(new)
        elif new.spread_s < kept[-1].spread_s and len(kept) > 1:
            kept[-1] = new
        self._readings = kept[-READINGS_MOST:]
        first = min(
            (reading for reading in kept if new.mono_s - reading.mono_s >= base_s),
            key=lambda reading: (reading.spread_s + new.spread_s) / (new.mono_s - reading.mono_s),
            default=None,
        )
        if first is None or (first.spread_s + new.spread_s) / 2 / (new.mono_s - first.mono_s) > SURE:
            return self.drift
        drift = (new.site_ms - first.site_at(new.mono_s)) / 1000 / (new.mono_s - first.mono_s)
        self.drift = drift if abs(drift) <= RATE_MOST else 0.0
        return self.drift

    def settle(self, now_s: float) -> bool:
        """Let what is shown go over to what is known; whether it still does."""
        if self._behind_ms == 0.0:
            return False
        step_ms = SLEW * 1000 * max(now_s - self._slewed_s, 0.0) / self.pace
        self._slewed_s = now_s
        left_ms = abs(self._behind_ms) - step_ms
        self._behind_ms = 0.0 if left_ms <= 0 else left_ms if self._behind_ms > 0 else -left_ms
        return True

    @property
    def known(self) -> bool:
        """Whether a hub has told the time on this scale; a guess by the node's own clock is less."""
        return self.anchor is not None and self.anchor.spread_s >= 0

    def guess(self, now_ms: int, mono_s: float) -> None:
        """Take the node's own clock, which is synchronised, as long as the hub has not said better."""
        if self.anchor is None or self.anchor.spread_s < 0:
            self.anchor = Anchor(self.boot_id, mono_s, now_ms, -1.0)

    def ms(self, mono_s: float) -> int | None:
        """Return the site's time in UTC milliseconds, or None if it is not known."""
        return None if self.anchor is None else round(self.anchor.site_at(mono_s))

    def mono_s(self, site_ms: int) -> float | None:
        """Return when a site time is shown, on the node's clock, or None if it is not known."""
        return None if self.anchor is None else self.anchor.mono_at(site_ms - self._behind_ms)

    def dump(self) -> bytes:
        """Return what is to be kept on disk."""
        return msgspec.json.encode(self.anchor)

    def load(self, kept: bytes | None) -> None:
        """Take back what was kept, if it is of the same monotonic scale."""
        try:
            anchor = msgspec.json.decode(kept or b"null", type=Anchor | None)
        except msgspec.DecodeError:
            return
        if anchor is not None and anchor.boot_id == self.boot_id:
            self.anchor = anchor
