"""A phone says that it has a page, and that it was tapped: with the slip that came with it, and with no other."""

from __future__ import annotations

from pathlib import Path

import pytest
from starlette.testclient import TestClient

from andgate.wire.messages import FeedSignal
from hub.store import PageFate, PageRow, Phones
from hub.store.slips import Slips
from hub.web.app import create_app
from hub.web.tokens import parse_tokens
from tests.hub_web.stand import Stand

TOKENS = '[tokens.reader]\nsecret = "reader-secret-0001"\nrights = ["read"]\n'


def paged(stand: Stand) -> PageRow:
    """Let somebody be paged, surely."""
    stand.driver.signals([FeedSignal(id="one", touchpoint="counter-a", signal="pressed")], "ops").result(30)
    row = stand.reader.pages().items[-1]
    now_ms = stand.clock.now_ms()
    stand.driver.fate(PageFate(row.id, row.moment, "sent", "", 1, now_ms, now_ms))
    return row


def now(stand: Stand, row: PageRow) -> PageRow:
    stand.driver.signals([], "nobody").result(30)
    return next(each for each in stand.reader.pages().items if each.id == row.id)


def test_a_page_is_delivered_and_then_read(stand: Stand, tmp_path: Path) -> None:
    phones = Phones(tmp_path)
    app = create_app(stand.driver, stand.reader, stand.clock, tokens=parse_tokens(TOKENS))
    app.state.phones = phones
    row = paged(stand)
    slip = Slips(phones).write(f"{row.id}/{row.moment}")
    with TestClient(app, base_url="http://hub.example") as web:
        stand.clock.advance(400)
        at_ms = stand.clock.now_ms()
        assert web.post("/phone/receipt", json={"slip": slip, "what": "delivered"}).status_code == 204
        assert (now(stand, row).delivered_ms, now(stand, row).read_ms) == (at_ms, None)
        stand.clock.advance(5_000)
        assert web.post("/phone/receipt", json={"slip": slip, "what": "read"}).status_code == 204
        assert (now(stand, row).delivered_ms, now(stand, row).read_ms) == (at_ms, at_ms + 5_000)
        stand.clock.advance(5_000)
        for what in ("read", "delivered"):
            assert web.post("/phone/receipt", json={"slip": slip, "what": what}).status_code == 204
        assert now(stand, row).read_ms == at_ms + 5_000, "the first word counts"
        figures = web.get("/metrics", headers={"authorization": "Bearer reader-secret-0001"}).text
    assert 'andgate_page_received_seconds_count{channel="radio",what="delivered"} 1.0' in figures
    assert 'andgate_page_received_seconds_sum{channel="radio",what="read"} 5.4' in figures


@pytest.mark.parametrize("slip", ["", "AAAA", "ä", "A" * 700, "7/m1", "=" * 40])
def test_what_is_no_slip_is_refused(stand: Stand, tmp_path: Path, slip: str) -> None:
    app = create_app(stand.driver, stand.reader, stand.clock)
    app.state.phones = Phones(tmp_path)
    with TestClient(app, base_url="http://localhost:8080") as web:
        assert web.post("/phone/receipt", json={"slip": slip, "what": "read"}).status_code == 403
        assert web.post("/phone/receipt", json={"slip": slip, "what": "eaten"}).status_code == 422
        assert web.post("/phone/receipt", content=b"{").status_code == 415


def test_a_slip_of_another_hub_and_of_a_page_that_is_gone_changes_nothing(stand: Stand, tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    row = paged(stand)
    app = create_app(stand.driver, stand.reader, stand.clock)
    phones = app.state.phones = Phones(tmp_path)
    with TestClient(app, base_url="http://localhost:8080") as web:
        strange = Slips(Phones(tmp_path / "other")).write(f"{row.id}/{row.moment}")
        assert web.post("/phone/receipt", json={"slip": strange, "what": "read"}).status_code == 403
        for about in ("7777/m1", "x/m1", "drill/1/2", f"{row.id}/somewhere-else"):
            slip = Slips(phones).write(about)
            assert web.post("/phone/receipt", json={"slip": slip, "what": "read"}).status_code == 204
    assert now(stand, row).delivered_ms is None
