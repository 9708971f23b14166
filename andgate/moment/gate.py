"""The AND gate: an interaction succeeds only if every expectation in it was met. Nine out of ten is a failure.

An interaction happens once per key (a flight on a day). Its inputs are expectations, or other gates. Moments of a
keyless expectation (a line) count for every key that was being served at their touchpoint while they ran, from
their opening to the earlier of end and deadline. Void moments are left out.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Literal

from msgspec import Struct

from andgate.moment.moments import Moment
from andgate.plan import Plan

INCOMPLETE_AFTER_MS = 86_400_000
"""An interaction whose inputs have not all occurred so long after its first moment is incomplete."""

OutcomeState = Literal["success", "failure", "pending", "incomplete"]


class Serving(Struct, frozen=True):
    """A key was being served at a touchpoint; `to_ms` None while it still is."""

    touchpoint: str
    key: str
    from_ms: int
    to_ms: int | None = None


class FailedInput(Struct, frozen=True):
    """An input that broke the gate."""

    expectation: str
    moment: str
    at_ms: int
    """The deadline it missed."""


class Outcome(Struct, frozen=True, kw_only=True):
    """How one interaction went for one key."""

    interaction: str
    key: str | None
    state: OutcomeState
    first: FailedInput | None
    """The input that failed first."""
    failing: tuple[FailedInput, ...]
    """Every input that failed, first first."""
    missing: tuple[str, ...]
    """Keyed inputs that have not occurred."""
    moments: tuple[str, ...]
    from_ms: int
    """Opening of its first moment."""
    decided_ms: int | None
    """When it was decided: the first failure's deadline, or the last end; None while pending."""
    provisional: bool


def counts_for(moment: Moment, key: str, servings: Iterable[Serving]) -> bool:
    """Tell whether a keyless moment counts for a key: the key was being served there while the moment ran."""
    until_ms = moment.ends_ms if moment.ended_ms is None else min(moment.ended_ms, moment.ends_ms)
    return any(
        serving.key == key
        and serving.touchpoint == moment.touchpoint
        and serving.from_ms <= until_ms
        and (serving.to_ms is None or serving.to_ms >= moment.opened_ms)
        for serving in servings
    )


def outcome(
    interaction: str,
    key: str | None,
    plan: Plan,
    moments: Iterable[Moment],
    servings: Sequence[Serving],
    now_ms: int,
) -> Outcome | None:
    """Judge one interaction for one key; None where nothing of it has happened.

    Args:
        interaction: its id in `plan`.
        key: the flight it happened for; None for an interaction without a key, where each moment is one occurrence
            and `moments` holds just that one.
        plan: the site's plan.
        moments: candidates; those of other keys and expectations are passed over.
        servings: which key was served where and when.
        now_ms: for `incomplete`.
    """
    wanted = plan.expectations_of(interaction)
    mine: dict[str, list[Moment]] = {name: [] for name in wanted}
    for moment in moments:
        if moment.expectation not in mine or moment.withdrawn or moment.verdict == "void":
            continue
        keyless = moment.key is None
        if key is None or moment.key == key or (keyless and counts_for(moment, key, servings)):
            mine[moment.expectation].append(moment)
    found = sorted((moment for each in mine.values() for moment in each), key=lambda m: (m.opened_ms, m.id))
    if not found:
        return None
    failing = tuple(
        sorted(
            (FailedInput(m.expectation, m.id, m.ends_ms) for m in found if m.verdict == "failure"),
            key=lambda each: (each.at_ms, each.moment),
        )
    )
    missing = tuple(
        name for name in wanted if not mine[name] and key is not None and plan.expectations[name].key is not None
    )
    from_ms = found[0].opened_ms
    running = any(moment.state == "open" for moment in found)
    state: OutcomeState
    decided_ms: int | None
    if failing:
        state, decided_ms = "failure", failing[0].at_ms
    elif not missing and not running:
        state, decided_ms = "success", max(moment.ended_ms or moment.ends_ms for moment in found)
    elif now_ms - from_ms >= INCOMPLETE_AFTER_MS:
        state, decided_ms = "incomplete", from_ms + INCOMPLETE_AFTER_MS
    else:
        state, decided_ms = "pending", None
    return Outcome(
        interaction=interaction,
        key=key,
        state=state,
        first=failing[0] if failing else None,
        failing=failing,
        missing=missing,
        moments=tuple(moment.id for moment in found),
        from_ms=from_ms,
        decided_ms=decided_ms,
        provisional=any(moment.provisional for moment in found),
    )
