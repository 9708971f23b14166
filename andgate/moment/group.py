"""A group: everything that is folded together — one expectation at one touchpoint, or at several that are linked.

It keeps the items of the horizon in order, the fold before them (`base`) and the fold after them (`fold`). A prompt
item is one step; anything else folds again from `base`. Publishing compares with what was published before.
"""

from __future__ import annotations

from bisect import insort
from collections.abc import Callable, Iterable
from itertools import islice

from msgspec.structs import replace

from andgate.moment.case import CONTRADICTED, Blindness, Case, Item, PlanMark
from andgate.moment.claims import Lapse
from andgate.moment.difference import altered, events_between, revised, withdrawal
from andgate.moment.events import AnyEvent, AskedVoid, Doubted, Failed, Opened
from andgate.moment.fold import Fold
from andgate.moment.ladder import stand_down
from andgate.moment.ledger import Ledger
from andgate.moment.moments import Moment
from andgate.moment.published import Order, Publication, Published, action_order, moment_id
from andgate.moment.roles import Casting
from andgate.moment.signals import WATCHED, Action, Signal
from andgate.moment.teams import Team, teams
from andgate.moment.view import verdict_ms, view
from andgate.plan import Expectation

NEIGHBOURS = 512
"""How many later items are looked at before folding again is the simpler way: a burst has fewer in a millisecond."""


