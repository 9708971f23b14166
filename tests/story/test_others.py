"""Somebody else's button, and a feed: what speaks the contract is treated like ours; garbage hurts nobody."""

from __future__ import annotations

import random
from typing import Any

from playwright.sync_api import Page, expect

from tests.story.airport import MOT, Airport, events
from tests.story.stage import until

BOOT = "their-first-boot"
AHEAD_S = 77
"""So long it was switched on before the day began."""


class TheirButton:
    """A red button that somebody else built, from the contract alone."""

    def __init__(self, airport: Airport) -> None:
        self.airport, self.seq, self.asked = airport, 0, 0
        birth = {"state": "online", "session": 1, "boot": BOOT, "version": "acme 1.0"}
        airport.pager.say("node/desk-a1/state", birth, retain=True)
        until(self._knows_the_time, "they do not agree about the time")

    def _knows_the_time(self) -> bool:
        """Ask the hub for the time until it has measured their clock well."""
        self.asked += 1
        self.airport.pager.say("node/desk-a1/time", {"n": self.asked, "boot": BOOT, "mono": self.mono()})
        self.airport.pager.hear("node/desk-a1/time/reply", n=self.asked)
        offset_ms = self.airport.known("desk-a1").offset_ms
        return offset_ms is not None and abs(offset_ms - (self.airport.clock.start_ms - AHEAD_S * 1000)) < 30

    def mono(self) -> float:
        """Its own seconds, since whenever it was switched on."""
        return round(self.airport.clock.mono_s() + AHEAD_S, 3)

    def signal(self, name: str, **more: Any) -> dict[str, Any]:
        self.seq += 1
        now = self.mono()
        return {"device": "mot", "signal": name, "seq": self.seq, "boot": BOOT, "mono": now, "sent": now} | more

    def say(self, said: Any, *, retain: bool = False) -> None:
        self.airport.pager.say("node/desk-a1/signal", said, retain=retain)


def test_their_button_is_as_good_as_ours(airport: Airport) -> None:
    pager = airport.pager
    ours = airport.node("desk-a1")
    ours.press(MOT)
    of_ours = airport.open_moment("counter-a")
    airport.later(minutes=1)
    airport.send("/signals", {"id": "reset", "touchpoint": "counter-a", "signal": "reset"})
    of_ours = airport.becomes(of_ours["id"], state="ended", provisional=False)
    airport.nodes.pop("desk-a1").close()
    airport.quiet()

    theirs = TheirButton(airport)
    press = theirs.signal("pressed")
    theirs.say(press)
    which = airport.open_moment("counter-a")["id"]
    assert pager.hear("node/desk-a1/receipt", boot=BOOT)["seq"] == 1
    page = pager.hear("page/ticket-agents", kind="page", moment=which)
    assert airport.left_s(airport.moment(which)) <= page["left_s"] <= 180
    lamp = pager.hear("touchpoint/counter-a/moment", count=1)
    assert lamp is not None
    pager.hear("verdict", id=which, level="threatened")

    # A duplicate is nothing new; nor is the same number in a list. It is receipted all the same.
    change = airport.moment(which)["change"]
    theirs.say(press)
    theirs.say([press, press | {"more": False}])
    airport.quiet()
    assert airport.moment(which)["change"] == change
    assert airport.hub.reader.quarantined() == 0

    airport.later(minutes=1)
    theirs.say(theirs.signal("reset"))
    of_theirs = airport.becomes(which, state="ended", provisional=False)
    same = ("verdict", "saved", "answered", "provisional", "late_s", "anomaly", "revision", "witnesses")
    assert [of_theirs[name] for name in same] == [of_ours[name] for name in same]
    assert events(of_theirs) == events(of_ours)
    assert pager.hear("node/desk-a1/receipt", boot=BOOT, seq=2)
    assert airport.rate("expectation", "check-in-wait")["saved"] == 2


def test_a_hold_with_their_button_takes_its_press_back(airport: Airport) -> None:
    theirs = TheirButton(airport)
    theirs.say(theirs.signal("pressed"))
    which = airport.open_moment("counter-a")["id"]
    airport.later(seconds=20)
    # Holding to reset begins with a press; the reset names it, so it is no second alarm.
    theirs.say(theirs.signal("pressed"))
    theirs.say(theirs.signal("reset", press=2))
    ended = airport.becomes(which, state="ended")
    assert (ended["verdict"], ended["saved"]) == ("success", True)
    airport.quiet()
    assert [one["id"] for one in airport.moments()] == [which]
    assert [group for group, _ in airport.pager.pages()] == ["ticket-agents"]


def test_what_the_broker_kept_from_the_past_raises_no_alarm(airport: Airport) -> None:
    theirs = TheirButton(airport)
    press = theirs.signal("pressed")
    theirs.say(press)
    which = airport.open_moment("counter-a")["id"]
    theirs.say(theirs.signal("reset"))
    airport.becomes(which, state="ended")
    airport.quiet()
    airport.hub.stop()
    # Their firmware retains its signals, which the contract forbids: the broker hands them out again at every connect.
    theirs.say(theirs.signal("pressed"), retain=True)
    airport.hub_again()
    until(lambda: airport.hub.reader.quarantined() == 1)
    assert "retained" in airport.hub.reader.quarantine()[0].reason
    airport.quiet()
    assert [one["id"] for one in airport.moments()] == [which]
    # One that is known already is only a duplicate.
    airport.hub.stop()
    theirs.say(press, retain=True)
    airport.hub_again()
    airport.pager.say("node/desk-a1/signal", theirs.signal("pressed"))
    assert airport.open_moment("counter-a")["witnesses"] == ["desk-a1/mot"]
    assert airport.hub.reader.quarantined() == 1


