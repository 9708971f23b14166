"""Who is on it: several at once, handed over, given back, lapsed; and who is told when nobody is."""

from __future__ import annotations

from itertools import count
from typing import Any

import pytest
from msgspec import UNSET
from msgspec.structs import replace

from andgate.audit import Finding, Next, Told, audit
from andgate.moment.claims import Claim, one_of_us
from andgate.moment.engine import Engine
from andgate.moment.events import Claimed, Paged
from andgate.moment.moments import Moment
from andgate.moment.signals import Action, ActionKind, Replanned, Signal
from andgate.moment.state import dump, load
from andgate.plan import PageStep, Plan, describe, parse_plan
from tests.library.days import BAGGAGE, CHECK_IN, MINUTE, SECOND, at, site
from tests.library.test_audit import ahead, look, threat
from tests.library.test_trail import COLLEAGUE, PAGES, Trail, seen

TWO = replace(CHECK_IN, needs=2)
REPEATED = replace(
    CHECK_IN,
    pages=(
        PageStep(left_ms=3 * MINUTE, group="ticket-agents", repeat_ms=30 * SECOND),
        PageStep(left_ms=90 * SECOND, group="supervisors", unless_claimed=True, repeat_ms=MINUTE),
    ),
)


class Hall(Trail):
    """A line that a press opens at noon, and people who answer."""

    def __init__(self, plan: Plan | None = None) -> None:
        super().__init__(plan or site(CHECK_IN, BAGGAGE))
        self.serial = count()
        self.tell(seen("p1", "pressed", at(0)))

    def act(self, do: ActionKind, at_ms: int, by: str, **more: Any) -> Moment:
        """Do something as the hub lets people do it; return the moment then."""
        action = Action(
            id=f"a{next(self.serial):03}",
            do=do,
            moment=self.moment.id,
            at_ms=at_ms,
            by=by,
            several=do == "claim",
            **more,
        )
        self.tell(action)
        return self.moment

    def claim(self, at_ms: int, by: str, minutes: float | None = 2) -> Moment:
        """Claim for so many minutes."""
        return self.act("claim", at_ms, by, promise_ms=None if minutes is None else round(minutes * MINUTE))

    @property
    def moment(self) -> Moment:
        """The line's moment as last published."""
        return max(self.watch.living, key=lambda each: each.opened_ms)

    def now(self, at_ms: int) -> Moment:
        """The moment as it stands then."""
        self.watch.wake(at_ms)
        return self.moment

    def people(self, until_ms: int) -> list[str]:
        """Return only what the trail says of people's claims."""
        words = ("claimed", "claim-lapsed", "unclaimed", "handed-over")
        return [line for line in self.lines(until_ms) if line.split()[1] in words]

    def pages(self, until_ms: int) -> list[str]:
        """Return only what was paged and why not, briefly: when, what, to whom, why."""
        told = [line.split() for line in self.lines(until_ms) if line.split()[1] in PAGES[:2]]
        why = ("group", "reason", "because", "person")
        return [
            " ".join([*line[:2], *(w.partition("=")[2] for w in line if w.partition("=")[0] in why)]) for line in told
        ]


def coming(moment: Moment) -> list[str]:
    return [claim.by for claim in moment.coming]


# ----------------------------------------------------------------------------------------------------- several people


def test_two_who_claim_at_once_are_both_on_it_and_the_first_is_named() -> None:
    hall = Hall()
    hall.claim(at(0.5), "marta")
    moment = hall.claim(at(0.5, 40), "paolo", 5)
    assert (coming(moment), moment.claimed_by, moment.claimed_ms) == (["marta", "paolo"], "marta", at(0.5))
    assert moment.claim_until_ms == at(5.5, 40), "as long as one of them is on it"
    moment = hall.now(at(2.5))
    assert (coming(moment), moment.claimed_by, moment.claims) == (["paolo"], "paolo", ())
    assert hall.people(at(6)) == [
        "0:30 claimed by=marta until_ms=2:30",
        "0:30.040 claimed by=paolo until_ms=5:30.040 have=2",
        "2:30 claim-lapsed by=marta",
        "5:30.040 claim-lapsed by=paolo",
    ]


