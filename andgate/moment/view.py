"""A case seen at a time: the moment as it stands, by the clock and the persons' words.

`view` is the only place where "now" meets a case. It never looks at what was published before, so waking late shows
the same as waking in time.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from andgate.moment.case import CONTRADICTED, Case
from andgate.moment.claims import claims, lapses_ms, standing_claims, were_enough
from andgate.moment.moments import Level, Moment, Verdict, Word
from andgate.moment.signals import Action
from andgate.plan import Expectation

IN_FLIGHT_MS = 1_000
"""A failure is decided so long after its deadline: a closing signal may still be on its way."""

NEVER_CLOSED = "never closed"


def page_times(case: Case, expectation: Expectation) -> list[int]:
    """Return when each step of the ladder is due: never before the moment opened, or before a signal failed it."""
    floor_ms = case.ends_ms if case.fail_signal is not None else case.opened_ms
    return [max(floor_ms, case.ends_ms - page.left_ms) for page in expectation.pages]


def claim_end(case: Case, expectation: Expectation, claim: Action) -> int | None:
    """Return when a claim lapses: its promised time, else the next step it does not cancel, else the deadline."""
    if claim.promise_ms is not None:
        return claim.at_ms + claim.promise_ms
    steps = zip(expectation.pages, page_times(case, expectation), strict=True)
    ahead = [due_ms for page, due_ms in steps if due_ms > claim.at_ms and not page.unless_claimed]
    if case.ends_ms > claim.at_ms:
        ahead.append(case.ends_ms)
    return min(ahead, default=None)


def threat_ms(case: Case) -> int | None:
    """Return when it became, or will become, threatened; None where nothing threatens it before its deadline."""
    times = [at_ms for at_ms in (case.mark_ms, case.threat_ms) if at_ms is not None and at_ms <= case.ends_ms]
    return min(times, default=None)


def failing_ms(case: Case, expectation: Expectation, threat: int | None) -> int | None:
    """Return when the last third of its time begins, given its `threat_ms`; None where nothing threatens it."""
    if threat is None or case.fail_signal is not None:
        return None
    return max(threat, case.ends_ms - expectation.fails_after_ms // 3)


def view(  # noqa: PLR0913 - a moment is made of all this
    case: Case,
    expectation: Expectation,
    notes: Sequence[Action],
    now_ms: int,
    *,
    identity: str,
    anchor: str,
    interactions: tuple[str, ...],
    blind_at: Callable[[str, int], object],
    contradicts: Callable[[Case], bool],
) -> Moment:
    """Return the moment as it stands at `now_ms`, with change and revision still at their first values."""
    ended_ms = case.ended_ms
    gave_up = case.end == "gave-up"
    asked_ms, asks_until_ms = case.asked_ms, None
    void_reason, doubted = case.void_reason, case.end == "contradicted" and case.void_by is None
    if ended_ms is None and case.doubt_ms is not None and contradicts(case):
        if asked_ms is None and case.ask_ms is not None and now_ms >= case.ask_ms:
            asked_ms = case.ask_ms
        if now_ms >= case.doubt_ms:
            ended_ms, void_reason, doubted = case.doubt_ms, CONTRADICTED, True
        elif asked_ms is not None:
            asks_until_ms = case.doubt_ms
    if ended_ms is None and now_ms >= case.limit_ms:
        ended_ms, gave_up = case.limit_ms, True
    closed = ended_ms is not None and case.end in ("closed", "reset")
    verdict = "void" if void_reason is not None else _verdict(case, ended_ms, now_ms)
    seen_until = now_ms if ended_ms is None else min(now_ms, ended_ms)
    threat = threat_ms(case)
    threatened_ms = threat if threat is not None and threat <= seen_until else None
    failing = failing_ms(case, expectation, threat)
    made = claims(notes, lambda claim: claim_end(case, expectation, claim)) if notes else []
    needs = expectation.needs or 1
    coming = standing_claims(made, now_ms if ended_ms is None else ended_ms) if made else ()
    claim = coming[needs - 1] if len(coming) >= needs else None
    success = verdict == "success"
    failure = verdict == "failure"
    late_s: float | None = 0.0
    if failure:
        late_s = (ended_ms - case.ends_ms) / 1000 if closed and ended_ms is not None else None
    provisional = case.opened_found or case.end_found or (gave_up and verdict != "void")
    provisional = provisional or doubted
    if not provisional and verdict in ("success", "failure"):
        decided_ms = ended_ms if success and ended_ms is not None else case.ends_ms
        provisional = bool(blind_at(case.touchpoint_at(decided_ms), decided_ms))
    cause, given = _last(notes, "cause"), _last(notes, "remedy")
    return Moment(
        id=identity,
        anchor=anchor,
        expectation=expectation.id,
        interactions=interactions,
        touchpoint=case.touchpoint,
        key=case.key if case.owed is None else case.owed.key,
        about=case.about.copy() if case.about else {},
        opened_ms=case.opened_ms,
        threatened_ms=threatened_ms,
        failing_ms=failing if ended_ms is None or (failing is not None and failing <= ended_ms) else None,
        claimed_ms=claim.at_ms if claim else None,
        claimed_by=claim.by if claim else None,
        claim_until_ms=lapses_ms(coming, needs) if claim else None,
        ends_ms=case.ends_ms,
        counts_to_ms=_counts_to(case, expectation),
        closed_ms=ended_ms if closed else None,
        ended_ms=ended_ms,
        state="open" if ended_ms is None else "ended",
        level=_level(ended_ms, verdict, threatened_ms, failing, now_ms),
        verdict=verdict,
        saved=success and threatened_ms is not None,
        answered=success and were_enough(made, needs, ended_ms or 0),
        provisional=provisional,
        reason=void_reason if verdict == "void" else NEVER_CLOSED if gave_up else None,
        late_s=late_s,
        anomaly=_anomaly(case, expectation, ended_ms, success=success),
        sensor="contradicted" if case.sensor == "silent" and asked_ms is not None else case.sensor,
        contradicted_ms=asked_ms,
        asks_until_ms=asks_until_ms,
        cause=cause.text if cause else None,
        remedy=given.text if given else None,
        caused=cause,
        given=given,
        remedies=case.owed.moment if case.owed else None,
        before=case.owed.before if case.owed else (),
        witnesses=tuple(case.witnesses),
        plan=case.plan,
        claims=coming if len(coming) > 1 or (coming and (claim is None or claim.took)) else (),
        needs=needs,
    )


def verdict_ms(moment: Moment) -> int:
    """Return the time that a success or failure is about: its end, or its deadline."""
    return moment.ended_ms if moment.verdict == "success" and moment.ended_ms is not None else moment.ends_ms


def _verdict(case: Case, ended_ms: int | None, now_ms: int) -> Verdict | None:
    if case.fail_signal is not None:
        return "failure"
    if ended_ms is not None:
        return "success" if ended_ms <= case.ends_ms else "failure"
    return "failure" if now_ms >= case.ends_ms + IN_FLIGHT_MS else None


def _level(
    ended_ms: int | None, verdict: Verdict | None, threatened_ms: int | None, failing: int | None, now_ms: int
) -> Level:
    if ended_ms is not None:
        return "ended"
    if verdict == "failure":
        return "failed"
    if failing is not None and now_ms >= failing:
        return "failing"
    return "open" if threatened_ms is None else "threatened"


def _counts_to(case: Case, expectation: Expectation) -> int:
    if expectation.countdown_ms is None:
        return case.ends_ms
    return min(case.ends_ms, case.opened_ms + expectation.countdown_ms)


def _anomaly(case: Case, expectation: Expectation, ended_ms: int | None, *, success: bool) -> bool:
    if not success or expectation.better_than_ms is None or ended_ms is None:
        return False
    return ended_ms - case.opened_ms < expectation.better_than_ms


def _last(notes: Sequence[Action], what: str) -> Word | None:
    """Return what was said last as cause or remedy; what it replaced is on the trail."""
    said = next((note for note in reversed(notes) if note.do == what), None)
    if said is None:
        return None
    return Word(
        text=said.reason or "",
        by=said.by,
        at_ms=said.at_ms,
        category=said.category,
        cause=said.cause,
        gave=said.gave,
        comment=said.comment,
    )


def next_times(case: Case, moment: Moment) -> list[int]:
    """Return every time at which an open moment, as `view` shows it, changes by the clock alone; past ones included."""
    times = [case.ends_ms + IN_FLIGHT_MS, case.limit_ms]
    times += [at_ms for at_ms in (threat_ms(case), moment.failing_ms, moment.claim_until_ms) if at_ms is not None]
    times += [claim.until_ms for claim in moment.claims if claim.until_ms is not None]
    times += [at_ms for at_ms in (case.ask_ms, case.doubt_ms) if at_ms is not None]
    return times
