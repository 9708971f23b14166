"""What the trail of a moment tells, to the word: each event with its time, its signal, its witness, its person."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
from msgspec.structs import replace

from andgate.moment.events import AnyEvent
from andgate.moment.signals import Action, ActionKind, Input, Replanned, Signal
from andgate.plan import Plan
from tests.library.days import BAGGAGE, CHECK_IN, CONTRACT, MINUTE, NOON, SECOND, at, site
from tests.library.watch import Watch

AGENT = "desk-a1/mot"
COLLEAGUE = "desk-a2/mot"
BEAM = "mark-a/mark"
DRIVE = "belt-3/drive"
DONE = "belt-3/done"
FLIGHT = "AG1234/2026-11-21"


def seen(identity: str, name: str, at_ms: int, by: str = AGENT, **more: object) -> Signal:
    """Make a signal; without another word it is heard of at once."""
    device = CONTRACT.devices.get(by)
    known = {
        "touchpoint": device.touchpoint if device else "belt-3",
        "received_ms": at_ms,
        "source": by.partition("/")[0],
        "device": by if device else "",
    }
    return Signal(id=identity, name=name, at_ms=at_ms, **{**known, **more})  # type: ignore[arg-type]


class Trail:
    """An engine that is told what happens, and the trail it leaves."""

    def __init__(self, plan: Plan = CONTRACT) -> None:
        self.watch = Watch.over(plan)

    def tell(self, *inputs: Input) -> None:
        """Tell everything at the time at which it is heard of."""
        for each in inputs:
            self.watch.wake(_heard_ms(each))
            self.watch.receive([each], _heard_ms(each))

    def does(self, do: ActionKind, at_ms: int, reason: str | None = None, promise_ms: int | None = None) -> None:
        """Let Marta do something about the newest moment."""
        moment = max(self.watch.living, key=lambda each: each.opened_ms)
        self.tell(
            Action(id=f"a/{do}", do=do, moment=moment.id, at_ms=at_ms, by="marta", reason=reason, promise_ms=promise_ms)
        )

    def lines(self, until_ms: int, without: Sequence[str] = ()) -> list[str]:
        """Return what the trail says by then, an event a line."""
        self.watch.wake(until_ms)
        names: dict[str, str] = {}
        for each in self.watch.published:
            names.setdefault(each.id, f"moment-{len(names) + 1}")
        return [line for line in (_line(event, names) for event in self.watch.events) if line.split()[1] not in without]


def _heard_ms(each: Input) -> int:
    return each.received_ms if isinstance(each, Signal) else each.at_ms


def _line(event: AnyEvent, names: dict[str, str]) -> str:
    told = msgspec.to_builtins(event)
    words = [_clock(told.pop("at_ms")), told.pop("event")]
    moment = names[told.pop("moment")]
    words += [] if moment == "moment-1" else [moment]
    for field, value in told.items():
        said = _clock(value) if field in ("until_ms", "from_ms", "to_ms") and value is not None else value
        for identity, name in names.items():
            said = said.replace(identity, name) if isinstance(said, str) else said
        words.append(f"{field}={_instants(said) if isinstance(said, dict) else said}")
    return " ".join(words)


def _instants(values: dict[str, object]) -> dict[str, object]:
    return {
        name: _clock(value) if isinstance(value, int) and value >= NOON else value for name, value in values.items()
    }


def _clock(at_ms: int) -> str:
    seconds, ms = divmod(at_ms - NOON, 1_000)
    return f"{seconds // 60}:{seconds % 60:02}" + (f".{ms:03}" if ms else "")


PAGES = ("paged", "page-skipped", "stood-down")


# ---- One moment, told by its signals


def test_a_line_saved_after_two_presses_two_pages_and_the_last_third() -> None:
    trail = Trail()
    trail.tell(seen("p1", "pressed", at(0)), seen("p2", "pressed", at(0.5), COLLEAGUE), seen("r1", "reset", at(2.5)))
    assert trail.lines(at(9)) == [
        "0:00 opened signal=p1 witness=desk-a1/mot",
        "0:00 threatened",
        "0:00 paged page=moment-1:0 step=0 group=ticket-agents reason=time-left left_ms=180000",
        "0:30 witnessed signal=p2 witness=desk-a2/mot",
        "1:30 paged page=moment-1:1 step=1 group=supervisors reason=time-left left_ms=90000 cancels=True",
        "2:00 failing",
        "2:30 saved signal=r1",
        "2:30 stood-down groups=('ticket-agents', 'supervisors')",
    ]


def test_a_line_that_failed_is_still_waiting_and_closed_late() -> None:
    trail = Trail()
    trail.tell(seen("p1", "pressed", at(0)), seen("p2", "pressed", at(4), COLLEAGUE), seen("r1", "reset", at(5)))
    assert trail.lines(at(9))[5:] == [
        "3:00 failed",
        "4:00 witnessed signal=p2 witness=desk-a2/mot",
        (
            "4:02.500 paged page=moment-1:again:p2 step=0 group=ticket-agents reason=still-waiting left_ms=-62500"
            " cancels=True"
        ),
        "5:00 closed signal=r1 late_s=120.0",
        "5:00 stood-down groups=('ticket-agents', 'supervisors')",
    ]


def test_what_nobody_closes_is_given_up_an_hour_after_its_deadline() -> None:
    trail = Trail()
    trail.tell(seen("p1", "pressed", at(0)))
    assert trail.lines(at(99), PAGES)[2:] == ["2:00 failing", "3:00 failed", "63:00 gave-up"]


def test_a_flight_threatened_by_a_jam_moved_and_cancelled() -> None:
    trail = Trail()
    trail.tell(
        seen("d1", "docked", at(0), "ops", key=FLIGHT),
        seen("j1", "jammed", at(2), DRIVE),
        seen("m1", "moved", at(3), "ops", key=FLIGHT, to="belt-4"),
        seen("c1", "cancelled", at(4), "ops", key=FLIGHT, touchpoint="belt-4"),
    )
    assert trail.lines(at(5), PAGES) == [
        "0:00 opened signal=d1 witness=ops",
        "2:00 threatened signal=j1",
        "3:00 moved signal=m1 to=belt-4",
        "4:00 voided reason=cancelled signal=c1",
    ]


def test_a_lost_bag_fails_its_flight_at_once() -> None:
    trail = Trail()
    trail.tell(
        seen("d1", "docked", at(0), "ops", key=FLIGHT),
        seen("l1", "lost", at(2), "ops", key=FLIGHT),
        seen("u1", "unloaded", at(3), DONE),
    )
    assert trail.lines(at(5), PAGES) == [
        "0:00 opened signal=d1 witness=ops",
        "2:00 failed signal=l1",
        "3:00 closed signal=u1 late_s=60.0",
    ]


def test_a_lost_bag_of_a_flight_that_nobody_awaits_opens_and_fails_one() -> None:
    trail = Trail()
    trail.tell(seen("l1", "lost", at(2), "ops", key=FLIGHT))
    assert trail.lines(at(5)) == [
        "2:00 opened signal=l1 witness=ops",
        "2:00 failed signal=l1",
        "2:00 paged page=moment-1:0 step=0 group=supervisors reason=time-left left_ms=0",
    ]


def test_a_flight_unloaded_before_any_threat_is_kept() -> None:
    trail = Trail()
    trail.tell(seen("d1", "docked", at(0), "ops", key=FLIGHT), seen("u1", "unloaded", at(3), DONE))
    assert trail.lines(at(5)) == ["0:00 opened signal=d1 witness=ops", "3:00 kept signal=u1"]


def test_a_line_that_goes_on_after_its_reset_goes_up_the_ladder_as_planned() -> None:
    trail = Trail(site(replace(CHECK_IN, rejoins_within_ms=MINUTE)))
    trail.tell(seen("p1", "pressed", at(0)), seen("r1", "reset", at(1)), seen("p2", "pressed", at(1.5), COLLEAGUE))
    assert trail.lines(at(1.9))[3:] == [
        "1:00 saved signal=r1",
        "1:00 stood-down groups=('ticket-agents',)",
        "1:30 rejoined signal=p2 witness=desk-a2/mot",
        "1:30 paged page=moment-1:1 step=1 group=supervisors reason=time-left left_ms=90000 cancels=True",
    ]


def test_where_no_step_is_left_the_last_group_is_told_that_it_is_open_again_each_time() -> None:
    trail = Trail(site(replace(CHECK_IN, rejoins_within_ms=MINUTE, pages=CHECK_IN.pages[:1])))
    for minute in (0, 1, 2):
        trail.tell(seen(f"p{minute}", "pressed", at(minute)), seen(f"r{minute}", "reset", at(minute + 0.5)))
    assert [line for line in trail.lines(at(2.9)) if "paged" in line][1:] == [
        "1:00 paged page=moment-1:reopened:1 step=0 group=ticket-agents reason=reopened left_ms=120000",
        "2:00 paged page=moment-1:reopened:2 step=0 group=ticket-agents reason=reopened left_ms=60000",
    ]


# ---- What persons do


def test_a_claim_tells_who_is_on_it_until_when_and_that_it_lapsed() -> None:
    trail = Trail()
    trail.tell(seen("p1", "pressed", at(0)))
    trail.does("claim", at(0.5), promise_ms=MINUTE)
    assert trail.lines(at(1.8))[3:] == [
        "0:30 claimed by=marta until_ms=1:30",
        "1:30 claim-lapsed by=marta",
        "1:30 paged page=moment-1:1 step=1 group=supervisors reason=time-left left_ms=90000 cancels=True",
    ]


def test_a_claim_given_back_a_cause_and_a_remedy_are_told_with_who_said_so() -> None:
    trail = Trail()
    trail.tell(seen("p1", "pressed", at(0)))
    trail.does("claim", at(0.5))
    trail.does("unclaim", at(1))
    trail.does("cause", at(1.1), "no agent")
    trail.does("remedy", at(1.2), "apologised")
    assert trail.lines(at(1.8), PAGES)[2:] == [
        "0:30 claimed by=marta until_ms=3:00",
        "1:00 unclaimed by=marta",
        "1:06 noted what=cause text=no agent by=marta",
        "1:12 noted what=remedy text=apologised by=marta",
    ]


def test_a_refused_reset_and_the_person_who_overrode_it() -> None:
    trail = Trail()
    trail.tell(seen("m1", "reached", at(0), BEAM), seen("r1", "reset", at(1)))
    trail.does("reset", at(2), "the beam is stuck")
    assert trail.lines(at(3), PAGES)[2:] == [
        "1:00 refused signal=r1 witness=desk-a1/mot held_by=('mark-a/mark',)",
        "2:00 failing",
        "2:00 overridden by=marta reason=the beam is stuck",
        "2:00 saved signal=a/reset",
    ]


def test_a_void_names_the_person_and_the_reason_or_says_void() -> None:
    trail = Trail()
    trail.tell(seen("p1", "pressed", at(0)))
    trail.does("void", at(1), "a child")
    assert trail.lines(at(1.6), PAGES)[2:] == ["1:00 voided reason=a child by=marta"]
    silent = Trail()
    silent.tell(seen("p1", "pressed", at(0)))
    silent.does("void", at(1))
    assert silent.lines(at(1.6), PAGES)[2:] == ["1:00 voided reason=void by=marta"]


def test_another_plan_voids_what_it_drops_and_says_so() -> None:
    trail = Trail()
    trail.tell(seen("p1", "pressed", at(0)), Replanned(plan=site(BAGGAGE, version="second"), at_ms=at(1)))
    assert trail.lines(at(9), PAGES)[2:] == ["1:00 voided reason=plan changed"]


# ---- What is learned late


def test_a_press_that_the_sensor_contradicts_is_asked_about_and_void_and_those_paged_hear_of_it() -> None:
    trail = Trail(site(replace(CHECK_IN, contradicted_after_ms=30 * SECOND)))
    trail.tell(seen("c0", "cleared", at(-1), BEAM), seen("p1", "pressed", at(0)))
    assert trail.lines(at(9))[3:] == [
        "0:30 contradicted until_ms=1:00",
        "1:00 voided reason=contradicted",
        "1:00 stood-down groups=('ticket-agents',)",
    ]


def test_a_verdict_names_the_sensor_that_was_blind_and_why_until_it_is_confirmed() -> None:
    trail = Trail()
    trail.tell(
        seen("p1", "pressed", at(0)),
        seen("b1", "blind", at(1), BEAM, value="lost"),
        seen("r1", "reset", at(1.5)),
        seen("w1", "watched", at(2), BEAM, retracts="b1"),
    )
    assert trail.lines(at(9), PAGES)[2:] == [
        "1:30 saved signal=r1",
        "1:30 doubted device=mark-a/mark why=lost from_ms=1:00",
        "1:30 confirmed because=mark-a/mark was cut off, but had watched all along",
    ]


def test_a_blindness_that_is_over_by_then_tells_until_when_it_lasted() -> None:
    trail = Trail()
    trail.tell(
        seen("p1", "pressed", at(0)),
        seen("b1", "blind", at(1), BEAM, value=7),
        seen("s1", "sighted", at(1.2), BEAM),
        seen("r1", "reset", at(1.1), received_ms=at(1.4)),
    )
    assert trail.lines(at(9), PAGES)[2:] == [
        "1:06 saved signal=r1",
        "1:06 doubted device=mark-a/mark from_ms=1:00 to_ms=1:12",
    ]


def test_a_late_reset_revises_a_failure_with_what_was_and_what_is() -> None:
    trail = Trail()
    trail.tell(seen("p1", "pressed", at(0)), seen("r1", "reset", at(2), received_ms=at(8)))
    assert trail.lines(at(9), PAGES)[2:] == [
        "2:00 failing",
        "3:00 failed",
        "2:00 saved signal=r1",
        (
            "8:00 revised changed=('verdict', 'saved') was={'verdict': 'failure', 'saved': False}"
            " now={'verdict': 'success', 'saved': True} because=late: desk-a1/mot reset"
        ),
    ]


def test_two_that_were_one_the_later_is_withdrawn_and_its_void_is_asked_about() -> None:
    trail = Trail()
    trail.tell(seen("p1", "pressed", at(0)), seen("r1", "reset", at(1)), seen("p2", "pressed", at(1.2), COLLEAGUE))
    trail.does("void", at(1.3), "drill")
    trail.tell(seen("x", "running", at(1.4), COLLEAGUE, retracts="r1"))
    assert trail.lines(at(1.45), PAGES)[5:] == [
        "1:18 voided moment-2 reason=drill by=marta",
        "1:24 withdrawn moment-2 into=moment-1",
        "1:24 asked-void joined=moment-2 by=marta reason=drill",
        "1:12 witnessed signal=p2 witness=desk-a2/mot",
        (
            "1:24 revised changed=('ended_ms', 'verdict', 'saved') was={'ended_ms': '1:00', 'verdict': 'success',"
            " 'saved': True} now={'ended_ms': None, 'verdict': None, 'saved': False}"
            " because=taken back: desk-a1/mot reset, by desk-a2/mot"
        ),
    ]


def test_a_press_that_began_a_reset_is_withdrawn_and_those_paged_hear_of_it() -> None:
    trail = Trail()
    trail.tell(seen("p1", "pressed", at(0)), seen("r1", "reset", at(0, 2 * SECOND), retracts="p1"))
    assert trail.lines(at(9))[3:] == ["0:02 withdrawn", "0:02 stood-down groups=('ticket-agents',)"]
