"""Rule 16 to the word: which page goes, which is skipped and why, how late it was, and that each is told once."""

from __future__ import annotations

from msgspec.structs import replace

from andgate.moment.events import Paged
from andgate.moment.signals import Action, Released, Retimed, Signal
from andgate.plan import PageStep
from tests.library.days import BAGGAGE, CHECK_IN, MINUTE, SECOND, at, site
from tests.library.test_trail import COLLEAGUE, DRIVE, FLIGHT, PAGES, Trail, seen


def pages(trail: Trail, until_ms: int) -> list[str]:
    """Return only what was paged, skipped and called off."""
    return [line for line in trail.lines(until_ms) if line.split()[1] in PAGES]


def claimed_for(minutes: int) -> Trail:
    """A line at noon that Marta claims half a minute later."""
    trail = Trail()
    trail.tell(seen("p1", "pressed", at(0)))
    trail.does("claim", at(0.5), promise_ms=minutes * MINUTE)
    return trail


def test_a_page_that_a_claim_cancels_is_skipped_once_whatever_else_happens() -> None:
    trail = claimed_for(9)
    trail.watch.wake(at(2))
    trail.does("cause", at(2.1), "no agent")
    trail.does("cause", at(2.2), "no agent at all")
    assert pages(trail, at(2.5))[1:] == ["1:30 page-skipped step=1 group=supervisors because=claimed"]


def test_a_page_that_comes_back_is_late_since_the_claim_lapsed_not_since_its_step() -> None:
    trail = claimed_for(2)
    trail.watch.wake(at(2))
    trail.watch.advance(at(2.75))
    assert pages(trail, at(2.75))[1:] == [
        "1:30 page-skipped step=1 group=supervisors because=claimed",
        (
            "2:45 paged page=moment-1:1 step=1 group=supervisors reason=claim-lapsed left_ms=15000 late_ms=15000"
            " cancels=True"
        ),
    ]
    back = claimed_for(2)
    back.watch.wake(at(2))
    back.tell(seen("p2", "pressed", at(2.4), COLLEAGUE))
    back.does("unclaim", at(2.45))
    assert pages(back, at(2.45))[2:] == [
        "2:27 paged page=moment-1:1 step=1 group=supervisors reason=claim-lapsed left_ms=33000 cancels=True"
    ]


def test_a_failure_since_the_claim_lapsed_makes_its_page_no_less_late() -> None:
    trail = claimed_for(2)
    trail.watch.wake(at(2))
    trail.watch.advance(at(3.5))
    (_, _, page) = pages(trail, at(3.5))
    assert "late_ms=60000" in page.split()


def test_a_step_that_was_never_skipped_is_late_since_it_was_due() -> None:
    trail = claimed_for(1)
    trail.does("unclaim", at(0.75))
    trail.watch.advance(at(2))
    assert pages(trail, at(2))[1:] == [
        "2:00 paged page=moment-1:1 step=1 group=supervisors reason=time-left left_ms=60000 late_ms=30000 cancels=True"
    ]


def test_of_two_overdue_steps_of_one_group_the_first_is_superseded() -> None:
    twice = replace(CHECK_IN, pages=tuple(replace(step, group="supervisors") for step in CHECK_IN.pages))
    trail = Trail(site(twice))
    trail.tell(seen("p1", "pressed", at(0), received_ms=at(2)))
    trail.does("cause", at(2.1), "no agent")
    assert pages(trail, at(2.5)) == [
        "2:00 page-skipped step=0 group=supervisors because=superseded",
        "2:00 paged page=moment-1:1 step=1 group=supervisors reason=time-left left_ms=60000 late_ms=30000 cancels=True",
    ]


def test_a_step_that_a_claim_skips_supersedes_nothing() -> None:
    steps = (PageStep(left_ms=2 * MINUTE, group="supervisors"), replace(CHECK_IN.pages[1], group="supervisors"))
    trail = Trail(site(replace(CHECK_IN, pages=steps)))
    trail.tell(seen("p1", "pressed", at(0)))
    trail.does("claim", at(0.5), promise_ms=9 * MINUTE)
    trail.watch.advance(at(2))
    assert pages(trail, at(2)) == [
        "2:00 paged page=moment-1:0 step=0 group=supervisors reason=time-left left_ms=60000 late_ms=60000",
        "2:00 page-skipped step=1 group=supervisors because=claimed",
    ]


