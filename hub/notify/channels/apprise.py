"""Any of Apprise's services: mail, Telegram, Slack, ntfy, SMS gateways, webhooks.

Apprise blocks, so it runs in a few threads of its own; connect and read time-outs are set on every target, since a dead
one would otherwise hold a thread for good.
"""

from __future__ import annotations

from typing import Any

from hub.notify.channels.channel import Note, Result
from hub.notify.channels.threaded import ThreadedChannel

CONNECT_S = 4
READ_S = 8
UNKNOWN = Result(sent=False, note="Apprise does not know this URL", retry=False, surely_unsent=True)


class AppriseChannel(ThreadedChannel):
    """Sent means that Apprise says so of every target of the URL."""

    def __init__(self, url: str) -> None:
        """Keep the URL; Apprise itself is loaded with the first page."""
        super().__init__("apprise")
        self._url = url
        self._service: Any = None

    def _notify(self, note: Note) -> Result:
        import apprise  # noqa: PLC0415 - see `service_of`

        if self._service is None:
            self._service = service_of(self._url)
            if self._service is None:
                return UNKNOWN
        kind = apprise.NotifyType.SUCCESS if note.page.kind == "over" else apprise.NotifyType.WARNING
        again = " (sent again: it may have reached you before)" if note.page.again else ""
        answer = f"\nI\u2019m on my way: {note.link}" if note.link is not None else ""
        body = f"{note.page.text}{again}{answer}"
        return judged(self._service.notify(body=body, title=note.title, notify_type=kind))


def service_of(url: str) -> Any:  # noqa: ANN401 - Apprise's own type needs its import
    """Return Apprise's service behind a URL; None where Apprise knows none."""
    import apprise  # noqa: PLC0415 - 100 ms and 20 MB that a hub without such channels never pays

    service = apprise.Apprise()
    return service if service.add(_with_timeouts(url)) else None


def judged(outcome: object) -> Result:
    """Say what Apprise's word for an attempt means."""
    return Result(sent=True) if outcome else Result(sent=False, note="the service did not take it")


def _with_timeouts(url: str) -> str:
    if "cto=" in url or "rto=" in url:
        return url
    return f"{url}{'&' if '?' in url else '?'}cto={CONNECT_S}&rto={READ_S}"
