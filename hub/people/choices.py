"""The ways to reach somebody as people choose them: a name, and one plain thing that must be known; there and back.

Kept is a URL, as the API has it. What a choice stands for is the plan's to say (`andgate.plan.ways`), so an address
holds no secret, and a mail server that moved is changed in one place for everybody.
"""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

from andgate.errors import RefusedError
from andgate.flights import mail_address, telephone
from andgate.plan import Plan, Way
from andgate.plan.addresses import kind_of, pocsag_address, way_address, way_url
from hub.people.directory import PAGER, PHONES

Asks = Literal["nothing", "pager-name", "pager-number", "telephone", "mail", "address", "url"]
"""What must be known of somebody to reach them this way."""

PHONE, OWN_PAGER, OTHER = "phone", "pager", "other"
_TRANSMITTER, _WAY = "transmitter", "way"
_SIGNS = str.maketrans("", "", " -./()\u00a0")
_LONGEST = 200
_SHOWN = 40


class Choice(Struct, frozen=True):
    """One way that can be chosen."""

    value: str
    """``phone``, ``pager``, ``transmitter/NODE``, ``way/ID`` or ``other``."""
    asks: Asks
    name: str = ""
    """As the plan calls it: of a way its name, of a transmitter its node."""


def choices(plan: Plan) -> tuple[Choice, ...]:
    """Return every way that can be chosen under a plan; a whole address, for technicians, is the last.

    A transmitter is one by itself, unless the plan says with a way of its own how pagers are called over transmitters.
    """
    ways = tuple(Choice(f"{_WAY}/{way.id}", asks_of(way), way.name) for way in plan.ways.values())
    said = any(kind_of(way.url) == "pocsag" for way in plan.ways.values())
    masts = () if said else tuple(device.node for device in plan.devices.values() if device.kind == "transmitter")
    return (
        Choice(PHONE, "nothing"),
        Choice(OWN_PAGER, "pager-name"),
        *(Choice(f"{_TRANSMITTER}/{node}", "pager-number", node) for node in masts if masts.count(node) == 1),
        *ways,
        Choice(OTHER, "url"),
    )


def asks_of(way: Way) -> Asks:
    """Return what one of the plan's ways must know."""
    kind = kind_of(way.url)
    if kind in {"snpp", "pocsag"}:
        return "pager-number"
    if way.takes_number:
        return "telephone"
    return "mail" if kind.startswith("mailto") else "address"


def chosen(url: str) -> tuple[str, str]:
    """Return the choice that a kept URL stands for, and what was typed for it."""
    kind, rest = kind_of(url), url.partition("://")[2]
    if url == f"{PHONES}://":
        return PHONE, ""
    if kind == PAGER:
        return OWN_PAGER, rest
    way = way_address(url)
    if way is not None:
        return f"{_WAY}/{way.way}", way.address
    mast = pocsag_address(url) if "?" not in url else None
    return (OTHER, url) if mast is None else (f"{_TRANSMITTER}/{mast.node}", str(mast.ric))


def url_of(value: str, typed: str, plan: Plan) -> str:
    """Return the URL to keep for a choice and what was typed for it, tidied.

    Raises:
        RefusedError: with what is wrong and how to mend it; never with what may be a secret.
    """
    kind, _, id = value.partition("/")
    typed = " ".join(typed.split())
    if value == PHONE:
        return f"{PHONES}://"
    if not value:
        raise RefusedError(f'"{typed[:_SHOWN]}" is written, and no way is chosen. Choose how that reaches them')
    if not typed:
        raise RefusedError("Nothing is written beside it. Fill it in, or take this way out")
    if value == OWN_PAGER:
        return f"{PAGER}://{typed.lower().replace(' ', '-')}"
    if value == OTHER:
        return typed
    if kind == _TRANSMITTER:
        return f"pocsag://{id}/{_number(typed, ric=True)}"
    way = plan.ways.get(id) if kind == _WAY else None
    if way is None:
        raise RefusedError("The plan does not have this way any more. Choose another one")
    return way_url(way.id, tidied(way, typed))


def tidied(way: Way, typed: str) -> str:
    """Return an address as one of the plan's ways takes it.

    Raises:
        RefusedError: it is none.
    """
    asks, shown = asks_of(way), typed[:_SHOWN]
    if asks == "pager-number":
        return _number(typed, ric=kind_of(way.url) == "pocsag")
    if asks == "telephone":
        found = telephone(typed)
        remedy = f'"{shown}" is no telephone number. Write it with its country, such as "+39 06 5555 01"'
    elif asks == "mail":
        found = mail_address(typed)
        remedy = f'"{shown}" is no mail address. Write one such as "ada@example.org"'
    else:
        found = typed if typed and typed.isprintable() and " " not in typed and len(typed) <= _LONGEST else None
        remedy = f'"{shown}" is no address. Write it in one word, without blanks'
    if found is None:
        raise RefusedError(remedy)
    return found


def _number(typed: str, *, ric: bool) -> str:
    """Return a pager's number; `ric`: it is one that a transmitter of the site's own calls."""
    digits = typed.translate(_SIGNS)
    if not (digits.isascii() and digits.isdigit()):
        raise RefusedError(f'"{typed[:_SHOWN]}" is no pager number. Write the digits that stand on the pager')
    if ric and pocsag_address(f"pocsag://x/{digits}") is None:
        raise RefusedError(f'No pager has the number "{digits[:_SHOWN]}": they run from 8 to 2097151. Look again')
    return digits
