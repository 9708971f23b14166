"""Who did something: the journal keeps an opaque id, and this table, which is no part of the chain, keeps the name.

A name is turned into an id where an action comes in, and back where anything goes out, so that an erased person is
"somebody" everywhere, and the chain has not lost a byte. Ids are drawn by lot: nothing can be computed from them.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable
from typing import TypeVar, get_args

from msgspec.structs import replace

from andgate.moment.events import AnyEvent
from andgate.moment.moments import Moment
from hub.store.writes import Writes

SOMEBODY = "somebody"
_ID = re.compile(r"~[0-9a-f]{16}")
_PERSON = "insert into person (id, name) values (?, ?)"
FIND = "select name from person where id = ?"
_NAMED = ("by", "whose", "took", "person")
"""Fields of an event that hold somebody's id."""
_NAMED_IN = {kind: tuple(field for field in _NAMED if field in kind.__struct_fields__) for kind in get_args(AnyEvent)}

_E = TypeVar("_E", bound=AnyEvent)


class Names:
    """Turns ids back into names; what is no id stays as it is (a journal from before there were any)."""

    def __init__(self, find: Callable[[str], str | None]) -> None:
        """Look names up with `find`, which returns None for an id that nobody has."""
        self._find = find

    def name(self, id: str) -> str:
        """Return whose id it is."""
        return (self._find(id) or SOMEBODY) if _ID.fullmatch(id) else id

    def text(self, text: str) -> str:
        """Return a text with the names of those it speaks of."""
        return _ID.sub(lambda found: self.name(found[0]), text) if "~" in text else text

    def moment(self, moment: Moment) -> Moment:
        """Return a moment with the names of those who are on it, and of who said why it failed or what was given."""
        by, said, given = moment.claimed_by, moment.caused, moment.given
        if by is None and not moment.claims and said is None and given is None:
            return moment
        claims = tuple(
            replace(claim, by=self.name(claim.by), took=None if claim.took is None else self.name(claim.took))
            for claim in moment.claims
        )
        return replace(
            moment,
            claimed_by=None if by is None else self.name(by),
            claims=claims,
            caused=None if said is None else replace(said, by=self.name(said.by)),
            given=None if given is None else replace(given, by=self.name(given.by)),
        )

    def event(self, event: _E) -> _E:
        """Return an event with the names of those it is about."""
        named = {field: getattr(event, field) for field in _NAMED_IN[type(event)]}
        changed = {field: self.name(id) for field, id in named.items() if id is not None}
        return replace(event, **changed) if changed else event


class Persons(Names):
    """The writing side; one thread."""

    def __init__(self, store: Writes) -> None:
        """Keep persons in `store`."""
        super().__init__(self._look)
        self._store = store
        self._fresh: dict[str, str] = {}
        """Ids that wait for the commit."""

    def _look(self, id: str) -> str | None:
        return self._store.fact(FIND, (id,)) or (self._fresh.get(id) if self._store.dirty else None)

    def known(self, name: str) -> str | None:
        """Return the id of whoever is called so, or has this very id; None for somebody new."""
        if not self._store.dirty:
            self._fresh.clear()
        if name == SOMEBODY or (_ID.fullmatch(name) and self._find(name) is not None):
            return name
        known = self._store.fact("select id from person where name = ? limit 1", (name,))
        if known is None:
            known = next((id for id, waiting in self._fresh.items() if waiting == name), None)
        return known

    def id_of(self, name: str) -> str:
        """Return a person's id; somebody new gets one with the next commit."""
        known = self.known(name)
        if known is None:
            known = f"~{secrets.token_hex(8)}"
            self._fresh[known] = name
            self._store.row(_PERSON, (known, name))
        return known
