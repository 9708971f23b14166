"""A moment drawn to scale: what happened, when the hub learned it, who was told, and every verdict it published.

Every label has a place of its own: beside its mark where there is room, else in a lane above or below. Where even that
is too much, the least of them are left out and the row says how many.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from markupsafe import Markup

from andgate.moment import events as e
from hub.web.pages.labels import Label, lay, shorten, width_of, wrap
from hub.web.pages.names import group_name, signal_words
from hub.web.pages.narrate import Teller
from hub.web.pages.rows import LANE, Bar, Rows
from hub.web.pages.scale import WIDE, Shape, published, scale_of
from hub.web.pages.spans import MINUTE_MS, down_s, hm, hms, local, span
from hub.web.pages.words import listed, say

if TYPE_CHECKING:
    from collections.abc import Sequence

    from markupsafe import Markup

    from andgate.moment.moments import Moment
    from andgate.plan import Plan
    from hub.store.rows import SignalRow, TrailLine
    from hub.web.pages.draw import Anchor
    from hub.web.pages.labels import Laid

LATE_MS = 2_000
"""A signal learned this much later than it happened is drawn as late."""
MOST_REVISIONS = 4
FIRST, ENDING, NOTABLE, ORDINARY = 3, 2, 1, 0
"""What a signal's label weighs where not all of them have room."""


