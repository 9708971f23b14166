"""A break room: a beacon, a voice and a pager tell its group; the big button says that somebody comes."""

from __future__ import annotations

import io
import shutil
import subprocess
import wave
from collections.abc import Iterator
from pathlib import Path

import pytest
from msgspec.structs import replace

from edge import pocsag
from hub.notify.channels.snpp import plain
from tests.hub.desk import WAIT_S
from tests.hub.receivers import NOTE
from tests.story.airport import LAMP, MOT, Airport
from tests.story.stage import holds, until

BUTTON, BEACON, BUZZER = 16, 21, 26
ROOM = f"""
[channels.pager]
url = "pocsag://break-room/1234567?baud=1200"
[nodes.break-room.devices.alarm]
kind = "annunciator"
group = "ticket-agents"
button = {BUTTON}
beacon = {BEACON}
buzzer = {BUZZER}
[nodes.break-room.devices.voice]
kind = "speaker"
group = "ticket-agents"
[nodes.break-room.devices.mast]
kind = "transmitter"
ptt = 7
"""
SENT, SPOKEN, SOUNDED = "sent at break-room/mast", "spoken at break-room/voice", "sounded at break-room/alarm"
AGENTS = 'name = "Ticket agents"\nchannels = ["radio"]'


@pytest.fixture
def airport(tmp_path: Path, airport_toml: str) -> Iterator[Airport]:
    assert AGENTS in airport_toml
    plan = airport_toml.replace(AGENTS, AGENTS.replace('"radio"]', '"radio", "pager"]'))
    there = Airport(tmp_path, plan + ROOM)
    yield there
    there.close()


def decoded(wav: bytes) -> str:
    """Return what Debian's decoder reads; without it, nothing."""
    if shutil.which("multimon-ng") is None:
        return ""
    with wave.open(io.BytesIO(wav)) as file:
        raw = file.readframes(file.getnframes()) + bytes(pocsag.RATE_HZ)
    command = ["multimon-ng", "-q", "-t", "raw", "-a", "POCSAG1200", "-f", "alpha", "-"]
    return str(subprocess.run(command, input=raw, capture_output=True, check=True, timeout=WAIT_S).stdout, "utf-8")


def test_a_line_is_seen_heard_said_and_paged_and_the_big_button_claims_it(airport: Airport) -> None:
    desk, room = airport.node("desk-a1"), airport.node("break-room")
    sound, beacon = room.board.factory.sound, room.lamp(BEACON)
    assert not beacon.lit

    # A line: the beacon, a voice, and a pager on the site's own frequency.
    desk.press(MOT)
    which = airport.open_moment("counter-a")["id"]
    until(lambda: beacon.lit, "the beacon is dark")
    until(lambda: sound.said, "nobody has spoken")
    assert sound.said[0].startswith("Check-in counter A")
    airport.quiet()
    (page,) = [row for row in airport.hub.reader.pages(moment=which).items if row.channel == "pager"]
    assert page.state == "sent"
    assert set(page.note.split("; ")) <= {"", SENT, SPOKEN, SOUNDED}, "nothing went wrong"
    shown = plain(replace(NOTE, page=replace(NOTE.page, text=page.text)))
    air = next(wav for wav in sound.played if wav == pocsag.wav(pocsag.page(1_234_567, shown), 1200))
    if read := decoded(air):
        assert "Address: 1234567" in read
        assert shown in read

    # What became of it stands on the page, for who asks why nobody came.
    def notes() -> str:
        return "; ".join(row.note for row in airport.hub.reader.pages(moment=which).items)

    until(lambda: SOUNDED in notes(), notes)
    until(lambda: SPOKEN in notes(), notes)

    # Somebody gets up and hits the button: the beacon goes dark, and the desk's lamp pulses slowly.
    room.press(BUTTON)
    airport.becomes(which, claimed_by="Ticket agents")
    until(lambda: not beacon.lit, "the beacon is lit")
    desk.lamp(LAMP).slow()

    # It is over, and whoever was away meanwhile hears nothing of it.
    room.app.stop()
    said = len(sound.said)
    desk.board.press(MOT, for_s=2.5)
    airport.becomes(which, verdict="success", saved=True)
    room.start()
    until(lambda: room.app.connected, "the node does not come back")
    airport.quiet()
    assert not beacon.lit
    assert len(sound.said) == said


def test_a_mast_that_is_gone_is_known_at_once_and_tried_again(airport: Airport) -> None:
    desk = airport.node("desk-a1")
    desk.press(MOT)
    which = airport.open_moment("counter-a")["id"]

    def pager_row() -> str:
        rows = [row for row in airport.hub.reader.pages(moment=which).items if row.channel == "pager"]
        return rows[0].note if rows else ""

    until(lambda: "the transmitter's node is not there" in pager_row(), pager_row)
    room = airport.node("break-room")

    def sent() -> bool:
        return "sent" in [row.state for row in airport.hub.reader.pages(moment=which).items if row.channel == "pager"]

    for _ in range(3):  # it is tried more and more rarely
        if holds(sent, 8.0):
            break
        airport.clock.leap(20)
        room.poke()
    until(sent, pager_row)
