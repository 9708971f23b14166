"""Drills: what proves each kind of channel to its end, what does not, and what follows from it."""

from __future__ import annotations

import base64
import threading
from collections.abc import Callable, Iterator
from typing import Any

import msgspec
import pytest

from andgate.errors import RefusedError
from andgate.plan import parse_plan
from andgate.wire.codec import parse_time
from hub.clock import HandClock
from hub.driver.intake import Drilled
from hub.notify.channels import Note, Result
from hub.notify.drills import NIGHT, WAIT_S, Drills, next_drill, verdict
from hub.people.coming import Coming
from hub.people.directory import Directory
from hub.store import PageRow
from hub.store.drills import KEPT, Drill, DrillLog, Part
from tests.hub.crew import Office, rome, shifts
from tests.hub.desk import PLAN, Desk
from tests.hub.test_quiet import FIRE, alarm

SECRET = "whsec_" + base64.b64encode(b"k" * 32).decode()
CHANNELS = PLAN.replace(
    "[groups.ticket-agents]",
    f'[channels.hook]\nurl = "webhook+http://127.0.0.1:9/x"\nsecret = "{SECRET}"\n'
    '[channels.mail]\nurl = "mailto://localhost"\n[groups.ticket-agents]',
    1,
).replace('channels = ["radio"]', 'channels = ["radio", "hook", "mail"]', 1)
TECHNICIANS = CHANNELS.replace('timezone = "Europe/Rome"', 'timezone = "Europe/Rome"\ntechnicians = "supervisors"', 1)
MORNING = rome("2026-11-23T09:00")


class Sends:
    """A notify worker that answers as it is told, by channel."""

    def __init__(self, **results: Result) -> None:
        self.results = results
        self.notes: dict[str, Note] = {}
        self.never: set[str] = set()
        """Channels that get nothing: pages come first."""
        self.waits: list[Callable[[], bool]] = []

    def drill(self, entry: Any, note: Note, begins: Callable[[], bool], done: Callable[[Result], None]) -> None:
        if entry.id in self.never:
            self.waits.append(begins)
            return
        assert begins()
        self.notes[entry.id] = note
        if entry.id in self.results:
            done(self.results[entry.id])


TAKEN = Result(sent=True, proven=False)
PROVEN = Result(sent=True)
DEAD = Result(sent=False, note="the receiver does not answer")


class Ground:
    """A desk with drills, whose channels are told what to do."""

    def __init__(self, desk: Desk, sends: Sends, nodes: tuple[str, ...] = ()) -> None:
        self.desk = desk
        self.sends = sends
        directory = Directory(desk.driver.people, lambda: desk.driver.plan)
        self.drills = Drills(desk.driver, desk.clock, sends, Coming(desk.driver.people, directory), lambda: nodes)
        desk.driver.listeners.append(self.drills.committed)
        self.log = DrillLog(desk.driver._store.data)

    def states(self, drill: Drill) -> list[tuple[str, str, str]]:
        self.desk.sync()
        found = self.log.drill(drill.id)
        assert found is not None
        return [(part.group, part.name, part.state) for part in found.parts]

    def faults(self) -> list[tuple[str, str]]:
        self.desk.sync()
        return [(row.node, row.detail) for row in self.desk.reader.faults() if row.kind == "unproven"]


@pytest.fixture
def ground(make_desk: Callable[..., Desk]) -> Iterator[Callable[..., Ground]]:
    made: list[Ground] = []

    def make(sends: Sends, *, nodes: tuple[str, ...] = (), **options: Any) -> Ground:
        made.append(Ground(make_desk(**{"plan": CHANNELS, **options}), sends, nodes))
        made[-1].drills.start()
        return made[-1]

    yield make
    for each in made:
        each.drills.stop()


def test_each_channel_is_proven_in_its_own_way_and_what_would_sound_is_left_out(
    ground: Callable[..., Ground],
) -> None:
    here = ground(Sends(radio=TAKEN, hook=PROVEN))
    drill = here.drills.begin("marta", group="ticket-agents")
    assert here.states(drill) == [
        ("ticket-agents", "radio", "waiting"),
        ("ticket-agents", "hook", "waiting"),
        ("ticket-agents", "mail", "skipped"),
    ]
    page = here.sends.notes["radio"].page
    assert (page.kind, page.id, page.moment) == ("drill", f"drill:{drill.id}:0", None)
    assert not here.sends.notes["radio"].loud
    here.desk.clock.advance(300)
    here.desk.say("answer", msgspec.json.encode({"page": page.id, "do": "seen", "by": "pager-3"}))
    assert here.states(drill)[0] == ("ticket-agents", "radio", "proven")
    found = here.log.drill(drill.id)
    assert found is not None
    assert (found.ended_ms, [part.latency_ms for part in found.parts]) == (here.desk.clock.now_ms(), [300, 0, None])
    assert found.failed == ()
    assert here.desk.pages() == [], "a drill is no page"
    assert here.desk.reasons() == []