def test_who_claims_again_promises_anew_and_stays_one_person() -> None:
    hall = Hall()
    hall.claim(at(0.5), "marta", 1)
    moment = hall.claim(at(1), "marta", 5)
    assert (coming(moment), moment.claim_until_ms) == (["marta"], at(6))
    assert hall.people(at(2)) == ["0:30 claimed by=marta until_ms=1:30", "1:00 claimed by=marta until_ms=6:00"]


def test_everybody_gives_back_only_their_own_claim() -> None:
    hall = Hall()
    hall.claim(at(0.5), "marta", 9)
    hall.claim(at(1), "paolo", 9)
    assert coming(hall.act("unclaim", at(1.5), "marta")) == ["paolo"]
    hall.claim(at(1.6), "marta", 9)
    assert coming(hall.act("unclaim", at(1.7), "boss", whose="marta")) == ["paolo"]
    assert coming(hall.act("unclaim", at(1.8), "boss", whose="marta")) == ["paolo"], "she is not on it any more"
    assert coming(hall.act("unclaim", at(1.9), "somebody")) == [], "nobody's in particular: the last"
    assert coming(hall.act("unclaim", at(2), "somebody")) == []
    assert hall.people(at(2)) == [
        "0:30 claimed by=marta until_ms=9:30",
        "1:00 claimed by=paolo until_ms=10:00 have=2",
        "1:30 unclaimed by=marta",
        "1:36 claimed by=marta until_ms=10:36 have=2",
        "1:42 unclaimed by=boss whose=marta",
        "1:54 unclaimed by=somebody",
    ]


def test_a_journal_from_before_says_that_a_claim_replaces_the_one_before() -> None:
    hall = Hall()
    hall.claim(at(0.5), "marta", 9)
    hall.claim(at(0.6), "jo", 9)
    hall.tell(Action(id="old", do="claim", moment=hall.moment.id, at_ms=at(1), by="paolo", promise_ms=MINUTE))
    assert (coming(hall.moment), hall.moment.claim_until_ms) == (["paolo"], at(2))
    assert hall.people(at(1.5))[2:] == ["1:00 claimed by=paolo until_ms=2:00"]


def test_in_a_journal_from_before_nobody_is_on_it_when_who_replaced_them_is_gone_again() -> None:
    hall = Hall()
    hall.claim(at(0.5), "marta", 9)
    hall.watch.wake(at(2))
    late = Action(id="old", do="claim", moment=hall.moment.id, at_ms=at(1), by="paolo", promise_ms=6 * SECOND)
    hall.watch.receive([late], at(2))
    assert coming(hall.moment) == []
    assert hall.people(at(2))[1:] == ["2:00 claim-lapsed by=marta"]


def test_where_two_are_needed_one_is_not_enough() -> None:
    hall = Hall(site(TWO))
    moment = hall.claim(at(0.5), "marta", 9)
    assert (moment.claimed_by, moment.claimed_ms, moment.needs, coming(moment)) == (None, None, 2, ["marta"])
    assert hall.pages(at(1.5))[1:] == ["1:30 paged supervisors time-left"], "until the second comes pages go on"
    moment = hall.claim(at(1.6), "paolo", 1)
    assert (moment.claimed_by, moment.claimed_ms, moment.claim_until_ms) == ("paolo", at(1.6), at(2.6))
    assert coming(hall.claim(at(1.7), "marta", 9)) == ["paolo", "marta"], "twice the same person are one"
    moment = hall.now(at(2.6))
    assert (moment.claimed_by, coming(moment)) == (None, ["marta"])
    assert hall.people(at(3)) == [
        "0:30 claimed by=marta until_ms=9:30 needs=2",
        "1:36 claimed by=paolo until_ms=2:36 have=2 needs=2",
        "1:42 claimed by=marta until_ms=10:42 have=2 needs=2",
        "2:36 claim-lapsed by=paolo",
    ]


