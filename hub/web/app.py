"""The web application: wires the API, the stream, metrics, login and the pages around one driver and one reader."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

from fastapi import Depends, FastAPI, Response
from starlette.concurrency import run_in_threadpool

from andgate import __version__
from hub.web import login, problems
from hub.web.api import baseline, callers, drills, moments, people, quiet, remedies, roster, signals, site, success
from hub.web.api.answer import schemas
from hub.web.auth import Door, Keyring, Needs, is_loopback
from hub.web.context import Context, context
from hub.web.headers import SafeHeaders
from hub.web.live import Live
from hub.web.metrics import MEDIA_TYPE, Metrics
from hub.web.pages import routes as pages

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterable

    from hub.clock import HubClock
    from hub.heartbeat import Heartbeat
    from hub.store import Reader
    from hub.web.context import Judge
    from hub.web.tokens import Token

PREFIX = "/api/v1"
DESCRIPTION = """\
Moments of truth, judged: what is threatened now, what was kept, saved or broken, and why.

Times are RFC 3339 in UTC with milliseconds. Lists are `{"items": [...], "next": cursor or null}`; give `next` as
`cursor` to go on. Errors are problem details (RFC 9457), with `index` where one member of a list is wrong.
`GET /api/v1/stream` sends what changes as server-sent events: `snapshot`, `moment`, `pulse`, `node`, `quiet`, `plan`,
`resync`.
"""


def create_app(
    driver: Judge,
    reader: Reader,
    clock: HubClock,
    *,
    tokens: Iterable[Token] | None = None,
    host: str = "127.0.0.1",
    metrics: Metrics | None = None,
    cut_off: Callable[[], str | None] = lambda: None,
    heartbeat: Heartbeat | None = None,
) -> FastAPI:
    """Return the application.

    It listens to the driver. `tokens` None: open to everybody who reaches it; then, where `host` (what it listens on)
    is loopback, it answers to names of this machine only. Before the server is told to end, call
    ``app.state.context.live.stop()``, or it waits for open streams. `cut_off` says in words why nothing from the floor
    can reach the hub just now; None while it can.
    `heartbeat` is shown.
    """
    context_ = Context(
        driver=driver,
        reader=reader,
        clock=clock,
        live=Live(driver, clock),
        metrics=metrics or Metrics(),
        cut_off=cut_off,
        heartbeat=heartbeat,
    )
    context_.metrics.watch(driver, reader, context_.live, clock, heartbeat)
    driver.listeners.extend((context_.live.committed, context_.metrics.committed))

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        context_.live.start()
        yield
        context_.live.end()

    app = FastAPI(
        title="Andgate",
        version=__version__,
        description=DESCRIPTION,
        openapi_url=f"{PREFIX}/openapi.json",
        docs_url=None,  # the documentation page loads its scripts from another host; the policy forbids that
        redoc_url=None,
        lifespan=lifespan,
        telemetry={"tracing": False},
        redirect_slashes=False,
        generate_unique_id_function=lambda route: route.name,
    )
    app.state.context = context_
    app.state.phones = None  # who starts us may set it: then phones can ask to be paged
    app.state.drills = app.state.drill_log = None  # and this: then channels can be proven
    app.state.links = None  # and this: then pages can be answered with the link that they carry
    app.state.people = app.state.try_channel = None  # and this: then people can be put on shifts, and paged by name
    app.state.customers = app.state.tell = None  # and this: then passengers can ask to be told
    app.state.keyring = Keyring(tokens, clock) if tokens is not None else None
    problems.install(app)
    app.add_middleware(Door, keyring=app.state.keyring, local_only=is_loopback(host))
    app.add_middleware(SafeHeaders)  # the last one added is the outermost
    for each in (moments, remedies, people, roster, signals, success, site, callers, drills, quiet, baseline):
        app.include_router(each.router, prefix=PREFIX)
    app.include_router(login.router)
    pages.install(app)
    _add_plumbing(app)
    _document(app)
    return app


def _add_plumbing(app: FastAPI) -> None:
    here = Depends(context)

    @app.get("/metrics", include_in_schema=False, dependencies=[Depends(Needs("read"))])
    def metrics(here: Context = here) -> Response:
        return Response(here.metrics.text(), media_type=MEDIA_TYPE)

    @app.get("/healthz", include_in_schema=False)
    async def alive() -> Response:
        return Response(b'{"status":"ok"}', media_type="application/json")

    @app.get("/readyz", include_in_schema=False)
    async def ready(here: Context = here) -> Response:
        fault = here.driver.fault or here.cut_off()
        if fault is not None:
            raise problems.ProblemError(503, "not-ready", problems.sentence(fault))
        await run_in_threadpool(here.reader.chain)
        return Response(b'{"status":"ok"}', media_type="application/json")


def _document(app: FastAPI) -> None:
    """Add the library's own schemas to the OpenAPI, and the token."""
    plain = app.openapi

    def openapi() -> dict[str, Any]:
        if app.openapi_schema is None:
            found = plain()
            components = found.setdefault("components", {})
            components.setdefault("schemas", {}).update(schemas())
            components["securitySchemes"] = {"token": {"type": "http", "scheme": "bearer"}}
            found["security"] = [{"token": []}, {}]
            _drop_unused(found)
        assert app.openapi_schema is not None  # noqa: S101 - `plain` has set it
        return app.openapi_schema

    app.openapi = openapi  # type: ignore[method-assign]


def _drop_unused(found: dict[str, Any]) -> None:
    """Errors are problem details here: take out the shape FastAPI would have answered with."""
    for name in ("HTTPValidationError", "ValidationError"):
        found["components"]["schemas"].pop(name, None)
