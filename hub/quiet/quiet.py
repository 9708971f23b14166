"""Quiet at work: asked before each page, and looking when one of its reasons begins or ends. The driver's thread only.

Pages that something keeps back are remembered by moment and group, for as long as the moment is open; a start finds
them again in the outbox. When nothing keeps them back any more, those that are still about a threat are released: the
engine pages the present state, once. That is looked at whenever anything may have changed, at a start of the hub too,
so no end is missed while it was down.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from msgspec import Struct
from msgspec.structs import replace

from andgate.audit import THREATS, told
from andgate.audit import Quiet as Kept
from andgate.errors import RefusedError
from andgate.moment.moments import Moment
from andgate.moment.signals import RESERVED, Input, Listening, Muted, Released, Signal, Trained, Unmuted, Untrained
from andgate.plan import Plan, local_time
from andgate.plan.quiet import RESUMED, SUSPENDED
from andgate.quiet import covers, places, whole_places
from hub.quiet.state import OF_PLAN, State
from hub.quiet.view import Mute, Suspension, View
from hub.store import PageRow, Store
from hub.store.hushes import listened

HOUR_MS = 3_600_000
MUTE_MOST_MS = 8 * HOUR_MS
"""A shift: whoever comes next must decide anew."""
AHEAD_MOST_MS = 14 * 24 * HOUR_MS
"""So long ahead a mute may be made, and so long devices may be given to training."""
STANDING_MOST = 200
"""Mutes at once; more are a mistake of some program."""


class Held(Struct):
    """An open moment whose pages something keeps back."""

    touchpoint: str
    """Where it is: elsewhere nothing may keep them."""
    groups: dict[str, bool] = {}
    """From whom -> whether they were let go while somebody was on it: when nobody is any more, they are once more."""


class Quiet:
    """Says why no page about a moment may go to somebody now."""

    def __init__(
        self, store: Store, plan: Plan, moments: Iterable[Moment], now_ms: int, *, listen_only: bool = False
    ) -> None:
        """Go on from what is stored.

        Args:
            store: of the hub.
            plan: in force.
            moments: that are open.
            now_ms: now.
            listen_only: nothing may go.
        """
        self._store = store
        self._plan = plan
        self._listen_only = listen_only
        self._state = State(store, plan, now_ms)
        self._held: dict[str, Held] = {}
        for moment in moments:
            if moment.level in THREATS:
                self._recall(moment)
        self._next_ms: int | None = None
        self._changed = True

    def use_plan(self, plan: Plan) -> None:
        """Keep quiet by this plan from now on."""
        self._plan = plan
        self._state.use_plan(plan)
        self._changed = True

    def saw(self, inputs: Iterable[Input]) -> None:
        """Take what the journal takes in."""
        for item in inputs:
            self._changed |= self._state.saw(item)

    def published(self, moments: Iterable[Moment]) -> None:
        """Look again where a moment whose pages are kept back is somewhere else now, or nobody is on it any more."""
        for each in moments:
            held = self._held.get(each.id)
            if each.state == "ended" or each.withdrawn:
                self._held.pop(each.id, None)
            elif held is not None:
                free = each.claimed_ms is None and any(held.groups.values())
                self._changed |= free or held.touchpoint != each.touchpoint
            elif each.revision:  # it may have been over, and is open again
                self._recall(each)
                self._changed |= each.id in self._held

    def owe(self, moment: Moment, group: str) -> None:
        """Remember that a group was not told of an open moment: it is, when nothing keeps it back."""
        self._held.setdefault(moment.id, Held(moment.touchpoint)).groups[group] = False
        self._changed = True

    def _recall(self, moment: Moment) -> None:
        """Remember what is kept back of a moment, as its pages say."""
        kept = told(self._store.pages.of(moment.id)).kept
        if kept:
            self._held[moment.id] = Held(moment.touchpoint, dict.fromkeys(sorted(kept), False))

    def listening(self, now_ms: int) -> Listening | None:
        """Return what the journal must say of listening only, where that has changed since it was said last."""
        said = listened(self._store.db)
        was = bool(said) and said[-1][1]
        return None if was == self._listen_only else Listening(at_ms=now_ms, on=self._listen_only)

    def apart(self, inputs: Sequence[Input], plan_at: Callable[[int], Plan]) -> tuple[Input, ...]:
        """Mark what devices in training said, by their time; the hub's own words about them stay real."""
        return tuple(self._marked(item, plan_at) if isinstance(item, Signal) else item for item in inputs)

    def _marked(self, signal: Signal, plan_at: Callable[[int], Plan]) -> Signal:
        if not signal.device or signal.name in RESERVED:
            return signal
        trainer = self._state.trainer(signal.device, signal.at_ms, plan_at(signal.at_ms))
        return signal if trainer is None else replace(signal, training=trainer)

    # ---------------------------------------------------------------------------------------------- why not

    def why_not(self, moment: Moment, group: str, person: str | None, now_ms: int) -> str | None:  # noqa: ARG002 - a mute is of groups
        """Return why no page about `moment` may go to `group` (to one `person` of it) now, in words; None: it may.

        What is kept back is remembered: when nothing keeps it back any more, the present state is paged.
        """
        rule = self._rule(moment, group, now_ms)
        if rule is None:
            self._let_go(moment.id, group)
            return None
        if moment.state == "open":
            held = self._held.setdefault(moment.id, Held(moment.touchpoint))
            held.groups[group] = False
        return self._words(rule)

    def kept(self, moment: Moment, group: str, now_ms: int) -> Kept | None:
        """Return what keeps pages about a moment from a group now, for whoever looks whether that is right."""
        rule = self._rule(moment, group, now_ms)
        if isinstance(rule, Suspension):
            return Kept("suspended", rule.until_ms, self.next_ms())
        if isinstance(rule, Mute):
            return Kept("muted", rule.end_ms, self.next_ms())
        return None if rule is None else Kept("listening")

    def _rule(self, moment: Moment, group: str, now_ms: int) -> Suspension | Mute | str | None:
        """Return by what no page about a moment may go to a group now: what stands, or words of the plan's or hub's."""
        if self._listen_only:
            return "the hub only listens"
        touchpoint = moment.touchpoint
        suspension = next((each for each in self._state.suspensions() if touchpoint in each.places), None)
        if suspension is not None:
            return suspension
        if touchpoint in self._plan.quiet.listens:
            return "the plan only listens here"
        found = (
            mute
            for mute in self._state.standing(now_ms)
            if covers(mute.scope, self._plan, touchpoint=touchpoint, expectation=moment.expectation, group=group)
        )
        return next(found, None)

    def _words(self, rule: Suspension | Mute | str) -> str:
        if isinstance(rule, Suspension):
            return self._suspended_words(rule)
        return self._mute_words(rule) if isinstance(rule, Mute) else rule

    def fault_why_not(self, touchpoints: Sequence[str], now_ms: int) -> str | None:
        """Return why technicians may not be paged of a fault now, in words; None: they may.

        Args:
            touchpoints: where it is; empty where that is nowhere.
            now_ms: now.
        """
        for each in self._state.suspensions():
            if each.site or (touchpoints and all(place in each.places for place in touchpoints)):
                return self._suspended_words(each)
        for mute in self._state.standing(now_ms):
            if mute.faults and whole_places(mute.scope):
                here = places(mute.scope, self._plan)
                everywhere = len(here) == len(self._plan.touchpoints)
                if everywhere or (touchpoints and all(place in here for place in touchpoints)):
                    return self._mute_words(mute)
        return None

    def _suspended_words(self, suspension: Suspension) -> str:
        place = self._plan.touchpoints.get(suspension.touchpoint)
        name = place.name if place is not None else suspension.touchpoint
        return f"suspended since {self._clock(suspension.since_ms)} by {name}"

    def _mute_words(self, mute: Mute) -> str:
        rule = f"the plan's {mute.id.split('/')[1]}, " if mute.recurring else ""
        return f"muted until {self._clock(mute.end_ms)} ({rule}{mute.owner}): {mute.reason}"

    def _clock(self, at_ms: int) -> str:
        return local_time(self._plan, at_ms).strftime("%H:%M")

    def _let_go(self, moment: str, group: str) -> None:
        held = self._held.get(moment)
        if held is not None and held.groups.pop(group, None) is not None and not held.groups:
            del self._held[moment]

    # ---------------------------------------------------------------------------------------------- looking

    def due(self, now_ms: int) -> bool:
        """Whether to look: something may have changed, by the clock or otherwise."""
        return self._changed or (self._next_ms is not None and self._next_ms <= now_ms)

    def next_ms(self) -> int | None:
        """Return when the clock alone changes something next."""
        return 0 if self._changed else self._next_ms

    def unheard(self, now_ms: int) -> list[Suspension]:
        """Return the suspensions that nobody has confirmed for so long that they end: rather a page too many."""
        return [each for each in self._state.suspensions() if each.until_ms is not None and each.until_ms <= now_ms]

    def resumed(self, suspension: Suspension, now_ms: int) -> tuple[str, str, str, int]:
        """Return the hub's own word that ends one when it was to end: signal, device, touchpoint, time."""
        device = "" if suspension.contact.endswith("/") else suspension.contact
        # A hub that was away for long says it as late as is still judged.
        return RESUMED, device, suspension.touchpoint, max(suspension.until_ms or now_ms, now_ms - HOUR_MS)

    def again(self, now_ms: int) -> list[tuple[str, str, str, int]]:
        """Return the hub's own words for contacts that are heard again and suspend as before: as `resumed`."""
        found, self._state.again = self._state.again, {}
        return [(SUSPENDED, device, touchpoint, now_ms) for device, touchpoint in found.items()]

    def holds(
        self, queued: Iterable[PageRow], moment_of: Callable[[str], Moment | None], now_ms: int
    ) -> dict[int, str]:
        """Return the pages that wait to be sent and must not go now: id and why."""
        found = {}
        for row in queued:
            moment = moment_of(row.moment)
            why = None if moment is None else self.why_not(moment, row.group, row.person, now_ms)
            if why is not None:
                found[row.id] = why
        return found

    def released(self, moment_of: Callable[[str], Moment | None], now_ms: int) -> Released | None:
        """Return the pages that nothing keeps back any more, of moments that are still open."""
        free = []
        for id, held in list(self._held.items()):
            moment = moment_of(id)
            if moment is None or moment.state == "ended":
                del self._held[id]
                continue
            held.touchpoint = moment.touchpoint
            for group, before in list(held.groups.items()):
                if self._rule(moment, group, now_ms) is not None:
                    held.groups[group] = False
                elif moment.claimed_ms is None:
                    self._let_go(id, group)
                    free.append((id, group))
                elif not before:
                    held.groups[group] = True
                    free.append((id, group))
        return Released(at_ms=now_ms, pages=tuple(free)) if free else None

    def looked(self, now_ms: int, name: Callable[[str], str]) -> View:
        """Say that everything that follows has been done; return what is quiet now.

        Args:
            now_ms: now.
            name: from a person's id to the name.
        """
        self._state.forget(now_ms)
        self._changed = False
        self._next_ms = self._state.next_ms(now_ms)
        return self.view(now_ms, name)

    def view(self, now_ms: int, name: Callable[[str], str]) -> View:
        """Return what is quiet now, with people's names."""
        shown = [replace(mute, owner=name(mute.owner), by=name(mute.by)) for mute in self._state.mutes(now_ms)]
        return View(
            at_ms=now_ms,
            mutes=tuple(sorted(shown, key=lambda mute: (mute.begin_ms, mute.id))),
            suspensions=self._state.suspensions(),
            training=tuple(replace(each, by=name(each.by)) for each in self._state.trainings(now_ms)),
            listens=self._plan.quiet.listens,
            listen_only=self._listen_only,
        )

    # ---------------------------------------------------------------------------------------------- what people ask

    def taken(
        self, item: Muted | Unmuted | Trained | Untrained, now_ms: int
    ) -> list[Muted | Unmuted | Trained | Untrained]:
        """Return what the journal keeps of what somebody asks for, or raise a RefusedError that says why not."""
        if isinstance(item, Muted):
            return [self._muted(item, now_ms)]
        if isinstance(item, Unmuted):
            return self._unmuted(item, now_ms)
        if isinstance(item, Trained):
            return [self._trained(item, now_ms)]
        if not any(each.id == item.training for each in self._state.trainings(now_ms)):
            raise RefusedError("there is no such training now: it is over, or the plan's own")
        return [item]

    def _muted(self, item: Muted, now_ms: int) -> Muted:
        plan, scope = self._plan, item.scope
        areas = {each.area for each in plan.touchpoints.values()}
        for what, named, there in (
            ("area", scope.areas, areas),
            ("touchpoint", scope.touchpoints, plan.touchpoints),
            ("expectation", scope.expectations, plan.expectations),
            ("group", scope.groups, plan.groups),
        ):
            unknown = [each for each in named if each not in there]
            if unknown:
                raise RefusedError(f'the plan has no {what} "{unknown[0]}"')
        begin_ms = max(item.begin_ms, now_ms)
        if item.end_ms <= begin_ms:
            raise RefusedError("it would end before it begins, or has ended already: a mute ends later than now")
        if item.end_ms - begin_ms > MUTE_MOST_MS:
            hours = MUTE_MOST_MS // HOUR_MS
            raise RefusedError(
                f"a mute lasts {hours} hours at most. Mute again when it ends. A daily one belongs into the plan"
            )
        if begin_ms > now_ms + AHEAD_MOST_MS:
            raise RefusedError("it would begin in more than 14 days. One that comes again belongs into the plan")
        if sum(not mute.recurring for mute in self._state.mutes(now_ms)) >= STANDING_MOST:
            raise RefusedError(f"there are {STANDING_MOST} mutes already. End some of them")
        return replace(item, begin_ms=begin_ms)

    def _unmuted(self, item: Unmuted, now_ms: int) -> list[Muted | Unmuted | Trained | Untrained]:
        mute = next((each for each in self._state.mutes(now_ms) if each.id == item.mute), None)
        if mute is None:
            raise RefusedError("there is no such mute now: it is over, or somebody has ended it")
        if not mute.id.startswith(OF_PLAN) or not mute.recurring:
            return [item]
        occurred = Muted(  # from here on the journal knows this one by its name
            id=mute.id,
            at_ms=now_ms,
            by=item.by,
            owner=mute.owner,
            reason=mute.reason,
            scope=mute.scope,
            begin_ms=mute.begin_ms,
            end_ms=mute.end_ms,
            faults=mute.faults,
        )
        return [occurred, item]

    def _trained(self, item: Trained, now_ms: int) -> Trained:
        devices = self._state.trained(item.who)
        if not devices:
            raise RefusedError(f'the plan has no node or device "{item.who}" with a button that could be trained on')
        if item.trainer not in self._plan.groups:
            raise RefusedError(f'the plan has no group "{item.trainer}"')
        if not now_ms < item.until_ms <= now_ms + AHEAD_MOST_MS:
            raise RefusedError("training ends later than now, and within 14 days. What lasts longer stands in the plan")
        taken = {device for each in self._state.trainings(now_ms) for device in each.devices}
        if any(device in taken for device in devices):
            raise RefusedError(f'"{item.who}" is in training already. End that first')
        return item
