"""Who a screen may say was paged: whoever a page went to, and nobody else."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace
from starlette.testclient import TestClient

from andgate.moment.events import Paged
from andgate.plan import parse_plan
from andgate.wire.codec import parse_time
from hub.store.rows import PageRow, TrailLine
from hub.web.app import create_app
from hub.web.pages.told import paged_groups, told
from tests.hub_web.stand import Stand

NOW = parse_time("2026-11-21T16:26:08.000Z")
ROW = PageRow(
    1, "m:0:1", "page", "m", "x", "counter-a", None, "ticket-agents", "radio", "", "", "so much time is left", 60.0,
    False, False, "sent", NOW, NOW, 1, NOW, False, "",
)  # fmt: skip
PAGED = Paged(moment="m", at_ms=NOW, page="m:0:1", step=0, group="ticket-agents", reason="time-left", left_ms=60_000)
TRAIL = (TrailLine(1, NOW, NOW, PAGED),)
SKIPPED = replace(ROW, page="m:skipped:1:3", group="ticket-agents", channel="", state="cancelled")


@pytest.mark.parametrize(
    ("rows", "groups"),
    [
        ([], ("ticket-agents",)),
        ([ROW], ("ticket-agents",)),
        ([replace(ROW, state="queued")], ("ticket-agents",)),
        ([replace(ROW, state="muted")], ()),
        ([replace(ROW, state="failed")], ()),
        ([replace(ROW, state="cancelled")], ()),
        ([replace(ROW, state="failed"), replace(ROW, channel="pager")], ("ticket-agents",)),
        ([replace(ROW, state="muted"), SKIPPED], ()),
        ([replace(ROW, kind="over")], ("ticket-agents",)),
        ([replace(ROW, state="failed"), replace(ROW, group="supervisors", stands_for=1)], ("supervisors",)),
        (
            [replace(ROW, state="failed"), replace(ROW, page="m:0:1:instead:supervisors", group="supervisors")],
            ("supervisors",),
        ),
    ],
)
def test_a_page_is_told_to_those_it_went_to(rows: list[PageRow], groups: tuple[str, ...]) -> None:
    assert paged_groups(told(TRAIL, rows)) == groups


def test_what_went_instead_is_told_at_its_own_time() -> None:
    later = replace(ROW, group="supervisors", decided_ms=NOW + 5_000, stands_for=1)
    (line,) = told(TRAIL, [replace(ROW, state="failed"), later])
    assert isinstance(line.event, Paged)
    assert (line.event.group, line.event.at_ms) == ("supervisors", NOW + 5_000)


def test_every_screen_says_the_same_where_a_page_was_muted_and_a_later_step_skipped(
    tmp_path: Path, airport_toml: str
) -> None:
    stand = Stand(tmp_path, parse_plan(airport_toml))
    app = create_app(stand.driver, stand.reader, stand.clock)
    with TestClient(app, base_url="http://127.0.0.1", raise_server_exceptions=False) as web:

        def post(path: str, body: Any) -> Any:
            answer = web.post(path, json=body)
            assert answer.status_code < 300, answer.text
            return answer.json()

        post(
            "/api/v1/mutes", {"reason": "Floor is washed", "lasts_s": 3600, "by": "Ines", "touchpoints": ["counter-a"]}
        )
        post("/api/v1/signals", {"id": "p1", "touchpoint": "counter-a", "signal": "pressed"})
        (moment,) = (each["id"] for each in web.get("/api/v1/moments?state=open").json()["items"])
        assert "</span>, but muted until 14:00" in web.get("/").text, "what comes next is not promised"
        post(f"/api/v1/moments/{moment}/claim", {"by": "Jo"})
        stand.clock.advance(100_000)  # the supervisors' step comes, and is skipped: somebody is on it
        post("/api/v1/signals", {"id": "p2", "touchpoint": "counter-a", "signal": "pressed"})
        web.delete(f"/api/v1/moments/{moment}/claim")
        rows = stand.reader.pages(moment=moment).items
        assert {row.state for row in rows} == {"muted", "cancelled"}, rows
        assert "Ticket agents paged" not in web.get("/desk/counter-a").text
        assert "Nobody has been paged." in web.get("/").text
        assert "Nobody paged yet." in web.get("/board/all").text
        page = web.get(f"/moments/{moment}").text
        assert "Ticket agents not told" in page
        assert "Nobody was paged." in page
    stand.close()
