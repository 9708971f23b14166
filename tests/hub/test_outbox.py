from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from hub.clock import HandClock
from hub.notify.channels import Note, Result
from hub.notify.notifier import HOLD_MS, PAUSES_MS, TRIES_MOST, Notifier
from tests.hub.desk import PLAN, WAIT_S, Desk, as_killed, node_signal
from tests.hub.receivers import NOTE

KEY = "AG1/2026-11-21"


PROMPT = [False]


@pytest.fixture(params=[False, True], ids=["worker", "prompt"], autouse=True)
def prompt(request: pytest.FixtureRequest) -> None:
    """Every fate is the same, whichever thread hands a page over."""
    PROMPT[0] = request.param


class Pager:
    """A channel that does what it is told, and says when it was asked."""

    def __init__(self) -> None:
        self.prompt = PROMPT[0]
        self.notes: list[Note] = []
        self.asked = threading.Semaphore(0)
        self.pending: list[Callable[[Result], None]] = []
        self.result: Result | None = Result(sent=True)

    def send(self, note: Note, done: Callable[[Result], None]) -> None:
        self.notes.append(note)
        if self.result is None:
            self.pending.append(done)
        else:
            done(self.result)
        self.asked.release()

    def close(self) -> None:
        pass

    def wait(self, count: int) -> list[str]:
        for _ in range(count):
            assert self.asked.acquire(timeout=WAIT_S)
        return [f"{note.page.kind} {note.group}" for note in self.notes]


class Office:
    """A desk with its notifier."""

    def __init__(self, desk: Desk, pager: Pager) -> None:
        self.desk = desk
        self.pager = pager
        self.settled = threading.Condition()
        self.notifier = Notifier(desk.driver, desk.clock, lambda channel: pager)
        desk.driver.listeners.append(self.notifier.committed)
        self.notifier.start(desk.unsent)

    def until(self, **wanted: Any) -> Any:
        """Wait until a delivery looks like this; return it."""
        for _ in range(2000):
            self.desk.sync()
            rows = self.desk.pages(**wanted)
            if rows:
                return rows[-1]
            threading.Event().wait(0.005)
        raise AssertionError(f"no page became {wanted}: {self.desk.pages()}")


@pytest.fixture
def office(make_desk: Callable[..., Desk]) -> Iterator[Callable[..., Office]]:
    made: list[Office] = []

    def make(pager: Pager, **options: Any) -> Office:
        made.append(Office(make_desk(**options), pager))
        return made[-1]

    yield make
    for each in made:
        each.notifier.stop()


def test_a_page_that_waited_for_the_disk_says_the_time_that_is_left_when_it_goes(office: Callable[..., Office]) -> None:
    here = office(Pager())
    waits = [30_000]
    here.desk.driver.listeners.insert(
        0, lambda out: here.desk.clock.advance(waits.pop()) if out.pages and waits else None
    )
    here.desk.node(node_signal(1, sent=11.0))
    here.pager.wait(1)
    assert here.pager.notes[0].page.left_s == pytest.approx(150.0)


def test_a_page_goes_out_and_one_over_follows(office: Callable[..., Office]) -> None:
    here = office(Pager())
    here.desk.node(node_signal(1, sent=11.0))
    assert here.pager.wait(1) == ["page ticket-agents"]
    sent = here.until(kind="page", state="sent")
    assert sent.tries == 1
    assert sent.sent_ms is not None
    page = here.pager.notes[0].page
    assert (page.left_s, page.again, page.late) == (180.0, False, False)
    assert page.claim == f"/api/v1/moments/{page.moment}/claim"
    here.desk.node(node_signal(2, "reset", sent=12.0))
    assert here.pager.wait(1)[-1] == "over ticket-agents"
    here.until(kind="over", state="sent")


