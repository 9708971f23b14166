"""An evening of the duty manager: somebody new, each way to reach her tried, on shift tonight, and her phone dies."""

from __future__ import annotations

import base64
import json
import queue
import re
import threading
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from hub.web.pages import phones
from tests.hub.crew import rome
from tests.hub.receivers import heard_request, playing
from tests.hub.test_webpush import Handset
from tests.story import airport as airports
from tests.story.airport import Airport, ask
from tests.story.receivers import SECRET, LetterBox, Telephony
from tests.story.stage import WAIT_S

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")
"""Of a module that Apprise loads."""

PLAN = """
[ways.mail]
name = "Mail"
takes = "address"
url = "mailto://127.0.0.1:{mail}?from=hub@agx.example&to={{address}}&mode=insecure&name=AGX"
[ways.text]
name = "Text message"
takes = "number"
url = "webhook+http://127.0.0.1:{call}/texts"
secret = "{secret}"
[groups.ticket-agents.shifts.day]
from = "04:30"
to = "20:30"
[groups.ticket-agents.shifts.night]
from = "20:30"
to = "04:30"
"""
TEST_PAGE = "Test page: Andgate International reaches you here. There is nothing to do."


class PushService:
    """Brings pages to one phone, until that is gone."""

    def __init__(self) -> None:
        self.gone = threading.Event()
        self.got: queue.Queue[bytes] = queue.Queue()

    def play(self, _: object, connection: Any) -> None:
        body = heard_request(connection)[1]
        if self.gone.is_set():
            connection.sendall(b"HTTP/1.1 410 Gone\r\nContent-Length: 0\r\n\r\n")
            return
        self.got.put(body)
        connection.sendall(b"HTTP/1.1 201 Created\r\nContent-Length: 0\r\n\r\n")


@pytest.fixture
def evening(
    tmp_path: Path, airport_toml: str, letters: LetterBox, calls: Telephony, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Airport]:
    """Eight in the evening; the night shift begins in half an hour and nobody stands on it."""
    monkeypatch.setattr(airports, "TEN", rome("2026-11-21T20:00"))
    monkeypatch.setattr(phones, "_endpoint", lambda text: text)  # this push service is on this very machine
    more = PLAN.format(mail=letters.port, call=calls.port, secret=SECRET)
    there = Airport(tmp_path, airport_toml + more)
    yield there
    there.close()


def b64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


class Elena:
    """Somebody new: what she carries, as the far ends of the ways to reach her."""

    def __init__(self, evening: Airport, screen: Page, port: int) -> None:
        self.evening, self.screen = evening, screen
        self._handset = Handset(port, "elena")

    def added(self) -> None:
        """The duty manager adds her: what everything is called can be read off the form."""
        screen = self.screen
        screen.goto(f"{self.evening.url}/people")
        screen.get_by_role("textbox", name="Name", exact=True).fill("Elena Fabbri")
        screen.get_by_role("textbox", name="Languages they speak").fill("Italian, German")
        self._way("First", "Phone (this app)")
        self._way("If that fails", "Mail", "Mail address", "Elena@AGX.example")
        self._way("If that fails too", "Pager on the site’s network", "The pager’s name", "Pager 9")
        screen.get_by_role("button", name="Add somebody").click()
        expect(screen.get_by_role("status")).to_contain_text("Added.")
        self._way("Fourth", "Text message", "Telephone number", "555")
        screen.get_by_role("button", name="Save").click()
        expect(screen.get_by_role("alert")).to_contain_text('Fourth way: "555" is no telephone number.')
        self._way("Fourth", "Text message", "Telephone number", "+39 06 5555 01")
        screen.get_by_role("button", name="Save").click()
        expect(screen.get_by_role("status")).to_contain_text("Saved.")

    def _way(self, order: str, way: str, label: str = "", typed: str = "") -> None:
        line = self.screen.get_by_role("group", name=order, exact=True)
        line.get_by_role("combobox").select_option(way)
        if typed:
            line.get_by_role("textbox", name=label).fill(typed)

    def scans(self) -> None:
        """She scans the code with her phone, and taps the one button there; the screen sees it by itself."""
        screen, phone = self.screen, self._handset.phone
        expect(screen.get_by_role("heading", name="Their phone is not set up yet")).to_be_visible()
        link = screen.locator("a[href*='/phone/own/']").get_attribute("href") or ""
        with urllib.request.urlopen(link, timeout=WAIT_S) as offered:
            assert "Elena Fabbri" in offered.read().decode()
        asked = {"endpoint": phone.endpoint, "p256dh": b64(phone.p256dh), "auth": b64(phone.auth)}
        assert ask(link, asked).status == 200
        expect(screen.get_by_text("Set up another phone")).to_be_visible()

    def tried(self, way: str) -> None:
        """The duty manager tries one of her ways."""
        self.screen.get_by_role("button", name=f"Try it: send Elena Fabbri a test page now, by {way}").click()

    def gets(self, body: bytes) -> Any:
        """Her phone gets a page, shows it, and says so."""
        pushed = self._handset.read(body)
        receipt = json.dumps({"slip": pushed["slip"], "what": "delivered"}).encode()
        request = urllib.request.Request(
            f"{self.evening.url}/phone/receipt", receipt, {"content-type": "application/json"}
        )
        urllib.request.urlopen(request, timeout=WAIT_S).close()
        return pushed

    def shows(self, what: str) -> None:
        """What became of a try stands on the screen, which nobody reloads."""
        expect(self.screen.get_by_text(re.compile(what))).to_be_visible()


