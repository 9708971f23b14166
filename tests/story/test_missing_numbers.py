"""The hub sees by the numbers what it has not got: it asks, and gets it, or learns that it is gone for good."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from typing import Any

from tests.story.airport import MOT, Airport
from tests.story.stage import until


def test_what_is_missing_is_asked_for_and_what_is_gone_is_said(airport: Airport) -> None:
    desk = airport.node("desk-a1", on_the_cable=True)
    airport.cable.cut()
    until(lambda: not desk.app.connected)
    for waiting in (1, 2, 3):
        desk.press(MOT)
        until(lambda waiting=waiting: desk.kept == waiting)  # type: ignore[misc]
        airport.clock.leap(1)
    desk.app.crash()
    # As after a backup that was put back: the first counts as receipted, and the second is not there any more.
    with closing(sqlite3.connect(airport.folder / "desk-a1" / "spool.db")) as spool, spool:
        (first,) = spool.execute("select min(seq) from entry where receipted_ms is null").fetchone()
        spool.execute("update entry set receipted_ms = ? where seq = ?", (airport.clock.now_ms(), first))
        spool.execute("delete from entry where seq = ?", (first + 1,))
    airport.cable.mend()
    desk.start()
    until(lambda: first + 2 in _numbers(airport))

    def healthy() -> bool:
        airport.clock.leap(15.5)
        desk.poke()
        return first in _numbers(airport)

    until(healthy)
    gap = until(lambda: [it for it in _signals(airport) if it["name"] == "gap"])[0]
    assert (gap["about"]["from"], gap["about"]["to"]) == (first + 1, first + 1)
    assert len([it for it in _signals(airport) if it["name"] == "pressed"]) == 2
    until(lambda: desk.idle)


def _signals(airport: Airport) -> list[dict[str, Any]]:
    found = [it for entry in airport.hub.reader.entries() for it in json.loads(entry.body).get("in", ())]
    return [it for it in found if it.get("source") == "desk-a1"]


def _numbers(airport: Airport) -> list[int]:
    return [it["seq"] for it in _signals(airport)]
