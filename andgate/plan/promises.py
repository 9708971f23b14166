"""Reads a plan's expectations: what is promised, what opens and ends a moment, when it fails, who is paged."""

from __future__ import annotations

from collections.abc import Collection
from typing import cast

from msgspec import UNSET

from andgate.plan.durations import format_duration
from andgate.plan.lines import Path
from andgate.plan.model import GIVES_UP_AFTER_MS, Expectation, PageStep
from andgate.plan.remedies import read_causes, read_first, read_remedy
from andgate.plan.reserved import RESERVED
from andgate.plan.tables import Book, Table, show

_ROLES = {
    "opens": "opens it",
    "closes": "closes it",
    "threatens": "threatens it",
    "fails_on": "fails it",
    "voids": "voids it",
}
"""The lists of signals, in the order of the contract: one signal can do only one of these."""
_MOST_NEEDED = 20
LEAST_REPEAT_MS = 15_000
"""A page takes some seconds to be heard, read and answered; what comes faster is only noise."""


def read_expectations(root: Table, touchpoints: Collection[str], groups: Collection[str]) -> dict[str, Expectation]:
    """Read every ``[expectations.ID]``."""
    expectations = {}
    for name, table in root.entries("expectations"):
        expectation = _expectation(name, table, touchpoints, groups)
        if expectation is not None:
            expectations[name] = expectation
    return expectations


def _expectation(name: str, table: Table, touchpoints: Collection[str], groups: Collection[str]) -> Expectation | None:
    """Read one expectation; None where a part without which it is none is missing or wrong."""
    promise = table.text("promise", example="I wait no more than 15 minutes to check in.")
    places = table.references("touchpoints", touchpoints, "touchpoint", required=True)
    key = table.name("key")
    roles = {
        role: table.names(
            role, lambda path, signal: _free(table.book, path, signal), required=role in {"opens", "closes"}
        )
        for role in _ROLES
    }
    holds = _holds(table)
    _contradictions(table, roles, holds)
    fails_after = table.duration("fails_after", example="15m", positive=True)
    countdown = table.duration("countdown", positive=True)
    better_than = table.duration("better_than", positive=True)
    contradicted_after = table.duration("contradicted_after", positive=True)
    rejoins_within = table.duration("rejoins_within")
    gives_up_after = table.duration("gives_up_after")
    remedy, task = read_remedy(table, groups, places, _pages)
    causes, proposes = read_causes(table, (*roles["threatens"], *roles["fails_on"]))
    first, first_at = read_first(table, places)
    pages = _pages(table, groups, fails_after)
    needs = table.whole("needs", 1, _MOST_NEEDED)
    table.close()
    if fails_after is not None:
        _within(table, "countdown", countdown, fails_after, equal=True)
        _within(table, "better_than", better_than, fails_after, equal=False)
        _within(table, "contradicted_after", contradicted_after, fails_after, equal=False)
    if contradicted_after is not None:
        _can_contradict(table, roles["opens"], holds, key)
    if promise is None or fails_after is None:
        return None
    return Expectation(
        id=name,
        promise=promise,
        touchpoints=places,
        key=key,
        opens=roles["opens"],
        closes=roles["closes"],
        holds=holds,
        threatens=roles["threatens"],
        fails_on=roles["fails_on"],
        voids=roles["voids"],
        countdown_ms=countdown,
        fails_after_ms=fails_after,
        better_than_ms=better_than,
        contradicted_after_ms=contradicted_after,
        rejoins_within_ms=rejoins_within or 0,
        gives_up_after_ms=GIVES_UP_AFTER_MS if gives_up_after is None else gives_up_after,
        remedy=remedy,
        pages=pages,
        task=task,
        causes=causes,
        proposes=proposes,
        first=first,
        first_at=first_at,
        needs=None if needs == 1 else needs,
    )


def _free(book: Book, path: Path, signal: str) -> bool:
    """Tell whether a plan may use a name for a signal of its own; note it where it may not."""
    if signal not in RESERVED:
        return True
    book.note(
        path,
        f"{show(signal)} means something by itself, whatever a plan says",
        f'Choose another, as in "{signal}-here"',
    )
    return False


def _within(table: Table, key: str, value: int | None, fails_after: int, *, equal: bool) -> None:
    """Check that a time lies before the deadline."""
    if value is None or value < fails_after or (equal and value == fails_after):
        return
    limit = format_duration(fails_after)
    table.wrong(
        key,
        f"{format_duration(value)} is {'longer' if equal else 'not shorter'} than fails_after = {limit}",
        f"Write {'at most' if equal else 'less than'} {limit}",
    )


