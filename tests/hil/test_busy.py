"""A line that another program has: which, and whose, and nothing else suffers."""

from __future__ import annotations

import sys

from tests.hil.hall import Hall

HOLD = "import lgpio, threading; lgpio.gpio_claim_output(lgpio.gpiochip_open(0), 13); print('held', flush=True); threading.Event().wait()"  # noqa: E501


def test_a_busy_line_costs_its_device_and_not_the_node(hall: Hall) -> None:
    hall.call("programs:start", "holder", sys.executable, "-c", HOLD)
    hall.call("programs:said", "holder", "held")
    since = hall.mark()
    hall.node("annex")
    _, health = hall.hear("node/annex/health", since, **{"devices.free.level": "off"})
    busy = "is in use by another program, which the kernel calls 'lg'"
    # The node `hall` has 17; the holder has the lamp's line of the other button.
    assert health["devices"]["taken"]["fault"].startswith(f"GPIO 17 {busy}")
    assert health["devices"]["half"]["fault"].startswith(f"GPIO 13 {busy}")
    assert {health["devices"][name]["level"] for name in ("taken", "half")} == {"unknown"}
    assert "GPIO 13" in hall.call("programs:said", "annex")

    # It is visible at the hub, the rest of this node works, and so does the node that had the line first.
    (node,) = [one for one in hall.call("ear:get", "/api/v1/nodes")["items"] if one["id"] == "annex"]
    assert "GPIO 13" in str(node)
    down_s, lit_s, _ = hall.press(20, 21)
    assert lit_s is not None
    (press,) = hall.wait_signals("annex", since, down_s)
    assert press["device"] == "free"
    hall.fence(since)

    # The holder ends; asked to look again, the node has the device.
    hall.call("programs:end", "holder")
    again = hall.mark()
    hall.call("ear:say", "node/annex/command", {"do": "reload"})
    hall.hear("node/annex/health", again, **{"devices.half.level": "off"})
    down_s, lit_s, _ = hall.press(19, 13)
    assert lit_s is not None
    (press,) = hall.wait_signals("annex", again, down_s)
    assert press["device"] == "half"
    assert hall.call("programs:end", "annex") == 0
