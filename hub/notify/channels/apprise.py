"""Any of Apprise's services: mail, Telegram, Slack, ntfy, SMS gateways, webhooks.

Apprise blocks, so it runs in a few threads of its own; connect and read time-outs are set on every target, since a dead
one would otherwise hold a thread for good.

Apprise itself only says yes or no. Why not stands in what its plugins noted of the attempt, which it hands back with
the result: ``... error=404.`` for a service's HTTP status, ``(550, b'...')`` for a mail server's. A page that every
answer refuses has failed for good; without an answer, or with one that says "later", it is for now.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator
from typing import Any

from hub.notify.channels import post
from hub.notify.channels.channel import AGAIN, Note, Result
from hub.notify.channels.threaded import ThreadedChannel

CONNECT_S = 4
READ_S = 8
UNKNOWN = Result(sent=False, note="Apprise does not know this URL", retry=False, surely_unsent=True)
_HTTP = re.compile(r".*\berror=([1-9][0-9]{2})\b", re.DOTALL)
_SMTP = re.compile(
    r"Socket Exception: .*?\(([45][0-9]{2}), b['\"]|SMTP recipient .* was refused: ([45][0-9]{2}) ", re.DOTALL
)
"""As Python's smtplib writes an answer, and as Apprise does where only some of the recipients are refused."""
_SMTP_FOR_GOOD = 500


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
        answer = f"\nI\u2019m on my way: {note.link}" if note.link is not None else ""
        body = f"{note.page.text}{AGAIN if note.page.again else ''}{answer}"
        return judged(self._service.notify(body=body, title=note.title, notify_type=kind))


def service_of(url: str) -> Any:  # noqa: ANN401 - Apprise's own type needs its import
    """Return Apprise's service behind a URL; None where Apprise knows none."""
    import apprise  # noqa: PLC0415 - 100 ms and 20 MB that a hub without such channels never pays

    # What a mail server answered is noted at this level only. It goes into results and no further: notes name people.
    notes = logging.getLogger("apprise")
    notes.setLevel(logging.DEBUG)
    notes.propagate = False
    service = apprise.Apprise(log_level=logging.DEBUG)
    return service if service.add(_with_timeouts(url)) else None


def judged(outcome: Any) -> Result:  # noqa: ANN401 - an AppriseResult
    """Say what became of an attempt, from Apprise's result."""
    if outcome:
        return Result(sent=True)
    answers = list(_answers(outcome))
    if not answers:
        return Result(sent=False, note="the service did not take it")
    for code, for_now in answers:
        if for_now:
            return Result(sent=False, note=f"the service cannot take it now ({code})")
    return Result(sent=False, note=f"the service refuses it ({answers[0][0]})", retry=False)


def _answers(outcome: Any) -> Iterator[tuple[int, bool]]:  # noqa: ANN401 - see above
    """Yield what each target answered, and whether another try may help."""
    for target in outcome:
        for attempt in target:
            for noted in attempt:
                if noted.level == "WARNING" and (said := _HTTP.match(noted.message)):
                    yield int(said[1]), post.for_now(int(said[1]))
                elif said := _SMTP.match(noted.message):
                    code = int(said[1] or said[2])
                    yield code, code < _SMTP_FOR_GOOD


def _with_timeouts(url: str) -> str:
    if "cto=" in url or "rto=" in url:
        return url
    return f"{url}{'&' if '?' in url else '?'}cto={CONNECT_S}&rto={READ_S}"
