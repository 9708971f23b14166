"""The auditor: every open threat has a next step, a reason for none, or a finding says that Andgate fails it."""

from __future__ import annotations

from collections import defaultdict

import pytest
from hypothesis import HealthCheck, given, note, settings
from hypothesis import strategies as st
from msgspec import Struct
from msgspec.structs import replace

from andgate.audit import SPARED, THREATS, Audited, Finding, Next, Quiet, Told, audit, following, told, unsent
from andgate.moment.events import Paged
from andgate.moment.moments import Moment
from andgate.moment.outlook import Outlook
from andgate.moment.signals import Action
from andgate.plan import Device, Group, Node, PageStep, Plan
from tests.library.days import CONTRACT, HOUR, TICK, deliveries, plans, seen
from tests.library.days import told as in_words
from tests.library.watch import Watch

MINUTE = 60_000
STEPS = (
    PageStep(left_ms=3 * MINUTE, group="ticket-agents"),
    PageStep(left_ms=90_000, group="supervisors", unless_claimed=True),
)
DUE = [0, 90_000]
NOW = 10_000
"""The first step has gone, the second is ahead."""


class Row(Struct, frozen=True):
    """A delivery."""

    page: str
    group: str = "ticket-agents"
    state: str = "sent"
    channel: str = "radio"
    kind: str = "page"
    moment: str = "m1"
    due_ms: int = 0
    note: str = ""


AGENTS_KNOW = told([Row("m1:0")])


def threat(**more: object) -> Moment:
    made = Moment(
        id="m1",
        anchor="f/x",
        expectation="check-in-wait",
        touchpoint="counter-a",
        opened_ms=0,
        threatened_ms=0,
        ends_ms=3 * MINUTE,
        counts_to_ms=3 * MINUTE,
        level="threatened",
        plan="v",
    )
    return replace(made, **more)


def ahead(**more: object) -> Outlook:
    made = Outlook(
        moment=threat(), steps=STEPS, due_ms=DUE, fates={0: "sent"}, again_ms=None, wakes_ms=90_000, waits_ms=None
    )
    return replace(made, **more)


def look(
    outlook: Outlook,
    sent: Told = AGENTS_KNOW,
    *,
    now_ms: int = NOW,
    plan: Plan = CONTRACT,
    listen_only: bool = False,
    quiet: Quiet | None = None,
) -> Audited:
    return audit(outlook, sent, plan, now_ms, slack_ms=2_000, listen_only=listen_only, quiet=lambda _: quiet)


# ------------------------------------------------------------------------------------------------------ a next step


def test_the_next_step_is_named() -> None:
    assert look(ahead()) == Audited("m1", Next(90_000, 1, "supervisors"), None, None, ())


def test_a_claim_puts_the_next_step_off_until_it_ends() -> None:
    claimed = threat(claimed_ms=5_000, claimed_by="p7", claim_until_ms=120_000)
    found = look(ahead(moment=claimed))
    assert found.next == Next(120_000, 1, "supervisors", lapses=True)
    assert (found.why, found.findings) == (None, ())


def test_a_step_that_a_claim_put_off_comes_back_when_it_ends() -> None:
    claimed = threat(claimed_ms=5_000, claimed_by="p7", claim_until_ms=120_000)
    found = look(ahead(moment=claimed, fates={0: "sent", 1: "claimed"}, wakes_ms=None), now_ms=100_000)
    assert found.next == Next(120_000, 1, "supervisors", lapses=True)
    assert not found.findings


def test_a_claim_that_ends_before_the_step_puts_nothing_off() -> None:
    claimed = threat(claimed_ms=5_000, claimed_by="p7", claim_until_ms=60_000)
    assert look(ahead(moment=claimed)).next == Next(90_000, 1, "supervisors")


def test_the_nearest_step_is_next() -> None:
    steps = (*STEPS, PageStep(left_ms=100_000, group="ticket-agents"))
    assert following(threat(), steps, [0, 90_000, 80_000], [0], NOW) == Next(80_000, 2, "ticket-agents")


def test_customers_who_still_wait_are_a_step_too() -> None:
    late = threat(level="failed", verdict="failure")
    found = look(
        ahead(moment=late, fates={0: "sent", 1: "superseded"}, again_ms=202_500, wakes_ms=202_500), now_ms=200_000
    )
    assert found.next == Next(202_500, 0, "ticket-agents")
    assert not found.findings


def test_a_repeat_after_the_next_step_is_not_next() -> None:
    assert look(ahead(again_ms=100_000)).next == Next(90_000, 1, "supervisors")


# ------------------------------------------------------------------------------------------------ a reason for none


