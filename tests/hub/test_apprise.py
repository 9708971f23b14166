"""What services behind Apprise answer: what is refused has failed for good, and the page goes another way at once."""

from __future__ import annotations

import logging
import socket
import threading
from collections.abc import Callable
from typing import Any

import pytest

from andgate.plan import Channel as PlanChannel
from andgate.wire.topics import Topics
from hub.clock import HandClock
from hub.notify.channels import Channel, Result
from hub.notify.channels.apprise import AppriseChannel
from hub.notify.channels.mqtt import MqttChannel
from hub.notify.notifier import Notifier
from tests.hub.crew import Office, rome, shifts
from tests.hub.desk import WAIT_S, Desk, node_signal
from tests.hub.receivers import Stage, answer_of, heard_line, heard_request, playing

# Apprise's own dependencies warn of each other's futures.
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")

SERVICES = {
    "json": "json://127.0.0.1:{port}/",
    "form": "form://127.0.0.1:{port}/",
    "xml": "xml://127.0.0.1:{port}/",
    "ntfy": "ntfy://127.0.0.1:{port}/belts",
    "gotify": "gotify://127.0.0.1:{port}/token",
    "mattermost": "mmost://127.0.0.1:{port}/3ccdd113474722377935511fc85d3dd4",
    "rocket": "rocket://user:word@127.0.0.1:{port}/%23belts",
    "signal": "signal://127.0.0.1:{port}/11111111111/22222222222",
}


def sent_to(url: str) -> Result:
    channel = AppriseChannel(f"{url}{'&' if '?' in url else '?'}cto=5&rto=5")
    try:
        return answer_of(channel)
    finally:
        channel.close()


def asked(service: str, status: int) -> Result:
    """Page over a service that answers each request with this status."""

    def play(_: Stage, connection: socket.socket) -> None:
        heard_request(connection)
        connection.sendall(f"HTTP/1.1 {status} So\r\nContent-Length: 0\r\nConnection: close\r\n\r\n".encode())

    with playing(play) as stage:
        return sent_to(SERVICES[service].format(port=stage.port))


@pytest.mark.parametrize("service", SERVICES)
def test_what_a_service_refuses_has_failed_for_good(service: str) -> None:
    assert asked(service, 404) == Result(sent=False, note="the service refuses it (404)", retry=False)


@pytest.mark.parametrize(("status", "for_good"), [(400, True), (401, True), (403, True), (410, True), (302, True)])
def test_what_will_not_be_better_later_is_for_good(status: int, for_good: bool) -> None:
    assert asked("json", status).retry is not for_good


@pytest.mark.parametrize("status", [408, 429, 500, 503])
def test_what_may_be_better_later_is_for_now(status: int) -> None:
    assert asked("json", status) == Result(sent=False, note=f"the service cannot take it now ({status})")


def test_a_service_that_cannot_be_reached_is_for_now() -> None:
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        result = sent_to(SERVICES["json"].format(port=nobody.getsockname()[1]))
    assert result == Result(sent=False, note="the service did not take it")


def mail(to: str, answers: dict[str, str], user: str = "") -> Result:
    """Send mail to a server that answers commands, or the first words of them, like this; else ``250``."""

    def play(_: Stage, connection: socket.socket) -> None:
        connection.sendall(b"220 ready\r\n")
        while True:
            said = heard_line(connection)
            found = [answer for command, answer in answers.items() if said.upper().startswith(command.upper())]
            reply = found[0] if found else "250-mail\r\n250 AUTH PLAIN" if said.startswith("ehlo") else "250 fine"
            connection.sendall(f"{reply}\r\n".encode())
            if said == "data" and not found:
                raise AssertionError("nobody is left to write to")

    with playing(play) as stage:
        return sent_to(f"mailto://{user}127.0.0.1:{stage.port}/?from=hub@agx.example&to={to}&mode=insecure")


ADA, BEA = "ada@agx.example", "bea@agx.example"