# ---- While more of a backlog is on its way


def test_what_is_due_now_goes_now_although_more_is_to_come() -> None:
    trail = Trail()
    trail.watch.receive([seen("p1", "pressed", at(0), received_ms=at(0, SECOND))], at(0, SECOND), more=True)
    assert len(pages(trail, at(0, SECOND))) == 1
    late = Trail()
    late.watch.receive([seen("p1", "pressed", at(0), received_ms=at(0, SECOND + 1))], at(0, SECOND + 1), more=True)
    assert pages(late, at(0, SECOND + 1)) == []


def test_a_step_that_waits_does_not_hold_up_the_next_one() -> None:
    trail = Trail()
    trail.watch.receive([seen("p1", "pressed", at(0), received_ms=at(1.5))], at(1.5), more=True)
    assert pages(trail, at(1.5)) == [
        "1:30 paged page=moment-1:1 step=1 group=supervisors reason=time-left left_ms=90000 cancels=True"
    ]


# ---- Still waiting


def test_each_press_on_a_failed_moment_is_told_once() -> None:
    trail = Trail(site(replace(CHECK_IN, pages=CHECK_IN.pages[:1])))
    trail.tell(
        seen("p1", "pressed", at(0)),
        seen("p2", "pressed", at(4), COLLEAGUE),
        seen("p3", "pressed", at(5), COLLEAGUE),
        seen("p4", "pressed", at(5, 500)),
    )
    assert [line.split()[1:3] for line in pages(trail, at(9))[1:]] == [
        ["paged", "page=moment-1:again:p2"],
        ["paged", "page=moment-1:again:p3"],
        ["paged", "page=moment-1:again:p4"],
    ]


def test_who_has_claimed_it_is_not_told_that_it_still_waits() -> None:
    trail = Trail(site(replace(CHECK_IN, pages=CHECK_IN.pages[:1])))
    trail.tell(seen("p1", "pressed", at(0)))
    trail.does("claim", at(3.5))
    trail.tell(seen("p2", "pressed", at(4), COLLEAGUE))
    assert pages(trail, at(9))[1:] == ["4:02.500 page-skipped step=0 group=ticket-agents because=claimed"]


def test_without_a_ladder_nobody_is_told_anything() -> None:
    trail = Trail(site(replace(CHECK_IN, pages=()), replace(BAGGAGE, pages=())))
    trail.tell(seen("d1", "docked", at(0), "ops", key=FLIGHT), seen("j1", "jammed", at(1), DRIVE))
    trail.tell(seen("p1", "pressed", at(2)), seen("p2", "pressed", at(6), COLLEAGUE), seen("r1", "reset", at(7)))
    assert pages(trail, at(9)) == []


# ---- A signal that threatens


def test_a_jam_pages_the_first_group_with_its_word_and_a_claim_skips_that() -> None:
    trail = Trail()
    trail.tell(seen("d1", "docked", at(0), "ops", key=FLIGHT), seen("j1", "jammed", at(1), DRIVE))
    assert pages(trail, at(2)) == [
        (
            "1:00 paged page=moment-1:threat step=0 group=supervisors reason=threatened signal=jammed left_ms=1440000"
            " cancels=True"
        )
    ]
    claimed = Trail()
    claimed.tell(seen("d1", "docked", at(0), "ops", key=FLIGHT))
    claimed.does("claim", at(0.5))
    claimed.tell(seen("j1", "jammed", at(1), DRIVE))
    assert pages(claimed, at(2)) == ["1:00 page-skipped step=0 group=supervisors because=claimed"]


def test_a_jam_at_the_instant_of_the_first_step_pages_no_second_time() -> None:
    trail = Trail()
    trail.tell(seen("d1", "docked", at(0), "ops", key=FLIGHT), seen("j1", "jammed", at(17), DRIVE))
    assert pages(trail, at(18)) == [
        "17:00 paged page=moment-1:0 step=0 group=supervisors reason=time-left left_ms=480000"
    ]


