"""The site's time on the node: its monotonic clock plus an offset learnt from the hub. Pure.

The offset is the middle of the quickest question and answer: the hub's UTC lies between the asking and the answer's
arrival, so it is wrong by at most half of that. A slow exchange does not replace a quick one unless that has grown
old, or they cannot both be right. The offset belongs to one monotonic scale and is kept on disk with its name.
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

    def learn(self, at_ms: int, asked_s: float, answered_s: float, rate: float = 1.0) -> bool:
        """Take the hub's answer; return whether the offset moved by more than 50 ms or is new."""
        middle_s = (asked_s + answered_s) / 2
        spread_s = max(answered_s - asked_s, 0.0)
        new = Anchor(self.boot_id, middle_s, at_ms, spread_s, rate / self.pace)
        old = self.anchor
        moved = old is None or abs(old.site_at(middle_s) - at_ms) > 50  # noqa: PLR2004 - the contract's 50 ms
        if old is not None:
            possible_ms = (old.spread_s + spread_s) / 2 * 1000 + 1
            contradicts = abs(old.site_at(middle_s) - at_ms) > possible_ms
            if spread_s > old.spread_s and not contradicts and middle_s - old.mono_s < OLD_S * self.pace:
                return False
        self.anchor = new
        return moved

    def guess(self, now_ms: int, mono_s: float) -> None:
        """Take the node's own clock, which is synchronised, as long as the hub has not said better."""
        if self.anchor is None or self.anchor.spread_s < 0:
            self.anchor = Anchor(self.boot_id, mono_s, now_ms, -1.0)

    def ms(self, mono_s: float) -> int | None:
        """Return the site's time in UTC milliseconds, or None if it is not known."""
        return None if self.anchor is None else round(self.anchor.site_at(mono_s))

    def mono_s(self, site_ms: int) -> float | None:
        """Return a site time on the node's clock, or None if it is not known."""
        return None if self.anchor is None else self.anchor.mono_at(site_ms)

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
