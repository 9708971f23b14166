"""The view models without a browser: figures add up, most urgent first, nothing is said that is not known."""

from __future__ import annotations

import re
from functools import cache
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules
from typing import Literal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from markupsafe import Markup
from msgspec.structs import replace

from andgate.moment import events as e
from andgate.moment.claims import Claim
from andgate.moment.moments import Moment
from andgate.plan import PageStep
from hub.store.rows import CellRow, PageRow, PageState, TrailLine
from hub.web.pages import board, charts, desk, findings, floor, gate, listing, moment, nodes, sign, success, words
from hub.web.pages.card import coming_words, next_step, next_words, repeats
from hub.web.pages.labels import width_of
from hub.web.pages.names import key_words, place, sentence
from hub.web.pages.ruler import SOON_MS
from hub.web.pages.sight import blind, within
from hub.web.pages.source import Query, Source, fits
from hub.web.pages.spans import MINUTE_MS, clock, left, midnight_ms
from hub.web.pages.words import ENGLISH, listed, rich, say
from tests.browser.airport import MIDNIGHT, NOW, PLAN, SECOND, Judge, World

ZONE = PLAN.site.timezone
WEB = Path(success.__file__).parent.parent


@cache
def world(*, busy: bool = True) -> World:
    return World(busy=busy)


def source(*, busy: bool = True) -> Source:
    here = world(busy=busy)
    return Source(Judge(here), here, here)  # type: ignore[arg-type]


def opened(touchpoint: str, ends_ms: int, level: str, **more: object) -> Moment:
    fresh = World(busy=False, month=False)
    return fresh.add(f"{touchpoint}{ends_ms}", "check-in-wait", touchpoint, ends_ms - 180_000, level=level, **more)


# ---------------------------------------------------------------------------------------------------------- floor


def test_the_floor_adds_up() -> None:
    found = floor.floor(source())
    strokes = [stroke for area in found.areas for tile in area.tiles for stroke in tile.strokes]
    earlier = sum(tile.earlier for area in found.areas for tile in area.tiles)
    assert len(strokes) + earlier == found.day.all == len(found.line.marks)
    assert f"<b>{found.day.kept} of {found.day.all}</b>" in found.sayable
    assert sum(mark.stroke == "failed" for mark in found.line.marks) == found.day.failed
    assert sum(mark.stroke == "saved" for mark in found.line.marks) == found.day.saved


moments = st.lists(
    st.tuples(
        st.sampled_from(sorted(PLAN.touchpoints)),
        st.integers(-600, 1500),
        st.sampled_from(["open", "threatened", "failing", "failed"]),
        st.booleans(),
    ),
    max_size=14,
)
verdicts = st.lists(st.sampled_from(["kept", "saved", "failed", "void"]), max_size=60)


@settings(max_examples=60)
@given(moments, verdicts)
def test_any_floor_adds_up(running: list[tuple[str, int, str, bool]], ended: list[str]) -> None:
    open_moments = [
        replace(
            opened(touchpoint, NOW + left_s * SECOND, level),
            id=f"m{index}",
            claimed_ms=NOW - 5 * SECOND if claimed else None,
            claimed_by="Jo" if claimed else None,
        )
        for index, (touchpoint, left_s, level, claimed) in enumerate(running)
    ]
    decided = [
        replace(
            opened("counter-a", NOW - (index + 1) * MINUTE_MS, "ended"),
            id=f"d{index}",
            state="ended",
            verdict={"failed": "failure", "void": "void"}.get(kind, "success"),
            saved=kind == "saved",
            ended_ms=NOW - (index + 1) * MINUTE_MS,
        )
        for index, kind in enumerate(ended)
        if kind != "void"
    ]
    found = floor.build(PLAN, open_moments, decided, {}, {}, world().nodes(), 0, NOW)
    needs = [each for each in open_moments if each.level != "open"]
    assert len(found.cards) + found.more == len(needs)
    # What can still be kept comes first: it is what somebody can do something about.
    in_order = sorted((each.level == "failed", each.ends_ms) for each in needs)
    assert [card.ends_ms for card in found.cards] == [ends_ms for _, ends_ms in in_order][: len(found.cards)]
    assert (found.calm is None) == bool(needs)
    assert found.day.kept == ended.count("kept") + ended.count("saved")
    assert found.day.failed == ended.count("failed")
    assert {tile.id for area in found.areas for tile in area.tiles} == set(PLAN.touchpoints)
    assert found.busy == len({each.touchpoint for each in needs})
    for card in found.cards:
        assert 0 <= card.percent <= 100
        assert all(0 <= tick.percent <= 100 for tick in card.ticks)
    shown = len(found.ruler.items) + found.ruler.more
    assert shown == sum(each.level == "open" and NOW < each.ends_ms <= NOW + SOON_MS for each in open_moments)


