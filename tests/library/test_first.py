"""What to do first: of several threats, and of several actions, by the plan and by what is on record."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from andgate.moment.events import Ahead, Claimed, Paged
from andgate.moment.lessons import LEAST, Advice, Lessons, advice, key_of
from andgate.moment.moments import Moment
from andgate.moment.precedence import Precedence, in_order, waiting
from andgate.moment.signals import Action
from andgate.moment.state import dump, load
from andgate.plan import PageStep
from andgate.routing import deliveries
from tests.library.days import BAGGAGE, CHECK_IN, HOUR, MINUTE, at, site
from tests.library.test_owing import FLIGHT, Floor, signal

DESK, WALKER = "Open a second desk", "Send the floor walker"
LINE = replace(
    CHECK_IN, touchpoints=("counter-a", "counter-b"), first=(DESK, WALKER), first_at={"counter-b": (WALKER,)}
)
BELTS = replace(BAGGAGE, pages=(PageStep(left_ms=8 * MINUTE, group="ticket-agents"),))
FLOOR = site(LINE, BELTS)


def moment(id: str, ends_ms: int, **more: object) -> Moment:
    known = Moment(
        id=id, anchor=f"f/{id}", expectation="x", touchpoint="t", opened_ms=0, ends_ms=ends_ms, counts_to_ms=0, plan="v"
    )
    return replace(known, **more)


# --------------------------------------------------------------------------------------------- which of the threats


def test_the_nearest_deadline_that_can_still_be_met_comes_first() -> None:
    known = Precedence()
    for each in (moment("a", 300), moment("b", 100), moment("c", 200)):
        known.note(each, ["agents"])
    assert known.first("agents", "b", 50) == (3, None)
    assert known.first("agents", "a", 50) == (3, Ahead("b", "t", None, 50))
    assert known.first("agents", "a", 100) == (2, Ahead("c", "t", None, 100))
    assert known.first("agents", "a", 300) == (1, None), "what cannot be kept any more is no choice"
    assert known.first("others", "a", 0) == (1, None)
    known.note(moment("b", 100, claimed_ms=10), ["agents"])
    known.note(moment("c", 200, state="ended"), ["agents"])
    assert known.first("agents", "a", 50) == (1, None)
    assert known.first("agents", "b", 50) == (1, None), "somebody is on it"


def test_of_two_alike_more_customers_come_first() -> None:
    few, many = moment("a", 100, witnesses=("w",)), moment("b", 100, about={"pax": 180})
    assert (waiting(few), waiting(many), waiting(moment("c", 1, about={"waiting": 7, "pax": 180}))) == (1, 180, 7)
    assert waiting(moment("d", 1, about={"pax": True}, witnesses=("v", "w"))) == 2
    assert waiting(moment("e", 1, about={"waiting": -1, "pax": 0}, witnesses=("v",))) == 1, "a feed that cannot count"
    assert [each.id for each in in_order([few, many, moment("z", 10)], 50)] == ["b", "a", "z"]
    assert [each.id for each in in_order([moment("z", 50), few], 50)] == ["a", "z"], "its deadline is now"


def test_what_is_no_threat_is_no_choice() -> None:
    known = Precedence()
    for name, more in (("a", {"verdict": "failure"}), ("b", {"remedies": "x"}), ("c", {"withdrawn": True}), ("d", {})):
        known.note(moment(name, 100, **more), ["agents"])
    assert known.first("agents", "d", 0) == (1, None)
    known.note(moment("d", 100), [])
    assert known.first("agents", "d", 0) == (1, None), "nobody was paged about it"


@given(st.lists(st.tuples(st.sampled_from("abcde"), st.integers(1, 5), st.integers(0, 3), st.booleans())))
def test_whoever_is_paged_is_told_the_first_that_can_be_kept(said: list[tuple[str, int, int, bool]]) -> None:
    known, stands = Precedence(), {}
    for name, ends_ms, pax, open_ in said:
        about = moment(name, ends_ms, about={"pax": pax}, witnesses=("w",), verdict=None if open_ else "failure")
        known.note(about, ["agents"])
        stands[name] = about
    for now_ms in range(7):
        left = [each for each in stands.values() if each.verdict is None and each.ends_ms > now_ms]
        order = in_order(left, now_ms)
        for name, about in stands.items():
            among, ahead = known.first("agents", name, now_ms)
            if about.verdict is not None or not left:
                assert (among, ahead) == (1, None)
            elif about.id == order[0].id:
                assert (among, ahead) == (len(left), None)
            else:
                best = order[0]
                assert (among, ahead) == (len(left), Ahead(best.id, "t", None, best.ends_ms - now_ms))


def test_the_page_says_which_comes_first() -> None:
    floor = Floor(FLOOR)
    floor.says(signal("d", "docked", at(0), key=FLIGHT))
    floor.until(at(17))
    floor.says(signal("p", "pressed", at(18)))
    floor.says(signal("q", "pressed", at(19), place="counter-b"))
    pages = [each for each in floor.watch.events if isinstance(each, Paged) and each.group == "ticket-agents"]
    belt, line, other = pages
    assert (belt.among, belt.ahead) == (1, None)
    assert (line.among, line.ahead) == (2, None)
    assert other.ahead is not None
    assert (other.among, other.ahead.touchpoint, other.ahead.left_ms) == (3, "counter-a", 2 * MINUTE)

    def text(event: Paged) -> str:
        about = floor.watch.engine.moment(event.moment)
        assert about is not None
        return deliveries(event, about, FLOOR)[0].text

    assert " Of 2 threats this one first. First: Open a second desk." in text(line)
    assert " Of 3 threats Check-in A first (2:00). First: Send the floor walker." in text(other)
    keyed = replace(other, ahead=Ahead("m", "gone", FLIGHT, 1_000))
    assert " Of 3 threats gone, AG1234 first (0:01)." in text(keyed)


def test_a_restart_knows_the_threats_of_each_group() -> None:
    floor = Floor(FLOOR)
    floor.says(signal("p", "pressed", at(0)))
    floor.watch.engine = load(dump(floor.watch.engine))
    floor.says(signal("q", "pressed", at(1), place="counter-b"))
    last = [each for each in floor.watch.events if isinstance(each, Paged)][-1]
    assert (last.among, last.ahead is None) == (2, False)


# --------------------------------------------------------------------------------------------- which of the actions


def test_the_plans_order_holds_until_two_have_been_tried_often_enough() -> None:
    def order(*tried: tuple[str, int, int]) -> list[str]:
        counts = {key_of("e", "t", 9, text): (saved, n) for text, saved, n in tried}
        return [each.text for each in advice(counts, ("a", "b", "c"), "e", "t", 9)]

    assert order() == ["a", "b", "c"]
    assert order(("b", LEAST, LEAST)) == ["a", "b", "c"], "there is nothing to compare it with"
    assert order(("b", LEAST, LEAST), ("a", 5, LEAST - 1)) == ["a", "b", "c"]
    assert order(("b", LEAST, LEAST), ("a", 5, LEAST)) == ["b", "a", "c"]
    assert order(("c", 9, LEAST), ("a", 9, LEAST)) == ["a", "c", "b"], "alike: the plan's order"
    assert order(("a", LEAST, 2 * LEAST), ("b", LEAST - 1, LEAST)) == ["b", "a", "c"], "of each ten, not of all"


def test_the_figures_stand_beside_it() -> None:
    counts = {
        key_of("e", "t", 9, "a"): (14, 17),
        key_of("e", "t", 9, ""): (9, 15),
        key_of("e", "t", 10, "a"): (0, 50),
        key_of("e", "u", 9, "a"): (0, 50),
    }
    assert advice(counts, ("a", "b"), "e", "t", 9) == (Advice("a", 14, 17, 9, 15), Advice("b", 0, 0, 23, 32))


def claimed(floor: Floor, first: str | None, at_ms: int) -> str:
    """Let somebody claim the one open threat, saying what they do first."""
    (open_one,) = floor.watch.engine.open_moments()
    action = Action(id=f"c/{at_ms}", do="claim", moment=open_one.id, at_ms=at_ms, by="p1", first=first, promise_ms=HOUR)
    floor.watch.receive([action], at_ms)
    return open_one.id


def test_what_saved_most_here_at_this_hour_comes_first_in_the_page() -> None:
    floor = Floor(FLOOR)
    for day in range(2 * LEAST):
        start = at(0) + day * 24 * HOUR
        floor.says(signal(f"p{day}", "pressed", start))
        claimed(floor, DESK if day % 2 else WALKER, start + MINUTE)
        if day % 2:
            floor.until(start + 4 * MINUTE)
        floor.says(signal(f"r{day}", "reset", start + (5 if day % 2 else 2) * MINUTE))
    hour = next(iter(floor.watch.engine.lessons.counts)).split("\t")[2]
    assert floor.watch.engine.lessons.counts == {
        key_of("check-in-wait", "counter-a", int(hour), WALKER): (LEAST, LEAST),
        key_of("check-in-wait", "counter-a", int(hour), DESK): (0, LEAST),
    }
    start = at(0) + 2 * LEAST * 24 * HOUR
    floor.watch.engine = load(dump(floor.watch.engine))
    floor.says(signal("last", "pressed", start))
    page = [each for each in floor.watch.events if isinstance(each, Paged)][-1]
    assert page.first == WALKER
    about = floor.watch.engine.moment(page.moment)
    assert about is not None
    assert " First: Send the floor walker." in deliveries(page, about, FLOOR)[0].text
    floor.says(signal("night", "pressed", start + 6 * HOUR))
    assert [each for each in floor.watch.events if isinstance(each, Paged)][-1].first is None, "another hour"
    said = [each.first for each in floor.watch.events if isinstance(each, Claimed)]
    assert said[:2] == [WALKER, DESK]
    assert len(floor.watch.engine.lessons.of) < 5, "what is long over is let go, and still counts"


def test_a_revision_takes_its_count_back() -> None:
    floor = Floor(FLOOR)
    floor.says(signal("p", "pressed", at(0)))
    claimed(floor, DESK, at(1))
    floor.until(at(4))
    lessons = floor.watch.engine.lessons
    assert list(lessons.counts.values()) == [(0, 1)]
    floor.says(signal("r", "reset", at(2), received_ms=at(5)))
    assert list(lessons.counts.values()) == [(1, 1)]
    floor.does("void", next(iter(lessons.of)), at(6), "false alarm")
    assert (lessons.counts, lessons.of) == ({}, {})


def test_only_real_threats_teach_anything() -> None:
    lessons = Lessons()
    threat = moment("a", 100, verdict="success", saved=True, threatened_ms=1, ended_ms=50)
    for more in ({"threatened_ms": None}, {"training": "agents"}, {"remedies": "x"}, {"withdrawn": True}):
        lessons.note(replace(threat, **more), [], 9)
        assert (lessons.counts, lessons.version) == ({}, 0)
    lessons.note(threat, [], 9)
    lessons.note(threat, [], 9)
    assert (list(lessons.counts.values()), lessons.version) == ([(1, 1)], 1)


def test_what_ended_just_at_the_horizon_may_still_be_revised() -> None:
    lessons = Lessons()
    for name, ended_ms in (("a", 49), ("b", 50), ("c", None)):
        lessons.note(moment(name, 100, verdict="failure", threatened_ms=1, ended_ms=ended_ms), [], 9)
    lessons.forget(50)
    assert set(lessons.of) == {"b", "c"}
    assert list(lessons.counts.values()) == [(0, 3)], "what it counts as stays"


@given(
    st.lists(
        st.tuples(
            st.sampled_from("abcd"),
            st.sampled_from(["success", "failure", "void", None]),
            st.booleans(),
            st.sampled_from([None, "x", "y"]),
        )
    )
)
def test_counts_are_those_of_what_stands(days: list[tuple[str, str | None, bool, str | None]]) -> None:
    lessons, stands = Lessons(), {}
    for name, verdict, saved, tried in days:
        about = moment(name, 100, verdict=verdict, saved=saved and verdict == "success", threatened_ms=1)
        notes = [] if tried is None else [Action(id="c", do="claim", moment=name, at_ms=2, by="p", first=tried)]
        lessons.note(about, notes, 9)
        stands[name] = (verdict, about.saved, tried or "")
    want: dict[str, tuple[int, int]] = {}
    for verdict, saved, tried in stands.values():
        if verdict in ("success", "failure"):
            key = key_of("x", "t", 9, tried)
            known = want.get(key, (0, 0))
            want[key] = (known[0] + saved, known[1] + 1)
    assert lessons.counts == want