def _holds(table: Table) -> dict[str, str]:
    """Read the holds: signal -> the opposite that lifts it."""
    inner = table.table("holds")
    if inner is None:
        return {}
    holds = {}
    for signal in inner.content:
        path = (*inner.path, signal)
        opposite = inner.name(signal)
        named = inner.id_of(path, signal)
        if opposite is None or named is None:
            continue
        if not (_free(table.book, path, signal) and _free(table.book, path, opposite)):
            continue
        if opposite == signal:
            inner.wrong(
                signal,
                f"{show(signal)} would lift its own hold",
                'Name the signal that ends it, as in reached = "cleared"',
            )
            continue
        holds[signal] = opposite
    for signal, opposite in holds.items():
        if opposite in holds:
            inner.wrong(
                signal,
                f"{show(opposite)} lifts this hold and is itself a hold",
                "Let a signal either begin a hold or lift one",
            )
    return holds


def _contradictions(table: Table, roles: dict[str, tuple[str, ...]], holds: dict[str, str]) -> None:
    """Note every signal that would have to do two things at once."""
    first: dict[str, str] = {}
    for role, signals in roles.items():
        for signal in signals:
            if signal in first:
                table.book.note(
                    (*table.path, role, _place(table, role, signal)),
                    f"{show(signal)} {_ROLES[role]}, but {first[signal]} says that it {_ROLES[first[signal]]}",
                    f"Name it in one of the two only: {first[signal]} or {role}",
                )
            else:
                first[signal] = role
    for signal in holds:
        if signal in roles["closes"]:
            table.book.note(
                (*table.path, "holds", signal),
                f"{show(signal)} refuses every closing, but it is one itself",
                "Take it out of closes, or out of holds",
            )


def _can_contradict(table: Table, opens: tuple[str, ...], holds: dict[str, str], key: str | None) -> None:
    """Check that there is a press to be contradicted, and a sensor's standing signal to contradict it."""
    if key is not None:
        table.wrong(
            "contradicted_after",
            f"each {key} is judged by itself here, and a sensor does not say which one it sees",
            "Delete contradicted_after",
        )
    elif not any(signal in holds for signal in opens):
        table.wrong(
            "contradicted_after",
            "no signal that opens it can stand, so none can contradict a press",
            'Let a sensor open it and hold, as in opens = ["pressed", "reached"] and holds = { reached = "cleared" }',
        )
    elif all(signal in holds for signal in opens):
        table.wrong(
            "contradicted_after",
            "everything that opens it stands by itself, so there is no press to contradict",
            'Name a press in opens too, as in opens = ["pressed", "reached"]',
        )


def _place(table: Table, role: str, signal: str) -> int:
    """Return where a signal stands in a list of the file."""
    return cast("list[object]", table.content[role]).index(signal)


def _pages(
    table: Table, groups: Collection[str], fails_after: int | None, limited_by: str = "fails_after"
) -> tuple[PageStep, ...]:
    """Read the escalation ladder, in the order of falling time left."""
    steps: list[PageStep] = []
    for row in table.rows("pages"):
        left = row.duration("left", example="3m")
        group = row.reference("group", groups, "group")
        unless = row.choice("unless", ("claimed",), "condition")
        repeat = row.duration("repeat", positive=True)
        if repeat is not None and repeat < LEAST_REPEAT_MS:
            least = format_duration(LEAST_REPEAT_MS)
            row.wrong("repeat", f"nobody can answer within {format_duration(repeat)}", f"Write {least} or more")
        row.close()
        if left is not None and fails_after is not None and left > fails_after:
            limit = format_duration(fails_after)
            row.wrong(
                "left",
                f"{format_duration(left)} is longer than {limited_by} = {limit}: nobody could be paged then",
                f"Write at most {limit}",
            )
        if left is None or group is None:
            continue
        if any(step.left_ms == left and step.group == group for step in steps):
            row.wrong("left", f"{show(group)} is paged twice at {format_duration(left)}", "Delete one of the two")
        steps.append(
            PageStep(
                left_ms=left,
                group=group,
                unless_claimed=unless is not None,
                repeat_ms=UNSET if repeat is None else repeat,
            )
        )
    return tuple(sorted(steps, key=lambda step: -step.left_ms))
