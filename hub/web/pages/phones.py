"""``/phone``: a phone asks to be paged with a group, and to be left alone again."""

from __future__ import annotations

import base64
import binascii
from ipaddress import ip_address
from typing import TYPE_CHECKING, Annotated, Literal
from urllib.parse import urlsplit

import msgspec
from fastapi import APIRouter, Depends, Request, Response
from starlette.concurrency import run_in_threadpool
from starlette.responses import HTMLResponse

from andgate.plan.addresses import kind_of
from hub.store import Phone
from hub.store.pages import Receipt
from hub.store.slips import Slips
from hub.web.api.arguments import read_body
from hub.web.auth import Needs
from hub.web.context import Context, context
from hub.web.pages.words import phone_words
from hub.web.problems import ProblemError, unprocessable

if TYPE_CHECKING:
    from andgate.plan import Plan
    from hub.store import People, Phones
    from hub.web.pages.render import Pages

MOST_BYTES = 8_192
_KEY_BYTES, _AUTH_BYTES = 65, 16
_MOST_ENDPOINT = 2_000

router = APIRouter(include_in_schema=False, dependencies=[Depends(Needs("act"))])
receipts = APIRouter(include_in_schema=False)
"""Open to everybody: a slip says who asks, and for what alone."""
DRILL = "drill/"
"""What the slip of a drill's part begins with."""

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


def own(request: Request) -> dict[str, str]:
    """Return id -> name of everybody who is paged over phones of their own."""
    people: People | None = request.app.state.people
    if people is None:
        return {}
    known = people.book().people.values()
    return {each.id: each.name for each in known if any(kind_of(url) == "webpush" for url in each.channels)}


@router.get("/phone")
def phone(request: Request, here: Here) -> HTMLResponse:
    """Offer to page this phone."""
    return _offer(request, choices(here.driver.plan))


@router.get("/phone/{person}")
def phone_of(request: Request, person: str) -> HTMLResponse:
    """Offer to page this phone for one person."""
    name = own(request).get(person)
    if name is None:
        raise ProblemError(
            404, "unknown-person", "Nobody of this address is paged over a phone.", remedy="See the page /people."
        )
    return _offer(request, [(person, name)])


def _offer(request: Request, groups: list[tuple[str, str]]) -> HTMLResponse:
    draw: Pages = request.app.state.pages
    phones: Phones | None = request.app.state.phones
    key = _b64(phones.public_key()) if phones is not None and groups else ""
    shown = groups if key else []
    return draw.page(request, "phone.html", alive=False, groups=shown, key=key, script_words=phone_words())


@router.post("/phone")
async def ask(request: Request, here: Here) -> Response:
    """Keep a phone, and answer with the groups it is paged with."""
    asked = await _asked(request)
    if asked.group not in {*dict(choices(here.driver.plan)), *await run_in_threadpool(own, request)}:
        raise unprocessable("The pages of this group do not go to phones.", "Give it a channel webpush:// in the plan.")
    wanted = Phone(asked.group or "", _endpoint(asked.endpoint), _point(asked.p256dh), _bytes(asked.auth, _AUTH_BYTES))
    if not await run_in_threadpool(_phones(request).add, wanted, here.clock.now_ms()):
        raise ProblemError(409, "too-many-phones", "Too many phones are paged already.", remedy="Take some off first.")
    return await _groups(request, asked.endpoint)


@router.post("/phone/known")
async def known(request: Request) -> Response:
    """Answer with the groups that a phone is paged with."""
    return await _groups(request, (await _asked(request)).endpoint)


@router.post("/phone/forget")
async def forget(request: Request) -> Response:
    """Leave a phone alone: for one group, or for all."""
    asked = await _asked(request)
    await run_in_threadpool(_phones(request).forget, asked.endpoint, asked.group)
    return await _groups(request, asked.endpoint)


@receipts.post("/phone/receipt")
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
