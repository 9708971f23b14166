"""``/touchpoints``, ``/nodes``, ``/pages``, ``/audit``, ``/clock`` and ``/stream``: the site as it stands now."""

from __future__ import annotations

from fastapi import APIRouter, Depends, Response

from andgate.wire.codec import format_time, format_time_or_none
from hub.fleet.faults import Fault, standing
from hub.web.api import shapes
from hub.web.api.answer import answers, json
from hub.web.api.answers import (
    AuditAnswer,
    ClockAnswer,
    FeedList,
    FindingEntry,
    HeartbeatAnswer,
    NodeList,
    PageList,
    TouchpointList,
)
from hub.web.api.arguments import DEFAULT_LIMIT, Cursor, Filter, Limit, only_known
from hub.web.api.moments import Here, Reads
from hub.web.live import EventStream
from hub.web.problems import ProblemError

router = APIRouter(tags=["site"], dependencies=[Depends(only_known), Reads])


@router.get("/touchpoints", **answers(TouchpointList))
def touchpoints(here: Here) -> Response:
    """List every touchpoint, in plan order, with how it stands now."""
    plan = here.driver.plan
    moments = [moment for moment in here.driver.open_moments() if moment.training is None]
    blind = [device for node in here.reader.nodes() for device in node.blind]
    view, now_ms = here.driver.quiet, here.clock.now_ms()
    items = [
        shapes.touchpoint_entry(each, plan, moments, blind, shapes.quiet_entries(view, plan, each.id, now_ms))
        for each in plan.touchpoints.values()
    ]
    return json(TouchpointList(items=items, next=None))


@router.get("/nodes", **answers(NodeList))
def nodes(here: Here) -> Response:
    """List every node of the plan and every other one ever seen: its state, health, clock and faults."""
    faults: dict[str, list[Fault]] = {}
    for fault in standing(here.reader.faults(), here.clock.now_ms()):
        faults.setdefault(fault.node, []).append(fault)
    senders = {row.name: row for row in here.reader.senders() if row.kind == "node"}
    training = here.driver.quiet.training
    items = [
        shapes.node_entry(row, faults.get(row.node, ()), senders.get(row.node), training) for row in here.reader.nodes()
    ]
    return json(NodeList(items=items, next=None))


@router.get("/feeds", **answers(FeedList))
def feeds(here: Here) -> Response:
    """List every feed that has been heard: how much came from it, how much was no good, and its faults."""
    faults = standing(here.reader.faults(), here.clock.now_ms())
    items = [shapes.feed_entry(row, faults) for row in here.reader.senders() if row.kind == "feed"]
    return json(FeedList(items=items, next=None))


@router.get("/pages", **answers(PageList))
def pages(here: Here, moment: Filter = None, cursor: Cursor = None, limit: Limit = DEFAULT_LIMIT) -> Response:
    """List deliveries, newest first: each page sent or not sent, over each channel, with the reason."""
    found = here.reader.pages(moment=moment, cursor=cursor, limit=limit)
    return json(PageList(items=[shapes.page_entry(row) for row in found.items], next=found.next))


@router.get("/audit", **answers(AuditAnswer))
def audit(here: Here) -> Response:
    """Tell what the auditor found: whether every open threat has a next step, or a reason for none."""
    found, beat = here.driver.audit, here.heartbeat
    return json(
        AuditAnswer(
            at=format_time_or_none(found.at_ms),
            threats=found.threats,
            findings=[
                FindingEntry(what=each.what, moment=each.moment, group=each.group, note=each.note)
                for each in found.findings
            ],
            heartbeat=None
            if beat is None
            else HeartbeatAnswer(to=str(beat.url), sent_at=format_time_or_none(beat.sent_ms), fault=beat.fault),
        )
    )


@router.get("/clock", **answers(ClockAnswer))
def clock(here: Here) -> Response:
    """Tell the site's time, how fast it runs and the site's zone."""
    zone, kept = here.driver.plan.site.timezone, here.driver.timekeeper
    at = format_time(here.clock.now_ms())
    return json(ClockAnswer(at=at, rate=here.clock.rate, zone=zone, utc_ahead_ms=kept.ahead_ms, fault=kept.fault))


# Not in the schema: a client that is generated from it cannot read an endless answer; docs tell of the events.
@router.get("/stream", include_in_schema=False)
async def stream(here: Here, since: str | None = None) -> Response:
    """Stream what changes, as server-sent events. Every connection begins with a snapshot: `since` changes nothing."""
    del since
    client = here.live.join()
    if client is None:
        raise ProblemError(
            503, "full", "Too many dashboards are open.", remedy="Close some.", headers={"retry-after": "5"}
        )
    return EventStream(here.live, client)
