"""An auditor proves that every open threat has a next step or a reason for none, and pages about itself if not."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from hub.clock import HandClock
from hub.driver import auditor
from hub.store import PageFate, PageRow
from tests.hub.desk import PLAN, START_MS, Desk, as_killed, node_signal
from tests.hub.test_quiet import FIRE, mute, sound
from tests.hub.test_technicians import TECHNICIANS

BARE = PLAN.replace('name = "Ticket agents"\nchannels = ["radio"]', 'name = "Ticket agents"').replace(
    'name = "Supervisors"\nchannels = ["radio"]', 'name = "Supervisors"'
)
SCREENS = PLAN.replace('name = "Ticket agents"\nchannels = ["radio"]', 'name = "Ticket agents"')


def threaten(desk: Desk) -> str:
    """Press the button: three minutes are left, and the agents are paged."""
    desk.node(node_signal(1, sent=11.0))
    return desk.only().id


def look(desk: Desk, ms: int = 0) -> None:
    """Let time pass; what is looked at after a commit is told by the next."""
    desk.pass_ms(ms)
    desk.sync()


def became(desk: Desk, row: PageRow, state: str, note: str = "", *, due_ms: int | None = None) -> None:
    """Say what became of a delivery."""
    now_ms = desk.clock.now_ms()
    due_ms = now_ms if due_ms is None else due_ms
    fate = PageFate(row.id, row.moment, state, note, 1, due_ms, now_ms if state == "sent" else None)  # type: ignore[arg-type]
    desk.driver.fate(fate)
    look(desk)


def found(desk: Desk) -> list[str]:
    return [f"{row.node} {row.kind} {row.detail}" for row in desk.reader.faults() if row.kind != "unseen"]


def notices(desk: Desk) -> list[PageRow]:
    return [row for row in reversed(desk.reader.pages().items) if row.about is None]


def test_a_threat_that_is_cared_for_is_no_finding(desk: Desk) -> None:
    assert desk.driver.audit.at_ms is not None, "the first look is at the start"
    moment = threaten(desk)
    became(desk, desk.pages()[0], "sent")
    look(desk, 15_000)
    assert (desk.driver.audit.at_ms, desk.driver.audit.threats) == (START_MS + 15_000, 1)
    desk.act("claim", moment, promise_ms=60_000)
    for _ in range(30):
        look(desk, 15_000)
        for row in desk.pages(state="queued"):
            became(desk, row, "sent")
    assert (desk.driver.audit.findings, found(desk), notices(desk)) == ((), [], [])


def test_a_page_that_failed_for_good_is_told_to_technicians_once_and_over_when_it_is_over(
    make_desk: Callable[..., Desk],
) -> None:
    desk = make_desk(plan=TECHNICIANS)
    moment = threaten(desk)
    became(desk, desk.pages()[0], "failed", "unknown pager")
    assert found(desk) == ["group/ticket-agents unreached Check-in counter A (unknown pager)"]
    (notice,) = notices(desk)
    assert (notice.group, notice.channel, notice.title) == ("technicians", "radio", "group/ticket-agents")
    assert notice.text == (
        "group/ticket-agents: was not reached about Check-in counter A (unknown pager) since 12:06. "
        "Call them: nobody knows. Then look at the channel's address and its service."
    )
    became(desk, notice, "sent")
    became(desk, desk.pages(group="supervisors")[0], "sent")  # they are told in place of those who were not reached
    for _ in range(3):
        look(desk, 15_000)
    assert len(notices(desk)) == 1
    desk.act("reset", moment, reason="seen to")
    look(desk, 15_000)
    assert [row.kind for row in notices(desk)] == ["page", "over"]
    assert found(desk) == []


def test_without_technicians_whoever_hears_last_of_threats_is_told(desk: Desk) -> None:
    threaten(desk)
    became(desk, desk.pages()[0], "failed", "unknown pager")
    assert [row.group for row in notices(desk)] == ["supervisors"]


def test_where_no_group_has_a_channel_it_is_on_the_screens(make_desk: Callable[..., Desk]) -> None:
    desk = make_desk(plan=BARE)
    threaten(desk)
    look(desk)
    assert found(desk) == ["group/ticket-agents no-channel Check-in counter A"]
    assert notices(desk) == []


def test_a_group_on_screens_only_is_none_while_the_next_one_has_a_channel(make_desk: Callable[..., Desk]) -> None:
    desk = make_desk(plan=SCREENS)
    threaten(desk)
    look(desk, 15_000)
    assert found(desk) == []


def test_a_page_that_nobody_sends_is_believed_at_the_second_look(make_desk: Callable[..., Desk]) -> None:
    desk = make_desk(plan=TECHNICIANS)
    threaten(desk)
    (page,) = desk.pages()
    look(desk, 29_000)
    look(desk, 15_000)
    assert found(desk) == [], "the sender may have slept with the machine"
    look(desk, 5_000)
    assert found(desk) == ["channel/radio unsent Check-in counter A"]
    assert len(notices(desk)) == 1
    became(desk, page, "sent")
    became(desk, notices(desk)[0], "sent")
    assert found(desk) == []
    assert [row.kind for row in notices(desk)] == ["page", "over"]


def test_an_engine_that_forgets_a_step_is_caught(desk: Desk) -> None:
    moment = threaten(desk)
    became(desk, desk.pages()[0], "sent")
    engine = desk.driver._judge.engine
    known = engine._published(moment)
    assert known is not None
    known.page_ms = None
    look(desk, 15_000)
    look(desk, 5_000)
    assert found(desk) == ["hub/audit forgotten Check-in counter A"]
    known.page_ms = START_MS + 90_000
    look(desk, 5_000)
    assert found(desk) == []


def test_a_page_that_was_never_queued_is_caught(desk: Desk) -> None:
    moment = threaten(desk)
    desk.driver._store.pages._of(moment).clear()
    look(desk, 30_000)
    desk.act("claim", moment)
    look(desk)
    assert found(desk)[0] == "hub/audit forgotten Check-in counter A"


def test_a_restart_neither_forgets_a_finding_nor_repeats_its_page(
    make_desk: Callable[..., Desk], tmp_path: Path, clock: HandClock
) -> None:
    desk = make_desk(plan=TECHNICIANS)
    threaten(desk)
    became(desk, desk.pages()[0], "failed", "unknown pager")
    became(desk, notices(desk)[0], "sent")
    again = make_desk(plan=TECHNICIANS, data=as_killed(tmp_path / "data", tmp_path / "killed"), clock=clock)
    look(again, 30_000)
    assert found(again) == found(desk) != []
    assert len(notices(again)) == 1


def test_a_hub_that_only_listens_finds_nothing_missing(make_desk: Callable[..., Desk]) -> None:
    desk = make_desk(plan=TECHNICIANS, listen_only=True)
    threaten(desk)
    for _ in range(8):
        look(desk, 15_000)
    assert (desk.driver.audit.findings, found(desk)) == ((), [])


def test_many_places_with_one_cause_are_one_finding(make_desk: Callable[..., Desk]) -> None:
    desk = make_desk(plan=TECHNICIANS)
    for n in range(5):
        desk.post(f"a-{n}", "docked", key=f"AG{n}/2026-11-21")
        desk.post(f"j-{n}", "jammed", key=f"AG{n}/2026-11-21")
    for row in desk.pages(state="queued"):
        became(desk, row, "failed", "refused")
    assert found(desk) == [
        "group/supervisors unreached Baggage belt 3, AG0, Baggage belt 3, AG1, Baggage belt 3, AG2 and 2 more (refused)"
    ]
    assert auditor._where(["one"], "") == "one"


# ------------------------------------------------------------------------------------------------- what is kept back


def kept(desk: Desk, *, minutes: float = 2) -> str:
    """Mute the counter, and let it be threatened."""
    mute(desk, minutes=minutes, touchpoints=("counter-a",))
    moment = threaten(desk)
    assert [row.state for row in desk.pages()] == ["muted"]
    return moment


def test_what_is_muted_is_no_finding_and_what_is_released_is_none(make_desk: Callable[..., Desk]) -> None:
    desk = make_desk(plan=TECHNICIANS)
    kept(desk)
    for _ in range(12):
        look(desk, 15_000)
        for row in desk.pages(state="queued"):
            became(desk, row, "sent")
    assert (found(desk), notices(desk)) == ([], [])


def test_a_page_that_is_never_let_go_is_caught_and_a_restart_lets_it_go(
    make_desk: Callable[..., Desk], tmp_path: Path, clock: HandClock
) -> None:
    desk = make_desk(plan=TECHNICIANS)
    kept(desk)
    desk.driver._judge.quiet._held.clear()
    look(desk, 120_000)
    look(desk, 5_000)
    look(desk, 5_000)
    assert found(desk) == ["hub/audit unreleased Check-in counter A"]
    (notice,) = notices(desk)
    assert notice.text.startswith(
        "hub/audit: a page is kept back though nothing is quiet there any more: Check-in counter A"
    )
    assert not desk.pages(group="ticket-agents", state="queued")
    again = make_desk(plan=TECHNICIANS, data=as_killed(tmp_path / "data", tmp_path / "killed"), clock=clock)
    assert [row.reason for row in again.pages(group="ticket-agents", state="queued")] == ["it was quiet until now"]
    for row in again.pages(state="queued"):
        became(again, row, "sent")
    look(again, 15_000)
    assert found(again) == []


def test_a_page_that_is_kept_back_by_nothing_is_caught(make_desk: Callable[..., Desk]) -> None:
    desk = make_desk(plan=TECHNICIANS)
    desk.driver._judge.outbox._why_not = lambda *_: "nobody knows why"
    threaten(desk)
    look(desk, 15_000)
    look(desk, 5_000)
    assert found(desk) == ["hub/audit unreleased Check-in counter A"]


def test_a_mute_whose_end_nobody_looks_for_is_caught_before_it_ends(make_desk: Callable[..., Desk]) -> None:
    desk = make_desk(plan=TECHNICIANS)
    kept(desk, minutes=3)
    desk.driver._judge.quiet._next_ms = None
    look(desk, 15_000)
    look(desk, 5_000)
    look(desk)
    assert found(desk) == ["hub/audit unreleased Check-in counter A"]


def test_a_suspension_that_outlives_its_end_is_caught(make_desk: Callable[..., Desk]) -> None:
    desk = make_desk(plan=TECHNICIANS + FIRE)
    desk.post("f1", "suspended", "fire-panel")
    threaten(desk)
    desk.driver._judge.quiet.unheard = lambda now_ms: []  # type: ignore[method-assign]
    look(desk, 600_000)
    look(desk, 5_000)
    look(desk, 5_000)
    assert "hub/audit unreleased Check-in counter A" in found(desk)


def test_what_was_let_go_while_somebody_was_on_it_is_told_when_nobody_is_any_more(desk: Desk, tmp_path: Path) -> None:
    """The claim spares them the page at the mute's end, and not what the claim's own end brings."""
    mute(desk, minutes=2, touchpoints=("counter-a",))
    moment = threaten(desk)
    look(desk, 100_000)
    desk.act("claim", moment, promise_ms=40_000)
    look(desk, 20_000)
    told = {row.group for row in desk.pages(state="queued")}
    assert told == {"ticket-agents"}, "whose step goes whoever is on it"
    look(desk, 25_000)
    assert {row.group for row in desk.pages(state="queued")} == {"ticket-agents", "supervisors"}
    sound(desk, tmp_path / "data")
