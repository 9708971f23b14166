"""Drawing a page: the templates, the words and the looks that every page shares."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import unquote

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup
from starlette.responses import HTMLResponse

from hub.web.auth import caller
from hub.web.pages.names import group_name, kind_words, signal_words, team_words, witness_words
from hub.web.pages.remedies import owes
from hub.web.pages.spans import clock, date_words, hm, hms, iso, span
from hub.web.pages.words import rich, say, script_words

if TYPE_CHECKING:
    from collections.abc import Callable

    from fastapi import Request, Response

    from hub.web.pages.source import Source

TEMPLATES = Path(__file__).parent.parent / "templates"
STATIC = Path(__file__).parent.parent / "static"
THEME_COOKIE = "andgate-theme"
WHO_COOKIE = "andgate-who"
MOST_SHARED = 64
"""Most different pages kept for the next screen."""
YEAR_S = 365 * 86_400

Theme = Literal["light", "dark"]


def environment() -> Environment:
    """Return the templates' environment: everything is escaped, a missing value is an error."""
    made = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.globals.update(say=say, rich=rich, iso=iso, clock=clock, span=span, kind_words=kind_words)
    made.globals.update(signal_words=signal_words, counting_up=counting_up, counting_down=counting_down)
    return made


def counting_up(since_ms: int, words: str) -> Markup:
    """Return a count that the browser keeps going, up from `since_ms`; `words` is how it stands."""
    return Markup('<span class="count" data-up="{}">{}</span>').format(since_ms, words)


def counting_down(to_ms: int, words: str) -> Markup:
    """Return a count that the browser keeps going, down to `to_ms`; `words` is how it stands."""
    return Markup('<span class="count" data-down="{}">{}</span>').format(to_ms, words)


def theme_of(request: Request) -> Theme | None:
    """Return the theme this screen is fixed to; None follows the system."""
    asked = request.query_params.get("theme") or request.cookies.get(THEME_COOKIE)
    return "light" if asked == "light" else "dark" if asked == "dark" else None


def who_of(request: Request) -> str:
    """Return who stands at this screen, as it was told; empty if nobody said."""
    return unquote(request.cookies.get(WHO_COOKIE, ""))[:60]


class Pages:
    """Renders templates over one source."""

    def __init__(self, source: Source) -> None:
        """Draw what `source` knows."""
        self.source = source
        self._templates = environment()
        self._shelf: dict[tuple[str | None, ...], tuple[tuple[int, int], bytes]] = {}

    def shared(self, request: Request, draw: Callable[[], HTMLResponse]) -> Response:
        """Return what `draw` draws, or what it drew for the last screen that asked within this second of site time.

        A change is told to every screen at once and all of them come for the page; one of them pays for it.
        """
        if "theme" in request.query_params:
            return draw()
        key = (str(request.url.path), theme_of(request), who_of(request), caller(request).via, caller(request).id)
        stands = (self.source.entry(), self.source.now_ms() // 1000)
        known = self._shelf.get(key)
        if known is not None and known[0] == stands:
            return HTMLResponse(known[1], 200, {"cache-control": "no-store"})
        drawn = draw()
        if len(self._shelf) >= MOST_SHARED:
            self._shelf.clear()
        self._shelf[key] = (stands, bytes(drawn.body))
        return drawn

    def page(
        self,
        request: Request,
        template: str,
        *,
        status: int = 200,
        alive: bool = True,
        **more: Any,  # noqa: ANN401 - whatever the template needs
    ) -> HTMLResponse:
        """Return a page. `alive`: it shows the present, so it listens to the stream and reloads without scripts."""
        plan, now_ms = self.source.plan, self.source.now_ms()
        zone = plan.site.timezone
        values: dict[str, Any] = {
            "site": plan.site,
            "plan": plan,
            "zone": zone,
            "now_ms": now_ms,
            "rate": self.source.rate(),
            "theme": theme_of(request),
            "who": who_of(request),
            "open_hub": caller(request).via == "open",
            "signed_in": caller(request).id if caller(request).via == "cookie" else "",
            "path": request.url.path,
            "alive": alive,
            "here": "",
            "owes": owes(plan),
            "script_words": script_words(),
            "clock_words": hms(now_ms, zone),
            "hms": lambda ms: hms(ms, zone),
            "hm": lambda ms: hm(ms, zone),
            "date_words": lambda ms: date_words(ms, zone),
            "group_name": lambda group: group_name(plan, group),
            "team_words": lambda moment: team_words(plan, moment),
            "witness_words": lambda witness: witness_words(plan, witness),
        }
        text = self._templates.get_template(template).render(**{**values, **more})
        answer = HTMLResponse(text, status, {"cache-control": "no-store"})
        asked = request.query_params.get("theme")
        if asked in ("light", "dark"):
            answer.set_cookie(THEME_COOKIE, asked, max_age=YEAR_S, samesite="lax")
        elif asked == "auto":
            answer.delete_cookie(THEME_COOKIE)
        return answer