def test_places_keep_their_order_whatever_happens() -> None:
    busy = [tile.id for area in floor.floor(source()).areas for tile in area.tiles]
    calm = [tile.id for area in floor.floor(source(busy=False)).areas for tile in area.tiles]
    assert busy == calm == list(PLAN.touchpoints)


def test_calm_is_only_said_while_everything_can_be_seen() -> None:
    here = world(busy=False)
    seen = floor.build(PLAN, (), (), {}, {}, here.nodes(), 0, NOW)
    assert seen.calm is not None
    assert seen.calm.startswith("<b>Nothing needs you.</b>")
    unseen = floor.build(PLAN, (), (), {}, {}, world().nodes(), 0, NOW)
    assert unseen.calm is not None
    assert "Nothing needs you" not in unseen.calm


def test_the_next_page_waits_for_a_claim() -> None:
    running = opened("counter-a", NOW + 100 * SECOND, "threatened")
    step = next_step(PLAN, running, (), NOW)
    assert step is not None
    assert (step[0], step[1].group) == (NOW + 10 * SECOND, "supervisors")
    claimed = replace(running, claimed_ms=NOW, claimed_by="Jo")
    assert next_step(PLAN, claimed, (), NOW) is None
    lapses = replace(claimed, claim_until_ms=NOW + 60 * SECOND)
    step = next_step(PLAN, lapses, (), NOW)
    assert step is not None
    assert step[0] == NOW + 60 * SECOND
    said = next_words(PLAN, running, (), NOW)
    assert said is not None
    assert said.startswith("Next: supervisors in ")
    assert next_words(PLAN, claimed, (), NOW) is None


def test_a_card_tells_who_knows_and_what_comes_next() -> None:
    first, second = floor.floor(source()).cards
    assert "Nobody is on it." in first.knows
    assert "supervisors 17:25:25" in first.knows
    assert first.next is not None
    assert "duty manager" in first.next
    assert second.claimed_by == "Marta R."
    assert "Jammed 17:24:30." in second.knows


def test_blind_is_named_with_what_still_judges() -> None:
    (dark,) = floor.floor(source()).dark
    assert "Counter D, beam" in dark.who
    assert "red button" in dark.judges
    assert blind(PLAN, world().nodes(), MIDNIGHT + 3_600_000) == ()  # at night, outside its hours


def test_hours_over_midnight() -> None:
    hours = PLAN.touchpoints["counter-a"].hours
    assert hours is not None
    night = replace(hours, start_min=22 * 60, end_min=2 * 60)
    assert within(night, MIDNIGHT + 60 * MINUTE_MS, ZONE)
    assert not within(night, NOW, ZONE)


# ---------------------------------------------------------------------------------------------------------- moment

STORY = f"{'57011e5':0>32}"


def test_a_contested_verdict_is_explained() -> None:
    found = moment.story(source(), STORY)
    assert found is not None
    assert found.head == Markup("<b>Saved</b> with 0:19 left")
    assert "cleared, 1:47 late" in found.chart
    assert "replaced" in found.chart  # the first verdict stays visible
    assert "Supervisors not sent, claimed" in found.chart
    assert found.firm == "confirmed, revised once"
    assert found.agree == "2 witnesses saw it begin within 0:04."
    assert found.pages_after == "Nobody was paged after the end was known."
    assert any("reset" in line.what and "refused" in line.what for line in found.trail)