def test_a_claim_cancels_in_its_own_transaction_what_it_cancels(office: Callable[..., Office]) -> None:
    here = office(Pager())
    here.pager.result = Result(sent=False, note="line busy")
    here.desk.node(node_signal(1, sent=11.0))
    here.desk.pass_ms(90_000)
    here.pager.wait(2)
    here.until(group="supervisors", tries=1)
    moment = here.desk.only()
    entry = here.desk.reader.chain().entry
    here.desk.act("claim", moment.id)
    assert here.desk.reader.chain().entry == entry + 1
    (row,) = here.desk.pages(group="supervisors")
    assert (row.state, row.note) == ("cancelled", "claimed by p1")
    (kept,) = here.desk.pages(group="ticket-agents")
    assert kept.state == "queued", "the first step does not say unless claimed"
    here.pager.result = Result(sent=True)
    here.desk.pass_ms(60_000)
    here.until(group="ticket-agents", state="sent")
    assert [note.group for note in here.pager.notes].count("supervisors") == 1


def test_retries_have_pauses_and_an_end(office: Callable[..., Office]) -> None:
    here = office(Pager())
    here.pager.result = Result(sent=False, note="line busy")
    here.desk.post("a", "docked", key=KEY)
    here.desk.pass_ms(17 * 60_000)
    here.pager.wait(1)
    for tries in range(1, TRIES_MOST):
        row = here.until(tries=tries)
        assert row.state == "queued"
        assert row.due_ms == here.desk.clock.now_ms() + PAUSES_MS[min(tries, len(PAUSES_MS)) - 1]
        here.desk.clock.advance(row.due_ms - here.desk.clock.now_ms() - 1)
        here.desk.clock.advance(1)
        here.pager.wait(1)
    assert here.until(state="failed").note == "line busy"


def test_a_receiver_that_asks_for_time_gets_it_and_what_never_left_is_not_said_to_be_said_again(
    office: Callable[..., Office],
) -> None:
    here = office(Pager())
    here.pager.result = Result(sent=False, note="too many", after_s=45.0, surely_unsent=True)
    here.desk.node(node_signal(1, sent=11.0))
    here.pager.wait(1)
    row = here.until(tries=1)
    assert row.due_ms == here.desk.clock.now_ms() + 45_000
    here.desk.clock.advance(PAUSES_MS[0])
    here.pager.result = Result(sent=False, note="line busy", surely_unsent=True)
    here.desk.clock.advance(45_000 - PAUSES_MS[0])
    here.pager.wait(1)
    row = here.until(tries=2)
    assert row.due_ms == here.desk.clock.now_ms() + PAUSES_MS[1]
    assert not row.again
    here.pager.result = Result(sent=True)
    here.desk.clock.advance(PAUSES_MS[1])
    here.pager.wait(1)
    assert here.until(state="sent").tries == 3
    assert not here.pager.notes[-1].page.again


def test_a_hopeless_page_fails_at_once(office: Callable[..., Office]) -> None:
    here = office(Pager())
    here.pager.result = Result(sent=False, note="no such number", retry=False)
    here.desk.node(node_signal(1))
    assert here.until(state="failed").note == "no such number"


def test_what_is_over_pages_nobody(office: Callable[..., Office]) -> None:
    here = office(Pager())
    here.pager.result = Result(sent=False, note="line busy")
    here.desk.node(node_signal(1, sent=11.0))
    here.until(tries=1)
    here.desk.node(node_signal(2, "reset", sent=12.0))
    (page,) = here.desk.pages(kind="page")
    assert (page.state, page.note) == ("cancelled", "it was over")


def test_over_goes_only_where_a_page_may_have_gone(desk: Desk) -> None:
    desk.node(node_signal(1, sent=11.0))
    (page,) = desk.pages()
    desk.pass_ms(90_000)
    desk.act("claim", desk.only().id)
    desk.node(node_signal(2, "reset", mono=102.0, sent=102.0))
    over = {row.group: row.state for row in desk.pages(kind="over")}
    assert over["ticket-agents"] == "queued"
    assert over.get("supervisors") in {None, "cancelled"}
    assert page.group == "ticket-agents"


def test_a_hub_that_only_listens_mutes_everything(office: Callable[..., Office]) -> None:
    here = office(Pager(), listen_only=True)
    here.desk.node(node_signal(1, sent=11.0))
    here.desk.pass_ms(200_000)
    here.desk.node(node_signal(2, "reset", sent=212.0, mono=212.0))
    rows = here.desk.pages()
    assert {row.state for row in rows} == {"muted"}
    assert {row.kind for row in rows} == {"page", "over"}
    assert here.pager.notes == []


