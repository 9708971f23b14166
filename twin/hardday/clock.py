"""A clock that is moved by hand, and by which the hub's threads may wait as they do by any other."""

from __future__ import annotations

from hub.clock import HandClock


class StepClock(HandClock):
    """Stands still until it is moved, and then wakes whoever waits. Whoever waits too long looks, and finds nothing."""

    def real_s(self, site_s: float) -> float:
        """Return real seconds for seconds of the site: as many, though nobody will wait them out."""
        return site_s
