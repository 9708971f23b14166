"""What people do: claims, answers, rejections and taps, from pagers, screens, links and break rooms' buttons."""

from __future__ import annotations

import logging
from hashlib import blake2b
from typing import TYPE_CHECKING

from andgate.errors import PayloadError, RefusedError, UsageError
from andgate.moment.moments import Moment
from andgate.moment.signals import Action
from andgate.plan.addresses import is_pager
from andgate.plan.remedies import slug
from andgate.wire.codec import (
    decode_answer,
)
from andgate.wire.messages import Answer, PageReceipt
from hub.driver.answering import addressed, identified, may_reject, rejection
from hub.driver.batch import Batch
from hub.driver.intake import (
    Acted,
    Delivered,
    Tapped,
)
from hub.driver.pressed import SENT_AS, claims
from hub.ingest.taken import Taken
from hub.people.directory import Directory
from hub.store import PageRow
from hub.store.pages import Receipt
from hub.store.rows import DRILL, NOTICE, SHIFT, TEST

if TYPE_CHECKING:
    from hub.driver.judge import Judge

_log = logging.getLogger(__name__)


class Hands:
    """Takes what people do into a batch, as actions of the engine; belongs to the judge's thread."""

    def __init__(self, judge: Judge) -> None:
        """Act for `judge`."""
        self._judge = judge

    def answer(self, batch: Batch, item: Delivered) -> None:
        """Take a pager's answer: a claim, or that it was seen or rejected."""
        answer = decode_answer(item.payload)
        if answer.page is not None and answer.page.startswith(DRILL):
            tried = answer.page.removeprefix(DRILL)
            if tried.startswith(TEST):
                self._arrived(batch, tried)
            else:
                batch.drilled.append(answer.page)
            return
        moment = answer.moment
        if moment is None and answer.page is not None:
            moment = self._judge.outbox.moment_of(answer.page)
        if moment is None:
            raise PayloadError("the answer names no page or moment that this hub knows. Send `page` or `moment`")
        self._seen(batch, moment, answer)
        if answer.do != "claim" or moment.startswith((NOTICE, SHIFT, TEST)):
            # What is about no moment is nobody's promise: that is noted, no more.
            self._judge.outbox.answered(moment, answer.page, f"{answer.do} by {self._judge.persons.id_of(answer.by)}")
            if answer.do == "reject" and may_reject(self._judge.engine.moment(moment)) is None:
                self._reject(batch, item, answer, moment)
            return
        refused: list[RefusedError] = []
        together = self._judge.paging.told_by(moment)
        for each in together or [moment]:
            try:
                self._claim(batch, item, answer, each)
            except RefusedError as wrong:
                refused.append(wrong)
        if refused and len(refused) == len(together or [moment]):
            self._judge.store.quarantine(item.received_ms, item.topic, str(refused[0]), item.payload)

    def _arrived(self, batch: Batch, page: str) -> None:
        """A pager has answered, by itself, the drill that went with a page which only tries it."""
        for row in self._judge.store.pages.of(self._judge.outbox.moment_of(page) or ""):
            if row.page == page and row.kind == "page":
                self._judge.received(batch, Receipt(row.id, row.moment, batch.now_ms, read=False))

    def _seen(self, batch: Batch, moment: str, answer: Answer) -> None:
        """Whoever answers has seen the page: on their own channels, or else on the group's pagers."""
        by, plan = self._judge.persons.id_of(answer.by), self._judge.engine.plan
        rows = [
            row for row in self._judge.store.pages.of(moment) if row.kind == "page" and answer.page in {None, row.page}
        ]
        mine = [row for row in rows if row.person == by]
        pagers = [row for row in rows if row.channel in plan.channels and is_pager(plan.channels[row.channel].url)]
        # A way that has not taken it is not how they saw it; but an answer may be faster than word of the pager's page.
        for row in mine or pagers:
            if row.state == "sent" or (row.state == "queued" and self._on_pager(row)):
                self._judge.received(batch, Receipt(row.id, row.moment, batch.now_ms, read=True))

    def _on_pager(self, row: PageRow) -> bool:
        """Whether a delivery is to a pager on the site's own broker, a group's or somebody's own."""
        plan = self._judge.engine.plan
        entry = plan.channels.get(row.channel) or Directory(self._judge.people, lambda: plan).entry(row.channel)
        return entry is not None and is_pager(entry.url)

    def _reject(self, batch: Batch, item: Delivered, answer: Answer, moment: str) -> None:
        """Void what a pager's owner calls a false alarm."""
        digest = blake2b(item.payload + b"%d" % item.received_ms, digest_size=12).hexdigest()
        at_ms = min(item.received_ms, batch.now_ms)
        reason = rejection(answer.reason)
        self.act(batch, Action(id=f"a/{digest}", do="void", moment=moment, at_ms=at_ms, by=answer.by, reason=reason))

    def _claim(self, batch: Batch, item: Delivered, answer: Answer, moment: str) -> None:
        """Take a claim, or raise a RefusedError."""
        told = item.payload + moment.encode() + b"%d" % item.received_ms
        digest = blake2b(told, digest_size=12).hexdigest()
        self.act(
            batch,
            Action(
                id=f"a/{digest}",
                do="claim",
                moment=moment,
                at_ms=min(item.received_ms, batch.now_ms),
                by=answer.by,
                promise_ms=None if answer.promise_s is None else round(answer.promise_s * 1000),
                reason=answer.reason,
                first=self._first(moment, answer.first),
            ),
        )

    def _first(self, moment: str, words: str | None) -> str | None:
        """Return a first action as the plan has it; None where it has none in these words."""
        about = self._judge.engine.moment(moment) if words else None
        promise = self._judge.engine.plan.judged.get(about.expectation) if about is not None else None
        if about is None or promise is None:
            return None
        return next((each for each in promise.first_actions(about.touchpoint) if slug(each) == slug(words or "")), None)

    def pressed(self, batch: Batch, taken: Taken) -> None:
        """Take the claims that a break room's button makes; one that comes too late for anything is no harm.

        `Judge.take_in` has marked what is training.
        """
        for action in claims(taken.inputs, self._judge.engine.plan, self._open_now, self._judge.store.pages.of):
            try:
                self.act(batch, action)
            except RefusedError as wrong:
                _log.info("%s claims nothing: %s", action.by, wrong)

    def _open_now(self) -> list[Moment]:
        return [self._judge.persons.moment(moment) for moment in self._judge.engine.open_moments()]

    def told(self, said: PageReceipt, node: str) -> None:
        """Note on a page what became of it at an annunciator, speaker or transmitter."""
        page = said.page.partition(SENT_AS)[0]
        moment = self._judge.outbox.moment_of(page)
        if node not in self._judge.engine.plan.nodes:
            raise PayloadError(f'the plan has no node "{node}"')
        if moment is None:
            raise PayloadError(f'there is no page "{said.page[:80]}"')
        why = f": {said.why}" if said.why else ""
        self._judge.outbox.answered(moment, page, f"{said.did} at {node}/{said.device}{why}")

    def acted(self, batch: Batch, item: Acted) -> None:
        """Take what somebody did over the API; the answer is the moment as it is then."""
        try:
            self.act(batch, item.action)
        except RefusedError as wrong:
            refusal = wrong
            batch.answers.append(lambda: item.future.set_exception(refusal))
            return
        moment = self._judge.engine.moment(item.action.moment)
        if moment is None:
            raise UsageError(f"moment {item.action.moment} is gone after it was acted upon")
        shown = self._judge.persons.moment(moment)
        batch.answers.append(lambda: item.future.set_result(shown))

    def act(self, batch: Batch, action: Action, *, known: bool = True) -> None:
        """Take a person's action, or raise a RefusedError.

        Args:
            batch: to take it into.
            action: what they do; `person` of it is an opaque id.
            known: the others are called by their names; False: by opaque ids too.
        """
        self._judge.advance(batch)
        self._judge.engine.advance(
            batch.now_ms
        )  # lets go of what is too old, so that it is refused and not lost while judged
        action = addressed(action, self._judge.engine.moment(action.moment), self._judge.engine.plan)
        if action.person is not None and action.person not in self._judge.people.book().people:
            raise RefusedError("nobody on this hub's list is the person that shall take over")
        why = self._judge.engine.refuses(identified(action, self._judge.persons.known if known else _itself))
        if why is not None:
            raise RefusedError(why)
        self._judge.decide(batch, (identified(action, self._judge.persons.id_of if known else _itself),))

    def tapped(self, batch: Batch, item: Tapped) -> None:
        """Take what the link in a page does, once; a tap that comes twice is answered twice."""
        try:
            self._tap(batch, item)
        except RefusedError as wrong:
            refusal = wrong
            batch.answers.append(lambda: item.future.set_exception(refusal))
            return
        found = [self._judge.engine.moment(action.moment) for action in item.actions]
        shown = [self._judge.persons.moment(moment) for moment in found if moment is not None]
        batch.answers.append(lambda: item.future.set_result(shown))

    def _tap(self, batch: Batch, item: Tapped) -> None:
        first = item.actions[0]
        users = self._judge.taps.users(item.link)
        if (item.person or self._judge.persons.known(first.by)) in users:
            return
        moments = [self._judge.engine.moment(action.moment) for action in item.actions]
        needs = 1 if item.person is not None else max([1, *(moment.needs for moment in moments if moment is not None)])
        if len(users) >= needs:
            raise RefusedError("this link has been used")
        refused: list[RefusedError] = []
        for action, moment in zip(item.actions, moments, strict=True):
            why = may_reject(moment) if action.do == "void" else None
            if why is not None:
                refused.append(RefusedError(why))
                continue
            try:
                self.act(batch, action, known=item.person is None)
            except RefusedError as wrong:
                refused.append(wrong)
        if len(refused) == len(item.actions):
            raise refused[0]
        who = item.person or self._judge.persons.id_of(first.by)
        self._judge.taps.use(item.link, who, batch.now_ms, "reject" if first.do == "void" else "claim")


def _itself(name: str) -> str:
    return name
