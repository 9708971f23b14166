"""The engine as it was: the newest snapshot that belongs to this journal, and every entry after it, judged again."""

from __future__ import annotations

import gc
import logging

from andgate.errors import AndgateError
from andgate.moment.engine import Engine
from andgate.moment.state import load
from andgate.plan import Plan
from hub.store.base import last_plan, unpack
from hub.store.journal import decode_inputs
from hub.store.seals import newest
from hub.store.snapshots import Snapshots
from hub.store.store import Store

_log = logging.getLogger(__name__)


class Restored:
    """What `restore` found."""

    def __init__(self, engine: Engine, snapshot: int, replayed: int) -> None:
        """Keep them: the engine, the entry of its snapshot (0: none), how many entries were judged again."""
        self.engine = engine
        self.snapshot = snapshot
        self.replayed = replayed


def restore(store: Store, plan: Plan) -> Restored:
    """Return the engine in the state after the last committed entry; `plan` counts only for an empty journal."""
    collects = gc.isenabled()
    gc.disable()  # nothing of what is loaded is garbage; looking for some takes ten times as long as the loading
    try:
        restored = _restore(store, plan)
        gc.freeze()  # and it will not be garbage for a day
        return restored
    finally:
        if collects:
            gc.enable()


def _restore(store: Store, plan: Plan) -> Restored:
    engine, snapshot = _from_snapshot(store)
    if engine is None:
        engine, snapshot = _from_seal(store)
    if engine is None:
        engine = Engine(store.first_plan() or plan)
    replayed = 0
    for entry in store.entries(snapshot + 1):
        step = decode_inputs(entry.body)
        if step.in_:
            engine.receive(step.in_, step.now, more=step.more)
        else:
            engine.advance(step.now)
        replayed += 1
    return Restored(engine, snapshot, replayed)


def _from_seal(store: Store) -> tuple[Engine | None, int]:
    """Return the engine as retention left it, and the last entry that is gone; None where all are there."""
    seal = newest(store.db)
    if seal is None:
        return None, 0
    under = unpack(seal.base)
    try:
        return load(under.state), seal.last
    except (AndgateError, ValueError) as wrong:
        # The journal still has everything of the last days: only what has stood for longer than that is not known.
        _log.warning("the state kept with the seal of entry %d cannot be used: %s", seal.last, wrong)
        return Engine(last_plan(under)), seal.last


def _from_snapshot(store: Store) -> tuple[Engine | None, int]:
    for snapshot in Snapshots(store.data).read():
        if not store.has_entry(snapshot.entry, snapshot.head):
            continue
        try:
            return load(snapshot.state), snapshot.entry
        except (AndgateError, ValueError) as wrong:
            _log.warning("snapshot %d cannot be used, an older one or the journal can: %s", snapshot.entry, wrong)
    return None, 0