def test_every_moment_of_the_month_can_be_drawn() -> None:
    here = source()
    for each in list(world()._moments.values())[::97] + list(here.open_moments()):
        found = moment.story(here, each.id)
        assert found is not None
        assert "<svg" in found.chart
        assert "nan" not in found.chart.lower().replace("unannounced", "")


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"state": "ended", "verdict": "failure", "late_s": 72.4}, "Failed, late by 1:12"),
        ({"state": "ended", "verdict": "failure", "late_s": None}, "Failed, never closed"),
        ({"state": "open", "verdict": "failure", "level": "failed"}, "Failed, customers still wait"),
        ({"state": "ended", "verdict": "void", "reason": "false alarm"}, "Void: false alarm"),
        ({"state": "ended", "verdict": "void"}, "Void"),
        ({"withdrawn": True}, "Withdrawn: it turned out not to be a moment of its own"),
        ({"state": "open"}, "Running, 1:00 left"),
    ],
)
def test_headings(more: dict[str, object], words: str) -> None:
    one = replace(opened("counter-a", NOW + 60 * SECOND, "open"), **more)
    assert moment.heading(one, NOW).striptags() == words


# ---------------------------------------------------------------------------------------------------------- success


@pytest.mark.parametrize("interaction", [None, "flying", "arrival", "helping"])
def test_the_report_adds_up(interaction: str | None) -> None:
    found = success.report(source(), interaction, 30)
    judged = sum(each.count.judged for each in found.inputs)
    failed = sum(each.count.failure for each in found.inputs)
    assert sum(hour.all for day in found.weeks for hour in day) == judged
    assert sum(hour.failed for day in found.weeks for hour in day) == failed
    assert sum(day.all for day in found.per_day) == found.gate.judged
    assert sum(bar.n for bar in found.causes) == failed
    assert sum(each.count.judged for each in found.places) == judged
    shares = [each.count.success / each.count.judged for each in found.places]
    assert shares == sorted(shares), "worst first"
    assert sum(each.count.judged for each in found.areas) == judged
    assert len(found.per_day) == 30
    if interaction is not None:
        assert sum(each.first for each in found.inputs) == found.gate.failure
        worst = min(each.rate.share for each in found.inputs if each.rate is not None)
        assert found.rate is not None
        assert interaction == "helping" or found.rate.share <= worst + 0.02
    for drawn in (gate.gate(found), charts.heat(found), charts.causes(found)):
        assert drawn.startswith("<svg")
        assert "<title" in drawn
        assert "<desc" in drawn


cells = st.lists(
    st.builds(
        CellRow,
        st.integers(0, 700).map(lambda n: MIDNIGHT - n * 3_600_000),
        st.sampled_from(sorted(PLAN.expectations)),
        st.sampled_from(sorted(PLAN.touchpoints)),
        st.integers(0, 40),
        st.integers(0, 40),
    ),
    max_size=40,
)


@settings(max_examples=60)
@given(cells)
def test_any_report_adds_up_and_can_be_drawn(rows: list[CellRow]) -> None:
    since = midnight_ms(NOW - 29 * 86_400_000, ZONE)
    found = success.build(PLAN, None, 30, rows, (), (), since, NOW)
    mine = [row for row in rows if row.hour_ms >= since]
    assert found.gate.success == sum(row.success for row in rows)
    assert found.gate.failure == sum(row.failure for row in rows)
    assert sum(day.failed for day in found.per_day) == sum(row.failure for row in mine)
    assert gate.gate(found)
    assert charts.heat(found)
    assert found.chart is None or charts.control(found, found.chart, ZONE)


@pytest.mark.parametrize(
    ("share", "n", "words"),
    [
        (0.908, 2148, "9 of 10"),
        (0.9277, 1000, "92.8 % of"),
        (1.0, 42, "All 42"),
        (0.9999, 10_000, "99.9 % of"),
        (0.0001, 10_000, "0.1 % of"),
    ],
)
def test_rates_that_can_be_said(share: float, n: int, words: str) -> None:
    assert findings.ratio(share, n) == words


