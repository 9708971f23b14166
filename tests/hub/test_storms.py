"""Many threats at once: told together, claimed together, over for everybody; and nobody misses the first page."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from andgate.plan import Group
from andgate.plan.model import Pace as PlanPace
from hub.clock import HandClock
from hub.evidence.frozen import database_of
from hub.evidence.verify import verify
from hub.notify.channels import Note, Result
from hub.notify.notifier import Notifier
from hub.paging.bundles import GATHER_MS, LIST_CHARS, Line, bundle_text, headline, pieces
from hub.paging.pace import BUNDLES_FROM, PERSON_MOST, PERSON_WITHIN_MS, Pace, Receiver, Told, rules
from hub.paging.paging import HELD
from hub.store import PageFate, PageRow
from hub.store.rows import NAMED
from tests.hub.desk import PLAN, WAIT_S, Desk, as_killed

TO = Receiver("agents", "radio")
LINES = 9
PLACES = "".join(f'[touchpoints.line-{n}]\nname = "Line {n}"\ngroup = "ticket-agents"\n' for n in range(1, LINES + 1))
NAMES = ", ".join(f'"line-{n}"' for n in range(1, LINES + 1))
STORM = (
    PLAN.replace("[nodes.desk-a1]", f"{PLACES}[nodes.desk-a1]", 1)
    .replace('touchpoints = ["counter-a"]', f'touchpoints = ["counter-a", {NAMES}]', 1)
    .replace('channels = ["radio"]', 'channels = ["radio"]\nbundles_from = 4')
)


def press(desk: Desk, *lines: int) -> None:
    for n in lines:
        desk.post(f"press-{n}-{desk.clock.now_ms()}", "pressed", f"line-{n}")


def reset(desk: Desk, *lines: int) -> None:
    for n in lines:
        desk.post(f"reset-{n}-{desk.clock.now_ms()}", "reset", f"line-{n}")


def sent(desk: Desk, *rows: PageRow, state: Any = "sent", note: str = "") -> None:
    now_ms = desk.clock.now_ms()
    for row in rows:
        desk.driver.fate(PageFate(row.id, row.moment, state, note, 1, now_ms, now_ms if state == "sent" else None))
    desk.sync()


def bundles(desk: Desk, **wanted: Any) -> list[PageRow]:
    return [row for row in desk.pages(**wanted) if row.bundle and row.bundle == row.moment]


# ---------------------------------------------------------------------------------------------- how many at once


def told(pace: Pace, at_ms: int, moment: str, *, first: bool = True, **plan: Any) -> str:
    group = Group("agents", "Agents", ("radio",), pace=PlanPace(**plan))
    said = Told(at_ms, moment, at_ms)
    return pace.way(TO, said, rules(group, person=False), first=first, throttled="radio")


def test_the_fourth_threat_within_half_a_minute_is_told_with_others() -> None:
    pace = Pace()
    assert [told(pace, n * 1_000, f"m{n}") for n in range(5)] == ["go", "go", "go", "bundle", "bundle"]
    assert told(pace, 6_000, "m0", first=False) == "bundle", "in a storm a repeat is no better than a threat"
    assert told(pace, 60_000, "m9") == "go"


def test_the_same_threat_again_and_again_is_no_storm() -> None:
    pace = Pace()
    assert {told(pace, n, "m0", first=n == 0) for n in range(20)} == {"go"}


def test_what_is_over_makes_no_storm() -> None:
    pace, known = Pace(), rules(Group("agents", "Agents", ()), person=False)
    ways = [
        pace.way(
            TO, Told(n, f"m{n}", n), known, first=True, throttled="x", stands=lambda moment: moment in {"m8", "m9"}
        )
        for n in range(12)
    ]
    assert ways == ["go"] * 12, "two stand, and the one that is told"
    assert [said.moment for said in pace.lately(TO)] == ["m8", "m9", "m11"]
    assert pace.way(TO, Told(12, "m12", 12), known, first=True, throttled="x") == "bundle"


def test_a_plan_that_wants_no_bundles_gets_none() -> None:
    pace = Pace()
    assert {told(pace, n, f"m{n}", bundles_from=0) for n in range(20)} == {"go"}


def test_a_group_that_is_gone_from_the_plan_is_still_told() -> None:
    assert Pace().way(TO, Told(0, "m", 1), rules(None, person=True), first=False, throttled="x") == "go"


def test_further_pages_have_tokens_and_first_ones_need_none() -> None:
    pace = Pace()
    limit: dict[str, Any] = {"pages_most": 2, "pages_within_ms": 60_000, "bundles_from": 0}
    assert [told(pace, 0, "m", first=False, **limit) for _ in range(3)] == ["go", "go", "hold"]
    assert [told(pace, 0, f"m{n}", **limit) for n in range(50)] == ["go"] * 50
    pace.hold(TO, "Line 1")
    pace.hold(TO, "Line 1")
    for n in range(2, 6):
        pace.hold(TO, f"Line {n}")
    assert told(pace, 29_999, "m", first=False, **limit) == "hold"
    assert told(pace, 30_001, "m", first=False, **limit) == "go"
    assert pace.summed_up(TO) == " Held back before this: 6 pages (Line 1, Line 2, Line 3 and 2 more places)."
    assert pace.summed_up(TO) == "", "it is said once"


def test_on_the_sites_own_broker_nothing_waits_unless_the_plan_says_so() -> None:
    assert rules(Group("agents", "Agents", ()), person=False).bundles_from == BUNDLES_FROM
    assert rules(Group("agents", "Agents", ()), person=False, own_broker=True).bundles_from == 0
    asked = Group("agents", "Agents", (), pace=PlanPace(bundles_from=9))
    assert rules(asked, person=False, own_broker=True).bundles_from == 9


def test_a_storm_on_the_sites_own_broker_goes_page_by_page(make_desk: Callable[..., Desk]) -> None:
    desk = make_desk(plan=STORM.replace("bundles_from = 4", ""))
    press(desk, 1, 2, 3, 4, 5)
    assert len([row for commit in desk.commits for row in commit.pages if row.state == "queued"]) == 5


def test_people_are_spared_also_where_the_plan_says_nothing() -> None:
    known = rules(Group("agents", "Agents", ()), person=True)
    assert (known.most, known.within_ms) == (PERSON_MOST, PERSON_WITHIN_MS)
    own = rules(Group("agents", "Agents", (), pace=PlanPace(pages_most=3, pages_within_ms=1_000)), person=True)
    assert (own.most, own.within_ms) == (3, 1_000)


# ---------------------------------------------------------------------------------------------- what a bundle says


def line(n: int, place: str, left_s: int, expectation: str = "wait") -> Line:
    row = PageRow(  # only its id and expectation matter here
        n, "p", "page", f"m{n}", expectation, "", None, "g", "c", place, "", "", 0.0, False, False, "queued", 0, 0, 0,
        None, False, "",
    )  # fmt: skip
    return Line(row, place, left_s * 1_000)


def test_a_bundle_names_every_place_in_the_order_to_go_to_them() -> None:
    lines = [line(1, "Counter B", 150), line(2, "Counter A", 130), line(3, "Belt 3", -20)]
    (only,) = pieces(lines, 0)
    said = bundle_text(headline(3), only, (1, 1), 0)
    assert said == "3 lines threatened: Counter A 2:10, Counter B 2:30, Belt 3 0:20 late.", (
        "what can still be kept first"
    )
    assert bundle_text(headline(12), only[:1], (1, 2), 0, some=True) == (
        "12 lines threatened (1 of 2), among them: Counter A 2:10."
    )
    assert headline(1) == "1 line threatened"
    owed = [*lines, line(4, "Counter A", 1_790, "wait.remedy")]
    assert bundle_text(headline(4, 1), pieces(owed, 0)[0], (1, 1), 0) == (
        "3 lines threatened, 1 to make good:"
        " Counter A 2:10, Counter B 2:30, Belt 3 0:20 late, Counter A (make good) 29:50."
    )


def test_what_does_not_fit_on_a_pager_becomes_more_pages_and_no_place_is_left_out() -> None:
    lines = [line(n, f"Check-in counter {n}", n) for n in range(40)]
    cut = pieces(lines, 0)
    texts = [bundle_text("40 lines threatened", piece, (n, len(cut)), 0) for n, piece in enumerate(cut, 1)]
    assert all(len(text) < 240 for text in texts)
    assert all(sum(f"Check-in counter {n} " in text for text in texts) == 1 for n in range(40))
    assert f"(1 of {len(cut)})" in texts[0]
    assert len(pieces([line(1, "x" * 2 * LIST_CHARS, 1), line(2, "y", 2)], 0)) == 2


# ---------------------------------------------------------------------------------------------- a storm over a desk


@pytest.fixture
def storm(make_desk: Callable[..., Desk]) -> Desk:
    """Five lines: three told at once, the others gathered."""
    desk = make_desk(plan=STORM)
    press(desk, 1, 2, 3, 4, 5)
    return desk


def test_the_first_go_at_once_and_the_others_within_a_second_in_one_page(storm: Desk) -> None:
    handed = [row.title for commit in storm.commits for row in commit.pages]
    assert handed == ["Line 1", "Line 2", "Line 3"]
    assert bundles(storm) == []
    sent(storm, *storm.pages()[:3])
    assert GATHER_MS < 1_000
    storm.pass_ms(GATHER_MS)
    (bundle,) = bundles(storm)
    assert bundle in [row for commit in storm.commits for row in commit.pages]
    assert bundle.text == "5 lines threatened: Line 1 3:00, Line 2 3:00, Line 3 3:00, Line 4 3:00, Line 5 3:00."
    assert (bundle.about, bundle.group, bundle.channel) == (None, "ticket-agents", "radio")
    rows = {row.title: row for row in storm.pages(kind="page") if row.about}
    assert {rows[f"Line {n}"].told_in for n in (4, 5)} == {bundle.page}
    assert {rows[f"Line {n}"].bundle for n in (1, 2, 3)} == {bundle.page + NAMED}
    sent(storm, bundle)
    rows = {row.title: row for row in storm.pages(kind="page")}
    assert {(rows[f"Line {n}"].state, rows[f"Line {n}"].note) for n in (4, 5)} == {("sent", f"told in {bundle.page}")}
    assert {rows[f"Line {n}"].note for n in (1, 2, 3)} == {""}


def test_what_comes_after_a_bundle_is_named_alone_and_counted_with_the_others(storm: Desk) -> None:
    sent(storm, *storm.pages()[:3])
    storm.pass_ms(GATHER_MS)
    sent(storm, *bundles(storm))
    press(storm, 6, 7)
    storm.pass_ms(GATHER_MS)
    assert bundles(storm)[-1].text == "7 lines threatened, among them: Line 6 3:00, Line 7 3:00."


def test_a_claim_of_the_bundle_claims_each(storm: Desk) -> None:
    sent(storm, *storm.pages()[:3])
    storm.pass_ms(GATHER_MS)
    (bundle,) = bundles(storm)
    sent(storm, bundle)
    reset(storm, 2)
    storm.say("answer", b'{"page":"%s","do":"claim","by":"p7","promise_s":60}' % bundle.page.encode())
    assert {m.claimed_by for m in storm.driver.open_moments()} == {"p7"}
    assert len(storm.driver.open_moments()) == 4
    assert storm.reasons() == [], "that one of them was over already is no mistake of whoever answers"
    read = {row.title: row.read_ms is not None for row in storm.pages(kind="page")}
    assert (read["Line 4"], read["Line 5"], read["5 lines threatened"]) == (True, True, True)
    storm.say("answer", b'{"page":"%s","do":"seen","by":"p8"}' % bundle.page.encode())
    assert "seen by p8" in bundles(storm)[0].note


def test_over_goes_to_everybody_who_was_told_in_a_bundle_once(storm: Desk) -> None:
    sent(storm, *storm.pages()[:3])
    storm.pass_ms(GATHER_MS)
    sent(storm, *bundles(storm))
    reset(storm, 1, 4)
    over = [(row.title, row.state) for row in storm.pages(kind="over")]
    assert over == [("Line 1", "queued"), ("Line 4", "queued")]


def test_what_is_over_before_its_bundle_went_was_told_to_nobody(storm: Desk) -> None:
    sent(storm, *storm.pages()[:3])
    reset(storm, 4)
    storm.pass_ms(GATHER_MS)
    (bundle,) = bundles(storm)
    assert "Line 4" not in bundle.text
    assert [(row.title, row.state) for row in storm.pages(kind="over")] == [("Line 4", "cancelled")]


def test_a_bundle_that_tells_nothing_any_more_is_not_sent(storm: Desk) -> None:
    sent(storm, *storm.pages()[:3])
    storm.pass_ms(GATHER_MS)
    (bundle,) = bundles(storm)
    reset(storm, 4, 5)
    (now,) = bundles(storm)
    assert (now.state, now.note) == ("cancelled", "all that it tells of was over, or claimed")
    assert bundle.id in [id for commit in storm.commits for id in commit.cancelled]


def test_all_over_before_the_bundle_makes_none(storm: Desk) -> None:
    reset(storm, 4, 5)
    storm.pass_ms(GATHER_MS)
    assert bundles(storm) == []


def test_the_last_one_left_goes_as_it_is(storm: Desk) -> None:
    sent(storm, *storm.pages()[:3])
    reset(storm, 1, 2, 3, 4)
    storm.pass_ms(GATHER_MS)
    assert bundles(storm) == []
    (row,) = storm.pages(kind="page", title="Line 5")
    assert (row.state, row.bundle, row.text.split(" left")[0]) == ("queued", "", "Line 5: 3:00")
    assert row.id in [each.id for commit in storm.commits for each in commit.pages]


def test_a_bundle_that_fails_fails_for_all_and_the_next_group_is_told(storm: Desk) -> None:
    sent(storm, *storm.pages()[:3])
    storm.pass_ms(GATHER_MS)
    sent(storm, *bundles(storm), state="failed", note="no such number")
    rows = {row.title: row for row in storm.pages(kind="page", group="ticket-agents")}
    assert {(rows[f"Line {n}"].state) for n in (4, 5)} == {"failed"}
    instead = storm.pages(kind="page", group="supervisors")
    assert [row.title for row in instead] == ["Line 4", "Line 5"]
    assert {row.stands_for for row in instead} == {rows["Line 4"].id, rows["Line 5"].id}
    assert instead[0].text.count(". Nobody of Ticket agents could be reached. ") == 1


@pytest.mark.parametrize("when", ["gathered", "bundled", "sent"])
def test_a_crash_in_a_storm_loses_nothing_and_repeats_only_marked(
    storm: Desk, make_desk: Callable[..., Desk], tmp_path: Path, when: str
) -> None:
    sent(storm, *storm.pages()[:3])
    if when != "gathered":
        storm.pass_ms(GATHER_MS)
    if when == "sent":
        sent(storm, *bundles(storm))
    as_killed(tmp_path / "data", tmp_path / "crashed")
    again = make_desk(plan=STORM, data=tmp_path / "crashed", clock=HandClock(storm.clock.now_ms() + 2_000))
    again.sync()
    (bundle,) = bundles(again)
    assert "Line 4" in bundle.text
    assert "Line 5" in bundle.text
    assert (bundle.state, bundle.again) == {
        "gathered": ("queued", False),
        "bundled": ("queued", True),
        "sent": ("sent", False),
    }[when]
    on_its_way = [*again.unsent, *(row for commit in again.commits for row in commit.pages)]
    assert [row.id for row in on_its_way if row.about is None] == ([bundle.id] if when != "sent" else [])
    assert not [row for row in on_its_way if row.title in {"Line 4", "Line 5"}]


def test_the_journal_knows_nothing_of_bundles_and_verify_holds(storm: Desk, tmp_path: Path) -> None:
    sent(storm, *storm.pages()[:3])
    storm.pass_ms(GATHER_MS)
    sent(storm, *bundles(storm), state="failed", note="no such number")
    storm.pass_ms(100_000)
    reset(storm, 1, 2, 3, 4, 5)
    storm.stop()
    found = verify(database_of(tmp_path / "data"))
    assert found.sound(witnessed=False), list(map(str, found.differences))


def test_pages_that_are_held_back_are_on_record_and_summed_up(make_desk: Callable[..., Desk]) -> None:
    limit = 'pages_most = 1\npages_within = "1h"\n'
    desk = make_desk(plan=STORM.replace('name = "Ticket agents"\n', f'name = "Ticket agents"\n{limit}', 1))
    press(desk, 1)
    desk.pass_ms(200_000)
    for _ in range(3):
        press(desk, 1)  # "still waiting"
        desk.pass_ms(10_000)
    rows = desk.pages(kind="page", group="ticket-agents")
    assert [row.state for row in rows] == ["queued", "queued", "cancelled", "cancelled"]
    assert rows[2].note == (f"{HELD}more than 1 further pages within 1h to one channel; the next one says so")
    press(desk, 2)
    assert desk.pages(title="Line 2")[0].adds == " Held back before this: 2 pages (Line 1)."


class Pager:
    """A channel that takes what it is asked to, in the order in which it is asked."""

    prompt = False

    def __init__(self) -> None:
        self.notes: list[Note] = []
        self.many = threading.Condition()

    def send(self, note: Note, done: Callable[[Result], None]) -> None:
        done(Result(sent=True))
        with self.many:
            self.notes.append(note)
            self.many.notify_all()

    def close(self) -> None:
        pass

    def wait(self, count: int) -> list[Note]:
        with self.many:
            assert self.many.wait_for(lambda: len(self.notes) >= count, WAIT_S)
        return self.notes


@pytest.fixture
def pager(make_desk: Callable[..., Desk]) -> Iterator[tuple[Desk, Pager]]:
    desk, pager = make_desk(plan=STORM), Pager()
    notifier = Notifier(desk.driver, desk.clock, lambda channel: pager)
    desk.driver.listeners.append(notifier.committed)
    notifier.start(desk.unsent)
    yield desk, pager
    notifier.stop()


def test_a_pager_gets_one_page_that_it_can_claim(pager: tuple[Desk, Pager]) -> None:
    desk, heard = pager
    press(desk, 1, 2, 3, 4, 5)
    heard.wait(3)
    desk.sync()
    desk.pass_ms(GATHER_MS)
    page = heard.wait(4)[3].page
    assert page.text.startswith("5 lines threatened: Line 1 3:00")
    assert (page.kind, page.moment, page.claim) == ("page", None, f"/api/v1/pages/{page.id}/claim")
