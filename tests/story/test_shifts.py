"""The night on which the clocks go back: nine hours of night shift, and a line that still waits when it ends."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from andgate.wire.codec import parse_time
from tests.hub.crew import rome
from tests.story import airport as airports
from tests.story.airport import Airport, event, events, span_s
from tests.story.stage import until

SHIFTS = """
[groups.ticket-agents.shifts.early]
from = "04:30"
to = "20:30"
[groups.ticket-agents.shifts.night]
from = "20:30"
to = "04:30"
"""
EVERY_DAY = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"]


@pytest.fixture
def night(tmp_path: Path, airport_toml: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Airport]:
    """An airport at four in the morning of the night that has an hour twice."""
    monkeypatch.setattr(airports, "TEN", rome("2026-10-25T04:00"))
    there = Airport(tmp_path, airport_toml.replace('hours = "04:30-23:30"', 'hours = "00:00-24:00"') + SHIFTS)
    yield there
    there.close()


def test_the_night_shift_hands_over_what_is_open(night: Airport) -> None:
    def hire(name: str, pager: str, shift: str) -> str:
        made = night.send("/people", {"name": name, "channels": [f"mqtt://{pager}"]})
        assert made.status == 201, made
        person = made.body["id"]
        night.send("/roster/duties", {"person": person, "group": "ticket-agents", "shift": shift, "days": EVERY_DAY})
        return str(person)

    # The duty manager puts Ada on the nights and Bob on the mornings, and tries Bob's pager.
    ada, bob = hire("Ada", "pager-a", "night"), hire("Bob", "pager-b", "early")
    night.send(f"/people/{bob}/test", {"channel": 1})
    assert night.pager.hear("page/pager-b", kind="page")["text"].startswith("Test page")

    # It is Ada's shift, and a long one: from half past eight to half past four, with an hour that was there twice.
    turns = night.get("/roster?group=ticket-agents")["items"]
    (now,) = [turn for turn in turns if turn["on"]]
    assert [place["id"] for place in now["people"]] == [ada]
    assert (now["date"], span_s(now["from"], now["until"])) == ("2026-10-24", 9 * 3600)

    # A minute before its end a line reaches the mark. Ada's own pager rings, beside the group's radio.
    left_s = (parse_time(now["until"]) - night.clock.now_ms()) / 1000
    night.later(seconds=left_s - 60)
    night.send("/signals", {"id": "p1", "touchpoint": "counter-a", "signal": "pressed"})
    moment = night.open_moment("counter-a")
    which = moment["id"]
    assert (moment["team"]["shift"], moment["team"]["date"]) == ("night", "2026-10-24")
    assert moment["team_at_deadline"]["shift"] == "early"
    page = night.pager.hear("page/pager-a", kind="page", moment=which)
    assert night.pager.hear("page/ticket-agents", kind="page", moment=which)["id"] == page["id"]
    night.pager.say("answer", {"page": page["id"], "do": "claim", "by": "Ada", "promise_s": 900})
    assert night.becomes(which, claimed_by="Ada")["claimed_at"]

    # Half past four. Ada goes home, nobody is on it any more, and Bob is told what he takes over.
    night.later(seconds=61)
    assert night.becomes(which, claimed_by=None)["state"] == "open"

    def handed() -> str | None:
        texts = [each["text"] for each in night.pager.all("page/pager-b", kind="page")]
        return next((text for text in texts if text.startswith("Handover")), None)

    assert until(handed, "nobody was told").startswith("Handover to Early, 1 open: Check-in counter A (")
    trail = night.moment(which)
    gone = event(trail, "unclaimed")
    assert (gone["facts"]["whose"], gone["facts"]["reason"]) == ("Ada", "Night of Ticket agents ended")
    assert parse_time(gone["at"]) == parse_time(now["until"])
    assert not [each for each in night.pager.all("page/pager-a", kind="page") if "Handover" in each["text"]]

    # Bob resets it. Everybody who was paged hears that it is over, Ada too.
    night.send("/signals", {"id": "p2", "touchpoint": "counter-a", "signal": "reset"})
    night.becomes(which, state="ended", verdict="success")
    night.pager.hear("page/pager-a", kind="over", moment=which)
    assert "unclaimed" in events(night.moment(which))
    assert night.rate("shift", "ticket-agents/night")["success"] == 1
