"""A red button of your own, with nothing of Andgate's: Enter presses, r and Enter resets, q and Enter ends.

    python button.py HOST PORT SITE TOUCHPOINT FEED

It keeps every press until the hub says that it is stored, and sends it again whenever the hub comes online, which it
also hears on every reconnect. `id` makes that safe.
"""

import json
import socket
import sys
import uuid
from datetime import UTC, datetime

import paho.mqtt.client as mqtt

host, port, site, touchpoint, feed = sys.argv[1:]
root = f"andgate/v1/{site}"
waiting = {}  # id -> message without a receipt; a real button keeps these on disk


def connected(client, *_):
    client.subscribe([(f"{root}/feed/{feed}/receipt", 1), (f"{root}/hub/state", 1)])


def heard(client, _data, message):
    said = json.loads(message.payload)
    for stored in said.get("ids", []):
        if waiting.pop(stored, None):
            print("the hub has", stored, flush=True)
    if said.get("state") == "online":
        for signal in list(waiting.values()):
            client.publish(f"{root}/feed/{feed}/signal", signal, qos=1)


client = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2)
client.on_connect, client.on_message = connected, heard
client.on_socket_open = lambda _client, _data, sock: sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
client.connect_async(host, int(port))
client.loop_start()
for line in iter(sys.stdin.readline, "q\n"):
    signal = {"id": f"{feed}-{uuid.uuid4()}", "touchpoint": touchpoint}
    signal["signal"] = "reset" if line.startswith("r") else "pressed"
    signal["at"] = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    waiting[signal["id"]] = json.dumps(signal)
    client.publish(f"{root}/feed/{feed}/signal", waiting[signal["id"]], qos=1)
client.disconnect()
