"""The addresses of the pages. `install` hangs them into the application."""

from __future__ import annotations

import asyncio
import secrets
from typing import TYPE_CHECKING, Annotated
from urllib.parse import quote

from fastapi import APIRouter, Depends, Request, Response
from starlette.concurrency import run_in_threadpool
from starlette.responses import HTMLResponse, RedirectResponse
from starlette.staticfiles import StaticFiles

from andgate.causes import CATEGORIES
from andgate.wire.messages import Command, FeedSignal
from hub.web.api.afterwards import Saying, cause_said, decides, remedy_said
from hub.web.api.moments import act
from hub.web.auth import Caller, Needs, caller
from hub.web.context import Context, context
from hub.web.login import local
from hub.web.pages import alerts, annunciator, charts, findings, hush, listing, people, phones, roster, sending
from hub.web.pages import answer as answering
from hub.web.pages import board as boards
from hub.web.pages import claiming as claims
from hub.web.pages import desk as desks
from hub.web.pages import floor as floors
from hub.web.pages import gate as gates
from hub.web.pages import moment as stories
from hub.web.pages import nodes as fleets
from hub.web.pages import remedies as owed
from hub.web.pages import sign as signs
from hub.web.pages import success as reports
from hub.web.pages.claiming import who_acts
from hub.web.pages.form import form_of
from hub.web.pages.render import STATIC, WHO_COOKIE, YEAR_S, Pages
from hub.web.pages.source import Source
from hub.web.pages.words import say
from hub.web.problems import ProblemDetails, ProblemError

if TYPE_CHECKING:
    from collections.abc import Callable

    from fastapi import FastAPI
    from markupsafe import Markup
    from starlette.types import Scope

    from andgate.moment.moments import Moment
    from andgate.moment.signals import ActionKind

router = APIRouter(include_in_schema=False)

Here = Annotated[Context, Depends(context)]
Reader = Depends(Needs("read"))
Actor = Annotated[Caller, Depends(Needs("act"))]


def pages(request: Request) -> Pages:
    """Return the application's pages: a dependency."""
    found: Pages = request.app.state.pages
    return found


Draw = Annotated[Pages, Depends(pages)]


class Files(StaticFiles):
    """Static files that a browser asks for again each time, and mostly has already (ETag)."""

    async def get_response(self, path: str, scope: Scope) -> Response:
        """Answer, and say that it must be asked again."""
        answer = await super().get_response(path, scope)
        answer.headers["cache-control"] = "no-cache"
        return answer


def install(app: FastAPI) -> None:
    """Add pages, static files, error pages and the login page to the application."""
    here: Context = app.state.context
    app.state.pages = Pages(Source(here.driver, here.reader, here.clock))
    app.state.error_page = error_page
    app.state.login_page = login_page
    app.mount("/static", Files(directory=STATIC), name="static")
    app.include_router(claims.router)  # before the one that takes whatever else can be done to a moment
    app.include_router(router)
    app.include_router(people.router)
    app.include_router(answering.router)
    app.include_router(roster.router)
    app.include_router(phones.router)
    app.include_router(annunciator.router)
    app.include_router(hush.router)
    app.include_router(phones.open_router)
    app.include_router(sending.router)
    app.include_router(alerts.router)


def error_page(request: Request, problem: ProblemDetails) -> Response:
    """Draw a problem for a person."""
    drawn: Pages = request.app.state.pages
    return drawn.page(request, "error.html", status=problem.status, alive=False, problem=problem)


def login_page(request: Request, wanted: str, wrong: str) -> Response:
    """Draw the login form."""
    drawn: Pages = request.app.state.pages
    return drawn.page(request, "login.html", alive=False, wanted=wanted, wrong=wrong)


@router.get("/", dependencies=[Reader])
def floor(request: Request, draw: Draw) -> Response:
    """Show what is happening now."""

    def drawn() -> HTMLResponse:
        found = floors.floor(draw.source)
        return draw.page(request, "floor.html", here="floor", floor=found, places=len(draw.source.plan.touchpoints))

    return draw.shared(request, drawn)


@router.get("/favicon.ico")
def favicon() -> Response:
    """Show browsers that ask for the old name where the mark is."""
    return RedirectResponse("/static/favicon.svg", 301)


@router.post("/screen", dependencies=[Reader])
async def screen(request: Request) -> Response:
    """Keep who stands at this screen, for claims made on it."""
    fields = await form_of(request)
    answer = RedirectResponse(local(fields.get("back", "/")), 303)
    who = "".join(letter for letter in fields.get("who", "")[:60] if letter.isprintable())
    if who:
        answer.set_cookie(WHO_COOKIE, quote(who), max_age=YEAR_S, samesite="lax")
    else:
        answer.delete_cookie(WHO_COOKIE)
    return answer


