"""What follows where something quiet begins or ends: what waits is held back, and what was kept back is told."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from andgate.errors import RefusedError
from andgate.moment.signals import Muted
from hub.driver.batch import Batch
from hub.driver.intake import Ask, Asked
from hub.fleet.sight import Change
from hub.quiet import OF_PLAN
from hub.store.rows import BUNDLE, KEPT, SHIFT

if TYPE_CHECKING:
    from hub.driver.judge import Judge


class Stillness:
    """Does what quiet asks for; belongs to the judge's thread."""

    def __init__(self, judge: Judge) -> None:
        """Act for `judge`."""
        self._judge = judge

    def recall(self) -> None:
        """Remember what new shifts were not told before this start, of what they have not been told since."""
        judge = self._judge
        for group in judge.engine.plan.groups:
            page = f"{SHIFT}{group}/{judge.handover.handed_ms(group)}"
            rows = [*judge.store.pages.of(page), *judge.store.pages.of(page + KEPT)]
            kept_ms = max((row.decided_ms for row in rows if row.state == "muted"), default=None)
            if kept_ms is None:
                continue
            for moment in judge.handover.concerned(group, judge.engine.open_moments()):
                mine = [row.decided_ms for row in judge.store.pages.of(moment.id) if row.group == group]
                if max(mine, default=0) <= kept_ms:
                    judge.quiet.owe(moment, group)

    def asked(self, batch: Batch, item: Asked) -> None:
        """Take what somebody asks about quiet: the answer is what is quiet from then on."""
        judge = self._judge
        judge.advance(batch)
        try:
            taken = judge.quiet.taken(item.hush, batch.now_ms)
        except RefusedError as wrong:
            refusal = wrong
            batch.answers.append(lambda: item.future.set_exception(refusal))
            return
        judge.decide(batch, tuple(self._by_id(each) for each in taken))
        self.look(batch)
        view = judge.quiet.view(batch.now_ms, judge.persons.name)
        batch.answers.append(lambda: item.future.set_result(view))

    def _by_id(self, hush: Ask) -> Ask:
        """Put opaque ids in the place of people's names; who answers for a mute of the plan's is a role."""
        persons = self._judge.persons
        if isinstance(hush, Muted) and not hush.id.startswith(OF_PLAN):
            hush = replace(hush, owner=persons.id_of(hush.owner))
        return replace(hush, by=persons.id_of(hush.by))

    def look(self, batch: Batch) -> None:
        """Look whether anything has begun or ended: hold what waits, page what was kept back."""
        judge, quiet, now_ms = self._judge, self._judge.quiet, batch.now_ms
        if not quiet.due(now_ms):
            return
        unheard = quiet.unheard(now_ms)
        for each in unheard:
            judge.watch.unheard(each.contact, now_ms)
        for word in (*(quiet.resumed(each, now_ms) for each in unheard), *quiet.again(now_ms)):
            judge.say(batch, [judge.fleet.sight.signal(Change(*word), now_ms)])
        self._hold(batch)
        released = quiet.released(judge.engine.moment, now_ms)
        if released is not None:
            judge.decide(batch, (released,))
        batch.quiet = quiet.looked(now_ms, judge.persons.name)

    def _hold(self, batch: Batch) -> None:
        """Take back what is queued and must not go now."""
        judge, now_ms = self._judge, batch.now_ms
        pages = judge.store.pages
        queued = list(pages.queued.values())
        held = judge.quiet.holds(queued, judge.engine.moment, now_ms)
        held |= judge.watch.calls.holds(queued, now_ms)
        for row in queued:
            if row.moment.startswith(SHIFT) and row.id not in held:
                concerned = judge.handover.concerned(row.group, judge.engine.open_moments())
                # To ask whether one may go lets go what is owed of it: it is, but not by this word about another.
                if all(judge.quiet.kept(moment, row.group, now_ms) for moment in concerned):
                    whys = [judge.quiet.why_not(moment, row.group, None, now_ms) for moment in concerned]
                    held[row.id] = next((why for why in whys if why), "")
            if row.id not in held and row.moment.startswith(BUNDLE) and held:
                told = pages.bundled(row.moment)
                if told and all(each.state != "queued" or each.id in held for each in told):
                    held[row.id] = held[told[0].id] if told[0].id in held else told[0].note
        for row in queued:
            if row.id in held and pages.mute(row.moment, row.id, held[row.id]):
                batch.cancelled.append(row.id)
                judge.auditor.decided(row.moment)
        batch.pages = [row for row in batch.pages if row.id not in held]