def test_where_two_are_needed_only_two_have_answered() -> None:
    alone, both, after = Hall(site(TWO)), Hall(site(TWO)), Hall(site(TWO))
    alone.claim(at(0.5), "marta", 1)
    alone.claim(at(1.6), "paolo", 1)
    both.claim(at(0.5), "marta", 9)
    both.claim(at(1.6), "paolo", None)
    after.claim(at(0.5), "marta", 9)
    for hall in (alone, both, after):
        hall.tell(seen("r1", "reset", at(2)))
    after.claim(at(2, 1), "paolo", 9)
    assert [hall.moment.answered for hall in (alone, both, after)] == [False, True, False]
    assert both.moment.claim_until_ms == at(3)


def test_a_claim_that_stands_to_the_end_outlasts_those_that_lapse() -> None:
    hall = Hall(site(TWO))
    hall.now(at(4))
    for minute, (who, minutes) in enumerate((("marta", None), ("paolo", 1), ("jo", 3))):
        hall.claim(at(4, minute), who, minutes)
    assert hall.moment.claim_until_ms == at(7, 2), "two are left until the second but one goes"
    hall.claim(at(5), "lu", None)
    assert hall.moment.claim_until_ms is None


# -------------------------------------------------------------------------------------------------------- handing over


def test_who_hands_over_stays_responsible_until_somebody_takes_it() -> None:
    hall = Hall()
    hall.claim(at(0.5), "marta", 9)
    moment = hall.act("hand-over", at(1), "marta", group="supervisors", reason="a fall at gate 4")
    assert (moment.claimed_by, moment.claim_until_ms) == ("marta", at(9.5))
    moment = hall.claim(at(1.2), "paolo", 3)
    assert (moment.claimed_by, coming(moment), moment.claims) == ("paolo", ["paolo"], moment.coming)
    assert moment.claims[0].took == "marta"
    assert hall.people(at(2)) == [
        "0:30 claimed by=marta until_ms=9:30",
        "1:00 handed-over by=marta group=supervisors reason=a fall at gate 4",
        "1:12 claimed by=paolo until_ms=4:12 took=marta",
    ]
    assert hall.pages(at(2)) == [
        "0:00 paged ticket-agents time-left",
        "1:00 paged supervisors handed-over",
        "1:30 page-skipped supervisors claimed",
    ]


@pytest.mark.parametrize("person", [None, "paolo"])
def test_a_page_to_a_group_to_take_over_is_called_off_by_whoever_claims_first(person: str | None) -> None:
    hall = Hall()
    hall.claim(at(0.5), "marta", 9)
    hall.act("hand-over", at(1), "marta", group="supervisors", person=person)
    (page,) = [each for each in hall.watch.events if isinstance(each, Paged) and each.reason == "handed-over"]
    assert page.cancels == (person is None)


def test_whoever_shall_take_it_over_is_paged_by_name() -> None:
    hall = Hall()
    hall.claim(at(0.5), "marta", 9)
    hall.act("hand-over", at(1), "boss", whose="marta", group="supervisors", person="paolo")
    (page,) = [line for line in hall.lines(at(1)) if "handed-over" in line and " paged " in line]
    assert page == (
        "1:00 paged page=moment-1:handed:1 step=0 group=supervisors reason=handed-over left_ms=120000 person=paolo"
    )


def test_what_is_handed_to_one_person_only_that_one_takes() -> None:
    hall = Hall()
    hall.claim(at(0.5), "marta", 9)
    hall.act("hand-over", at(1), "marta", group="supervisors", person="paolo")
    assert coming(hall.claim(at(1.1), "jo", 9)) == ["marta", "jo"]
    assert coming(hall.claim(at(1.2), "paolo", 9)) == ["jo", "paolo"]


@pytest.mark.parametrize("change", ["lapses", "gives back", "claims again"])
def test_what_was_handed_over_is_nobody_s_to_take_once_it_is_over(change: str) -> None:
    hall = Hall()
    hall.claim(at(0.5), "marta", 1)
    hall.act("hand-over", at(1), "marta", group="supervisors")
    if change == "gives back":
        hall.act("unclaim", at(1.1), "marta")
    elif change == "claims again":
        hall.claim(at(1.1), "marta", 9)
    moment = hall.claim(at(1.6), "paolo", 9)
    assert [claim.took for claim in moment.coming] == [None] * len(moment.coming)


