"""The tables of the first release, from which every later `hub.store.steps` goes on. Never changed."""

from __future__ import annotations

BASELINE = """
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