def test_a_threat_in_the_message_of_its_press_pages_no_second_time() -> None:
    trail = Trail(site(replace(CHECK_IN, threatens=("shouted",))))
    trail.watch.receive([seen("p1", "pressed", at(0)), seen("s1", "shouted", at(0), COLLEAGUE)], at(0))
    assert [line.split()[2] for line in pages(trail, at(0))] == ["page=moment-1:0"]


def test_a_jam_after_the_first_step_pages_nobody() -> None:
    trail = Trail()
    trail.tell(seen("d1", "docked", at(0), "ops", key=FLIGHT), seen("j1", "jammed", at(18), DRIVE))
    assert len(pages(trail, at(20))) == 1


def jam(number: int, at_ms: int) -> Signal:
    return seen(f"j{number}", "jammed", at_ms, DRIVE)


def no_jam(number: int, at_ms: int) -> Signal:
    """Somebody takes a jam back."""
    return seen(f"x{number}", "running", at_ms, DRIVE, retracts=f"j{number}")


def paged(trail: Trail, until_ms: int) -> list[str]:
    """Return only what was paged, each as time and page."""
    return [" ".join(line.split()[0:3:2]) for line in pages(trail, until_ms) if " paged " in line]


def test_a_jam_that_is_taken_back_and_comes_again_is_news_again() -> None:
    trail = Trail()
    trail.tell(seen("d1", "docked", at(0), "ops", key=FLIGHT), jam(1, at(1)), no_jam(1, at(2)), jam(2, at(3)))
    trail.tell(no_jam(2, at(4)), jam(3, at(5)))
    assert paged(trail, at(9)) == [
        "1:00 page=moment-1:threat",
        "3:00 page=moment-1:threat:2",
        "5:00 page=moment-1:threat:3",
    ]


def test_a_jam_that_chatters_pages_twice_a_minute_at_most_and_the_last_one_is_not_lost() -> None:
    trail = Trail()
    trail.tell(seen("d1", "docked", at(0), "ops", key=FLIGHT))
    for number in range(40):
        trail.tell(jam(number, at(1, 2 * number * SECOND)))
        if number < 39:
            trail.tell(no_jam(number, at(1, 2 * number * SECOND + SECOND)))
    assert paged(trail, at(9)) == [
        "1:00 page=moment-1:threat",
        "1:30 page=moment-1:threat:2",
        "2:00 page=moment-1:threat:3",
        "2:30 page=moment-1:threat:4",
    ]


def test_a_jam_that_came_again_and_went_again_before_its_page_was_due_pages_nobody() -> None:
    trail = Trail()
    trail.tell(seen("d1", "docked", at(0), "ops", key=FLIGHT), jam(1, at(1)), no_jam(1, at(1.1)), jam(2, at(1.2)))
    trail.tell(no_jam(2, at(1.4)))
    assert paged(trail, at(9)) == ["1:00 page=moment-1:threat"]


def test_who_was_told_that_it_is_over_is_told_at_once_that_the_jam_stands_again() -> None:
    plan = site(replace(BAGGAGE, rejoins_within_ms=MINUTE))
    trail = Trail(plan)
    trail.tell(seen("d1", "docked", at(0), "ops", key=FLIGHT), jam(1, at(1)))
    trail.tell(seen("u1", "unloaded", at(1, 5 * SECOND), "belt-3/done", key=FLIGHT))
    trail.tell(seen("d2", "docked", at(1, 9 * SECOND), "ops", key=FLIGHT))
    assert [line.split()[:2] for line in pages(trail, at(2))] == [
        ["1:00", "paged"],
        ["1:05", "stood-down"],
        ["1:09", "paged"],
    ]
    assert paged(trail, at(2))[-1] == "1:09 page=moment-1:threat:2"


def test_a_jam_that_stands_through_its_earlier_sign_pages_once() -> None:
    """Two sensors see one jam; the first word of it comes last, and the later one is taken back."""
    trail = Trail()
    trail.tell(seen("d1", "docked", at(0), "ops", key=FLIGHT), jam(2, at(2)))
    trail.tell(seen("j1", "jammed", at(1), "ops", received_ms=at(3)), no_jam(2, at(4)))
    assert paged(trail, at(9)) == ["2:00 page=moment-1:threat"]