def test_a_claim_that_has_ended_cannot_be_handed_over() -> None:
    hall = Hall()
    hall.claim(at(0.5), "marta", 1)
    hall.now(at(1.6))
    hall.act("hand-over", at(1.6), "marta", group="supervisors")
    hall.act("hand-over", at(1.7), "marta")
    assert [line for line in hall.pages(at(2)) if "handed-over" in line] == []
    hall.claim(at(1.8), "marta", 1)
    hall.act("hand-over", at(1.9), "marta")
    assert [line for line in hall.pages(at(2)) if "handed-over" in line] == [], "nobody is named: nobody is paged"


# ------------------------------------------------------------------------------------- what is learned late, or joined


def joined() -> Hall:
    """Two lines that turn out to be one, as what came between was no reset; Paolo came for the second."""
    hall = Hall(site(replace(CHECK_IN, rejoins_within_ms=0)))
    hall.claim(at(0.2), "marta", 9)
    hall.tell(seen("r1", "reset", at(0.5)), seen("p2", "pressed", at(1), COLLEAGUE))
    hall.claim(at(1.1), "paolo", 9)
    return hall


def test_who_is_on_the_later_of_two_that_are_one_is_on_it_still() -> None:
    hall = joined()
    hall.tell(seen("x", "seen", at(1.2), COLLEAGUE, retracts="r1"))
    assert coming(hall.moment) == ["marta", "paolo"]
    assert hall.people(at(1.2)) == [
        "0:12 claimed by=marta until_ms=9:12",
        "1:06 claimed moment-2 by=paolo until_ms=10:06",
        "1:06 claimed by=paolo until_ms=10:06 have=2",
    ]


def test_what_was_said_of_the_first_after_its_end_is_not_told_twice_when_it_takes_the_second_in() -> None:
    hall = joined()
    first, _ = sorted(hall.watch.living, key=lambda each: each.opened_ms)
    hall.tell(Action(id="c", do="cause", moment=first.id, at_ms=at(1.15), by="boss", reason="no agent"))
    hall.tell(seen("x", "seen", at(1.2), COLLEAGUE, retracts="r1"))
    assert coming(hall.moment) == ["marta", "paolo"]
    assert [line for line in hall.lines(at(2)) if "noted" in line] == ["1:09 noted what=cause text=no agent by=boss"]
    assert "1:06 claimed by=paolo until_ms=10:06 have=2" in hall.people(at(2))


def test_when_they_come_apart_again_everybody_is_on_what_they_had_claimed() -> None:
    hall = joined()
    hall.tell(seen("x", "seen", at(1.2), COLLEAGUE, retracts="r1"), seen("r2", "reset", at(0.6), received_ms=at(1.3)))
    first, second = sorted(hall.watch.living, key=lambda each: each.opened_ms)
    assert (coming(first), coming(second)) == (["marta"], ["paolo"])
    assert hall.people(at(1.3))[3:] == ["1:18 claim-lapsed by=paolo"], "nothing that was told of the second is news"


def test_a_claim_that_is_heard_of_late_is_told_and_counts() -> None:
    """The break room pressed first; its node's word came later."""
    hall = Hall(site(TWO))
    hall.claim(at(0.5), "marta", 9)
    room = Action(
        id="room", do="claim", moment=hall.moment.id, at_ms=at(0.4), by="room", promise_ms=9 * MINUTE, several=True
    )
    hall.watch.wake(at(1))
    hall.watch.receive([room], at(1))
    assert (coming(hall.moment), hall.moment.claimed_ms) == (["room", "marta"], at(0.5))
    assert hall.people(at(1)) == [
        "0:30 claimed by=marta until_ms=9:30 needs=2",
        "0:24 claimed by=room until_ms=9:24 have=2 needs=2",
    ]


# ------------------------------------------------------------------------------------------- the button of a break room


def on_it(*who: str) -> list[Claim]:
    """Those who came, ten seconds one after the other."""
    return [Claim(10_000 * number, name, None) for number, name in enumerate(who, 1)]


