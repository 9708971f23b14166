"""A moment drawn to scale: what happened, when the hub learned it, who was told, and every verdict it published."""

from __future__ import annotations

from typing import TYPE_CHECKING

from markupsafe import Markup
from msgspec import Struct

from andgate.moment import events as e
from hub.web.pages.draw import Anchor, Drawing, Lanes, width_of
from hub.web.pages.names import group_name, signal_words
from hub.web.pages.narrate import Teller
from hub.web.pages.spans import HOUR_MS, MINUTE_MS, down_s, hm, hms, local, span
from hub.web.pages.words import say

if TYPE_CHECKING:
    from collections.abc import Sequence

    from andgate.moment.moments import Moment
    from andgate.plan import Plan
    from hub.store.rows import SignalRow, TrailLine

WIDTH = 1120.0
LABELS = 152.0
"""Where the rows' names end and time begins."""
LATE_MS = 2_000
"""A signal learned this much later than it happened is drawn as late."""
LANE = 24.0
MOST_MARKS = 8
STEPS_MS = (
    5_000, 10_000, 15_000, 30_000, MINUTE_MS, 2 * MINUTE_MS, 5 * MINUTE_MS, 10 * MINUTE_MS, 15 * MINUTE_MS,
    30 * MINUTE_MS, HOUR_MS, 2 * HOUR_MS, 3 * HOUR_MS, 6 * HOUR_MS, 12 * HOUR_MS, 24 * HOUR_MS,
)  # fmt: skip


class Scale:
    """Time to pixels."""

    def __init__(self, start_ms: int, end_ms: int) -> None:
        """Show from `start_ms` to `end_ms`."""
        self.start_ms, self.end_ms = start_ms, max(end_ms, start_ms + 1)

    def x(self, at_ms: int) -> float:
        """Return where a time stands."""
        share = (at_ms - self.start_ms) / (self.end_ms - self.start_ms)
        return round(LABELS + min(max(share, 0.0), 1.0) * (WIDTH - LABELS), 1)


class Published(Struct, frozen=True):
    """One verdict as it was published, until another took its place."""

    at_ms: int
    what: str
    """``saved``, ``kept``, ``failed`` or ``void``."""


def published(trail: Sequence[TrailLine]) -> tuple[Published, ...]:
    """Return every verdict in the order in which it was published; a verdict said twice counts once."""
    names: dict[type[e.Event], str] = {e.Kept: "kept", e.Saved: "saved", e.Failed: "failed", e.Voided: "void"}
    found: list[Published] = []
    for line in trail:
        what = names.get(type(line.event))
        if what is not None and (not found or found[-1].what != what):
            found.append(Published(line.now_ms, what))
    return tuple(found)


