"""The report's pictures: the heat map, the control chart and the Pareto, each a link into its moments."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING
from urllib.parse import urlencode

from msgspec import Struct

from hub.web.pages.draw import Drawing
from hub.web.pages.findings import FEW, NO_CAUSE, percent
from hub.web.pages.gate import moments_href
from hub.web.pages.labels import shorten, width_of, wrap
from hub.web.pages.names import capital
from hub.web.pages.spans import date_words, local
from hub.web.pages.words import say

if TYPE_CHECKING:
    from markupsafe import Markup

    from andgate.tally import ControlChart
    from hub.web.pages.success import Hour, Report

WARMTHS = 6
ROOMY, TIGHT = 620.0, 366.0
"""Widths of a chart: beside another, and on a phone."""
TEXT_H = 18.0
"""Height of a line of text."""


def heat(report: Report) -> Markup:
    """Draw failures by weekday and hour: one hue, darker to lighter, hatched where too few were judged."""
    out = Drawing(ROOMY)
    first, last = report.hours
    left, top, gap, high = 44.0, 4.0, 2.0, 44.0
    wide = (ROOMY - left) / (last - first + 1)
    most = _most(report)
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
    _legend(out, left, top + 7 * high + 38, most)
    return out.markup("heat", say("success.heat"), report.heat_title, links=True)


def heat_tight(report: Report) -> Markup:
    """Draw the same for a phone: days beside each other, hours below each other, fields that a thumb can hit."""
    out = Drawing(TIGHT)
    first, last = report.hours
    left, top, gap, high = 32.0, 24.0, 2.0, 26.0
    wide = (TIGHT - left) / 7
    most = _most(report)
    for day, hours in enumerate(report.weeks):
        x = left + day * wide
        out.text(x + (wide - gap) / 2, 14, say(f"day.{day}"), "sub", "middle")
        for hour in range(first, last + 1):
            box = (x, top + (hour - first) * high, wide - gap, high - gap)
            _cell(out, report, hours[hour], box, (day, hour), most)
    for hour in range(first, last + 1):
        if hour % 2 == 0:
            out.text(0, top + (hour - first + 0.5) * high + 4, f"{hour:02}", "sub")
    _legend(out, 0, top + (last - first + 1) * high + 14, most)
    return out.markup("heat-tight", say("success.heat"), report.heat_title, links=True)


def _most(report: Report) -> float:
    return max((hour.share for day in report.weeks for hour in day if hour.share is not None), default=0.0)


def _legend(out: Drawing, left: float, y: float, most: float) -> None:
    x = left
    if most:
        scale = say("success.heat.legend", max=percent(most))
        for step in range(WARMTHS):
            out.rect(x + step * 22, y, 22, 12, f"warm-{step}")
        out.text(x + WARMTHS * 22 + 8, y + 11, scale, "sub")
        x += WARMTHS * 22 + 32 + width_of(scale)
    few = say("success.heat.few", n=FEW)
    if x + 30 + width_of(few) > out.width:
        x, y = left, y + 26
    out.rect(x, y, 22, 12, "few")
    _hatch(out, x, y, 22, 12)
    out.text(x + 30, y + 11, few, "sub")


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


def control(report: Report, chart: ControlChart, zone: str, width: float = ROOMY) -> Markup:
    """Draw failures per day with stepped limits; only a day outside them is marked."""
    out = Drawing(width)
    left, right, top, bottom = 42.0 if width == ROOMY else 28.0, width, 26.0, 290.0
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
    shown = [(i, at[i], y(point.share), point.outside) for i, point in enumerate(chart.points) if point]
    out.path("M" + "L".join(f"{x:.1f} {v:.1f}" for _, x, v, _ in shown), "run")
    last = next(point for point in reversed(chart.points) if point)
    limit = say("success.control.limit")
    out.text(right, y(last.high) - 8, limit, "sub", "end")
    taken = [(right - width_of(limit), y(last.high) - 8, right)]
    # The worst day is named first; a day whose name has no room is still there to point at, and in the table.
    named: dict[int, float] = {}
    for index, x, v, outside in sorted(shown, key=lambda day: day[2]):
        size = width_of(_day_words(report, index, zone), bold=True)
        start = max(min(x - size / 2, right - size), left)
        above = v - 16
        if outside and all(
            abs(above - line) > TEXT_H or start + size < begin or start > end for begin, line, end in taken
        ):
            named[index] = start
            taken.append((start, above, start + size))
    radius = min(4.5, max(2.2, wide * 0.4))
    for index, x, v, outside in shown:
        _day(out, report, index, (x, v), zone, _Look(named.get(index), outside, radius))
    every = max(1, math.ceil(len(at) / ((right - left) // 84)))
    for index in range(0, len(at), every):
        words = date_words(report.per_day[index].start_ms, zone)
        half = width_of(words) / 2
        out.text(max(min(at[index], right - half), half), bottom + 22, words, "sub", "middle")
    foot = say("success.control.foot", z=f"{chart.sigma_z:.2f}")
    for number, words in enumerate(wrap(foot, right - left)):
        out.text(left, bottom + 50 + number * 20, words, "sub")
    return out.markup(
        "control" if width == ROOMY else "control-tight",
        control_title(report),
        say("success.control.mean", mean=percent(chart.mean)),
        links=True,
    )


def _day_words(report: Report, index: int, zone: str) -> str:
    day = report.per_day[index]
    name = f"{say(f'day.{local(day.start_ms, zone).weekday()}')} {date_words(day.start_ms, zone)}"
    return say("success.control.out", day=name, percent=percent(day.failed / day.all))


class _Look(Struct, frozen=True):
    named: float | None
    """Where its name begins; None: it has none."""
    outside: bool
    radius: float


def _day(out: Drawing, report: Report, index: int, at: tuple[float, float], zone: str, look: _Look) -> None:
    x, y = at
    words = _day_words(report, index, zone)
    date = f"{local(report.per_day[index].start_ms, zone):%Y-%m-%d}"
    out.begin_link("/moments?" + urlencode({"verdict": "failure", "since": date, "until": date}), words)
    if look.outside:
        out.path("M0-9 10 8H-10z", "out", f"translate({x:.1f} {y:.1f})")
    else:
        out.circle(x, y, look.radius, "point", words)
    if look.named is not None:
        out.text(look.named, y - 16, words, "strong")
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


def causes(report: Report, width: float = 450.0) -> Markup:
    """Draw causes by how often they are given; failures without one are a hollow bar, since it hides others."""
    out = Drawing(width)
    known = [bar for bar in report.causes if bar.name != NO_CAUSE]
    bars = [*known[:8], *(bar for bar in report.causes if bar.name == NO_CAUSE)]
    most = max((bar.n for bar in bars), default=1)
    names = [capital(bar.name.partition(": ")[2] or bar.name) or say("success.causes.nogiven") for bar in bars]
    left = min(max([120.0, *(width_of(name, bold=True) + 10 for name in names)]), width * 0.55)
    widest = width - 98 - left
    so_far, full = 0, sum(bar.n for bar in known)
    for index, (bar, name) in enumerate(zip(bars, names, strict=True)):
        y = 6 + index * 44.0
        so_far += bar.n
        kind, _, words = bar.name.partition(": ")
        half = (so_far - bar.n) * 2 < full and bar.name != NO_CAUSE
        out.begin_link(moments_href(report, verdict="failure", cause=bar.name or "-"), f"{name}: {bar.n}")
        out.text(0, y + 11, shorten(name, left - 10, bold=half), "strong" if half else "note", title=name)
        if words:
            out.text(0, y + 29, shorten(kind, left - 10), "sub")
        wide = bar.n / most * widest
        out.rect(left, y, wide, 30, "hollow-bar" if bar.name == NO_CAUSE else "bar strong-bar" if half else "bar")
        out.text(left + wide + 8, y + 21, str(bar.n), "strong")
        out.end_link()
        if bar.name != NO_CAUSE:  # of how many nobody knows is no share of what is known
            out.text(width, y + 21, f"{so_far / full * 100:.0f} %", "sub", "end")
    ident = "causes-tight" if width == TIGHT else "causes"
    failures = sum(bar.n for bar in report.causes)
    return out.markup(ident, say("success.causes", n=failures), report.causes_title, links=True)