def test_whoever_has_claimed_it_meanwhile_is_not_told_that_it_is_jammed_again() -> None:
    trail = Trail()
    trail.tell(seen("d1", "docked", at(0), "ops", key=FLIGHT), jam(1, at(1)), no_jam(1, at(1.1)), jam(2, at(1.2)))
    trail.does("claim", at(1.3), promise_ms=9 * MINUTE)
    assert pages(trail, at(9))[1:] == ["1:30 page-skipped step=0 group=supervisors because=claimed"]


def test_what_is_open_again_and_told_so_is_not_told_as_a_threat_beside() -> None:
    """Its deadline moved on while it was over, so that no step is due, and none is left to be sent."""
    plan = site(replace(BAGGAGE, rejoins_within_ms=9 * MINUTE))
    trail = Trail(plan)
    trail.tell(seen("d1", "docked", at(0), "ops", key=FLIGHT), jam(1, at(17.5)))
    trail.tell(seen("u1", "unloaded", at(18), "belt-3/done", key=FLIGHT))
    trail.watch.receive([Retimed(signal="d1", at_ms=at(6))], at(18))
    trail.tell(seen("d2", "docked", at(19), "ops", key=FLIGHT))
    assert paged(trail, at(22))[1:] == ["19:00 page=moment-1:reopened:1"]


# ---- What is on the trail, in what order


def test_what_happened_first_is_told_first() -> None:
    trail = Trail()
    trail.tell(seen("p1", "pressed", at(0)))
    (moment,) = trail.watch.living
    note = Action(id="a", do="cause", moment=moment.id, at_ms=at(0.5), by="marta", reason="no agent")
    trail.watch.receive([seen("p2", "pressed", at(1), COLLEAGUE), note], at(1))
    assert trail.lines(at(1))[3:] == [
        "0:30 noted what=cause text=no agent by=marta",
        "1:00 witnessed signal=p2 witness=desk-a2/mot",
    ]


def test_a_threat_by_the_clock_is_not_laid_to_a_later_jam() -> None:
    trail = Trail()
    heard = {"received_ms": at(20)}
    trail.watch.receive(
        [seen("d1", "docked", at(0), "ops", key=FLIGHT, **heard), seen("j1", "jammed", at(18), DRIVE, **heard)], at(20)
    )
    assert trail.lines(at(20), ("paged",)) == ["0:00 opened signal=d1 witness=ops", "17:00 threatened", "17:00 failing"]


def test_a_late_reset_of_an_open_moment_is_news_and_no_revision() -> None:
    trail = Trail()
    trail.tell(seen("p1", "pressed", at(0)), seen("r1", "reset", at(1), received_ms=at(1.2)))
    assert trail.lines(at(9), ("paged", "stood-down"))[2:] == ["1:00 saved signal=r1"]
    soon = Trail()
    soon.tell(
        seen("d1", "docked", at(0), "ops", key=FLIGHT),
        seen("u1", "unloaded", at(1), "belt-3/done", received_ms=at(9)),
    )
    (moment,) = soon.watch.living
    assert (moment.anomaly, moment.revision) == (True, 0)
    assert soon.lines(at(9))[1:] == ["1:00 kept signal=u1"]


def test_a_void_is_told_once_whatever_is_said_of_it_afterwards() -> None:
    trail = Trail()
    trail.tell(seen("p1", "pressed", at(0)))
    trail.does("void", at(1), "a child")
    trail.does("cause", at(1.5), "nobody looked")
    assert trail.lines(at(2))[3:] == [
        "1:00 voided reason=a child by=marta",
        "1:00 stood-down groups=('ticket-agents',)",
        "1:30 noted what=cause text=nobody looked by=marta",
    ]


def test_a_claim_that_lapses_by_what_is_learned_late_lapses_when_it_is_learned() -> None:
    """The press was two minutes later than thought: so was the deadline, and the claim stood up to it only."""
    trail = Trail(site(replace(CHECK_IN, pages=())))
    trail.tell(seen("p1", "pressed", at(0)))
    trail.does("claim", at(4))
    trail.watch.wake(at(6))
    trail.watch.receive([Retimed(signal="p1", at_ms=at(2))], at(6))
    assert trail.lines(at(6))[2:] == [
        "4:00 claimed by=marta until_ms=None",
        "2:00 opened signal=p1 witness=desk-a1/mot",
        "6:00 claim-lapsed by=marta",
        (
            "6:00 revised changed=('opened_ms', 'ends_ms') was={'opened_ms': '0:00', 'ends_ms': '3:00'}"
            " now={'opened_ms': '2:00', 'ends_ms': '5:00'} because=time corrected: desk-a1/mot pressed"
        ),
    ]


