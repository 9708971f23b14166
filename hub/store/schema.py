"""The tables, as migrations: one function a step, never changed once released.

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
held          pages that something quiet keeps back: when it ends, the present state is paged
sender        how much came from each node and feed, and how much of it was no good
============  =========================================================================================================
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from hub.store import rollup

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable

    from sqlite_utils import Database

LATEST = 18
"""`pragma user_version` of a database that has every migration; spares a start the import of sqlite-utils."""

_TABLES = """
create table meta (key text primary key, value text not null) without rowid;

create table entry (
    n integer primary key,
    now_ms integer not null,
    body blob not null,
    prev blob not null,
    hash blob not null
);

create table signal (
    id text primary key,
    digest blob not null,
    entry integer not null,
    state integer not null,
    boot integer,
    mono_ms real,
    first_at_ms integer not null,
    at_ms integer not null,
    body blob
);
create index signal_boot on signal (boot, at_ms) where boot is not null;

create table boot (
    rank integer primary key,
    node text not null,
    boot text not null,
    offset_ms real,
    worst_ms real,
    floating integer not null default 0,
    untimed integer not null default 0,
    upto integer not null default 0,
    also text not null default '[]',
    first_ms integer not null,
    seen_ms integer not null,
    unique (node, boot)
);

create table moment (
    id text primary key,
    change integer not null,
    expectation text not null,
    touchpoint text not null,
    key text,
    state text not null,
    withdrawn integer not null,
    opened_ms integer not null,
    decided_ms integer,
    hour_ms integer not null,
    team text not null,
    area text not null,
    counts integer not null,
    body blob not null
);
create index moment_opened on moment (opened_ms, id);
create index moment_expectation on moment (expectation, opened_ms, id);
create index moment_touchpoint on moment (touchpoint, opened_ms, id);
create index moment_key on moment (key, opened_ms, id) where key is not null;
create index moment_open on moment (opened_ms, id) where state = 'open';
create index moment_decided on moment (decided_ms) where decided_ms is not null;

create table trail (
    moment text not null,
    n integer not null,
    idx integer not null,
    primary key (moment, n, idx)
) without rowid;

create table page (
    id integer primary key,
    page text not null,
    kind text not null,
    moment text not null,
    expectation text not null,
    touchpoint text not null,
    key text,
    team text not null,
    channel text not null,
    title text not null,
    text text not null,
    reason text not null,
    left_s real not null,
    late integer not null,
    cancels integer not null,
    state text not null,
    decided_ms integer not null,
    due_ms integer not null,
    tries integer not null default 0,
    sent_ms integer,
    again integer not null default 0,
    note text not null default '',
    session integer not null default 0,
    unique (page, kind, team, channel)
);
create index page_moment on page (moment);
create index page_queued on page (due_ms) where state = 'queued';

create table outcome (
    interaction text not null,
    occurrence text not null,
    key text,
    state text not null,
    first text,
    failing text not null,
    at_ms integer not null,
    decided_ms integer not null,
    hour_ms integer not null,
    primary key (interaction, occurrence)
) without rowid;
create index outcome_at on outcome (interaction, at_ms, occurrence);
create index outcome_pending on outcome (at_ms) where state = 'pending';

create table serving (
    signal text primary key,
    touchpoint text not null,
    key text not null,
    at_ms integer not null,
    released integer not null,
    taken_back integer not null default 0
) without rowid;
create index serving_key on serving (key, at_ms);
create index serving_place on serving (touchpoint, at_ms);

create table tally (
    hour_ms integer not null,
    expectation text not null,
    touchpoint text not null,
    team text not null,
    area text not null,
    day text not null,
    hour integer not null,
    success integer not null default 0,
    failure integer not null default 0,
    void integer not null default 0,
    saved integer not null default 0,
    answered integer not null default 0,
    anomaly integer not null default 0,
    provisional integer not null default 0,
    primary key (hour_ms, expectation, touchpoint, team, area)
) without rowid;

create table gate_tally (
    hour_ms integer not null,
    interaction text not null,
    day text not null,
    hour integer not null,
    success integer not null default 0,
    failure integer not null default 0,
    pending integer not null default 0,
    incomplete integer not null default 0,
    primary key (hour_ms, interaction)
) without rowid;

create table node (
    node text primary key,
    state text not null,
    session integer,
    boot text,
    version text,
    config text,
    wanted text,
    since_ms integer,
    seen_ms integer,
    health blob,
    health_ms integer,
    blind text not null default '[]',
    fault text
) without rowid;

create table quarantine (
    id integer primary key autoincrement,
    at_ms integer not null,
    topic text not null,
    reason text not null,
    payload blob not null,
    size integer not null
);