def test_a_group_without_channels_is_on_record(make_desk: Callable[..., Desk]) -> None:
    desk = make_desk(
        plan=PLAN.replace('name = "Ticket agents"\nchannels = ["radio"]', 'name = "Ticket agents"\nchannels = []')
    )
    desk.node(node_signal(1))
    (row,) = desk.pages()
    assert (row.state, row.note) == ("failed", "the plan gives this group no channel")


CRASHES = [
    ("before it was handed over", None, True),
    ("while it was being sent", "pending", True),
    ("after it was sent and recorded", "sent", False),
    ("while waiting for the broker, so surely not sent", "unsent", True),
]


@pytest.mark.parametrize(("how", "goes_again"), [row[1:] for row in CRASHES], ids=[row[0] for row in CRASHES])
def test_a_crash_sends_twice_rather_than_never(
    tmp_path: Path, make_desk: Callable[..., Desk], office: Callable[..., Office], how: str | None, *, goes_again: bool
) -> None:
    pager = Pager()
    pager.result = {
        "pending": None,
        "sent": Result(sent=True),
        "unsent": Result(sent=False, note="waiting for the broker", surely_unsent=True),
        None: None,
    }[how]
    desk = make_desk() if how is None else office(pager).desk
    desk.node(node_signal(1, sent=11.0))
    if how is not None:
        pager.wait(1)
    if how == "sent":
        while not desk.pages(state="sent"):
            desk.sync()
    if how == "unsent":
        while not desk.pages(note="waiting for the broker"):
            desk.sync()
    as_killed(tmp_path / "data", tmp_path / "crashed")
    after = Pager()
    here = office(after, data=tmp_path / "crashed")
    if goes_again:
        after.wait(1)
        row = here.until(state="sent")
        assert row.again == (how != "unsent")
        assert after.notes[0].page.again == row.again
    here.desk.sync()
    assert len(after.notes) == int(goes_again)


AWAY = Result(sent=False, note="waiting for the broker", surely_unsent=True)


def test_a_crash_while_what_waited_for_the_broker_goes_out_is_told(
    tmp_path: Path, office: Callable[..., Office]
) -> None:
    pager = Pager()
    pager.result = AWAY
    here = office(pager)
    here.desk.node(node_signal(1, sent=11.0))
    pager.wait(1)
    here.until(note=AWAY.note)
    pager.result = None
    here.desk.clock.advance(PAUSES_MS[0])
    pager.wait(1)
    as_killed(tmp_path / "data", tmp_path / "crashed")
    after = Pager()
    again = office(after, data=tmp_path / "crashed", clock=HandClock(here.desk.clock.now_ms()))
    after.wait(1)
    assert again.until(state="sent").again
    assert [note.page.again for note in pager.notes + after.notes] == [False, False, True]


def test_what_is_claimed_while_it_is_held_for_the_next_try_is_not_sent(
    office: Callable[..., Office], monkeypatch: pytest.MonkeyPatch
) -> None:
    pager = Pager()
    pager.result = AWAY
    here = office(pager)
    here.desk.node(node_signal(1, sent=11.0))
    pager.wait(1)
    row = here.until(note=AWAY.note)
    hold, held = here.desk.driver.hold, threading.Event()
    waiting: list[Callable[[], None]] = []

    def slow(id: int, moment: str, done: Callable[[], None]) -> None:
        waiting.append(done)
        hold(id, moment, held.set)

    monkeypatch.setattr(here.desk.driver, "hold", slow)
    here.desk.clock.advance(PAUSES_MS[0])
    assert held.wait(WAIT_S)
    here.desk.node(node_signal(2, "reset", sent=12.0))
    waiting[0]()
    assert here.until(kind="page").state == "cancelled"
    here.notifier.stop()
    assert [note.page.id for note in pager.notes if note.page.kind == "page"] == [row.page]