def test_findings_are_only_made_where_the_data_carries_them() -> None:
    assert findings.stands_apart(89, 49)
    assert not findings.stands_apart(12, 9)
    empty = tuple(tuple(success.Hour(0, 0) for _ in range(24)) for _ in range(7))
    assert findings.heat_finding(empty) == say("success.heat")
    quiet = tuple(tuple(success.Hour(1, 40) for _ in range(24)) for _ in range(7))
    assert findings.heat_finding(quiet) == say("success.heat")
    loud = [list(day) for day in quiet]
    loud[5][17] = loud[5][18] = success.Hour(15, 60)
    assert findings.heat_finding(loud) == "Promises fail most on Saturdays from 17 to 19 h"


# ---------------------------------------------------------------------------------------------------------- others


def test_a_board_names_places_and_never_people() -> None:
    found = board.board(source(), board.ALL)
    assert found is not None
    assert "Marta" not in str(found)
    assert [threat.place.words for threat in found.threats] == ["Counter A", "Belt 3"]
    assert found.threats[1].first.words == "AG1234, jammed."
    assert found.lesson is not None
    assert board.board(source(), "nowhere") is None


def test_a_board_says_that_all_is_calm_only_where_all_can_be_seen() -> None:
    calm = board.build(PLAN, board.ALL, (), (), {}, {}, NOW)
    assert calm is not None
    assert calm.head == "All calm."
    one = board.unseen(PLAN, calm, ["counter-b"])
    assert (one.head, one.calm) == ("No threat seen.", "Counter B cannot be seen. No promise is running.")
    assert board.unseen(PLAN, calm, ["counter-b", "belt-1"]).calm.startswith("2 places cannot be seen.")
    assert board.unseen(PLAN, calm, []) == calm
    shown = board.board(source(busy=False), board.ALL)
    assert shown is not None
    assert shown.head == "All calm."


@pytest.mark.parametrize(
    ("words", "step"),
    [
        ("Counter A", 0),
        ("Check-in counter C", 0),
        ("Self-service kiosks, row 2", 1),
        ("Passport and visa documents", 2),
        ("Passport and visa documents desk in the north wing, behind the second escalator from the left", 2),
    ],
)
def test_a_board_says_less_rather_than_cut_words(words: str, step: int) -> None:
    found = board.fit(words, board.BAR_U, board.PLACE_U, bold=True, most=2)
    assert found.step == step
    assert width_of(found.words, board.LEAST_U, bold=True, spacing=board.CLOSE) <= 2 * board.BAR_U
    assert found.words == words or (found.words.endswith("…") and words.startswith(found.words[:-1]))


def test_a_last_failure_keeps_its_time() -> None:
    head = board.fit_head("Passport and visa documents desk in the north wing", "09:05", "3:54")
    assert head.words.startswith("Last failure: Passport")
    assert head.words.endswith("09:05, 3:54 late")
    assert width_of(head.words, board.LEAST_U, spacing=board.CLOSE) <= board.LOW_U


def page_row(
    state: PageState, *, note: str = "", channel: str = "radio", kind: Literal["page", "over"] = "page"
) -> PageRow:
    sent = NOW if state == "sent" else None
    return PageRow(
        1, "p", kind, "m", "x", "counter-a", None, "supervisors", channel, "", "", "step 1", 60.0, False, False,
        state, NOW, NOW, 1, sent, False, note,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("row", "name", "value"),
    [
        (page_row("sent"), "Supervisors, radio", "17:26:08"),
        (page_row("sent", note="claim by Jo"), "Supervisors, radio", "17:26:08, claim by Jo"),
        (page_row("sent", kind="over"), "“Over”, supervisors, radio", "17:26:08"),
        (page_row("muted", note="the hub only listens"), "Supervisors, radio", "not sent: the hub only listens"),
        (page_row("cancelled", note="not sent: it was over"), "Supervisors, radio", "not sent: it was over"),
        (page_row("failed", note="HTTP 500", channel=""), "Supervisors", "not delivered: HTTP 500"),
        (page_row("queued"), "Supervisors, radio", "on its way"),
        (page_row("queued", note="timed out"), "Supervisors, radio", "not delivered yet, tried again: timed out"),
    ],
)
def test_every_page_says_what_became_of_it_and_why(row: PageRow, name: str, value: str) -> None:
    assert moment.page_pairs(PLAN, (), [row]) == (moment.Pair(name, value),)


