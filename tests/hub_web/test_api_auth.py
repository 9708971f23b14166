"""Who may do what: tokens, browsers, other sites, other names."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from andgate.errors import UsageError
from hub.web.app import create_app
from hub.web.auth import COOKIE_S
from hub.web.login import local
from hub.web.tokens import parse_tokens, read_tokens
from tests.hub_web.stand import Stand

READER, AGENT, FEED, CHIEF = ("reader-secret-0001", "agent-secret-000002", "feed-secret-0000003", "chief-secret-000004")
TOKENS = f"""
[tokens.reader]
secret = "{READER}"
rights = ["read"]
[tokens.agent-7]
sha256 = "{hashlib.sha256(AGENT.encode()).hexdigest()}"
rights = ["read", "act"]
[tokens.flight-feed]
secret = "{FEED}"
rights = ["signal"]
[tokens.chief]
secret = "{CHIEF}"
rights = ["admin"]
"""
PRESSED = {"id": "p1", "touchpoint": "counter-a", "signal": "pressed"}
HTML = {"accept": "text/html"}


@pytest.fixture
def web(stand: Stand) -> Iterator[TestClient]:
    app = create_app(stand.driver, stand.reader, stand.clock, tokens=parse_tokens(TOKENS))
    with TestClient(app, base_url="http://hub.example", follow_redirects=False) as web:
        yield web


@pytest.fixture
def open_web(stand: Stand) -> Iterator[TestClient]:
    with TestClient(create_app(stand.driver, stand.reader, stand.clock), base_url="http://localhost:8080") as web:
        yield web


def bearer(secret: str) -> dict[str, str]:
    return {"authorization": f"Bearer {secret}"}


def test_without_a_token_only_the_plumbing_answers(web: TestClient) -> None:
    for path in ("/api/v1/moments", "/api/v1/stream", "/metrics", "/", "/nothing", "/static"):
        answer = web.get(path)
        assert (answer.status_code, answer.headers["www-authenticate"]) == (401, 'Bearer realm="andgate"')
    for path in ("/healthz", "/readyz", "/login", "/api/v1/openapi.json"):
        assert web.get(path).status_code == 200
    assert web.post("/api/v1/signals", json=PRESSED).status_code == 401


@pytest.mark.parametrize("value", ["Bearer", "Bearer wrong", "Basic cmVhZGVy", "", f"Bearer {READER}x", "Bearer \xfc"])
def test_a_wrong_token_is_refused_even_where_none_is_needed(web: TestClient, value: str) -> None:
    assert web.get("/healthz", headers=[(b"authorization", value.encode("latin-1"))]).status_code == 401


def test_rights_are_kept_apart(web: TestClient) -> None:
    def status(secret: str, method: str, path: str, body: object = None) -> int:
        return web.request(method, path, headers=bearer(secret), json=body).status_code

    assert status(FEED, "POST", "/api/v1/signals", PRESSED) == 202
    assert [status(who, "POST", "/api/v1/signals", PRESSED) for who in (READER, AGENT)] == [403, 403]
    assert [status(who, "GET", "/api/v1/moments") for who in (READER, AGENT, CHIEF, FEED)] == [200, 200, 200, 403]
    moment = web.get("/api/v1/moments", headers=bearer(READER)).json()["items"][0]["id"]
    claim = f"/api/v1/moments/{moment}/claim"
    assert [status(who, "POST", claim, {}) for who in (READER, FEED, AGENT, CHIEF)] == [403, 403, 200, 200]
    assert status(FEED, "GET", "/metrics") == 403


def test_the_token_says_who_acts_and_which_feed_it_is(web: TestClient) -> None:
    web.post("/api/v1/signals", headers=bearer(FEED), json=PRESSED)
    (item,) = web.get("/api/v1/moments", headers=bearer(AGENT)).json()["items"]
    assert item["witnesses"] == ["flight-feed"]
    claim = f"/api/v1/moments/{item['id']}/claim"
    assert web.post(claim, headers=bearer(AGENT), json={}).json()["claimed_by"] == "agent-7"
    assert web.post(claim, headers=bearer(AGENT), json={"by": "agent-7"}).status_code == 200
    assert web.post(claim, headers=bearer(AGENT), json={"by": "somebody-else"}).status_code == 422


def test_a_browser_logs_in_and_out(web: TestClient) -> None:
    sent = web.get("/moments/x?y=1", headers=HTML)
    assert (sent.status_code, sent.headers["location"]) == (303, "/login?next=/moments/x%3Fy%3D1")
    assert web.post("/login", data={"token": "wrong"}).status_code == 403
    form = web.post("/login", data={"token": READER, "next": "/moments/x"})
    assert (form.status_code, form.headers["location"]) == (303, "/moments/x")
    cookie = form.headers["set-cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=Lax" in cookie
    assert "Secure" not in cookie
    assert READER not in cookie
    assert web.get("/api/v1/moments").status_code == 200
    assert web.post("/logout").status_code == 303
    assert web.get("/api/v1/moments").status_code == 401


def test_over_tls_the_cookie_stays_there(stand: Stand) -> None:
    app = create_app(stand.driver, stand.reader, stand.clock, tokens=parse_tokens(TOKENS))
    with TestClient(app, base_url="https://hub.example", follow_redirects=False) as web:
        assert "; Secure" in web.post("/login", data={"token": READER}).headers["set-cookie"]


def test_a_cookie_ages_is_renewed_and_cannot_be_made(web: TestClient, stand: Stand) -> None:
    web.post("/login", data={"token": READER})
    assert "set-cookie" not in web.get("/api/v1/clock").headers
    stand.clock.advance(COOKIE_S * 1000 * 2 // 3)
    assert "set-cookie" in web.get("/api/v1/clock").headers
    stand.clock.advance(COOKIE_S * 1000 * 2 // 3)
    assert web.get("/api/v1/clock").status_code == 200
    stand.clock.advance(COOKIE_S * 1000)
    assert web.get("/api/v1/clock").status_code == 401
    web.cookies.clear()
    for value in ("reader.1.00", "reader..", "..", "", "x" * 5_000, 'a="b;', f"reader.{10**40}.00"):
        assert web.get("/api/v1/clock", headers={"cookie": f"andgate={value}"}).status_code == 401


def test_a_page_of_another_site_changes_nothing(web: TestClient, open_web: TestClient) -> None:
    web.post("/login", data={"token": CHIEF})
    for hub in (web, open_web):
        for headers in ({"sec-fetch-site": "cross-site"}, {"sec-fetch-site": "same-site"}, {"origin": "http://evil"}):
            answer = hub.post("/api/v1/signals", json=PRESSED, headers=headers)
            assert (answer.status_code, answer.json()["type"]) == (403, "urn:andgate:problem:other-site")
    assert web.post("/api/v1/signals", json=PRESSED, headers={"origin": "http://hub.example"}).status_code == 202
    same = {"sec-fetch-site": "same-origin"}
    assert open_web.post("/api/v1/signals", json=PRESSED, headers=same).status_code == 202
    # A program with a token is no browser: nobody can make it ask.
    program = {**bearer(FEED), "origin": "http://evil"}
    assert web.post("/api/v1/signals", json={**PRESSED, "id": "p2"}, headers=program).status_code == 202


def test_an_open_hub_answers_to_its_own_machine_only(stand: Stand, open_web: TestClient) -> None:
    for host in ("localhost", "127.0.0.1:9", "[::1]:9", "LOCALHOST", "hub.localhost"):
        assert open_web.get("/api/v1/clock", headers={"host": host}).status_code == 200
    for host in ("evil.example", "", "127.evil.example", "evil.example:8080", "[::2]"):
        assert open_web.get("/api/v1/clock", headers={"host": host}).status_code == 421
    everywhere = create_app(stand.driver, stand.reader, stand.clock, host="0.0.0.0")
    with TestClient(everywhere, base_url="http://demo.example") as web:
        assert web.get("/api/v1/clock").status_code == 200


def test_login_on_an_open_hub_just_goes_on(open_web: TestClient) -> None:
    for method in ("GET", "POST"):
        answer = open_web.request(method, "/login", follow_redirects=False)
        assert (answer.status_code, answer.headers["location"]) == (303, "/")


def test_a_login_that_is_no_form_is_refused(web: TestClient) -> None:
    assert web.post("/login", json={}).status_code == 415
    assert web.post("/login", data={"token": "x" * 5_000}).status_code == 413
    assert web.post("/login", data={"other": "x"}).status_code == 403


@pytest.mark.parametrize("wanted", ["//evil", "/\\evil", "http://evil", "", "javascript:x", "/a\r\nb"])
def test_login_leads_nowhere_else(wanted: str) -> None:
    assert local(wanted) == "/"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("x", "no TOML"),
        ("", "no token"),
        ("tokens = 1", "no token"),
        ("[token.a]", 'unknown key "token"'),
        ("tokens.a = 1", "no table"),
        ("[tokens.A]", "no id"),
        ("[tokens.a]\nrole = 1", "unknown key role"),
        ('[tokens.a]\nsecret = "sixteen-characters"', "rights is missing"),
        ('[tokens.a]\nrights = ["write"]', '"write"'),
        ('[tokens.a]\nrights = ["read"]', "needs a secret"),
        ('[tokens.a]\nsecret = "short"\nrights = ["read"]', "at least 16"),
        ('[tokens.a]\nsha256 = "12"\nrights = ["read"]', "64 hex"),
        (f'{TOKENS}\n[tokens.b]\nsecret = "{READER}"\nrights = ["read"]', "secret of tokens.reader"),
    ],
)
def test_a_wrong_token_file_is_refused(tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "tokens.toml"
    path.write_text(text)
    with pytest.raises(UsageError, match=said) as refused:
        read_tokens(path)
    assert str(path) in str(refused.value)


def test_a_token_file_that_cannot_be_read_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="cannot read"):
        read_tokens(tmp_path / "nothing")
    (tmp_path / "bytes").write_bytes(b"\xff")
    with pytest.raises(UsageError, match="UTF-8"):
        read_tokens(tmp_path / "bytes")