def test_a_pager_that_is_tried_answers_by_itself_and_that_is_the_pages_receipt(ground: Callable[..., Ground]) -> None:
    here = ground(Sends(), plan=shifts(CHANNELS))
    ada = Office(here.desk.driver.people).hire("Ada", "mqtt://pager-7", "json://pager.example")
    tried = here.desk.driver.try_channel(ada, f"{ada}/1").result(30)
    for channel in (f"{ada}/1", f"{ada}/2", f"{ada}/3", "~0123456789abcdef/1"):
        here.drills.ask(channel, tried)
    ((_, note),) = here.sends.notes.items()
    assert (note.group, note.page.kind, note.page.id, note.loud) == ("pager-7", "drill", f"drill:{tried}", False)
    here.desk.clock.advance(200)
    for page in ("drill:test/of-nothing", note.page.id, "drill:5:0"):
        here.desk.say("answer", msgspec.json.encode({"page": page, "do": "seen", "by": "pager-7"}))
    here.desk.sync()
    (row,) = [row for row in here.desk.pages() if row.page == tried]
    assert (row.delivered_ms, row.read_ms) == (here.desk.clock.now_ms(), None)
    assert here.log.drills() == ()


def test_who_does_not_answer_in_time_is_dead_and_technicians_are_paged_until_a_drill_is_passed(
    ground: Callable[..., Ground],
) -> None:
    here = ground(Sends(radio=TAKEN, hook=DEAD), plan=TECHNICIANS)
    drill = here.drills.begin("marta")
    here.desk.clock.advance(round(WAIT_S * 1000))
    ended(here, drill)
    assert [state for *_, state in here.states(drill)] == ["failed", "failed", "skipped", "failed"]
    assert here.faults() == [
        ("channel/hook", "the receiver does not answer (Ticket agents)"),
        ("channel/radio", f"no answer within {WAIT_S:g} s (Ticket agents, Supervisors)"),
    ]
    paged = [row.text for row in notices(here.desk)]
    assert paged[0].startswith("channel/hook: did not answer the drill: the receiver does not answer (Ticket agents)")
    here.sends.results = {"radio": PROVEN, "hook": PROVEN}
    here.desk.clock.advance(1_000)
    again = here.drills.begin("marta")
    ended(here, again)
    assert here.faults() == []
    assert [row.kind for row in notices(here.desk)].count("over") == 2


def test_what_was_never_asked_is_not_blamed(ground: Callable[..., Ground]) -> None:
    """In a storm pages go first: a channel to which the drill never came is not dead."""
    here = ground(Sends(hook=PROVEN), plan=TECHNICIANS)
    here.sends.never.add("radio")
    drill = here.drills.begin("marta")
    here.desk.clock.advance(round(WAIT_S * 1000))
    ended(here, drill)
    assert [state for *_, state in here.states(drill)] == ["skipped", "proven", "skipped", "skipped"]
    found = here.log.drill(drill.id)
    assert found is not None
    assert (found.parts[0].note, found.parts[0].sent_ms) == ("not tried: there were pages to send all the time", None)
    assert here.faults() == []


def ended(here: Ground, drill: Drill) -> None:
    """Wait until a drill has ended: its own thread looks at the time."""
    for _ in range(3_000):
        here.desk.sync()
        found = here.log.drill(drill.id)
        if found is not None and found.ended_ms is not None:
            here.desk.pass_ms(0)
            return
        threading.Event().wait(0.01)
    raise AssertionError("the drill does not end")


def notices(desk: Desk) -> list[PageRow]:
    desk.pass_ms(1)
    return [row for row in desk.pages() if row.about is None]


