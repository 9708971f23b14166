"""What would have differed with another plan: the journal's signals and actions, judged by it as they came.

Signals keep the places and times that the hub gave them, and people do what they did: a page that goes out earlier
calls nobody in the past. What is compared is how each moment ended at last, and who would have been told of it.
"""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import msgspec
from msgspec import Struct

from andgate.moment.engine import Engine
from andgate.moment.engine import Step as Judged
from andgate.moment.events import AnyEvent, Paged
from andgate.moment.moments import Moment
from andgate.moment.signals import Action, Replanned
from andgate.plan import Plan
from hub.evidence.frozen import Frozen
from hub.store import chain
from hub.store.seals import beginning

Progress = Callable[[str, int, int], None]

PORTION = 2_000
_decode = msgspec.json.Decoder(Moment).decode
_encode = msgspec.json.Encoder().encode
_TABLES = (
    "create table moment (id text primary key, body blob not null)",
    "create table told (side integer, moment text, team text, at_ms integer, reason text)",
)


class Change(Struct, frozen=True):
    """A moment that would have gone otherwise."""

    moment: str
    expectation: str
    touchpoint: str
    key: str | None
    opened_ms: int
    was: str
    """``success``, ``success (saved)``, ``failure``, ``void``, ``open``, or ``none`` where there was no such moment."""
    now: str
    why: str


class Told(Struct, frozen=True):
    """A page that would have gone out, or would not."""

    moment: str
    group: str
    at_ms: int
    reason: str


class Counted(Struct):
    """How the moments of one expectation went."""

    success: int = 0
    failure: int = 0
    void: int = 0
    open: int = 0
    saved: int = 0
    """Of the successes."""


class WhatIf(Struct, frozen=True):
    """What would have differed."""

    entries: int
    refused: int
    """Actions of people that would have made no sense."""
    was: dict[str, Counted]
    """By expectation, as it was."""
    now: dict[str, Counted]
    """By expectation, with the other plan."""
    changes: tuple[Change, ...]
    """By opening."""
    pages_was: dict[str, int]
    """Pages by group, as it was."""
    pages_now: dict[str, int]
    more: tuple[Told, ...]
    """First pages to a group about a moment that would have gone out in addition."""
    fewer: tuple[Told, ...]
    """First pages to a group about a moment that would not have gone out."""


def what_if(
    file: Path,
    plan: Plan,
    *,
    since_ms: int | None = None,
    until_ms: int | None = None,
    progress: Progress = lambda _what, _done, _all: None,
) -> WhatIf:
    """Judge the journal in the database `file` by `plan`, and compare the moments that opened in [since, until).

    Raises:
        UsageError: there is nothing to judge, or it is of another version.
        StorageError: it cannot be read, or its chain is broken.
    """
    with Frozen(file) as frozen, TemporaryDirectory(prefix="andgate-replay-") as folder:
        db = sqlite3.connect(Path(folder) / "scratch.db", isolation_level=None)
        try:
            for pragma in ("journal_mode = off", "synchronous = off"):
                db.execute(f"pragma {pragma}")
            for table in _TABLES:
                db.execute(table)
            world = _OtherWorld(frozen.db, db, plan)
            world.judge(progress)
            return world.compare(since_ms if since_ms is not None else -(2**62), until_ms or 2**62)
        finally:
            db.close()