def scale_of(moment: Moment, trail: Sequence[TrailLine], signals: Sequence[SignalRow], now_ms: int) -> Scale:
    """Return a scale that holds everything on record, with room on both sides."""
    times = [moment.opened_ms, moment.ends_ms]
    times += [line.now_ms for line in trail] + [line.at_ms for line in trail]
    times += [row.signal.at_ms for row in signals] + [row.signal.received_ms for row in signals]
    times += [moment.ended_ms] if moment.ended_ms is not None else [now_ms]
    first, last = min(times), max(times)
    room = max((last - first) // 8, 5_000)
    return Scale(first - room, last + room)


class Timeline:
    """The drawing under way, row by row."""

    def __init__(
        self, plan: Plan, moment: Moment, trail: Sequence[TrailLine], signals: Sequence[SignalRow], now_ms: int
    ) -> None:
        """Take what is on record."""
        self.plan, self.moment, self.trail, self.signals, self.now_ms = plan, moment, trail, signals, now_ms
        self.zone = plan.site.timezone
        self.scale = scale_of(moment, trail, signals, now_ms)
        self.teller = Teller(plan, {row.signal.id: row.signal.name for row in signals})
        self.out = Drawing(WIDTH)
        self.y = 30.0

    def markup(self) -> Markup:
        """Return the picture."""
        self._clock()
        happened = self._happened()
        self._learned(happened)
        self._people()
        self._verdict()
        self.out.behind = True
        self._grid(self.y)
        title = say("moment.chart", start=hms(self.scale.start_ms, self.zone), end=hms(self.scale.end_ms, self.zone))
        desc = ". ".join(self.teller.tell(line.event) for line in self.trail)
        return self.out.markup("timeline", title, desc)

    def _row(self, name: str, y: float, **values: str) -> None:
        self.out.text(0, y, say(f"moment.row.{name}"), "name")
        self.out.text(0, y + 19, say(f"moment.row.{name}.sub", **values), "sub")

    def _grid(self, bottom: float) -> None:
        scale = self.scale
        reach = scale.end_ms - scale.start_ms
        step = next((each for each in STEPS_MS if reach / each <= MOST_MARKS), STEPS_MS[-1])
        east = local(scale.start_ms, self.zone).utcoffset()
        shift_ms = round(east.total_seconds() * 1000) if east is not None else 0
        first = -(-(scale.start_ms + shift_ms) // step) * step - shift_ms
        for at_ms in range(first, scale.end_ms, step):
            x = scale.x(at_ms)
            self.out.line(x, 22, x, bottom, "grid")
            if LABELS + 10 < x < WIDTH - 20:
                words = hms(at_ms, self.zone) if step < MINUTE_MS else hm(at_ms, self.zone)
                self.out.text(x, 12, words, "sub", "middle")
        x = scale.x(self.moment.ends_ms)
        self.out.line(x, 28, x, bottom, "deadline")
        if self.moment.state == "open":
            x = scale.x(self.now_ms)
            self.out.line(x, 28, x, bottom, "nowline")
            self.out.text(x + 6, bottom + 14, say("moment.now"), "sub")

    def _clock(self) -> None:
        moment, out, x = self.moment, self.out, self.scale.x
        y = self.y + 16
        self._row("clock", y + 12, time=span(moment.ends_ms - moment.opened_ms))
        over_ms = moment.ended_ms if moment.ended_ms is not None else self.now_ms
        stop_ms = min(over_ms, moment.ends_ms)
        marks = [("open", moment.opened_ms)]
        if moment.threatened_ms is not None and moment.threatened_ms < stop_ms:
            marks.append(("threatened", max(moment.threatened_ms, moment.opened_ms)))
            if moment.failing_ms is not None and moment.threatened_ms <= moment.failing_ms < stop_ms:
                marks.append(("failing", moment.failing_ms))
        for index, (name, start_ms) in enumerate(marks):
            end_ms = marks[index + 1][1] if index + 1 < len(marks) else stop_ms
            self._bar(start_ms, end_ms, y, f"bar-{name}", say(f"moment.bar.{name}"))
        if over_ms < moment.ends_ms:
            out.rect(x(over_ms), y, x(moment.ends_ms) - x(over_ms), 26, "bar-left")
        elif over_ms > moment.ends_ms and moment.verdict == "failure":
            self._bar(moment.ends_ms, over_ms, y, "bar-late", say("moment.bar.late"))
        self._deadline(y, over_ms)
        self.y = y + 46

    def _deadline(self, y: float, over_ms: int) -> None:
        moment = self.moment
        x = self.scale.x(moment.ends_ms)
        words = say("moment.deadline", time=hms(moment.ends_ms, self.zone))
        room = WIDTH - x > width_of(words, 16) + 12
        clear = not (over_ms > moment.ends_ms and moment.verdict == "failure")
        anchor: Anchor = "start" if room else "end"
        side = x + 10 if room else x - 10
        self.out.text(side, y - 5, words, "strong", anchor)
        if moment.ended_ms is not None and moment.verdict == "success" and room and clear:
            left = span(moment.ends_ms - moment.ended_ms)
            self.out.text(x + 10, y + 19, say("moment.ended.left", left=left), "note")

    def _bar(self, start_ms: int, end_ms: int, y: float, cls: str, words: str) -> None:
        x = self.scale.x(start_ms)
        width = self.scale.x(end_ms) - x
        self.out.rect(x, y, width, 26, cls, words)
        if width > width_of(words, 15) + 14:
            self.out.text(x + 9, y + 18, words, f"on {cls}-on")

    def _happened(self) -> float:
        """Draw what happened; return where its marks stand."""
        refused = {line.event.signal for line in self.trail if isinstance(line.event, e.Refused)}
        saw = sorted(self.signals, key=lambda row: row.signal.at_ms)
        closing = {line.event.signal for line in self.trail if isinstance(line.event, e.Saved | e.Kept | e.Closed)}
        lanes = Lanes()
        labels = []
        for row in saw:
            signal = row.signal
            key = "moment.refused" if signal.id in refused else "moment.signal"
            words = say(key, signal=signal_words(signal.name), time=hms(signal.at_ms, self.zone))
            width = width_of(words, 15)
            x = min(self.scale.x(signal.at_ms) - 6, WIDTH - width)
            labels.append((words, x, lanes.lane(x, width)))
        top = self.y
        marks = top + lanes.count * LANE + 12
        self._row("happened", marks - 4)
        for row, (words, x, lane) in zip(saw, labels, strict=True):
            y = marks - 20 - lane * LANE
            at = self.scale.x(row.signal.at_ms)
            if lane:
                self.out.line(at, y + 4, at, marks - 9, "lead")
            self.out.text(x, y, words, "strong" if row.signal.id in refused | closing or row is saw[0] else "note")
        below = self._holds(marks)
        for row in saw:
            at = self.scale.x(row.signal.at_ms)
            if row.signal.id in refused:
                self.out.circle(at, marks, 8.5, "refused")
                self.out.line(at - 6, marks + 6, at + 6, marks - 6, "refused")
            elif row.signal.id in closing:
                self.out.path("M-9 0 -3 6 9-7", "check", f"translate({at} {marks})")
            else:
                self.out.circle(at, marks, 7.5, "ring")
        self.y = below
        return marks

    def _holds(self, marks: float) -> float:
        """Draw how long each hold stood; return where the row ends."""
        expectation = self.plan.expectations.get(self.moment.expectation)
        opposites = expectation.holds if expectation else {}
        y = marks + 16
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
            end_ms = min(ends) if ends else min(self.now_ms, self.scale.end_ms)
            x = self.scale.x(row.signal.at_ms)
            self.out.rect(x, y, self.scale.x(end_ms) - x, 7, "stands")
            words = f"{signal_words(row.signal.name)} {say('moment.stands', time=span(end_ms - row.signal.at_ms))}"
            self.out.text(x + 14, y + 24, words, "sub")
            y += 32
        return y + 14

    def _learned(self, marks: float) -> None:
        y = self.y + 24
        self._row("learned", y - 4)
        lanes = Lanes()
        for row in sorted(self.signals, key=lambda row: row.signal.received_ms):
            signal = row.signal
            start, end = self.scale.x(signal.at_ms), self.scale.x(signal.received_ms)
            late_ms = signal.received_ms - signal.at_ms
            late = late_ms > LATE_MS
            self.out.line(start, marks + 11, end, y, "late" if late else "prompt")
            self.out.circle(end, y, 5.5, "learned")
            if late:
                words = say("moment.late", signal=signal_words(signal.name), late=span(late_ms))
                width = width_of(words, 15)
                x = min(max(end - width / 2, LABELS), WIDTH - width)
                self.out.text(x, y + 23 + lanes.lane(x, width) * LANE, words, "strong")
        self.y = y + 28 + (LANE * lanes.count if lanes.ends else 0)

    def _people(self) -> None:
        y = self.y + 14
        self._row("people", y + 6)
        lanes = Lanes()
        for line in self.trail:
            event = line.event
            if isinstance(event, e.Paged):
                key = "moment.paged.late" if event.late_ms > LATE_MS else "moment.paged"
                self._told(say(key, group=group_name(self.plan, event.group)), line.now_ms, "sent", y, lanes)
            elif isinstance(event, e.StoodDown):
                self._told(say("moment.over"), line.now_ms, "sent", y, lanes)
            elif isinstance(event, e.PageSkipped):
                words = say(f"moment.skipped.{event.because}", group=group_name(self.plan, event.group))
                self._told(words, event.at_ms, "hollow", y, lanes)
        y += lanes.count * LANE
        self.y = self._claims(y) + 14

    def _told(self, words: str, at_ms: int, cls: str, y: float, lanes: Lanes) -> None:
        x = self.scale.x(at_ms)
        width = width_of(words, 15) + 14
        flip = x + width > WIDTH
        start = x - width - 4 if flip else x - 6
        at = y + lanes.lane(start, width + 6) * LANE
        self.out.circle(x, at, 5.5, cls)
        self.out.text(x - 12 if flip else x + 13, at + 5, words, "sub" if cls == "hollow" else "note",
                      "end" if flip else "start")  # fmt: skip

    def _claims(self, y: float) -> float:
        standing: e.Claimed | None = None
        spans: list[tuple[e.Claimed, int]] = []
        over_ms = self.moment.ended_ms if self.moment.ended_ms is not None else self.now_ms
        for line in self.trail:
            if isinstance(line.event, e.Claimed | e.Unclaimed | e.ClaimLapsed) and standing is not None:
                spans.append((standing, line.event.at_ms))
                standing = None
            if isinstance(line.event, e.Claimed):
                standing = line.event
        if standing is not None:
            spans.append((standing, over_ms))
        for claim, until_ms in spans:
            x, end = self.scale.x(claim.at_ms), self.scale.x(max(until_ms, claim.at_ms))
            words = say("moment.onit", name=claim.by, time=span(until_ms - claim.at_ms))
            self.out.rect(x, y, max(end - x, 3), 28, "bar-claimed", words)
            if end - x > width_of(words, 15) + 12:
                self.out.text(x + 10, y + 19, words, "on bar-claimed-on")
            else:
                self.out.text(end + 8, y + 19, words, "note")
        return y + 28 if spans else y

    def _verdict(self) -> None:
        y = self.y + 12
        self._row("verdict", y + 14)
        said = published(self.trail)
        if not said:
            self.out.text(LABELS, y + 21, say("moment.undecided"), "sub")
        for index, verdict in enumerate(said):
            last = index + 1 == len(said)
            end_ms = self.scale.end_ms if last else said[index + 1].at_ms
            x = self.scale.x(verdict.at_ms)
            width = self.scale.x(end_ms) - x
            words = say(f"state.{verdict.what}").lower()
            if last and self.moment.provisional:
                words = f"{words}, {say('moment.provisional')}"
            self.out.rect(x, y, width, 32, f"said-{verdict.what}{'' if last else ' replaced'}", words)
            fits = width > width_of(words, 15) + 20
            cls = "strong" if not last else f"on said-{verdict.what}-on"
            if fits:
                self.out.text(x + 12, y + 21, words, cls)
            else:
                self.out.text(x - 8, y + 21, words, "strong", "end")
        self.y = y + 32
        for line in self.trail:
            if isinstance(line.event, e.Revised):
                because = self.teller.because(line.event)
                words = say("moment.revised", time=hms(line.now_ms, self.zone), because=because)
                self.y += LANE
                self.out.text(WIDTH, self.y, words, "note", "end")
        self.y += 8


def left_words(moment: Moment, now_ms: int) -> str:
    """Return the time left when it ended, or now."""
    at_ms = moment.ended_ms if moment.ended_ms is not None else now_ms
    return span(down_s(moment.ends_ms - at_ms) * 1000)