@pytest.mark.parametrize(
    ("coming", "needs", "saw", "at_s", "who"),
    [
        ([], 2, 0, 10, "Agents"),
        (["Marta"], 2, 0, 10, "Agents"),
        (["Agents"], 1, 1, 60, "Agents"),
        (["Agents"], 2, 0, 60, "Agents"),
        (["Agents"], 2, 1, 14.999, "Agents"),
        (["Agents"], 2, 1, 9, "Agents"),
        (["Agents"], 2, 1, 15, "Agents (2)"),
        (["Agents", "Agents (2)"], 2, 2, 60, "Agents (2)"),
        (["Agents", "Agents (2)"], 3, 2, 60, "Agents (3)"),
        (["Agents", "Agents (2)"], 3, 2, 24, "Agents (2)"),
        (["Agents", "Marta"], 3, 1, 60, "Agents"),
        (["Agents", "Marta"], 2, 2, 60, "Agents"),
        (["Agents (2)"], 2, 1, 60, "Agents"),
        (["Agents (2)", "Agents"], 3, 2, 60, "Agents (3)"),
    ],
)
def test_a_button_that_cannot_tell_people_apart_counts_nobody_twice(
    coming: list[str], needs: int, saw: int, at_s: float, who: str
) -> None:
    assert one_of_us("Agents", on_it(*coming), needs, saw=saw, at_ms=round(at_s * 1000)) == who


# ------------------------------------------------------------------------------------- repeats, and the end of the line


def test_a_page_is_repeated_until_somebody_claims_and_never_after_it_is_over() -> None:
    hall = Hall(site(REPEATED))
    hall.now(at(0.75))
    hall.claim(at(1.2), "marta", 1)
    hall.tell(seen("r1", "reset", at(3.5)))
    assert hall.pages(at(9)) == [
        "0:00 paged ticket-agents time-left",
        "0:30 paged ticket-agents repeat",
        "1:00 paged ticket-agents repeat",
        "1:30 page-skipped supervisors claimed",
        "1:30 page-skipped ticket-agents claimed",
        "2:12 paged supervisors claim-lapsed",
        "2:12 paged ticket-agents repeat",
        "2:42 paged ticket-agents repeat",
        "3:12 paged ticket-agents repeat",
        "3:12 paged supervisors repeat",
    ]
    late = next(line for line in hall.lines(at(9)) if line.startswith("2:12") and "ticket-agents" in line)
    assert "late_ms=" not in late, "it was held back by the claim, it is not late"


def test_a_hub_that_sleeps_repeats_once_and_says_how_late() -> None:
    hall = Hall(site(REPEATED))
    hall.watch.advance(at(1.3))
    assert [line for line in hall.lines(at(1.3)) if "repeat" in line] == [
        (
            "1:18 paged page=moment-1:repeat:0:1 step=0 group=ticket-agents reason=repeat left_ms=102000 late_ms=48000"
            " cancels=True"
        )
    ]


def test_a_later_page_to_the_same_group_takes_the_repeats_over() -> None:
    same = replace(
        CHECK_IN,
        pages=(
            PageStep(left_ms=3 * MINUTE, group="ticket-agents", repeat_ms=40 * SECOND),
            PageStep(left_ms=100 * SECOND, group="ticket-agents"),
        ),
    )
    assert Hall(site(same)).pages(at(9)) == [
        "0:00 paged ticket-agents time-left",
        "0:40 paged ticket-agents repeat",
        "1:20 paged ticket-agents time-left",
    ]


def test_one_page_at_a_time_to_a_group() -> None:
    both = replace(
        CHECK_IN,
        opens=("pressed",),
        pages=(PageStep(left_ms=3 * MINUTE, group="ticket-agents", repeat_ms=50 * SECOND),),
    )
    hall = Hall(site(both))
    hall.now(at(4, 1))
    hall.tell(seen("p2", "pressed", at(4, 7_500)))
    again = [line for line in hall.pages(at(4.5)) if line >= "4:"]
    assert again == ["4:10 paged ticket-agents still-waiting"], "the repeat at 4:10 would say it twice"
    assert hall.pages(at(5))[-1] == "5:00 paged ticket-agents repeat"


def test_a_repeat_outlives_a_restart() -> None:
    engine = Engine(site(REPEATED))
    engine.receive([seen("p1", "pressed", at(0))], at(0))
    engine = load(dump(engine))
    assert engine.next_deadline() == at(0.5)
    (event,) = engine.advance(at(0.5)).events
    assert (getattr(event, "reason", ""), engine.next_deadline()) == ("repeat", at(1))