@pytest.mark.parametrize(
    ("outlook", "why", "until_ms"),
    [
        (ahead(fates={0: "sent", 1: "sent"}, wakes_ms=None), "told", None),
        (ahead(steps=(), due_ms=[], fates={}, wakes_ms=None), "no-steps", None),
        (
            ahead(moment=threat(claimed_ms=5_000, claimed_by="p7"), fates={0: "sent", 1: "claimed"}, wakes_ms=None),
            "claimed",
            None,
        ),
        (
            ahead(
                moment=threat(claimed_ms=5_000, claimed_by="p7", claim_until_ms=99_000),
                fates={0: "sent", 1: "superseded"},
                wakes_ms=None,
            ),
            "claimed",
            99_000,
        ),
        (ahead(fates={}, wakes_ms=12_000, waits_ms=12_000), "backlog", 12_000),
    ],
)
def test_why_nothing_comes_next(outlook: Outlook, why: str, until_ms: int | None) -> None:
    both = told([Row("m1:0"), Row("m1:1", "supervisors")])
    found = look(outlook, both)
    assert (found.why, found.until_ms, found.findings) == (why, until_ms, ())


def test_a_hub_that_only_listens_says_so() -> None:
    found = look(ahead(), told([Row("m1:0", state="muted")]), listen_only=True)
    assert (found.next, found.why, found.findings) == (None, "listening", ())


# -------------------------------------------------------------------------------------------------------- findings


def test_a_step_that_is_overdue_and_not_decided() -> None:
    assert look(ahead(fates={})).findings == (Finding("undecided", "m1", "ticket-agents"),)
    assert look(ahead(fates={}), now_ms=1_999).findings == (), "it may be a little late"


def test_a_step_for_which_nobody_wakes() -> None:
    nobody = Finding("undecided", "m1", "supervisors", "nobody wakes for it")
    assert look(ahead(wakes_ms=None)).findings == (nobody,)
    assert look(ahead(wakes_ms=90_001)).findings == (nobody,)


def test_a_step_that_a_claim_put_off_and_that_did_not_come_back() -> None:
    found = look(ahead(fates={0: "sent", 1: "claimed"}, wakes_ms=None), now_ms=100_000)
    assert found.findings == (Finding("undecided", "m1", "supervisors"),)


def test_a_repeat_that_did_not_come() -> None:
    found = look(ahead(again_ms=5_000))
    assert found.findings == (Finding("undecided", "m1", "ticket-agents", "customers are still waiting"),)
    assert found.next == Next(NOW, 0, "ticket-agents")


def test_a_claim_beyond_its_end() -> None:
    claimed = threat(claimed_ms=1_000, claimed_by="p7", claim_until_ms=7_000)
    assert look(ahead(moment=claimed)).findings == (Finding("lapse", "m1"),)


def test_a_page_that_was_decided_and_never_queued() -> None:
    assert look(ahead(), Told()).findings == (Finding("lost", "m1", "ticket-agents"),)


def test_a_page_that_failed_on_every_channel() -> None:
    sent = told([Row("m1:0", state="failed", note="refused"), Row("m1:0", state="failed", channel="mail", note="gone")])
    assert look(ahead(), sent).findings == (Finding("failed", "m1", "ticket-agents", "gone"),)


@pytest.mark.parametrize("state", ["sent", "queued", "muted"])
def test_one_channel_that_may_reach_them_is_enough(state: str) -> None:
    sent = told([Row("m1:0", state="failed"), Row("m1:0", state=state, channel="mail")])
    assert not look(ahead(), sent, quiet=Quiet("listening")).findings


def test_a_later_page_makes_good_and_one_that_was_called_off_does_not_count() -> None:
    rows = [Row("m1:0", state="failed"), Row("m1:threat"), Row("m1:again", state="cancelled"), Row("x", kind="over")]
    assert told(rows) == Told(frozenset({"ticket-agents"}))


def test_a_group_without_a_channel_matters_where_nobody_of_the_ladder_has_one() -> None:
    sent = told([Row("m1:0", state="failed", channel="")])
    assert not look(ahead(), sent).findings, "supervisors are ahead, by radio"
    bare = replace(CONTRACT, groups={"ticket-agents": Group(id="ticket-agents", name="Agents", channels=())})
    assert look(ahead(), sent, plan=bare).findings == (Finding("no-channel", "m1", "ticket-agents"),)
    alarm = Device("alarm", "room", "", "annunciator", {"group": "ticket-agents"}, {"press": "claimed"})
    room = replace(bare, nodes={"room": Node(id="room", touchpoint=None, devices={"alarm": alarm})})
    assert look(ahead(), sent, plan=room).findings == (), "its break room tells it"


def test_a_page_that_nobody_tries() -> None:
    rows = [Row("m1:0", state="queued"), Row("m2:0", moment="m2", due_ms=50_000), Row("m1:over", kind="over")]
    assert unsent(rows, 0, 31_000, quiet_ms=30_000) == [Finding("unsent", "m1", "ticket-agents", "radio")]
    assert unsent(rows, 5_000, 31_000, quiet_ms=30_000) == [], "whoever sends has only begun"


# ------------------------------------------------------------------------------------------------- what is kept back

