"""The MQTT side of the contract: topics and messages."""

from __future__ import annotations

import re

from andgate.wire import messages
from andgate.wire.topics import KINDS, RETAINED, ROOT, Kind
from scripts.reference.source import Shape, line, shapes, table

WHO: dict[Kind, tuple[str, str]] = {
    "hub/state": ("hub", "everybody"),
    "hub/beat": ("hub", "nodes, anybody"),
    "node/state": ("node", "hub"),
    "node/signal": ("node", "hub"),
    "node/receipt": ("hub", "node"),
    "node/health": ("node", "hub"),
    "node/time": ("node", "hub"),
    "node/time/reply": ("hub", "node"),
    "node/config": ("hub", "node"),
    "node/command": ("hub", "node"),
    "node/transmit": ("hub", "node"),
    "node/page": ("node", "hub"),
    "feed/signal": ("feed", "hub"),
    "feed/receipt": ("hub", "feed"),
    "touchpoint/moment": ("hub", "lamps, signs, boards, anybody"),
    "group/board": ("hub", "annunciators, speakers, boards, anybody"),
    "page": ("hub", "pagers"),
    "answer": ("pagers", "hub"),
    "verdict": ("hub", "anybody"),
}
"""Kind of topic -> who publishes, who listens. A new kind must be added here: the docs cannot be made without."""

_TOPIC = re.compile(r"``([a-z/{}]+)``")
LISTS = {"NodeSignal", "FeedSignal"}
"""Messages that may come as a list of up to `messages.MAX_SIGNALS`."""


def topics() -> str:
    """Return the table of topics."""
    rows = []
    for kind, name in carried().items():
        publishes, listens = WHO[kind]
        message = f"[{name}](#{name.lower()}){', or a list of them' if name in LISTS else ''}"
        rows.append([f"`{template(kind)}`", publishes, listens, "yes" if kind in RETAINED else "no", message])
    head = f"All under `{ROOT}/SITE/`, QoS 1, JSON in UTF-8 of at most {messages.MAX_PAYLOAD_BYTES // 1024} KiB.\n\n"
    return head + table(["topic", "from", "to", "retained", "message"], rows)


def carried() -> dict[Kind, str]:
    """Return kind of topic -> name of the message it carries, as the messages' own docstrings say."""
    found = {kind: shape.name for shape in shapes(messages).values() for kind in _kinds(shape)}
    found["verdict"] = "MomentMessage"
    return {kind: found[kind] for kind in KINDS}


def template(kind: Kind) -> str:
    """Return a kind's topic below the site, as ``node/NODE/signal``."""
    owner, slash, said = kind.partition("/")
    if kind == "page":
        return "page/GROUP"
    if owner in {"node", "feed", "touchpoint", "group"}:
        return f"{owner}/{owner.upper()}{slash}{said}"
    return kind


def all_messages() -> str:
    """Return every message with its fields."""
    return "\n\n".join(_message(shape) for shape in shapes(messages).values())


def _message(shape: Shape) -> str:
    rows = [
        [f"`{field.name}`", f"`{field.type}`".replace("|", "\\|"), _default(field.default), field.doc]
        for field in shape.fields
    ]
    return f"### {shape.name}\n\n{line(shape.doc)}\n\n" + table(["field", "type", "if left out", ""], rows)


def _default(default: str | None) -> str:
    if default is None:
        return "required"
    if default == "UNSET":
        return "absent"
    if default.startswith("field("):
        return "null"
    return {"None": "null", "True": "true", "False": "false"}.get(default, f"`{default}`")


def _kinds(shape: Shape) -> list[Kind]:
    """Return the kinds of topic that a message's docstring begins with."""
    said = {re.sub(r"/?\{[a-z]+\}", "", topic) for topic in _TOPIC.findall(shape.doc.partition(":")[0])}
    return [kind for kind in KINDS if kind in said]