def test_when_everybody_was_told_and_a_claim_lapses_the_last_group_is_told_again() -> None:
    hall = Hall()
    hall.now(at(2))
    hall.claim(at(2), "marta", 0.5)
    hall.claim(at(2.6), "marta", 0.2)
    hall.act("unclaim", at(2.7), "marta")
    assert hall.pages(at(9))[2:] == ["2:30 paged supervisors claim-lapsed", "2:42 paged supervisors claim-lapsed"]
    assert [line for line in hall.lines(at(9)) if "lapsed:2" in line] != []


def test_where_a_step_is_still_ahead_it_is_that_which_follows_a_lapse() -> None:
    hall = Hall()
    hall.claim(at(0.2), "marta", 0.5)
    assert hall.pages(at(2)) == ["0:00 paged ticket-agents time-left", "1:30 paged supervisors time-left"]


def test_where_nobody_is_paged_by_the_plan_nobody_is_at_the_end_of_the_line() -> None:
    hall = Hall(site(replace(CHECK_IN, pages=())))
    hall.claim(at(0.2), "marta", 0.5)
    assert hall.pages(at(2)) == []


def test_what_is_over_pages_nobody_when_a_claim_would_have_lapsed() -> None:
    hall = Hall()
    hall.now(at(2))
    hall.claim(at(2), "marta", 0.5)
    hall.tell(seen("r1", "reset", at(2.4)))
    assert len(hall.pages(at(9))) == 2


def test_a_claim_that_lapses_twice_by_what_is_learned_late_pages_once() -> None:
    hall = Hall()
    hall.now(at(2))
    hall.claim(at(2), "marta", 0.5)
    hall.now(at(2.6))
    hall.tell(Signal(id="p0", name="pressed", touchpoint="counter-a", at_ms=at(-1), received_ms=at(2.7), source="api"))
    assert [line for line in hall.pages(at(2.9)) if "claim-lapsed" in line] == ["2:30 paged supervisors claim-lapsed"]


def test_steps_due_while_a_backlog_is_awaited_are_not_slept_through() -> None:
    engine = Engine(site(CHECK_IN))
    engine.receive([seen("p1", "pressed", at(0), received_ms=at(1.4))], at(1.4), more=True)
    assert engine.next_deadline() == at(1.5), "the second step's time, not the backlog's end"
    engine.advance(at(1.5))
    assert engine.next_deadline() == at(1.4) + 10 * SECOND


def test_a_moment_that_turns_out_to_be_older_keeps_to_the_steps_of_the_plan_before() -> None:
    before = site(replace(CHECK_IN, pages=CHECK_IN.pages[:1]), version="before")
    hall = Trail(before)
    hall.tell(Replanned(plan=site(REPEATED, version="repeated"), at_ms=at(0)))
    hall.tell(seen("p1", "pressed", at(1)))
    hall.watch.wake(at(2.75))
    paged = [event.step for event in hall.watch.events if isinstance(event, Paged)]
    assert paged.count(1) == 1, "the second step, which is repeated"
    hall.tell(seen("p0", "pressed", at(-1), received_ms=at(2.8)))
    hall.watch.wake(at(9))
    late = [event for event in hall.watch.events if isinstance(event, Paged) and event.at_ms > at(2.8)]
    assert [event.reason for event in late if event.reason == "repeat"] == []


# --------------------------------------------------------------------------------------------------------- the auditor


def test_the_auditor_knows_of_repeats() -> None:
    repeated = ahead(fates={0: "sent", 1: "sent"}, repeat=(40_000, 0), wakes_ms=40_000)
    told = Told(frozenset({"ticket-agents", "supervisors"}))
    assert look(repeated, told).next == Next(40_000, 0, "ticket-agents")
    assert look(repeated, told, now_ms=43_000).findings == (
        Finding("undecided", "m1", "ticket-agents", "the page that is repeated"),
    )
    claimed = replace(repeated, moment=threat(claimed_ms=5_000, claimed_by="p7", claim_until_ms=60_000))
    assert look(claimed, told).next == Next(60_000, 0, "ticket-agents", lapses=True)
    assert look(replace(claimed, repeat=(70_000, 0)), told).next == Next(70_000, 0, "ticket-agents")
    for_good = replace(repeated, moment=threat(claimed_ms=5_000, claimed_by="p7"))
    assert (look(for_good, told).next, look(for_good, told).why) == (None, "claimed")
    sooner = ahead(repeat=(95_000, 0))
    assert look(sooner).next == Next(90_000, 1, "supervisors")


