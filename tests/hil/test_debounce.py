"""A worn-out contact and a loose wire, on the interrupts of a real kernel."""

from __future__ import annotations

import queue
from itertools import pairwise

from edge.devices import Edge, Hands, Input, make
from edge.devices.mock import MockBoard
from tests.edge.conftest import HandClock, device
from tests.hil.hall import FOOT, LAMP, MARK, MOT, Hall

SETTLE_S, SLACK_S = 0.03, 0.005
"""The button's own settling time; and how exactly the emulated machine keeps the times of the pulls."""
EXACT_S = 0.05
FOOT_S = 0.08
PRESSES = 8

Pulls = list[tuple[float, str]]


def stumbled(pulls: Pulls) -> bool:
    """Say whether the machine, and not the button, made a bounce so long that it may or may not be a press."""
    return any(SETTLE_S - SLACK_S < later - earlier < 0.1 for (earlier, _), (later, _) in pairwise(pulls))


def settled(pulls: Pulls) -> float:
    """Return since when a press stands: the last time its line went down before it stood."""
    return next(at_s for (at_s, way), (later_s, _) in pairwise(pulls) if way == "down" and later_s - at_s > 0.1)


def knock(hall: Hall) -> float:
    """Knock against the foot switch, shorter than a foot; again if the machine took longer over it. Return when."""
    down_s, up_s = 0.0, 1.0
    while up_s - down_s > FOOT_S - SLACK_S:
        hall.call("lines:play", FOOT, [(0.3, "up")])
        down_s, up_s = hall.call("lines:tap", FOOT, 0.01)
    return down_s


def on_mock_pins(pulls: Pulls) -> list[float]:
    """Return the times of the presses that the mock pins of the other tests make of it."""
    clock, edges = HandClock(mono_s=pulls[0][0] - 1), queue.SimpleQueue[Edge]()
    board = MockBoard(clock)
    button = make(Hands("mot", device("mot-button", button=MOT), board.factory, clock, edges.put))
    assert isinstance(button, Input)
    reports = []
    for at_s, way in pulls:
        clock.mono = at_s
        board.drive(MOT, high=way == "up")
        while not edges.empty():
            edge = edges.get()
            reports += button.feed(edge.at_s, edge.level)
    reports += button.advance(pulls[-1][0] + 1)
    board.close()
    return [report.at_s for report in reports if report.occasion == "press"]


def test_a_bouncing_button_is_one_press_when_it_began_to_stand(hall: Hall, figures: list[str]) -> None:
    since = hall.mark()
    made = hall.worn("bounce", MOT, PRESSES, 7)
    last = hall.fence(since)
    presses = [one for one in hall.signals("hall", since) if one["signal"] == "pressed" and one["seq"] < last["seq"]]
    clean = [pulls for pulls in made if not stumbled(pulls)]
    assert len(clean) > PRESSES / 2, "the machine is too slow to bounce"
    late = []
    for pulls in clean:
        (press,) = [one for one in presses if pulls[0][0] - 0.01 <= one["mono"] <= pulls[-1][0] + 0.05]
        late.append(press["mono"] - settled(pulls))
        assert on_mock_pins(pulls) == [settled(pulls)]
    assert min(late) > -0.001
    assert max(late) < EXACT_S
    if len(clean) == PRESSES:
        assert len(presses) == PRESSES
    edges = sum(len(pulls) for pulls in clean)
    figures.append(
        f"{len(clean)} bouncing presses, {edges} edges: one press each, at most {max(late) * 1e3:.1f} ms late"
    )


def test_a_foot_switch_settles_longer(hall: Hall) -> None:
    since = hall.mark()
    knock_s = knock(hall)
    down_s, *_ = hall.press(FOOT, for_s=0.2)
    hall.fence(since)
    presses = [one for one in hall.signals("hall", since) if one["device"] == "foot"]
    (press,) = [one for one in presses if one["mono"] >= knock_s]
    assert 0 <= press["mono"] - down_s < EXACT_S


def test_a_beam_that_flickers_is_neither_a_line_nor_none(hall: Hall) -> None:
    since = hall.mark()
    flicker = [(0.05, "down"), (0.05, "up"), (0.05, "down"), (0.06, "up")]
    hall.call("lines:play", MARK, flicker)
    (stood_s,) = hall.call("lines:play", MARK, [(0.3, "down")])
    hall.call("lines:play", MARK, [(0.5, "up"), (0.05, "down"), (0.05, "up")])
    hall.hear("node/hall/signal", since, signal="cleared")
    reached, cleared = [one for one in hall.signals("hall", since) if one["device"] == "mark"]
    assert (reached["signal"], cleared["signal"]) == ("reached", "cleared")
    assert 0 <= reached["mono"] - stood_s < EXACT_S
    assert cleared["mono"] > reached["mono"] + 0.5


def test_a_loose_wire_is_a_fault_and_no_customer(hall: Hall, figures: list[str]) -> None:
    since = hall.mark()
    (pulls,) = hall.worn("shake", FOOT, 80)
    _, health = hall.hear("node/hall/health", since, **{"devices.foot.fault": "chattering"})
    stood = [1 for (at_s, way), (later_s, _) in pairwise(pulls) if way == "down" and later_s - at_s > FOOT_S - SLACK_S]
    assert len([one for one in hall.signals("hall", since) if one["device"] == "foot"]) <= len(stood)
    assert health["devices"]["mark"].get("fault") is None
    # The rest of the node is as quick as ever: nothing of the storm stands in front of a press.
    down_s, lit_s, _ = hall.press(MOT, LAMP)
    assert hall.wait_signals("hall", since, down_s)[0]["mono"] - down_s < EXACT_S
    assert lit_s is not None
    rate = len(pulls) / (pulls[-1][0] - pulls[0][0])
    figures.append(f"a loose wire with {rate:.0f} edges/s: a fault and no press; the other buttons work")