class _OtherWorld:
    def __init__(self, live: sqlite3.Connection, scratch: sqlite3.Connection, plan: Plan) -> None:
        self._live = live
        self._db = scratch
        self._engine = Engine(plan)
        self._plan = plan
        self._moments: dict[str, Moment] = {}
        self._told: list[tuple[int, str, str, int, str]] = []
        self._entries = 0
        self._refused = 0

    def judge(self, progress: Progress) -> None:
        engine = self._engine
        total = self._live.execute("select count(*) from entry").fetchone()[0]
        self._db.execute("begin")
        for entry in chain.walk(self._live, *beginning(self._live)):
            step = chain.read(entry)
            self._pages(0, step.events)
            # A hub wakes at its deadlines: only so do pages go out at their time.
            while (due_ms := engine.next_deadline()) is not None and due_ms <= step.now:
                self._take(engine.advance(due_ms))
            inputs = [item for item in step.in_ if not isinstance(item, Replanned)]
            actions = [item for item in inputs if isinstance(item, Action)]
            for action in actions:
                if engine.refuses(action) is not None:
                    inputs.remove(action)
                    self._refused += 1
            if inputs:
                self._take(engine.receive(inputs, step.now, more=step.more))
            self._entries += 1
            if self._entries % PORTION == 0:
                self._flush()
                progress("entries", self._entries, total)
        self._flush()
        self._db.execute("commit")

    def _take(self, judged: Judged) -> None:
        self._pages(1, judged.events)
        for moment in judged.published:
            self._moments[moment.id] = moment

    def _pages(self, side: int, events: tuple[AnyEvent, ...]) -> None:
        self._told += [
            (side, event.moment, event.group, event.at_ms, event.reason) for event in events if isinstance(event, Paged)
        ]

    def _flush(self) -> None:
        rows = [(moment.id, _encode(moment)) for moment in self._moments.values()]
        self._db.executemany("insert or replace into moment (id, body) values (?, ?)", rows)
        self._db.executemany("insert into told (side, moment, team, at_ms, reason) values (?, ?, ?, ?, ?)", self._told)
        self._moments, self._told = {}, []

    # ---------------------------------------------------------------------------------------------- comparing

    def compare(self, since_ms: int, until_ms: int) -> WhatIf:
        was: dict[str, Counted] = {}
        now: dict[str, Counted] = {}
        changes: list[Change] = []
        for old, new in self._pairs():
            first = old or new
            if first is None or not since_ms <= first.opened_ms < until_ms:
                continue
            for moment, counts in ((old, was), (new, now)):
                if moment is not None:
                    _count(counts.setdefault(moment.expectation, Counted()), moment)
            if _ended(old) != _ended(new):
                changes.append(
                    Change(
                        first.id,
                        first.expectation,
                        first.touchpoint,
                        first.key,
                        first.opened_ms,
                        _ended(old),
                        _ended(new),
                        self._why(old, new),
                    )
                )
        self._db.execute("create index told_moment on told (moment, team, side)")
        between = (since_ms, until_ms)
        pages_was, pages_now = (Counter[str](), Counter[str]())
        for side, team, count in self._db.execute(
            "select side, team, count(*) from told where at_ms >= ? and at_ms < ? group by side, team", between
        ):
            (pages_now if side else pages_was)[team] = count
        return WhatIf(
            entries=self._entries,
            refused=self._refused,
            was=was,
            now=now,
            changes=tuple(sorted(changes, key=lambda change: (change.opened_ms, change.moment))),
            pages_was=dict(pages_was),
            pages_now=dict(pages_now),
            more=self._only(1, between),
            fewer=self._only(0, between),
        )

    def _pairs(self) -> Iterator[tuple[Moment | None, Moment | None]]:
        """Yield each moment as it was and as it would have been, by id."""
        olds = (row for row in self._live.execute("select id, body from moment where withdrawn = 0 order by id"))
        news = (row for row in self._db.execute("select id, body from moment order by id"))
        old, new = next(olds, None), next(news, None)
        while old is not None or new is not None:
            if new is None or (old is not None and old[0] < new[0]):
                yield _decode(old[1]) if old is not None else None, None
                old = next(olds, None)
                continue
            moment: Moment | None = _decode(new[1])
            if moment is not None and moment.withdrawn:
                moment = None
            if old is not None and old[0] == new[0]:
                yield _decode(old[1]), moment
                old = next(olds, None)
            else:
                yield None, moment
            new = next(news, None)

    def _only(self, side: int, between: tuple[int, int]) -> tuple[Told, ...]:
        rows = self._db.execute(
            "select moment, team, min(at_ms), reason from told a where side = ? and at_ms >= ? and at_ms < ? and not "
            "exists (select 1 from told b where b.moment = a.moment and b.team = a.team and b.side = ?) "
            "group by moment, team order by 3, 1, 2",
            (side, *between, 1 - side),
        )
        return tuple(Told(*row) for row in rows)

    def _why(self, old: Moment | None, new: Moment | None) -> str:
        if new is None:
            assert old is not None  # noqa: S101 - one of the two is there
            known = old.expectation in self._plan.judged
            return "the plan opens no such moment" if known else "the plan does not promise it"
        if old is None:
            return "nothing of the kind was promised"
        if old.opened_ms != new.opened_ms:
            return f"it opens {_span(new.opened_ms - old.opened_ms)}"
        parts = []
        if old.ends_ms != new.ends_ms:
            was, now = ((moment.ends_ms - moment.opened_ms) / 1000 for moment in (old, new))
            parts.append(f"deadline after {_clock(now)} instead of {_clock(was)}")
        if old.ended_ms != new.ended_ms:
            parts.append("it ends at another time" if new.ended_ms is not None else "nothing ends it")
        if (old.threatened_ms is None) != (new.threatened_ms is None):
            parts.append("it is threatened" if old.threatened_ms is None else "nothing threatens it")
        return ", ".join(parts) or "it is judged by other rules"


def _ended(moment: Moment | None) -> str:
    if moment is None:
        return "none"
    if moment.verdict is None:
        return "open"
    return "success (saved)" if moment.verdict == "success" and moment.saved else moment.verdict


def _count(counts: Counted, moment: Moment) -> None:
    word = moment.verdict or "open"
    setattr(counts, word, getattr(counts, word) + 1)
    counts.saved += moment.verdict == "success" and moment.saved


def _span(ms: int) -> str:
    return f"{_clock(abs(ms) / 1000)} {'later' if ms > 0 else 'earlier'}"


def _clock(seconds: float) -> str:
    whole = round(seconds)
    hours, rest = divmod(whole, 3600)
    return f"{hours}:{rest // 60:02d}:{rest % 60:02d}" if hours else f"{rest // 60}:{rest % 60:02d}"
