"""From two publications of one moment to the events between them.

The fold says how things stand; what *happened* is the difference between what was published and what stands now.
That is why a late signal cannot make history disappear: what was published stays in the journal, and the
difference is a `Revised`.
"""

from __future__ import annotations

from collections.abc import Sequence

from msgspec.structs import replace

from andgate.moment.case import Case
from andgate.moment.claims import Claim, giver
from andgate.moment.events import (
    AnyEvent,
    Claimed,
    ClaimLapsed,
    Closed,
    Confirmed,
    Contradicted,
    Failed,
    Failing,
    GaveUp,
    HandedOver,
    Kept,
    Noted,
    Revised,
    Saved,
    Threatened,
    Unclaimed,
    Unvoided,
    Voided,
    Withdrawn,
)
from andgate.moment.moments import Moment
from andgate.moment.signals import Action

JUDGED = ("opened_ms", "ends_ms", "ended_ms", "verdict", "saved", "anomaly")
"""What a revision is about: opening, deadline, end, verdict, saved, anomaly."""


def altered(old: Moment, new: Moment) -> tuple[str, ...]:
    """Return the judged fields whose published values no longer hold. First values are news, not alterations."""
    changed = []
    for field in JUDGED:
        was, now = getattr(old, field), getattr(new, field)
        if was == now or was is None:
            continue
        if field in ("saved", "anomaly") and old.verdict is None:
            continue
        changed.append(field)
    return tuple(changed)


def revised(old: Moment, new: Moment, changed: tuple[str, ...], now_ms: int, because: str) -> Revised:
    """Say what late knowledge changed."""
    return Revised(
        moment=new.id,
        at_ms=now_ms,
        changed=changed,
        was={field: getattr(old, field) for field in changed},
        now={field: getattr(new, field) for field in changed},
        because=because,
    )


def events_between(
    old: Moment | None,
    new: Moment,
    case: Case,
    facts: Sequence[AnyEvent],
    notes: Sequence[Action],
    now_ms: int,
    because: str | None = None,
) -> list[AnyEvent]:
    """Return what happened between two publications, in the order it happened.

    Args:
        old: what was published last; None where nothing was.
        new: what is published now.
        case: the case behind `new`, for the signals that did it.
        facts: what the fold noted since, without the moment's id.
        notes: persons' claims, causes and remedies since.
        now_ms: the time `new` was seen at.
        because: what was learned late, in words; None where nothing was.
    """
    happened: list[AnyEvent] = [replace(fact, moment=new.id) for fact in facts]
    happened += _by_the_clock(old, new, case)
    happened += _claims(old, new, notes, now_ms)
    happened += _ends(old, new, case, because)
    happened += [
        Noted(
            moment=new.id,
            at_ms=note.at_ms,
            what=note.do,
            text=note.reason or "",
            by=note.by,
            category=note.category,
            cause=note.cause,
            gave=note.gave,
            comment=note.comment,
        )
        for note in notes
        if note.do in ("cause", "remedy")
    ]
    happened += [
        HandedOver(
            moment=new.id,
            at_ms=note.at_ms,
            by=note.by,
            whose=note.whose,
            group=note.group,
            person=note.person,
            reason=note.reason,
        )
        for note in notes
        if note.do == "hand-over"
    ]
    if len(happened) > 1:
        happened.sort(key=lambda event: event.at_ms)
    return happened


def _by_the_clock(old: Moment | None, new: Moment, case: Case) -> list[AnyEvent]:
    happened: list[AnyEvent] = []
    if new.threatened_ms is not None and (old is None or old.threatened_ms is None):
        by_signal = case.threat_signal if case.threat_ms == new.threatened_ms else None
        happened.append(Threatened(moment=new.id, at_ms=new.threatened_ms, signal=by_signal))
    if new.level == "failing" and new.failing_ms is not None and (old is None or old.level != "failing"):
        happened.append(Failing(moment=new.id, at_ms=new.failing_ms))
    if new.contradicted_ms is not None and (old is None or old.contradicted_ms is None):
        # Not `asks_until_ms`: where all was learned at once, it has been confirmed or ended since.
        until_ms = min(2 * new.contradicted_ms - new.opened_ms, new.ends_ms)
        happened.append(Contradicted(moment=new.id, at_ms=new.contradicted_ms, until_ms=until_ms))
    return happened


