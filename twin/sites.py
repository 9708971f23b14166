"""The plans the twin can play: its own airport, or any plan file."""

from __future__ import annotations

from importlib import resources
from pathlib import Path

from andgate.errors import UsageError
from andgate.plan import Plan, parse_plan
from andgate.plan.parse import MAX_PLAN_CHARS
from twin.places import places_of


def plan_text(file: Path | None = None) -> str:
    """Return the text of a plan file, or of the demo's airport.

    Raises:
        UsageError: if the file cannot be read.
    """
    if file is None:
        return resources.files("twin").joinpath("airport.toml").read_text(encoding="utf-8")
    try:
        with file.open(encoding="utf-8") as opened:
            return opened.read(MAX_PLAN_CHARS + 1)  # it may be a device that never ends
    except (OSError, UnicodeDecodeError) as wrong:
        why = getattr(wrong, "strerror", None) or "it is not UTF-8 text"
        raise UsageError(f"the plan {file} cannot be read: {why}") from wrong


def playable(text: str) -> Plan:
    """Return a plan that the twin can play.

    Raises:
        PlanError: if the plan is wrong.
        UsageError: if nothing in it is known to the model.
    """
    plan = parse_plan(text)
    if not places_of(plan):
        raise UsageError(
            "the twin knows no touchpoint of this plan. It plays promises that open with pressed or reached (a line), "
            "docked (a belt), arrived (a door), called (a help point) or posted (a gate)"
        )
    return plan