def test_garbage_changes_nothing_and_is_seen(airport: Airport, screen: Page) -> None:
    theirs = TheirButton(airport)
    theirs.say(theirs.signal("pressed"))
    which = airport.open_moment("counter-a")["id"]
    airport.quiet()
    before = airport.moment(which)
    noise = random.Random(7)
    thrown: list[tuple[str, Any]] = [
        ("node/desk-a1/signal", b"\xff\xfe\x00"),
        ("node/desk-a1/signal", b"{" * 5000),
        ("node/desk-a1/signal", [1, None, "pressed"]),
        ("node/desk-a1/signal", theirs.signal("pressed") | {"mono": -1}),
        ("node/desk-a1/signal", theirs.signal("pressed") | {"device": "toaster"}),
        ("node/desk-a1/signal", theirs.signal("pressed") | {"surprise": 1}),
        ("node/desk-a1/signal", {"device": "mot"}),
        ("node/nobody/signal", theirs.signal("pressed")),
        ("node/desk-a1/state", {"state": "asleep"}),
        ("node/desk-a1/health", b"fine, thanks"),
        ("node/desk-a1/time", {"n": "one"}),
        ("feed/ops/signal", {"id": "g1", "touchpoint": "belt-99", "signal": "docked", "key": "K"}),
        ("feed/ops/signal", {"id": "g2", "touchpoint": "belt-3", "signal": "flown", "key": "K"}),
        ("feed/ops/signal", {"id": "g3", "touchpoint": "belt-3", "signal": "docked", "at": "2031-01-01T00:00:00.000Z"}),
        ("answer", {"page": "no such page", "do": "claim", "by": "p1"}),
        ("answer", {"moment": which, "do": "dance", "by": "p1"}),
        *(("node/desk-a1/signal", noise.randbytes(noise.randrange(1, 300))) for _ in range(20)),
    ]
    for topic, said in thrown:
        airport.pager.say(topic, said)
    until(lambda: airport.hub.reader.quarantined() >= len(thrown), "not all of it is in quarantine")
    airport.quiet()
    after = airport.moment(which)
    assert (after["change"], events(after)) == (before["change"], events(before))
    assert len(airport.moments()) == 1
    rows = airport.hub.reader.quarantine(limit=1000)
    assert all(row.reason and row.topic for row in rows)

    # A technician sees it, and why.
    screen.goto(f"{airport.url}/nodes")
    table = screen.get_by_role("region", name="Quarantine")
    expect(table).to_contain_text("node/desk-a1/signal")
    expect(table).to_contain_text("answer")
    assert "<script" not in table.inner_html()

    # And a real press after all that is a press.
    theirs.say(theirs.signal("reset"))
    assert airport.becomes(which, state="ended")["saved"] is True


def test_one_signal_over_two_ways(airport: Airport) -> None:
    docked = {"id": "dcs-17", "touchpoint": "belt-3", "signal": "docked", "key": "AG1234/2026-11-21"}
    airport.pager.say("feed/ops/signal", docked)
    assert airport.pager.hear("feed/ops/receipt") == {"ids": ["dcs-17"]}
    which = airport.open_moment("belt-3", docked["key"])["id"]
    assert airport.send("/signals", docked) == (202, {"accepted": 0, "duplicates": 1})
    status, problem = airport.send("/signals", docked | {"key": "AG9999/2026-11-21"})
    assert status == 409
    assert "dcs-17" in problem["detail"]
    # The other way round too.
    jam = {"id": "dcs-18", "touchpoint": "belt-3", "signal": "jammed"}
    assert airport.send("/signals", jam).status == 202
    airport.pager.say("feed/ops/signal", jam)
    airport.pager.hear("feed/ops/receipt", ids=["dcs-18"])
    airport.pager.say("feed/ops/signal", jam | {"key": "AG1234/2026-11-21"})
    until(lambda: airport.hub.reader.quarantined() == 1)
    moment = airport.moment(which)
    assert events(moment).count("threatened") == 1
    assert len(moment["signals"]) == 2

    # One bad member refuses the whole list, by its number, and nothing of it is kept.
    good = {"id": "dcs-19", "touchpoint": "belt-3", "signal": "docked", "key": "AG0871/2026-11-21"}
    status, problem = airport.send("/signals", [good, good | {"id": "dcs-20", "touchpoint": "belt-33"}])
    assert 400 <= status < 500
    assert problem["index"] == 1
    assert "belt-33" in problem["detail"]
    assert airport.moments("?key=AG0871/2026-11-21") == []
    assert airport.send("/signals", [good, good]) == (202, {"accepted": 1, "duplicates": 1})
    # Taken back: it never was.
    back = {"id": "dcs-21", "touchpoint": "belt-3", "signal": "docked", "retracts": "dcs-19"}
    assert airport.send("/signals", back).status == 202
    airport.quiet()
    assert airport.moments("?key=AG0871/2026-11-21") == []
    withdrawn = airport.moments("?key=AG0871/2026-11-21&withdrawn=true")
    assert [one["withdrawn"] for one in withdrawn] == [True]
