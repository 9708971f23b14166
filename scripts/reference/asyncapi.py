"""The MQTT contract as an AsyncAPI 3.0 document."""

from __future__ import annotations

import re
from typing import Any

import msgspec

from andgate.wire import messages
from andgate.wire.topics import RETAINED, ROOT
from scripts.reference.mqtt import LISTS, WHO, carried, template
from scripts.reference.source import line, shapes

CONTRACT_VERSION = "1"
_PLACE = re.compile(r"\b[A-Z]{2,}\b")


def document() -> dict[str, Any]:
    """Return the document as plain data: one channel, message and operation for each kind of topic."""
    kinds = carried()
    types = [getattr(messages, name) for name in dict.fromkeys(kinds.values())]
    _, schemas = msgspec.json.schema_components(types, ref_template="#/components/schemas/{name}")
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "Andgate",
            "version": CONTRACT_VERSION,
            "description": "What buttons, lamps, signs, pagers and feeds speak with an Andgate hub, over MQTT 3.1.1."
            " QoS 1, JSON in UTF-8, clean sessions, TCP_NODELAY.",
            "license": {"name": "MIT"},
        },
        "defaultContentType": "application/json",
        "channels": {
            kind.replace("/", "-"): _channel(template(kind), f"{kind.replace('/', '-')}", name)
            for kind, name in kinds.items()
        },
        "operations": {
            # As the hub sees it: what it publishes it sends, everything else it receives.
            f"on-{kind.replace('/', '-')}": {
                "action": "send" if WHO[kind][0] == "hub" else "receive",
                "channel": {"$ref": f"#/channels/{kind.replace('/', '-')}"},
                "summary": f"{WHO[kind][0]} to {WHO[kind][1]}",
                "bindings": {"mqtt": {"qos": 1, "retain": kind in RETAINED, "bindingVersion": "0.2.0"}},
            }
            for kind in kinds
        },
        "components": {"messages": {name: _message(name) for name in kinds.values()}, "schemas": schemas},
    }


def _channel(topic: str, title: str, message: str) -> dict[str, Any]:
    places = ["SITE", *_PLACE.findall(topic)]
    return {
        "title": title,
        "address": f"{ROOT}/{{site}}/{_PLACE.sub(lambda place: f'{{{place[0].lower()}}}', topic)}",
        "parameters": {place.lower(): {"description": f"id of the {place.lower()}"} for place in places},
        "messages": {message: {"$ref": f"#/components/messages/{message}"}},
    }


def _message(name: str) -> dict[str, Any]:
    one = {"$ref": f"#/components/schemas/{name}"}
    many = {"oneOf": [one, {"type": "array", "items": one, "minItems": 1, "maxItems": messages.MAX_SIGNALS}]}
    return {"name": name, "summary": line(shapes(messages)[name].doc), "payload": many if name in LISTS else one}
