"""The gate: promises as inputs, one result as output. Drawn where there is room, as a list of the same where not."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlencode

from msgspec import Struct

from hub.web.pages.draw import Drawing
from hub.web.pages.findings import percent
from hub.web.pages.labels import wrap
from hub.web.pages.words import say

if TYPE_CHECKING:
    from markupsafe import Markup

    from hub.web.pages.success import Input, Report

GATE_W, PROMISE_W, AXIS_X, AXIS_W, WIRE_X, BODY_X = 900.0, 306.0, 322.0, 196.0, 530.0, 646.0
LEAST_GATE_H = 250.0
ROW, LINE = 78.0, 19.0


class Wire(Struct, frozen=True, kw_only=True):
    """One promise of the gate, for a list."""

    promise: str
    kept: str
    href: str
    rate: str
    interval: str
    low: float
    """Where the interval begins on the axis, in percent of its length; so `high` and `at`, where the rate stands."""
    high: float
    at: float
    first: str
    failed: str
    """The moments that failed here."""
    thick: float
    """Of its wire, 2 to 12 pixels."""
    worst: bool


class Axis(Struct, frozen=True):
    """The list of a gate's promises, with the ends of their common axis."""

    wires: tuple[Wire, ...]
    floor: str
    every: str
    """What the result is called."""


def moments_href(report: Report, **more: str | None) -> str:
    """Return the list of moments behind a figure."""
    given = {name: value for name, value in more.items() if value is not None}
    return "/moments?" + urlencode({"since": report.since_ms, "until": report.until_ms, **given})


def axis(report: Report) -> Axis:
    """Return the gate's promises as a list, on one axis."""
    floor = _floor_of(report)
    most = max((each.first for each in report.inputs), default=0)

    def at(share: float) -> float:
        return round(max(share - floor, 0.0) / (1 - floor) * 100, 2)

    return Axis(
        tuple(
            Wire(
                promise=each.promise.rstrip("."),
                kept=say("success.kept", kept=f"{each.count.success:,}", all=f"{each.count.judged:,}"),
                href=moments_href(report, expectation=each.expectation),
                rate=percent(each.rate.share) if each.rate else "",
                interval=_interval(each),
                low=at(each.rate.low) if each.rate else 0.0,
                high=at(each.rate.high) if each.rate else 0.0,
                at=at(each.rate.share) if each.rate else 0.0,
                first=first_words(report, each),
                failed=moments_href(report, expectation=each.expectation, verdict="failure"),
                thick=_thick(each, most),
                worst=bool(most) and each.first == most,
            )
            for each in report.inputs
        ),
        f"{floor * 100:g}",
        say("success.every" if report.interaction is not None else "success.together"),
    )


def _lines(each: Input) -> list[str]:
    return wrap(each.promise.rstrip("."), PROMISE_W, 17, bold=True, most=3)


def _interval(each: Input) -> str:
    if each.rate is None:
        return ""
    return say("success.interval.percent", low=percent(each.rate.low), high=percent(each.rate.high))


def _thick(each: Input, most: int) -> float:
    return 2 + 10 * each.first / most if most else 2.0


def gate(report: Report) -> Markup:
    """Draw the promises as inputs of one gate; a wire is as thick as the failures that it starts."""
    out = Drawing(GATE_W)
    inputs = report.inputs
    lines = max((len(_lines(each)) for each in inputs), default=1)
    pitch = max(ROW + max(lines - 2, 0) * LINE, LEAST_GATE_H / max(len(inputs), 1))
    top, height = 30.0, pitch * len(inputs)
    floor = _floor_of(report)

    def x(share: float) -> float:
        return AXIS_X + (share - floor) / (1 - floor) * AXIS_W

    out.text(0, 16, say("success.order"), "sub")
    steps = 4
    for step in range(steps + 1):
        share = floor + (1 - floor) * step / steps
        out.line(x(share), top, x(share), top + height, "grid")
        out.text(x(share), 16, f"{share * 100:g}", "sub", "middle")
    most = max((each.first for each in inputs), default=0)
    for index, each in enumerate(inputs):
        _input(out, report, each, top + pitch * (index + 0.5), x, most)
    _body(out, report, top, height)
    title = say("success.gate")
    rate = report.rate
    desc = (
        say("success.gate.desc", rate=percent(rate.share), all=report.gate.judged, things=report.things,
            low=percent(rate.low), high=percent(rate.high))
        if rate is not None
        else say("success.none")
    )  # fmt: skip
    return out.markup("gate", title, desc, links=True)


