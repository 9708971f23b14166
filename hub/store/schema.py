"""The tables, and how a database comes to have them: `hub.store.steps`.

============  =========================================================================================================
meta          epoch, session, site
entry         the journal: one row per step of the engine, hash-chained from entry 1; everything below can be made again
              from it, except boot offsets, deliveries' fates, nodes and the quarantine
signal        identity -> digest and place; what is stored once is never judged twice
boot          one numbering of one node: its place on the site's timeline and which numbers are stored
moment        newest publication of each moment, with the columns lists filter by and the tally cell it counts in
trail         moment -> (entry, index in its events)
page          the outbox and the delivery log: each page over each channel, sent or not, and why
tap           which links in pages were used, by whom, for what; in the transaction of what they did
outcome       newest outcome of each (interaction, key); without a key each moment is an occurrence of its own
serving       which key was served where from when to when, by the signals that said so
tally         counts of moments by local hour, expectation, touchpoint, team and area
shift_tally   the same by the shift that was on when they opened, of teams that work in shifts
*_days        tally and coverage by UTC day and local date: `rollup`
*_weeks       tally and coverage by two weeks and local hour of the day: `rollup`
gate_tally    counts of outcomes by local hour and interaction
node          what each node last said
blind         journalled blindness of dark nodes that may yet be taken back
quarantine    what came in and was not taken
plan          every plan that was ever in force
person        id in the journal -> name; what is erased here is "somebody" everywhere
staff         people who are paged: how, and when not; no part of the journal, and erased with the name
duty          who stands on which shift of which group, by weekday or date; erased with the name
stand_in      who stands on one shift of one date instead of whom: overrides and swaps; erased with the name
phone         browsers that asked to be paged with a group; no part of the journal, and deleted when they want no more
customer      passengers who asked to be told about a flight; no part of the journal, erased when the flight is over
telling       each word to each of them, told or not; erased with them
drill         each proof of the channels: when, asked by whom, silent or loud; no part of the journal
drill_part    one channel (or node) of a drill: whether it was proven, and how long that took
seal          what stands for the entries that retention took out, signed, and what the others build upon
sight         which device went blind or saw again when, by the signals that said so
spell         when each device was blind
coverage      how much of what was due was seen, by local hour, expectation, touchpoint, team and area
fault         what is wrong with nodes and devices, since when, and in which page technicians were told
mute          who muted what, from when to when, and why
training      which devices were for training, from when to when
suspension    what contacts of a fire alarm said
listening     since when the hub only listened, or paged
sender        how much came from each node and feed, and how much of it was no good
============  =========================================================================================================
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from hub.store.steps import STEPS

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable, Iterable

    from sqlite_utils import Database

LATEST = len(STEPS)
"""`pragma user_version` of a database that has every step; spares a start the import of sqlite-utils."""


def prepare(connection: sqlite3.Connection) -> None:
    """Bring the database to the newest tables; each step and its record are one transaction."""
    if connection.execute("pragma user_version").fetchone()[0] == LATEST:
        return
    # Only a first start or an upgrade pays for this import.
    from sqlite_utils import Database as Utils  # noqa: PLC0415
    from sqlite_utils.migrations import Migrations  # noqa: PLC0415

    migrations = Migrations("andgate")
    for name, statements in STEPS.items():
        migrations(name=name)(_step(statements))
    migrations.apply(Utils(connection))
    connection.execute(f"pragma user_version = {LATEST}")
    connection.commit()


def _step(statements: Iterable[str]) -> Callable[[Database], None]:
    def run(db: Database) -> None:
        for statement in statements:
            db.execute(statement)

    return run
