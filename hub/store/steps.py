"""The database's way from its first tables to those of today. A step only adds, and never changes once released."""

from __future__ import annotations

from collections.abc import Mapping

from hub.store import rollup
from hub.store.baseline import BASELINE


def _script(text: str) -> tuple[str, ...]:
    return tuple(filter(str.strip, text.split(";\n")))


REWORDED = """
insert into meta (key, value) select 'reworded_ms', cast(ifnull(max(decided_ms), 0) as text) from page where true
on conflict (key) do update set value = excluded.value
"""
"""A step of every release that words pages in another way: what was said before is not compared with its words."""

STEPS: Mapping[str, tuple[str, ...]] = {
    "m001_tables": _script(BASELINE),
    "m002_sight": _script("""
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
"""),
    "m003_timelines": (
        "alter table signal add column received_ms integer",
        "alter table signal add column within_ms integer",
        "alter table boot add column within_ms real",
        "alter table boot add column clock text",
        "alter table boot add column timeline blob",
    ),
    "m004_coverage_and_faults": _script("""
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
"""),
    "m005_seal": _script("""
create table seal (
    last integer primary key,
    document blob not null,
    key blob not null,
    signature blob not null,
    base blob not null,
    rest blob
);
"""),
    "m006_sensors": _script("""
alter table tally add column pressed integer not null default 0;
alter table tally add column agreed integer not null default 0;
alter table tally add column contradicted integer not null default 0;
"""),
    "m007_person": _script("""
create table person (
    id text primary key,
    name text not null
) without rowid;
create index person_name on person (name);
"""),
    "m008_blind_top": ("alter table blind add column top integer",),
    "m009_phone": _script("""
create table phone (
    endpoint text not null,
    team text not null,
    p256dh blob not null,
    auth blob not null,
    key blob not null,
    since_ms integer not null,
    primary key (endpoint, team)
) without rowid;
"""),
    "m010_rollups": tuple(rollup.migrate()),
    "m011_failed": ("create index moment_failed on moment (opened_ms, id) where counts & 2 != 0",),  # 2: failure
    "m012_people": _script("""
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
"""),
    "m013_receipts": _script("""
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
"""),
    "m014_customers": _script("""
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
"""),
    "m015_tap": _script("""
create table tap (
    page integer not null,
    who text not null,
    at_ms integer not null,
    do text not null,
    primary key (page, who)
) without rowid;
"""),
    "m016_quiet": _script("""
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
"""),
    "m017_shift_tally": _script("""
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
"""),
    "m018_void": ("create index moment_void on moment (opened_ms, touchpoint) where counts & 4 != 0",),  # 4: void
    "m019_kept_back": ("drop table held",),  # the pages themselves say what is kept back
    "m020_reworded": (REWORDED,),  # a page says until when, by the clock on the wall
}
"""Name -> its statements, oldest first. sqlite-utils notes in the database which names it has run."""
