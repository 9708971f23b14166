"""Before and after: listening only, and since people are paged, from the site's own record."""

from __future__ import annotations

from pathlib import Path

import pytest
from starlette.testclient import TestClient

from andgate.moment.moments import Moment
from andgate.plan import parse_plan
from andgate.quiet import Span
from hub.clock import HandClock
from hub.driver import Driver
from hub.quiet.baseline import HOUR_MS, baseline, spans
from hub.store import Reader, Store
from hub.web.app import create_app
from tests.hub_web.stand import NOON

PLACES = {"wait": ("a", "b"), "bags": ("belt",)}


def moment(at_h: float, *, failed: bool = False, place: str = "a", claim_s: float | None = None) -> Moment:
    at_ms = round(at_h * HOUR_MS)
    return Moment(
        id=f"{at_ms:032x}",
        anchor="f/1",
        expectation="wait",
        touchpoint=place,
        opened_ms=at_ms,
        threatened_ms=at_ms,
        claimed_ms=None if claim_s is None else at_ms + round(claim_s * 1000),
        ends_ms=at_ms + 180_000,
        counts_to_ms=at_ms + 180_000,
        state="ended",
        verdict="failure" if failed else "success",
        saved=not failed,
        plan="x",
    )


def test_columns_have_their_hours_counts_and_intervals() -> None:
    listened = {"a": [Span(0, 10 * HOUR_MS)], "b": [], "belt": []}
    moments = [
        *(moment(n / 10, failed=n % 2 == 0) for n in range(60)),
        *(moment(10 + n / 10, failed=n == 0, claim_s=20 + n) for n in range(60)),
        moment(5, place="b"),
        moment(6, failed=True, place="elsewhere"),
    ]
    found = baseline(moments, PLACES, listened.__getitem__, 0, 20 * HOUR_MS)
    assert found is not None
    wait, bags = found.rows
    assert (wait.before.hours, wait.after.hours) == (10, 30)
    assert (wait.before.moments, wait.before.failed, wait.before.saved, wait.before.claim_s) == (60, 30, 30, None)
    assert (wait.after.moments, wait.after.failed, wait.after.claims) == (62, 2, 60)
    assert wait.after.claim_s == pytest.approx(49.5)
    assert wait.before.broken is not None
    assert wait.before.broken.low < 0.5 < wait.before.broken.high
    assert wait.apart
    assert (bags.before.broken, bags.apart) == (None, False)
    assert found.total is not None
    assert (found.before_h, found.after_h) == (10, 50)


def test_nothing_was_only_listened_to() -> None:
    assert baseline([], PLACES, lambda _place: [], 0, HOUR_MS) is None


def test_a_place_listens_by_the_hub_or_by_the_plan() -> None:
    hub = [(0, True), (10, False)]
    plans = [(0, frozenset[str]()), (20, frozenset({"a"})), (30, frozenset[str]())]
    assert spans(hub, plans, "a", 0, 100) == [Span(0, 10), Span(20, 30)]
    assert spans(hub, plans, "b", 5, 100) == [Span(5, 10)]


def test_the_page_and_the_api_compare_the_sites_own_record(tmp_path: Path, airport_toml: str) -> None:
    clock = HandClock(NOON)
    plan = parse_plan(airport_toml)
    number = 0
    for only in (True, False):
        driver = Driver(Store(tmp_path), plan, clock, listen_only=only)
        driver.start()
        reader = Reader(tmp_path)
        app = create_app(driver, reader, clock)
        with TestClient(app, base_url="http://127.0.0.1") as web:
            if only:
                assert "Listening only: everything." in web.get("/").text
            for late_s in (400, 100, 400, 100) if only else (100, 100, 100):
                number += 1
                press = {"id": f"p{number}", "touchpoint": "counter-a", "signal": "pressed"}
                assert web.post("/api/v1/signals", json=press).status_code == 202
                clock.advance(late_s * 1000)
                reset = {"id": f"r{number}", "touchpoint": "counter-a", "signal": "reset"}
                assert web.post("/api/v1/signals", json=reset).status_code == 202
                clock.advance(3_600_000)
            if not only:
                rows = {row["expectation"]: row for row in web.get("/api/v1/baseline").json()["items"]}
                assert (rows["check-in-wait"]["before"]["moments"], rows["check-in-wait"]["before"]["failed"]) == (4, 2)
                assert (rows["check-in-wait"]["after"]["moments"], rows["check-in-wait"]["after"]["failed"]) == (3, 0)
                assert rows[None]["after"]["broken"] == 0
                page = web.get("/success/baseline").text
                assert "Listening only" in page
                assert "50" in page
                assert "The difference may be chance" in page
                assert "/success/baseline" in web.get("/success").text
        reader.close()
        driver.stop()


def test_a_site_that_always_paged_has_nothing_to_compare(tmp_path: Path, airport_toml: str) -> None:
    clock = HandClock(NOON)
    driver = Driver(Store(tmp_path), parse_plan(airport_toml), clock)
    driver.start()
    clock.advance(3_600_000)
    reader = Reader(tmp_path)
    with TestClient(create_app(driver, reader, clock), base_url="http://127.0.0.1") as web:
        assert "nothing here was ever only listened to" in web.get("/success/baseline").text
        assert web.get("/api/v1/baseline").json()["items"] == []
    reader.close()
    driver.stop()
