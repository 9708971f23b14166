"""Pages about nodes and devices: the same outbox as every page, but about no moment."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct
from msgspec.structs import replace

from hub.store.crew import Crew
from hub.store.pages import Pages
from hub.store.rows import PageRow, PageState


class Notice(Struct, frozen=True, kw_only=True):
    """One thing to tell one group."""

    page: str
    """Names it, for ever; begins with `NOTICE`."""
    group: str
    title: str
    text: str
    reason: str
    touchpoint: str = ""


class Notices:
    """Decides each delivery's first fate; belongs to the driver's thread."""

    def __init__(self, pages: Pages, *, listen_only: bool) -> None:
        """Write to `pages`; `listen_only`: everything is muted."""
        self._pages = pages
        self._listen_only = listen_only

    def page(
        self,
        notice: Notice,
        channels: Sequence[str],
        now_ms: int,
        crew: Crew | None = None,
        why_not: str | None = None,
    ) -> list[PageRow]:
        """Page a group over these channels, and whoever of it is on by name, once; return what goes out.

        Args:
            notice: names the page, and says it.
            channels: of the group.
            now_ms: now.
            crew: whoever is on by name.
            why_not: why nobody may be paged of it now, in words: it is only written down; None: they may.
        """
        ways: list[tuple[str, str | None]] = [(channel, None) for channel in channels]
        ways += [(mate.channel, mate.person) for mate in crew.mates] if crew is not None else []
        made = []
        for channel, person in ways or [("", None)]:
            if not self._pages.known(notice.page, notice.page, "page", notice.group, channel):
                row = self._row(notice, channel, now_ms, person=person, why_not=why_not)
                if row.state == "queued":
                    made.append(row)
        return made

    def over(self, notice: Notice, now_ms: int, why_not: str | None = None) -> tuple[list[PageRow], list[int]]:
        """Tell those whom `notice.page` was told that it is over; return what goes out, and what must not any more.

        Args:
            notice: names the page, and says the word.
            now_ms: now.
            why_not: why nobody may be paged of it now, in words; None: they may.
        """
        known = self._pages.of(notice.page)
        if any(row.kind == "over" for row in known):
            return [], []
        told = [row for row in known if row.kind == "page" and row.channel and row.state in ("sent", "queued", "muted")]
        cancelled = self._pages.cancel(notice.page, "it was over", claimed=False)
        made = [
            self._row(
                replace(notice, group=row.group), row.channel, now_ms, person=row.person, over=True, why_not=why_not
            )
            for row in told
        ]
        return [row for row in made if row.state == "queued"], cancelled

    def _row(
        self,
        notice: Notice,
        channel: str,
        now_ms: int,
        *,
        person: str | None,
        over: bool = False,
        why_not: str | None = None,
    ) -> PageRow:
        state: PageState = "queued"
        note = ""
        if not channel:
            state, note = "failed", "the plan gives this group no channel"
        elif self._listen_only:
            state, note = "muted", "the hub only listens"
        elif why_not is not None:
            state, note = "muted", why_not
        return self._pages.begin(
            f"{notice.page}:over" if over else notice.page,
            notice.page,
            (notice.group, channel, person),
            now_ms,
            reason=notice.reason,
            kind="over" if over else "page",
            state=state,
            note=note,
            title=notice.title,
            text=notice.text,
            touchpoint=notice.touchpoint,
        )
