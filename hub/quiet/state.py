"""What is quiet at a time: mutes, those that come again, suspensions, training. The driver's thread only.

It is made from the tables at a start and goes on with what the journal takes in, so that a restart changes nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from msgspec.structs import replace

from andgate.moment.engine import HORIZON_MS
from andgate.moment.signals import (
    BLIND,
    SIGHTED,
    WATCHED,
    Input,
    Muted,
    Replanned,
    Retimed,
    Signal,
    Trained,
    Unmuted,
    Untrained,
)
from andgate.plan import Plan, springs_back
from andgate.plan.quiet import SUSPENDED
from andgate.quiet import Contact, Span, contact, missed_ms, occurrence, places, stands_again, suspensions
from hub.quiet.view import Mute, Suspension, Training
from hub.store import Store
from hub.store.hushes import ALARM, contacts, gone, mutes, trainings
from hub.store.rows import MuteRow, TrainingRow

OF_PLAN = "plan/"
"""What the id of an occurrence of one of the plan's mutes begins with."""


class State:
    """What is quiet at one site."""

    def __init__(self, store: Store, plan: Plan, now_ms: int) -> None:
        """Go on from what is stored."""
        self._plan = plan
        self._mutes = {row.id: row for row in mutes(store.db, now_ms)}
        self._trainings = {row.id: row for row in trainings(store.db, now_ms - HORIZON_MS)}
        self._contacts = contacts(store.db)
        self._gone = gone(store.db)
        self._dark: dict[str, int] = dict(
            store.db.execute("select device, from_ms from spell where to_ms is null").fetchall()
        )
        """Device that is not heard, or cannot see -> since when."""
        self._received: dict[str, int] = {}
        """Contact -> when anything was last heard of it, in this run: a spool tells what it kept while it was dark."""
        self.again: dict[str, str] = {}
        """Devices that are heard again and suspend as before, though the hub has ended it -> their touchpoint."""
        self._occurrences: dict[str, Span] = {}
        self._suspensions: tuple[Suspension, ...] | None = None

    def use_plan(self, plan: Plan) -> None:
        """Go by this plan from now on."""
        self._plan = plan
        self._occurrences.clear()
        self._suspensions = None

    def saw(self, item: Input) -> bool:
        """Take what the journal takes in; whether it may change what is quiet."""
        if isinstance(item, Signal):
            return self._heard(item)
        if isinstance(item, Retimed):
            if item.signal not in self._contacts:
                return False
            known = self._contacts[item.signal]
            self._contacts[item.signal] = replace(known, order=(item.at_ms, *known.order[1:]))
            self._suspensions = None
        elif isinstance(item, Muted):
            self._mutes[item.id] = MuteRow(
                id=item.id,
                scope=item.scope,
                owner=item.owner,
                reason=item.reason,
                faults=item.faults,
                begin_ms=item.begin_ms,
                end_ms=item.end_ms,
                by=item.by,
                made_ms=item.at_ms,
            )
        elif isinstance(item, Unmuted) and item.mute in self._mutes:
            self._mutes[item.mute] = replace(self._mutes[item.mute], ended_ms=item.at_ms, ended_by=item.by)
        elif isinstance(item, Trained):
            self._trainings[item.id] = TrainingRow(item.id, item.who, item.trainer, item.at_ms, item.until_ms, item.by)
        elif isinstance(item, Untrained) and item.training in self._trainings:
            known_training = self._trainings[item.training]
            self._trainings[item.training] = replace(known_training, ended_ms=item.at_ms, ended_by=item.by)
        return isinstance(item, Retimed | Muted | Unmuted | Trained | Untrained | Replanned)

    def _heard(self, item: Signal) -> bool:
        changed = item.retracts is not None and self._contacts.pop(item.retracts, None) is not None
        if item.name in ALARM:
            if item.retracts is not None:
                self._gone.add(item.retracts)  # it may come only now
            if item.training is None and item.received_ms - item.at_ms <= HORIZON_MS and item.id not in self._gone:
                self._contacts[item.id] = Contact(
                    item.order, device=item.device, touchpoint=item.touchpoint, on=item.name == SUSPENDED
                )
                self._received[contact(item.device, item.touchpoint)] = item.received_ms
                changed = True
        elif item.name == BLIND:
            self._dark.setdefault(item.device, item.at_ms)
            changed |= item.touchpoint in self._plan.quiet.suspends
        elif item.name in (SIGHTED, WATCHED):
            self._dark.pop(item.device, None)
            if item.touchpoint in self._plan.quiet.suspends:
                changed = True
                # One that began anew says what it finds; one that had watched all along has nothing new to say.
                if item.name == WATCHED and stands_again(self._said(item.device)):
                    self.again[item.device] = item.touchpoint
        if changed:
            self._suspensions = None
        return changed

    # ---------------------------------------------------------------------------------------------- mutes

    def standing(self, now_ms: int) -> Iterator[Mute]:
        """Yield the mutes that count at a time."""
        return (mute for mute in self.mutes(now_ms) if mute.holds(now_ms))

    def mutes(self, now_ms: int) -> Iterator[Mute]:
        """Yield the mutes that count, or will; of one that comes again the occurrence now or the next."""
        for row in self._mutes.values():
            end_ms = row.end_ms if row.ended_ms is None else min(row.ended_ms, row.end_ms)
            if now_ms < end_ms and row.begin_ms < end_ms:
                yield Mute(
                    id=row.id,
                    scope=row.scope,
                    owner=row.owner,
                    reason=row.reason,
                    begin_ms=row.begin_ms,
                    end_ms=end_ms,
                    by=row.by,
                    faults=row.faults,
                )
        for name, each in self._plan.quiet.mutes.items():
            span = self._occurrences.get(name)
            if span is None or (span.to_ms or 0) <= now_ms:
                span = occurrence(each, self._plan, now_ms)
                if span is None:
                    continue
                self._occurrences[name] = span
            while span is not None and f"{OF_PLAN}{name}/{span.from_ms}" in self._mutes:
                span = occurrence(each, self._plan, span.to_ms or now_ms)  # somebody has ended it: the row says so
            if span is not None:
                yield Mute(
                    id=f"{OF_PLAN}{name}/{span.from_ms}",
                    scope=each.scope,
                    owner=each.owner,
                    reason=each.reason,
                    begin_ms=span.from_ms,
                    end_ms=span.to_ms or span.from_ms,
                    faults=each.faults,
                    recurring=True,
                )

    def forget(self, now_ms: int) -> None:
        """Let go of what is over; an ended occurrence stays as long as it would have lasted."""
        self._mutes = {id: row for id, row in self._mutes.items() if now_ms < row.end_ms}
        # What was pressed in training may come out of a spool a day later.
        self._trainings = {id: row for id, row in self._trainings.items() if now_ms < row.until_ms + HORIZON_MS}

    # ---------------------------------------------------------------------------------------------- suspension

    def suspensions(self) -> tuple[Suspension, ...]:
        """Return what is suspended now, longest first."""
        if self._suspensions is None:
            self._suspensions = tuple(sorted(self._suspended(), key=lambda each: each.since_ms))
        return self._suspensions

    def _suspended(self) -> Iterator[Suspension]:
        said = self._contacts.values()
        for name, spans in suspensions(said).items():
            if not spans or spans[-1].to_ms is not None:
                continue
            mine = [each for each in said if contact(each.device, each.touchpoint) == name]
            last = max(mine, key=lambda each: each.order)
            device = self._plan.devices.get(last.device)
            suspends = self._plan.quiet.suspends.get(last.touchpoint)
            if suspends is None:
                continue
            # Nobody watches over what a feed says, or a device that the plan has no more: it must say it again.
            heard_ms = last.at_ms if device is None else self._dark.get(last.device)
            until_ms = unheard_ms = None
            if heard_ms is not None:
                heard_ms = max(heard_ms, self._received.get(name, heard_ms))
                until_ms = unheard_ms = heard_ms + suspends.at_most_ms
                words_ms = sorted(each.at_ms for each in mine if each.on and each.at_ms >= spans[-1].from_ms)
                missed = missed_ms([*words_ms[:-1], heard_ms]) if device is None else heard_ms
                unheard_ms = min(until_ms, until_ms if missed is None else missed)
            yield Suspension(
                contact=name,
                touchpoint=last.touchpoint,
                since_ms=spans[-1].from_ms,
                places=places(suspends, self._plan),
                site=not (suspends.areas or suspends.touchpoints),
                until_ms=until_ms,
                unheard_ms=unheard_ms,
            )

    def _said(self, device: str) -> list[Contact]:
        return [each for each in self._contacts.values() if each.device == device]

    # ---------------------------------------------------------------------------------------------- training

    def trainings(self, now_ms: int) -> Iterator[Training]:
        """Yield what is for training at a time."""
        by_trainer: dict[tuple[str, str], list[str]] = {}
        for device, trainer in self._plan.quiet.training.items():
            by_trainer.setdefault((device.partition("/")[0], trainer), []).append(device)
        for (node, trainer), devices in by_trainer.items():
            yield self._training("", node if len(devices) > 1 else devices[0], trainer, devices)
        for row in self._trainings.values():
            if row.holds(now_ms):
                until_ms = row.until_ms if row.ended_ms is None else min(row.ended_ms, row.until_ms)
                found = self._training(row.id, row.who, row.trainer, self.trained(row.who))
                yield replace(found, until_ms=until_ms, by=row.by)

    def _training(self, id: str, who: str, trainer: str, devices: Iterable[str]) -> Training:
        devices = tuple(devices)
        touchpoints = dict.fromkeys(self._plan.devices[device].touchpoint for device in devices)
        places = tuple(name for name in touchpoints if name)  # a break room's button stands at none
        return Training(id=id, who=who, trainer=trainer, devices=devices, touchpoints=places)

    def trained(self, who: str) -> tuple[str, ...]:
        """Return the devices that training of a node or device is about: what people press, not what watches a line.

        A sensor that is taken out of the real line for a while would leave its word standing there, with nobody to
        take it back.
        """
        return tuple(
            device.name
            for device in self._plan.devices.values()
            if who in {device.name, device.node} and device.signals and springs_back(device)
        )

    def trainer(self, device: str, at_ms: int, plan: Plan) -> str | None:
        """Return who trains at a device at a time, by the plan of that time; None: it works for real."""
        of_plan = plan.quiet.training.get(device)
        if of_plan is not None or not self._trainings:
            return of_plan
        found = (row.trainer for row in self._trainings.values() if row.of(device) and row.holds(at_ms))
        trainer = next(found, None)
        if trainer is None or device not in self._plan.devices or not springs_back(self._plan.devices[device]):
            return None
        return trainer

    # ---------------------------------------------------------------------------------------------- time

    def next_ms(self, now_ms: int) -> int | None:
        """Return when the clock alone changes any of it next."""
        times = [at_ms for mute in self.mutes(now_ms) for at_ms in (mute.begin_ms, mute.end_ms)]
        for each in self.suspensions():
            times += [at_ms for at_ms in (each.until_ms, each.unheard_ms) if at_ms is not None]
        times += [row.until_ms for row in self._trainings.values() if row.ended_ms is None]
        return min((at_ms for at_ms in times if at_ms > now_ms), default=None)
