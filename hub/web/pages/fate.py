"""What became of a page, in words: sent, delivered, read, on its way, or not, and why."""

from __future__ import annotations

from typing import TYPE_CHECKING

from andgate.routing import personal_rank
from hub.web.pages.names import group_name
from hub.web.pages.spans import hms
from hub.web.pages.words import say

if TYPE_CHECKING:
    from andgate.plan import Plan
    from hub.store.rows import PageRow


def whom(plan: Plan, row: PageRow) -> str:
    """Return who was told, and over what; never a person's name: that is theirs."""
    found = personal_rank(row.channel)
    way = say("fate.person", n=found[1] + 1) if found is not None else row.channel
    return group_name(plan, row.group) + (f", {way}" if way and way != "~" else "")


def fate(row: PageRow, zone: str) -> str:
    """Return what became of one delivery, and why."""
    words = [_state(row, zone)]
    if row.delivered_ms is not None and row.read_ms is None:
        words.append(say("fate.delivered", time=hms(row.delivered_ms, zone)))
    if row.read_ms is not None:
        words.append(say("fate.read", time=hms(row.read_ms, zone)))
    if row.stands_for is not None and row.kind == "page":
        words.append(say("fate.instead", because=row.reason))
    if row.bundle and row.bundle != row.moment and row.state != "queued":
        words.append(say("fate.bundle" if row.told_in else "fate.named"))
    return "; ".join(words)


def _state(row: PageRow, zone: str) -> str:
    note = _note(row)
    if row.state == "sent":
        time = hms(row.sent_ms if row.sent_ms is not None else row.decided_ms, zone)
        return say("fate.sent", time=time) + (f", {note}" if note else "")
    if row.state == "queued":
        if row.told_in and not row.tries:
            return say("fate.gathered")
        if not note:
            return say("fate.queued")
        again = f"; {say('fate.tries', n=row.tries, time=hms(row.due_ms, zone))}" if row.tries > 1 else ""
        return say("fate.retried", note=note) + again
    return say(f"fate.{row.state}", because=note.removeprefix("not sent: ") or say("moment.skip.unknown"))


def _note(row: PageRow) -> str:
    """Return the note without the bundle's name: that it was told with others is said in words."""
    if not row.told_in:
        return row.note
    return row.note.removeprefix(f"told in {row.told_in}").removeprefix("; ")
