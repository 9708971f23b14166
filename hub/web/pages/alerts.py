"""``/alerts``: passengers ask to be told what is new about their flight, say yes to it, and stop it.

Open to everybody, also where the hub asks for tokens: whoever has a wish's link may confirm and stop that wish, and
learns nothing else. A link that is only looked at changes nothing, since mail scanners look at every link.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Depends, Request, Response
from msgspec import Struct
from starlette.concurrency import run_in_threadpool
from starlette.responses import HTMLResponse

from andgate.flights import erased_at_ms, flight_key, mail_address, telephone
from andgate.routing import shown_key
from hub.web.api.callers import customers
from hub.web.context import Context, context
from hub.web.pages.form import form_of
from hub.web.pages.words import say
from hub.web.problems import ProblemError

if TYPE_CHECKING:
    from collections.abc import Callable

    from andgate.plan import Alerts, Plan
    from hub.web.pages.render import Pages

SOONEST_DAYS, LATEST_DAYS = -1, 60
"""Flights that somebody may watch, from today."""

router = APIRouter(include_in_schema=False)

Here = Annotated[Context, Depends(context)]


class Typed(Struct, frozen=True):
    """What a form asks for, as it was typed."""

    flight: str
    day: str
    way: str
    address: str


@router.get("/alerts")
def form(request: Request, here: Here) -> HTMLResponse:
    """Offer to tell."""
    _alerts(here.driver.plan)
    return _form(request, here, Typed("", _today(here), "", ""), "")


@router.post("/alerts")
async def ask(request: Request, here: Here) -> HTMLResponse:
    """Keep a wish, and ask at its address whether it was them."""
    fields = await form_of(request)
    typed = Typed(*(fields.get(name, "") for name in Typed.__struct_fields__))
    plan = here.driver.plan
    alerts = _alerts(plan)
    way = alerts.ways.get(typed.way)
    key = flight_key(typed.flight, typed.day)
    if key is None:
        return _form(request, here, typed, "flight")
    if not _soon(key, here):
        return _form(request, here, typed, "day")
    if way is None:
        return _form(request, here, typed, "way")
    address = telephone(typed.address) if way.takes_number else mail_address(typed.address)
    if address is None:
        return _form(request, here, typed, "number" if way.takes_number else "address")
    now_ms = here.clock.now_ms()
    until_ms = erased_at_ms(key, alerts.keeps_ms, plan.site.timezone, now_ms)
    word = (
        say("alerts.word.title", flight=shown_key(key)),
        say("alerts.word", flight=shown_key(key), day=typed.day, site=plan.site.name, base=plan.site.url or ""),
    )
    wrong = await run_in_threadpool(
        lambda: customers(request).ask(key, way.id, address, until_ms=until_ms, now_ms=now_ms, word=word)
    )
    if wrong:
        return _form(request, here, typed, wrong)
    _wake(request)
    return _draw(request).page(
        request, "alerts.html", alive=False, state="asked", address=address, flight=shown_key(key), way=way.name
    )


@router.get("/alerts/{token}")
def wish(request: Request, here: Here, token: str) -> HTMLResponse:
    """Show a wish, and what may be done with it."""
    return _wish(request, here, token, "")


@router.get("/alerts/{token}/{do}")
def offer(request: Request, here: Here, token: str, do: str) -> HTMLResponse:
    """Show what a link would do; nothing is done yet."""
    return _wish(request, here, token, do)


@router.post("/alerts/{token}/{do}")
async def do_it(request: Request, here: Here, token: str, do: str) -> Response:
    """Confirm or stop."""
    plan = here.driver.plan
    alerts = _alerts(plan)
    wishes = customers(request)
    found = await run_in_threadpool(wishes.find, token)
    if found is None:
        raise _unknown()
    if do == "confirm":
        until_ms = erased_at_ms(found.flight, alerts.keeps_ms, plan.site.timezone, here.clock.now_ms())
        await run_in_threadpool(lambda: wishes.confirm(token, until_ms=until_ms))
        _wake(request)
        return await run_in_threadpool(_wish, request, here, token, "")
    if do == "stop":
        await run_in_threadpool(wishes.stop, token)
        return _draw(request).page(
            request, "alerts.html", alive=False, state="stopped", flight=shown_key(found.flight), address=found.address
        )
    raise ProblemError(404, "not-found", f'A wish cannot "{do[:40]}".', remedy="Confirm or stop it.")


def _wish(request: Request, here: Here, token: str, do: str) -> HTMLResponse:
    alerts = _alerts(here.driver.plan)
    found = customers(request).find(token)
    if found is None or do not in {"", "confirm", "stop"}:
        raise _unknown()
    way = alerts.ways.get(found.way)
    return _draw(request).page(
        request,
        "alerts.html",
        alive=False,
        state="confirmed" if found.confirmed else "unconfirmed",
        wish=found,
        flight=shown_key(found.flight),
        day=found.flight.partition("/")[2],
        way=found.way if way is None else way.name,
        offers=do,
    )


def _form(request: Request, here: Here, typed: Typed, wrong: str) -> HTMLResponse:
    alerts = _alerts(here.driver.plan)
    more: dict[str, Any] = {
        "typed": typed,
        "wrong": wrong,
        "said": say(f"alerts.wrong.{wrong}") if wrong else "",
        "ways": list(alerts.ways.values()),
        "promise": here.driver.plan.expectations[alerts.expectation].promise,
    }
    status = 422 if wrong else 200
    return _draw(request).page(request, "alerts.html", status=status, alive=False, state="form", **more)


def _alerts(plan: Plan) -> Alerts:
    if plan.alerts is None:
        raise ProblemError(404, "no-alerts", "This site tells nobody about flights.")
    return plan.alerts


def _unknown() -> ProblemError:
    return ProblemError(
        404, "unknown-wish", "Nothing is kept under this link: it was stopped, or the flight is over.", remedy=""
    )


def _today(here: Context) -> str:
    zone = ZoneInfo(here.driver.plan.site.timezone)
    return datetime.fromtimestamp(here.clock.now_ms() / 1000, UTC).astimezone(zone).date().isoformat()


def _soon(key: str, here: Context) -> bool:
    on = datetime.fromisoformat(key.partition("/")[2]).date()
    today = datetime.fromisoformat(_today(here)).date()
    return SOONEST_DAYS <= (on - today).days <= LATEST_DAYS


def _wake(request: Request) -> None:
    wake: Callable[[], None] | None = request.app.state.tell
    if wake is not None:
        wake()


def _draw(request: Request) -> Pages:
    draw: Pages = request.app.state.pages
    return draw
