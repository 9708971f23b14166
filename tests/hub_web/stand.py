"""A hub for the web's tests: the real store and reader, a clock driven by hand, and a driver that judges crudely."""

from __future__ import annotations

import hashlib
from concurrent.futures import Future
from pathlib import Path
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from andgate.errors import RefusedError
from andgate.moment.events import Claimed, Opened, Paged, Revised, Threatened, Voided
from andgate.moment.moments import Moment
from andgate.moment.signals import Action, Signal
from andgate.plan import Plan
from andgate.wire.codec import body_digest, parse_time
from andgate.wire.messages import FeedSignal
from hub.store.reader import Reader
from hub.store.rows import PageRow
from hub.store.store import Store
from hub.web.live import Change, Live

NOON = parse_time("2026-11-21T12:00:00.000Z")
FLIGHT = "AG1234/2026-11-21"


class HandClock:
    """Stands still until moved."""

    def __init__(self) -> None:
        self.ms = NOON
        self.rate = 1.0

    def now_ms(self) -> int:
        return self.ms

    def mono_s(self) -> float:
        return self.ms / 1000

    def real_s(self, site_s: float) -> float:
        return site_s / self.rate


class Done(Struct, frozen=True):
    accepted: int
    duplicates: int


class CrudeDriver:
    """Opens a moment for each opening signal and ends it by a reset; stores everything before it answers."""

    def __init__(self, store: Store, plan: Plan, clock: HandClock) -> None:
        self.plan = plan
        self.live: Live | None = None
        self.stuck = False
        self._store = store
        self._clock = clock
        self._moments: dict[str, Moment] = {}
        store.use_plan(plan)

    def open_moments(self) -> tuple[Moment, ...]:
        return tuple(each for each in self._moments.values() if each.state == "open")

    def signals(self, members: list[FeedSignal], feed: str) -> Future[Done]:
        done: Future[Done] = Future()
        if self.stuck:
            return done
        try:
            done.set_result(self._signals(members, feed))
        except RefusedError as refused:
            done.set_exception(refused)
        return done

    def act(self, action: Action) -> Future[Moment]:
        done: Future[Moment] = Future()
        if self.stuck:
            return done
        try:
            done.set_result(self._act(action))
        except RefusedError as refused:
            done.set_exception(refused)
        return done

    def _signals(self, members: list[FeedSignal], feed: str) -> Done:
        fresh: list[tuple[Signal, bytes]] = []
        for index, member in enumerate(members):
            if member.touchpoint not in self.plan.touchpoints:
                raise RefusedError(f'unknown touchpoint "{member.touchpoint}"', index=index)
            digest = body_digest(member).encode()
            kept = self._store.kept(f"f/{member.id}")
            if kept is not None and kept.digest != digest:
                refused = RefusedError(f'signal "{member.id}" is stored with another body', index=index)
                refused.conflict = True  # type: ignore[attr-defined]
                raise refused
            if kept is None:
                fresh.append((self._signal(member, feed), digest))
        published = []
        for signal, digest in fresh:
            self._store.keep_signal(signal, digest)
            published += [self._open(each.id, signal) for each in self._opened_by(signal)]
        events = tuple(event for each in published for event in self._events(each))
        self._store.record(self._clock.now_ms(), tuple(signal for signal, _ in fresh), events, tuple(published))
        for each in published:
            self._store.pages.add(page_row(each, self._clock.now_ms()))
        self._commit(published)
        return Done(len(fresh), len(members) - len(fresh))

    def _signal(self, member: FeedSignal, feed: str) -> Signal:
        now = self._clock.now_ms()
        return Signal(
            id=f"f/{member.id}",
            name=member.signal,
            touchpoint=member.touchpoint,
            at_ms=now if member.at is None else parse_time(member.at),
            received_ms=now,
            source=feed,
            device=member.device or "",
            key=member.key,
            value=member.value,
        )

    def _opened_by(self, signal: Signal) -> list[Any]:
        every = self.plan.expectations.values()
        return [each for each in every if signal.name in each.opens and signal.touchpoint in each.touchpoints]

    def _open(self, expectation: str, signal: Signal) -> Moment:
        promise = self.plan.expectations[expectation]
        moment = Moment(
            id=hashlib.sha256(f"{expectation} {signal.id}".encode()).hexdigest()[:32],
            anchor=signal.id,
            expectation=expectation,
            touchpoint=signal.touchpoint,
            key=signal.key,
            opened_ms=signal.at_ms,
            ends_ms=signal.at_ms + promise.fails_after_ms,
            counts_to_ms=signal.at_ms + promise.fails_after_ms,
            level="threatened",
            threatened_ms=signal.at_ms,
            witnesses=(signal.witness,),
            plan=self.plan.version,
        )
        self._moments[moment.id] = moment
        return moment

    def _events(self, moment: Moment) -> list[Any]:
        return [
            Opened(moment=moment.id, at_ms=moment.opened_ms, signal=moment.anchor, witness=moment.witnesses[0]),
            Threatened(moment=moment.id, at_ms=moment.opened_ms),
            Paged(
                moment=moment.id,
                at_ms=moment.opened_ms,
                page=f"{moment.id}-0",
                step=0,
                group="ticket-agents",
                reason="time-left",
                left_ms=180_000,
            ),
            Revised(
                moment=moment.id,
                at_ms=moment.opened_ms,
                changed=("ends_ms",),
                was={"ends_ms": moment.ends_ms},
                now={"ends_ms": moment.ends_ms, "saved": True},
                because="a late signal",
            ),
        ]

    def _act(self, action: Action) -> Moment:
        moment = self._moments.get(action.moment)
        if moment is None:
            raise RefusedError(f'unknown moment "{action.moment}"')
        if action.do == "reset" and moment.state == "ended":
            raise RefusedError("the moment has ended")
        event: Any = Claimed(moment=moment.id, at_ms=action.at_ms, by=action.by, until_ms=None)
        changes: dict[str, Any] = {}
        if action.do == "claim":
            event = Claimed(moment=moment.id, at_ms=action.at_ms, by=action.by, until_ms=action.at_ms + 60_000)
            changes = {"claimed_ms": action.at_ms, "claimed_by": action.by}
        elif action.do == "unclaim":
            changes = {"claimed_ms": None, "claimed_by": None}
        elif action.do in {"void", "reset"}:
            event = Voided(moment=moment.id, at_ms=action.at_ms, reason=action.reason or "", by=action.by)
            verdict = "void" if action.do == "void" else "success"
            changes = {"state": "ended", "level": "ended", "verdict": verdict, "ended_ms": action.at_ms}
        elif action.do in {"cause", "remedy"}:
            changes = {action.do: action.reason}
        now = replace(moment, change=moment.change + 1, **changes)
        self._moments[now.id] = now
        self._store.record(self._clock.now_ms(), (action,), (event,), (now,))
        self._commit([now])
        return now

    def _commit(self, published: list[Moment]) -> None:
        self._store.commit()
        if self.live is not None:
            self.live.changed(Change(moments=tuple(published), entry=self._store.entry))


def page_row(moment: Moment, now_ms: int) -> PageRow:
    """Return a page that a claim cancelled."""
    return PageRow(
        id=0,
        page=f"{moment.id}-0",
        kind="page",
        moment=moment.id,
        expectation=moment.expectation,
        touchpoint=moment.touchpoint,
        key=moment.key,
        group="ticket-agents",
        channel="radio",
        title="Check-in counter A",
        text="3 minutes left",
        reason="time-left",
        left_s=180.0,
        late=False,
        cancels=True,
        state="cancelled",
        decided_ms=now_ms,
        due_ms=now_ms,
        tries=0,
        sent_ms=None,
        again=False,
        note="somebody is on it",
    )


class Stand:
    """Everything an application is made of."""

    def __init__(self, data: Path, plan: Plan) -> None:
        self.clock = HandClock()
        self.store = Store(data)
        self.driver = CrudeDriver(self.store, plan, self.clock)
        self.store.record(self.clock.now_ms(), (), (), ())
        self.store.commit()
        self.reader = Reader(data)
        self.live = Live(self.driver, self.clock)
        self.driver.live = self.live

    def close(self) -> None:
        self.reader.close()
        self.store.close()