@router.get("/moments", dependencies=[Reader])
def moments(request: Request, draw: Draw) -> HTMLResponse:
    """List moments."""
    found = listing.moments(draw.source, request.query_params)
    plan = draw.source.plan
    expectations = [(each.id, each.promise) for each in plan.expectations.values()]
    touchpoints = [(each.id, each.name) for each in plan.touchpoints.values()]
    return draw.page(
        request, "moments.html", here="moments", list=found, expectations=expectations, touchpoints=touchpoints
    )


@router.get("/moments/{moment}", dependencies=[Reader])
def moment(request: Request, draw: Draw, moment: str) -> HTMLResponse:
    """Explain one moment."""
    found = stories.story(draw.source, moment)
    if found is None:
        raise ProblemError(404, "unknown-moment", f'There is no moment "{moment}".', remedy="List them at /moments.")
    shown = claims.claiming(found.moment, draw.source.plan, request.app.state.people, request, draw.source.now_ms())
    return draw.page(request, "moment.html", here="moments", story=found, claiming=shown)


DO: dict[str, ActionKind] = {
    "void": "void",
    "unvoid": "unvoid",
    "cause": "cause",
    "remedy": "remedy",
}
"""What a moment's forms may do: the last part of their address. Claims and the reset have rules of their own."""


def said_in(do: str, fields: dict[str, str], request: Request, here: Context) -> Callable[[Moment], Saying]:
    """Return what a form says of a cause or a remedy; empty fields say nothing."""
    plan, words, comment = here.driver.plan, fields.get("reason") or None, fields.get("comment", "")[:500] or None
    words = words and words[:500]
    if do == "remedy":
        gave = [what for name, what in fields.items() if what and (name == "gave" or name.startswith("gave-"))]
        free = decides(request)
        return lambda about: remedy_said(plan, about, free=free, gave=gave, words=words, comment=comment)
    kind = next((each for each in CATEGORIES if each == fields.get("kind")), None)
    id = fields.get("id") or None
    return lambda about: cause_said(plan, about, id=id, words=words, category=kind, comment=comment)


@router.post("/moments/{moment}/{do}")
async def do_to_moment(request: Request, here: Here, who: Actor, moment: str, do: str) -> Response:
    """Do what a moment's form asks for, and go back to where it was asked."""
    if do not in DO:
        raise ProblemError(404, "not-found", f'Nothing called "{do}" can be done to a moment.')
    fields = await form_of(request)
    reason = fields.get("reason", "")
    if do in ("cause", "remedy"):
        await act(here, DO[do], moment, who_acts(request, who), saying=said_in(do, fields, request, here))
        return RedirectResponse(local(fields.get("back", "/")), 303)
    if not reason and do == "void":
        raise ProblemError(422, "no-reason", "The reason is empty.", remedy="Say it in a few words.")
    await act(here, DO[do], moment, who_acts(request, who), reason=reason[:500] or None)
    return RedirectResponse(local(fields.get("back", "/")), 303)


@router.get("/remedies", dependencies=[Reader])
def remedies(request: Request, draw: Draw, group: str | None = None) -> HTMLResponse:
    """Show what is owed to customers after failures."""
    return draw.page(request, "remedies.html", here="remedies", page=owed.remedies(draw.source, group=group))


@router.get("/remedies/hall", dependencies=[Reader])
def remedies_hall(request: Request, draw: Draw, group: str | None = None) -> Response:
    """Show the same to a hall: no names, nothing to press."""
    page = owed.remedies(draw.source, hall=True, group=group)
    return draw.page(request, "remedies_hall.html", here="remedies", page=page)


@router.get("/success", dependencies=[Reader])
def success(request: Request, draw: Draw, interaction: str | None = None, days: int = 30) -> HTMLResponse:
    """Show the Customer Success table."""
    plan = draw.source.plan
    if interaction is None:
        interaction = next(iter(plan.interactions), None)
    elif interaction == "all":
        interaction = None
    elif interaction not in plan.interactions:
        raise ProblemError(404, "unknown-interaction", f'The plan has no interaction "{interaction}".')
    report = reports.report(draw.source, interaction, days if days in reports.DAYS else 30)
    zone = plan.site.timezone
    return draw.page(
        request,
        "success.html",
        here="success",
        alive=False,
        report=report,
        range_words=reports.range_words(report, zone),
        percent=findings.percent,
        saw=reports.saw,
        zone_name=zone,
        gate=gates.gate(report),
        axis=gates.axis(report),
        moments_href=gates.moments_href,
        heat=(charts.heat(report), charts.heat_tight(report)),
        causes=(charts.causes(report), charts.causes(report, charts.TIGHT)) if report.causes else None,
        control=_control(report, zone),
        control_title=charts.control_title(report),
        day_choices=reports.DAYS,
        owed=owed.rates(draw.source, report.since_ms, report.until_ms),
        least_days=reports.LEAST_DAYS,
    )


