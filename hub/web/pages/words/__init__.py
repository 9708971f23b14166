"""Every word on the screens, in one catalogue: a module for each page or family of pages, put together here.

`say` fills in plain text. `rich` makes ``*words*`` bold and escapes what it fills in, for HTML. English first; another
language is another such catalogue with the same keys.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from markupsafe import Markup, escape

from hub.web.pages.words.afterwards import AFTERWARDS
from hub.web.pages.words.answers import ANSWERS
from hub.web.pages.words.board import BOARD
from hub.web.pages.words.break_room import BREAK_ROOM
from hub.web.pages.words.desk import DESK
from hub.web.pages.words.floor import FLOOR
from hub.web.pages.words.frame import FRAME
from hub.web.pages.words.languages import LANGUAGES
from hub.web.pages.words.moments import MOMENTS
from hub.web.pages.words.nodes import NODES
from hub.web.pages.words.passengers import PASSENGERS
from hub.web.pages.words.phone import PHONE
from hub.web.pages.words.quiet import QUIET
from hub.web.pages.words.sending import SENDING
from hub.web.pages.words.staff import STAFF
from hub.web.pages.words.success import SUCCESS
from hub.web.pages.words.trail import TRAIL
from hub.web.pages.words.why import WHY

if TYPE_CHECKING:
    from collections.abc import Sequence

_BOLD = re.compile(r"\*([^*]+)\*")

ENGLISH: dict[str, str] = {
    **AFTERWARDS,
    **ANSWERS,
    **BOARD,
    **BREAK_ROOM,
    **DESK,
    **FLOOR,
    **FRAME,
    **LANGUAGES,
    **MOMENTS,
    **NODES,
    **PASSENGERS,
    **PHONE,
    **QUIET,
    **SENDING,
    **STAFF,
    **SUCCESS,
    **TRAIL,
    **WHY,
}


def say(key: str, /, **values: object) -> str:
    """Return the words of `key` with `values` filled in; a key that is missing is a programming error."""
    return ENGLISH[key].format(**values) if values else ENGLISH[key]


def rich(key: str, /, **values: object) -> Markup:
    """Return the words of `key` as HTML: ``*x*`` is bold, values are escaped unless they are `Markup`."""
    text = _BOLD.sub(r"<b>\1</b>", str(escape(ENGLISH[key])))
    return Markup(text.format(**{name: escape(value) for name, value in values.items()}))  # noqa: S704 escaped above


def listed(items: Sequence[str]) -> str:
    """Return ``a, b and c``."""
    if len(items) < 2:  # noqa: PLR2004 a pair is the first list that needs a joint
        return "".join(items)
    return say("list.and", first=", ".join(items[:-1]), last=items[-1])


def script_words() -> dict[str, str]:
    """Return what the browser's own code says."""
    wanted = ("live.", "desk.", "nodes.identify", "sign.", "card.c", "who.nobody")
    return {key: text for key, text in ENGLISH.items() if key.startswith(wanted)}


def phone_words() -> dict[str, str]:
    """Return what the script of the page for phones says."""
    return {key: text for key, text in ENGLISH.items() if key.startswith("phone.")}
