"""Reads a plan's interactions: the AND gates over expectations and other gates."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from andgate.plan.model import Interaction
from andgate.plan.tables import Table, show

MAX_DEPTH = 16
"""Gates in gates in gates: nobody can read a deeper customer journey, and no walk over it may run out of stack."""


def read_interactions(
    root: Table, keys: Mapping[str, str | None], expectations: Collection[str]
) -> dict[str, Interaction]:
    """Read every ``[interactions.ID]``.

    `expectations` are all that the file names; `keys` has the keys of those that could be read.
    """
    gates = {}
    tables = {}
    options = {*expectations, *root.names_under("interactions")}
    for name, table in root.entries("interactions"):
        shown = table.text("name", example="Arriving with us")
        key = table.name("key")
        inputs = table.references("inputs", options, "expectation or interaction", required=True)
        table.close()
        if name in expectations:
            root.book.note(
                table.path, f"{show(name)} is the id of an expectation too", "Give the interaction an id of its own"
            )
        tables[name] = table
        gates[name] = Interaction(id=name, name=shown or "", key=key, inputs=inputs)
    _check_keys(gates, tables, keys)
    _check_depth(gates, tables)
    return gates


def _check_keys(gates: dict[str, Interaction], tables: dict[str, Table], keys: Mapping[str, str | None]) -> None:
    """Note every gate whose keyed inputs do not have its own key."""
    for name, gate in gates.items():
        table = tables[name]
        keyed = {
            source: key
            for source in gate.inputs
            if (key := keys[source] if source in keys else gates[source].key if source in gates else None) is not None
        }
        if "key" in table.content and gate.key is None:
            continue  # already reported: which key was meant cannot be known
        for source, key in keyed.items():
            if key == gate.key:
                continue
            if gate.key is not None:
                remedy = f'Keep together what one {show(gate.key)} goes through, or write key = "{key}"'
                what = f"input {show(source)} has the key {show(key)}, this gate {show(gate.key)}"
                table.book.note((*table.path, "inputs"), what, remedy)
                continue
            others = sorted(set(keyed.values()))
            remedy = (
                f'Add key = "{key}"' if len(others) == 1 else "All keyed inputs of a gate need one and the same key"
            )
            table.wrong("key", f"is missing, but input {show(source)} has the key {show(key)}", remedy)


def _check_depth(gates: dict[str, Interaction], tables: dict[str, Table]) -> None:
    """Note every gate that leads back to itself, or lies too many gates high over its expectations."""
    rest = dict(gates)
    depth = 0
    while lowest := [name for name, gate in rest.items() if not any(source in rest for source in gate.inputs)]:
        depth += 1
        for name in lowest:
            del rest[name]
            if depth == MAX_DEPTH + 1:
                tables[name].wrong(
                    "inputs", f"this gate lies more than {MAX_DEPTH} gates deep", "Name the expectations more directly"
                )
    for name, gate in rest.items():
        loop = _loop(name, rest)
        if loop:
            tables[name].wrong(
                "inputs",
                f"leads back to itself: {' > '.join(loop)}",
                f"Take one of them out of {show(name)}: {', '.join(s for s in gate.inputs if s in rest)}",
            )


def _loop(start: str, gates: Mapping[str, Interaction]) -> tuple[str, ...]:
    """Return the shortest way from a gate back to itself, or an empty one."""
    ways: dict[str, tuple[str, ...]] = {start: (start,)}
    queue = [start]
    for name in queue:
        for source in gates[name].inputs:
            if source == start:
                return (*ways[name], start)
            if source in gates and source not in ways:
                ways[source] = (*ways[name], source)
                queue.append(source)
    return ()