class Group:
    """One expectation at linked touchpoints."""

    def __init__(self, expectation: str, touchpoints: Iterable[str], casting_at: Callable[[int], Casting]) -> None:
        """Start empty."""
        self.expectation = expectation
        self.touchpoints = set(touchpoints)
        self.items: list[tuple[Order, Item]] = []
        self.signals: dict[str, Signal] = {}
        self.out: set[str] = set()
        """Signals taken back."""
        self.actions: list[Action] = []
        """Persons' actions, `moment` holding the anchor, in the order of their times."""
        self.alias: dict[str, str] = {}
        """Anchor of a withdrawn moment -> anchor of the one that took it in."""
        self.published: dict[str, Published] = {}
        self.gone: dict[str, Published] = {}
        """Withdrawn moments; they may come back when a joining signal is taken back."""
        self._anchors: dict[str, str] = {}
        """Anchor -> moment id, of what is published."""
        self._casting_at = casting_at
        self.base = Fold(expectation, casting_at, self.anchor_of)
        self.fold = self.base.copy()
        self._touched: list[Case] = []
        self._told_now: set[str] = set()
        """Actions that are news to the moment they are about: they came in, or it has just taken in the one they were
        about."""
        self._stale = False
        self._because: str | None = None
        self.decided_ms = 0
        """What happened before this site time and comes now, comes late: something was published about it."""

    # Taking in ---------------------------------------------------------------------------------------------------

    def take(self, signal: Signal, *, out: bool) -> None:
        """Take in a signal, in any order; `out` if it has been taken back already."""
        self.signals[signal.id] = signal
        if out:
            self.out.add(signal.id)
            insort(self.items, (signal.order, signal), key=lambda entry: entry[0])
            return
        in_order = self._insert(signal.order, signal)
        if not in_order or signal.at_ms < self.decided_ms:
            self._because = self._because or f"late: {signal.witness} {signal.name}"

    def take_out(self, signal_id: str, by: Signal) -> None:
        """Take a signal out of the fold, as `by` says; it stays among the items, marked."""
        if signal_id not in self.out:
            self.out.add(signal_id)
            self._stale = True
            signal = self.signals[signal_id]
            self._because = self._because or _taken_back(signal, by)

    def retime(self, signal: Signal) -> None:
        """Put a signal at its better time."""
        old = self.signals[signal.id]
        self.items.remove((old.order, old))
        self.signals[signal.id] = signal
        insort(self.items, (signal.order, signal), key=lambda entry: entry[0])
        self._stale = True
        self._because = self._because or f"time corrected: {signal.witness} {signal.name}"

    def keep(self, signal_id: str, signal: Signal | None, because: str) -> bool:
        """Hold just this under an identity: take it in, change it, or (None) take it out; whether that is news."""
        known = self.signals.get(signal_id)
        if signal == (None if signal_id in self.out else known):
            return False
        if known is None:
            assert signal is not None  # noqa: S101 - or it would be no news
            self.take(signal, out=False)
            return True
        if signal is None:
            self.out.add(signal_id)
        else:
            self.out.discard(signal_id)
            self.items.remove((known.order, known))
            self.signals[signal_id] = signal
            insort(self.items, (signal.order, signal), key=lambda entry: entry[0])
        self._stale = True
        self._because = self._because or because
        return True

    def notes_of(self, moment: str) -> list[Action]:
        """Return what persons did about a published moment, in order."""
        known = self.published.get(moment)
        return self._notes(known.case) if known is not None and self.actions else []

    def act(self, action: Action) -> None:
        """Take in a person's action; `moment` holds the anchor."""
        insort(self.actions, action, key=action_order)
        self._told_now.add(action.id)
        if action.do in ("void", "unvoid", "reset"):
            self.items = [entry for entry in self.items if not isinstance(entry[1], Action)]
            for each in self.standing_orders():
                insort(self.items, (action_order(each), each), key=lambda entry: entry[0])
            self._stale = True
        else:
            self._touched += [case for case in self.fold.cases if self._resolve(action.moment) in case.signals]

    def mark(self, mark: PlanMark) -> None:
        """Take in a change of plan."""
        self._insert(mark.order, mark)

    def absorb(self, other: Group) -> None:
        """Fold together with another group from now on: a moment moved between their touchpoints."""
        self.touchpoints |= other.touchpoints
        self.signals |= other.signals
        self.out |= other.out
        marks = {entry[0] for entry in self.items if isinstance(entry[1], PlanMark)}
        self.items = sorted(
            self.items + [entry for entry in other.items if entry[0] not in marks], key=lambda entry: entry[0]
        )
        self.actions = sorted(self.actions + other.actions, key=action_order)
        self.alias |= other.alias
        self.published |= other.published
        self.gone |= other.gone
        self._anchors |= other._anchors
        self.decided_ms = max(self.decided_ms, other.decided_ms)
        self._because = self._because or other._because
        self.base.restore(self.base.cases + other.base.cases, self.base.sensors.joined(other.base.sensors))
        self._stale = True

    def _insert(self, order: Order, item: Item) -> bool:
        """Put an item where it belongs; return whether it came in order."""
        in_order = not self.items or order > self.items[-1][0]
        if in_order:
            self.items.append((order, item))
            if not self._stale:
                self._touched += self.fold.step(item)
        else:
            apart = not self._stale and self._apart(order, item)
            insort(self.items, (order, item), key=lambda entry: entry[0])
            if apart:
                self._touched += self.fold.step(item)
            else:
                self._stale = True
        return in_order

    def _apart(self, order: Order, item: Item) -> bool:
        """Tell whether an item may be stepped although it comes late: those after it are few, and of other keys.

        A feed that reports a hundred flights in one millisecond need not fold a hundred times.
        """
        if not self.fold.keeps_to_its_key(item):
            return False
        for later_order, later in islice(reversed(self.items), NEIGHBOURS):
            if later_order < order:
                return True
            if not self.fold.keeps_to_its_key(later) or later.key == item.key:
                return False
        return False

    def standing_orders(self) -> list[Action]:
        """Return the voids and resets that stand: an unvoid takes back what was voided before it."""
        standing: list[Action] = []
        for action in self.actions:
            if action.do == "unvoid":
                standing = [each for each in standing if each.do != "void" or each.moment != action.moment]
            elif action.do in ("void", "reset"):
                standing.append(action)
        return standing

    def refold(self) -> None:
        """Fold again from the base."""
        self.fold = self.base.copy()
        for _, item in self.items:
            if not (isinstance(item, Signal) and item.id in self.out):
                self.fold.step(item)
        self._stale = False

    def settle(self) -> tuple[list[Case], bool]:
        """Return the cases that may have changed, folding again where order demands it; and whether that is all."""
        whole = self._stale or self.fold.joined
        if self._stale:
            self.refold()
        touched = self.fold.cases if whole else {id(case): case for case in self._touched}.values()
        self.fold.joined = False
        self._touched = []
        return list(touched), whole

    # Identity ----------------------------------------------------------------------------------------------------

    def anchor_of(self, case: Case) -> str:
        """Return the signal a case is known by: its first witness under which it is published, else its first."""
        if len(case.signals) > 1:
            for signal in case.signals:
                if signal in self._anchors:
                    return signal
        return case.signals[0]

    def _resolve(self, anchor: str) -> str:
        seen: set[str] = set()
        while anchor in self.alias and anchor not in seen:
            seen.add(anchor)
            anchor = self.alias[anchor]
        return anchor

    def identity(self, anchor: str) -> str:
        """Return the id of the moment that this signal anchors."""
        known = self._anchors.get(anchor)
        if known is not None:
            return known
        signal = self.signals[anchor]
        return moment_id(self.expectation, signal, self._casting_at(signal.at_ms).plan)

    # Publishing --------------------------------------------------------------------------------------------------

    def publish(self, cases: Iterable[Case], now_ms: int, *, whole: bool) -> list[Publication]:
        """Compare with what is published and return the difference as seen at `now_ms`.

        Args:
            cases: those that may have changed.
            now_ms: the time they are seen at.
            whole: they are all there are, so a published moment without a case is withdrawn.
        """
        made: list[Publication] = []
        identified = [(self.anchor_of(case), case) for case in cases]
        if self.gone:
            for anchor, _ in identified:  # what comes back takes back its claims and words before any is shown
                if self.identity(anchor) in self.gone:
                    self.alias.pop(anchor, None)
        if whole:
            made += self._withdraw(identified, now_ms)
        for anchor, case in identified:
            publication = self._publish(anchor, case, now_ms)
            if publication is not None:
                made.append(publication)
        return made

    def take_over(self, published: dict[str, Published], gone: dict[str, Published]) -> None:
        """Take over what was published, as stored, and fold up to there."""
        self.published, self.gone = published, gone
        self._anchors = {known.moment.anchor: identity for identity, known in published.items()}
        self.refold()
        self._reattach()

    def done(self) -> None:
        """Forget what was news, and why it was late: it has been published."""
        self._because = None
        self._told_now.clear()

    def _publish(self, anchor: str, case: Case, now_ms: int) -> Publication | None:
        identity = self.identity(anchor)
        known = self.published.get(identity)
        returns = known is None and identity in self.gone
        if returns:
            known = self.gone.pop(identity)
            self.published[identity], self._anchors[anchor] = known, identity
        plan = self._casting_at(case.opened_ms).plan
        expectation = self.expectation_of(case)
        notes = self._notes(case) if self.actions else []
        new = view(
            case,
            expectation,
            notes,
            now_ms,
            identity=identity,
            anchor=anchor,
            interactions=plan.interactions_of.get(self.expectation, ()),
            blind_at=self._blind_at,
            contradicts=self.fold.sensors.contradict,
        )
        old = known.moment if known else None
        training = self.signals[anchor].training
        if training is not None:
            new = replace(new, training=training, interactions=())
        on = teams(plan, new.touchpoint, new.opened_ms, new.ends_ms)
        if on is not None:
            new = replace(new, team=on[0], team_due=on[1])
        if known is not None and old is not None:
            new = replace(new, change=old.change, revision=old.revision)
        events = self._events(known, None if returns else old, new, case, notes, now_ms)
        if on is not None:
            events = [_by_team(event, *on) for event in events]
        if known is not None and new == old and not events:
            known.case, known.facts = case, len(case.facts)
            return None
        if old is not None:
            changed = altered(old, new) if self._because else ()
            new = replace(new, change=old.change + 1, revision=old.revision + bool(changed))
            if changed and self._because:
                events.append(revised(old, new, changed, now_ms, self._because))
        if known is None:
            known = Published(moment=new, case=case, ledger=Ledger(), facts=0)
            self.published[identity] = known
            self._anchors[anchor] = identity
        if old is not None and old.claimed_ms is not None and new.claimed_ms is None:
            known.lapsed_ms = now_ms
            claimed = next((note for note in reversed(notes) if note.do == "claim"), None)
            known.lapse = Lapse(now_ms, claimed.id) if claimed is not None and claimed.several else None
        elif new.claimed_ms is not None:
            known.lapse = None
        known.moment, known.case, known.facts = new, case, len(case.facts)
        # The clock's failure has also decided about its deadline itself, at which a closing would have been in time.
        failed_ms = new.ends_ms + (case.fail_signal is None) if new.verdict == "failure" else 0
        doubted = new.reason == CONTRADICTED and case.void_by is None
        self.decided_ms = max(self.decided_ms, new.opened_ms, (new.ended_ms or 0) + doubted, failed_ms)
        return Publication(new, tuple(events))

    def _events(
        self,
        known: Published | None,
        old: Moment | None,
        new: Moment,
        case: Case,
        notes: list[Action],
        now_ms: int,
    ) -> list[AnyEvent]:
        if known is None:
            facts = case.facts
        elif known.case is case:
            facts = case.facts[known.facts :]
        else:
            told = set(known.case.facts[: known.facts])
            facts = [fact for fact in case.facts if fact not in told]
        fresh = notes if known is None else [note for note in notes if note.id in self._told_now]
        happened = events_between(old, new, case, facts, fresh, now_ms, self._because)
        return happened + self._doubts(old, new, case)

    def _withdraw(self, identified: list[tuple[str, Case]], now_ms: int) -> list[Publication]:
        live = {self.identity(anchor) for anchor, _ in identified}
        made: list[Publication] = []
        for identity, known in list(self.published.items()):
            if identity in live:
                continue
            heir = self._heir(known, identified)
            moment, event = withdrawal(known.moment, self.identity(heir) if heir else None, now_ms)
            events: list[AnyEvent] = [event]
            anchor = known.moment.anchor
            if heir is not None:
                self._told_now |= {note.id for note in self._notes(known.case)}
                self.alias[anchor] = heir
                events += self._asked(anchor, self.identity(heir), identity, now_ms)
            else:
                self.alias.pop(anchor, None)
            events += stand_down(known.ledger, moment, now_ms)
            del self.published[identity]
            self._anchors.pop(anchor, None)
            known.moment, known.due_ms, known.page_ms = moment, None, None
            self.gone[identity] = known
            made.append(Publication(moment, tuple(events)))
        return made

    def _asked(self, anchor: str, heir: str, joined: str, now_ms: int) -> list[AnyEvent]:
        return [
            AskedVoid(moment=heir, at_ms=now_ms, joined=joined, by=action.by, reason=action.reason or "void")
            for action in self.standing_orders()
            if action.do == "void" and action.moment == anchor
        ]

    def _heir(self, known: Published, identified: list[tuple[str, Case]]) -> str | None:
        """Return the anchor of the moment that takes in a withdrawn one: it has the earliest of its witnesses.

        A task has but one; it is taken in by the task of the moment that took in the one it made good.
        """
        for signal in (*known.case.signals, self.alias.get(known.moment.anchor)):
            for anchor, other in identified:
                if signal in other.signals:
                    return anchor
        return None

    def _notes(self, case: Case) -> list[Action]:
        """Return persons' claims, causes and remedies about a case, those of moments it took in among them."""
        return [
            action
            for action in self.actions
            if action.do not in ("void", "unvoid", "reset") and self._resolve(action.moment) in case.signals
        ]

    def offers(self, case: Case) -> list[Action]:
        """Return the claims of a case that were handed over, taken or not."""
        return [note for note in self._notes(case) if note.do == "hand-over"] if self.actions else []

    def expectation_of(self, case: Case) -> Expectation:
        """Return the promise a case is judged by: the plan's at its opening."""
        return self._casting_at(case.opened_ms).plan.judged[self.expectation]

    def _doubts(self, old: Moment | None, new: Moment, case: Case) -> list[AnyEvent]:
        """Say who did not see, of a verdict that is provisional for that from now on."""
        if not new.provisional or (old is not None and old.provisional and old.verdict == new.verdict):
            return []
        at_ms = verdict_ms(new)
        return [
            Doubted(moment=new.id, at_ms=at_ms, device=b.device, why=b.why, from_ms=b.from_ms, to_ms=b.to_ms)
            for b in self._blind_at(case.touchpoint_at(at_ms), at_ms)
        ]

    def _blind_at(self, touchpoint: str, at_ms: int) -> list[Blindness]:
        if not self.fold.sensors.blindness:
            return []
        casting = self._casting_at(at_ms)
        return self.fold.sensors.blind_at(touchpoint, at_ms, lambda device: casting.sees(self.expectation, device))

    # Forgetting --------------------------------------------------------------------------------------------------

    def forget(self, before_ms: int) -> list[str]:
        """Fold what is older than `before_ms` into the base for good; return the ids of moments that are let go."""
        old_items = bool(self.items) and self.items[0][0][0] < before_ms
        if self._stale or not (old_items or self._long_over(before_ms)):
            return []
        kept = next((i for i, entry in enumerate(self.items) if entry[0][0] >= before_ms), len(self.items))
        for _, item in self.items[:kept]:
            if isinstance(item, Signal) and item.id in self.out:
                self.out.discard(item.id)
                del self.signals[item.id]
                continue
            self.base.step(item)
        self.items = self.items[kept:]
        return self._let_go(before_ms)

    def _let_go(self, before_ms: int) -> list[str]:
        over = self._long_over(before_ms)
        let_go: list[str] = []
        for case in over:
            identity = self.identity(self.anchor_of(case))
            let_go.append(identity)
            self.published.pop(identity, None)
        self._anchors = {known.moment.anchor: identity for identity, known in self.published.items()}
        gone = {case.signals[0] for case in over}
        keep = [case for case in self.base.cases if case.signals[0] not in gone]
        live = {signal for case in keep for signal in case.signals} | {
            item.id for _, item in self.items if isinstance(item, Signal)
        }
        self.signals = {name: signal for name, signal in self.signals.items() if name in live}
        self.actions = [action for action in self.actions if self._resolve(action.moment) in live]
        self.base = self._without(self.base, gone, before_ms)
        # Folding a day again would give just this, at a hundred times the cost.
        self.fold = self._without(self.fold, gone, before_ms)
        return let_go

    def _without(self, fold: Fold, gone: set[str], before_ms: int) -> Fold:
        """Return a fold without the cases that began with these signals, and without blindness long over."""
        fresh = Fold(self.expectation, self._casting_at, self.anchor_of)
        fresh.restore([case for case in fold.cases if case.signals[0] not in gone], fold.sensors.since(before_ms))
        fresh.joined = fold.joined
        return fresh

    def _long_over(self, before_ms: int) -> list[Case]:
        """Return the cases of the base that nothing can touch any more."""
        expectation = self._casting_at(before_ms).plan.judged.get(self.expectation)
        slack_ms = expectation.rejoins_within_ms if expectation else 0
        return [case for case in self.base.cases if self._end_of(case) + slack_ms < before_ms]

    def _reattach(self) -> None:
        """Point what is published at the cases of the fresh fold."""
        cases = {self.identity(self.anchor_of(case)): case for case in self.fold.cases}
        for identity, known in self.published.items():
            known.case = cases.get(identity, known.case)
        self._touched = []

    @staticmethod
    def _end_of(case: Case) -> int:
        return case.limit_ms if case.ended_ms is None else case.ended_ms


def _taken_back(signal: Signal, by: Signal) -> str:
    """Say in words what was taken back."""
    if by.name == WATCHED:
        return f"{signal.witness} was cut off, but had watched all along"
    who = "" if by.witness == signal.witness else f", by {by.witness}"
    return f"taken back: {signal.witness} {signal.name}{who}"


def _by_team(event: AnyEvent, opened: Team, due: Team) -> AnyEvent:
    """Return an event with the team that answers for it, where it says so."""
    if isinstance(event, Opened):
        return replace(event, team=opened)
    return replace(event, team=due) if isinstance(event, Failed) else event