def test_a_drill_of_one_group_says_nothing_of_the_others(ground: Callable[..., Ground]) -> None:
    here = ground(Sends(radio=DEAD, hook=DEAD), plan=TECHNICIANS)
    ended(here, here.drills.begin("marta"))
    here.sends.results = {"radio": PROVEN}
    here.desk.clock.advance(1_000)
    ended(here, here.drills.begin("marta", group="supervisors"))
    assert [node for node, _ in here.faults()] == ["channel/hook"]


def test_a_loud_drill_leaves_nothing_out(ground: Callable[..., Ground]) -> None:
    here = ground(Sends(radio=PROVEN, hook=PROVEN, mail=PROVEN))
    drill = here.drills.begin("marta", group="ticket-agents", loud=True)
    ended(here, drill)
    assert [state for *_, state in here.states(drill)] == ["proven"] * 3
    assert here.sends.notes["mail"].loud
    assert here.sends.notes["mail"].page.text == (
        "This is only a drill: Andgate International can reach you here. Nothing to do."
    )


def test_a_loud_drill_whose_turn_comes_in_an_alarm_does_not_ring_nor_does_one_that_has_ended(
    ground: Callable[..., Ground],
) -> None:
    here = ground(Sends(radio=PROVEN, hook=PROVEN), plan=CHANNELS + FIRE)
    here.sends.never.add("mail")
    drill = here.drills.begin("marta", group="ticket-agents", loud=True)
    alarm(here.desk, 1, "suspended")
    (begins,) = here.sends.waits
    assert not begins()
    assert [state for *_, state in here.states(drill)] == ["proven", "proven", "skipped"]
    found = here.log.drill(drill.id)
    assert found is not None
    assert (found.ended_ms is not None, found.parts[2].note) == (True, "not tried: a fire alarm has begun")
    with pytest.raises(RefusedError, match="a fire alarm is on"):
        here.drills.begin("marta", loud=True)
    alarm(here.desk, 2, "resumed")
    assert not begins()


def test_every_way_of_everybody_on_the_coming_shift_is_proven(ground: Callable[..., Ground]) -> None:
    here = ground(Sends(radio=PROVEN), plan=shifts(), clock=HandClock(MORNING))
    office = Office(here.desk.driver.people)
    ada = office.hire("Ada", "mqtt://pager-1", "mailto://ada.example")
    cyd = office.hire("Cyd", "mqtt://pager-2", shift="late")
    here.sends.results |= {f"{ada}/1": PROVEN}
    drill = here.drills.begin("marta", group="ticket-agents")
    here.desk.clock.advance(round(WAIT_S * 1000))
    ended(here, drill)
    assert sorted(here.states(drill)[1:]) == sorted(
        [
            ("ticket-agents", f"{ada}/1", "proven"),
            ("ticket-agents", f"{ada}/2", "skipped"),
            ("ticket-agents", f"{cyd}/1", "failed"),
        ]
    )
    assert here.sends.notes[f"{ada}/1"].group == "pager-1"
    assert here.faults() == [("group/ticket-agents", "1 of 2 ways of its people; see the drills page")]


def test_nodes_answer_in_their_health(ground: Callable[..., Ground]) -> None:
    here = ground(Sends(radio=PROVEN, hook=PROVEN), nodes=("desk-a1", "mark-a", "ghost"))
    drill = here.drills.begin("marta")
    here.desk.sync()
    sent = [pair for commit in here.desk.commits for pair in commit.commands]
    named = [(node, command.do, command.loud) for node, command in sent]
    assert named == [("desk-a1", "drill", False), ("mark-a", "drill", False)]
    health = {"boot": "b1", "mono": 9.0, "drill": sent[0][1].drill}
    here.desk.say("node/desk-a1/health", msgspec.json.encode(health))
    here.desk.clock.advance(round(WAIT_S * 1000))
    ended(here, drill)
    assert [each for each in here.states(drill) if not each[0]] == [
        ("", "desk-a1", "proven"),
        ("", "mark-a", "failed"),
    ]
    assert here.faults() == [], "nodes are watched all the time"


def test_what_cannot_be_drilled_is_refused(ground: Callable[..., Ground]) -> None:
    here = ground(Sends(radio=TAKEN))
    with pytest.raises(RefusedError, match='no group "nobody"'):
        here.drills.begin("marta", group="nobody")
    drill = here.drills.begin("marta", group="supervisors")
    with pytest.raises(RefusedError, match="a drill is running"):
        here.drills.begin("marta")
    running = here.drills.running(drill.id)
    assert running is not None
    assert here.drills.running(7) is None
    for about in ("drill:x:0", "drill:1", f"drill:{drill.id}:9", f"drill:{drill.id + 1}:0"):
        here.drills.proven(about)
    here.drills.proven(f"drill/{drill.id}/0")
    ended(here, drill)


