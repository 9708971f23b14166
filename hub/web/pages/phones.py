"""``/phone``: a phone asks to be paged with a group, and to be left alone again.

Whoever is on the list of people makes a phone their own with a link that their page shows: `OwnPhone` signs it, so the
phone need not be logged in, and can be nobody else's.
"""

from __future__ import annotations

import base64
import binascii
from ipaddress import ip_address
from typing import TYPE_CHECKING, Annotated, Literal
from urllib.parse import urlsplit

import msgspec
from fastapi import APIRouter, Depends, Request, Response
from markupsafe import Markup
from starlette.concurrency import run_in_threadpool
from starlette.responses import HTMLResponse

from andgate.plan.addresses import kind_of
from hub.store import Phone
from hub.store.pages import Receipt
from hub.store.slips import Slips
from hub.web.api.arguments import read_body
from hub.web.auth import Needs
from hub.web.context import Context, context
from hub.web.pages.spans import DAY_MS, midnight_ms
from hub.web.pages.words import phone_words
from hub.web.problems import ProblemError, unprocessable

if TYPE_CHECKING:
    from andgate.plan import Plan
    from hub.store import People, Phones
    from hub.store.people import Person
    from hub.web.pages.render import Pages

MOST_BYTES = 8_192
_KEY_BYTES, _AUTH_BYTES = 65, 16
_MOST_ENDPOINT = 2_000

router = APIRouter(include_in_schema=False, dependencies=[Depends(Needs("act"))])
open_router = APIRouter(include_in_schema=False)
"""Open to everybody: a slip says who asks, and for what alone."""
DRILL = "drill/"
"""What the slip of a drill's part begins with."""
OWN = "phone/"
"""What the slip that makes a phone somebody's own begins with."""
_LOCAL = {"localhost", "127.0.0.1", "::1"}
"""Where only this machine's own browsers come, and take pages without https, too."""

Here = Annotated[Context, Depends(context)]


