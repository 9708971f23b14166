"""A group: everything that is folded together — one expectation at one touchpoint, or at several that are linked.

What it has received is its `History`, what persons did its `Persons`. Here is what has been published of it, and what
is to be published now: the difference to the cases as they stand.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from msgspec.structs import replace

from andgate.moment.case import CONTRADICTED, Blindness, Case, PlanMark
from andgate.moment.claims import Lapse
from andgate.moment.difference import altered, events_between, revised, withdrawal
from andgate.moment.events import AnyEvent, AskedVoid, Doubted, Failed, Opened
from andgate.moment.history import History
from andgate.moment.ladder import stand_down
from andgate.moment.ledger import Ledger
from andgate.moment.moments import Moment
from andgate.moment.persons import ORDERS, Persons
from andgate.moment.published import Publication, Published, moment_id
from andgate.moment.roles import Casting
from andgate.moment.signals import WATCHED, Action, Signal
from andgate.moment.teams import teams
from andgate.moment.view import verdict_ms, view
from andgate.plan import Expectation


class Group:
    """One expectation at linked touchpoints."""

    def __init__(self, expectation: str, touchpoints: Iterable[str], casting_at: Callable[[int], Casting]) -> None:
        """Start empty."""
        self.expectation = expectation
        self.touchpoints = set(touchpoints)
        self.published: dict[str, Published] = {}
        self.gone: dict[str, Published] = {}
        """Withdrawn moments; they may come back when a joining signal is taken back."""
        self._anchors: dict[str, str] = {}
        """Anchor -> moment id, of what is published."""
        self._casting_at = casting_at
        self.history = History(expectation, casting_at, self.anchor_of)
        self.persons = Persons()
        self._because: str | None = None
        """The first thing learned late since the last publication, in words."""
        self.decided_ms = 0
        """What happened before this site time and comes now, comes late: something was published about it."""

    # Taking in ---------------------------------------------------------------------------------------------------

    def take(self, signal: Signal, *, out: bool) -> None:
        """Take in a signal, in any order; `out` if it has been taken back already."""
        if out:
            self.history.take_without(signal)
        elif not self.history.take(signal) or signal.at_ms < self.decided_ms:
            self._late(f"late: {signal.witness} {signal.name}")

    def take_out(self, signal_id: str, by: Signal) -> None:
        """Take a signal out of the fold, as `by` says; it stays in the history, marked."""
        if self.history.take_out(signal_id):
            self._late(_taken_back(self.history.signals[signal_id], by))

    def retime(self, signal: Signal) -> None:
        """Put a signal at its better time."""
        self.history.change(signal)
        self._late(f"time corrected: {signal.witness} {signal.name}")

    def keep(self, signal_id: str, signal: Signal | None, because: str) -> bool:
        """Hold just this under an identity: take it in, change it, or (None) take it out; whether that is news."""
        if signal == self.history.held(signal_id):
            return False
        if signal is None:
            self.history.take_out(signal_id)
        elif signal_id in self.history.signals:
            self.history.bring_back(signal)
        else:
            self.take(signal, out=False)
            return True
        self._late(because)
        return True

    def act(self, action: Action) -> None:
        """Take in a person's action; `moment` holds the anchor."""
        self.persons.act(action)
        if action.do in ORDERS:
            self.history.order(self.persons.orders())
        else:
            self.history.touch(self.persons.resolve(action.moment))

    def mark(self, mark: PlanMark) -> None:
        """Take in a change of plan."""
        self.history.mark(mark)

    def absorb(self, other: Group) -> None:
        """Fold together with another group from now on: a moment moved between their touchpoints."""
        self.touchpoints |= other.touchpoints
        self.history.join(other.history)
        self.persons.join(other.persons)
        self.published |= other.published
        self.gone |= other.gone
        self._anchors |= other._anchors
        self.decided_ms = max(self.decided_ms, other.decided_ms)
        self._late(other._because)

    def _late(self, because: str | None) -> None:
        self._because = self._because or because

    # Identity ----------------------------------------------------------------------------------------------------

    def anchor_of(self, case: Case) -> str:
        """Return the signal a case is known by: its first witness under which it is published, else its first."""
        if len(case.signals) > 1:
            for signal in case.signals:
                if signal in self._anchors:
                    return signal
        return case.signals[0]

    def identity(self, anchor: str) -> str:
        """Return the id of the moment that this signal anchors."""
        known = self._anchors.get(anchor)
        if known is not None:
            return known
        signal = self.history.signals[anchor]
        return moment_id(self.expectation, signal, self._casting_at(signal.at_ms).plan)

    def expectation_of(self, case: Case) -> Expectation:
        """Return the promise a case is judged by: the plan's at its opening."""
        return self._casting_at(case.opened_ms).plan.judged[self.expectation]

    def notes_of(self, moment: str) -> list[Action]:
        """Return what persons did about a published moment, in order."""
        known = self.published.get(moment)
        return self.persons.notes(known.case) if known is not None else []

    def offers(self, case: Case) -> list[Action]:
        """Return the claims of a case that were handed over, taken or not."""
        return [note for note in self.persons.notes(case) if note.do == "hand-over"]

    # Publishing --------------------------------------------------------------------------------------------------

    def settle(self, now_ms: int) -> list[Publication]:
        """Fold what was taken in; return what is new about the moments it may have changed, as seen at `now_ms`."""
        cases, whole = self.history.settle()
        made = self._publish(cases, now_ms, whole=whole)
        self._because = None
        self.persons.told()
        return made

    def by_the_clock(self, moment: str, now_ms: int) -> list[Publication]:
        """Return what the time alone has changed about a moment, as seen at `now_ms`."""
        return self._publish([self.published[moment].case], now_ms, whole=False)

    def _publish(self, cases: Iterable[Case], now_ms: int, *, whole: bool) -> list[Publication]:
        """Compare with what is published; where the cases are the `whole`, a moment without one is withdrawn."""
        made: list[Publication] = []
        identified = [(self.anchor_of(case), case) for case in cases]
        if self.gone:
            for anchor, _ in identified:  # what comes back takes back its claims and words before any is shown
                if self.identity(anchor) in self.gone:
                    self.persons.alias.pop(anchor, None)
        if whole:
            made += self._withdraw(identified, now_ms)
        for anchor, case in identified:
            publication = self._publish_case(anchor, case, now_ms)
            if publication is not None:
                made.append(publication)
        return made

    def take_over(self, published: dict[str, Published], gone: dict[str, Published]) -> None:
        """Take over what was published, as stored, and fold up to there."""
        self.published, self.gone = published, gone
        self._anchors = {known.moment.anchor: identity for identity, known in published.items()}
        self.history.refold()
        cases = {self.identity(self.anchor_of(case)): case for case in self.history.fold.cases}
        for identity, known in self.published.items():
            known.case = cases.get(identity, known.case)

    def _publish_case(self, anchor: str, case: Case, now_ms: int) -> Publication | None:
        identity = self.identity(anchor)
        known = self.published.get(identity)
        returns = known is None and identity in self.gone
        if returns:
            known = self.gone.pop(identity)
            self.published[identity], self._anchors[anchor] = known, identity
        notes = self.persons.notes(case)
        new = self._view(identity, anchor, case, notes, now_ms)
        old = known.moment if known else None
        if old is not None:
            new = replace(new, change=old.change, revision=old.revision)
        events = self._events(known, None if returns else old, new, case, notes, now_ms)
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

    def _view(self, identity: str, anchor: str, case: Case, notes: list[Action], now_ms: int) -> Moment:
        """Return a case as it stands, with who answers for it."""
        plan = self._casting_at(case.opened_ms).plan
        seen = view(
            case,
            plan.judged[self.expectation],
            notes,
            now_ms,
            identity=identity,
            anchor=anchor,
            interactions=plan.interactions_of.get(self.expectation, ()),
            blind_at=self._blind_at,
            contradicts=self.history.fold.sensors.contradict,
        )
        training = self.history.signals[anchor].training
        if training is not None:
            seen = replace(seen, training=training, interactions=())
        on = teams(plan, seen.touchpoint, seen.opened_ms, seen.ends_ms)
        return seen if on is None else replace(seen, team=on[0], team_due=on[1])

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
        fresh = notes if known is None else self.persons.news(notes)
        happened = events_between(old, new, case, facts, fresh, now_ms, self._because) + self._doubts(old, new, case)
        return happened if new.team is None else [_by_team(event, new) for event in happened]

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
                self.persons.tell(self.persons.notes(known.case))
                self.persons.alias[anchor] = heir
                events += self._asked(anchor, self.identity(heir), identity, now_ms)
            else:
                self.persons.alias.pop(anchor, None)
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
            for action in self.persons.orders()
            if action.do == "void" and action.moment == anchor
        ]

    def _heir(self, known: Published, identified: list[tuple[str, Case]]) -> str | None:
        """Return the anchor of the moment that takes in a withdrawn one: it has the earliest of its witnesses.

        A task has but one; it is taken in by the task of the moment that took in the one it made good.
        """
        for signal in (*known.case.signals, self.persons.alias.get(known.moment.anchor)):
            for anchor, other in identified:
                if signal in other.signals:
                    return anchor
        return None

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
        sensors = self.history.fold.sensors
        if not sensors.blindness:
            return []
        casting = self._casting_at(at_ms)
        return sensors.blind_at(touchpoint, at_ms, lambda device: casting.sees(self.expectation, device))

    # Forgetting --------------------------------------------------------------------------------------------------

    def forget(self, before_ms: int) -> list[str]:
        """Fold what is older than `before_ms` into the base for good; return the ids of moments that are let go."""
        over = self.history.shorten(before_ms)
        if over is None:
            return []
        let_go = [self.identity(self.anchor_of(case)) for case in over]
        for identity in let_go:
            self.published.pop(identity, None)
        self._anchors = {known.moment.anchor: identity for identity, known in self.published.items()}
        self.persons.forget(self.history.let_go(over, before_ms))
        return let_go


def _taken_back(signal: Signal, by: Signal) -> str:
    """Say in words what was taken back."""
    if by.name == WATCHED:
        return f"{signal.witness} was cut off, but had watched all along"
    who = "" if by.witness == signal.witness else f", by {by.witness}"
    return f"taken back: {signal.witness} {signal.name}{who}"


def _by_team(event: AnyEvent, moment: Moment) -> AnyEvent:
    """Return an event with the team that answers for it, where it says so."""
    if isinstance(event, Opened):
        return replace(event, team=moment.team)
    return replace(event, team=moment.team_due) if isinstance(event, Failed) else event
