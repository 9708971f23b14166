"""What people answer, in the hub: rejected, handed over, needed twice, repeated, by a link that works once."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path

import pytest

from andgate.errors import RefusedError
from andgate.moment.events import HandedOver, Voided
from andgate.moment.signals import Action
from hub.clock import HandClock
from hub.driver.answering import may_reject, rejection
from hub.evidence.rejudge import rejudge
from hub.evidence.verify import verify
from hub.store import PageFate, Store
from hub.store.people import Person
from hub.store.taps import Taps
from tests.hub.desk import PLAN, START_MS, WAIT_S, Desk, as_killed, node_signal

MINUTE = 60_000
LADDER = """
[[expectations.check-in-wait.pages]]
left = "3m"
group = "ticket-agents"
"""
REPEATED = PLAN.replace(LADDER, LADDER + 'repeat = "30s"\n', 1)
TWO = PLAN.replace('fails_after = "3m"', 'fails_after = "3m"\nneeds = 2', 1)
assert REPEATED != PLAN != TWO

Make = Callable[..., Desk]


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Make]:
    made: list[Desk] = []

    def make(plan: str = PLAN, data: Path = tmp_path, at_ms: int = START_MS) -> Desk:
        made.append(Desk(data, HandClock(at_ms), plan=plan))
        return made[-1]

    yield make
    for each in made:
        each.stop()


_serial = count()


def pressed(here: Desk) -> str:
    """Let somebody press; return the moment."""
    here.node(node_signal(1, at=None, sent=11.0))
    return here.only().id


def claim(here: Desk, moment: str, by: str, seconds: int = 120) -> None:
    """Claim, a moment after what was before."""
    here.pass_ms(1)
    action = Action(
        id=f"c{next(_serial):04}",
        do="claim",
        moment=moment,
        at_ms=here.clock.now_ms(),
        by=by,
        promise_ms=seconds * 1000,
    )
    here.driver.act(action).result(WAIT_S)


def taps(here: Desk, moment: str, by: str, link: int, person: str | None = None, **more: str) -> list[str]:
    """Use the link of a delivery; return who is on the moment then."""
    action = Action(
        id=f"t{next(_serial):04}",
        do=more.pop("do", "claim"),  # type: ignore[arg-type]
        moment=moment,
        at_ms=here.clock.now_ms(),
        by=by,
        promise_ms=MINUTE,
        **more,  # type: ignore[arg-type]
    )
    (now,) = here.driver.tap(link, [action], person).result(WAIT_S)
    return [each.by for each in now.coming]


def sound(data: Path) -> None:
    """The journal and what follows from it agree, and judging it again gives the same."""
    verified = verify(data / "andgate.db")
    assert verified.sound(witnessed=False), verified.differences
    assert rejudge(data / "andgate.db").first is None


# ----------------------------------------------------------------------------------------------------------- rejecting


def test_a_pager_rejects_a_false_alarm_with_a_reason(desk: Make, tmp_path: Path) -> None:
    here = desk()
    moment = pressed(here)
    (page,) = here.pages()
    said = {"page": page.page, "do": "reject", "by": "p7", "reason": "only the cleaners"}
    here.say("answer", json.dumps(said).encode())
    now = here.only()
    assert (now.verdict, now.reason, now.state) == ("void", "false alarm: only the cleaners", "ended")
    assert "reject by p7" in here.pages()[0].note
    (voided,) = [line.event for line in here.reader.trail(moment) if isinstance(line.event, Voided)]
    assert voided.by == "p7"
    here.say("answer", json.dumps(said).encode())
    assert here.only().change == now.change, "once is enough"
    here.stop()
    sound(tmp_path)


def test_a_rejection_without_a_reason_says_so_much(desk: Make) -> None:
    here = desk()
    pressed(here)
    here.say("answer", b'{"page":"%s","do":"reject","by":"p7"}' % here.pages()[0].page.encode())
    assert here.only().reason == "false alarm"
    assert [rejection(each) for each in (None, " ", "False Alarm", " a  cart ")] == [
        "false alarm",
        "false alarm",
        "false alarm",
        "false alarm: a cart",
    ]


def test_what_has_failed_is_not_rejected_but_noted(desk: Make) -> None:
    here = desk()
    pressed(here)
    here.pass_ms(4 * MINUTE)
    here.say("answer", b'{"page":"%s","do":"reject","by":"p7"}' % here.pages()[0].page.encode())
    assert (here.only().verdict, "reject by p7" in here.pages()[0].note) == ("failure", True)
    assert "failed" in (may_reject(here.only()) or "")
    assert "does not have" in (may_reject(None) or "")


# ------------------------------------------------------------------------------------------- several, and handing over


def test_a_claim_that_is_not_enough_cancels_nothing(desk: Make, tmp_path: Path) -> None:
    here = desk(TWO)
    moment = pressed(here)
    here.pass_ms(90_000)  # nobody sends here: both pages wait in the outbox
    claim(here, moment, "marta")
    assert [row.state for row in here.pages(moment=moment)] == ["queued", "queued"]
    assert (here.only().claimed_by, [each.by for each in here.only().coming]) == (None, ["marta"])
    claim(here, moment, "paolo")
    assert [(row.group, row.state) for row in here.pages(moment=moment)] == [
        ("ticket-agents", "queued"),
        ("supervisors", "cancelled"),
    ]
    assert here.only().claimed_by == "paolo"
    here.stop()
    sound(tmp_path)


def test_two_who_claim_are_both_on_it_and_the_journal_knows_them_by_id_only(desk: Make, tmp_path: Path) -> None:
    here = desk()
    moment = pressed(here)
    claim(here, moment, "Marta Rossi")
    here.pass_ms(20)
    claim(here, moment, "Paolo Bianchi")
    assert [each.by for each in here.only().coming] == ["Marta Rossi", "Paolo Bianchi"]
    here.act("unclaim", moment, by="Marta Rossi")
    assert [each.by for each in here.only().coming] == ["Paolo Bianchi"]
    with pytest.raises(RefusedError, match="somebody else"):
        here.act("unclaim", moment, by="Lu")
    here.act("unclaim", moment, by="chief", whose="Paolo Bianchi")
    here.stop()
    store = Store(tmp_path)
    journal = b"".join(entry.body for entry in store.entries(1))
    store.close()
    assert not any(name in journal for name in (b"Marta", b"Paolo", b"chief"))
    sound(tmp_path)


def test_what_is_handed_over_is_paged_and_taken(desk: Make, tmp_path: Path) -> None:
    here = desk()
    moment = pressed(here)
    claim(here, moment, "marta")
    with pytest.raises(RefusedError, match='no group "cleaners"'):
        here.act("hand-over", moment, by="marta", group="cleaners")
    with pytest.raises(RefusedError, match="nobody on this hub's list"):
        here.act("hand-over", moment, by="marta", person="~0123456789abcdef")
    here.pass_ms(1)
    here.act("hand-over", moment, by="marta", group="supervisors", reason="a fall")
    (page,) = here.pages(group="supervisors")
    assert (page.state, page.reason) == ("queued", "somebody who is on it asks you to take over")
    (handed,) = [line.event for line in here.reader.trail(moment) if isinstance(line.event, HandedOver)]
    assert (handed.by, handed.group, handed.reason) == ("marta", "supervisors", "a fall")
    assert here.only().claimed_by == "marta", "until somebody takes it"
    claim(here, moment, "paolo")
    assert ([each.by for each in here.only().coming], here.only().coming[0].took) == (["paolo"], "marta")
    assert here.pages(group="supervisors")[0].state == "cancelled", "nobody else need take it"
    here.stop()
    sound(tmp_path)


def test_what_is_handed_to_one_person_goes_to_them_alone(desk: Make, tmp_path: Path) -> None:
    here = desk()
    moment = pressed(here)
    paolo = here.driver.people.add(Person(id="", name="Paolo", channels=("snpp://127.0.0.1:1/7",)), here.clock.now_ms())
    claim(here, moment, "marta")
    here.pass_ms(1)
    here.act("hand-over", moment, by="marta", person=paolo.id)
    rows = [row for row in here.pages() if ":handed:" in row.page]
    assert [(row.person, row.state) for row in rows if row.state == "queued"] == [(paolo.id, "queued")]
    assert [row.note for row in rows if row.person is None] == ["it is for one person, who is paged by name"]
    claim(here, moment, "Paolo")
    assert [each.by for each in here.only().coming] == ["Paolo"]
    here.stop()
    sound(tmp_path)


# ------------------------------------------------------------------------------------- repeats, and the end of the line


def test_a_page_is_repeated_until_somebody_claims(desk: Make, tmp_path: Path) -> None:
    here = desk(REPEATED)
    moment = pressed(here)
    here.pass_ms(30_000)
    here.pass_ms(30_000)
    rows = here.pages(group="ticket-agents")
    assert [row.reason for row in rows] == ["so much time is left", *["nobody has answered yet"] * 2]
    assert "Nobody has answered yet." in rows[-1].text
    claim(here, moment, "marta", seconds=45)
    assert [row.state for row in here.pages(group="ticket-agents")][1:] == ["cancelled", "cancelled"], "not yet sent"
    here.pass_ms(30_000)
    assert here.pages(group="ticket-agents", state="cancelled")[-1].note == "not sent: somebody was on it already"
    here.pass_ms(15_000)
    assert here.pages(group="ticket-agents")[-1].reason == "nobody has answered yet"
    here.act("reset", moment, reason="the line has gone")
    before = len(here.pages(moment=moment))
    here.pass_ms(10 * MINUTE)
    assert len(here.pages(moment=moment)) == before, "never after it is over"
    here.stop()
    sound(tmp_path)


def test_the_end_of_the_line_is_not_silent(desk: Make, tmp_path: Path) -> None:
    here = desk()
    moment = pressed(here)
    here.pass_ms(90_000)
    claim(here, moment, "marta", seconds=30)
    here.pass_ms(30_000)
    last = here.pages(moment=moment)[-1]
    assert (last.group, last.state, last.reason) == (
        "supervisors",
        "queued",
        "whoever was on it promised to be done by now",
    )
    assert {each.what for each in here.driver.audit.findings} <= {"unsent"}, "nobody sends here"
    here.stop()
    sound(tmp_path)


def test_a_running_escalation_keeps_the_plan_it_began_with(desk: Make, tmp_path: Path) -> None:
    here = desk()
    moment = pressed(here)
    gone = PLAN.replace("[groups.supervisors]", "[groups.chiefs]").replace('"supervisors"', '"chiefs"')
    gone = gone.replace('left = "90s"', 'left = "10s"')
    here.pass_ms(1_000)
    here.driver.reload(gone).result(WAIT_S)
    here.pass_ms(89_000)
    row = here.pages(moment=moment)[-1]
    assert (row.group, row.channel, row.state) == ("supervisors", "radio", "queued")
    here.stop()
    sound(tmp_path)


def test_an_answer_that_comes_before_the_word_that_it_was_sent_stays_on_the_page(desk: Make) -> None:
    here = desk()
    moment = pressed(here)
    (page,) = here.pages(moment=moment)
    here.say("answer", json.dumps({"page": page.page, "do": "seen", "by": "p7"}).encode())
    here.driver.fate(PageFate(page.id, moment, "sent", "at the second try", 2, here.clock.now_ms()))
    here.sync()
    assert here.pages(moment=moment)[0].note == "at the second try; seen by p7"


# --------------------------------------------------------------------------------------------------------------- links


def test_a_link_works_once_also_after_a_restart(desk: Make, tmp_path: Path) -> None:
    here = desk()
    moment = pressed(here)
    link = here.pages()[0].id
    assert taps(here, moment, "Jo", link) == ["Jo"]
    assert taps(here, moment, "Jo", link) == ["Jo"], "a second tap of the same finger"
    with pytest.raises(RefusedError, match="has been used"):
        taps(here, moment, "Marta", link)
    here.stop()
    again = desk(at_ms=here.clock.now_ms())
    with pytest.raises(RefusedError, match="has been used"):
        taps(again, moment, "Marta", link)
    (tap,) = again.reader.taps(link)
    assert (again.reader.name_of(tap.who), tap.do) == ("Jo", "claim")
    again.stop()
    sound(tmp_path)


def test_whoever_kills_the_hub_leaves_the_tap_and_the_claim_or_neither(desk: Make, tmp_path: Path) -> None:
    """A listener is told right after the commit, and before whoever tapped: that is the last instant."""
    here = desk()
    moment = pressed(here)
    link = here.pages()[0].id
    before = as_killed(tmp_path, tmp_path / "before")
    killed: list[Path] = []
    here.driver.listeners.append(
        lambda out: killed.append(as_killed(tmp_path, tmp_path / f"after{len(killed)}")) if out.published else None
    )
    taps(here, moment, "Jo", link)
    for folder, users in ((before, []), (killed[0], ["Jo"])):
        left = desk(data=folder, at_ms=here.clock.now_ms())
        assert [left.reader.name_of(tap.who) for tap in left.reader.taps(link)] == users
        assert [claim.by for claim in left.only().coming] == users
        if not users:
            assert taps(left, moment, "Jo", link) == ["Jo"], "nobody was told that it worked: it works now"
        left.stop()
        sound(folder)


def test_a_link_is_not_used_up_by_what_was_refused(desk: Make) -> None:
    here = desk()
    moment = pressed(here)
    link = here.pages()[0].id
    here.pass_ms(4 * MINUTE)
    with pytest.raises(RefusedError, match="failed"):
        taps(here, moment, "Jo", link, do="void", reason="false alarm")
    assert here.reader.taps(link) == ()
    assert taps(here, moment, "Jo", link) == ["Jo"]


def test_where_two_are_needed_a_link_of_a_group_works_for_two(desk: Make) -> None:
    here = desk(TWO)
    moment = pressed(here)
    link = here.pages()[0].id
    assert taps(here, moment, "Jo", link) == ["Jo"]
    assert taps(here, moment, "Lu", link) == ["Jo", "Lu"]
    with pytest.raises(RefusedError, match="has been used"):
        taps(here, moment, "Marta", link)


def test_a_link_about_what_is_not_in_memory_any_more_is_refused_in_words(desk: Make) -> None:
    with pytest.raises(RefusedError, match="no moment"):
        taps(desk(), "0123456789abcdef0123456789abcdef", "Ada", 7)


def test_a_link_of_one_person_claims_for_them_whatever_they_are_called_now(desk: Make) -> None:
    here = desk()
    moment = pressed(here)
    person = here.driver.people.add(Person(id="", name="Jo", channels=("snpp://127.0.0.1:1/7",)), here.clock.now_ms())
    link = here.pages()[0].id
    assert taps(here, moment, person.id, link, person.id) == ["Jo"]
    (tap,) = here.reader.taps(link)
    assert tap.who == person.id


def test_who_used_a_link_is_known_before_the_commit() -> None:
    class Waiting:
        dirty = True
        rows = 0

        def fact(self, statement: str, values: tuple[object, ...]) -> str | None:
            return ""

        def row(self, statement: str, values: tuple[object, ...]) -> None:
            self.rows += 1

    store = Waiting()
    known = Taps(store)
    known.use(7, "~1", 1, "claim")
    assert (known.users(7), known.users(8), store.rows) == (frozenset({"~1"}), frozenset(), 1)
    store.dirty = False
    assert known.users(7) == frozenset(), "what was committed is asked of the database"