def _claims(old: Moment | None, new: Moment, notes: Sequence[Action], now_ms: int) -> list[AnyEvent]:
    """Say who is on it now and was not, and who is not any more, and why."""
    before, after = old.coming if old else (), new.coming
    fresh = [note for note in notes if note.do == "claim"]
    claimers = {note.by for note in fresh}
    happened: list[AnyEvent] = []
    for claim in before:
        if any(_same(claim, each) or each.took == claim.by for each in after) or claim.by in claimers:
            continue
        if after and not all(note.several for note in fresh):
            continue  # replaced, in a journal from before several could be on it
        back = next((note for note in reversed(notes) if _gives_back(note, claim, before)), None)
        if back is None:
            until_ms = now_ms if claim.until_ms is None else min(claim.until_ms, now_ms)
            happened.append(ClaimLapsed(moment=new.id, at_ms=until_ms, by=claim.by))
        else:
            happened.append(
                Unclaimed(moment=new.id, at_ms=back.at_ms, by=back.by, whose=back.whose, reason=back.reason)
            )
    # One that stands again is no news; one that is heard of late comes on top of those who are on it already.
    news = [claim for claim in after if claim.by in claimers and not any(_same(claim, each) for each in before)]
    happened += [
        Claimed(
            moment=new.id,
            at_ms=claim.at_ms,
            by=claim.by,
            until_ms=claim.until_ms,
            have=have,
            needs=new.needs,
            took=claim.took,
            first=next((note.first for note in reversed(fresh) if note.by == claim.by), None),
        )
        for have, claim in enumerate(news, len(after) - len(news) + 1)
    ]
    return happened


def _gives_back(note: Action, claim: Claim, before: Sequence[Claim]) -> bool:
    """Tell whether an action gave back this claim; one of somebody who is not on it gave back the last, once."""
    of_nobody = note.whose is None and all(each.by != note.by for each in before)
    return note.do == "unclaim" and (giver(note) == claim.by or of_nobody)


def _same(claim: Claim, other: Claim) -> bool:
    return (claim.at_ms, claim.by) == (other.at_ms, other.by)


def _ends(old: Moment | None, new: Moment, case: Case, because: str | None) -> list[AnyEvent]:
    was = old.verdict if old else None
    happened: list[AnyEvent] = []
    if was == "void" and new.verdict != "void":
        happened.append(Unvoided(moment=new.id, at_ms=new.ended_ms or new.opened_ms))
    if new.verdict == "failure" and was != "failure":
        happened.append(Failed(moment=new.id, at_ms=new.ends_ms, signal=case.fail_signal))
    if new.verdict == "void" and was != "void":
        happened.append(
            Voided(
                moment=new.id,
                at_ms=new.ended_ms or new.opened_ms,
                reason=new.reason or "void",
                by=case.void_by,
                signal=case.end_signal if case.end == "voided-by-signal" else None,
            )
        )
    ended_anew = new.ended_ms is not None and (
        old is None or (old.ended_ms, old.verdict, old.saved) != (new.ended_ms, new.verdict, new.saved)
    )
    if ended_anew and new.ended_ms is not None:
        if new.verdict == "success":
            kind = Saved if new.saved else Kept
            happened.append(kind(moment=new.id, at_ms=new.ended_ms, signal=case.end_signal))
        elif new.verdict == "failure" and new.closed_ms is not None:
            happened.append(
                Closed(moment=new.id, at_ms=new.closed_ms, signal=case.end_signal, late_s=new.late_s or 0.0)
            )
        elif new.verdict == "failure":
            happened.append(GaveUp(moment=new.id, at_ms=new.ended_ms))
    if old is not None and old.provisional and not new.provisional and was == new.verdict is not None:
        happened.append(Confirmed(moment=new.id, at_ms=new.ended_ms or new.ends_ms, because=because))
    return happened


def withdrawal(old: Moment, into: str | None, now_ms: int) -> tuple[Moment, Withdrawn]:
    """Return the last publication of a moment that turned out not to be one of its own, and its event."""
    gone = replace(
        old,
        state="ended",
        level="ended",
        ended_ms=old.ended_ms if old.ended_ms is not None else now_ms,
        verdict=None,
        saved=False,
        answered=False,
        provisional=False,
        anomaly=False,
        reason="withdrawn",
        claimed_ms=None,
        claimed_by=None,
        claim_until_ms=None,
        claims=(),
        withdrawn=True,
        withdrawn_into=into,
        change=old.change + 1,
    )
    return gone, Withdrawn(moment=old.id, at_ms=now_ms, into=into)
