"""A phone asks to be paged: who may, with which group, and what is no phone."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from starlette.testclient import TestClient

from andgate.plan import Plan, parse_plan
from hub.store import Phones
from hub.web.app import create_app
from hub.web.tokens import parse_tokens
from tests.hub_web.stand import Stand

READER, AGENT = "reader-secret-0001", "agent-secret-000002"
TOKENS = f"""
[tokens.reader]
secret = "{READER}"
rights = ["read"]
[tokens.agent-7]
secret = "{AGENT}"
rights = ["read", "act"]
"""
ENDPOINT = "https://push.example/send/a?b=c"


def b64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def asked(**more: Any) -> dict[str, Any]:
    point = ec.generate_private_key(ec.SECP256R1()).public_key()
    public = point.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
    return {"group": "supervisors", "endpoint": ENDPOINT, "p256dh": b64(public), "auth": b64(bytes(16)), **more}


@pytest.fixture
def plan(airport_toml: str) -> Plan:
    phones = '[channels.phones]\nurl = "webpush://"\n[groups.supervisors]'
    text = airport_toml.replace("[groups.supervisors]", phones)
    head, mark, tail = text.partition("[groups.supervisors]")
    return parse_plan(head + mark + tail.replace('["radio"]', '["radio", "phones"]', 1))


@pytest.fixture
def phones(tmp_path: Path) -> Phones:
    return Phones(tmp_path)


@pytest.fixture
def web(stand: Stand, phones: Phones) -> Iterator[TestClient]:
    app = create_app(stand.driver, stand.reader, stand.clock)
    app.state.phones = phones
    with TestClient(app, base_url="http://localhost:8080") as web:
        yield web


def test_the_page_offers_the_groups_that_have_phones(web: TestClient, phones: Phones) -> None:
    page = web.get("/phone")
    assert page.status_code == 200
    assert f'data-key="{b64(phones.public_key())}"' in page.text
    assert 'data-group="supervisors"' in page.text
    assert "ticket-agents" not in page.text
    assert "script-src 'self';" in page.headers["content-security-policy"]


def test_a_phone_is_paged_until_it_does_not_want_to(web: TestClient, phones: Phones) -> None:
    assert web.post("/phone/known", json={"endpoint": ENDPOINT}).json() == {"groups": []}
    assert web.post("/phone", json=asked()).json() == {"groups": ["supervisors"]}
    (phone,) = phones.of("supervisors")
    assert (phone.endpoint, phone.auth) == (ENDPOINT, bytes(16))
    assert web.post("/phone/known", json={"endpoint": ENDPOINT}).json() == {"groups": ["supervisors"]}
    assert web.post("/phone/forget", json={"endpoint": ENDPOINT, "group": "supervisors"}).json() == {"groups": []}
    assert phones.of("supervisors") == []


@pytest.mark.parametrize(
    "wrong",
    [
        {"group": "ticket-agents"},
        {"group": None},
        {"p256dh": "AAAA"},
        {"p256dh": b64(bytes(65))},
        {"p256dh": "ä"},
        {"auth": ""},
        {"more": 1},
        {"endpoint": 7},
        *(
            {"endpoint": endpoint}
            for endpoint in (
                "http://push.example/a",
                "https://127.0.0.1/a",
                "https://[::1]/a",
                "https://2130706433/a",
                "https://10.1/a",
                "https://localhost/a",
                "https://hub.local/a",
                "https://push.example:8443/a",
                "https://push.example:99999/a",
                "https://me@push.example/a",
                "https://push.example/a#b",
                "https://push.example/ä",
                "https://push.example/" + "a" * 2_000,
                "https://[push/a",
                "",
            )
        ),
    ],
)
def test_what_is_no_phone_is_refused(web: TestClient, phones: Phones, wrong: dict[str, Any]) -> None:
    assert web.post("/phone", json=asked(**wrong)).status_code == 422
    assert phones.of("supervisors") == []


def test_who_may(stand: Stand, phones: Phones) -> None:
    app = create_app(stand.driver, stand.reader, stand.clock, tokens=parse_tokens(TOKENS))
    app.state.phones = phones
    with TestClient(app, base_url="http://hub.example", follow_redirects=False) as web:
        for secret, status in ((READER, 403), (AGENT, 200)):
            bearer = {"authorization": f"Bearer {secret}"}
            assert web.get("/phone", headers=bearer).status_code == status
            assert web.post("/phone", json=asked(), headers=bearer).status_code == status
        assert web.post("/phone", json=asked()).status_code == 401
        assert web.get("/static/phone-worker.js").status_code == 200, "browsers fetch it without a token"


def test_too_many_phones(web: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hub.store.phones.MOST", 0)
    assert web.post("/phone", json=asked()).status_code == 409


def test_a_hub_without_phones_says_so(tmp_path: Path, stand: Stand, airport_toml: str) -> None:
    with TestClient(create_app(stand.driver, stand.reader, stand.clock), base_url="http://localhost") as web:
        assert "No group’s pages go to phones here" in web.get("/phone").text
        assert web.post("/phone", json=asked()).status_code == 404
    assert not (tmp_path / "push.key").exists()
