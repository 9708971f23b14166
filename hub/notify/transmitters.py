"""The site's POCSAG transmitters as channels see them: a page goes to a node, and the node says what became of it."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future

from andgate.errors import PayloadError
from andgate.wire.codec import decode_page_receipt, encode
from andgate.wire.messages import PageReceipt, Transmission
from andgate.wire.topics import Topics
from hub.notify.publisher import Publisher


class Transmitters:
    """Hands pages to transmitters; every method may be called from any thread."""

    def __init__(self, link: Publisher, topics: Topics, state_of: Callable[[str], str]) -> None:
        """Publish through `link`; `state_of` returns how a node said it is: ``online``, ``lost``, ..."""
        self._link, self._topics, self._state_of = link, topics, state_of
        self._lock = threading.Lock()
        self._waiting: dict[str, Future[PageReceipt | None]] = {}

    def away(self, node: str) -> str | None:
        """Say why nothing can be sent there now, or None."""
        if not self._link.connected:
            return "waiting for the broker"
        state = self._state_of(node)
        return None if state == "online" else f"the transmitter's node is not there: {state}"

    def send(self, node: str, said: Transmission, wait_s: float) -> PageReceipt | None:
        """Give a page to a node and wait for its word; None where none came: then nobody can tell."""
        future: Future[PageReceipt | None] = Future()
        with self._lock:
            self._waiting[said.page] = future
        try:
            self._link.publish(
                self._topics.node_transmit(node), encode(said), urgent=True, lost=lambda: _settle(future, None)
            )
            return future.result(wait_s)
        except TimeoutError:
            return None
        finally:
            with self._lock:
                self._waiting.pop(said.page, None)

    def heard(self, payload: bytes) -> None:
        """Take what was said on ``node/{node}/page``; what nobody waits for is the driver's business alone."""
        try:
            said = decode_page_receipt(payload)
        except PayloadError:
            return  # the driver sets it aside, and says so
        with self._lock:
            future = self._waiting.get(said.page)
        if future is not None:
            _settle(future, said)


def _settle(future: Future[PageReceipt | None], said: PageReceipt | None) -> None:
    if not future.done():
        future.set_result(said)
