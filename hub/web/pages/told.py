"""Who was told: what a screen may say of pages. What was kept back, or reached nobody, was told to nobody."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from andgate.moment.events import Paged

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from hub.store.rows import PageRow, TrailLine

OUT = frozenset({"queued", "sent"})
"""States of a delivery that went out, or still may."""


def of_page(page: str, rows: Iterable[PageRow]) -> list[PageRow]:
    """Return the deliveries of a page, and of those that went instead of it."""
    return [row for row in rows if row.kind == "page" and (row.page == page or row.page.startswith(f"{page}:instead:"))]


def told(trail: Iterable[TrailLine], rows: Sequence[PageRow]) -> tuple[TrailLine, ...]:
    """Return a trail whose pages are those that went out, each once for every group that it went to.

    A page of which nothing is on record is believed; one that went to another group, since nobody of its own could be
    reached, is that group's.
    """
    return tuple(_told(trail, rows))


def _told(trail: Iterable[TrailLine], rows: Sequence[PageRow]) -> Iterator[TrailLine]:
    for line in trail:
        found = of_page(line.event.page, rows) if isinstance(line.event, Paged) else []
        if not isinstance(line.event, Paged) or not found:
            yield line
            continue
        first: dict[str, PageRow] = {}
        for row in found:
            if row.state in OUT:
                first.setdefault(row.group, row)
        for group, row in first.items():
            at_ms = line.event.at_ms if group == line.event.group else row.decided_ms
            yield replace(line, event=replace(line.event, group=group, at_ms=at_ms))


def paged_groups(trail: Iterable[TrailLine]) -> tuple[str, ...]:
    """Return the groups a moment has paged, in order, each once."""
    return tuple(dict.fromkeys(line.event.group for line in trail if isinstance(line.event, Paged)))


def for_rooms(rows: Iterable[PageRow]) -> frozenset[str]:
    """Return the groups whose break rooms call for somebody."""
    return frozenset(row.group for row in rows if row.for_room)