def test_a_claim_that_stands_again_by_what_is_learned_late_is_no_news() -> None:
    trail = Trail(site(replace(CHECK_IN, pages=())))
    trail.tell(seen("p1", "pressed", at(0)))
    trail.does("claim", at(2.5))
    trail.watch.wake(at(3.5))
    trail.watch.receive([Retimed(signal="p1", at_ms=at(2))], at(3.5))
    (moment,) = trail.watch.living
    assert (moment.claimed_by, moment.claim_until_ms) == ("marta", at(5))
    assert [line for line in trail.lines(at(4)) if "claim" in line] == [
        "2:30 claimed by=marta until_ms=3:00",
        "3:00 claim-lapsed by=marta",
    ]


def test_the_last_third_begins_once_whoever_presses_in_it() -> None:
    trail = Trail()
    trail.tell(seen("p1", "pressed", at(0)), seen("p2", "pressed", at(2.5), COLLEAGUE))
    assert len([line for line in trail.lines(at(2.9)) if "failing" in line]) == 1


def test_that_it_is_open_again_is_told_once_a_time() -> None:
    trail = Trail(site(replace(CHECK_IN, rejoins_within_ms=MINUTE, pages=CHECK_IN.pages[:1])))
    trail.tell(seen("p1", "pressed", at(0)), seen("r1", "reset", at(1)), seen("p2", "pressed", at(1.5)))
    trail.does("cause", at(1.6), "no agent")
    trail.does("remedy", at(1.7), "tea")
    assert [line.split()[2] for line in pages(trail, at(2.5)) if "paged" in line] == [
        "page=moment-1:0",
        "page=moment-1:reopened:1",
    ]


def test_a_page_for_a_bag_that_is_lost_is_not_late() -> None:
    trail = Trail()
    trail.tell(seen("d1", "docked", at(0), "ops", key=FLIGHT), seen("l1", "lost", at(2), "ops", key=FLIGHT))
    assert pages(trail, at(2)) == ["2:00 paged page=moment-1:0 step=0 group=supervisors reason=time-left left_ms=0"]


def test_an_anomaly_that_is_learned_late_of_an_open_flight_is_news_and_no_revision() -> None:
    trail = Trail()
    trail.tell(
        seen("d1", "docked", at(0), "ops", key=FLIGHT),
        seen("d2", "docked", at(2), "ops", key="AG77/2026-11-21"),
        seen("u1", "unloaded", at(1), "belt-3/done", key=FLIGHT, received_ms=at(9)),
    )
    (flight,) = [each for each in trail.watch.living if each.key == FLIGHT]
    assert (flight.anomaly, flight.revision) == (True, 0)


def test_a_void_taken_back_is_told() -> None:
    trail = Trail()
    trail.tell(seen("p1", "pressed", at(0)), seen("r1", "reset", at(1)))
    trail.does("void", at(2), "drill")
    trail.does("unvoid", at(3))
    assert [line.split()[1] for line in trail.lines(at(4)) if line.split()[1] not in PAGES][2:] == [
        "saved",
        "voided",
        "unvoided",
        "saved",
    ]


def test_what_nothing_threatens_is_no_news_to_those_whom_quiet_kept_it_from() -> None:
    trail = Trail()
    trail.tell(seen("d1", "docked", at(0), "ops", key=FLIGHT))
    (moment,) = trail.watch.living
    asked = Released(at_ms=at(1), pages=((moment.id, "supervisors"),))
    assert not trail.watch.receive([asked], at(1)).events
    trail.watch.wake(at(18))
    (page,) = trail.watch.receive([replace(asked, at_ms=at(18))], at(18)).events
    assert isinstance(page, Paged)
    assert (page.reason, page.group) == ("quiet-over", "supervisors")