KEPT = told([Row("m1:0", state="muted", note="muted until 12:36 (Ines): Floor is being washed")])
MUTED = Quiet("muted", until_ms=60_000, look_ms=60_000)


@pytest.mark.parametrize(
    ("quiet", "why", "until_ms"),
    [
        (MUTED, "muted", 60_000),
        (Quiet("suspended"), "suspended", None),
        (Quiet("suspended", until_ms=70_000, look_ms=5_000), "suspended", 70_000),
        (Quiet("listening"), "listening", None),
    ],
)
def test_what_keeps_a_page_back_is_the_reason(quiet: Quiet, why: str, until_ms: int | None) -> None:
    found = look(ahead(), KEPT, quiet=quiet)
    assert (found.why, found.until_ms, found.findings) == (why, until_ms, ())
    assert found.next == Next(90_000, 1, "supervisors")


def test_a_page_that_nothing_keeps_back_any_more_and_nobody_let_go() -> None:
    assert look(ahead(), KEPT).findings == (Finding("unreleased", "m1", "ticket-agents"),)


def test_what_was_let_go_while_somebody_is_on_it_need_not_be_told() -> None:
    kept = told([Row("m1:0"), Row("m1:1", "supervisors", state="muted")])
    claimed = threat(claimed_ms=5_000, claimed_by="p7")
    gone = ahead(fates={0: "sent", 1: "sent"}, wakes_ms=None)
    assert look(gone, kept).findings == (Finding("unreleased", "m1", "supervisors"),)
    assert not look(replace(gone, moment=claimed), kept).findings, "the plan says so of that step"
    assert look(ahead(moment=claimed), KEPT).findings == (Finding("unreleased", "m1", "ticket-agents"),), (
        "not of theirs"
    )


@pytest.mark.parametrize(
    "quiet",
    [
        Quiet("muted", until_ms=NOW - 2_000, look_ms=NOW - 2_000),
        Quiet("muted", until_ms=60_000),
        Quiet("muted", until_ms=60_000, look_ms=60_001),
    ],
)
def test_a_quiet_whose_end_nobody_looks_for(quiet: Quiet) -> None:
    nobody = Finding("unreleased", "m1", "ticket-agents", "nobody looks when it ends")
    assert look(ahead(), KEPT, quiet=quiet).findings == (nobody,)


def test_what_was_kept_back_and_told_later_is_kept_back_no_more() -> None:
    rows = [Row("m1:0", state="muted"), Row("m1:quiet-over", state="queued")]
    assert not told(rows).kept
    assert told([*rows, Row("m1:again", state="muted"), Row("m1:again", state="sent", channel="mail")]).kept
    assert not told([Row("m1:0"), Row("m1:repeat:0:1", state="muted", note=f"{SPARED} 22:00-06:00")]).kept


# ---------------------------------------------------------------------------------------------- of what really happens


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data(), plan=plans())
def test_an_engine_that_works_is_never_found_wanting(data: st.DataObject, plan: Plan) -> None:
    delivered = data.draw(deliveries(data.draw(seen(plan))))
    note(in_words(plan, delivered))
    watch = Watch.over(plan)
    rows: dict[str, list[Row]] = defaultdict(list)

    def prove(now_ms: int) -> None:
        for event in watch.steps[-1].events:
            if isinstance(event, Paged):
                rows[event.moment].append(Row(event.page, event.group))
        found = [
            audit(each, told(rows[each.moment.id]), plan, now_ms, slack_ms=0, listen_only=False)
            for each in watch.engine.outlooks()
        ]
        threats = [each.id for each in watch.engine.open_moments() if each.level in THREATS]
        assert sorted(each.moment for each in found) == sorted(threats)
        assert [each for each in found if each.findings or (each.next is None and each.why is None)] == []

    def wake(now_ms: int) -> None:
        while (due_ms := watch.engine.next_deadline()) is not None and due_ms <= now_ms:
            watch.advance(due_ms)
            prove(due_ms)

    for number, each in enumerate(delivered):
        wake(each.now_ms)
        watch.receive(each.signals, each.now_ms, more=data.draw(st.booleans()))
        prove(each.now_ms)
        open_moments = watch.engine.open_moments()
        if data.draw(st.booleans()) and open_moments:
            action = Action(
                id=f"a{number}",
                do=data.draw(st.sampled_from(["claim", "claim", "unclaim", "hand-over"])),
                moment=data.draw(st.sampled_from([moment.id for moment in open_moments])),
                at_ms=each.now_ms,
                by=data.draw(st.sampled_from(["p7", "p8"])),
                promise_ms=data.draw(st.sampled_from([None, TICK, 20 * TICK])),
                several=data.draw(st.booleans()),
                group="supervisors",
            )
            watch.receive([action], each.now_ms)
            prove(each.now_ms)
    wake(delivered[-1].now_ms + HOUR)


def test_only_some_are_asked_for() -> None:
    watch = Watch.over(CONTRACT)
    assert list(watch.engine.outlooks(["nobody"])) == []
