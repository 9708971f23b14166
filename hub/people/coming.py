"""Who must be reachable soon: the shift that is on and the one that comes, way by way, for a drill."""

from __future__ import annotations

from andgate.plan import Channel, Plan
from andgate.routing import personal
from hub.people.directory import Books, Directory
from hub.people.roster import on_next, on_now, ways


class Coming:
    """Says for a drill who stands there, and how each is reached."""

    def __init__(self, people: Books, directory: Directory) -> None:
        """Look into `people`."""
        self._people = people
        self._directory = directory

    def coming(self, plan: Plan, group: str, now_ms: int) -> tuple[str, ...]:
        """Return the channels of everybody on the shift of a group that is on and on the next, each once."""
        known = plan.groups.get(group)
        if known is None or not known.shifts:
            return ()
        book = self._people.book()
        turns = (*on_now(plan, book, group, now_ms), *on_next(plan, book, group, now_ms))
        people = {person.id: person for _, crew in turns for person in crew}
        return tuple(personal(person.id, rank) for person in people.values() for rank in ways(plan, book, person))

    def entry(self, channel: str) -> Channel | None:
        """Return a person's channel with its address as of now."""
        return self._directory.entry(channel)

    def audience(self, channel: str) -> str | None:
        """Return whom a note over a person's channel is for."""
        return self._directory.audience(channel)
