"""What people and feeds do at a site, whatever dies around them."""

from __future__ import annotations

from random import Random
from typing import TYPE_CHECKING, Any

from andgate.wire.codec import format_time
from tests.faults.parts import CLOCK, NodePart

if TYPE_CHECKING:
    from tests.faults.storm import Storm


class Life:
    """Hands, feeds and people with pagers."""

    def __init__(self, storm: Storm) -> None:
        self.storm = storm
        self.random = Random(f"life of {storm.seed}")
        """A source of its own, so that what people do does not change what dies."""
        self._number = 0
        self._ids: list[tuple[str, str]] = []

    def hand(self) -> None:
        """Somebody does something at a node; where nobody runs nothing happens."""
        node = self.random.choice(
            [*self.storm.nodes.values(), self.storm.nodes["desk-a1"], self.storm.nodes["desk-a2"]]
        )
        self.touch(node)

    def touch(self, node: NodePart) -> None:
        """Press, hold, break or clear."""
        desk, chance = node.desk, self.random.random()
        if desk.levels:
            pin = desk.levels[0]
            node.low ^= {pin}
            node.tell(f"{'low' if pin in node.low else 'high'} {pin}")
        elif desk.holds and chance < 0.3:
            node.tell(f"hold {desk.holds[0]}")
        else:
            node.tell(f"press {desk.buttons[0]}")
        self.storm.counts["touches"] += node.runs

    def feed(self) -> None:
        """A feed says something, late now and then, over either way or both."""
        draw = self.random
        self._number += 1
        words = ["docked"] * 5 + ["unloaded"] * 4 + ["jammed", "cancelled", "lost"]
        late_ms = round(draw.uniform(0, 4000)) if draw.random() < 0.3 else 0
        at_ms = CLOCK.now_ms() - late_ms
        body: dict[str, Any] = {
            "id": f"s{self.storm.seed}-{self._number}",
            "touchpoint": "belt-3",
            "signal": draw.choice(words),
            "key": f"AG{self._number // 6 + draw.randint(0, 1)}/2026-11-21",
            "at": format_time(at_ms),
        }
        way = draw.choice(["http", "mqtt"])
        if self._ids and draw.random() < 0.08:
            body |= {"signal": "docked", "retracts": draw.choice(self._ids[-6:])[1]}
        self._ids.append((way, body["id"]))
        for one in ("http", "mqtt") if draw.random() < 0.1 else (way,):
            (self.storm.http if one == "http" else self.storm.mqtt).send(dict(body))
        self.storm.counts["fed"] += 1

    def claim(self) -> None:
        """Somebody answers a page."""
        self.storm.pager.claim(self.random.randint(0, 9), f"p{self.random.randint(1, 4)}")

    def burst(self) -> None:
        """A child plays with a button."""
        node = self.storm.nodes[self.random.choice(["desk-a1", "desk-a2"])]
        self.storm.note(f"burst at {node.name}")
        for _ in range(20):
            node.tell("press 17")