class Acknowledged(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a phone's service worker sends back."""

    slip: str
    what: Literal["delivered", "read"]


class Asked(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What the page's script sends: a subscription as its browser made it, and the group."""

    endpoint: str
    group: str | None = None
    p256dh: str = ""
    auth: str = ""


def choices(plan: Plan) -> list[tuple[str, str]]:
    """Return (id, name) of every group whose pages go to phones."""
    pushing = {channel.id for channel in plan.channels.values() if kind_of(channel.url) == "webpush"}
    return [(group.id, group.name) for group in plan.groups.values() if pushing & set(group.channels)]


def has_phone(person: Person) -> bool:
    """Tell whether somebody is paged over phones of their own."""
    return any(kind_of(url) == "webpush" for url in person.channels)


class Setup(msgspec.Struct, frozen=True):
    """How somebody's phone becomes their pager."""

    link: str
    code: Markup
    """The link for a camera: a QR code."""
    trouble: Literal["", "insecure", "local"]
    """Why it does not lead there: phones take pages over https only, and this machine's own address is for no phone."""
    done: bool
    """One of their phones is one already."""


def setting_up(request: Request, plan: Plan, person: Person, now_ms: int) -> Setup | None:
    """Return how somebody's phone becomes their pager; None where they have none, or the hub pages no phones."""
    phones: Phones | None = request.app.state.phones
    people: People | None = request.app.state.people
    if phones is None or people is None or not has_phone(person):
        return None
    import segno  # noqa: PLC0415 - not before somebody sets up a phone

    until_ms = midnight_ms(now_ms + 2 * DAY_MS, plan.site.timezone)
    base = plan.site.url or str(request.base_url).rstrip("/")
    link = f"{base}/phone/own/{Slips(phones).write(f'{OWN}{until_ms}/{person.id}')}"
    drawn = segno.make(link, error="m", micro=False).svg_inline(border=4, omitsize=True, light="#fff", dark="#000")
    parts = urlsplit(link)
    return Setup(
        link=link,
        code=Markup(drawn),  # noqa: S704 - drawn by the library, of modules alone
        trouble="local" if parts.hostname in _LOCAL else "" if parts.scheme == "https" else "insecure",
        done=person.id in people.book().phones,
    )


def _owner(request: Request, slip: str) -> Person:
    """Return whose phone a slip sets up."""
    here: Context = request.app.state.context
    people: People | None = request.app.state.people
    about = Slips(_phones(request)).read(slip) or ""
    until, _, id = about.removeprefix(OWN).partition("/")
    known = people.book().people.get(id) if people is not None and about.startswith(OWN) else None
    if known is None or not has_phone(known) or here.clock.now_ms() >= int(until):
        raise ProblemError(
            403,
            "no-slip",
            "This link sets up no phone any more. One that was set up with it stays so.",
            remedy="For another one ask your duty manager: it is on your page under People.",
        )
    return known


@router.get("/phone")
def phone(request: Request, here: Here) -> HTMLResponse:
    """Offer to page this phone."""
    return _offer(request, choices(here.driver.plan), "/phone")


@open_router.get("/phone/own/{slip}")
def phone_of(request: Request, slip: str) -> HTMLResponse:
    """Offer to page this phone for one person."""
    person = _owner(request, slip)
    return _offer(request, [(person.id, person.name)], f"/phone/own/{slip}")


def _offer(request: Request, groups: list[tuple[str, str]], path: str) -> HTMLResponse:
    draw: Pages = request.app.state.pages
    phones: Phones | None = request.app.state.phones
    key = _b64(phones.public_key()) if phones is not None and groups else ""
    shown = groups if key else []
    own = path != "/phone"
    return draw.page(
        request, "phone.html", alive=False, groups=shown, key=key, at=path, own=own, script_words=phone_words()
    )


@router.post("/phone")
async def ask(request: Request, here: Here) -> Response:
    """Keep a phone, and answer with the groups it is paged with."""
    asked = await _asked(request)
    if asked.group not in dict(choices(here.driver.plan)):
        raise unprocessable("The pages of this group do not go to phones.", "Give it a channel webpush:// in the plan.")
    return await _kept(request, here, asked, asked.group or "")


@open_router.post("/phone/own/{slip}")
async def ask_for(request: Request, here: Here, slip: str) -> Response:
    """Keep somebody's own phone."""
    asked, person = await _asked(request), await run_in_threadpool(_owner, request, slip)
    return await _kept(request, here, asked, person.id)


async def _kept(request: Request, here: Context, asked: Asked, group: str) -> Response:
    wanted = Phone(group, _endpoint(asked.endpoint), _point(asked.p256dh), _bytes(asked.auth, _AUTH_BYTES))
    if not await run_in_threadpool(_phones(request).add, wanted, here.clock.now_ms()):
        raise ProblemError(409, "too-many-phones", "Too many phones are paged already.", remedy="Take some off first.")
    return await _groups(request, asked.endpoint)


@router.post("/phone/known")
async def known(request: Request) -> Response:
    """Answer with the groups that a phone is paged with."""
    return await _groups(request, (await _asked(request)).endpoint)


@open_router.post("/phone/own/{slip}/known")
async def known_as(request: Request, slip: str) -> Response:
    """Answer with the groups that somebody's phone is paged with."""
    await run_in_threadpool(_owner, request, slip)
    return await _groups(request, (await _asked(request)).endpoint)


@router.post("/phone/forget")
async def forget(request: Request) -> Response:
    """Leave a phone alone: for one group, or for all."""
    asked = await _asked(request)
    await run_in_threadpool(_phones(request).forget, asked.endpoint, asked.group)
    return await _groups(request, asked.endpoint)


@open_router.post("/phone/own/{slip}/forget")
async def forget_own(request: Request, slip: str) -> Response:
    """Leave somebody's own phone alone."""
    asked, person = await _asked(request), await run_in_threadpool(_owner, request, slip)
    await run_in_threadpool(_phones(request).forget, asked.endpoint, person.id)
    return await _groups(request, asked.endpoint)


@open_router.post("/phone/receipt")
async def acknowledged(request: Request, here: Here) -> Response:
    """Take a phone's word that it has a page, or that somebody tapped it; the slip that came with it says which."""
    try:
        said = msgspec.json.decode(await read_body(request, MOST_BYTES), type=Acknowledged)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise unprocessable("This is no receipt.", "Send the slip that came with a page.") from None
    about = await run_in_threadpool(Slips(_phones(request)).read, said.slip)
    if about is None:
        raise ProblemError(403, "no-slip", "This slip is none of this hub's.", remedy="Send one that came with a page.")
    if about.startswith(DRILL):
        drills = request.app.state.drills
        if drills is not None:
            drills.proven(about)
    else:
        id, _, moment = about.partition("/")
        if id.isdecimal():
            here.driver.receipt(Receipt(int(id), moment, here.clock.now_ms(), read=said.what == "read"))
    return Response(status_code=204)


def _phones(request: Request) -> Phones:
    phones: Phones | None = request.app.state.phones
    if phones is None:
        raise ProblemError(404, "no-phones", "This hub pages no phones.")
    return phones


async def _groups(request: Request, endpoint: str) -> Response:
    groups = await run_in_threadpool(_phones(request).groups_of, endpoint)
    return Response(msgspec.json.encode({"groups": groups}), media_type="application/json")


async def _asked(request: Request) -> Asked:
    body = await read_body(request, MOST_BYTES)
    try:
        return msgspec.json.decode(body, type=Asked)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise unprocessable("This is no subscription.", "Use the page /phone.") from None


def _endpoint(text: str) -> str:
    """Return a push service's address, as browsers name them: HTTPS, by name, on its usual port.

    The hub posts there. So it must not be talked into posting to a machine of the site by its number.
    """
    wrong = unprocessable("This is no push service.", "Use the page /phone, with a browser that knows one.")
    if len(text) > _MOST_ENDPOINT or not text.isascii() or not text.isprintable() or " " in text:
        raise wrong
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError:
        raise wrong from None
    host = parts.hostname or ""
    if parts.scheme != "https" or port not in {None, 443} or parts.username is not None or parts.fragment:
        raise wrong
    if _is_number(host) or "." not in host.strip(".") or host.endswith((".localhost", ".local", ".internal")):
        raise wrong
    return text


def _is_number(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return host.rpartition(".")[2].isdigit()
    return True


def _point(text: str) -> bytes:
    """Return a public key, checked to be one: a bad one would fail with every page."""
    from cryptography.hazmat.primitives.asymmetric import ec  # noqa: PLC0415 - not before a phone asks

    found = _bytes(text, _KEY_BYTES)
    try:
        ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), found)
    except ValueError:
        raise unprocessable("This is no key of a browser.", "Use the page /phone.") from None
    return found


def _bytes(text: str, length: int) -> bytes:
    try:
        found = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        found = b""
    if len(found) != length:
        raise unprocessable("This is no key of a browser.", "Use the page /phone.")
    return found


def _b64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()