def test_a_page_that_was_skipped_is_told_once() -> None:
    skipped = e.PageSkipped(moment="m", at_ms=NOW, step=1, group="supervisors", because="claimed")
    found = moment.page_pairs(PLAN, [TrailLine(1, NOW, NOW, skipped)], [page_row("cancelled", channel="", note="x")])
    assert found == (moment.Pair("Supervisors", "not sent: somebody was on it already"),)


def test_every_board_that_is_offered_exists() -> None:
    offered = board.choices(PLAN)
    assert len({choice.id for choice in offered}) == len(offered)
    assert all(board.board(source(), choice.id) for choice in offered)


def test_desks_are_where_a_press_opens() -> None:
    names = {choice.id for choice in desk.choices(PLAN)}
    assert "counter-a" in names
    assert "belt-3" not in names
    found = desk.desk(source(), "counter-a")
    assert found is not None
    assert (found.ring, found.press, found.reset) == ("failing", "pressed", "reset")
    assert found.paged == "Ticket agents and Supervisors"


def test_signs_know_their_moments() -> None:
    found = sign.sign(source(), "belt-3")
    assert found is not None
    assert len(found.moments) == 1
    assert sign.words(source(), found) == "AG1234 07:41"
    assert sign.sign(source(), "nowhere") is None


def test_nodes_in_trouble_stand_first() -> None:
    found = nodes.nodes(source())
    assert found.rows[0].id == "mark-counter-d"
    assert found.rows[0].wires[0].level == "unknown"
    assert len(found.rows) == len(PLAN.nodes)
    assert "\x00" not in found.rejects[1].start


def test_filters_find_what_the_figures_counted() -> None:
    found = success.report(source(), None, 30)
    total = 0
    cursor = None
    while True:
        asked = {"since": str(found.since_ms), "until": str(found.until_ms), "verdict": "failure"}
        if cursor:
            asked["cursor"] = cursor
        listed_moments = source().find(listing.query_from(asked, ZONE))
        total += len(listed_moments.items)
        cursor = listed_moments.next
        if cursor is None:
            break
    assert total == found.gate.failure


def test_a_filter_that_makes_no_sense_is_left_out() -> None:
    query = listing.query_from({"since": "yesterday", "at": "9-99", "until": "2026-13-01"}, ZONE)
    assert (query.since_ms, query.until_ms, query.week_hour) == (None, None, None)
    day = listing.query_from({"since": "2026-11-21", "until": "2026-11-21"}, ZONE)
    assert day.since_ms == MIDNIGHT
    assert day.until_ms == MIDNIGHT + 86_400_000


def test_the_filters_of_the_list() -> None:
    one = replace(opened("counter-a", NOW, "ended"), verdict="failure", cause="people: x", state="ended")
    assert fits(one, Query(verdict="failure", cause="people: x", week_hour=(5, 17)), ZONE)
    assert not fits(one, Query(verdict="saved"), ZONE)
    assert not fits(one, Query(cause="-"), ZONE)
    assert not fits(one, Query(week_hour=(5, 16)), ZONE)


# ---------------------------------------------------------------------------------------------------------- words


def test_every_word_a_template_or_script_asks_for_is_in_the_catalogue() -> None:
    asked = set()
    for path in [*WEB.glob("templates/*.html"), *WEB.glob("static/*.js"), *WEB.glob("pages/*.py")]:
        asked.update(re.findall(r"""\b(?:say|rich)\(\s*["']([a-z0-9.-]+)["']\s*[,)]""", path.read_text("utf-8")))
    assert len(asked) > 100
    assert asked - ENGLISH.keys() == set()


