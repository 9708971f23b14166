"""What happened first is told first, to the millisecond, by a real kernel."""

from __future__ import annotations

from tests.hil.hall import MARK, MOT, Hall

HOLD_S = 2.0


def test_a_held_button_is_a_press_at_once_and_a_reset_when_it_has_been_held(hall: Hall) -> None:
    since = hall.mark()
    down_s, _, up_s = hall.press(MOT, for_s=HOLD_S + 0.4)
    heard_s, _ = hall.hear("node/hall/signal", since, signal="reset")
    pressed, reset = hall.signals("hall", since)
    assert (pressed["signal"], reset["signal"]) == ("pressed", "reset")
    assert (reset["seq"], reset["press"]) == (pressed["seq"] + 1, pressed["seq"])
    assert 0 <= pressed["mono"] - down_s < 0.05
    assert abs(reset["mono"] - pressed["mono"] - HOLD_S) < 0.002
    assert heard_s - reset["mono"] < up_s - down_s, "it must be told when it is reached, not when the finger goes up"


def test_lines_that_change_within_a_millisecond_keep_their_order(hall: Hall) -> None:
    rounds = 12
    for number in range(rounds):
        since = hall.mark()
        first, second = (MOT, MARK) if number % 2 else (MARK, MOT)
        times = hall.call("lines:both", first, second, 0.0005)
        hall.hear("node/hall/signal", since, signal="cleared")
        said = {one["device"]: one["mono"] for one in hall.signals("hall", since) if one["signal"] != "cleared"}
        assert set(said) == {"mot", "mark"}
        assert (said["mot"] < said["mark"]) == (first == MOT), (said, times)
