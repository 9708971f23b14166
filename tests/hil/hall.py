"""A whole site in one machine: a broker, the hub, and nodes on the pins of a real kernel."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from tests.hil.machine import Machine, WrongError

PLAN = Path(__file__).with_name("hall.toml")
BROKER = "listener 1883 127.0.0.1\nallow_anonymous true\nset_tcp_nodelay true\npersistence false\nuser root\n"
MOT, LAMP, FOOT, MARK = 17, 27, 23, 22
"""The lines of `hall.toml`, by what hangs on them."""


class Hall:
    """The programs of a site, started in a machine."""

    def __init__(self, machine: Machine, plan: Path = PLAN, data: str = "/run/data") -> None:
        """Start the broker; hub and nodes come on request."""
        self.machine, self._data = machine, data
        self.call = machine.call
        self.call("programs:write", "/run/plan.toml", plan.read_text(encoding="utf-8"))
        self.call("programs:write", "/run/mosquitto.conf", BROKER)
        self.call("programs:start", "broker", "mosquitto", "-c", "/run/mosquitto.conf")
        self.call("programs:said", "broker", "running")

    def hub(self) -> None:
        """Start the hub, without waiting for it."""
        words = ("--plan", "/run/plan.toml", "--data", f"{self._data}/hub", "--broker", "mqtt://127.0.0.1")
        self.call("programs:start", "hub", "andgate", "hub", *words)

    def node(self, name: str) -> None:
        """Start a node on the real pins, without waiting for it."""
        words = ("--node", name, "--broker", "mqtt://127.0.0.1", "--data", f"{self._data}/{name}", "--pins", "lgpio")
        self.call("programs:start", name, "andgate", "edge", *words)

    def ready(self, node: str) -> None:
        """Wait until the hub serves, and a node has its devices and the time."""
        self.call("programs:said", "hub", "dashboard")
        self.call("programs:said", node, "armed")
        self.hear(f"node/{node}/time/reply")
        self.hear(f"node/{node}/health")

    def mark(self) -> int:
        """What is heard from now on is heard `since` this."""
        return int(self.call("ear:mark"))

    def hear(self, topic: str, since: int = 0, **like: Any) -> tuple[float, Any]:
        """Wait for a message; return when it was heard, on the machine's clock, and it."""
        try:
            at_s, said = self.call("ear:hear", topic, since, **like)
        except WrongError as wrong:
            raise WrongError(f"{wrong}\nthe programs say: {self.call('programs:logs')}") from None
        return at_s, said

    def signals(self, node: str, since: int = 0) -> list[Any]:
        """Return the signals that a node has sent, each once, in the order of their numbers."""
        heard = {(said["boot"], said["seq"]): said for _, said in self.call("ear:heard", f"node/{node}/signal", since)}
        return sorted(heard.values(), key=lambda said: (said["boot"], said["seq"]))

    def press(self, button: int, lamp: int | None = None, for_s: float = 0.12) -> list[Any]:
        """Press a button; return when it went down, when its lamp was lit, and when it was let go."""
        times: list[Any] = self.call("hand:press", button, lamp, for_s)
        return times

    def worn(self, what: str, *numbers: int) -> list[list[tuple[float, str]]]:
        """Let a contact bounce or shake, see `guest/worn.py`; return the pulls."""
        words = " ".join(str(number) for number in numbers)
        code, said = self.call("programs:sh", f"{sys.executable} -m tests.hil.guest.worn {what} {words}")
        assert code == 0, said
        return [[(at_s, way) for at_s, way in pulls] for pulls in json.loads(said)]

    def fence(self, since: int, button: int = MOT) -> Any:
        """Press, and wait until that is heard: whatever the node had to say before is said then. Return that signal."""
        down_s, _, up_s = self.press(button)
        (signal,) = self.wait_signals("hall", since, down_s)
        assert up_s > down_s
        return signal

    def wait_signals(self, node: str, since: int, after_s: float) -> list[Any]:
        """Wait for a press later than that; return the presses since then."""
        self.call("ear:hear_later", f"node/{node}/signal", since, "pressed", after_s)
        return [one for one in self.signals(node, since) if one["signal"] == "pressed" and one["mono"] >= after_s]
