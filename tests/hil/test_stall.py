"""The node's program gets no time for seconds, as on a Pi whose card stalls: what fingers did meanwhile, they did."""

from __future__ import annotations

from signal import SIGCONT, SIGSTOP

from tests.hil.hall import MARK, MOT, Hall

EXACT_S = 0.05
"""A pull is seen by the kernel that soon, however late by the node; most of it is the emulation."""


def test_a_press_while_the_node_stands_still_counts_from_its_own_time(hall: Hall) -> None:
    since = hall.mark()
    hall.call("programs:send", "hall", SIGSTOP)
    first_s, *_ = hall.press(MOT, for_s=0.15)
    second_s, *_ = hall.press(MOT, for_s=0.15)
    hall.call("programs:send", "hall", SIGCONT)
    last = hall.fence(since)
    first, second, _ = hall.signals("hall", since)
    assert last["seq"] == second["seq"] + 1
    assert (first["device"], second["device"]) == ("mot", "mot")
    assert 0 <= first["mono"] - first_s < EXACT_S
    assert 0 <= second["mono"] - second_s < EXACT_S


def test_a_short_press_is_no_reset_though_the_node_woke_up_long_after(hall: Hall) -> None:
    since = hall.mark()
    (down_s,) = hall.call("lines:play", MOT, [(0.0, "down")])
    hall.wait_signals("hall", since, down_s)
    hall.call("programs:send", "hall", SIGSTOP)
    hall.call("lines:play", MOT, [(0.1, "up"), (2.5, "up")])
    hall.call("programs:send", "hall", SIGCONT)
    hall.fence(since)
    assert [one["signal"] for one in hall.signals("hall", since)] == ["pressed", "pressed"]


def test_a_knock_is_no_press_though_the_node_woke_up_long_after(hall: Hall) -> None:
    since = hall.mark()
    hall.call("programs:send", "hall", SIGSTOP)
    hall.call("lines:play", MARK, [(0.0, "down"), (0.1, "up"), (1.5, "up")])  # a beam that settles for 200 ms
    hall.call("programs:send", "hall", SIGCONT)
    hall.fence(since)
    assert [one["device"] for one in hall.signals("hall", since)] == ["mot"]


def test_a_hold_while_the_node_stands_still_is_a_hold(hall: Hall) -> None:
    since = hall.mark()
    hall.call("programs:send", "hall", SIGSTOP)
    down_s, *_ = hall.press(MOT, for_s=2.4)
    hall.call("programs:send", "hall", SIGCONT)
    hall.hear("node/hall/signal", since, signal="reset")
    pressed, reset = hall.signals("hall", since)
    assert 0 <= pressed["mono"] - down_s < EXACT_S
    assert abs(reset["mono"] - pressed["mono"] - 2.0) < 0.002
    assert reset["press"] == pressed["seq"]
