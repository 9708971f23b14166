"""A touchpoint as its node sees it, and the site's time on the node."""

from __future__ import annotations

from math import inf

import pytest
from hypothesis import given
from hypothesis import strategies as st

from andgate.wire.codec import format_time
from andgate.wire.messages import EndedMoment, ExpectationConfig, LiveMoment, TouchpointMoments
from edge.clock import BorrowedClock, NodeClock, RealClock, node_clock
from edge.judge import Facts, Judge, slice_of
from edge.language import View
from edge.site_time import SiteTime
from edge.view import Effect, sign_state, wall
from tests.edge.conftest import HandClock, device, node_config

T0 = 1_795_000_000_000
"""Site time at node second 1000."""
BAGGAGE = ExpectationConfig(
    id="bags",
    touchpoints=["belt"],
    opens=["docked"],
    closes=["unloaded"],
    fails_after_s=1500,
    countdown_s=1320,
    key="flight",
)
WAIT = ExpectationConfig(
    id="wait", touchpoints=["belt"], opens=["pressed"], closes=["reset"], fails_after_s=180, countdown_s=180
)

PLACE = node_config(expectations=[BAGGAGE, WAIT], it=device("done-button", "belt", button=5))


def known() -> SiteTime:
    time = SiteTime("boot")
    time.learn(T0, 1000, 1000)
    return time


def live(key: str | None, opened_s: float, **more: str | None) -> LiveMoment:
    def at(seconds: float) -> str:
        return format_time(T0 + round((seconds - 1000) * 1000))

    times: dict[str, str | None] = {"failing": None, "threatened": None, "claimed": None, "level": "open", **more}
    return LiveMoment(
        id=str(key), expectation="bags", state="open", key=key, opened=at(opened_s), counts_to=at(opened_s + 1320),
        deadline=at(opened_s + 1500), claimed_by=None, verdict=None, saved=False, change=1, **times,  # type: ignore[arg-type]
    )  # fmt: skip


def said(*moments: LiveMoment, ended: EndedMoment | None = None) -> TouchpointMoments:
    at = format_time(T0)
    return (
        TouchpointMoments(at=at, moments=list(moments))
        if ended is None
        else TouchpointMoments(at=at, moments=list(moments), ended=ended)
    )


def effect(signal: str, at_s: float, key: str | None = None) -> Effect:
    return Effect("boot", round(at_s * 10), "belt", "it", signal, key, at_s, pressed=True)


def seen(what: TouchpointMoments | None, *effects: Effect, time: SiteTime | None = None) -> View:
    judge = Judge("n", slice_of("n", PLACE), "belt", time or known())
    judge.begin(Facts(said=what, effects=effects), max([1000.0, *(it.at_s for it in effects)]), alone=False)
    return judge.view


def text(it: View, now_s: float, counts: str = "countdown", rate: float = 1.0) -> list[str]:
    return [f"{flight.label} {flight.time}" for flight in sign_state(it, counts, now_s, rate, link=True).flights]


def test_the_hubs_moments_stand_on_the_nodes_clock() -> None:
    it = seen(said(live("AG1/d", 900)))
    assert it.moments[0].opened_s == pytest.approx(900)
    assert text(it, 1000) == ["AG1 20:20"]
    assert text(it, 1000, "promise") == ["AG1 23:20"]
    assert text(it, 2220 + 72) == ["AG1 +1:12"]
    assert text(it, 900, rate=60.0)[0] == "AG1 1320:00"


def test_a_lost_clock_shows_no_guess_but_knows_the_level() -> None:
    time = SiteTime("boot")
    it = seen(said(live("AG1/d", 900, threatened=format_time(T0), level="failing")), time=time)
    assert text(it, 1000) == ["AG1 --:--"]
    assert (it.moments[0].threatened_s, it.moments[0].failing_s, it.moments[0].deadline_s) == (-inf, -inf, inf)


def test_a_countdown_on_the_spot_runs_even_without_a_clock() -> None:
    it = seen(None, effect("docked", 1000, "SPOT-N1/boot"), time=SiteTime("boot"))
    assert text(it, 1001) == ["SPOT-N1 21:59"]


def test_an_opening_again_changes_nothing_and_one_without_its_key_opens_nothing() -> None:
    assert len(seen(said(live("AG1/d", 900)), effect("docked", 1000, "AG1/d")).moments) == 1
    assert seen(None, effect("docked", 1000)).moments == ()
    assert len(seen(None, effect("pressed", 1000, "ignored"), effect("pressed", 1001)).moments) == 1


