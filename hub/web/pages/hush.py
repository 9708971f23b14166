"""``/mutes``, and the strip that says on every screen what is quiet, until when and by whose word."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from fastapi import APIRouter, Depends, Request, Response
from msgspec import Struct
from starlette.concurrency import run_in_threadpool
from starlette.responses import HTMLResponse, RedirectResponse

from andgate.errors import RefusedError
from andgate.plan.quiet import DAYS, Scope
from andgate.quiet import places
from hub.people.edit import minute
from hub.quiet import OF_PLAN
from hub.web.api.moments import name_of
from hub.web.api.quiet import muted, trained, unmuted, untrained
from hub.web.auth import Caller, Needs
from hub.web.context import Context, context
from hub.web.login import local
from hub.web.pages import baseline as baselines
from hub.web.pages import why as whys
from hub.web.pages.form import form_of
from hub.web.pages.names import group_name, touchpoint_name
from hub.web.pages.render import who_of
from hub.web.pages.spans import hm, left, next_ms, when_words
from hub.web.pages.words import listed, say
from hub.web.problems import ProblemError, sentence, unprocessable

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from andgate.plan import Plan
    from andgate.plan.quiet import Recurring
    from hub.quiet import Mute, Suspension, Training, View
    from hub.store.rows import MuteRow
    from hub.web.pages.render import Pages
    from hub.web.pages.source import Source

NAMED = 3
"""Most places that are named one by one."""
LASTS_MIN = (15, 30, 60, 120, 240, 480)
"""Minutes that a form offers."""
PAST_SHOWN = 30
_ASKED = ("what", "until", "reason", "owner", "expectation", "group", "faults")
"""What the form that mutes asks for, besides its minutes."""
MINUTE_MS = 60_000

router = APIRouter(include_in_schema=False)
Here = Annotated[Context, Depends(context)]
Reader = Depends(Needs("read"))
Actor = Annotated[Caller, Depends(Needs("act"))]


class Line(Struct, frozen=True, kw_only=True):
    """One thing that is quiet."""

    id: str
    kind: str
    """``suspended``, ``muted``, ``training`` or ``listening``."""
    what: str
    """Whom or what it is about."""
    why: str
    end_ms: int | None
    left: str
    until: str
    can_end: bool = False


class Strip(Struct, frozen=True, kw_only=True):
    """What is quiet of what a screen shows."""

    suspended: tuple[Line, ...] = ()
    lines: tuple[Line, ...] = ()


class Hushes(Struct, frozen=True, kw_only=True):
    """Everything on the page of mutes."""

    strip: Strip
    now: tuple[Line, ...]
    coming: tuple[Line, ...]
    training: tuple[Line, ...]
    past: tuple[Line, ...]


def about(plan: Plan, scope: Scope) -> str:
    """Say what a scope is: ``Counter A and Belt 3``, ``Terminal 1``, ``everything``; and for whom, if not for all."""
    named = [touchpoint_name(plan, each) for each in scope.touchpoints] or list(scope.areas)
    if scope.touchpoints and scope.areas:
        named = [touchpoint_name(plan, each) for each in places(scope, plan)]
    promises = [
        f"“{plan.expectations[each].promise}”" if each in plan.expectations else each for each in scope.expectations
    ]
    what = few(named) or say("quiet.everything")
    if promises:
        what = say("quiet.about", what=what, promises=listed(promises)) if named else listed(promises)
    if scope.groups:
        what = say("quiet.for", what=what, groups=listed([group_name(plan, each) for each in scope.groups]))
    return what


def few(names: list[str]) -> str:
    """Return some names, the rest counted."""
    if len(names) <= NAMED:
        return listed(names)
    return listed([*names[: NAMED - 1], say("quiet.more", n=len(names) - NAMED + 1)])


def again(rule: Recurring) -> str:
    """Say when a mute comes again: ``Every day 23:30-04:30.``."""
    start, end = (f"{minute // 60:02}:{minute % 60:02}" for minute in (rule.start_min, rule.end_min))
    names = [say(f"days.{day}") for day in rule.days]
    if not names or len(names) == len(DAYS):
        return say("quiet.again.daily", start=start, end=end)
    return say("quiet.again", days=listed(names), start=start, end=end)


def suspended_words(plan: Plan, view: View, here: Iterable[str]) -> str:
    """Say for a hall what is suspended of some places, and since when; empty: nothing is."""
    shown = frozenset(here)
    found = [each for each in view.suspensions if shown & set(each.places)]
    if not found:
        return ""
    time = hm(min(each.since_ms for each in found), plan.site.timezone)
    if any(each.site for each in found):
        return say("board.suspended", time=time)
    names = [touchpoint_name(plan, name) for name in plan.touchpoints if any(name in each.places for each in found)]
    return say("board.suspended.some", time=time, what=few(names))


def mute_line(plan: Plan, mute: Mute, now_ms: int) -> Line:
    """Return a mute as a line."""
    zone = plan.site.timezone
    stands = mute.holds(now_ms)
    until = hm(mute.end_ms, zone) if stands else f"{when_words(mute.begin_ms, now_ms, zone)}-{hm(mute.end_ms, zone)}"
    why = say("quiet.why.plan" if mute.recurring else "quiet.why", owner=mute.owner, reason=mute.reason)
    rule = plan.quiet.mutes.get(mute.id.removeprefix(OF_PLAN).rpartition("/")[0])
    if rule is not None:
        why = f"{why} {again(rule)}"
    return Line(
        id=mute.id,
        kind="muted",
        what=about(plan, mute.scope),
        why=f"{why} {say('quiet.faults')}" if mute.faults else why,
        end_ms=mute.end_ms if stands else None,
        left=left(mute.end_ms - now_ms) if stands else "",
        until=until,
        can_end=stands or not mute.recurring,
    )


def suspension_line(plan: Plan, each: Suspension, now_ms: int) -> Line:
    """Return a suspension as a line."""
    zone = plan.site.timezone
    where = touchpoint_name(plan, each.touchpoint)
    what = say("quiet.site") if each.site else few([touchpoint_name(plan, place) for place in each.places])
    why = say("quiet.suspended.by", where=where, time=hm(each.since_ms, zone))
    if each.until_ms is not None:
        missed = each.unheard_ms is not None and each.unheard_ms <= now_ms
        word = "quiet.suspended.unheard" if missed else "quiet.suspended.again"
        why = f"{why} {say(word, time=hm(each.until_ms, zone))}"
    return Line(
        id=each.contact,
        kind="suspended",
        what=what,
        why=why,
        end_ms=each.until_ms,
        left=left(each.until_ms - now_ms) if each.until_ms is not None else "",
        until="",
    )


def training_line(plan: Plan, each: Training, now_ms: int) -> Line:
    """Return a training as a line."""
    zone = plan.site.timezone
    known = [plan.devices[device] for device in each.devices if device in plan.devices]  # a plan may drop one meanwhile
    rooms = dict.fromkeys(device.settings.get("group", "") for device in known)
    where = few(
        [touchpoint_name(plan, place) for place in each.touchpoints]
        or [say("quiet.training.room", group=group_name(plan, str(group))) for group in rooms]
    )
    return Line(
        id=each.id,
        kind="training",
        what=say("quiet.training.what", where=where, who=each.who),
        why=say("quiet.training.why", group=group_name(plan, each.trainer)),
        end_ms=each.until_ms,
        left=left(each.until_ms - now_ms) if each.until_ms is not None else "",
        until=when_words(each.until_ms, now_ms, zone) if each.until_ms is not None else say("quiet.training.plan"),
        can_end=bool(each.id),
    )


def strip(plan: Plan, view: View, now_ms: int, here: Iterable[str] | None = None) -> Strip:
    """Return what is quiet of these touchpoints (None: of the site); pure."""
    shown = frozenset(plan.touchpoints if here is None else here)
    suspended = [each for each in view.suspensions if shown & set(each.places)]
    lines = [
        mute_line(plan, mute, now_ms)
        for mute in view.mutes
        if mute.holds(now_ms) and shown & set(places(mute.scope, plan))
    ]
    lines += [training_line(plan, each, now_ms) for each in view.training if shown & set(each.touchpoints)]
    listens = [touchpoint_name(plan, place) for place in view.listens if place in shown]
    if view.listen_only or listens:
        what = say("quiet.everything") if view.listen_only else few(listens)
        why = say("quiet.listen.hub" if view.listen_only else "quiet.listen.plan")
        lines.append(Line(id="", kind="listening", what=what, why=why, end_ms=None, left="", until=""))
    return Strip(suspended=tuple(suspension_line(plan, each, now_ms) for each in suspended), lines=tuple(lines))


def past_line(plan: Plan, row: MuteRow, now_ms: int) -> Line:
    """Return a mute that is over as a line."""
    zone = plan.site.timezone
    ended_ms = row.ended_ms or row.end_ms
    why = say("quiet.why", owner=row.owner, reason=row.reason)
    if row.ended_ms is not None and row.ended_by is not None:
        why = f"{why} {say('quiet.ended.by', who=row.ended_by, time=hm(row.ended_ms, zone))}"
    return Line(
        id=row.id,
        kind="over",
        what=about(plan, row.scope),
        why=why,
        end_ms=None,
        left="",
        until=f"{when_words(row.begin_ms, now_ms, zone)}-{hm(ended_ms, zone)}",
    )


def build(plan: Plan, view: View, past: Iterable[MuteRow], now_ms: int) -> Hushes:
    """Return the page; pure."""
    lines = [(mute, mute_line(plan, mute, now_ms)) for mute in view.mutes]
    over = [row for row in past if (row.ended_ms or row.end_ms) <= now_ms]
    return Hushes(
        strip=Strip(suspended=strip(plan, view, now_ms).suspended),
        now=tuple(line for mute, line in lines if mute.holds(now_ms)),
        coming=tuple(line for mute, line in lines if not mute.holds(now_ms)),
        training=tuple(training_line(plan, each, now_ms) for each in view.training),
        past=tuple(past_line(plan, row, now_ms) for row in over[:PAST_SHOWN]),
    )


def hushes(source: Source) -> Hushes:
    """Read what is quiet and build its page."""
    return build(source.plan, source.quiet, source.mutes(), source.now_ms())


# ------------------------------------------------------------------------------------------------------- addresses


def _draw(request: Request) -> Pages:
    found: Pages = request.app.state.pages
    return found


@router.get("/success/baseline", dependencies=[Reader])
def before_and_after(request: Request, days: int = 90) -> HTMLResponse:
    """Compare what was only listened to with what came since."""
    draw = _draw(request)
    table = baselines.page(draw.source, days if days in baselines.DAYS else 90)
    return draw.page(request, "baseline.html", here="success", alive=False, table=table, day_choices=baselines.DAYS)


@router.get("/touchpoints/{touchpoint}/signals", dependencies=[Reader])
def signals(request: Request, touchpoint: str) -> HTMLResponse:
    """Show every signal of a place, and what came of it."""
    draw = _draw(request)
    found = whys.place(draw.source, touchpoint)
    if found is None:
        raise ProblemError(404, "unknown-touchpoint", f'There is no place "{touchpoint}".', remedy="See the floor.")
    return draw.page(request, "signals.html", place=found)


@router.get("/mutes", dependencies=[Reader])
def mutes(request: Request, touchpoint: str = "") -> HTMLResponse:
    """Show what is quiet, and the forms that mute and train."""
    return _mutes(request, {"what": f"touchpoint:{touchpoint}"})


def _mutes(request: Request, asked: Mapping[str, str], wrong: str = "") -> HTMLResponse:
    draw = _draw(request)
    plan = draw.source.plan
    panels = [touchpoint_name(plan, each) for each in plan.quiet.suspends]
    buttons = [device for device in plan.devices.values() if device.signals and device.kind == "mot-button"]
    return draw.page(
        request,
        "mutes.html",
        status=422 if wrong else 200,
        asked={**dict.fromkeys(_ASKED, ""), "minutes": "30", **asked},
        wrong=wrong,
        alarm=say("quiet.alarm.by", where=listed(panels)) if panels else say("quiet.alarm.none"),
        hushes=hushes(draw.source),
        touchpoints=[(each.id, each.name) for each in plan.touchpoints.values()],
        areas=list(dict.fromkeys(each.area for each in plan.touchpoints.values() if each.area)),
        expectations=[(each.id, each.promise) for each in plan.expectations.values()],
        groups=[(each.id, each.name) for each in plan.groups.values()],
        desks=[(device.node, touchpoint_name(plan, device.touchpoint)) for device in buttons],
        lasts=[(str(minutes), _lasts(minutes)) for minutes in LASTS_MIN],
    )


def _lasts(minutes: int) -> str:
    return say("quiet.minutes", n=minutes) if minutes < 60 else say("quiet.hours", n=minutes // 60)  # noqa: PLR2004


@router.post("/mutes")
async def mute(request: Request, here: Here, who: Actor) -> Response:
    """Mute what the form says; where that cannot be, the form says why and keeps what was filled in."""
    fields = await form_of(request)
    try:
        await _mute(request, here, who, fields)
    except ProblemError as refused:
        return await run_in_threadpool(_mutes, request, fields, refused.detail)
    return RedirectResponse(local(fields.get("back", "/mutes")), 303)


async def _mute(request: Request, here: Context, who: Caller, fields: Mapping[str, str]) -> None:
    kind, _, name = fields.get("what", "").partition(":")
    scope = Scope(
        areas=(name,) if kind == "area" else (),
        touchpoints=(name,) if kind == "touchpoint" else (),
        expectations=(fields["expectation"],) if fields.get("expectation") else (),
        groups=(fields["group"],) if fields.get("group") else (),
    )
    await muted(
        here,
        _by(request, who),
        reason=fields.get("reason", ""),
        owner=fields.get("owner") or None,
        begin_ms=None,
        end_ms=_end_ms(fields, here.clock.now_ms(), here.driver.plan.site.timezone),
        faults=fields.get("faults") == "yes",
        scope=scope,
    )


@router.post("/mutes/end")
async def unmute(request: Request, here: Here, who: Actor) -> Response:
    """End a mute."""
    fields = await form_of(request)
    await unmuted(here, _by(request, who), fields.get("mute", ""))
    return RedirectResponse(local(fields.get("back", "/mutes")), 303)


@router.post("/trainings")
async def train(request: Request, here: Here, who: Actor) -> Response:
    """Give a desk to training."""
    fields = await form_of(request)
    until_ms = here.clock.now_ms() + _minutes(fields) * MINUTE_MS
    await trained(here, _by(request, who), fields.get("who-trains", ""), fields.get("trainer", ""), until_ms)
    return RedirectResponse("/mutes", 303)


@router.post("/trainings/end")
async def untrain(request: Request, here: Here, who: Actor) -> Response:
    """End a training."""
    fields = await form_of(request)
    await untrained(here, _by(request, who), fields.get("training", ""))
    return RedirectResponse("/mutes", 303)


def _by(request: Request, who: Caller) -> str:
    kept = who_of(request) if who.via == "open" else None
    return name_of(who, kept or None)


def _end_ms(fields: Mapping[str, str], now_ms: int, zone: str) -> int:
    """Return when a mute ends: when the clocks next show what the form says, else after its minutes."""
    until = fields.get("until", "")
    if not until:
        return now_ms + _minutes(fields) * MINUTE_MS
    try:
        return next_ms(minute(until), now_ms, zone)
    except RefusedError as wrong:
        raise unprocessable(sentence(str(wrong))) from wrong


def _minutes(fields: Mapping[str, str]) -> int:
    text = fields.get("minutes", "")
    if not text.isascii() or not text.isdigit() or len(text) > 5:  # noqa: PLR2004 - two weeks have five digits
        raise ProblemError(422, "no-end", "How long is not said.", remedy="Choose a time: a mute has an end.")
    return int(text)
