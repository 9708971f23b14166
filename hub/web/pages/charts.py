"""The report's pictures: the gate, the heat map, the control chart and the Pareto, each a link into its moments."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING
from urllib.parse import urlencode

from hub.web.pages.draw import Drawing
from hub.web.pages.labels import width_of
from hub.web.pages.names import capital
from hub.web.pages.spans import date_words, local
from hub.web.pages.success import FEW, NO_CAUSE, percent
from hub.web.pages.words import say

if TYPE_CHECKING:
    from markupsafe import Markup

    from andgate.tally import ControlChart
    from hub.web.pages.success import Hour, Input, Report

GATE_W, PROMISE_W, AXIS_X, AXIS_W, WIRE_X, BODY_X = 900.0, 330.0, 352.0, 196.0, 556.0, 646.0
LEAST_GATE_H = 250.0
ROW = 78.0
WARMTHS = 6


def moments_href(report: Report, **more: str | None) -> str:
    """Return the list of moments behind a figure."""
    given = {name: value for name, value in more.items() if value is not None}
    return "/moments?" + urlencode({"since": report.since_ms, "until": report.until_ms, **given})


def gate(report: Report) -> Markup:
    """Draw the promises as inputs of one gate; a wire is as thick as the failures that it starts."""
    out = Drawing(GATE_W)
    inputs = report.inputs
    pitch = max(ROW, LEAST_GATE_H / max(len(inputs), 1))
    top, height = 30.0, pitch * len(inputs)
    lows = [each.rate.low for each in inputs if each.rate is not None]
    floor = _axis_floor(min(lows, default=0.9))

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


def _axis_floor(low: float) -> float:
    """Return where the axis begins: below the lowest interval, at a round share that four steps divide well."""
    for floor in (0.96, 0.92, 0.9, 0.88, 0.84, 0.8, 0.72, 0.6, 0.4):
        if low >= floor + 0.002:
            return floor
    return 0.0


def _input(out: Drawing, report: Report, each: Input, y: float, x: object, most: int) -> None:
    assert callable(x)  # noqa: S101 a scale
    words = each.promise.rstrip(".")
    failed = moments_href(report, expectation=each.expectation, verdict="failure")
    out.begin_link(moments_href(report, expectation=each.expectation), each.promise)
    lines = _wrap(words, PROMISE_W)
    for line, part in enumerate(lines):
        out.text(0, y - 4 - 19 * (len(lines) - 1 - line), part, "promise")
    out.text(0, y + 17, say("success.kept", kept=f"{each.count.success:,}", all=f"{each.count.judged:,}"), "sub")
    out.end_link()
    if each.rate is not None:
        out.rect(x(each.rate.low), y - 8, x(each.rate.high) - x(each.rate.low), 16, "box")
        out.line(x(each.rate.share), y - 13, x(each.rate.share), y + 13, "rate")
        out.text(x(each.rate.share), y - 18, percent(each.rate.share), "strong", "middle")
        interval = say("success.interval", low=percent(each.rate.low), high=percent(each.rate.high))
        out.text(min(x((each.rate.low + each.rate.high) / 2), AXIS_X + AXIS_W - 36), y + 27, interval, "sub", "middle")
    worst = bool(most) and each.first == most
    thick = 2 + 10 * each.first / most if most else 2
    out.begin_link(failed, first_words(report, each))
    out.rect(WIRE_X, y - thick / 2, BODY_X - WIRE_X, thick, "wire worst" if worst else "wire")
    out.text(BODY_X - 6, y - thick / 2 - 8, first_words(report, each), "strong" if worst else "sub", "end")
    out.end_link()


def first_words(report: Report, each: Input) -> str:
    """Return what a wire says: how often the whole failed here first; without a gate, how often it failed."""
    return say("success.first" if report.interaction is not None else "success.wire.failed", n=each.first)


def _wrap(words: str, width: float) -> list[str]:
    lines = [""]
    for word in words.split():
        longer = f"{lines[-1]} {word}".strip()
        if width_of(longer, 17) > width and lines[-1]:
            lines.append(word)
        else:
            lines[-1] = longer
    return lines


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


def heat(report: Report) -> Markup:
    """Draw failures by weekday and hour: one hue, darker to lighter, hatched where too few were judged."""
    out = Drawing(620)
    first, last = report.hours
    columns = last - first + 1
    left, top, gap = 44.0, 4.0, 2.0
    wide, high = (620 - left) / columns, 44.0
    shares = [hour.share for day in report.weeks for hour in day if hour.share is not None]
    most = max(shares, default=0.0)
    for day, hours in enumerate(report.weeks):
        y = top + day * high
        out.text(0, y + high / 2 + 5, say(f"day.{day}"), "sub")
        for hour in range(first, last + 1):
            box = (left + (hour - first) * wide, y, wide - gap, high - gap)
            _cell(out, report, hours[hour], box, (day, hour), most)
    every = max(2, math.ceil(36 / wide))
    for hour in range(first, last + 1):
        if hour % every == 0:
            out.text(left + (hour - first + 0.5) * wide, top + 7 * high + 18, f"{hour:02}", "sub", "middle")
    y = top + 7 * high + 38
    legend = left
    if shares:
        scale = say("success.heat.legend", max=percent(most))
        for step in range(WARMTHS):
            out.rect(left + step * 22, y, 22, 12, f"warm-{step}")
        out.text(left + WARMTHS * 22 + 8, y + 11, scale, "sub")
        legend = left + WARMTHS * 22 + 60 + width_of(scale)
    out.rect(legend, y, 22, 12, "few")
    _hatch(out, legend, y, 22, 12)
    out.text(legend + 30, y + 11, say("success.heat.few", n=FEW), "sub")
    return out.markup("heat", say("success.heat"), report.heat_title, links=True)


def _cell(
    out: Drawing, report: Report, hour: Hour, box: tuple[float, float, float, float], at: tuple[int, int], most: float
) -> None:
    x, y, width, height = box
    share = hour.share
    words = say("success.heat.cell", day=say(f"day.{at[0]}"), hour=f"{at[1]:02}", failed=hour.failed, all=hour.all)
    if share is None:
        out.rect(x, y, width, height, "few", words)
        _hatch(out, x, y, width, height)
        return
    warmth = min(math.floor(share / most * (WARMTHS - 1) + 0.999), WARMTHS - 1) if most else 0
    if hour.failed:
        out.begin_link(moments_href(report, verdict="failure", at=f"{at[0]}-{at[1]}"), words)
    top = share == most and most > 0
    out.rect(x, y, width, height, f"warm-{warmth}{' top' if top else ''}", words)
    if top:
        out.text(x + width / 2, y + height / 2 + 5, f"{share * 100:.0f}", "on top-on", "middle")
    if hour.failed:
        out.end_link()


def _hatch(out: Drawing, x: float, y: float, width: float, height: float) -> None:
    step, lines = 9.0, []
    start = -height
    while start < width:
        x1, x2 = max(start, 0.0), min(start + height, width)
        lines.append(f"M{x + x1:.1f} {y + height - (x1 - start):.1f}L{x + x2:.1f} {y + height - (x2 - start):.1f}")
        start += step
    out.path("".join(lines), "hatching")


def control(report: Report, chart: ControlChart, zone: str) -> Markup:
    """Draw failures per day with stepped limits; only a day outside them is marked."""
    out = Drawing(620)
    left, right, top, bottom = 42.0, 620.0, 26.0, 290.0
    most = max([point.high for point in chart.points if point] + [point.share for point in chart.points if point])
    step = next((s for s in (0.01, 0.02, 0.05, 0.1, 0.2, 0.25, 0.5) if most / s <= 4), 0.5)  # noqa: PLR2004 lines
    ceiling = max(math.ceil(most / step) * step, step)
    wide = (right - left) / len(chart.points)

    def y(share: float) -> float:
        return bottom - share / ceiling * (bottom - top)

    for index in range(round(ceiling / step) + 1):
        out.line(left, y(index * step), right, y(index * step), "grid")
        out.text(left - 8, y(index * step) + 5, f"{index * step * 100:g}", "sub", "end")
    out.line(left, y(chart.mean), right, y(chart.mean), "mean")
    at = [left + wide * (index + 0.5) for index in range(len(chart.points))]
    for name in ("high", "low"):
        limits = [(at[i], getattr(point, name)) for i, point in enumerate(chart.points) if point]
        out.path(_steps([(x, y(value)) for x, value in limits], wide), "limit")
    shown = [(at[i], y(point.share)) for i, point in enumerate(chart.points) if point]
    out.path("M" + "L".join(f"{x:.1f} {v:.1f}" for x, v in shown), "run")
    for index, point in enumerate(chart.points):
        if point is not None:
            _day(out, report, index, (at[index], y(point.share)), zone, outside=point.outside)
    last = next(point for point in reversed(chart.points) if point)
    out.text(right, y(last.high) - 8, say("success.control.limit"), "sub", "end")
    for index in range(0, len(at), max(1, math.ceil(len(at) / 6))):
        words = date_words(report.per_day[index].start_ms, zone)
        out.text(min(at[index], right - 24), bottom + 22, words, "sub", "middle")
    out.text(left, bottom + 50, say("success.control.foot", z=f"{chart.sigma_z:.2f}"), "sub")
    return out.markup(
        "control", control_title(report), say("success.control.mean", mean=percent(chart.mean)), links=True
    )


def _day(out: Drawing, report: Report, index: int, at: tuple[float, float], zone: str, *, outside: bool) -> None:
    day = report.per_day[index]
    x, y = at
    when = local(day.start_ms, zone)
    name = f"{say(f'day.{when.weekday()}')} {date_words(day.start_ms, zone)}"
    words = say("success.control.out", day=name, percent=percent(day.failed / day.all))
    date = f"{when:%Y-%m-%d}"
    out.begin_link("/moments?" + urlencode({"verdict": "failure", "since": date, "until": date}), words)
    if outside:
        out.path("M0-9 10 8H-10z", "out", f"translate({x:.1f} {y:.1f})")
        flip = x > 620 - width_of(words)
        out.text(x - 10 if flip else x, y - 16, words, "strong", "end" if flip else "middle")
    else:
        out.circle(x, y, 4.5, "point", words)
    out.end_link()


def _steps(points: list[tuple[float, float]], wide: float) -> str:
    return "".join(
        f"{'M' if index == 0 else 'L'}{x - wide / 2:.1f} {y:.1f}H{x + wide / 2:.1f}"
        for index, (x, y) in enumerate(points)
    )


def control_title(report: Report) -> str:
    """Return what the control chart shows."""
    things = capital(report.things)
    what = say("success.control.things", things=things) if report.interaction is not None else None
    return say("success.control", what=what or say("success.control.promises"))


def causes(report: Report) -> Markup:
    """Draw causes by how often they are given; failures without one are a hollow bar, since it hides others."""
    out = Drawing(450)
    bars = report.causes[:9]
    most = max((bar.n for bar in bars), default=1)
    names = [capital(bar.name.partition(": ")[2] or bar.name) or say("success.causes.nogiven") for bar in bars]
    left = min(max([172.0, *(width_of(name) * 1.08 + 10 for name in names)]), 250.0)
    widest = 352 - left
    so_far, full = 0, sum(bar.n for bar in report.causes)
    for index, (bar, name) in enumerate(zip(bars, names, strict=True)):
        y = 6 + index * 44.0
        so_far += bar.n
        kind, _, words = bar.name.partition(": ")
        half = (so_far - bar.n) * 2 < full and bar.name != NO_CAUSE
        out.begin_link(moments_href(report, verdict="failure", cause=bar.name or "-"), f"{name}: {bar.n}")
        out.text(0, y + 11, name, "strong" if half else "note")
        if words:
            out.text(0, y + 29, kind, "sub")
        width = bar.n / most * widest
        out.rect(left, y, width, 30, "hollow-bar" if bar.name == NO_CAUSE else "bar strong-bar" if half else "bar")
        out.text(left + width + 8, y + 21, str(bar.n), "strong")
        out.end_link()
        out.text(450, y + 21, f"{so_far / full * 100:.0f} %", "sub", "end")
    return out.markup("causes", say("success.causes", n=full), report.causes_title, links=True)
