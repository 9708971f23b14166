"""``POST /signals``: what a feed, a device or a script has seen."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

import msgspec
from fastapi import APIRouter, Depends, Request, Response

from andgate.errors import PayloadError
from andgate.wire.codec import decode_feed_signals
from andgate.wire.messages import MAX_PAYLOAD_BYTES, MAX_SIGNALS, FeedSignal
from hub.web.api.answer import answers, json, takes
from hub.web.api.answers import Accepted
from hub.web.api.arguments import only_known, read_body
from hub.web.api.moments import Here, committed
from hub.web.auth import MOST_BODY_BYTES, Caller, Needs
from hub.web.problems import ProblemError, unprocessable

OPEN_FEED = "api"
"""What the feed of an open hub's callers is called in the journal."""

router = APIRouter(tags=["signals"], dependencies=[Depends(only_known)])

_list = msgspec.json.Decoder(list[msgspec.Raw])

EXAMPLE = FeedSignal(
    id="dcs-20261121-000417",
    touchpoint="belt-3",
    signal="docked",
    key="AG1234/2026-11-21",
    at="2026-11-21T20:46:06.123Z",
    about={"pax": 180, "handler": "gh1"},
)


@router.post(
    "/signals",
    openapi_extra=takes(FeedSignal | list[FeedSignal], example=[EXAMPLE]),
    **answers(Accepted, 409, 413, 415, 503, status=202),
)
async def post_signals(request: Request, here: Here, who: Annotated[Caller, Depends(Needs("signal"))]) -> Response:
    """Take one signal or a list; answers after they are stored and judged. One bad member refuses all, by its index."""
    body = await read_body(request, MOST_BODY_BYTES)
    members = decoded(body)
    feed = OPEN_FEED if who.via == "open" else who.id
    done = await committed(here.driver.signals(members, feed))
    return json(Accepted(accepted=done.accepted, duplicates=done.duplicates), 202)


def decoded(body: bytes) -> list[FeedSignal]:
    """Return the members of a body: one signal or a list; the first bad one is named by its index.

    A list may be longer than a message on MQTT, a member may not.
    """
    if len(body) > MAX_PAYLOAD_BYTES and not body.lstrip().startswith(b"["):
        raise ProblemError(
            413, "too-large", f"One signal is longer than {MAX_PAYLOAD_BYTES // 1024} KiB.", remedy="Say less."
        )
    if len(body) <= MAX_PAYLOAD_BYTES:
        members, _ = decode_feed_signals(body)
        return _good(members)
    try:
        raw = _list.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as wrong:
        raise unprocessable(f"The body is no JSON list: {wrong}.", "Send a signal or a list of signals.") from wrong
    if len(raw) > MAX_SIGNALS:
        raise PayloadError(f"the list has {len(raw)} signals. Send at most {MAX_SIGNALS} in one list")
    return _good([_member(bytes(each), index) for index, each in enumerate(raw)])


def _good(members: Sequence[FeedSignal | PayloadError]) -> list[FeedSignal]:
    if not members:
        raise unprocessable("The list is empty.", "Send at least one signal.")
    good: list[FeedSignal] = []
    for each in members:
        if isinstance(each, PayloadError):
            raise each
        good.append(each)
    return good


def _member(body: bytes, index: int) -> FeedSignal | PayloadError:
    if body.startswith(b"["):
        return PayloadError(f"member {index} is a list. Send one list of signals", index=index)
    try:
        return decode_feed_signals(body)[0][0]
    except PayloadError as wrong:
        return PayloadError(f"member {index}: {wrong}", index=index)
