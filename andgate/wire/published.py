"""Moments as others see them: whole for the API and ``verdict``, short for lamps, signs and boards."""

from __future__ import annotations

from collections.abc import Iterable

from msgspec import UNSET, UnsetType

from andgate.moment.claims import Claim
from andgate.moment.moments import Moment, Word
from andgate.moment.teams import Team
from andgate.wire.messages import (
    ClaimMessage,
    EndedMoment,
    FailedBefore,
    LiveMoment,
    MomentMessage,
    Said,
    TeamMessage,
    TouchpointMoments,
)
from andgate.wire.times import format_time, format_time_or_none

ENDED_SHOWN_MS = 30_000
"""So long a touchpoint still shows the moment that ended last."""


def claim_message(claim: Claim) -> ClaimMessage:
    """Return a claim as the API, ``verdict`` and the live stream show it."""
    return ClaimMessage(
        by=claim.by, at=format_time(claim.at_ms), until=format_time_or_none(claim.until_ms), took=claim.took
    )


def moment_message(moment: Moment) -> MomentMessage:
    """Return a publication of a moment as the API, ``verdict`` and the live stream show it."""
    return MomentMessage(
        id=moment.id,
        expectation=moment.expectation,
        interactions=list(moment.interactions),
        touchpoint=moment.touchpoint,
        key=moment.key,
        about=moment.about,
        opened_at=format_time(moment.opened_ms),
        threatened_at=format_time_or_none(moment.threatened_ms),
        claimed_at=format_time_or_none(moment.claimed_ms),
        claimed_by=moment.claimed_by,
        ends_at=format_time(moment.ends_ms),
        closed_at=format_time_or_none(moment.closed_ms),
        state=moment.state,
        verdict=moment.verdict,
        saved=moment.saved,
        answered=moment.answered,
        provisional=moment.provisional,
        reason=moment.reason,
        late_s=moment.late_s,
        anomaly=moment.anomaly,
        cause=moment.cause,
        remedy=moment.remedy,
        witnesses=list(moment.witnesses),
        revision=moment.revision,
        change=moment.change,
        plan=moment.plan,
        level=moment.level,
        counts_to=format_time(moment.counts_to_ms),
        failing_at=format_time_or_none(moment.failing_ms),
        withdrawn=moment.withdrawn,
        withdrawn_into=moment.withdrawn_into,
        sensor=moment.sensor,
        contradicted_at=format_time_or_none(moment.contradicted_ms),
        asks_until=format_time_or_none(moment.asks_until_ms),
        training=UNSET if moment.training is None else moment.training,
        team=_team(moment.team),
        team_at_deadline=_team(moment.team_due),
        claims=[claim_message(claim) for claim in moment.coming] or UNSET,
        needs=moment.needs if moment.needs > 1 else UNSET,
        caused=_said(moment.caused),
        given=_said(moment.given),
        remedies=UNSET if moment.remedies is None else moment.remedies,
        before=[
            FailedBefore(
                moment=each.moment, expectation=each.expectation, touchpoint=each.touchpoint, at=format_time(each.at_ms)
            )
            for each in moment.before
        ]
        or UNSET,
    )


def _said(word: Word | None) -> Said | UnsetType:
    if word is None:
        return UNSET
    return Said(
        text=word.text,
        by=word.by,
        at=format_time(word.at_ms),
        category=word.category,
        cause=word.cause,
        gave=list(word.gave),
        comment=word.comment,
    )


def _team(team: Team | None) -> TeamMessage | UnsetType:
    return UNSET if team is None else TeamMessage(group=team.group, shift=team.shift, date=team.date)


def live_moment(moment: Moment) -> LiveMoment:
    """Return an open moment as lamps, signs and boards need it."""
    return LiveMoment(
        id=moment.id,
        expectation=moment.expectation,
        state=moment.state,
        level=moment.level,
        key=moment.key,
        opened=format_time(moment.opened_ms),
        deadline=format_time(moment.ends_ms),
        failing=format_time_or_none(moment.failing_ms),
        counts_to=format_time(moment.counts_to_ms),
        threatened=format_time_or_none(moment.threatened_ms),
        claimed=format_time_or_none(moment.claimed_ms),
        claimed_by=moment.claimed_by,
        verdict=moment.verdict,
        saved=moment.saved,
        change=moment.change,
        asks_until=format_time_or_none(moment.asks_until_ms),
        coming=len(moment.coming) if moment.needs > 1 else UNSET,
        needs=moment.needs if moment.needs > 1 else UNSET,
    )


def ended_moment(moment: Moment) -> EndedMoment:
    """Return a moment that has ended, as signs show it for a while; one not known to have ended says its deadline."""
    return EndedMoment(
        id=moment.id,
        expectation=moment.expectation,
        key=moment.key,
        verdict=moment.verdict or "void",
        saved=moment.saved,
        at=format_time(moment.ends_ms if moment.ended_ms is None else moment.ended_ms),
        counts_to=format_time(moment.counts_to_ms),
        deadline=format_time(moment.ends_ms),
    )


def touchpoint_moments(moments: Iterable[Moment], at_ms: int, ended: Moment | None = None) -> TouchpointMoments:
    """Return what a touchpoint retains: its open moments, nearest deadline first, and what ended there just now.

    `ended` is the moment that ended last; it is left out once it ended `ENDED_SHOWN_MS` before `at_ms`.
    """
    nearest = sorted(moments, key=lambda moment: (moment.ends_ms, moment.opened_ms, moment.id))
    shown = ended is not None and ended.ended_ms is not None and at_ms - ended.ended_ms < ENDED_SHOWN_MS
    return TouchpointMoments(
        at=format_time(at_ms),
        moments=[live_moment(moment) for moment in nearest],
        ended=ended_moment(ended) if shown and ended is not None else UNSET,
    )
