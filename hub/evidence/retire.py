"""Taking months out of the live journal: an archive, a signed seal in their place, and then, bit by bit, the rows.

The hub may run. Each step leaves something that is right: the archive is whole before there is a seal; the seal is
there before anything is deleted; and what is still to be deleted stands in the seal, so that it can be gone on with.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from hashlib import sha256
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import msgspec
from msgspec import Raw, Struct

from andgate.errors import StorageError, UsageError
from andgate.moment.engine import Engine
from andgate.moment.state import dump, load
from hub.evidence import archive
from hub.evidence.frozen import Frozen, database_of
from hub.evidence.key import sign
from hub.evidence.rejudge import again, begin
from hub.store import base, chain, seals
from hub.store.coverage import closed_ms
from hub.store.journal import GENESIS
from hub.store.rebuild import Rebuild

DAY_MS = 86_400_000
KEPT_DAYS_MS = 2 * DAY_MS
"""Moments, outcomes and servings of so long before the seal stay: what comes after it may still be about them."""
SETTLED_MS = 9 * DAY_MS
"""Nodes send again what they keep for seven days, and what is a day late is judged: older entries are at rest."""
_PORTION = 500
"""Rows in one transaction: a press waits behind it."""
_BUSY_S = 30

Progress = Callable[[str, int, int], None]


class Rest(Struct):
    """What is still to be taken out."""

    last: int
    to_ms: int
    rows: dict[str, list[list[str]]]
    """Keys, by table."""


class Retired(Struct, frozen=True):
    """What was done."""

    seal: seals.Seal
    archive: Path | None
    """None where an earlier retirement was only gone on with."""
    deleted: int
    """Rows."""


_KEYS = {"moment": ("id",), "outcome": ("interaction", "occurrence"), "serving": ("signal",)}
_DATED = {"moment": "opened_ms", "outcome": "at_ms", "serving": "at_ms"}


def retire(
    data: Path,
    before: str,
    before_ms: int,
    now_ms: int,
    to: Path,
    progress: Progress = lambda _what, _done, _all: None,
) -> Retired:
    """Take out of the journal in `data` what was recorded before `before_ms`.

    Args:
        data: the data folder; a hub may run on it.
        before: the month that stays first, for people.
        before_ms: when it began.
        now_ms: the time.
        to: the archive's file; it must not be there.
        progress: told how far it is.

    Raises:
        UsageError: there is nothing to take out, it is too young, or the archive cannot be written.
        StorageError: the journal is not what it was, or the disk refuses.
    """
    if to.exists():
        raise UsageError(f"{to} is there already. Name a new file with --to")
    if before_ms > now_ms - SETTLED_MS:
        raise UsageError(
            f"what was recorded before {before} is too young: signals of the last {SETTLED_MS // DAY_MS} days may "
            "still change it. Name an earlier month, or wait"
        )
    with Frozen(database_of(data)) as frozen, TemporaryDirectory(prefix="andgate-retire-") as folder:
        seal = seals.newest(frozen.db)
        begun = seal is not None and seal.rest is not None
        if not begun:
            rebuild = Rebuild(Path(folder))
            try:
                made = _Retirement(frozen.db, rebuild, seal, before, before_ms).run(to, progress)
            except BaseException:
                to.unlink(missing_ok=True)
                raise
            finally:
                rebuild.close()
            _seal(data, *made)
    deleted = _sweep(data, progress)
    with Frozen(database_of(data)) as frozen:
        seal = seals.newest(frozen.db)
    if seal is None:
        raise StorageError("the seal is gone that was just there")
    return Retired(seal, None if begun else to, deleted)


def _seal(data: Path, document: seals.Document, packed: bytes, rest: Rest) -> None:
    signed = msgspec.json.encode(document)
    key, signature = sign(data, signed)
    db = _writer(data)
    try:
        db.execute("begin immediate")
        db.execute(
            "insert into seal (last, document, key, signature, base, rest) values (?, ?, ?, ?, ?, ?)",
            (document.last, signed, key, signature, packed, msgspec.msgpack.encode(rest)),
        )
        db.execute("update seal set base = x'' where last < ?", (document.last,))
        db.execute("commit")
    finally:
        db.close()


def _writer(data: Path) -> sqlite3.Connection:
    db = sqlite3.connect(database_of(data), isolation_level=None, timeout=_BUSY_S)
    for pragma in ("synchronous = full", "secure_delete = on", "wal_autocheckpoint = 0"):
        db.execute(f"pragma {pragma}")
    return db


class _Retirement:
    """Judges what goes once more, writes it to the archive, and gathers what stays."""

    def __init__(
        self, db: sqlite3.Connection, rebuild: Rebuild, seal: seals.Seal | None, before: str, before_ms: int
    ) -> None:
        self._db = db
        self._rebuild = rebuild
        self._before, self._before_ms = before, before_ms
        self._n, self._head = (0, GENESIS) if seal is None else (seal.last, seal.head)
        self._engine: Engine | None = None
        if seal is not None:
            under = base.unpack(seal.base)
            base.lay(under, rebuild)
            self._engine = load(under.state)

    def run(self, to: Path, progress: Progress) -> tuple[seals.Document, bytes, Rest]:
        db, first, prev = self._db, self._n + 1, self._head
        (last,) = db.execute(
            "select min(coalesce((select min(n) from entry where now_ms >= ?), 1 << 62), (select max(n) from entry)) "
            "- 1",
            (self._before_ms,),
        ).fetchone()
        if last is None or last < first:
            raise UsageError(f"nothing was recorded before {self._before}, or it has been taken out already")
        row = db.execute("select body from plan where entry < ? order by entry desc limit 1", (first,)).fetchone()
        site = db.execute("select json_extract(cast(body as text), '$.site.id') from plan limit 1").fetchone()[0]
        plan = Raw(b"null") if row is None else Raw(row[0])
        heading = archive.Heading(archive=archive.FORMAT, site=site, first=first, prev=prev.hex(), plan=plan)
        written = archive.Archive(to, heading)
        try:
            from_ms, to_ms = self._walk(written, last, progress)
            written.finish(archive.Ending(last=last, hash=self._head.hex()))
        finally:
            written.close()
        for entry in archive.entries(to):  # read again before anything is deleted
            if entry.n % 10_000 == 0:
                progress("entries read again", entry.n - first, last - first)
        closed = closed_ms(db)
        hour_ms = self._rebuild.hour_of(to_ms)
        self._rebuild.finish(None if closed is None else min(closed, hour_ms))
        under, rest, counts = self._gather(last, to_ms)
        packed = base.pack(under)
        signals, identities = seals.identities(db, last)
        document = seals.Document(
            format=seals.FORMAT,
            site=site,
            before=self._before,
            first=first,
            last=last,
            prev=prev.hex(),
            hash=self._head.hex(),
            from_ms=from_ms,
            to_ms=to_ms,
            counts=counts,
            signals=signals,
            identities=identities,
            base=sha256(packed).hexdigest(),
            archive=archive.digest(to),
        )
        return document, packed, rest

    def _walk(self, written: archive.Archive, last: int, progress: Progress) -> tuple[int, int]:
        first, from_ms, to_ms = self._n + 1, None, 0
        for entry in chain.walk(self._db, self._n, self._head):
            if entry.n > last:
                break
            step = chain.read(entry)
            if self._engine is None:
                self._engine = begin(step)
            again(self._engine, step)
            self._rebuild.take(step, entry.body)
            written.take(entry)
            from_ms, to_ms = entry.now_ms if from_ms is None else from_ms, entry.now_ms
            self._n, self._head = entry.n, entry.hash
            if entry.n % 1_000 == 0:
                progress("entries", entry.n - first + 1, last - first + 1)
        return from_ms or 0, to_ms

    def _gather(self, last: int, to_ms: int) -> tuple[base.Base, Rest, dict[str, dict[str, int]]]:
        """Return what stays as the base, what goes, and the moments that go, counted."""
        assert self._engine is not None  # noqa: S101 - `_walk` took an entry
        scratch = self._rebuild.db
        tables: dict[str, list[tuple[Any, ...]]] = {
            name: scratch.execute(f"select * from {name}").fetchall() for name in base.WHOLE
        }
        rest = Rest(last, to_ms, {})
        counts: dict[str, dict[str, int]] = {}
        before_ms = to_ms - KEPT_DAYS_MS
        # What an outcome was judged by stays as long as the outcome may be judged again.
        at_ms = base.columns(scratch, "outcome").index("at_ms")
        stays = [row[at_ms] - DAY_MS for row, _, goes in self._rows("outcome", before_ms) if not goes]
        before_ms = min([before_ms, *stays])
        body = base.columns(scratch, "moment").index("body")
        for table in base.RECENT:
            tables[table] = []
            rest.rows[table] = []
            for row, key, goes in self._rows(table, before_ms):
                if not goes:
                    tables[table].append(row)
                    continue
                rest.rows[table].append(list(key))
                if table == "moment":
                    _count(counts, msgspec.json.decode(bytes(row[body]), type=_Counted))
        return base.Base(dump(self._engine), tables), rest, counts

    def _rows(self, table: str, before_ms: int) -> Iterator[tuple[tuple[Any, ...], tuple[Any, ...], bool]]:
        """Yield rows as they were at the seal, their keys, and whether they go: old, over, and the same today."""
        names = base.columns(self._rebuild.db, table)
        key, dated = _KEYS[table], names.index(_DATED[table])
        where = [names.index(name) for name in key]
        same = [names.index(name) for name in names if name != "decided_ms" or table == "moment"]
        match = " and ".join(f"{name} = ?" for name in key)
        state = names.index("state") if "state" in names else None
        for row in self._rebuild.db.execute(f"select {', '.join(names)} from {table}"):
            mine = tuple(row[index] for index in where)
            goes = row[dated] < before_ms and (state is None or row[state] not in {"open", "pending"})
            if goes:
                today = self._db.execute(f"select {', '.join(names)} from {table} where {match}", mine).fetchone()
                goes = today is not None and all(today[index] == row[index] for index in same)
            yield row, mine, goes


class _Counted(Struct):
    expectation: str
    withdrawn: bool = False
    verdict: str | None = None


def _count(counts: dict[str, dict[str, int]], moment: _Counted) -> None:
    if not moment.withdrawn and moment.verdict is not None:
        verdicts = counts.setdefault(moment.expectation, {})
        verdicts[moment.verdict] = verdicts.get(moment.verdict, 0) + 1


def _sweep(data: Path, progress: Progress) -> int:
    """Delete what the newest seal says is still to be deleted; return how many rows there were."""
    db = _writer(data)
    try:
        row = db.execute("select last, rest from seal where rest is not null order by last desc limit 1").fetchone()
        if row is None:
            return 0
        rest = msgspec.msgpack.decode(row[1], type=Rest)
        deleted = 0
        for table, keys in rest.rows.items():
            match = " and ".join(f"{name} = ?" for name in _KEYS[table])
            for begin_at in range(0, len(keys), _PORTION):
                db.execute("begin immediate")
                db.executemany(f"delete from {table} where {match}", keys[begin_at : begin_at + _PORTION])
                db.execute("commit")
                deleted += len(keys[begin_at : begin_at + _PORTION])
                progress(table, begin_at, len(keys))
        # The journal last: as long as it is there, everything else can be made again.
        deleted += _delete(db, "page", "decided_ms <= ?", rest.to_ms, progress)
        deleted += _delete_trail(data, db, rest.last)
        deleted += _delete(db, "entry", "n <= ?", rest.last, progress)
        db.execute("begin immediate")
        db.execute("update seal set rest = null where last = ?", (row[0],))
        db.execute("commit")
        db.execute("pragma wal_checkpoint(passive)")
        return deleted
    finally:
        db.close()


def _delete(db: sqlite3.Connection, table: str, where: str, value: int, progress: Progress) -> int:
    deleted = 0
    while True:
        db.execute("begin immediate")
        count = db.execute(
            f"delete from {table} where rowid in (select rowid from {table} where {where} limit {_PORTION})", (value,)
        ).rowcount
        db.execute("commit")
        deleted += count
        progress(f"{table} rows deleted", deleted, 0)
        if count < _PORTION:
            return deleted


def _delete_trail(data: Path, db: sqlite3.Connection, last: int) -> int:
    deleted = 0
    with Frozen(database_of(data)) as frozen:  # read beside the writing, so that there is never all of it in memory
        keys = frozen.db.execute("select moment, n, idx from trail where n <= ?", (last,))
        while portion := keys.fetchmany(_PORTION):
            db.execute("begin immediate")
            db.executemany("delete from trail where moment = ? and n = ? and idx = ?", portion)
            db.execute("commit")
            deleted += len(portion)
    return deleted
