"""What keeps pages back, and what follows when it ends: mutes, a fire alarm, training, listening only."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from andgate.errors import RefusedError
from andgate.moment.signals import Muted, Trained, Unmuted, Untrained
from andgate.plan.quiet import Scope
from hub.clock import HandClock
from hub.evidence.rejudge import rejudge
from hub.evidence.verify import verify
from hub.quiet import View
from hub.store.hushes import listened
from tests.hub.crew import Office, shifts
from tests.hub.desk import PLAN, START_MS, WAIT_S, Desk, as_killed, node_signal

MINUTE_MS = 60_000
HOUR_MS = 60 * MINUTE_MS
TECHNICIANS = PLAN.replace('timezone = "Europe/Rome"\n', 'timezone = "Europe/Rome"\ntechnicians = "supervisors"\n')
FIRE = """
[touchpoints.fire-panel]
name = "Fire panel"
group = "supervisors"
suspends = "site"
suspends_at_most = "10m"
[nodes.gatehouse.devices.alarm]
touchpoint = "fire-panel"
kind = "belt-sensor"
pin = 23
signals = { on = "suspended", off = "resumed" }
"""
NIGHT = """
[mutes.night-cleaning]
reason = "Nightly cleaning"
owner = "Facility management"
touchpoints = ["counter-a"]
from = "12:00"
to = "12:15"
"""
TRAINS = PLAN.replace(
    '[nodes.desk-a1.devices.mot]\nkind = "mot-button"',
    '[nodes.desk-a1.devices.mot]\ntraining = true\ntrainer = "supervisors"\nkind = "mot-button"',
)
OFTEN = PLAN.replace('unless = "claimed"\n', "")


def mute(desk: Desk, *, minutes: float = 30, id: str = "m1", begin_ms: int | None = None, **more: Any) -> View:
    now_ms = desk.clock.now_ms()
    begin_ms = now_ms if begin_ms is None else begin_ms
    asked = Muted(
        id=id,
        at_ms=now_ms,
        by="Ines",
        owner=more.pop("owner", "Ines"),
        reason=more.pop("reason", "Floor is being washed"),
        begin_ms=begin_ms,
        end_ms=begin_ms + round(minutes * MINUTE_MS),
        faults=more.pop("faults", False),
        scope=Scope(**more),
    )
    return desk.driver.hush(asked).result(WAIT_S)


def unmute(desk: Desk, id: str = "m1") -> View:
    return desk.driver.hush(Unmuted(mute=id, at_ms=desk.clock.now_ms(), by="Otto")).result(WAIT_S)


def train(desk: Desk, who: str = "desk-a1", trainer: str = "supervisors", *, minutes: int = 60) -> View:
    now_ms = desk.clock.now_ms()
    asked = Trained(id="t1", at_ms=now_ms, by="Ines", who=who, trainer=trainer, until_ms=now_ms + minutes * MINUTE_MS)
    return desk.driver.hush(asked).result(WAIT_S)


def fates(desk: Desk, **wanted: Any) -> list[tuple[str, str, str, str]]:
    return [(row.group, row.kind, row.state, row.note) for row in desk.pages(**wanted) if row.channel]


def alarm(desk: Desk, seq: int, word: str, **more: Any) -> None:
    payload = json.dumps({"device": "alarm", "signal": word, "seq": seq, "boot": "g1", "mono": 50.0 + seq, **more})
    desk.node(payload.encode(), "gatehouse")


def sound(desk: Desk, data: Path) -> None:
    """The journal says all that the tables say, and judges the same again."""
    found = verify(data / "andgate.db")
    assert found.sound(witnessed=False), [found.broken, *map(str, found.differences)]
    assert rejudge(data / "andgate.db").first is None


# --------------------------------------------------------------------------------------------------------- mutes


def test_a_mute_keeps_pages_back_and_judges_all_the_same(desk: Desk, tmp_path: Path) -> None:
    view = mute(desk, touchpoints=("counter-a",))
    assert [(each.owner, each.reason) for each in view.mutes] == [("Ines", "Floor is being washed")]
    desk.node(node_signal(1))
    (row,) = desk.pages()
    assert (row.state, row.group) == ("muted", "ticket-agents")
    assert row.note == "muted until 12:36 (Ines): Floor is being washed"
    desk.pass_ms(4 * MINUTE_MS)
    assert desk.only().verdict == "failure"
    assert [fate[2] for fate in fates(desk)] == ["muted", "muted"]
    sound(desk, tmp_path / "data")


def test_at_its_end_the_present_state_is_paged_once_to_whoever_was_kept_from_it(desk: Desk, tmp_path: Path) -> None:
    mute(desk, minutes=2, touchpoints=("counter-a",))
    desk.node(node_signal(1))
    desk.pass_ms(100_000)  # both steps were due
    assert [fate[2] for fate in fates(desk)] == ["muted", "muted"]
    desk.pass_ms(20_000)
    paged = desk.pages(state="queued")
    assert [(row.group, row.reason) for row in paged] == [
        ("ticket-agents", "it was quiet until now"),
        ("supervisors", "it was quiet until now"),
    ]
    assert paged[0].text.startswith("Check-in counter A: 1:00 left until 12:09. It was quiet until now.")
    assert paged[0].left_s == pytest.approx(60.0)
    desk.pass_ms(30_000)
    assert len(desk.pages(state="queued")) == 2
    assert not desk.driver.quiet.mutes
    sound(desk, tmp_path / "data")


def test_what_moves_to_a_place_that_is_not_muted_is_paged_there_at_once(
    make_desk: Callable[..., Desk], tmp_path: Path
) -> None:
    belt = '[touchpoints.belt-4]\nname = "Baggage belt 4"\ngroup = "supervisors"\n[touchpoints.belt-3]'
    plan = PLAN.replace("[touchpoints.belt-3]", belt).replace('["belt-3"]', '["belt-3", "belt-4"]')
    desk = make_desk(plan=plan)
    desk.post("d1", "docked", key="AG1/2026-11-21")
    desk.pass_ms(16 * MINUTE_MS)
    mute(desk, touchpoints=("belt-3",))
    desk.pass_ms(2 * MINUTE_MS)
    assert [fate[2] for fate in fates(desk)] == ["muted"]
    desk.post("m1", "moved", key="AG1/2026-11-21", to="belt-4")
    desk.sync()
    assert [(row.group, row.touchpoint, row.reason) for row in desk.pages(state="queued")] == [
        ("supervisors", "belt-4", "it was quiet until now")
    ]
    desk.stop()
    again = make_desk(plan=plan, clock=desk.clock)
    again.sync()
    assert len(again.pages(state="queued")) == 1
    sound(again, tmp_path / "data")


def test_of_one_that_comes_again_each_time_is_ended_once(make_desk: Callable[..., Desk]) -> None:
    desk = make_desk(plan=PLAN + NIGHT)
    ended = []
    for _ in range(3):
        (mute,) = desk.driver.quiet.mutes
        ended.append(mute.begin_ms)
        unmute(desk, mute.id)
        with pytest.raises(RefusedError, match="no such mute"):
            unmute(desk, mute.id)
    assert len(set(ended)) == len(ended)


def test_ended_early_by_anyone_with_the_right(desk: Desk) -> None:
    mute(desk)
    desk.node(node_signal(1))
    assert not unmute(desk).mutes
    assert [row.group for row in desk.pages(state="queued")] == ["ticket-agents"]
    with pytest.raises(RefusedError, match="no such mute"):
        unmute(desk)


def test_whoever_is_on_it_is_not_paged_when_a_mute_ends(desk: Desk, tmp_path: Path) -> None:
    mute(desk, minutes=2)
    desk.node(node_signal(1))
    desk.pass_ms(100_000)
    desk.act("claim", desk.only().id)
    desk.pass_ms(20_000)
    assert [row.group for row in desk.pages(state="queued")] == ["ticket-agents"]  # their step goes whoever is on it
    sound(desk, tmp_path / "data")


def test_what_ended_meanwhile_pages_nobody_nor_says_that_it_is_over(desk: Desk) -> None:
    mute(desk, minutes=2)
    desk.node(node_signal(1))
    desk.node(node_signal(2, "reset", press=1))
    desk.pass_ms(3 * MINUTE_MS)
    assert not desk.pages(state="queued")
    assert not desk.pages(state="sent")


def test_whoever_was_kept_from_the_first_page_and_got_a_later_one_hears_that_it_is_over(
    make_desk: Callable[..., Desk],
) -> None:
    desk = make_desk(plan=shifts())
    ada = Office(desk.driver.people).hire("Ada")
    mute(desk, minutes=1)
    desk.node(node_signal(1))
    desk.pass_ms(MINUTE_MS)
    assert [row.state for row in desk.pages(person=ada)] == ["muted", "queued"]
    desk.node(node_signal(2, "reset", press=1))
    assert [row.state for row in desk.pages(person=ada, kind="over")] == ["queued"]


def test_a_step_due_later_than_its_end_goes_by_itself_and_nothing_twice(desk: Desk) -> None:
    mute(desk, minutes=1)
    desk.node(node_signal(1))
    desk.pass_ms(MINUTE_MS)
    desk.pass_ms(MINUTE_MS)
    assert [row.group for row in desk.pages(state="queued")] == ["ticket-agents", "supervisors"]


def test_one_may_end_while_another_still_holds(desk: Desk) -> None:
    mute(desk, minutes=1, id="m1")
    mute(desk, minutes=2, id="m2", groups=("ticket-agents",))
    desk.node(node_signal(1))
    desk.pass_ms(MINUTE_MS)
    assert not desk.pages(state="queued")
    desk.pass_ms(MINUTE_MS)
    assert [row.reason for row in desk.pages(state="queued", group="ticket-agents")] == ["it was quiet until now"]


def test_what_waits_on_a_slow_channel_is_kept_back_too(desk: Desk) -> None:
    desk.node(node_signal(1))
    (row,) = desk.pages(state="queued")
    mute(desk)
    assert desk.pages()[0].state == "muted"
    assert any(row.id in commit.cancelled for commit in desk.commits)


@pytest.mark.parametrize(
    ("scope", "kept"),
    [
        ({}, True),
        ({"areas": ("Terminal 1",)}, True),
        ({"touchpoints": ("belt-3",)}, False),
        ({"expectations": ("check-in-wait",)}, True),
        ({"groups": ("supervisors",)}, False),
        ({"groups": ("ticket-agents",), "touchpoints": ("belt-3",)}, False),
    ],
)
def test_a_mute_is_about_what_it_names(desk: Desk, scope: dict[str, Any], kept: bool) -> None:
    mute(desk, **scope)
    desk.node(node_signal(1))
    assert (desk.pages()[0].state == "muted") is kept


def test_a_mute_has_an_end_a_limit_and_something_to_mute(desk: Desk) -> None:
    for wrong, words in (
        ({"minutes": 8 * 60 + 1}, "8 hours at most"),
        ({"minutes": 0}, "ends later than now"),
        ({"minutes": -5}, "ends later than now"),
        ({"begin_ms": START_MS + 15 * 24 * HOUR_MS}, "in more than 14 days"),
        ({"touchpoints": ("counter-z",)}, 'no touchpoint "counter-z"'),
        ({"areas": ("Terminal 9",)}, 'no area "Terminal 9"'),
        ({"expectations": ("x",)}, 'no expectation "x"'),
        ({"groups": ("x",)}, 'no group "x"'),
    ):
        with pytest.raises(RefusedError, match=words):
            mute(desk, **wrong)
    assert not desk.driver.quiet.mutes


def test_the_end_of_a_mute_that_fell_into_a_stop_is_caught_up_with(
    make_desk: Callable[..., Desk], clock: HandClock, tmp_path: Path
) -> None:
    desk = make_desk()
    mute(desk, minutes=2)
    desk.node(node_signal(1))
    copy = as_killed(tmp_path / "data", tmp_path / "copy")
    clock.advance(2 * MINUTE_MS + 1)
    again = make_desk(data=copy)
    assert {row.group for row in again.pages(state="queued")} == {"ticket-agents", "supervisors"}
    sound(again, copy)


def test_a_mute_outlives_a_restart(make_desk: Callable[..., Desk], tmp_path: Path) -> None:
    mute(make_desk())
    again = make_desk(data=as_killed(tmp_path / "data", tmp_path / "copy"))
    assert [each.reason for each in again.driver.quiet.mutes] == ["Floor is being washed"]
    again.node(node_signal(1))
    assert again.pages()[0].state == "muted"


def test_one_that_comes_again_comes_by_the_clocks_on_the_walls(make_desk: Callable[..., Desk], tmp_path: Path) -> None:
    desk = make_desk(plan=PLAN + NIGHT)  # it is 12:06 in Rome
    (standing,) = desk.driver.quiet.mutes
    assert standing.recurring
    desk.node(node_signal(1))
    assert (
        desk.pages()[0].note == "muted until 12:15 (the plan's night-cleaning, Facility management): Nightly cleaning"
    )
    view = unmute(desk, standing.id)
    assert view.mutes[0].begin_ms == standing.begin_ms + 24 * HOUR_MS
    assert [row.group for row in desk.pages(state="queued")] == ["ticket-agents"]
    copy = as_killed(tmp_path / "data", tmp_path / "copy")
    again = make_desk(data=copy, plan=PLAN + NIGHT)
    assert again.driver.quiet.mutes[0].begin_ms == standing.begin_ms + 24 * HOUR_MS  # ended is ended
    sound(again, copy)


def _stuck(desk: Desk, fault: str | None) -> None:
    devices = {"mot": {"level": "off", "fault": fault}}
    desk.say("node/desk-a1/state", json.dumps({"state": "online", "session": 1, "boot": "b1"}).encode())
    desk.say("node/desk-a1/health", json.dumps({"boot": "b1", "mono": 5.0, "devices": devices}).encode())


@pytest.mark.parametrize("faults", [False, True])
def test_technicians_hear_of_faults_unless_a_mute_says_otherwise(make_desk: Callable[..., Desk], faults: bool) -> None:
    desk = make_desk(plan=TECHNICIANS)
    mute(desk, touchpoints=("counter-a",), faults=faults)
    _stuck(desk, "stuck")
    assert bool(desk.pages()) is not faults
    unmute(desk)
    desk.pass_ms(15_000)  # nodes are looked at again
    assert [row.reason for row in desk.pages()] == ["desk-a1/mot stuck"]


# --------------------------------------------------------------------------------------------------- a fire alarm


def test_a_fire_alarm_stops_all_pages_and_when_it_is_over_the_present_state_is_paged(
    make_desk: Callable[..., Desk], tmp_path: Path
) -> None:
    desk = make_desk(plan=PLAN + FIRE)
    desk.node(node_signal(1))
    assert len(desk.pages(state="queued")) == 1
    alarm(desk, 1, "suspended")
    (standing,) = desk.driver.quiet.suspensions
    assert (standing.contact, standing.site) == ("gatehouse/alarm", True)
    assert [row.state for row in desk.pages()] == ["muted"]
    assert desk.pages()[0].note == "suspended since 12:06 by Fire panel"
    desk.pass_ms(100_000)
    assert not desk.pages(state="queued")
    alarm(desk, 2, "resumed")
    assert not desk.driver.quiet.suspensions
    assert {row.group for row in desk.pages(state="queued")} == {"ticket-agents", "supervisors"}
    desk.pass_ms(100_000)
    assert desk.only().verdict == "failure"  # the clocks went on
    sound(desk, tmp_path / "data")


def test_what_is_told_together_is_kept_back_together(make_desk: Callable[..., Desk]) -> None:
    storms = '[groups.supervisors]\nbundles_from = 2\nbundles_within = "60s"\n'
    desk = make_desk(plan=PLAN.replace("[groups.supervisors]\n", storms) + FIRE)
    for number in range(3):
        desk.post(f"d{number}", "docked", key=f"AG{number}/2026-11-21")
    desk.post("j", "jammed")
    desk.pass_ms(2_000)  # gathered, and told in one page that waits to be sent
    assert any(row.moment.startswith("bundle") for row in desk.pages(state="queued"))
    alarm(desk, 1, "suspended")
    assert not desk.pages(state="queued")
    desk.pass_ms(5_000)
    assert not desk.pages(state="queued")
    alarm(desk, 2, "resumed")
    desk.pass_ms(2_000)
    assert desk.pages(state="queued")


def test_a_level_found_at_start_suspends_too(make_desk: Callable[..., Desk]) -> None:
    desk = make_desk(plan=PLAN + FIRE)
    alarm(desk, 1, "suspended", found=True)
    assert desk.driver.quiet.suspensions


def test_a_contact_that_nobody_hears_ends_its_suspension_and_technicians_are_told(
    make_desk: Callable[..., Desk], tmp_path: Path
) -> None:
    desk = make_desk(plan=TECHNICIANS + FIRE)
    birth = {"state": "online", "session": 1, "boot": "g1", "version": "1", "config": "x"}
    desk.say("node/gatehouse/state", json.dumps(birth).encode())
    alarm(desk, 1, "suspended")
    desk.say("node/gatehouse/state", json.dumps({"state": "lost", "session": 1}).encode())
    (standing,) = desk.driver.quiet.suspensions
    assert standing.until_ms is not None
    desk.node(node_signal(1))
    assert [row.state for row in desk.pages(expectation="check-in-wait")] == ["muted"]
    desk.pass_ms(standing.until_ms - desk.clock.now_ms())
    assert not desk.driver.quiet.suspensions
    told = [row for row in desk.pages(state="queued") if row.moment.startswith("fault/")]
    assert any("pages go again" in row.text for row in told)
    sound(desk, tmp_path / "data")


def test_what_a_dark_node_kept_for_later_suspends_all_the_same(make_desk: Callable[..., Desk]) -> None:
    desk = make_desk(plan=PLAN + FIRE)
    birth = {"state": "online", "session": 1, "boot": "g1", "version": "1", "config": "x"}
    desk.say("node/gatehouse/state", json.dumps(birth).encode())
    alarm(desk, 1, "resumed")
    desk.say("node/gatehouse/state", json.dumps({"state": "lost", "session": 1}).encode())
    desk.pass_ms(20 * MINUTE_MS)
    alarm(desk, 2, "suspended", mono=52.0 + 19 * 60)  # it came back, and empties its spool
    assert desk.driver.quiet.suspensions
    desk.pass_ms(MINUTE_MS)
    assert desk.driver.quiet.suspensions


def test_a_feed_must_say_again_that_it_suspends(make_desk: Callable[..., Desk]) -> None:
    desk = make_desk(plan=PLAN + FIRE)
    desk.post("f1", "suspended", "fire-panel")
    desk.pass_ms(8 * MINUTE_MS)
    desk.post("f2", "suspended", "fire-panel")
    desk.pass_ms(8 * MINUTE_MS)
    assert desk.driver.quiet.suspensions
    desk.pass_ms(2 * MINUTE_MS)
    assert not desk.driver.quiet.suspensions


def _gatehouse(desk: Desk, said: str, session: int = 1, boot: str = "g1", **more: Any) -> None:
    birth = {"state": said, "session": session, "boot": boot, **more}
    desk.say("node/gatehouse/state", json.dumps(birth).encode())


def _healthy(desk: Desk, mono: float) -> None:
    said = {"boot": "g1", "mono": mono, "spool": 0, "devices": {"alarm": {"level": "on", "fault": None}}}
    desk.say("node/gatehouse/health", json.dumps(said).encode())


def test_a_contact_that_is_heard_again_and_is_still_closed_suspends_again(
    make_desk: Callable[..., Desk], tmp_path: Path
) -> None:
    """Its cable was cut, not its power: it has nothing new to say, and the alarm is still on."""
    desk = make_desk(plan=TECHNICIANS + FIRE)
    _gatehouse(desk, "online", run=1)
    alarm(desk, 1, "suspended")
    _healthy(desk, 52.0)
    _gatehouse(desk, "lost")
    desk.pass_ms(11 * MINUTE_MS)
    assert not desk.driver.quiet.suspensions
    desk.node(node_signal(1))
    assert [row.state for row in desk.pages(expectation="check-in-wait")] == ["queued"]
    _gatehouse(desk, "online", 2, run=1)
    _healthy(desk, 52.0 + 11 * 60)
    (standing,) = desk.driver.quiet.suspensions
    assert (standing.contact, standing.until_ms) == ("gatehouse/alarm", None)
    assert {row.state for row in desk.pages(expectation="check-in-wait")} == {"muted"}
    copy = as_killed(tmp_path / "data", tmp_path / "copy")
    again = make_desk(data=copy, plan=TECHNICIANS + FIRE)
    assert again.driver.quiet.suspensions
    again.pass_ms(MINUTE_MS)
    alarm(again, 2, "resumed", mono=52.0 + 12 * 60)
    assert not again.driver.quiet.suspensions
    sound(again, copy)


def test_a_contact_that_opened_while_nobody_heard_it_suspends_nothing_when_it_is_heard_again(
    make_desk: Callable[..., Desk],
) -> None:
    desk = make_desk(plan=TECHNICIANS + FIRE)
    _gatehouse(desk, "online", run=1)
    alarm(desk, 1, "suspended")
    _healthy(desk, 52.0)
    _gatehouse(desk, "lost")
    desk.pass_ms(11 * MINUTE_MS)
    _gatehouse(desk, "online", 2, run=1)
    alarm(desk, 2, "resumed", mono=52.0 + 5 * 60)
    _healthy(desk, 52.0 + 11 * 60)
    assert not desk.driver.quiet.suspensions


def test_a_contact_that_is_found_closed_after_a_power_cut_suspends_again(make_desk: Callable[..., Desk]) -> None:
    desk = make_desk(plan=TECHNICIANS + FIRE)
    _gatehouse(desk, "online", run=1)
    alarm(desk, 1, "suspended")
    _gatehouse(desk, "lost")
    desk.pass_ms(11 * MINUTE_MS)
    assert not desk.driver.quiet.suspensions
    _gatehouse(desk, "online", 2, boot="g2", run=2)
    assert not desk.driver.quiet.suspensions
    alarm(desk, 1, "suspended", boot="g2", mono=9.0, sent=10.0, found=True)
    assert desk.driver.quiet.suspensions


def test_a_feed_is_missed_only_when_it_is_later_than_it_ever_was(make_desk: Callable[..., Desk]) -> None:
    desk = make_desk(plan=PLAN + FIRE)
    desk.post("f1", "suspended", "fire-panel")
    (once,) = desk.driver.quiet.suspensions
    assert once.unheard_ms == once.until_ms == START_MS + 10 * MINUTE_MS, "nobody knows how often it says so"
    desk.pass_ms(2 * MINUTE_MS)
    desk.post("f2", "suspended", "fire-panel")
    (twice,) = desk.driver.quiet.suspensions
    assert twice.until_ms == START_MS + 12 * MINUTE_MS
    assert twice.unheard_ms == START_MS + 6 * MINUTE_MS, "it was two minutes late once"
    desk.post("f3", "suspended", "fire-panel")  # and once more at once
    assert desk.driver.quiet.suspensions[0].unheard_ms == START_MS + 6 * MINUTE_MS
    desk.pass_ms(10 * MINUTE_MS)
    assert not desk.driver.quiet.suspensions


def test_what_is_taken_back_before_it_comes_suspends_nothing(make_desk: Callable[..., Desk], tmp_path: Path) -> None:
    desk = make_desk(plan=PLAN + FIRE)
    desk.post("r1", "resumed", touchpoint="fire-panel", retracts="s1")
    desk.post("s1", "suspended", touchpoint="fire-panel")
    assert not desk.driver.quiet.suspensions
    desk.node(node_signal(1))
    assert [fate[2] for fate in fates(desk)] == ["queued"]
    desk.stop()
    again = make_desk(plan=PLAN + FIRE, clock=desk.clock)
    assert not again.driver.quiet.suspensions
    sound(again, tmp_path / "data")


def test_a_suspension_outlives_a_restart(make_desk: Callable[..., Desk], tmp_path: Path) -> None:
    alarm(make_desk(plan=PLAN + FIRE), 1, "suspended")
    again = make_desk(data=as_killed(tmp_path / "data", tmp_path / "copy"), plan=PLAN + FIRE)
    assert again.driver.quiet.suspensions
    again.node(node_signal(1))
    assert again.pages()[0].state == "muted"
    alarm(again, 2, "resumed")
    assert again.pages(state="queued")


# ------------------------------------------------------------------------------------------------------- training


def test_a_press_in_training_pages_the_trainer_and_touches_no_real_line(
    make_desk: Callable[..., Desk], tmp_path: Path
) -> None:
    desk = make_desk(plan=TRAINS)
    mark = {"device": "mark", "signal": "reached", "seq": 1, "boot": "m", "mono": 1.0}
    desk.node(json.dumps(mark).encode(), "mark-a")
    desk.node(node_signal(1))
    real, trained = sorted(desk.driver.open_moments(), key=lambda moment: moment.training or "")
    assert (real.training, trained.training) == (None, "supervisors")
    assert real.witnesses == ("mark-a/mark",)
    assert [(row.group, row.moment) for row in desk.pages(state="queued")] == [
        ("ticket-agents", real.id),
        ("supervisors", trained.id),
    ]
    assert desk.pages(moment=trained.id)[0].text.startswith("Training, not real. Check-in counter A")
    desk.node(node_signal(2, "reset", press=99))
    assert [moment.id for moment in desk.driver.open_moments()] == [real.id]
    assert desk.reader.moments().items == (real,)
    assert not desk.reader.tally()
    sound(desk, tmp_path / "data")


def test_what_is_trained_is_told_with_no_real_threat(make_desk: Callable[..., Desk]) -> None:
    """ "2 lines threatened" are two lines."""
    storms = '[groups.supervisors]\nbundles_from = 2\nbundles_within = "60s"\n'
    desk = make_desk(plan=TRAINS.replace("[groups.supervisors]\n", storms))
    desk.post("d1", "docked", key="AG1/2026-11-21")
    desk.post("j1", "jammed", key="AG1/2026-11-21")
    desk.node(node_signal(1))
    desk.pass_ms(2_000)
    rows = desk.pages(group="supervisors")
    assert [row.bundle for row in rows] == ["", ""]
    assert {row.state for row in rows} == {"queued"}


def test_training_on_the_web_has_an_end_and_counts_by_the_time_of_the_press(
    make_desk: Callable[..., Desk], tmp_path: Path
) -> None:
    desk = make_desk()
    view = train(desk)
    assert [(each.who, each.trainer, each.devices) for each in view.training] == [
        ("desk-a1", "supervisors", ("desk-a1/mot",))
    ]
    desk.node(node_signal(1))
    desk.pass_ms(HOUR_MS)
    assert not desk.driver.quiet.training
    desk.node(node_signal(3602))
    late = {**json.loads(node_signal(3603)), "mono": 60.0, "sent": 3700.0}  # it was pressed while training still was
    desk.node(json.dumps(late).encode())
    found = [moment.training for moment in desk.reader.moments(withdrawn=True).items]
    assert found.count(None) == 1
    sound(desk, tmp_path / "data")


def test_training_is_refused_where_nobody_could_train(desk: Desk) -> None:
    for who, trainer, minutes, words in (
        ("desk-z", "supervisors", 5, "no node or device"),
        ("mark-a", "supervisors", 5, "no node or device"),
        ("desk-a1", "nobody", 5, "no group"),
        ("desk-a1", "supervisors", 0, "within 14 days"),
        ("desk-a1", "supervisors", 15 * 24 * 60, "within 14 days"),
    ):
        with pytest.raises(RefusedError, match=words):
            train(desk, who, trainer, minutes=minutes)
    train(desk)
    with pytest.raises(RefusedError, match="already"):
        train(desk, "desk-a1/mot")
    over = Untrained(training="t1", at_ms=desk.clock.now_ms(), by="Otto")
    assert not desk.driver.hush(over).result(WAIT_S).training
    with pytest.raises(RefusedError, match="no such training"):
        desk.driver.hush(over).result(WAIT_S)


def test_a_break_rooms_button_in_training_claims_nothing_real(make_desk: Callable[..., Desk], tmp_path: Path) -> None:
    room = '\n[nodes.room.devices.alarm]\nkind = "annunciator"\ngroup = "ticket-agents"\nbutton = 5\nbeacon = 6\n'
    desk = make_desk(plan=PLAN + room)
    desk.node(node_signal(1))
    (room_trains,) = train(desk, "room").training
    assert (room_trains.devices, room_trains.touchpoints) == (("room/alarm",), ())
    desk.node(node_signal(1, "claimed", device="alarm", boot="r1"), "room")
    desk.node(node_signal(2, "claimed", device="alarm", boot="r1", about={"moment": desk.only().id}), "room")
    assert desk.only().coming == ()
    desk.driver.hush(Untrained(training="t1", at_ms=desk.clock.now_ms(), by="Ines")).result(WAIT_S)
    desk.pass_ms(1_000)
    desk.node(node_signal(3, "claimed", device="alarm", boot="r1"), "room")
    assert [each.by for each in desk.only().coming] == ["Ticket agents"]
    sound(desk, tmp_path / "data")


# -------------------------------------------------------------------------------------------------- listening only


def test_a_place_that_only_listens_pages_nobody(make_desk: Callable[..., Desk]) -> None:
    listens = PLAN.replace('area = "Terminal 1"\n', 'area = "Terminal 1"\nlistens = true\n')
    desk = make_desk(plan=listens)
    desk.node(node_signal(1))
    assert [(row.state, row.note) for row in desk.pages()] == [("muted", "the plan only listens here")]
    desk.driver.reload(PLAN).result(WAIT_S)
    assert [row.group for row in desk.pages(state="queued")] == ["ticket-agents"]


def test_a_hub_that_pages_again_pages_what_is_open(make_desk: Callable[..., Desk], tmp_path: Path) -> None:
    desk = make_desk(listen_only=True)
    desk.node(node_signal(1))
    desk.pass_ms(100_000)
    assert {fate[2:] for fate in fates(desk)} == {("muted", "the hub only listens")}
    desk.stop()
    again = make_desk(clock=desk.clock)
    again.sync()
    assert {(row.group, row.reason) for row in again.pages(state="queued")} == {
        ("ticket-agents", "it was quiet until now"),
        ("supervisors", "it was quiet until now"),
    }
    sound(again, tmp_path / "data")


def test_when_the_hub_only_listened_is_on_record(
    make_desk: Callable[..., Desk], clock: HandClock, tmp_path: Path
) -> None:
    desk = make_desk(listen_only=True)
    assert desk.driver.quiet.listen_only
    copy = as_killed(tmp_path / "data", tmp_path / "copy")
    clock.advance(HOUR_MS)
    again = make_desk(data=copy)
    with again.reader._borrow() as db:
        assert listened(db) == [(START_MS, True), (START_MS + HOUR_MS, False)]
    sound(again, copy)


def test_what_is_over_is_kept_in_mind_by_nobody_and_comes_back_with_it(
    make_desk: Callable[..., Desk], tmp_path: Path
) -> None:
    """A place that only listens for a year remembers what is open, and not what was."""
    listens = PLAN.replace('area = "Terminal 1"\n', 'area = "Terminal 1"\nlistens = true\n')
    desk = make_desk(plan=listens)
    held = desk.driver._judge.quiet._held
    for number in range(20):
        desk.post(f"p{number}", "pressed", "counter-a")
        assert len(held) == 1
        desk.post(f"r{number}", "reset", "counter-a")
        assert not held
        desk.pass_ms(1_000)
    desk.post("taken-back", "pressed", "belt-3", retracts="r19")
    (moment,) = desk.driver.open_moments()
    assert list(held) == [moment.id]
    assert [row.note for row in desk.pages(moment=moment.id, kind="page")] == ["the plan only listens here"]
    desk.driver.reload(PLAN).result(WAIT_S)
    assert [row.group for row in desk.pages(state="queued", moment=moment.id)] == ["ticket-agents"]
    sound(desk, tmp_path / "data")


# ------------------------------------------------------------------------------------------------------- properties

STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("press"), st.just(0)),
        st.tuples(st.just("reset"), st.just(0)),
        st.tuples(st.just("claim"), st.integers(1, 9)),
        st.tuples(st.just("mute"), st.integers(1, 4)),
        st.tuples(st.just("unmute"), st.just(0)),
        st.tuples(st.just("alarm"), st.integers(0, 1)),
        st.tuples(st.just("wait"), st.integers(1, 9)),
        st.tuples(st.just("kill"), st.just(0)),
    ),
    min_size=3,
    max_size=16,
)


@settings(max_examples=12, deadline=None, suppress_health_check=list(HealthCheck))
@given(steps=STEPS)
def test_when_nothing_is_quiet_any_more_nobody_is_left_untold(
    tmp_path_factory: pytest.TempPathFactory, steps: list[tuple[str, int]]
) -> None:
    """Whatever is muted and suspended when, with kills in between: in the end who is needed has been paged, once."""
    folder = tmp_path_factory.mktemp("quiet")
    clock, data, number = HandClock(START_MS), folder / "data", 0
    desk = Desk(data, clock, plan=OFTEN + FIRE)
    try:
        for number, (step, value) in enumerate(steps, 1):
            if step in ("press", "reset"):
                desk.post(f"s{number}", "pressed" if step == "press" else "reset", "counter-a")
            elif step == "mute":
                mute(desk, id=f"m{number}", minutes=value)
            elif step == "claim" and desk.driver.open_moments():
                desk.act("claim", desk.driver.open_moments()[0].id, promise_ms=value * 10_000)
            elif step == "unmute" and desk.driver.quiet.mutes:
                unmute(desk, desk.driver.quiet.mutes[0].id)
            elif step == "alarm":
                alarm(desk, number, "suspended" if value else "resumed", mono=50.0 + clock.mono_s())
            elif step == "kill":
                copy = as_killed(data, folder / f"copy-{number}")
                desk.stop()
                data, desk = copy, Desk(copy, clock, plan=OFTEN + FIRE)
            desk.pass_ms(value * 10_000 if step == "wait" else 1_000)
            _nothing_goes_while_quiet(desk)
        alarm(desk, number + 1, "resumed", mono=50.0 + clock.mono_s())
        desk.pass_ms(5 * MINUTE_MS)
        assert not desk.driver.quiet.mutes
        for moment in desk.driver.open_moments():
            rows = desk.pages(moment=moment.id, kind="page")
            for group in {row.group for row in rows if row.state == "muted"}:
                told = [row for row in rows if row.group == group and row.state == "queued"]
                assert told, (moment.id, group, rows)
        assert not _twice(desk)
        assert not [each for each in desk.driver.audit.findings if each.what != "unsent"]
        desk.stop()
        sound(desk, data)
    finally:
        desk.stop()


LONG = (
    PLAN.replace('fails_after = "3m"', 'fails_after = "20m"')
    .replace('left = "3m"', 'left = "20m"')
    .replace('left = "90s"', 'left = "10m"')
)
SCOPES: tuple[dict[str, tuple[str, ...]], ...] = (
    {},
    {"groups": ("ticket-agents",)},
    {"groups": ("supervisors",)},
    {"expectations": ("check-in-wait",)},
    {"areas": ("Terminal 1",), "groups": ("supervisors",)},
    {"touchpoints": ("belt-3",)},
)
NIGHTS = (
    '[mutes.one]\nreason = "r"\nowner = "o"\nfrom = "12:09"\nto = "12:13"\n'
    '[mutes.two]\nreason = "r"\nowner = "o"\nfrom = "12:11"\nto = "12:17"\ngroups = ["supervisors"]\n'
)
"""It is 12:06:40 when it begins."""


@settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    mutes=st.lists(st.tuples(st.integers(0, 18), st.integers(1, 12), st.sampled_from(SCOPES)), max_size=4),
    nights=st.booleans(),
    away=st.dictionaries(st.integers(1, 18), st.integers(0, 6), max_size=2),
)
def test_minute_by_minute_whoever_is_needed_and_not_spared_has_one_page_that_waits(
    tmp_path_factory: pytest.TempPathFactory,
    mutes: list[tuple[int, int, dict[str, tuple[str, ...]]]],
    nights: bool,
    away: dict[int, int],
) -> None:
    """Mutes overlap, come again, and end while the hub is down: the oracle only asks each minute who is spared then."""
    folder = tmp_path_factory.mktemp("minutes")
    clock, data, plan = HandClock(START_MS), folder / "data", LONG + (NIGHTS if nights else "")
    known = [
        (START_MS + begin * MINUTE_MS, START_MS + (begin + lasts) * MINUTE_MS, scope) for begin, lasts, scope in mutes
    ]
    desk = Desk(data, clock, plan=plan)
    try:
        for number, (begin_ms, _, scope) in enumerate(known):
            mute(desk, id=f"m{number}", begin_ms=begin_ms, minutes=mutes[number][1], **scope)
        if nights:
            wall_ms = START_MS - START_MS % MINUTE_MS - 6 * MINUTE_MS  # 12:00
            known += [
                (wall_ms + 9 * MINUTE_MS, wall_ms + 13 * MINUTE_MS, {}),
                (wall_ms + 11 * MINUTE_MS, wall_ms + 17 * MINUTE_MS, {"groups": ("supervisors",)}),
            ]
        desk.post("p", "pressed", "counter-a")
        down = {minute for gone, lasts in away.items() for minute in range(gone, gone + lasts)}
        for minute in range(20):
            if minute in away and minute - 1 not in down:
                data = as_killed(data, folder / f"copy-{minute}")
                desk.stop()
            if minute in down:
                clock.advance(MINUTE_MS)
                continue
            if minute in away or minute - 1 in down:
                desk = Desk(data, clock, plan=plan)
            due = ["ticket-agents"] + ["supervisors"] * (minute >= 10)
            waits = Counter(row.group for row in desk.pages(state="queued", expectation="check-in-wait"))
            assert waits == Counter(group for group in due if not _spared(known, group, clock.now_ms())), minute
            desk.pass_ms(MINUTE_MS)
        desk.stop()
        sound(desk, data)
    finally:
        desk.stop()


def _spared(known: list[tuple[int, int, dict[str, tuple[str, ...]]]], group: str, at_ms: int) -> bool:
    return any(
        begin_ms <= at_ms < end_ms and scope.get("touchpoints") is None and group in scope.get("groups", (group,))
        for begin_ms, end_ms, scope in known
    )


def _nothing_goes_while_quiet(desk: Desk) -> None:
    quiet = desk.driver.quiet
    if quiet.suspensions or any(each.holds(desk.clock.now_ms()) for each in quiet.mutes):
        assert not desk.pages(state="queued", expectation="check-in-wait")  # the auditor is never silenced


def _twice(desk: Desk) -> list[tuple[str, str, str, str]]:
    """Deliveries that are there more than once."""
    seen = Counter((row.page, row.kind, row.group, row.channel) for row in desk.pages())
    return [page for page, count in seen.items() if count > 1]