def test_the_auditor_asks_for_what_the_engine_says() -> None:
    engine = Engine(site(REPEATED))
    engine.receive([seen("p1", "pressed", at(0))], at(0))
    (found,) = engine.outlooks()
    told = Told(frozenset({"ticket-agents"}))
    assert audit(found, told, engine.plan, at(0), slack_ms=0, listen_only=False).next == Next(
        at(0.5), 0, "ticket-agents"
    )


def test_one_claim_needs_no_list() -> None:
    moment = Hall().claim(at(0.5), "marta", 1)
    assert moment.claims == ()
    assert moment.coming == (Claim(at(0.5), "marta", at(1.5)),)


# ------------------------------------------------------------------------------------------------- what makes no sense


@pytest.mark.parametrize(
    ("do", "by", "more", "words"),
    [
        ("unclaim", "marta", {}, None),
        ("unclaim", "paolo", {}, "somebody else"),
        ("unclaim", "boss", {"whose": "marta"}, None),
        ("unclaim", "boss", {"whose": "paolo"}, "somebody else"),
        ("hand-over", "marta", {"group": "supervisors"}, None),
        ("hand-over", "paolo", {"group": "supervisors"}, "somebody else"),
        ("hand-over", "marta", {}, "to a group"),
        ("hand-over", "marta", {"group": "supervisors", "person": "marta"}, "on it already"),
        ("hand-over", "boss", {"whose": "marta", "group": "supervisors", "person": "paolo"}, None),
    ],
)
def test_what_may_be_done_about_a_claim(do: ActionKind, by: str, more: dict[str, str], words: str | None) -> None:
    hall = Hall()
    action = Action(id="x", do=do, moment=hall.moment.id, at_ms=at(1), by=by, **more)  # type: ignore[arg-type]
    assert "nobody has claimed" in (hall.watch.engine.refuses(action) or "")
    hall.claim(at(0.5), "marta", 9)
    refused = hall.watch.engine.refuses(action)
    assert refused is None if words is None else words in (refused or "")
    hall.tell(seen("r1", "reset", at(2)))
    assert "has ended" in (hall.watch.engine.refuses(action) or "")


# ------------------------------------------------------------------------------------------------------------ the plan


def test_a_plan_says_how_many_are_needed_and_what_is_repeated(airport_toml: str) -> None:
    plain = parse_plan(airport_toml)
    one = parse_plan(airport_toml.replace("[expectations.check-in-wait]", "[expectations.check-in-wait]\nneeds = 1", 1))
    assert one.version == plain.version, "one is what every plan needs"
    text = airport_toml.replace("[expectations.check-in-wait]", "[expectations.check-in-wait]\nneeds = 2", 1)
    plan = parse_plan(text.replace('unless = "claimed"', 'unless = "claimed"\nrepeat = "60s"', 1))
    wait = plan.expectations["check-in-wait"]
    assert (wait.needs, [step.repeat_ms for step in wait.pages]) == (2, [UNSET, MINUTE])
    assert plan.version != plain.version
    words = describe(plan)
    assert "Supervisors are paged, unless 2 people have claimed it, and again every 1m until 2 people have" in words
    note = 'Note: after Supervisors nobody else is paged: repeat = "60s" in the last page goes on'
    assert (words.count(note), describe(plain).count(note)) == (1, 2)


def test_a_claim_says_whether_that_is_enough() -> None:
    hall = Hall(site(TWO))
    hall.claim(at(0.5), "marta", 9)
    hall.claim(at(0.6), "paolo", 9)
    made = [event for event in hall.watch.events if isinstance(event, Claimed)]
    assert [(each.have, each.needs, each.enough) for each in made] == [(1, 2, False), (2, 2, True)]
