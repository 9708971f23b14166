"""The transition table of a moment and the events that come out of it."""

from __future__ import annotations

from andgate.moment import events
from andgate.moment.table import REFUSED, TABLE, Role, State
from scripts.reference.source import line, shapes, table


def transitions() -> str:
    """Return the table of state x role: every pair is there."""
    return table(["", *(f"**{state.value}**" for state in State)], [[role.value, *_row(role)] for role in Role])


def diagram() -> str:
    """Return the same table as a Mermaid state diagram; what changes no state is left out."""
    arrows: dict[tuple[State, State], list[str]] = {}
    for (state, role), transition in TABLE.items():
        if transition.then != state:
            arrows.setdefault((state, transition.then), []).append(role.value)
    lines = [f"    {before.value} --> {after.value}: {', '.join(roles)}" for (before, after), roles in arrows.items()]
    return "\n".join(["```mermaid", "stateDiagram-v2", "    [*] --> calm", *lines, "```"])


def all_events() -> str:
    """Return every event with what it carries."""
    rows = [
        [f"`{shape.name}`", line(shape.doc), ", ".join(f"`{field.name}`" for field in shape.fields)]
        for shape in shapes(events).values()
        if "Event" in shape.bases
    ]
    return table(["event", "means", "carries"], rows)


def _row(role: Role) -> list[str]:
    cells = []
    for state in State:
        found = TABLE.get((state, role))
        if found is None:
            cells.append(f"*{REFUSED[state, role]}*")
        elif found.then is state:
            cells.append(found.does.value)
        else:
            cells.append(f"{found.does.value} → **{found.then.value}**")
    return cells