@pytest.mark.parametrize(
    ("to", "answers", "user", "retry", "note"),
    [
        (ADA, {f"rcpt TO:<{ADA}>": "550 no such user"}, "", False, "the service refuses it (550)"),
        (ADA, {f"rcpt TO:<{ADA}>": "450 her box is full"}, "", True, "the service cannot take it now (450)"),
        (ADA, {"mail": "530 who are you"}, "", False, "the service refuses it (530)"),
        (ADA, {"AUTH": "535 wrong"}, "hub:word@", False, "the service refuses it (535)"),
        (ADA, {"ehlo": "421 too busy", "helo": "421 too busy"}, "", True, "the service cannot take it now (421)"),
        (
            f"{ADA},{BEA}",
            {f"rcpt TO:<{ADA}>": "550 no such user", "rcpt": "451 later"},
            "",
            True,
            "the service cannot take it now (451)",
        ),
    ],
)
def test_what_a_mail_server_says(to: str, answers: dict[str, str], user: str, retry: bool, note: str) -> None:
    assert mail(to, answers, user) == Result(sent=False, note=note, retry=retry)


class Book(logging.Handler):
    """A log as a hub keeps it: what reaches the root. (caplog would hear also what does not.)"""

    def __init__(self) -> None:
        super().__init__()
        self.said: list[logging.LogRecord] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.said.append(record)


def test_what_apprise_notes_names_people_and_goes_into_no_log() -> None:
    book = Book()
    logging.getLogger().addHandler(book)
    try:
        assert not mail(ADA, {f"rcpt TO:<{ADA}>": "550 no such user"}).sent
    finally:
        logging.getLogger().removeHandler(book)
    assert [record.getMessage() for record in book.said if record.name == "apprise" or ADA in record.getMessage()] == []


class Away:
    """A link without a broker."""

    connected = False

    def publish(self, *_: Any, **__: Any) -> None:
        raise AssertionError("there is no broker")


class Addresses:
    """How one person is reached."""

    def __init__(self, person: str, ways: list[str]) -> None:
        self._entries = {f"{person}/{n}": url for n, url in enumerate(ways, 1)}

    def entry(self, channel: str) -> PlanChannel:
        return PlanChannel(id=channel, url=self._entries[channel])

    def audience(self, channel: str) -> str:
        return channel.partition("/")[0]


def until(true: Callable[[], bool]) -> None:
    for _ in range(int(WAIT_S * 100)):
        if true():
            return
        threading.Event().wait(0.01)
    raise AssertionError("it never came")


def test_a_page_that_is_refused_goes_the_next_way_at_once(make_desk: Callable[..., Desk]) -> None:
    got: list[bytes] = []

    def gone(_: Stage, connection: socket.socket) -> None:
        heard_request(connection)
        connection.sendall(b"HTTP/1.1 410 Gone\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")

    def fine(_: Stage, connection: socket.socket) -> None:
        got.append(heard_request(connection)[1])
        connection.sendall(b"HTTP/1.1 200 Fine\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")

    with playing(gone) as first, playing(fine) as second:
        desk = make_desk(plan=shifts(), clock=HandClock(rome("2026-11-23T09:00")))
        ways = [f"json://127.0.0.1:{stage.port}/" for stage in (first, second)]
        person = Office(desk.driver.people).hire("Ada", *ways)
        link = Away()

        def make(entry: PlanChannel) -> Channel:
            own = entry.url.startswith("mqtt")
            return MqttChannel(link, Topics("agx")) if own else AppriseChannel(entry.url)

        known: Any = Addresses(person, ways)
        notifier = Notifier(desk.driver, desk.clock, make, directory=known)
        desk.driver.listeners.append(notifier.committed)
        notifier.start([])
        try:
            desk.node(node_signal(1, sent=11.0))
            until(lambda: [row.state for row in desk.pages(person=person)] == ["failed", "sent"])
        finally:
            notifier.stop()
    refused, instead = desk.pages(person=person)
    assert (refused.tries, refused.note) == (1, "the service refuses it (410)")
    assert instead.reason == "instead of way 1: the service refuses it (410)"
    assert (first.connections, len(got)) == (1, 1), "without a minute of the clock"
