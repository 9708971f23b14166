"""What stands for each group: open moments that it has been paged about, for annunciators and speakers.

A board is retained and said again when it changes and at every connect, as a touchpoint's state is. It is made from the
pages that were decided, whatever became of each on its way: who sits beside the beacon must hear of what no radio
carried. What is muted is not on it, nor what stands where all is suspended. Only groups that a device serves have one.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable

import msgspec
from msgspec import UNSET, Struct

from andgate.moment.events import AnyEvent, Paged
from andgate.moment.moments import Moment
from andgate.plan import Plan
from andgate.wire.codec import encode, format_time
from andgate.wire.messages import GroupBoard, GroupMoment
from andgate.wire.times import format_time_or_none
from hub.quiet import NOTHING, View
from hub.signs.fitting import fitting
from hub.store import PageRow

_log = logging.getLogger(__name__)

MOMENTS_MOST = 64
"""Of one group, those with the nearest deadlines: nobody can be told of more."""


class _Told(Struct, frozen=True):
    """What a group has been told of a moment."""

    page: str
    paged_ms: int
    pages: int
    text: str


class Boards:
    """The boards of a site, as one thread keeps them."""

    def __init__(self, plan: Plan, moments: Iterable[Moment], pages: Callable[[str], Iterable[PageRow]]) -> None:
        """Begin with these open moments; `pages` returns every delivery of one, committed."""
        self._pages = pages
        self._plan = plan
        self._open: dict[str, Moment] = {}
        self._told: dict[str, dict[str, _Told]] = {}
        self._said: dict[str, bytes] = {}
        self._stale: dict[str, None] = {}
        self._quiet = NOTHING
        self._turns: list[int] = []
        """When a mute begins or ends by the clock alone."""
        self._groups = served(plan)
        self._stale = dict.fromkeys(sorted(self._groups))
        for moment in moments:
            self.published(moment)
            self._read(moment.id)

    def use_plan(self, plan: Plan) -> tuple[str, ...]:
        """Know this plan's groups from now on; return those that have a board no more."""
        gone = self._groups - served(plan)
        for group in gone:
            self._told.pop(group, None)
            self._said.pop(group, None)
        self._plan, self._groups = plan, served(plan)
        self._stale = dict.fromkeys(sorted(self._groups))
        for moment in list(self._open):
            self._read(moment)
        return tuple(sorted(gone))

    def hush(self, quiet: View, now_ms: int) -> None:
        """Take what is quiet from now on."""
        self._quiet = quiet
        self._turns = sorted({at_ms for it in quiet.mutes for at_ms in (it.begin_ms, it.end_ms) if at_ms > now_ms})
        self._stale = dict.fromkeys(sorted(self._groups))

    def next_ms(self) -> int | None:
        """Return when a mute begins or ends next; None where no board changes by that."""
        return self._turns[0] if self._turns and self._groups else None

    def published(self, moment: Moment) -> None:
        """Take a publication."""
        if not self._groups:
            return
        if moment.state == "open" and not moment.withdrawn:
            self._open[moment.id] = moment
        else:
            self._open.pop(moment.id, None)
        for group, told in self._told.items():
            if moment.id in told:
                self._stale[group] = None
                if moment.id not in self._open:
                    del told[moment.id]

    def paged(self, events: Iterable[AnyEvent], rows: Iterable[PageRow]) -> None:
        """Take what was decided and queued; after the moments it is about were published."""
        if self._groups:
            about = dict.fromkeys(it.moment for it in events if isinstance(it, Paged) and it.group in self._groups)
            about |= dict.fromkeys(it.moment for it in rows if it.about is not None and it.group in self._groups)
            for moment in about:
                self._read(moment)

    def _read(self, moment: str) -> None:
        """Look what a moment's groups have been told."""
        if moment not in self._open or not self._groups:
            return
        found: dict[str, dict[str, PageRow]] = {}
        try:
            rows = sorted(self._pages(moment), key=lambda row: row.id)
        except Exception as wrong:  # noqa: BLE001 - whatever the database says: lamps and signs must go on
            _log.warning("the board cannot tell who was paged about %s: %s", moment, wrong)
            return
        for row in rows:
            if row.group in self._groups and row.for_room:
                found.setdefault(row.group, {}).setdefault(row.page, row)
        for group, pages in found.items():
            last = list(pages.values())[-1]
            self._told.setdefault(group, {})[moment] = _Told(last.page, last.decided_ms, len(pages), last.text)
            self._stale[group] = None

    @property
    def stale(self) -> bool:
        """Whether something changed that has not been asked for."""
        return bool(self._stale)

    def forget_said(self) -> None:
        """The broker may have forgotten everything: say it all again."""
        self._said.clear()
        self._stale = dict.fromkeys(sorted(self._groups))

    def changes(self, now_ms: int) -> list[tuple[str, bytes]]:
        """Return what is to be published: group and payload."""
        out = []
        while self._turns and self._turns[0] <= now_ms:
            del self._turns[0]
            self._stale = dict.fromkeys(sorted(self._groups))
        for group in self._stale:
            board = self._board(group, now_ms)
            said = encode(msgspec.structs.replace(board, at=""))
            if said != self._said.get(group):
                self._said[group] = said
                out.append((group, fitting(board)))
        self._stale.clear()
        return out

    def _board(self, group: str, now_ms: int) -> GroupBoard:
        told = {id: it for id, it in self._told.get(group, {}).items() if self._heard(self._open[id], group, now_ms)}
        nearest = sorted(told, key=lambda id: (self._open[id].ends_ms, self._open[id].opened_ms, id))[:MOMENTS_MOST]
        known = self._plan.groups.get(group)
        return GroupBoard(
            at=format_time(now_ms),
            name=group if known is None else known.name,
            moments=[self._moment(self._open[id], told[id]) for id in nearest],
            suspended=site_wide(self._quiet),
        )

    def _heard(self, moment: Moment, group: str, now_ms: int) -> bool:
        """Say whether a moment may sound: neither its place is suspended, nor the group muted about it."""
        quiet, where = self._quiet, moment.touchpoint
        muted = quiet.mutes and quiet.muted_for(self._plan, where, moment.expectation, group, now_ms)
        return not muted and (site_wide(quiet) or quiet.suspended(where) is None)

    def _moment(self, moment: Moment, told: _Told) -> GroupMoment:
        place = self._plan.touchpoints.get(moment.touchpoint)
        return GroupMoment(
            id=moment.id,
            expectation=moment.expectation,
            touchpoint=moment.touchpoint,
            place=moment.touchpoint if place is None else place.name,
            key=moment.key,
            opened=format_time(moment.opened_ms),
            threatened=format_time_or_none(moment.threatened_ms),
            failing=format_time_or_none(moment.failing_ms),
            deadline=format_time(moment.ends_ms),
            claimed=format_time_or_none(moment.claimed_ms),
            page=told.page,
            paged=format_time(told.paged_ms),
            pages=told.pages,
            text=told.text,
            coming=len(moment.coming) if moment.needs > 1 else UNSET,
            needs=moment.needs if moment.needs > 1 else UNSET,
        )


def site_wide(quiet: View) -> bool:
    """Say whether the whole site is suspended; then each board says so, and what stands there stays on it."""
    return any(each.site for each in quiet.suspensions)


def served(plan: Plan) -> frozenset[str]:
    """Return the groups that an annunciator or a speaker serves."""
    found = (str(device.settings.get("group") or "") for device in plan.devices.values())
    return frozenset(group for group in found if group in plan.groups)