def test_no_words_are_given_twice() -> None:
    rooms = [import_module(module.name) for module in iter_modules(words.__path__, f"{words.__name__}.")]
    assert sum(len(getattr(room, room.__name__.rpartition(".")[2].upper())) for room in rooms) == len(ENGLISH)


def test_words_fill_in_and_escape() -> None:
    assert rich("card.next", group="agents", count="<b>") == Markup("Next: agents in &lt;b&gt;")
    assert rich("card.nobody") == Markup("<b>Nobody is on it.</b>")
    assert listed(["a", "b", "c"]) == "a, b and c"
    assert sentence("belt jammed") == "Belt jammed."
    assert key_words("AG1234/2026-11-21") == "AG1234"
    assert place(PLAN, opened("counter-a", NOW, "open")) == "Counter A"


@pytest.mark.parametrize(
    ("ms", "words"),
    [(47_000, "0:47"), (46_001, "0:47"), (641_000, "10:41"), (0, "+0:00"), (-72_500, "+1:12"), (3_723_000, "1:02:03")],
)
def test_time_left_agrees_with_the_wall_clock(ms: int, words: str) -> None:
    assert left(ms) == words


def test_spans_never_show_a_sign() -> None:
    assert clock(-5) == "0:05"


def test_a_page_that_is_repeated_is_what_comes_next() -> None:
    steps = (
        PageStep(3 * MINUTE_MS, "agents", repeat_ms=MINUTE_MS),
        PageStep(MINUTE_MS, "supervisors", unless_claimed=True),
    )
    again = [
        e.Paged(moment="m", at_ms=NOW - 90 * SECOND, page="m:0", step=0, group="agents", reason="time-left", left_ms=1),
        e.Paged(moment="m", at_ms=NOW - 30 * SECOND, page="m:r", step=0, group="agents", reason="repeat", left_ms=1),
    ]
    moment = opened("counter-a", NOW + 100 * SECOND, "threatened")
    assert repeats(moment, steps, again, NOW) == [(NOW + 30 * SECOND, 0)]
    claimed = replace(moment, claimed_ms=NOW, claimed_by="Jo", claim_until_ms=NOW + MINUTE_MS)
    assert repeats(claimed, steps, again, NOW) == [(NOW + MINUTE_MS, 0)]
    assert repeats(replace(claimed, claim_until_ms=None), steps, again, NOW) == []
    assert repeats(moment, steps[:0], again, NOW) == [], "the plan has no such step any more"
    later = [*again, e.Paged(moment="m", at_ms=NOW, page="m:1", step=1, group="agents", reason="time-left", left_ms=1)]
    both = (steps[0], PageStep(MINUTE_MS, "agents"))
    assert repeats(moment, both, later, NOW) == [], "the later page to the same group has taken over"


def test_how_many_are_coming_is_said_where_one_name_does_not_say_it() -> None:
    moment = opened("counter-a", NOW + 100 * SECOND, "threatened")
    one = replace(moment, claimed_ms=NOW, claimed_by="Jo")
    two = replace(one, claims=(Claim(NOW, "Jo", None), Claim(NOW, "Lu", None)))
    assert [coming_words(each) for each in (moment, one, two)] == ["", "", "and 1 more"]
    needed = replace(moment, needs=2)
    half = replace(needed, claims=(Claim(NOW, "Jo", None),))
    assert [coming_words(each) for each in (needed, half)] == ["2 are needed", "1 of 2 coming"]
    everybody = replace(moment, level="failed")
    paged = e.Paged(moment="m", at_ms=NOW, page="m:0", step=0, group="agents", reason="time-left", left_ms=1)
    gone = [TrailLine(1, NOW, NOW, replace(paged, step=step, page=f"m:{step}")) for step in range(5)]
    assert "nobody is on it" in str(next_words(PLAN, everybody, gone, NOW))
