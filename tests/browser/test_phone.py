"""Being paged on a phone, in Chromium; only the push service is a made-up one: there is none on this machine."""

from __future__ import annotations

import base64
import json
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from playwright.sync_api import Browser, Page, expect

from andgate.wire.messages import FeedSignal
from hub.app import HubApp
from hub.clock import SystemClock
from hub.config import Address, HubConfig
from hub.store import Phones
from hub.store.slips import Slips
from tests.browser.axe import wrongs
from tests.hub.desk import WAIT_S

pytestmark = pytest.mark.browser

SUBSCRIBED = """(() => {
  const bytes = (text) => Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0)).buffer;
  let made = null;
  PushManager.prototype.getSubscription = async () => made;
  PushManager.prototype.subscribe = async (wanted) => {
    if (!wanted.userVisibleOnly || wanted.applicationServerKey.length !== 65) throw new Error("wrong");
    made = {
      endpoint: "https://push.example/send/this-phone",
      options: { applicationServerKey: wanted.applicationServerKey.buffer },
      getKey: (name) => bytes(name === "auth" ? "AAAAAAAAAAAAAAAAAAAAAA==" : "POINT"),
      unsubscribe: async () => { made = null; return true; },
    };
    return made;
  };
  Notification.requestPermission = async () => "granted";
})()"""


@pytest.fixture
def hub(tmp_path: Path, airport_toml: str) -> Iterator[HubApp]:
    plan = tmp_path / "plan.toml"
    plan.write_text(airport_toml.replace('"mqtt://"', '"webpush://"', 1), encoding="utf-8")
    config = HubConfig(
        plan=plan, data=tmp_path / "data", broker_listen=Address("127.0.0.1", 0), listen=Address("127.0.0.1", 0)
    )
    with HubApp(config, SystemClock()) as running:
        running.wait_web()
        yield running


def opened(browser: Browser, hub: HubApp, script: str) -> Page:
    context = browser.new_context(base_url=hub.http_url, viewport={"width": 390, "height": 844})
    context.grant_permissions(["notifications"])
    context.add_init_script(script)
    page = context.new_page()
    page.set_default_timeout(WAIT_S * 1000)
    page.goto("/phone")
    return page


def test_a_phone_asks_is_paged_and_is_left_alone(browser: Browser, hub: HubApp, tmp_path: Path) -> None:
    key = ec.generate_private_key(ec.SECP256R1()).public_key()
    point = base64.b64encode(key.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)).decode()
    page = opened(browser, hub, SUBSCRIBED.replace("POINT", point))
    wrong: list[str] = []
    page.on("console", lambda said: wrong.append(said.text) if said.type == "error" else None)
    button = page.get_by_role("button", name="Page me on this phone: Supervisors")
    expect(page.locator("#said")).to_have_text("This phone is not paged yet.", timeout=WAIT_S * 1000)
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    assert wrongs(page) == []
    button.click()
    expect(page.locator("#said")).to_have_text("This phone is paged.", timeout=WAIT_S * 1000)
    (phone,) = Phones(tmp_path / "data").of("supervisors")
    assert phone.endpoint == "https://push.example/send/this-phone"

    said = {"kind": "page", "title": "Belt 3", "text": "8:00 left.", "left_s": 480, "link": "/nodes", "tag": "t"}
    shown = _pushed(page, said)
    assert shown == [["Belt 3", "8:00 left.", "t", "/nodes"]]
    assert _pushed(page, {**said, "kind": "over", "text": "Over."}) == [["Belt 3", "Over.", "t", "/nodes"]]

    hub.driver.signals([FeedSignal(id="one", touchpoint="counter-a", signal="pressed")], "test").result(WAIT_S)
    row = hub.reader.pages().items[-1]
    slip = Slips(Phones(tmp_path / "data")).write(f"{row.id}/{row.moment}")
    _pushed(page, {**said, "slip": slip})
    assert _acknowledged(hub, row.id), "the worker says that the page is here"
    drill = {**said, "kind": "drill", "text": "Only a drill.", "loud": False}
    assert _pushed(page, drill) == [["Belt 3", "Only a drill.", "t", "/nodes"]]

    page.get_by_role("button", name="No more pages on this phone: Supervisors").click()
    expect(page.locator("#said")).to_have_text("This phone is not paged yet.", timeout=WAIT_S * 1000)
    assert Phones(tmp_path / "data").of("supervisors") == []
    assert wrong == []
    page.context.close()


def _acknowledged(hub: HubApp, id: int) -> bool:
    for _ in range(int(WAIT_S * 20)):
        if any(row.id == id and row.delivered_ms is not None for row in hub.reader.pages(limit=1_000).items):
            return True
        threading.Event().wait(0.05)
    return False


def _pushed(page: Page, said: dict[str, object]) -> object:
    """Hand the service worker what a push service would; return what it shows."""
    cdp = page.context.new_cdp_session(page)
    registrations: list[str] = []
    cdp.on(
        "ServiceWorker.workerRegistrationUpdated",
        lambda event: registrations.extend(each["registrationId"] for each in event["registrations"]),
    )
    cdp.send("ServiceWorker.enable")
    page.wait_for_function(
        "navigator.serviceWorker.getRegistration('/static/').then((found) => found?.active?.state === 'activated')"
    )
    while not registrations:  # told by events, which come when they come
        page.evaluate("new Promise((done) => setTimeout(done, 20))")
    origin = page.url.rpartition("/")[0]
    for _ in range(10):  # a worker that is being started may miss one; the same tag takes its own place
        cdp.send(
            "ServiceWorker.deliverPushMessage",
            {"origin": origin, "registrationId": registrations[-1], "data": json.dumps(said)},
        )
        shown = page.evaluate(
            """async (text) => {
              const worker = await navigator.serviceWorker.getRegistration("/static/");
              for (let tries = 0; tries < 200; tries += 1) {
                const shown = await worker.getNotifications();
                if (shown.some((each) => each.body === text)) {
                  return shown.map((each) => [each.title, each.body, each.tag, each.data.link]);
                }
                await new Promise((done) => setTimeout(done, 20));
              }
              return null;
            }""",
            said["text"],
        )
        if shown is not None:
            return shown
    raise AssertionError(f"never shown: {said}")


def test_a_browser_that_cannot_says_so(browser: Browser, hub: HubApp) -> None:
    page = opened(browser, hub, "delete window.PushManager;")
    expect(page.locator("#said")).to_contain_text("This browser cannot be paged.", timeout=WAIT_S * 1000)
    expect(page.locator("#groups")).to_be_hidden()
    page.context.close()


def test_without_tls_it_says_why_not(browser: Browser, hub: HubApp) -> None:
    page = opened(browser, hub, "Object.defineProperty(window, 'isSecureContext', { value: false });")
    expect(page.locator("#said")).to_contain_text("begins with https", timeout=WAIT_S * 1000)
    page.context.close()


def test_a_refusal_is_said(browser: Browser, hub: HubApp) -> None:
    page = opened(browser, hub, SUBSCRIBED.replace('"granted"', '"denied"').replace("POINT", "AAAA"))
    page.get_by_role("button", name="Page me on this phone: Supervisors").click()
    expect(page.locator("#said")).to_contain_text("told to show no notifications", timeout=WAIT_S * 1000)
    page.context.close()
