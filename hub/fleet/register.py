"""The register of faults: which stand, since when, and which page told of each; kept through restarts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import msgspec

from hub.fleet.faults import KINDS, Fault, Key, again
from hub.store import Store

REWRITTEN_MS = 60_000
"""That an event was seen once more is not written more often."""

_ALL = "select node, device, kind, since_ms, seen_ms, detail, page from fault"
_UPSERT = (
    "insert into fault (node, device, kind, since_ms, seen_ms, detail, page) values (?, ?, ?, ?, ?, ?, ?) "
    "on conflict (node, device, kind) do update set since_ms = excluded.since_ms, seen_ms = excluded.seen_ms, "
    "detail = excluded.detail, page = excluded.page"
)
_DELETE = "delete from fault where node = ? and device = ? and kind = ?"


class Register:
    """The faults of one site; belongs to the watch."""

    def __init__(self, store: Store) -> None:
        """Go on from what is stored."""
        self._store = store
        self._faults: dict[Key, Fault] = {}
        self._by_node: dict[str, dict[Key, Fault]] = {}
        self._written_ms: dict[Key, int] = {}
        self._changed: set[Key] = set()
        for row in store.db.execute(_ALL):
            if row[2] in KINDS:
                self._keep(Fault(**dict(zip(Fault.__struct_fields__, row, strict=False))))
            else:  # of another version
                self._changed.add(row[:3])

    def __contains__(self, key: Key) -> bool:
        """Whether it stands."""
        return key in self._faults

    def __iter__(self) -> Iterator[Fault]:
        """Give every fault that stands; some may be dropped meanwhile."""
        return iter(list(self._faults.values()))

    def __getitem__(self, key: Key) -> Fault:
        """Return a fault that stands."""
        return self._faults[key]

    def of(self, node: str) -> Mapping[Key, Fault]:
        """Return the faults of one node and its devices."""
        return self._by_node.get(node, {})

    def put(self, new: Fault, now_ms: int) -> bool:
        """Note that a fault is seen; whether it did not stand before."""
        old = self._faults.get(new.key)
        fault = msgspec.structs.replace(new, known_ms=now_ms) if old is None else again(old, new)
        self._keep(fault)
        event = KINDS[fault.kind].lasts_ms is not None
        if (
            old is None
            or old.detail != fault.detail
            or (event and now_ms - self._written_ms.get(fault.key, 0) >= REWRITTEN_MS)
        ):
            self._write(fault, now_ms)
        return old is None

    def told(self, fault: Fault, page: str, now_ms: int) -> None:
        """Note which page told of a fault."""
        told = msgspec.structs.replace(fault, page=page)
        self._keep(told)
        self._write(told, now_ms)

    def drop(self, fault: Fault) -> None:
        """Take a fault out: it is over."""
        del self._faults[fault.key]
        del self._by_node[fault.node][fault.key]
        self._written_ms.pop(fault.key, None)
        self._changed.add(fault.key)

    def _keep(self, fault: Fault) -> None:
        self._faults[fault.key] = fault
        self._by_node.setdefault(fault.node, {})[fault.key] = fault

    def _write(self, fault: Fault, now_ms: int) -> None:
        self._written_ms[fault.key] = now_ms
        self._changed.add(fault.key)

    def flush(self) -> None:
        """Add what changed to the store's transaction."""
        for key in self._changed:
            fault = self._faults.get(key)
            if fault is None:
                self._store.row(_DELETE, key)
            else:
                self._store.row(_UPSERT, (*key, fault.since_ms, fault.seen_ms, fault.detail, fault.page))
        self._changed.clear()