def test_somebody_new_is_reached_every_way(
    evening: Airport, screen: Page, letters: LetterBox, calls: Telephony
) -> None:
    service = PushService()
    with playing(service.play) as push:
        elena = Elena(evening, screen, push.port)
        elena.added()
        elena.scans()

        # Each way is tried, and says what became of it.
        elena.tried("phone")
        assert elena.gets(service.got.get(timeout=WAIT_S))["text"] == TEST_PAGE
        elena.shows(r"^arrived ")
        elena.tried("Mail")
        to, letter = letters.letter()
        assert (to, letter.strip().splitlines()[0]) == ("Elena@agx.example", TEST_PAGE)
        elena.shows(r"^handed over .*; look whether it has come")
        elena.tried("pager pager-9")
        page = evening.pager.hear("page/pager-9", kind="page")
        assert page["text"] == TEST_PAGE
        elena.shows(r"^sent .*; the pager has not said yet that it has it")
        drill = evening.pager.hear("page/pager-9", kind="drill")  # which a pager answers by itself
        evening.pager.say("answer", {"page": drill["id"], "do": "seen", "by": "pager-9"})
        expect(screen.get_by_text(re.compile(r"^arrived "))).to_have_count(2)
        evening.pager.say("answer", {"page": page["id"], "do": "seen", "by": "Elena Fabbri"})
        elena.shows(r"^seen ")
        elena.tried("Text message")
        texted = calls.call()
        assert (texted["data"]["to"], texted["data"]["text"]) == ("+3906555501", TEST_PAGE)
        assert texted["id"] == f"{texted['data']['id']}:{texted['data']['group']}", "an event each"

        # She is put on tonight's shift, from her own page.
        screen.get_by_role("combobox", name="Shift").select_option("Night, Ticket agents: today 20:30–04:30")
        screen.get_by_role("button", name="Put on").click()
        expect(screen.get_by_role("status")).to_contain_text("They stand on that shift now.")
        expect(screen.get_by_role("link", name="Night, today 20:30")).to_be_visible()

        # Nine o'clock. A line reaches the mark, and her phone is gone: the page comes by mail, at once.
        evening.later(minutes=60)
        service.gone.set()
        assert evening.send("/signals", {"id": "p1", "touchpoint": "counter-a", "signal": "pressed"}).status == 202
        moment = evening.open_moment("counter-a")["id"]
        to, letter = letters.letter()
        assert to == "Elena@agx.example"
        assert "Check-in counter A" in letter

        # Who stands there with a German customer sees that she is on shift, and speaks it.
        screen.goto(f"{evening.url}/moments/{moment}")
        screen.get_by_text("Who on shift speaks what").click()
        expect(screen.get_by_text("German: Elena Fabbri (Ticket agents)")).to_be_visible()
