"""``/baseline``: each promise while it was only listened to, and since people are paged about it."""

from __future__ import annotations

from fastapi import APIRouter, Depends, Request, Response
from msgspec import Struct

from hub.quiet.baseline import Row, Side
from hub.web.api.answer import answers, json
from hub.web.api.arguments import Since, Until, only_known, span
from hub.web.api.moments import Here, Reads
from hub.web.pages.baseline import read

router = APIRouter(tags=["quiet"], dependencies=[Depends(only_known)])


class BaselineSide(Struct, frozen=True, kw_only=True):
    """One column of the table of before and after."""

    hours: float
    """Of the span, over all places where the promise is made."""
    moments: int
    """Judged: kept or broken."""
    threats: int
    failed: int
    saved: int
    broken: float | None
    """Share of `moments`; null: there were none."""
    broken_low: float | None
    """Its 95 % interval."""
    broken_high: float | None
    rescued: float | None
    """Share of `threats` that were saved."""
    rescued_low: float | None
    rescued_high: float | None
    claim_s: float | None
    """Half of those claimed were claimed so soon after the threat."""
    claims: int


class BaselineRow(Struct, frozen=True, kw_only=True):
    """One promise, while it was only listened to, and since people are paged."""

    expectation: str | None
    """Null: all together."""
    before: BaselineSide
    after: BaselineSide
    apart: bool
    """The intervals of `broken` do not overlap."""


class BaselineList(Struct, frozen=True, kw_only=True):
    """Before and after; empty where nothing was ever only listened to."""

    items: list[BaselineRow]
    next: str | None


@router.get("/baseline", dependencies=[Reads], **answers(BaselineList))
def before_and_after(request: Request, here: Here, since_ms: Since, until_ms: Until) -> Response:
    """Compare what was only listened to with what came since; without `since`, all that is on record."""
    span(since_ms, until_ms)
    source = request.app.state.pages.source
    end_ms = min(here.clock.now_ms() if until_ms is None else until_ms, here.clock.now_ms())
    begin_ms = max(source.begun_ms(), 0 if since_ms is None else since_ms)
    found = read(source, begin_ms, end_ms) if begin_ms < end_ms else None
    rows = [] if found is None else [*found.rows, *([found.total] if found.total is not None else [])]
    return json(BaselineList(items=[_row(row) for row in rows], next=None))


def _row(row: Row) -> BaselineRow:
    return BaselineRow(
        expectation=row.expectation or None, before=_side(row.before), after=_side(row.after), apart=row.apart
    )


def _side(side: Side) -> BaselineSide:
    broken, rescued = side.broken, side.rescued
    return BaselineSide(
        hours=round(side.hours, 3),
        moments=side.moments,
        threats=side.threats,
        failed=side.failed,
        saved=side.saved,
        broken=None if broken is None else broken.share,
        broken_low=None if broken is None else broken.low,
        broken_high=None if broken is None else broken.high,
        rescued=None if rescued is None else rescued.share,
        rescued_low=None if rescued is None else rescued.low,
        rescued_high=None if rescued is None else rescued.high,
        claim_s=side.claim_s,
        claims=side.claims,
    )