def _floor_of(report: Report) -> float:
    return _axis_floor(min((each.rate.low for each in report.inputs if each.rate is not None), default=0.9))


def _axis_floor(low: float) -> float:
    """Return where the axis begins: below the lowest interval, at a round share that four steps divide well."""
    for floor in (0.96, 0.92, 0.9, 0.88, 0.84, 0.8, 0.72, 0.6, 0.4):
        if low >= floor + 0.002:
            return floor
    return 0.0


def _input(out: Drawing, report: Report, each: Input, y: float, x: object, most: int) -> None:
    assert callable(x)  # noqa: S101 a scale
    failed = moments_href(report, expectation=each.expectation, verdict="failure")
    out.begin_link(moments_href(report, expectation=each.expectation), each.promise)
    lines = _lines(each)
    for line, part in enumerate(lines):
        out.text(0, y - 4 - LINE * (len(lines) - 1 - line), part, "promise")
    out.text(0, y + 17, say("success.kept", kept=f"{each.count.success:,}", all=f"{each.count.judged:,}"), "sub")
    out.end_link()
    if each.rate is not None:
        out.rect(x(each.rate.low), y - 8, x(each.rate.high) - x(each.rate.low), 16, "box")
        out.line(x(each.rate.share), y - 13, x(each.rate.share), y + 13, "rate")
        out.text(x(each.rate.share), y - 18, percent(each.rate.share), "strong", "middle")
        interval = say("success.interval", low=percent(each.rate.low), high=percent(each.rate.high))
        out.text(min(x((each.rate.low + each.rate.high) / 2), AXIS_X + AXIS_W - 36), y + 27, interval, "sub", "middle")
    worst = bool(most) and each.first == most
    thick = _thick(each, most)
    out.begin_link(failed, first_words(report, each))
    out.rect(WIRE_X, y - thick / 2, BODY_X - WIRE_X, thick, "wire worst" if worst else "wire")
    out.text(BODY_X - 6, y - thick / 2 - 8, first_words(report, each), "strong" if worst else "sub", "end")
    out.end_link()


def first_words(report: Report, each: Input) -> str:
    """Return what a wire says: how often the whole failed here first; without a gate, how often it failed."""
    return say("success.first" if report.interaction is not None else "success.wire.failed", n=each.first)


def _body(out: Drawing, report: Report, top: float, height: float) -> None:
    half = height / 2
    curve = min(half, GATE_W - 28 - BODY_X - 56)
    flat = GATE_W - 28 - BODY_X - curve
    right = BODY_X + flat + curve
    middle = top + half
    out.path(f"M{BODY_X} {top}h{flat}a{curve:.1f} {half:.1f} 0 0 1 0 {height:.1f}h{-flat}z", "body")
    out.line(right, middle, GATE_W, middle, "output")
    x = BODY_X + 20
    every = say("success.every" if report.interaction is not None else "success.together")
    out.text(x, middle - 78, every, "sub")
    rate = report.rate
    if rate is None:
        return
    out.begin_link(moments_href(report, verdict="failure"), every)
    out.text(x - 3, middle - 6, percent(rate.share), "big")
    out.end_link()
    out.text(x, middle + 26, say("success.interval.percent", low=percent(rate.low), high=percent(rate.high)), "note")
    kept, judged = f"{report.gate.success:,}", f"{report.gate.judged:,}"
    out.text(x, middle + 50, say("success.kept", kept=kept, all=judged), "sub")
    out.text(x, middle + 72, report.things, "sub")
    out.reach(top + height + 12)
