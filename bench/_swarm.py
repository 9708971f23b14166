"""Many nodes in a process of its own, as light as they get: sockets, the contract, and a spool each.

``python -m bench._swarm PORT NODES SIGNALS``: says ``up`` when all are connected and known. A node whose connection
breaks sees SIGNALS more; when the hub is online again it sends them in one list, after a pause by chance of up to a
second, and again after five seconds without a receipt. Says ``done`` and a line of JSON when all are receipted.
"""

from __future__ import annotations

import contextlib
import json
import random
import selectors
import socket
import struct
import sys
import time

from bench._hub import ROOT

PATIENCE_S = 5.0
PAUSE_S = 1.0
AGAIN_S = (0.25, 0.75)
APART_S = 0.04


def _field(text: bytes) -> bytes:
    return struct.pack("!H", len(text)) + text


def _packet(kind: int, body: bytes) -> bytes:
    n, length = len(body), bytearray()
    while True:
        n, low = divmod(n, 128)
        length.append(low | (128 if n else 0))
        if not n:
            return bytes([kind]) + bytes(length) + body


class Node:
    """One node: it connects again for ever, and keeps what is not receipted."""

    def __init__(self, swarm: Swarm, name: str) -> None:
        self.swarm, self.name = swarm, name
        self.sock: socket.socket | None = None
        self.due_s = 0.0
        """When it connects again."""
        self.send_s: float | None = None
        """When it sends its spool (again)."""
        self.session = self.seq = self.receipted = self.mid = 0
        self.known = False
        self.buffer = b""

    def connect(self) -> None:
        self.sock = sock = socket.socket()
        try:
            sock.connect(("127.0.0.1", self.swarm.port))
        except OSError:
            self.lost()
            return
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.session += 1
        self.buffer = b""
        self.swarm.selector.register(sock, selectors.EVENT_READ, self)
        will = json.dumps({"state": "lost", "session": self.session}).encode()
        topic = f"{ROOT}/node/{self.name}/state".encode()
        body = _field(b"MQTT") + bytes([4, 0x02 | 0x04 | 0x08 | 0x20]) + struct.pack("!H", 60)
        self.say_raw(_packet(0x10, body + _field(self.name.encode()) + _field(topic) + _field(will)))

    def lost(self) -> None:
        if self.sock is not None:
            with contextlib.suppress(KeyError, ValueError):
                self.swarm.selector.unregister(self.sock)
            self.sock.close()
            self.sock = None
        if self.known:
            self.known = False
            self.seq += self.swarm.signals
        self.send_s = None
        self.due_s = time.monotonic() + random.uniform(*AGAIN_S)

    def say_raw(self, data: bytes) -> None:
        if self.sock is not None:
            try:
                self.sock.sendall(data)
            except OSError:
                self.lost()

    def say(self, what: str, body: object, *, retain: bool = False) -> None:
        self.mid = self.mid % 65_535 + 1
        topic = _field(f"{ROOT}/node/{self.name}/{what}".encode())
        payload = json.dumps(body, separators=(",", ":")).encode()
        self.say_raw(_packet(0x33 if retain else 0x32, topic + struct.pack("!H", self.mid) + payload))

    def readable(self) -> None:
        assert self.sock is not None
        try:
            some = self.sock.recv(65_536)
        except OSError:
            some = b""
        if not some:
            self.lost()
            return
        self.buffer += some
        while (packet := self._next()) is not None:
            self._take(*packet)

    def _next(self) -> tuple[int, bytes] | None:
        length = shift = 0
        for at in range(1, min(len(self.buffer), 5)):
            length |= (self.buffer[at] & 127) << shift
            shift += 7
            if not self.buffer[at] & 128:
                if len(self.buffer) < at + 1 + length:
                    return None
                kind, body = self.buffer[0], self.buffer[at + 1 : at + 1 + length]
                self.buffer = self.buffer[at + 1 + length :]
                return kind, body
        return None

    def _take(self, kind: int, body: bytes) -> None:
        if kind >> 4 == 2:
            wanted = [f"node/{self.name}/{it}" for it in ("receipt", "time/reply", "config", "command")]
            wanted += ["hub/state", f"touchpoint/{self.name}/moment"]
            filters = b"".join(_field(f"{ROOT}/{name}".encode()) + b"\x01" for name in wanted)
            self.say_raw(_packet(0x82, b"\0\1" + filters))
        elif kind >> 4 == 9:
            mono = time.monotonic()
            self.say("state", {"state": "online", "session": self.session, "boot": "swarm"}, retain=True)
            self.say("time", {"n": self.session, "boot": "swarm", "mono": mono})
            if self.swarm.begun_s is None:
                self.known = True
        elif kind >> 4 == 3:
            size = struct.unpack_from("!H", body)[0]
            topic, rest = body[2 : 2 + size].decode(), body[2 + size :]
            if kind & 6:
                self.say_raw(_packet(0x40, rest[:2]))
                rest = rest[2:]
            self._hear(topic.removeprefix(f"{ROOT}/"), rest)

    def _hear(self, topic: str, payload: bytes) -> None:
        if topic == "hub/state" and b'"online"' in payload:
            self.known = True
            if self.seq > self.receipted and self.send_s is None:
                self.send_s = time.monotonic() + random.uniform(0, PAUSE_S)
        elif topic.endswith("/receipt"):
            self.receipted = max(self.receipted, json.loads(payload)["seq"])
            if self.receipted >= self.seq:
                self.send_s = None
                self.swarm.receipted(self)

    def spool(self) -> None:
        """Send what waits: presses and resets in turn, a little apart, some seconds ago."""
        self.send_s = time.monotonic() + PATIENCE_S
        self.swarm.lists += 1
        sent = time.monotonic()
        numbers = range(self.receipted + 1, self.seq + 1)
        self.say(
            "signal",
            [
                {
                    "device": "mot",
                    "signal": "pressed" if seq % 2 else "reset",
                    "seq": seq,
                    "boot": "swarm",
                    "mono": sent - (self.seq + 1 - seq) * APART_S,
                    "sent": sent,
                }
                for seq in numbers
            ],
        )


class Swarm:
    """All of them, in one thread."""

    def __init__(self, port: int, nodes: int, signals: int) -> None:
        self.port, self.signals = port, signals
        self.selector = selectors.DefaultSelector()
        self.nodes = [Node(self, f"desk-{n}") for n in range(nodes)]
        self.begun_s: float | None = None
        """When the broker was back."""
        self.times: dict[str, float] = {}
        self.lists = 0

    def receipted(self, node: Node) -> None:
        if self.begun_s is not None:
            self.times.setdefault(node.name, time.monotonic() - self.begun_s)

    def step(self) -> None:
        for key, _ in self.selector.select(0.01):
            if key.data.sock is not None:
                key.data.readable()
        now_s = time.monotonic()
        for node in self.nodes:
            if node.sock is None and now_s >= node.due_s:
                node.connect()
            elif node.known and node.send_s is not None and now_s >= node.send_s:
                node.spool()

    def run(self) -> None:
        while not all(node.known for node in self.nodes):
            self.step()
        print("up", flush=True)
        while not all(node.seq for node in self.nodes):
            self.step()
        while True:  # until the broker is back
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port), 0.2):
                break
            time.sleep(0.005)
        self.begun_s = time.monotonic()
        while len(self.times) < len(self.nodes):
            self.step()
        print("done", flush=True)
        print(json.dumps({"times": sorted(self.times.values()), "lists": self.lists}), flush=True)


if __name__ == "__main__":
    Swarm(*map(int, sys.argv[1:4])).run()