def test_a_site_without_channels_has_nothing_to_drill(ground: Callable[..., Ground]) -> None:
    here = ground(Sends(), plan=PLAN.replace('channels = ["radio"]', "channels = []"))
    with pytest.raises(RefusedError, match="nothing to drill"):
        here.drills.begin("marta")


def test_every_night_it_drills_by_itself(ground: Callable[..., Ground]) -> None:
    plan = CHANNELS.replace('timezone = "Europe/Rome"', 'timezone = "Europe/Rome"\ndrill = "03:30"', 1)
    here = ground(Sends(radio=PROVEN, hook=PROVEN), plan=plan, clock=HandClock(rome("2026-11-23T03:29")))
    here.desk.clock.advance(60_000)
    for _ in range(3_000):
        here.desk.sync()
        found = here.log.drills()
        if found and found[0].ended_ms is not None:
            break
        threading.Event().wait(0.01)
    assert [(drill.by, drill.loud, drill.failed) for drill in here.log.drills()] == [(NIGHT, False, ())]


@pytest.mark.parametrize(
    ("drill", "after", "due"),
    [
        ("03:30", "2026-11-23T02:00:00Z", "2026-11-23T02:30:00Z"),
        ("03:30", "2026-11-23T02:30:00Z", "2026-11-24T02:30:00Z"),
        ("03:30", "2026-03-28T12:00:00Z", "2026-03-29T01:30:00Z"),  # the clocks go from 2 to 3 that night
        ("03:30", "2026-10-24T12:00:00Z", "2026-10-25T02:30:00Z"),
        ("02:30", "2026-03-28T12:00:00Z", "2026-03-29T01:00:00Z"),  # no clock shows it: when they show three
        ("02:30", "2026-03-29T01:00:00Z", "2026-03-30T00:30:00Z"),
        ("02:30", "2026-10-24T12:00:00Z", "2026-10-25T00:30:00Z"),  # the clocks show it twice: once is enough
        ("02:30", "2026-10-25T00:30:00Z", "2026-10-26T01:30:00Z"),
        ("02:30", "2026-10-25T01:00:00Z", "2026-10-26T01:30:00Z"),
    ],
)
def test_the_hour_is_the_sites(drill: str, after: str, due: str) -> None:
    plan = parse_plan(PLAN.replace('timezone = "Europe/Rome"', f'timezone = "Europe/Rome"\ndrill = "{drill}"', 1))
    assert next_drill(plan, parse_time(after)) == parse_time(due)
    assert next_drill(parse_plan(PLAN), parse_time(after)) is None


def test_old_drills_make_room(desk: Desk) -> None:
    log = DrillLog(desk.driver._store.data)
    for id in range(1, KEPT + 6):
        part = Part(n=0, kind="channel", name="radio", group="g", state="proven", sent_ms=id, proven_ms=id + 7)
        desk.driver.drilled(Drilled(Drill(id=id, by="p", ended_ms=id, parts=(part,)), {}, frozenset()))
    desk.sync()
    found = log.drills(KEPT * 2)
    assert (len(found), found[-1].id, found[0].parts[0].latency_ms) == (KEPT, 6, 7)
    assert log.drill(1) is None


def test_what_runs_when_the_hub_stops_stays_on_record(ground: Callable[..., Ground]) -> None:
    here = ground(Sends(radio=TAKEN))
    drill = here.drills.begin("marta", group="supervisors")
    here.drills.stop()
    here.desk.sync()
    found = here.log.drill(drill.id)
    assert found is not None
    assert found.ended_ms is None


def test_the_verdict_names_no_person() -> None:
    parts = tuple(
        Part(n=n, kind="person", name=f"~{n:016x}/1", person=f"~{n:016x}", group="supervisors", state="failed")
        for n in range(3)
    )
    found, checked = verdict(Drill(id=1, by="p", parts=parts), parse_plan(PLAN))
    assert found == {("group/supervisors", "", "unproven"): "3 of 3 ways of its people; see the drills page"}
    assert checked == frozenset(found)
    assert "~" not in str(found)
