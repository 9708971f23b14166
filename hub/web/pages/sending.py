"""``/pages`` and ``/drills``: what went to whom and what became of it, and whether the channels work."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Protocol
from urllib.parse import quote

from fastapi import APIRouter, Depends, Request, Response
from markupsafe import Markup
from msgspec import Struct
from starlette.concurrency import run_in_threadpool
from starlette.responses import HTMLResponse, RedirectResponse

from andgate.errors import RefusedError
from andgate.routing import personal_rank
from hub.store.drills import Drill, DrillLog, Part
from hub.web.api.drills import state_of
from hub.web.api.moments import act
from hub.web.auth import Caller, Needs
from hub.web.context import Context, context
from hub.web.login import local
from hub.web.pages.fate import fate, whom
from hub.web.pages.form import form_of
from hub.web.pages.names import group_name
from hub.web.pages.spans import when_words
from hub.web.pages.words import rich, say
from hub.web.problems import ProblemError, sentence

if TYPE_CHECKING:
    from collections.abc import Sequence

    from andgate.plan import Plan
    from hub.store import PageRow
    from hub.web.pages.render import Pages

SHOWN = 100
"""Pages on a screen."""
KEPT = 30
"""Earlier drills on a screen."""
_NAMED = 3

router = APIRouter(include_in_schema=False)

Here = Annotated[Context, Depends(context)]
Actor = Annotated[Caller, Depends(Needs("act"))]


class Runs(Protocol):
    """Who runs drills."""

    def begin(self, by: str, *, group: str | None = None, loud: bool = False) -> Drill:
        """Begin one, or raise a RefusedError."""

    def running(self, id: int) -> Drill | None:
        """Return a drill that has not ended."""


class Row(Struct, frozen=True, kw_only=True):
    """One delivery in the list."""

    when: str
    what: str
    href: str | None
    whom: str
    over: bool
    state: str
    fate: str
    claim: str | None
    """Where a bundle is claimed, while it can be."""


class Tried(Struct, frozen=True, kw_only=True):
    """One channel of a drill."""

    channel: str
    whose: str
    person: str | None
    """Whose it is, by the id of their page: names stand there alone."""
    latency: str
    state: str
    result: str


class Held(Struct, frozen=True, kw_only=True):
    """One earlier drill."""

    when: str
    by: str
    how: str
    outcome: str
    failed: bool


def row(plan: Plan, page: PageRow, now_ms: int) -> Row:
    """Return a delivery as one line."""
    zone = plan.site.timezone
    bundle = page.kind == "page" and bool(page.bundle) and page.bundle == page.moment
    return Row(
        when=when_words(page.decided_ms, now_ms, zone),
        what=_what(plan, page),
        href=f"/moments/{page.moment}" if page.about is not None else f"/pages?bundle={page.page}" if bundle else None,
        whom=whom(plan, page),
        over=page.kind == "over",
        state=page.state,
        fate=fate(page, zone),
        claim=f"/pages/{quote(page.page)}/claim" if bundle and page.state in {"queued", "sent"} else None,
    )


def _what(plan: Plan, page: PageRow) -> str:
    if page.text:
        return page.text + page.adds
    touchpoint = plan.touchpoints.get(page.touchpoint)  # a step that was skipped has no words of its own
    return touchpoint.name if touchpoint is not None else page.reason


def sayable(rows: Sequence[PageRow]) -> Markup:
    """Say how it stands, in a sentence."""
    pages = [each for each in rows if each.kind == "page" and each.channel]
    waiting = sum(each.state == "queued" for each in pages)
    failed = sum(each.state == "failed" for each in pages)
    if waiting or failed:
        return rich("pages.say", waiting=waiting, failed=failed, all=len(pages))
    return rich("pages.say.well", all=len(pages)) if pages else rich("pages.none")


def tried(plan: Plan, part: Part) -> Tried:
    """Return one channel of a drill as one line; nobody is named."""
    found = personal_rank(part.name)
    name = str(found[1] + 1) if found is not None else part.name
    return Tried(
        channel=say(f"drills.kind.{part.kind}", name=name),
        whose=group_name(plan, part.group) if part.group else say("drills.node"),
        person=part.person,
        latency="" if part.latency_ms is None else say("drills.ms", n=part.latency_ms),
        state=part.state,
        result=say(f"drills.state.{part.state}") + (f": {part.note}" if part.note else ""),
    )


def held(plan: Plan, drill: Drill, now_ms: int, *, running: bool) -> Held:
    """Return a drill as one line of its history."""
    state = state_of(drill, running=running)
    counted = [part for part in drill.parts if part.state in {"proven", "failed"}]
    names = list(dict.fromkeys(tried(plan, part).channel for part in drill.failed))
    more = ", ..." if len(names) > _NAMED else ""
    words: dict[str, object] = {"n": len(drill.failed) or len(counted)}
    if state == "failed":
        words |= {"all": len(counted), "names": ", ".join(names[:_NAMED]) + more}
    outcome = say(f"drills.outcome.{state}", **words)
    slowest = max((part.latency_ms or 0 for part in counted if part.state == "proven"), default=0)
    return Held(
        when=when_words(drill.id, now_ms, plan.site.timezone),
        by=say("drills.by.night") if drill.by == "night" else drill.by,
        how=say("drills.loud" if drill.loud else "drills.silent")
        + (f", {group_name(plan, drill.group)}" if drill.group else ""),
        outcome=outcome + (f", {say('drills.slowest', n=slowest)}" if slowest else ""),
        failed=bool(drill.failed),
    )


def summary(plan: Plan, drill: Drill | None, now_ms: int, *, running: bool) -> Markup:
    """Say what the newest drill found, in a sentence."""
    if drill is None:
        return rich("drills.say.none")
    if running:
        return rich("drills.say.running")
    counted = sum(part.state in {"proven", "failed"} for part in drill.parts)
    when = when_words(drill.id, now_ms, plan.site.timezone)
    said = (
        rich("drills.say.failed", n=len(drill.failed), all=counted, when=when)
        if drill.failed
        else rich("drills.say.passed", n=counted, when=when)
    )
    left_out = sum(part.state == "skipped" for part in drill.parts)
    return said + Markup(" ") + rich("drills.say.skipped", n=left_out) if left_out else said


@router.get("/pages", dependencies=[Depends(Needs("read"))])
def pages(
    request: Request, here: Here, moment: str | None = None, bundle: str | None = None, cursor: str | None = None
) -> HTMLResponse:
    """List every page, newest first, and what became of it."""
    draw: Pages = request.app.state.pages
    plan, now_ms = here.driver.plan, here.clock.now_ms()
    if bundle is not None:
        found = [each for about in here.reader.told_by(bundle) for each in here.reader.pages(moment=about).items]
        rows = [each for each in found if each.bundle.removesuffix("+") == bundle]
        rows += [each for each in here.reader.pages(moment=bundle).items if each.page == bundle]
        following = None
    else:
        listing = here.reader.pages(moment=moment, cursor=cursor, limit=SHOWN)
        rows, following = list(listing.items), listing.next
    return draw.page(
        request,
        "pages.html",
        here="pages",
        sayable=sayable(rows),
        rows=[row(plan, each, now_ms) for each in rows],
        only=say("pages.only.bundle") if bundle else say("pages.only.moment") if moment else "",
        older=f"/pages?cursor={following}" + (f"&moment={quote(moment)}" if moment else "") if following else None,
        first=cursor is not None,
    )


@router.post("/pages/{page}/claim")
async def claim(request: Request, here: Here, who: Actor, page: str) -> Response:
    """Claim everything that a page tells, and go back to where that was asked."""
    from hub.web.pages.claiming import who_acts  # noqa: PLC0415 - that module imports much

    fields = await form_of(request)
    moments = await run_in_threadpool(here.reader.told_by, page)
    refused = []
    for moment in moments:
        try:
            await act(here, "claim", moment, who_acts(request, who))
        except ProblemError as wrong:
            if wrong.status not in {404, 409}:
                raise
            refused.append(wrong)
    if not moments:
        raise ProblemError(404, "unknown-page", f'There is no page "{page}" to be claimed.', remedy="See /pages.")
    if len(refused) == len(moments):
        raise refused[0]
    return RedirectResponse(local(fields.get("back", "/")), 303)


@router.get("/drills", dependencies=[Depends(Needs("read"))])
def drills(request: Request, here: Here) -> HTMLResponse:
    """Show the newest drill channel by channel, and those before it."""
    draw: Pages = request.app.state.pages
    plan, now_ms = here.driver.plan, here.clock.now_ms()
    log: DrillLog | None = request.app.state.drill_log
    runs: Runs | None = request.app.state.drills
    found = log.drills(KEPT) if log is not None else ()
    running = {each.id for each in found if runs is not None and runs.running(each.id) is not None}
    newest = found[0] if found else None
    minute = plan.site.drill_min
    at = None if minute is None else f"{minute // 60:02}:{minute % 60:02}"
    return draw.page(
        request,
        "drills.html",
        here="drills",
        sayable=summary(plan, newest, now_ms, running=newest is not None and newest.id in running),
        night=say("drills.night.none") if at is None else say("drills.night", time=at),
        caption=""
        if newest is None
        else say(
            "drills.caption",
            when=when_words(newest.id, now_ms, plan.site.timezone),
            by=held(plan, newest, now_ms, running=False).by,
        ),
        parts=[tried(plan, part) for part in newest.parts] if newest is not None else [],
        before=[held(plan, each, now_ms, running=each.id in running) for each in found[1:]],
        can_begin=runs is not None,
        alarm=bool(here.driver.quiet.suspensions),
    )


@router.post("/drills")
async def begin(request: Request, who: Actor) -> Response:
    """Begin a drill from the screen."""
    from hub.web.pages.claiming import who_acts  # noqa: PLC0415 - that module imports much

    fields = await form_of(request)
    runs: Runs | None = request.app.state.drills
    if runs is None:
        raise ProblemError(404, "no-drills", "This hub proves no channels.")
    loud = fields.get("how") == "loud"
    try:
        await run_in_threadpool(runs.begin, who_acts(request, who), loud=loud)
    except RefusedError as refused:
        raise ProblemError(409, "refused", sentence(str(refused))) from refused
    return RedirectResponse("/drills", 303)