def test_a_disk_that_takes_nothing_keeps_no_page_that_waited_for_the_broker(
    office: Callable[..., Office], monkeypatch: pytest.MonkeyPatch
) -> None:
    pager = Pager()
    pager.result = AWAY
    here = office(pager)
    here.desk.node(node_signal(1, sent=11.0))
    pager.wait(1)
    here.until(note=AWAY.note)
    asked = threading.Event()
    waiting: list[Callable[[], None]] = []

    def never(_id: int, _moment: str, done: Callable[[], None]) -> None:
        waiting.append(done)
        asked.set()

    monkeypatch.setattr(here.desk.driver, "hold", never)
    pager.result = Result(sent=True)
    here.desk.clock.advance(PAUSES_MS[0])
    assert asked.wait(WAIT_S)
    here.desk.clock.advance(HOLD_MS)
    pager.wait(1)
    here.until(state="sent")
    waiting[0]()
    here.notifier.stop()
    assert [note.page.again for note in pager.notes] == [False, True]


def test_a_page_that_is_over_after_the_crash_is_not_sent(tmp_path: Path, office: Callable[..., Office]) -> None:
    pager = Pager()
    pager.result = None
    here = office(pager)
    here.desk.node(node_signal(1, sent=11.0))
    pager.wait(1)
    as_killed(tmp_path / "data", tmp_path / "crashed")
    clock = HandClock(here.desk.clock.now_ms() + 3 * 3_600_000 + 180_000)
    after = Pager()
    again = office(after, data=tmp_path / "crashed", clock=clock)
    again.until(kind="page", group="ticket-agents", state="cancelled")
    assert all(note.page.kind == "over" for note in after.notes)


def test_an_answer_claims_or_is_noted(office: Callable[..., Office]) -> None:
    here = office(Pager())
    here.desk.node(node_signal(1, sent=11.0))
    page = here.until(state="sent")
    here.desk.say("answer", b'{"page":"%s","do":"seen","by":"p7"}' % page.page.encode())
    assert here.desk.pages()[0].note == "seen by p7"
    here.desk.say("answer", b'{"page":"%s","do":"claim","by":"p7","promise_s":60}' % page.page.encode())
    moment = here.desk.only()
    assert (moment.claimed_by, moment.claim_until_ms) == ("p7", here.desk.clock.now_ms() + 60_000)
    here.desk.say("answer", b'{"page":"nothing","do":"claim","by":"p7"}')
    here.desk.say("answer", b'{"moment":"nothing","do":"claim","by":"p7"}')
    assert len(here.desk.reasons()) == 2


def test_a_pager_under_ever_new_names_fills_no_disk(office: Callable[..., Office]) -> None:
    here = office(Pager())
    here.desk.node(node_signal(1, sent=11.0))
    page = here.until(state="sent")
    for number in range(200):
        here.desk.say("answer", b'{"page":"%s","do":"seen","by":"somebody-%d"}' % (page.page.encode(), number))
    note = here.desk.pages()[0].note
    assert "seen by somebody-0" in note
    assert 500 < len(note) < 2_000


def test_pages_go_before_drills_however_many_wait(make_desk: Callable[..., Desk]) -> None:
    """A drill of fifty channels was asked for, then fifty lines are pressed: each is paged before any drill goes."""
    lines = [f"line-{n}" for n in range(50)]
    plan = PLAN.replace('touchpoints = ["counter-a"]', f"touchpoints = {['counter-a', *lines]}", 1)
    plan += "".join(f'[touchpoints.{line}]\nname = "{line}"\ngroup = "ticket-agents"\n' for line in lines)
    desk, pager = make_desk(plan=plan), Pager()
    pager.prompt = False
    notifier = Notifier(desk.driver, desk.clock, lambda channel: pager)
    desk.driver.listeners.append(notifier.committed)
    drill = msgspec.structs.replace(NOTE, page=msgspec.structs.replace(NOTE.page, kind="drill"), rank=3)
    for _ in range(50):
        notifier.drill(desk.driver.plan.channels["radio"], drill, lambda: True, lambda _: None)
    for line in lines:
        desk.post(f"p-{line}", "pressed", line)
    notifier.start([])
    try:
        said = pager.wait(100)
    finally:
        notifier.stop()
    assert [each.partition(" ")[0] for each in said] == ["page"] * 50 + ["drill"] * 50