create table plan (
    version text not null,
    entry integer not null,
    at_ms integer not null,
    body blob not null,
    source text not null default '',
    primary key (entry)
);
"""

_SIGHT = """
create table blind (
    signal text primary key,
    node text not null,
    device text not null,
    touchpoint text not null,
    at_ms integer not null,
    why text not null,
    boot text,
    run integer,
    heard_ms integer,
    back_ms integer,
    over integer not null default 0
) without rowid;
alter table node add column run integer;
"""

_TIMELINES = (
    "alter table signal add column received_ms integer",
    "alter table signal add column within_ms integer",
    "alter table boot add column within_ms real",
    "alter table boot add column clock text",
    "alter table boot add column timeline blob",
)

_COVERAGE_AND_FAULTS = """
create table sight (
    signal text primary key,
    device text not null,
    touchpoint text not null,
    blind integer not null,
    at_ms integer not null,
    source text not null,
    boot_rank integer not null,
    seq integer not null,
    taken_back integer not null
) without rowid;
create index sight_device on sight (device);

create table spell (
    device text not null,
    from_ms integer not null,
    to_ms integer,
    touchpoint text not null,
    primary key (device, from_ms)
) without rowid;
create index spell_open on spell (from_ms) where to_ms is null;
create index spell_over on spell (to_ms) where to_ms is not null;

create table coverage (
    hour_ms integer not null,
    expectation text not null,
    touchpoint text not null,
    team text not null,
    area text not null,
    day text not null,
    hour integer not null,
    due_ms integer not null,
    seen_ms integer not null,
    primary key (hour_ms, expectation, touchpoint, team, area)
) without rowid;

create table fault (
    node text not null,
    device text not null,
    kind text not null,
    since_ms integer not null,
    seen_ms integer not null,
    detail text not null,
    page text not null default '',
    primary key (node, device, kind)
) without rowid;

create table sender (
    kind text not null,
    sender text not null,
    accepted integer not null default 0,
    duplicates integer not null default 0,
    quarantined integer not null default 0,
    minute integer not null default 0,
    seen_ms integer not null,
    primary key (kind, sender)
) without rowid;
"""


_SEAL = """
create table seal (
    last integer primary key,
    document blob not null,
    key blob not null,
    signature blob not null,
    base blob not null,
    rest blob
);
"""

_SENSORS = """
alter table tally add column pressed integer not null default 0;
alter table tally add column agreed integer not null default 0;
alter table tally add column contradicted integer not null default 0;
"""


_PERSON = """
create table person (
    id text primary key,
    name text not null
) without rowid;
create index person_name on person (name);
"""

_PHONE = """
create table phone (
    endpoint text not null,
    team text not null,
    p256dh blob not null,
    auth blob not null,
    key blob not null,
    since_ms integer not null,
    primary key (endpoint, team)
) without rowid;
"""

_PEOPLE = """
create table staff (
    person text primary key,
    languages text not null,
    channels text not null,
    quiet text not null,
    active integer not null,
    since_ms integer not null
) without rowid;

create table duty (
    id integer primary key autoincrement,
    person text not null,
    team text not null,
    shift text not null,
    days text not null,
    day text,
    first_day text,
    last_day text
);
create index duty_person on duty (person);

create table stand_in (
    id integer primary key autoincrement,
    day text not null,
    team text not null,
    shift text not null,
    person text,
    instead_of text,
    by text not null,
    reason text not null,
    pair integer,
    at_ms integer not null
);
create index stand_in_day on stand_in (day);

alter table page add column person text;
create index page_person on page (person, id) where person is not null;
"""


_CUSTOMERS = """
create table customer (
    token text primary key,
    flight text not null,
    way text not null,
    address text not null,
    confirmed integer not null,
    asked_ms integer not null,
    until_ms integer not null
);
create index customer_flight on customer (flight);
create index customer_address on customer (address);
create index customer_until on customer (until_ms);

create table telling (
    customer text not null,
    news text not null,
    title text not null,
    text text not null,
    state text not null,
    tries integer not null,
    due_ms integer not null,
    again integer not null,
    decided_ms integer not null,
    sent_ms integer,
    note text not null,
    primary key (customer, news)
);
create index telling_news on telling (news);
create index telling_unsent on telling (decided_ms) where state in ('queued', 'sending');
"""


_RECEIPTS = """
alter table page add column delivered_ms integer;
alter table page add column read_ms integer;
alter table page add column stands_for integer;
alter table page add column bundle text not null default '';
alter table page add column adds text not null default '';
create index page_bundle on page (bundle) where bundle != '';

create table drill (
    id integer primary key autoincrement,
    at_ms integer not null,
    by text not null,
    team text not null,
    loud integer not null,
    ended_ms integer
);

