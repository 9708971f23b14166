"""Many virtual nodes in a process of their own, some dozens to a connection: births, health every 15 s, presses.

``python -m bench._crowd PORT NODES``: connects, is born, says ``born`` when the broker has every birth, then says how
each node is every 15 s, evenly spread, and presses and resets buttons in turn until its input ends.
"""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
import threading
import time
from collections.abc import Iterator

import paho.mqtt.client as mqtt

from andgate.plan import parse_plan
from bench._hub import ROOT, plan_text
from bench._mqtt import client
from hub.fleet.wanted import node_config

A_CONNECTION = 50
HEALTH_S = 15.0
PRESSES_A_SECOND = 10
BOOT = "crowd"
TICK_S = 0.01


def crowd_plan(nodes: int) -> str:
    """Return the plan for measuring, with so many more nodes, two to a line."""
    lines = [f"crowd-{n}" for n in range(nodes // 2)]
    parts = [plan_text()]
    parts += [f'[touchpoints.{line}]\nname = "Crowd {n}"\ngroup = "staff"\n' for n, line in enumerate(lines)]
    parts += [
        f'[nodes.virtual-{n}]\ntouchpoint = "{lines[n // 2]}"\n'
        f'[nodes.virtual-{n}.devices.mot]\nkind = "mot-button"\nbutton = 17\nlamp = 27\n'
        for n in range(nodes)
    ]
    parts.append(
        '[expectations.queue]\npromise = "I wait no more than 20 minutes."\n'
        f"touchpoints = {json.dumps(lines)}\n"
        'opens = ["pressed"]\ncloses = ["reset"]\nfails_after = "10m"\n'
        '[[expectations.queue.pages]]\nleft = "5m"\ngroup = "staff"\n'
    )
    return "".join(parts)


@contextlib.contextmanager
def crowd(port: int, nodes: int) -> Iterator[None]:
    """Let so many nodes live, from when all are born."""
    command = [sys.executable, "-m", "bench._crowd", str(port), str(nodes)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        try:
            if process.stdout is None or process.stdout.readline() != b"born\n":
                raise RuntimeError("the virtual nodes were not born")
            yield
        finally:
            if process.stdin is not None:
                process.stdin.close()
            process.wait(30)


class Crowd:
    """The nodes of all connections."""

    def __init__(self, clients: list[mqtt.Client], nodes: int) -> None:
        """Speak for so many nodes."""
        self._clients = clients
        self._nodes = nodes
        self._seqs = [0] * nodes
        plan = parse_plan(crowd_plan(nodes))
        self._configs = [node_config(plan, plan.nodes[f"virtual-{n}"]).hash for n in range(nodes)]

    def say(self, node: int, kind: str, body: object, *, retain: bool = False) -> mqtt.MQTTMessageInfo:
        """Publish for one node."""
        topic = f"{ROOT}/node/virtual-{node}/{kind}"
        return self._clients[node // A_CONNECTION].publish(topic, json.dumps(body).encode(), qos=1, retain=retain)

    def born(self) -> None:
        """Say every birth, and wait until the broker has it."""
        said = [
            self.say(
                node, "state", {"state": "online", "session": 1, "boot": BOOT, "run": 1, "config": config}, retain=True
            )
            for node, config in enumerate(self._configs)
        ]
        for each in said:
            each.wait_for_publish(60)

    def health(self, node: int) -> None:
        """Say how a node is."""
        off = {"level": "off"}
        body = {"boot": BOOT, "mono": time.monotonic(), "devices": {"mot": off}, "config": self._configs[node]}
        self.say(node, "health", body)

    def press(self, n: int) -> None:
        """Press, and the next time reset, one button after the other."""
        node, mono = n // 2 * 2 % self._nodes, time.monotonic()
        self._seqs[node] += 1
        body = {"device": "mot", "signal": "reset" if n % 2 else "pressed", "boot": BOOT, "mono": mono, "sent": mono}
        self.say(node, "signal", {**body, "seq": self._seqs[node]})

    def live(self, over: threading.Event) -> None:
        """Go on until it is over."""
        begun = time.monotonic()
        healths = presses = 0
        while not over.wait(TICK_S):
            for_s = time.monotonic() - begun
            while healths < for_s * self._nodes / HEALTH_S:
                self.health(healths % self._nodes)
                healths += 1
            while presses < for_s * PRESSES_A_SECOND:
                self.press(presses)
                presses += 1


def main() -> None:
    port, nodes = int(sys.argv[1]), int(sys.argv[2])
    over = threading.Event()
    with contextlib.ExitStack() as stack:
        clients = []
        for first in range(0, nodes, A_CONNECTION):
            topics = [
                f"{ROOT}/node/virtual-{n}/{kind}"
                for n in range(first, min(nodes, first + A_CONNECTION))
                for kind in ("config", "receipt", "command")
            ]
            hear = (f"{ROOT}/hub/state", f"{ROOT}/hub/beat", *topics)
            clients.append(stack.enter_context(client(port, lambda _t, _p: None, *hear)))
        them = Crowd(clients, nodes)
        them.born()
        print("born", flush=True)
        threading.Thread(target=them.live, args=(over,), daemon=True).start()
        sys.stdin.read()
        over.set()


if __name__ == "__main__":
    main()
