"""A pager: prints every page of one group, and claims it when somebody presses Enter.

A drill it answers by itself, without a sound: so the hub knows that this pager is there and listens.

python pager.py HOST PORT SITE GROUP WHO
"""

import json
import sys

import paho.mqtt.client as mqtt

host, port, site, group, who = sys.argv[1:]
root = f"andgate/v1/{site}"
last = []


def heard(_client, _data, message):
    page = json.loads(message.payload)
    if page["kind"] == "drill":
        client.publish(f"{root}/answer", json.dumps({"page": page["id"], "do": "seen", "by": who}), qos=1)
        return
    last[:] = [page["id"]] if page["kind"] == "page" else []
    print(f"{page['kind']}: {page['text']}", flush=True)  # from here on Enter answers it


client = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2)
client.on_connect = lambda client, *_: client.subscribe(f"{root}/page/{group}", qos=1)
client.on_subscribe = lambda *_: print("listening", flush=True)
client.on_message = heard
client.connect_async(host, int(port))
client.loop_start()
for _ in iter(sys.stdin.readline, "q\n"):
    if last:
        answer = {"page": last[0], "do": "claim", "by": who, "promise_s": 120}
        client.publish(f"{root}/answer", json.dumps(answer), qos=1)
client.disconnect()
