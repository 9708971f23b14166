"""An ear on the machine's broker: whatever is published, with when it was heard; and the hub's API for questions."""

from __future__ import annotations

import json
import socket
import threading
import time
import urllib.request
from typing import Any

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion

ROOT = "andgate/v1/agx"
WAIT_S = 120.0
_heard: list[tuple[float, str, Any]] = []
_changed = threading.Condition()
_client = mqtt.Client(CallbackAPIVersion.VERSION2)


def listen(port: int = 1883) -> None:
    """Begin to listen; from now on nothing is missed."""
    up = threading.Event()
    _client.on_socket_open = _no_delay
    _client.on_connect = lambda client, *_: client.subscribe(f"{ROOT}/#", 1)
    _client.on_subscribe = lambda *_: up.set()
    _client.on_message = _hear
    _client.connect("127.0.0.1", port)
    _client.loop_start()
    if not up.wait(WAIT_S):
        raise AssertionError("the broker does not answer")


def _no_delay(_client: mqtt.Client, _data: object, sock: Any) -> None:
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)


def _hear(_client: mqtt.Client, _data: object, message: mqtt.MQTTMessage) -> None:
    now_s = time.monotonic()
    said = json.loads(message.payload) if message.payload else None
    with _changed:
        topic, all_of_it = message.topic.removeprefix(f"{ROOT}/"), said if isinstance(said, list) else [said]
        _heard.extend((now_s, topic, one) for one in all_of_it)
        _changed.notify_all()


def mark() -> int:
    """Return how much has been heard, for `since`."""
    return len(_heard)


def heard(topic: str, since: int = 0) -> list[tuple[float, Any]]:
    """Return what was heard on a topic: (when, what) each."""
    return [(at_s, said) for at_s, where, said in _heard[since:] if where == topic]


def hear(topic: str, since: int = 0, **like: Any) -> tuple[float, Any]:
    """Wait for a message that has these values; return when it came, and it."""

    def found() -> tuple[float, Any] | None:
        return next(
            (one for one in heard(topic, since) if all(_dig(one[1], name) == wanted for name, wanted in like.items())),
            None,
        )

    with _changed:
        if not _changed.wait_for(lambda: found() is not None, WAIT_S):
            raise AssertionError(f"never heard {like} on {topic}, but {heard(topic, since)}")
        answer = found()
    assert answer is not None
    return answer


def _dig(said: Any, name: str) -> Any:
    """Return a value that is some levels down: ``devices.mot.fault``."""
    for step in name.split("."):
        said = said.get(step) if isinstance(said, dict) else None
    return said


def say(topic: str, said: Any) -> None:
    """Publish something."""
    _client.publish(f"{ROOT}/{topic}", json.dumps(said), qos=1).wait_for_publish(WAIT_S)


def get(path: str, port: int = 8080) -> Any:
    """Ask the hub's API."""
    with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=WAIT_S) as answer:
        return json.load(answer)


def hear_later(topic: str, since: int, signal: str, after_s: float) -> None:
    """Wait for a signal of that name from after that instant, on the machine's clock."""
    with _changed:
        there = _changed.wait_for(
            lambda: any(said["signal"] == signal and said["mono"] >= after_s for _, said in heard(topic, since)), WAIT_S
        )
    if not there:
        raise AssertionError(f"never heard {signal} after {after_s} on {topic}, but {heard(topic, since)}")


def post(path: str, body: Any, port: int = 8080) -> Any:
    """Ask the hub's API to do something."""
    request = urllib.request.Request(
        f"http://127.0.0.1:{port}{path}", json.dumps(body).encode(), {"content-type": "application/json"}
    )
    with urllib.request.urlopen(request, timeout=WAIT_S) as answer:
        return json.load(answer)


def all_ended(count: int) -> list[Any]:
    """Wait until so many moments have ended and none is open; return them, each with its trail."""
    pause, items = threading.Event(), []
    for _ in range(int(WAIT_S / 0.5)):
        page = get("/api/v1/moments")
        items = page["items"]
        while page["next"] is not None:
            page = get(f"/api/v1/moments?cursor={page['next']}")
            items += page["items"]
        if len(items) >= count and all(one["state"] == "ended" for one in items):
            return [get(f"/api/v1/moments/{one['id']}") for one in items]
        pause.wait(0.5)
    raise AssertionError(f"{count} were pressed, and there are {len(items)}: {items}")
