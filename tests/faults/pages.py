"""After a storm: did every page that was due go out, once, and nothing when it was over?"""

from __future__ import annotations

import sqlite3
from collections import defaultdict
from collections.abc import Sequence
from typing import Any

import msgspec

from andgate.moment.events import Paged, PageSkipped
from andgate.moment.moments import Moment
from hub.store.journal import Body
from tests.faults.result import Result
from tests.faults.site import plan
from tests.faults.storm import Storm


class PageCheck:
    """Looks at the outbox, at what was decided, and at what the pager heard."""

    def __init__(self, storm: Storm, result: Result, db: sqlite3.Connection, bodies: Sequence[Body]) -> None:
        self.storm, self.result, self.db, self.bodies = storm, result, db, bodies

    def run(self) -> None:
        """Check everything about pages."""
        self._heard()
        self._due()

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        """Ask the hub's database."""
        return self.db.execute(query).fetchall()

    def _due(self) -> None:
        """For each step of each moment that the hub knew as open then, it was decided: paged, or why not."""
        opened: dict[str, int] = {}
        ended: dict[str, int] = {}
        decided = set()
        for body in self.bodies:
            for moment in body.moments:
                (opened if moment.state == "open" else ended).setdefault(moment.id, body.now)
                if moment.state == "open":
                    ended.pop(moment.id, None)  # it goes on
            decided |= {(it.moment, it.step) for it in body.events if isinstance(it, Paged | PageSkipped)}
        for (row,) in self.rows("select body from moment where not withdrawn"):
            moment = msgspec.json.decode(row, type=Moment)
            if moment.id not in opened or moment.revision:
                continue  # when the hub heard of it, it was over already; or its times became known only later
            for number, step in enumerate(plan().expectations[moment.expectation].pages):
                due_ms = max(moment.ends_ms - step.left_ms, opened[moment.id])
                known_ms = min(ended.get(moment.id, due_ms), moment.ended_ms or due_ms)
                # Alive then, if only for one step of the engine: one that was down or put back did not know in time.
                awake = any(due_ms <= body.now < known_ms for body in self.bodies)
                if awake and (moment.id, number) not in decided:
                    self.result.wrong(f"nothing was decided about step {number} of {moment.id}, due at {due_ms}")
                self.result.figures["steps that were due"] += awake

    def _heard(self) -> None:
        """Every page that was decided was heard, or it is said why not; twice only where it says so."""
        heard: dict[tuple[str, str, str], list[Any]] = defaultdict(list)
        for one in self.storm.pager.pages:
            heard[one.page["id"], one.page["kind"], one.group].append(one)
        rows = self.rows(
            "select page, kind, moment, team, state, decided_ms, sent_ms, note, bundle from page where channel != ''"
        )
        known = {(row[0], row[1], row[3]) for row in rows}
        decided = {event.page for body in self.bodies for event in body.events if isinstance(event, Paged)}
        for page in decided - {row[0] for row in rows}:
            self.result.wrong(f"page {page} was decided, and is not in the outbox")
        overs = {row[2]: row for row in rows if row[1] == "over"}
        for page, kind, moment, team, state, decided_ms, sent_ms, note, bundle in rows:
            # In a storm of pages one stands for several.
            times = heard.get((page, kind, team)) or heard.get((bundle, kind, team), [])
            self.result.figures[f"{kind}s {state}"] += 1
            if state == "sent" and not times and not self._pager_away(decided_ms, sent_ms):
                self.result.wrong(f"{kind} {page} was sent at {sent_ms} and never heard")
            if state not in ("sent", "cancelled"):
                self.result.wrong(f"{kind} {page} is {state}: {note}")
            plain = [one for one in times if not one.page["again"]]
            if len(plain) > 1 and not self.storm.restores:
                at = [one.at_ms for one in times]
                self.result.wrong(f"{kind} {page} was heard {len(times)} times, {len(plain)} not marked again: {at}")
            self.result.figures["heard again"] += max(0, len(times) - 1)
            over = overs.get(moment)
            if kind == "page" and over is not None and decided_ms > over[5] and not self._reopened(moment, over[5]):
                self.result.wrong(f"page {page} was decided after it was over")
        for page, kind, team in heard.keys() - known:
            if not self.storm.restores:
                self.result.wrong(f"{kind} {page} was heard by {team}, and the hub does not know it")

    def _pager_away(self, decided_ms: int, sent_ms: int) -> bool:
        away = self.storm.pager.away
        return any(since - 1000 <= sent_ms and decided_ms <= until + 1000 for since, until in away)

    def _reopened(self, moment: str, after_ms: int) -> bool:
        return any(
            each.id == moment and each.state == "open" and body.now >= after_ms
            for body in self.bodies
            for each in body.moments
        )