def _control(report: reports.Report, zone: str) -> tuple[Markup, Markup] | None:
    chart = report.chart
    if chart is None:
        return None
    return charts.control(report, chart, zone), charts.control(report, chart, zone, charts.TIGHT)


def _choice(request: Request, draw: Draw, base: str, heading: str, choices: object, *, none: str) -> HTMLResponse:
    """Ask which of several; `none` is said where there are none."""
    return draw.page(request, "choose.html", alive=False, heading=heading, choices=choices, base=base, none=none)


@router.get("/board", dependencies=[Reader])
def choose_board(request: Request, draw: Draw) -> HTMLResponse:
    """Ask which board."""
    return _choice(request, draw, "/board", say("board.which"), boards.choices(draw.source.plan), none="")


@router.get("/board/{which}", dependencies=[Reader])
def board(request: Request, draw: Draw, which: str) -> Response:
    """Show a hall's board."""

    def drawn() -> HTMLResponse:
        found = boards.board(draw.source, which)
        if found is None:
            raise ProblemError(
                404, "unknown-board", f'There is no area or group "{which}".', remedy="Choose at /board."
            )
        return draw.page(request, "board.html", board=found)

    return draw.shared(request, drawn)


@router.get("/sign", dependencies=[Reader])
def choose_sign(request: Request, draw: Draw) -> HTMLResponse:
    """Ask which sign."""
    return _choice(request, draw, "/sign", say("sign.which"), signs.choices(draw.source.plan), none=say("sign.none"))


@router.get("/sign/glyphs.json", dependencies=[Reader])
def glyphs() -> Response:
    """Hand out the LEDs' alphabet."""
    return Response(signs.glyph_tables(), headers={"cache-control": "no-cache"}, media_type="application/json")


@router.get("/sign/{touchpoint}", dependencies=[Reader])
def sign(request: Request, draw: Draw, touchpoint: str, counts: str | None = None) -> HTMLResponse:
    """Show a place's sign."""
    found = signs.sign(draw.source, touchpoint, counts)
    if found is None:
        raise ProblemError(404, "unknown-touchpoint", f'There is no place "{touchpoint}".', remedy="Choose at /sign.")
    words = signs.words(draw.source, found)
    return draw.page(request, "sign.html", sign=found, label=signs.label(found), words=words)


@router.get("/desk", dependencies=[Reader])
def choose_desk(request: Request, draw: Draw) -> HTMLResponse:
    """Ask which desk."""
    return _choice(
        request, draw, "/desk", say("desk.which"), desks.choices(draw.source.plan), none=say("desk.none.all")
    )


@router.get("/desk/{touchpoint}", dependencies=[Reader])
def desk(request: Request, draw: Draw, touchpoint: str) -> HTMLResponse:
    """Show a line's red button."""
    return draw.page(request, "desk.html", desk=desk_or_404(draw, touchpoint))


def desk_or_404(draw: Pages, touchpoint: str) -> desks.Desk:
    """Return a desk, or say that there is none."""
    found = desks.desk(draw.source, touchpoint)
    if found is None:
        raise ProblemError(404, "unknown-desk", f'"{touchpoint}" has no red button.', remedy="Choose at /desk.")
    return found


@router.post("/desk/{touchpoint}/{do}", dependencies=[Depends(Needs("signal"))])
async def press(request: Request, here: Here, draw: Draw, touchpoint: str, do: str) -> Response:
    """Press, or reset, where the browser runs no scripts."""
    await form_of(request)
    found = await run_in_threadpool(desk_or_404, draw, touchpoint)
    if do not in ("press", "reset"):
        raise ProblemError(404, "not-found", f'A red button cannot "{do}".')
    name = found.press if do == "press" else found.reset
    signal = FeedSignal(id=f"desk-{touchpoint}-{secrets.token_hex(12)}", touchpoint=touchpoint, signal=name)
    await asyncio.wrap_future(here.driver.signals([signal], caller(request).id))
    return RedirectResponse(f"/desk/{touchpoint}", 303)


@router.get("/nodes", dependencies=[Reader])
def nodes(request: Request, draw: Draw) -> HTMLResponse:
    """Show every node."""
    return draw.page(request, "nodes.html", here="nodes", nodes=fleets.nodes(draw.source))


@router.post("/nodes/{node}/identify", dependencies=[Depends(Needs("act"))])
async def identify(request: Request, here: Here, node: str) -> Response:
    """Blink a node."""
    await form_of(request)
    if node not in here.driver.plan.nodes:
        raise ProblemError(404, "unknown-node", f'The plan has no node "{node}".', remedy="See /nodes.")
    await asyncio.wrap_future(here.driver.command(node, Command(do="identify")))
    return RedirectResponse("/nodes", 303)