class Timeline(Rows):
    """The drawing under way, row by row."""

    def __init__(
        self,
        plan: Plan,
        moment: Moment,
        trail: Sequence[TrailLine],
        signals: Sequence[SignalRow],
        now_ms: int,
        shape: Shape = WIDE,
        told: Sequence[TrailLine] | None = None,
    ) -> None:
        """Take what is on record; `told` is the trail with the pages that went out (None: all did)."""
        self.plan, self.moment, self.trail, self.signals, self.now_ms = plan, moment, trail, signals, now_ms
        super().__init__(shape)
        self.zone = plan.site.timezone
        self.scale = scale_of(shape, moment, trail, signals, now_ms)
        self.teller = Teller(plan, {row.signal.id: row.signal.name for row in signals})
        self.told: dict[str, list[str]] = {}
        for line in trail if told is None else told:
            if isinstance(line.event, e.Paged):
                self.told.setdefault(line.event.page, []).append(group_name(plan, line.event.group))

    def markup(self) -> Markup:
        """Return the picture."""
        self._clock()
        marks = self._happened()
        self._learned(marks)
        self._people()
        self._verdict()
        self.out.behind = True
        self._grid(self.y)
        title = say("moment.chart", start=hms(self.scale.start_ms, self.zone), end=hms(self.scale.end_ms, self.zone))
        desc = ". ".join(self.teller.tell(line.event) for line in self.trail)
        return self.out.markup(self.shape.ident, title, desc)

    def _grid(self, bottom: float) -> None:
        out, scale, zone = self.out, self.scale, self.zone
        step = scale.step_ms(self.shape.marks)
        east = local(scale.start_ms, zone).utcoffset()
        shift_ms = round(east.total_seconds() * 1000) if east is not None else 0
        first = -(-(scale.start_ms + shift_ms) // step) * step - shift_ms
        end = scale.left
        for at_ms in range(first, scale.end_ms, step):
            x = scale.x(at_ms)
            out.line(x, 22, x, bottom, "grid")
            words = hms(at_ms, zone) if step < MINUTE_MS else hm(at_ms, zone)
            half = width_of(words) / 2
            if x - half >= end and x + half <= scale.right:
                out.text(x, 12, words, "sub", "middle")
                end = x + half + 8
        if scale.later:
            out.line(scale.right, 2, scale.right, bottom, "later")
            out.text(scale.right + 8, 12, say("moment.later"), "sub")
        x = scale.x(self.moment.ends_ms)
        out.line(x, 28, x, bottom, "deadline")
        if self.moment.state == "open":
            x = scale.x(self.now_ms)
            out.line(x, 28, x, bottom, "nowline")
            out.text(x + 6, bottom + 14, say("moment.now"), "sub")

    # --------------------------------------------------------------------------------------------------------- the rows

    def _clock(self) -> None:
        moment, x = self.moment, self.scale.x
        time = span(moment.ends_ms - moment.opened_ms)
        self.begin("clock", time=time)
        self.y += 24 if self.shape.stacked else 16
        y = self.y
        self.name("clock", y + 12, time=time)
        over_ms = moment.ended_ms if moment.ended_ms is not None else self.now_ms
        stop_ms = max(min(over_ms, moment.ends_ms), moment.opened_ms)
        marks = [("open", moment.opened_ms)]
        if moment.threatened_ms is not None and moment.threatened_ms < stop_ms:
            marks.append(("threatened", max(moment.threatened_ms, moment.opened_ms)))
            if moment.failing_ms is not None and moment.threatened_ms <= moment.failing_ms < stop_ms:
                marks.append(("failing", moment.failing_ms))
        bars = []
        for index, (name, start_ms) in enumerate(marks):
            end_ms = marks[index + 1][1] if index + 1 < len(marks) else stop_ms
            if x(end_ms) - x(start_ms) > 1:
                words = say(f"moment.bar.{name}")
                bars.append(Bar(start=x(start_ms), end=x(end_ms), cls=f"bar-{name}", words=words))
        blocked = []
        if over_ms < moment.ends_ms:
            blocked.append((x(over_ms), x(moment.ends_ms)))
            self.out.rect(x(over_ms), y, x(moment.ends_ms) - x(over_ms), 26, "bar-left")
        elif over_ms > moment.ends_ms and moment.verdict == "failure":
            words = say("moment.bar.late")
            bars.append(Bar(start=x(moment.ends_ms), end=x(over_ms), cls="bar-late", words=words))
        deadline = x(moment.ends_ms)
        words = say("moment.deadline", time=hms(moment.ends_ms, self.zone))
        width = width_of(words, bold=True)
        anchor: Anchor = "start" if deadline + 10 + width <= self.shape.width else "end"
        self.out.text(deadline + (10 if anchor == "start" else -10), y - 5, words, "strong", anchor)
        if moment.ended_ms is not None and moment.verdict == "success":
            words = say("moment.ended.left", left=span(moment.ends_ms - moment.ended_ms))
            place = (deadline + 10, deadline + 10 + width_of(words))
            if self.free(place, [(bar.start, bar.end) for bar in bars]):
                self.out.text(place[0], y + 18, words, "note")
                blocked.append(place)
        self.bars(bars, 26, blocked)
        self.y = max(self.y, y + 36) + 10

    def _happened(self) -> float:
        """Draw what happened; return where its marks stand."""
        refused = {line.event.signal for line in self.trail if isinstance(line.event, e.Refused)}
        closing = {line.event.signal for line in self.trail if isinstance(line.event, e.Saved | e.Kept | e.Closed)}
        saw = sorted(self.signals, key=lambda row: row.signal.at_ms)
        seen: set[tuple[str, str]] = set()
        labels = []
        for row in saw:
            signal = row.signal
            key = "moment.refused" if signal.id in refused else "moment.signal"
            words = say(key, signal=signal_words(signal.name), time=hms(signal.at_ms, self.zone))
            new = (signal.name, signal.witness) not in seen
            seen.add((signal.name, signal.witness))
            ends = signal.id in refused | closing
            weight = FIRST if row is saw[0] else ENDING if ends else NOTABLE if new else ORDINARY
            cls = "strong" if weight >= ENDING else "note"
            labels.append(self.label(words, self.scale.x(signal.at_ms), cls=cls, weight=weight))
        laid = lay(labels, backwards=True)
        self.begin("happened", hidden=laid.hidden)
        marks = self.y + max(laid.lanes, 1) * LANE + 12
        self.name("happened", marks - 4 - (19 if laid.hidden else 0), hidden=laid.hidden)
        self.out.behind = True
        for label, lane in laid.rows:
            if lane:
                self.out.line(label.at, marks - 16 - lane * LANE, label.at, marks - 9, "lead")
        self.out.behind = False
        for label, lane in laid.rows:
            self.out.text(label.start, marks - 20 - lane * LANE, label.words, label.cls)
        self.y = marks
        self._holds()
        for row in saw:
            at = self.scale.x(row.signal.at_ms)
            words = self.teller.signal(row.signal.id)
            if row.signal.id in refused:
                self.out.circle(at, marks, 8.5, "refused", words)
                self.out.line(at - 6, marks + 6, at + 6, marks - 6, "refused")
            elif row.signal.id in closing:
                self.out.path("M-9 0 -3 6 9-7", "check", f"translate({at} {marks})")
            else:
                self.out.circle(at, marks, 7.5, "ring", words)
        return marks

    def _holds(self) -> None:
        """Draw how long each hold stood."""
        expectation = self.plan.judged.get(self.moment.expectation)
        opposites = expectation.holds if expectation else {}
        labels, bars = [], {}
        for row in self.signals:
            opposite = opposites.get(row.signal.name)
            if opposite is None:
                continue
            ends = [
                other.signal.at_ms
                for other in self.signals
                if other.signal.name == opposite
                and other.signal.device == row.signal.device
                and other.signal.at_ms >= row.signal.at_ms
            ]
            end_ms = min(ends) if ends else self.now_ms
            start, end = self.scale.x(row.signal.at_ms), self.scale.x(max(end_ms, row.signal.at_ms))
            words = f"{signal_words(row.signal.name)} {say('moment.stands', time=span(end_ms - row.signal.at_ms))}"
            label = self.label(words, start, before=-14, cls="sub")
            labels.append(
                Label(words=label.words, at=start, start=min(start, label.start), cls="sub", weight=round(end - start),
                      width=max(end, label.end) - min(start, label.start))
            )  # fmt: skip
            bars[id(labels[-1])] = (start, end, label.start)
        laid = lay(labels, most=MOST_REVISIONS)
        top = self.y + 16
        for label, lane in laid.rows:
            start, end, words_at = bars[id(label)]
            y = top + lane * 32
            self.out.rect(start, y, end - start, 7, "stands")
            self.out.text(words_at, y + 24, label.words, "sub")
        self.y = top + laid.lanes * 32 + 14

    def _learned(self, marks: float) -> None:
        late = [row for row in self.signals if row.signal.received_ms - row.signal.at_ms > LATE_MS]
        labels = []
        for row in late:
            words = say(
                "moment.late",
                signal=signal_words(row.signal.name),
                late=span(row.signal.received_ms - row.signal.at_ms),
            )
            at = self.scale.x(row.signal.received_ms)
            labels.append(self.label(words, at, before=width_of(words, bold=True) / 2, cls="strong"))
        laid = lay(labels)
        self.begin("learned", hidden=laid.hidden)
        y = self.y + (8 if self.shape.stacked else 24)
        self.name("learned", y - 4, hidden=laid.hidden)
        self.out.behind = True
        for row in self.signals:
            start, end = self.scale.x(row.signal.at_ms), self.scale.x(row.signal.received_ms)
            self.out.line(start, marks + 11, end, y, "late" if row in late else "prompt")
        for label, lane in laid.rows:
            if lane:
                self.out.line(label.at, y + 6, label.at, y + 10 + lane * LANE, "lead")
        self.out.behind = False
        for row in self.signals:
            self.out.circle(self.scale.x(row.signal.received_ms), y, 5.5, "learned")
        for label, lane in laid.rows:
            self.out.text(label.start, y + 23 + lane * LANE, label.words, "strong")
        self.y = y + 28 + (LANE * laid.lanes if laid.lanes else 0)

    def _people(self) -> None:
        told = []
        for line in self.trail:
            event = line.event
            if isinstance(event, e.Paged):
                groups = self.told.get(event.page)
                if groups is None:
                    words = say("moment.paged.kept", group=group_name(self.plan, event.group))
                    told.append(self._told(words, line.now_ms, "hollow"))
                    continue
                key = "moment.paged.late" if event.late_ms > LATE_MS else "moment.paged"
                told.append(self._told(say(key, group=listed(groups)), line.now_ms, "sent"))
            elif isinstance(event, e.StoodDown):
                told.append(self._told(say("moment.over"), line.now_ms, "sent"))
            elif isinstance(event, e.PageSkipped):
                words = say(f"moment.skipped.{event.because}", group=group_name(self.plan, event.group))
                told.append(self._told(words, event.at_ms, "hollow"))
        laid = lay(told)
        self.begin("people", hidden=laid.hidden)
        y = self.y + 14
        self.name("people", y + 6, hidden=laid.hidden)
        self._told_rows(laid, y)
        self.y = y - 10 + laid.lanes * LANE
        claims = self._claims()
        if claims:
            self.y += 8
            self.bars(claims, 28)
        self.y = max(self.y, y + 28) + 14

    def _told(self, words: str, at_ms: int, cls: str) -> Label:
        at = self.scale.x(at_ms)
        right, left = self.shape.width - at - 14, at - self.shape.left - 14
        words = shorten(words, max(right, left) - 6)
        width = width_of(words)
        start = at - 6 if width <= right else at - 14 - width
        weight = NOTABLE if cls == "sent" else ORDINARY
        return Label(words=words, at=at, start=start, width=width + 20, cls=cls, weight=weight)

    def _told_rows(self, laid: Laid, y: float) -> None:
        for label, lane in laid.rows:
            at, cls = y + lane * LANE, "sub" if label.cls == "hollow" else "note"
            self.out.circle(label.at, at, 5.5, label.cls, label.words)
            before = label.start < label.at - 7
            self.out.text(label.at + (-12 if before else 13), at + 5, label.words, cls, "end" if before else "start")

    def _claims(self) -> list[Bar]:
        standing: dict[str, e.Claimed] = {}
        spans: list[tuple[e.Claimed, int]] = []
        over_ms = self.moment.ended_ms if self.moment.ended_ms is not None else self.now_ms
        for line in self.trail:
            event = line.event
            if not isinstance(event, e.Claimed | e.Unclaimed | e.ClaimLapsed):
                continue
            gone = [event.by, getattr(event, "whose", None), getattr(event, "took", None)]
            if isinstance(event, e.Claimed) and event.have == 1:
                gone += standing  # before several could be on it, a claim replaced the one before
            spans += [(standing.pop(by), event.at_ms) for by in dict.fromkeys(gone) if by in standing]
            if isinstance(event, e.Claimed):
                standing[event.by] = event
        spans += [(claim, over_ms) for claim in standing.values()]
        bars = []
        for claim, until_ms in spans:
            end_ms = max(until_ms, claim.at_ms)
            words = say("moment.onit", name=claim.by, time=span(end_ms - claim.at_ms))
            words = shorten(words, self.shape.width - self.shape.left, bold=True)
            bars.append(Bar(start=self.scale.x(claim.at_ms), end=self.scale.x(end_ms), cls="bar-claimed", words=words))
        return bars

    def _verdict(self) -> None:
        self.begin("verdict")
        self.y += 4 if self.shape.stacked else 12
        y = self.y
        self.name("verdict", y + 14)
        said = published(self.trail)
        if not said:
            self.out.text(self.shape.left, y + 21, say("moment.undecided"), "sub")
        bars = []
        for index, verdict in enumerate(said):
            last = index + 1 == len(said)
            start = self.scale.x(verdict.at_ms)
            end = self.shape.width if last else self.scale.x(said[index + 1].at_ms)
            words = say(f"state.{verdict.what}").lower()
            if last and self.moment.provisional:
                words = f"{words}, {say('moment.provisional')}"
            cls = f"said-{verdict.what}{'' if last else ' replaced'}"
            bars.append(Bar(start=start, end=max(end, start + 3), cls=cls, words=words))
        self.bars(bars, 32)
        self.y = max(self.y, y + 36)
        self._revisions()
        self.y += 8

    def _revisions(self) -> None:
        revised = [line for line in self.trail if isinstance(line.event, e.Revised)]
        room = self.shape.width - self.shape.left
        side, anchor = (0.0, "start") if self.shape.stacked else (self.shape.width, "end")
        lines: list[str] = []
        for line in revised[-MOST_REVISIONS:]:
            assert isinstance(line.event, e.Revised)  # noqa: S101 chosen so above
            because = self.teller.because(line.event)
            lines += wrap(say("moment.revised", time=hms(line.now_ms, self.zone), because=because), room, most=3)
        if len(revised) > MOST_REVISIONS:
            lines.append(say("moment.unlabelled", n=len(revised) - MOST_REVISIONS))
        for words in lines:
            self.y += 21
            self.out.text(side, self.y, words, "note", "start" if anchor == "start" else "end")


def left_words(moment: Moment, now_ms: int) -> str:
    """Return the time left when it ended, or now."""
    at_ms = moment.ended_ms if moment.ended_ms is not None else now_ms
    return span(down_s(moment.ends_ms - at_ms) * 1000)