def test_done_closes_its_key_or_the_nearest() -> None:
    both = said(live("AG1/d", 900), live("AG2/d", 950))
    assert text(seen(both, effect("unloaded", 1000, "AG2/d")), 1000) == ["AG1 20:20"]
    nearest = seen(both, effect("unloaded", 1000))
    assert text(nearest, 1000) == ["AG2 21:10"]
    assert nearest.ended is not None
    assert (nearest.ended.key, nearest.ended.verdict) == ("AG1/d", "success")
    late = seen(both, effect("unloaded", 2401, "AG1/d"))
    assert late.ended is not None
    assert late.ended.verdict == "failure"
    assert seen(said(), effect("unloaded", 1000, "AG9/d")).ended is None
    done = sign_state(nearest, "countdown", 1029, 1.0, link=True).done
    assert done is not None
    assert (done.label, done.clock, done.kept) == ("AG1", wall(T0, "UTC")[11:], True)
    assert sign_state(nearest, "countdown", 1031, 1.0, link=True).done is None


def test_what_ended_is_shown_and_what_is_void_is_not() -> None:
    ended = EndedMoment(
        id="x",
        expectation="bags",
        key="AG1/d",
        verdict="success",
        saved=True,
        at=format_time(T0),
        counts_to="",
        deadline="",
    )
    it = seen(said(ended=ended))
    assert it.ended is not None
    assert it.ended.saved
    assert sign_state(it, "countdown", 1010, 1.0, link=True).done is not None
    void = EndedMoment(
        id="x",
        expectation="bags",
        key="AG1/d",
        verdict="void",
        saved=False,
        at=format_time(T0),
        counts_to="",
        deadline="",
    )
    assert sign_state(seen(said(ended=void)), "countdown", 1010, 1.0, link=True).done is None


def test_the_wall_clock_is_the_places() -> None:
    assert wall(T0, "Europe/Rome") != wall(T0, "UTC")
    assert wall(T0, "Atlantis/Sunk") == wall(T0, "UTC")


@given(st.lists(st.tuples(st.floats(0, 2), st.floats(0, 2)), min_size=1, max_size=20))
def test_the_offset_is_never_farther_off_than_half_the_quickest_exchange(exchanges: list[tuple[float, float]]) -> None:
    time, now_s = SiteTime("boot"), 0.0
    best = inf
    for there_s, back_s in exchanges:
        now_s += 10
        asked, answered = now_s, now_s + there_s + back_s
        time.learn(round(T0 + (asked + there_s) * 1000), asked, answered)
        best = min(best, there_s + back_s)
    site_ms = time.ms(now_s)
    assert site_ms is not None
    assert abs(site_ms - (T0 + now_s * 1000)) <= best / 2 * 1000 + 3


def test_a_hub_that_moved_its_clock_is_believed() -> None:
    time = known()
    assert not time.learn(T0 + 10_020, 1010, 1010.04)
    assert time.learn(T0 + 60_000, 1020, 1020.1)
    assert time.ms(1020.05) == T0 + 60_000


def test_the_offset_is_kept_for_its_own_boot_only() -> None:
    kept = known().dump()
    for boot, expected in (("boot", T0), ("another", None)):
        time = SiteTime(boot)
        time.load(kept)
        assert time.ms(1000) == expected
    for rubbish in (None, b"{", b"null", b'{"boot_id":7}'):
        time = SiteTime("boot")
        time.load(rubbish)
        assert time.ms(0) is None


def test_a_synchronised_clock_will_do_until_the_hub_has_spoken() -> None:
    time = SiteTime("boot")
    time.guess(T0, 1000)
    time.guess(T0 + 5, 1000)
    assert time.ms(1000) == T0 + 5
    time.learn(T0 + 500, 1000, 1000.01)
    time.guess(T0, 1000)
    assert time.ms(1000.005) == T0 + 500


def test_a_demo_hub_tells_its_rate() -> None:
    time = SiteTime("boot")
    time.learn(T0, 1000, 1000, 60.0)
    assert time.ms(1001) == T0 + 60_000
    lent = SiteTime("boot", pace=60.0)  # our own clock runs as fast
    lent.learn(T0, 1000, 1000, 60.0)
    assert lent.ms(1001) == T0 + 1000


def test_clocks() -> None:
    real = node_clock(None)
    assert isinstance(real, RealClock)
    assert real.now_ms() <= real.now_ms()
    assert real.boot_id
    assert real.synced() in (True, False)
    assert real.real_s(2) == 2
    hand = HandClock()
    assert node_clock(hand) is hand

    class Plain:
        def now_ms(self) -> int:
            return 5

        def mono_s(self) -> float:
            return 6.0

        def real_s(self, site_s: float) -> float:
            return site_s / 2

    lent: NodeClock = node_clock(Plain())
    assert isinstance(lent, BorrowedClock)
    assert (lent.now_ms(), lent.mono_s(), lent.real_s(4), lent.synced()) == (5, 6.0, 2, True)
    assert lent.boot_id != BorrowedClock(Plain()).boot_id
