"""What is about no moment (a node, a device, a shift that has ended) is kept back by the same rules as every page."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.hub.desk import PLAN, Desk, as_killed, node_signal
from tests.hub.test_auditor import became
from tests.hub.test_quiet import FIRE, MINUTE_MS, TECHNICIANS, _stuck, _twice, alarm, mute, sound, unmute
from tests.hub.test_technicians import health

SHIFTS = PLAN.replace(
    "[touchpoints.counter-a]",
    '[groups.ticket-agents.shifts.early]\nname = "Early"\nfrom = "06:00"\nto = "12:08"\n'
    '[groups.ticket-agents.shifts.late]\nname = "Late"\nfrom = "12:08"\nto = "20:00"\n[touchpoints.counter-a]',
)


def notices(desk: Desk, begins: str = "fault/") -> list[tuple[str, str, str]]:
    return [(row.kind, row.state, row.note) for row in desk.pages() if row.moment.startswith(begins)]


def test_a_fault_that_waits_to_be_told_is_held_back_when_an_alarm_begins_and_told_when_it_ends(
    make_desk: Callable[..., Desk], tmp_path: Path
) -> None:
    desk = make_desk(plan=TECHNICIANS + FIRE)
    _stuck(desk, "stuck")
    assert [fate[:2] for fate in notices(desk)] == [("page", "queued")]
    alarm(desk, 1, "suspended")
    assert notices(desk) == [("page", "muted", "suspended since 12:06 by Fire panel")]
    assert any(row.id in commit.cancelled for commit in desk.commits for row in desk.pages())
    desk.pass_ms(MINUTE_MS)
    assert len(notices(desk)) == 1
    alarm(desk, 2, "resumed")
    assert [fate[:2] for fate in notices(desk)] == [("page", "muted"), ("page", "queued")]
    assert desk.pages()[-1].text.startswith("desk-a1/mot at Check-in counter A: stuck since 12:06.")
    assert not _twice(desk)
    _stuck(desk, None)
    desk.pass_ms(15_000)
    assert [fate[0] for fate in notices(desk)] == ["page", "page", "over"]
    sound(desk, tmp_path / "data")


def test_a_fault_that_is_over_when_the_quiet_ends_is_told_to_nobody(make_desk: Callable[..., Desk]) -> None:
    desk = make_desk(plan=TECHNICIANS)
    _stuck(desk, "stuck")
    mute(desk, faults=True)
    assert [fate[:2] for fate in notices(desk)] == [("page", "muted")]
    _stuck(desk, None)
    desk.pass_ms(15_000)
    unmute(desk)
    desk.pass_ms(MINUTE_MS)
    assert [fate[:2] for fate in notices(desk)] == [("page", "muted")]


def test_a_mute_that_does_not_name_faults_holds_none_back(make_desk: Callable[..., Desk]) -> None:
    desk = make_desk(plan=TECHNICIANS)
    _stuck(desk, "stuck")
    mute(desk)
    assert [fate[:2] for fate in notices(desk)] == [("page", "queued")]


def test_that_a_fault_is_over_is_no_page_in_the_middle_of_an_alarm_either(make_desk: Callable[..., Desk]) -> None:
    desk = make_desk(plan=TECHNICIANS + FIRE)
    _stuck(desk, "stuck")
    became(desk, desk.pages()[0], "sent")
    alarm(desk, 1, "suspended")
    _stuck(desk, None)
    desk.pass_ms(15_000)
    assert notices(desk) == [("page", "sent", ""), ("over", "muted", "suspended since 12:06 by Fire panel")]


def test_a_word_that_it_is_over_which_waits_to_be_sent_is_held_back_too(make_desk: Callable[..., Desk]) -> None:
    desk = make_desk(plan=TECHNICIANS + FIRE)
    _stuck(desk, "stuck")
    became(desk, desk.pages()[0], "sent")
    _stuck(desk, None)
    desk.pass_ms(15_000)
    assert [fate[:2] for fate in notices(desk)] == [("page", "sent"), ("over", "queued")]
    alarm(desk, 1, "suspended")
    assert [fate[:2] for fate in notices(desk)] == [("page", "sent"), ("over", "muted")]


def test_what_the_auditor_says_is_held_back_by_nothing(make_desk: Callable[..., Desk]) -> None:
    desk = make_desk(plan=TECHNICIANS + FIRE)
    desk.node(node_signal(1))
    became(desk, desk.pages()[0], "failed", "unknown pager")
    assert [fate[:2] for fate in notices(desk)] == [("page", "queued")]
    alarm(desk, 1, "suspended")
    assert [fate[:2] for fate in notices(desk)] == [("page", "queued")]


def test_faults_that_are_told_together_are_held_back_and_told_together(make_desk: Callable[..., Desk]) -> None:
    more = "".join(
        f'[nodes.more-{n}.devices.mot]\ntouchpoint = "counter-a"\nkind = "mot-button"\nbutton = 4\n' for n in range(9)
    )
    desk = make_desk(plan=TECHNICIANS + FIRE + more)
    for n in range(9):
        desk.deliver(f"node/more-{n}/state", b'{"state":"online","session":1,"boot":"b1"}')
        said = b'{"boot":"b1","mono":5.0,"devices":{"mot":{"level":"off","fault":"stuck"}}}'
        desk.deliver(f"node/more-{n}/health", said)
    desk.sync()
    assert "queued" in {fate[1] for fate in notices(desk)}
    alarm(desk, 1, "suspended")
    assert {fate[1] for fate in notices(desk)} == {"muted"}
    health(desk, "more-0", "mot")
    alarm(desk, 2, "resumed")
    desk.pass_ms(MINUTE_MS)
    queued = [row for row in desk.pages(state="queued") if row.kind == "page"]
    assert "8 inputs stuck" in " ".join(row.text for row in queued) or len(queued) == 8
    assert not _twice(desk)


def test_what_was_held_back_is_told_by_a_hub_that_was_killed_meanwhile(
    make_desk: Callable[..., Desk], tmp_path: Path
) -> None:
    desk = make_desk(plan=TECHNICIANS + FIRE)
    _stuck(desk, "stuck")
    alarm(desk, 1, "suspended")
    again = make_desk(data=as_killed(tmp_path / "data", tmp_path / "copy"), plan=TECHNICIANS + FIRE)
    assert [fate[1] for fate in notices(again)] == ["muted"]
    alarm(again, 2, "resumed")
    assert [fate[1] for fate in notices(again)] == ["muted", "queued"]


def test_a_new_shift_is_told_when_the_alarm_is_over_and_not_in_the_middle_of_it(
    make_desk: Callable[..., Desk], tmp_path: Path
) -> None:
    desk = make_desk(plan=SHIFTS + FIRE)
    desk.node(node_signal(1))
    alarm(desk, 1, "suspended")
    desk.pass_ms(150_000)  # the late shift has begun
    assert {fate[1:] for fate in notices(desk, "shift/")} == {("muted", "suspended since 12:06 by Fire panel")}
    assert not desk.pages(state="queued", expectation="check-in-wait")
    alarm(desk, 2, "resumed")
    assert "ticket-agents" in {row.group for row in desk.pages(state="queued", expectation="check-in-wait")}
    sound(desk, tmp_path / "data")


@pytest.mark.parametrize("waited", [False, True])
def test_a_new_shift_is_told_at_the_end_also_by_a_hub_that_was_killed_meanwhile(
    make_desk: Callable[..., Desk], tmp_path: Path, waited: bool
) -> None:
    """Its page was decided in the alarm, or waited to be sent when that began; the shift before it knew already."""
    desk = make_desk(plan=SHIFTS + FIRE)
    desk.node(node_signal(1))
    became(desk, desk.pages()[0], "sent")
    if waited:
        desk.pass_ms(150_000)
        alarm(desk, 1, "suspended")
    else:
        alarm(desk, 1, "suspended")
        desk.pass_ms(150_000)
    again = make_desk(data=as_killed(tmp_path / "data", tmp_path / "copy"), plan=SHIFTS + FIRE)
    assert not [row for row in again.pages(state="queued") if row.group == "ticket-agents" and row.about is not None]
    alarm(again, 2, "resumed", mono=300.0)
    told = again.pages(state="queued", expectation="check-in-wait", group="ticket-agents")
    assert [row.reason for row in told] == ["it was quiet until now"]
    became(again, told[0], "sent")
    third = make_desk(data=as_killed(tmp_path / "copy", tmp_path / "third"), plan=SHIFTS + FIRE)
    assert not third.pages(state="queued", expectation="check-in-wait", group="ticket-agents"), "and once"
    sound(third, tmp_path / "third")


def test_what_a_new_shift_is_told_is_held_back_while_it_waits(make_desk: Callable[..., Desk]) -> None:
    desk = make_desk(plan=SHIFTS + FIRE)
    desk.node(node_signal(1))
    desk.pass_ms(150_000)
    assert [fate[1] for fate in notices(desk, "shift/")] == ["queued"]
    alarm(desk, 1, "suspended")
    assert [fate[1] for fate in notices(desk, "shift/")] == ["muted"]
    alarm(desk, 2, "resumed")
    assert "ticket-agents" in {row.group for row in desk.pages(state="queued", expectation="check-in-wait")}


def test_what_one_place_owes_a_new_shift_is_told_though_its_word_about_another_still_waits(
    make_desk: Callable[..., Desk], tmp_path: Path
) -> None:
    two = SHIFTS.replace('touchpoints = ["counter-a"]', 'touchpoints = ["counter-a", "counter-c"]', 1)
    desk = make_desk(plan=f'{two}[touchpoints.counter-c]\nname = "Counter C"\ngroup = "ticket-agents"\n')
    mute(desk, touchpoints=("counter-c",))
    desk.node(node_signal(1))
    desk.post("c", "pressed", "counter-c")
    assert not desk.pages(touchpoint="counter-c", state="queued")
    desk.pass_ms(150_000)  # the late shift has begun, and nobody has sent what it is told
    assert {fate[1] for fate in notices(desk, "shift/")} == {"queued", "muted"}
    unmute(desk)
    assert "ticket-agents" in {row.group for row in desk.pages(state="queued", touchpoint="counter-c")}
    sound(desk, tmp_path / "data")


def test_a_silent_phone_is_not_gone_round_in_the_middle_of_an_alarm(make_desk: Callable[..., Desk]) -> None:
    """What reached nobody goes the next way; the fault stands, and its next way is as quiet as the first."""
    desk = make_desk(plan=TECHNICIANS + FIRE)
    _stuck(desk, "stuck")
    (page,) = [row for row in desk.pages() if row.moment.startswith("fault/")]
    judge = desk.driver._judge
    now_ms = desk.clock.now_ms()
    assert judge._why_not(page, None, now_ms) is None
    alarm(desk, 1, "suspended")
    assert judge._why_not(page, None, now_ms) == "suspended since 12:06 by Fire panel"
