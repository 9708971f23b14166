"""Days at a desk, full of everything that a journal can hold."""

from __future__ import annotations

import json
import random
from datetime import UTC, datetime

from andgate.errors import RefusedError
from tests.hub.desk import PLAN, Desk, node_signal

DEPARTURE = '[interactions.departure]\nname = "Leaving"\nkey = "flight"\ninputs = ["check-in-wait"]\n'
GATED = PLAN + DEPARTURE
OTHER = (GATED + "\n").replace('area = "Terminal 1"', 'area = "Terminal 2"').replace("25m", "24m")


def node_state(state: str, session: int) -> bytes:
    return json.dumps({"state": state, "session": session, "boot": "b1"}).encode()


def flight(number: int) -> str:
    return f"AG{number}/2026-11-21"


def live(desk: Desk, seed: int, count: int = 60, *, first: int = 0) -> None:
    """Let `count` things happen, by chance: presses, flights, people, lateness, retractions, a new plan."""
    chance = random.Random(seed)
    for number in range(first, first + count):
        desk.clock.advance(chance.choice([0, 0, 1, 900, 20_000, 90_000, 240_000]))
        at = datetime.fromtimestamp((desk.clock.now_ms() - chance.choice([0, 0, 0, 600_000])) / 1000, UTC)
        said = {"at": at.isoformat(timespec="milliseconds")}
        key = f"AG{chance.randint(1, 6)}/{at.date()}"
        what = chance.randrange(13)
        if what < 5:
            word = chance.choice(["docked", "docked", "unloaded", "jammed", "cancelled"])
            retracts = f"s{chance.randint(first, number)}" if chance.random() < 0.15 else None
            desk.post(f"s{number}", word, key=key, retracts=retracts, **said)
        elif what < 7:
            word = chance.choice(["serving", "released"])
            desk.post(f"s{number}", word, "counter-a", key=key, **said)
        elif what < 10:
            # Its messages travel ever faster: better offsets move what is stored.
            sent = 10.0 + number - (1000 - number) * 0.4 if chance.random() < 0.5 else None
            desk.node(node_signal(number + 1, chance.choice(["pressed", "pressed", "reset"]), sent=sent))
        elif what < 11:
            found = desk.reader.moments(limit=20).items
            if found:
                try:
                    do = chance.choice(["claim", "claim", "void", "unvoid", "reset", "cause", "unclaim"])
                    desk.act(do, chance.choice(found).id, by=f"p{chance.randint(1, 3)}", reason="so it was")
                except RefusedError:
                    pass
        elif what < 12:
            desk.say("node/desk-a1/state", node_state(chance.choice(["online", "lost", "stopped"]), number))
        elif chance.random() < 0.3:
            desk.driver.reload(chance.choice([GATED, OTHER])).result(30)
