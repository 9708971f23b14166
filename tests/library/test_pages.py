"""Rule 16: a page is sent once, never for what is over; a claim cancels, a lapse brings back, the end stands down."""

from __future__ import annotations

from collections import defaultdict

from hypothesis import HealthCheck, given, note, settings
from hypothesis import strategies as st

from andgate.moment.events import AnyEvent, Paged, StoodDown
from andgate.moment.moments import Moment
from andgate.moment.signals import Action
from andgate.plan import Plan
from tests.library.days import HOUR, TICK, deliveries, plans, seen, told
from tests.library.watch import Watch

thorough = settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
quick = settings(thorough, max_examples=60)

paging_plans = plans().filter(lambda plan: any(each.pages for each in plan.expectations.values()))

AGAIN = ("threatened", "still-waiting", "reopened", "repeat", "handed-over")
"""Why a group is told beside the ladder; everything else is a step of it, and goes once."""
END_OF_LINE = ":lapsed:"
"""In the name of a page that goes since whoever was on it is not any more, and nothing else would have followed."""


def steps(pages: list[Paged]) -> list[Paged]:
    """Return those that are steps of the ladder."""
    return [page for page in pages if page.reason not in AGAIN and END_OF_LINE not in page.page]


class Pager:
    """Carries the pages of a watch that never leaps over a deadline, and checks each."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.watch = Watch.over(plan)
        self.carrying: dict[str, set[str]] = defaultdict(set)
        """Moment -> groups that were paged and not yet told that it is over."""
        self.pages: set[str] = set()
        self.sent: dict[str, list[Paged]] = defaultdict(list)

    def wake(self, now_ms: int) -> None:
        """Sleep on, looking at each thing that is due."""
        while (due_ms := self.watch.engine.next_deadline()) is not None and due_ms <= now_ms:
            self.watch.advance(due_ms)
            self.look()
        self.watch.advance(now_ms)
        self.look()

    def look(self) -> None:
        """Check the last step: one instant, or one message."""
        for event in self.watch.steps[-1].events:
            self.carry(event, self.watch.latest[event.moment])
        for moment, groups in self.carrying.items():
            assert not groups or not is_over(self.watch.latest[moment]), "those who were paged are told that it is over"

    def carry(self, event: AnyEvent, moment: Moment) -> None:
        """Check one event."""
        if isinstance(event, Paged):
            assert not is_over(moment), "nobody is paged for what is over"
            assert event.page not in self.pages, "a page is sent once"
            handed = event.reason == "handed-over"
            assert not (moment.claimed_ms is not None and event.cancels) or handed, "a claim cancels"
            if steps([event]):
                assert event.step not in [one.step for one in steps(self.sent[event.moment])]
            if event.reason == "repeat":
                told_ms = max(one.at_ms for one in self.sent[event.moment] if one.group == event.group)
                assert told_ms < event.at_ms, "a repeat comes later"
            self.pages.add(event.page)
            self.sent[event.moment].append(event)
            self.carrying[event.moment].add(event.group)
        elif isinstance(event, StoodDown):
            assert is_over(moment), "nobody is stood down from what goes on"
            assert set(event.groups) == self.carrying.pop(event.moment), "those who were paged, and only they"

    def assert_nobody_is_forgotten(self, now_ms: int) -> None:
        """Every step that is due for an open moment has gone, or its group was told by a later one."""
        for moment in self.watch.engine.open_moments():
            for number, step in enumerate(self.plan.expectations[moment.expectation].pages):
                if now_ms < moment.ends_ms - step.left_ms or (step.unless_claimed and moment.claimed_ms is not None):
                    continue
                reached = [
                    event
                    for event in self.sent[moment.id]
                    if event.step == number or (event.group == step.group and event.step > number)
                ]
                assert reached, f"step {number} is overdue and nobody was told: {moment}"


def is_over(moment: Moment) -> bool:
    return moment.state == "ended" or moment.withdrawn


@thorough
@given(data=st.data(), plan=paging_plans)
def test_pages_go_once_never_after_the_end_and_are_called_off_once(data: st.DataObject, plan: Plan) -> None:
    delivered = data.draw(deliveries(data.draw(seen(plan))))
    note(told(plan, delivered))
    pager = Pager(plan)
    for number, each in enumerate(delivered):
        pager.wake(each.now_ms)
        pager.watch.receive(each.signals, each.now_ms)
        pager.look()
        open_moments = pager.watch.engine.open_moments()
        if data.draw(st.booleans()) and open_moments:
            action = Action(
                id=f"a{number}",
                do=data.draw(st.sampled_from(["claim", "claim", "claim", "unclaim", "hand-over"])),
                moment=data.draw(st.sampled_from([moment.id for moment in open_moments])),
                at_ms=each.now_ms,
                by=data.draw(st.sampled_from(["p7", "p8"])),
                promise_ms=data.draw(st.sampled_from([None, TICK, TICK, 2 * TICK, 20 * TICK])),
                several=data.draw(st.booleans()),
                group=data.draw(st.sampled_from([None, "supervisors"])),
            )
            note(f"{action}")
            pager.watch.receive([action], each.now_ms)
            pager.look()
        pager.assert_nobody_is_forgotten(each.now_ms)
    last_ms = delivered[-1].now_ms + data.draw(st.sampled_from([0, TICK, 3 * TICK, 7 * TICK]))
    pager.wake(last_ms)
    pager.assert_nobody_is_forgotten(last_ms)
    pager.wake(last_ms + HOUR)
    assert not any(pager.carrying.values())


@quick
@given(data=st.data(), plan=paging_plans)
def test_a_page_that_waits_for_more_is_not_forgotten(data: st.DataObject, plan: Plan) -> None:
    delivered = data.draw(deliveries(data.draw(seen(plan))))
    note(told(plan, delivered))
    pager = Pager(plan)
    for each in delivered:
        pager.wake(each.now_ms)
        pager.watch.receive(each.signals, each.now_ms, more=data.draw(st.booleans()))
        pager.look()
    pager.wake(delivered[-1].now_ms + 10_000)
    pager.assert_nobody_is_forgotten(delivered[-1].now_ms + 10_000)


@quick
@given(data=st.data(), plan=paging_plans)
def test_a_page_tells_the_time_left_and_how_late_it_is(data: st.DataObject, plan: Plan) -> None:
    delivered = data.draw(deliveries(data.draw(seen(plan))))
    note(told(plan, delivered))
    pager = Pager(plan)
    for each in delivered:
        pager.wake(each.now_ms)
        pager.watch.receive(each.signals, each.now_ms)
        pager.look()
        for event in pager.watch.steps[-1].events:
            if isinstance(event, Paged):
                assert event.at_ms == each.now_ms
                assert event.left_ms == pager.watch.latest[event.moment].ends_ms - event.at_ms
