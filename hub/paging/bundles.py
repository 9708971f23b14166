"""Many threats at once, told in one page: which are gathered, what the page says, and what becomes of each.

The delivery of each threat stays a row of its own. While it is gathered it is queued and held by nobody; the page that
tells it, the bundle, is a row about no moment, and every row that it names carries its id. What becomes of the bundle
becomes of them. A crash between the two leaves rows without a bundle: they are gathered again at the start.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from msgspec import Struct
from msgspec.structs import replace

from andgate.moment.moments import Moment
from andgate.plan import Plan, is_task
from andgate.routing import clock_text, place
from hub.paging.pace import Pace, Receiver
from hub.store.pages import PageFate, Pages
from hub.store.rows import BUNDLE, NAMED, PageRow

GATHER_MS = 700
"""So long threats are gathered: a page is never more than a second late, slow machines included."""
LIST_CHARS = 190
"""Of the list of places in one page: with the words around it that fits on a pager."""
WAITS = "waits a moment, to be told together with others"


class Line(Struct, frozen=True):
    """One threat in a bundle."""

    row: PageRow
    place: str
    ends_ms: int

    def order(self, now_ms: int) -> tuple[bool, bool, int, int]:
        """Sort by this to go to what can still be kept first, the nearest deadline of it, and then to what is late."""
        return is_task(self.row.expectation), self.ends_ms <= now_ms, self.ends_ms, self.row.id

    def said(self, now_ms: int) -> str:
        """Return ``Counter A 2:10``, ``Belt 3 0:20 late``, ``Counter B (make good) 29:50``."""
        what = " (make good)" if is_task(self.row.expectation) else ""
        late = " late" if self.ends_ms <= now_ms else ""
        return f"{self.place}{what} {clock_text(abs(self.ends_ms - now_ms) / 1000)}{late}"


def pieces(lines: Sequence[Line], now_ms: int) -> list[list[Line]]:
    """Cut a list of threats into pages, in the order to go to them, so that each can name all of its places."""
    cut: list[list[Line]] = []
    room = 0
    for line in sorted(lines, key=lambda line: line.order(now_ms)):
        size = len(line.said(now_ms)) + 2
        if not cut or size > room:
            cut.append([])
            room = LIST_CHARS
        cut[-1].append(line)
        room -= size
    return cut


def headline(threats: int, owed: int = 0) -> str:
    """Return how many stand: ``5 lines threatened``; with `owed` remedies ``3 lines threatened, 2 to make good``."""
    lines = threats - owed
    said = [f"{lines} line{'s' * (lines != 1)} threatened"] if lines else []
    return ", ".join([*said, f"{owed} to make good"] if owed else said)


def bundle_text(head: str, lines: Iterable[Line], part: tuple[int, int], now_ms: int, *, some: bool = False) -> str:
    """Return what a bundle says: the headline, which part of how many it is, and each place with the time left.

    Args:
        head: the headline.
        lines: what this page names.
        part: which page of how many this is.
        now_ms: site time.
        some: others stand too, which pages before this one have named.
    """
    which = f" ({part[0]} of {part[1]})" if part[1] > 1 else ""
    among = ", among them" if some else ""
    return f"{head}{which}{among}: {', '.join(line.said(now_ms) for line in lines)}."


class Gathering(Struct):
    """What is gathered for one receiver."""

    due_ms: int
    members: list[tuple[int, str]]
    """(delivery, moment)."""


class Bundles:
    """Gathers and makes bundles; belongs to the driver's thread."""

    def __init__(self, pages: Pages, pace: Pace, about: Callable[[str], Moment | None]) -> None:
        """Write to `pages`; what a crash left ungathered is due at once.

        Args:
            pages: the outbox.
            pace: knows what went to whom lately.
            about: a moment as the engine has it now.
        """
        self._pages = pages
        self._pace = pace
        self._about = about
        self._gathering: dict[Receiver, Gathering] = {}
        for row in list(pages.queued.values()):
            if row.told_in and not pages.of(row.told_in):
                pages.change(replace(row, session=0, again=False))
                self._member(row, 0)

    def gather(self, row: PageRow, now_ms: int) -> None:
        """Take a delivery that is told with others, a moment from now."""
        to = Receiver(row.group, row.channel)
        known = self._gathering.get(to)
        name = known and self._row_of(known.members[0])
        bundle = name.bundle if name else f"{BUNDLE}{now_ms}-{row.id}"
        self._pages.change(replace(row, bundle=bundle, session=0, note=WAITS))
        self._member(row, now_ms + GATHER_MS)

    def _member(self, row: PageRow, due_ms: int) -> None:
        to = Receiver(row.group, row.channel)
        self._gathering.setdefault(to, Gathering(due_ms, [])).members.append((row.id, row.moment))

    def _row_of(self, member: tuple[int, str]) -> PageRow | None:
        return next((row for row in self._pages.of(member[1]) if row.id == member[0]), None)

    def next_ms(self) -> int | None:
        """Return when the next bundle is due."""
        return min((each.due_ms for each in self._gathering.values()), default=None)

    def look(self, plan: Plan, now_ms: int) -> list[PageRow]:
        """Make the bundles that are due; return what goes out."""
        made: list[PageRow] = []
        for to in [to for to, each in self._gathering.items() if each.due_ms <= now_ms]:
            made += self._make(to, self._gathering.pop(to), plan, now_ms)
        return made

    def _make(self, to: Receiver, gathered: Gathering, plan: Plan, now_ms: int) -> list[PageRow]:
        known = [self._row_of(member) for member in gathered.members]
        members = [row for row in known if row is not None and row.state == "queued"]
        if not members:
            return []  # all of them are over, or claimed
        new = {row.moment: row for row in members}
        before, threats = self._before(to, new)
        if len(new) + len(before) == 1:
            return [self._alone(row, to) for row in members]
        lines = [self._line(row, plan, now_ms) for row in (*new.values(), *before)]
        owed = sum(is_task(line.row.expectation) for line in lines)
        head, some = headline(max(threats, len(lines)), owed), threats > len(lines)
        cut = pieces(lines, now_ms)
        made = []
        for number, piece in enumerate(cut, 1):
            text = bundle_text(head, piece, (number, len(cut)), now_ms, some=some)
            made.append(self._bundle(to, head, text, piece, number, now_ms, members))
        adds = self._pace.summed_up(to)
        return [self._pages.change(replace(made[0], adds=adds)), *made[1:]] if adds else made

    def _before(self, to: Receiver, new: dict[str, PageRow]) -> tuple[list[PageRow], int]:
        """Return what the receiver was told lately, one by one, and still stands; and how many threats stand in all."""
        found: dict[str, PageRow] = {}
        standing = set(new)
        for said in self._pace.lately(to):
            moment = self._about(said.moment)
            if said.moment in new or moment is None or moment.state != "open" or moment.claimed_ms is not None:
                continue
            standing.add(said.moment)
            row = self._row_of((said.row, said.moment))
            if row is not None and not row.bundle and row.state in {"queued", "sent"}:
                found[said.moment] = row
        return list(found.values()), len(standing)

    def _line(self, row: PageRow, plan: Plan, now_ms: int) -> Line:
        moment = self._about(row.moment)
        if moment is None:
            return Line(row, row.title, now_ms + round(row.left_s * 1000))
        return Line(row, place(moment, plan), moment.ends_ms)

    def _alone(self, row: PageRow, to: Receiver) -> PageRow:
        """Let the only one go as it is."""
        _, session = self._pages.hold()
        adds = self._pace.summed_up(to)
        return self._pages.change(replace(row, bundle="", session=session, note="", adds=adds))

    def _bundle(
        self, to: Receiver, head: str, text: str, lines: list[Line], number: int, now_ms: int, members: list[PageRow]
    ) -> PageRow:
        first = members[0]
        bundle = first.bundle if number == 1 else f"{first.bundle}-{number}"
        named = {line.row.moment for line in lines}
        for row in members:
            if row.moment in named:
                self._pages.change(replace(row, bundle=bundle))
        told = {each.id for each in members}
        for line in lines:
            if line.row.id not in told:
                self._pages.change(replace(line.row, bundle=bundle + NAMED))
        mine = [row for row in members if row.moment in named]
        decided_ms = min((each.decided_ms for each in mine), default=now_ms)
        row = self._pages.begin(
            bundle,
            bundle,
            (to.group, to.channel, first.person),
            now_ms,
            reason=f"{len(lines)} threats at once",
            title=head,
            text=text,
            left_s=(lines[0].ends_ms - decided_ms) / 1000,
            late=any(each.late for each in mine),
            cancels=bool(mine) and all(each.cancels for each in mine),
        )
        again = any(each.again for each in mine)
        return self._pages.change(replace(row, bundle=bundle, decided_ms=decided_ms, again=again))

    # ---------------------------------------------------------------------------------------------- what became of it

    def settled(self, fate: PageFate) -> list[PageRow]:
        """Let what became of a bundle become of all that it tells; return them as they are now."""
        told = f"told in {fate.moment}"
        note = f"{told}; {fate.note}" if fate.note else told
        changed = []
        for row in self._pages.bundled(fate.moment):
            if row.state in {"queued", "cancelled"}:
                self._pages.fate(
                    PageFate(
                        id=row.id,
                        moment=row.moment,
                        state=fate.state,
                        note=note,
                        tries=fate.tries,
                        due_ms=fate.due_ms,
                        sent_ms=fate.sent_ms,
                        surely_unsent=fate.surely_unsent,
                        delivered_ms=fate.delivered_ms,
                        read_ms=fate.read_ms,
                    )
                )
                changed += [now for now in self._pages.of(row.moment) if now.id == row.id]
        return changed

    def left(self, rows: Iterable[PageRow], note: str) -> list[int]:
        """Cancel the bundles that have nobody left to tell after these deliveries were cancelled; return their ids."""
        gone = []
        for bundle in dict.fromkeys(row.told_in for row in rows if row.told_in):
            waiting = [row for row in self._pages.of(bundle) if row.state == "queued"]
            if waiting and not any(row.state == "queued" for row in self._pages.bundled(bundle)):
                for row in waiting:
                    self._pages.change(replace(row, state="cancelled", note=note))
                    gone.append(row.id)
        return gone
