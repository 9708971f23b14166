"""Pagers, radios and boards on the site's own broker: ``page/{group}``."""

from __future__ import annotations

from collections.abc import Callable

from andgate.wire.codec import encode
from andgate.wire.topics import Topics
from hub.notify.channels.channel import Note, Result
from hub.notify.publisher import Publisher

_SENT = Result(sent=True, proven=False)
_LOST = Result(sent=False, note="the connection broke before the broker said that it has it")
_AWAY = Result(sent=False, note="waiting for the broker", surely_unsent=True, untried=True)


class MqttChannel:
    """Sent means that the broker has acknowledged it; a drill is proven when a pager answers it."""

    prompt = True

    def __init__(self, link: Publisher, topics: Topics) -> None:
        """Publish through `link`."""
        self._link = link
        self._topics = topics

    def send(self, note: Note, done: Callable[[Result], None]) -> None:
        """Publish a page; without a connection nothing is left behind that could go out when it is over."""
        if not self._link.connected:
            done(_AWAY)
            return
        self._link.publish(
            self._topics.page(note.group),
            encode(note.page),
            urgent=True,
            done=lambda: done(_SENT),
            lost=lambda: done(_LOST),
        )

    def close(self) -> None:
        """Nothing to let go of."""
