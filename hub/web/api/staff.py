"""Every body about people and rosters that ``/api/v1`` answers with or takes."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta, Struct, field

from hub.store.rows import PageState

Weekday = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
Day = Annotated[str, Meta(pattern=r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$", examples=["2026-12-24"])]
TimeOfDay = Annotated[str, Meta(pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9]$", examples=["22:00"])]
Name = Annotated[str, Meta(min_length=1, max_length=60)]
Language = Annotated[str, Meta(pattern=r"^[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8}){0,3}$", examples=["it"])]
Address = Annotated[str, Meta(min_length=1, max_length=500)]
Id = Annotated[str, Meta(min_length=1, max_length=63)]


class QuietSpan(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A daily span in which somebody gets only the first page of each threat."""

    from_: TimeOfDay = field(name="from")
    to: TimeOfDay
    """At or before `from`: of the next day."""
    steps: Annotated[list[Annotated[int, Meta(ge=1, le=99)]], Meta(max_length=20)] = []
    """The steps of the ladder that are held back, 1 is the first; empty: all."""


class LastSent(Struct, frozen=True, kw_only=True):
    """What became of the newest page over a channel."""

    state: PageState
    at: str
    note: str
    delivered: str | None = None
    """When it was in the receiver's device, as far as the channel can tell."""
    read: str | None = None
    """When somebody answered or tapped it."""


class ChannelEntry(Struct, frozen=True, kw_only=True):
    """One way to reach somebody, in the order in which they are tried."""

    channel: int
    """Its place in the order, from 1."""
    kind: str
    """The URL's scheme: ``snpp``, ``webpush``, ``mailto``."""
    url: str | None
    """Only for whoever may edit it."""
    last: LastSent | None


class DutyEntry(Struct, frozen=True, kw_only=True):
    """Somebody stands on a shift: on days of the week, or on one date."""

    id: int
    person: str
    group: str
    shift: str
    days: list[Weekday]
    date: str | None
    from_: str | None = field(name="from")
    until: str | None
    """The last date."""


class PersonEntry(Struct, frozen=True, kw_only=True):
    """Somebody who can be paged."""

    id: str
    name: str
    languages: list[str]
    channels: list[ChannelEntry]
    quiet: list[QuietSpan]
    active: bool
    reachable: bool
    why_not: str | None
    """Why they cannot be reached, in words."""
    duties: list[DutyEntry]


class PersonList(Struct, frozen=True, kw_only=True):
    """Everybody who can be paged, by name."""

    items: list[PersonEntry]
    next: str | None = None


class PersonBody(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Somebody to add, or to keep as this from now on."""

    name: Name
    """As it stands in claims, so that whoever claims is known to be on the roster."""
    languages: Annotated[list[Language], Meta(max_length=8)] = []
    """What they speak, by BCP 47: told to whoever needs words with a customer, while they are on shift."""
    channels: Annotated[list[Address], Meta(max_length=8)] = []
    """URLs, in the order in which they are tried: ``mqtt://PAGER``, ``webpush://``, ``way://WAY/ADDRESS`` over one of
    the plan's ways, ``pocsag://NODE/NUMBER``, ``snpp://HOST/PAGER``, or any Apprise URL."""
    quiet: Annotated[list[QuietSpan], Meta(max_length=8)] = []
    active: bool = True


class TestBody(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which of somebody's channels is tried."""

    channel: Annotated[int, Meta(ge=1, le=99)] = 1


class TestSent(Struct, frozen=True, kw_only=True):
    """A test page is on its way; the person's channel says what became of it."""

    page: str


class Place(Struct, frozen=True, kw_only=True):
    """Somebody on a turn, or off it."""

    id: str | None
    """None: nobody stands there."""
    name: str | None
    reachable: bool
    why_not: str | None
    duty: int | None
    """The line of the roster that says so."""
    stand_in: int | None
    """The decision for this date that says so."""
    instead_of: str | None
    """Whose place they take on this date, by id."""
    reason: str


class TurnEntry(Struct, frozen=True, kw_only=True):
    """One shift of a group on one date."""

    group: str
    shift: str
    name: str
    date: str
    """On which it begins, in the site's time zone."""
    from_: str = field(name="from")
    until: str
    on: bool
    """It is on now."""
    people: list[Place]
    off: list[Place]
    """Who stands there by the roster, and not on this date."""


class Roster(Struct, frozen=True, kw_only=True):
    """The turns of a span, in the order of their beginnings."""

    since: str
    until: str
    items: list[TurnEntry]
    next: str | None = None


class DutyBody(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Put somebody on a shift: on days of the week (between dates), or on one date."""

    person: Id
    group: Id
    shift: Id
    days: Annotated[list[Weekday], Meta(max_length=7)] = []
    date: Day | None = None
    from_: Day | None = field(name="from", default=None)
    until: Day | None = None


class StandInBody(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """For one shift of one date: `person` in place of `instead_of`; without one of them, on top, or nobody."""

    date: Day
    group: Id
    shift: Id
    person: Id | None = None
    instead_of: Id | None = None
    reason: Annotated[str, Meta(max_length=200)] = ""


class SwapBody(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One decision, or two that are one swap: kept together, and taken back together."""

    stand_ins: Annotated[list[StandInBody], Meta(min_length=1, max_length=2)]
    by: Annotated[str, Meta(min_length=1, max_length=60)] | None = None


class StandInEntry(Struct, frozen=True, kw_only=True):
    """A decision for one shift of one date."""

    id: int
    date: str
    group: str
    shift: str
    person: str | None
    instead_of: str | None
    by: str
    reason: str
    pair: int | None


class StandInList(Struct, frozen=True, kw_only=True):
    """What was decided."""

    items: list[StandInEntry]
    next: str | None = None


class Gone(Struct, frozen=True, kw_only=True):
    """It is deleted."""

    id: str