create table drill_part (
    drill integer not null,
    n integer not null,
    kind text not null,
    name text not null,
    team text not null,
    person text,
    state text not null,
    sent_ms integer,
    proven_ms integer,
    note text not null,
    primary key (drill, n)
) without rowid;
"""


_TAP = """
create table tap (
    page integer not null,
    who text not null,
    at_ms integer not null,
    do text not null,
    primary key (page, who)
) without rowid;
"""


_QUIET = """
create table mute (
    id text primary key,
    scope text not null,
    owner text not null,
    reason text not null,
    faults integer not null,
    begin_ms integer not null,
    end_ms integer not null,
    by text not null,
    made_ms integer not null,
    ended_ms integer,
    ended_by text
);

create table training (
    id text primary key,
    who text not null,
    trainer text not null,
    from_ms integer not null,
    until_ms integer not null,
    by text not null,
    ended_ms integer,
    ended_by text
);

create table suspension (
    signal text primary key,
    device text not null,
    touchpoint text not null,
    suspended integer not null,
    at_ms integer not null,
    source text not null,
    boot_rank integer not null,
    seq integer not null,
    gone integer not null default 0
);

create table listening (
    at_ms integer primary key,
    only integer not null
);

create table held (
    moment text not null,
    team text not null,
    since_ms integer not null,
    over integer not null,
    primary key (moment, team)
) without rowid;
"""

_SHIFT_TALLY = """
alter table moment add column shift text;
alter table moment add column shift_ms integer;

create table shift_tally (
    start_ms integer not null,
    team text not null,
    shift text not null,
    expectation text not null,
    touchpoint text not null,
    area text not null,
    success integer not null default 0,
    failure integer not null default 0,
    void integer not null default 0,
    saved integer not null default 0,
    answered integer not null default 0,
    anomaly integer not null default 0,
    provisional integer not null default 0,
    pressed integer not null default 0,
    agreed integer not null default 0,
    contradicted integer not null default 0,
    primary key (start_ms, team, shift, expectation, touchpoint, area)
) without rowid;
"""


def _all(db: Database, statements: str) -> None:
    _each(db, filter(str.strip, statements.split(";\n")))


def _each(db: Database, statements: Iterable[str]) -> None:
    for statement in statements:
        db.execute(statement)


def prepare(connection: sqlite3.Connection) -> None:  # noqa: C901 - a function a step
    """Bring the database to the newest tables; each step and its record are one transaction."""
    if connection.execute("pragma user_version").fetchone()[0] == LATEST:
        return
    # Only a first start or an upgrade pays for this import.
    from sqlite_utils import Database as Utils  # noqa: PLC0415
    from sqlite_utils.migrations import Migrations  # noqa: PLC0415

    migrations = Migrations("andgate")

    @migrations()
    def m001_tables(db: Database) -> None:
        _all(db, _TABLES)

    @migrations()
    def m002_sight(db: Database) -> None:
        _all(db, _SIGHT)

    @migrations()
    def m003_timelines(db: Database) -> None:
        _each(db, _TIMELINES)

    @migrations()
    def m004_coverage_and_faults(db: Database) -> None:
        _all(db, _COVERAGE_AND_FAULTS)

    @migrations()
    def m005_seal(db: Database) -> None:
        _all(db, _SEAL)

    @migrations()
    def m006_sensors(db: Database) -> None:
        _all(db, _SENSORS)

    @migrations()
    def m007_person(db: Database) -> None:
        _all(db, _PERSON)

    @migrations()
    def m008_blind_top(db: Database) -> None:
        db.execute("alter table blind add column top integer")

    @migrations()
    def m009_phone(db: Database) -> None:
        _all(db, _PHONE)

    @migrations()
    def m010_rollups(db: Database) -> None:
        _each(db, rollup.migrate())

    @migrations()
    def m011_failed(db: Database) -> None:
        db.execute("create index moment_failed on moment (opened_ms, id) where counts & 2 != 0")  # 2: failure

    @migrations()
    def m012_people(db: Database) -> None:
        _all(db, _PEOPLE)

    @migrations()
    def m013_receipts(db: Database) -> None:
        _all(db, _RECEIPTS)

    @migrations()
    def m014_customers(db: Database) -> None:
        _all(db, _CUSTOMERS)

    @migrations()
    def m015_tap(db: Database) -> None:
        _all(db, _TAP)

    @migrations()
    def m016_quiet(db: Database) -> None:
        _all(db, _QUIET)

    @migrations()
    def m017_shift_tally(db: Database) -> None:
        _all(db, _SHIFT_TALLY)

    @migrations()
    def m018_void(db: Database) -> None:
        db.execute("create index moment_void on moment (opened_ms, touchpoint) where counts & 4 != 0")  # 4: void

    database = Utils(connection)
    migrations.apply(database)
    connection.execute(f"pragma user_version = {LATEST}")
    connection.commit()
