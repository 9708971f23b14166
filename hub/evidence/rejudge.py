"""The journal judged again: the same inputs, entry by entry, must give the same events and publications."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec
from msgspec import Raw, Struct, field

from andgate.errors import StorageError
from andgate.moment.engine import Engine
from andgate.moment.engine import Step as Judged
from andgate.moment.events import AnyEvent
from andgate.moment.moments import Moment
from andgate.moment.signals import Replanned
from andgate.moment.state import load
from hub.evidence.frozen import Frozen
from hub.store import chain
from hub.store.base import unpack
from hub.store.rows import Entry
from hub.store.seals import beginning, newest

Progress = Callable[[str, int, int], None]

_encode = msgspec.json.Encoder().encode


class _Decided(Struct, frozen=True):
    """What an entry says was decided, as it was written."""

    events: Raw = field(default_factory=lambda: Raw(b"[]"))
    moments: Raw = field(default_factory=lambda: Raw(b"[]"))


_decode = msgspec.json.Decoder(_Decided).decode
_events = msgspec.json.Decoder(tuple[AnyEvent, ...]).decode
_moments = msgspec.json.Decoder(tuple[Moment, ...]).decode


class Otherwise(Struct, frozen=True):
    """The first entry that is judged otherwise now."""

    entry: int
    now_ms: int
    what: str
    """``event 2`` or ``publication 1``: its place in the entry, from 1."""
    stored: str
    judged: str


class Rejudged(Struct, frozen=True):
    """What came of it."""

    entries: int
    """Judged again."""
    compared: int
    """Of these, in the span that was asked for."""
    events: int
    moments: int
    """Publications compared."""
    first: Otherwise | None
    """None: all is as it was."""


def rejudge(
    file: Path,
    *,
    since_ms: int | None = None,
    until_ms: int | None = None,
    progress: Progress = lambda _what, _done, _all: None,
) -> Rejudged:
    """Judge the journal in the database `file` again and compare the entries made in [since, until).

    Raises:
        UsageError: there is nothing to judge, or it is of another version.
        StorageError: it cannot be read, or its chain is broken.
    """
    compared = events = moments = n = 0
    with Frozen(file) as frozen:
        total = frozen.db.execute("select count(*) from entry").fetchone()[0]
        for n, (entry, engine, step) in enumerate(_steps(frozen.db), 1):
            if n % 1_000 == 0:
                progress("entries", n, total)
            if until_ms is not None and entry.now_ms >= until_ms:
                break
            judged = again(engine, step)
            if since_ms is not None and entry.now_ms < since_ms:
                continue
            compared += 1
            events += len(judged.events)
            moments += len(judged.published)
            first = _difference(entry, judged)
            if first is not None:
                return Rejudged(n, compared, events, moments, first)
    return Rejudged(n, compared, events, moments, None)


def _steps(db: sqlite3.Connection) -> Iterator[tuple[Entry, Engine, chain.Step]]:
    seal = newest(db)
    engine = None if seal is None else load(unpack(seal.base).state)
    for entry in chain.walk(db, *beginning(db)):
        step = chain.read(entry)
        if engine is None:
            engine = begin(step)
        yield entry, engine, step


def begin(step: chain.Step) -> Engine:
    """Return the engine that the journal began with; `step` is its first."""
    for item in step.in_:
        if isinstance(item, Replanned):
            return Engine(item.plan)
    raise StorageError(f"entry {step.n} holds no plan, so nobody can judge the journal again")


def again(engine: Engine, step: chain.Step) -> Judged:
    """Let the engine take a step of the journal."""
    if step.in_:
        return engine.receive(step.in_, step.now, more=step.more)
    return engine.advance(step.now)


def _difference(entry: Entry, judged: Judged) -> Otherwise | None:
    stored = _decode(entry.body)
    if bytes(stored.events) == _encode(judged.events) and bytes(stored.moments) == _encode(judged.published):
        return None
    pairs = (
        ("event", _events(stored.events), judged.events),
        ("publication", _moments(stored.moments), judged.published),
    )
    for what, was, now in pairs:
        for index in range(max(len(was), len(now))):
            old = _encode(was[index]).decode() if index < len(was) else "nothing"
            new = _encode(now[index]).decode() if index < len(now) else "nothing"
            if old != new:
                return Otherwise(entry.n, entry.now_ms, f"{what} {index + 1}", old, new)
    return None  # the same, as an older version wrote it
