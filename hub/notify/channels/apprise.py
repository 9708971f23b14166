"""Any of Apprise's services: mail, Telegram, Slack, ntfy, SMS gateways, webhooks.

Apprise blocks, so it runs in a few threads of its own; connect and read time-outs are set on every target, since a dead
one would otherwise hold a thread for good.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from hub.notify.channels.channel import Note, Result

CONNECT_S = 4
READ_S = 8
_THREADS = 2


class AppriseChannel:
    """Sent means that Apprise says so of every target of the URL."""

    prompt = False

    def __init__(self, url: str) -> None:
        """Keep the URL; Apprise itself is loaded with the first page."""
        self._url = url
        self._threads = ThreadPoolExecutor(_THREADS, thread_name_prefix="apprise")
        self._service: Any = None

    def send(self, note: Note, done: Callable[[Result], None]) -> None:
        """Send in a thread."""
        try:
            self._threads.submit(self._send, note, done)
        except RuntimeError:
            done(Result(sent=False, note="the hub is stopping", surely_unsent=True))

    def _send(self, note: Note, done: Callable[[Result], None]) -> None:
        try:
            result = self._notify(note)
        except Exception as wrong:  # noqa: BLE001 - a service's bug must not lose a page
            result = Result(sent=False, note=f"the service failed: {type(wrong).__name__}")
        done(result)

    def _notify(self, note: Note) -> Result:
        import apprise  # noqa: PLC0415 - 100 ms and 20 MB that a hub without such channels never pays

        if self._service is None:
            service = apprise.Apprise()
            if not service.add(_with_timeouts(self._url)):
                return Result(sent=False, note="Apprise does not know this URL", retry=False, surely_unsent=True)
            self._service = service
        kind = apprise.NotifyType.SUCCESS if note.page.kind == "over" else apprise.NotifyType.WARNING
        again = " (sent again: it may have reached you before)" if note.page.again else ""
        outcome = self._service.notify(body=f"{note.page.text}{again}", title=note.title, notify_type=kind)
        if outcome:
            return Result(sent=True)
        return Result(sent=False, note="the service did not take it")

    def close(self) -> None:
        """End the threads; what is being sent is sent."""
        self._threads.shutdown(wait=False, cancel_futures=True)


def _with_timeouts(url: str) -> str:
    if "cto=" in url or "rto=" in url:
        return url
    return f"{url}{'&' if '?' in url else '?'}cto={CONNECT_S}&rto={READ_S}"
