"""What of a site can never change: the journal would be of two."""

from __future__ import annotations

from andgate.errors import Problem
from andgate.plan import Site
from hub.store.hours import same_clocks


def another_site(known: Site, wanted: Site, now_ms: int) -> Problem | None:
    """Return why a plan cannot follow on what was recorded; None where it can.

    Args:
        known: what was recorded so far is of this site.
        wanted: the plan's.
        now_ms: site time.
    """
    if wanted.id != known.id:
        what = f'what was recorded is of the site "{known.id}", and the plan is of "{wanted.id}"'
        return Problem(0, "site.id", what, "Keep the id, or give this site a hub with another --data folder")
    if not same_clocks(known.timezone, wanted.timezone, now_ms):
        what = f"what was recorded is counted by the hours of {known.timezone}, and {wanted.timezone} has others"
        return Problem(0, "site.timezone", what, "Keep the zone, or begin with another --data folder")
    return None
