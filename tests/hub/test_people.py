"""Who is paged by name: people, rosters, quiet hours, and who instead where nobody is there."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from andgate.errors import RefusedError
from andgate.plan import Channel, parse_plan
from andgate.shifts import turn_of
from hub.clock import HandClock
from hub.evidence.erase import erase
from hub.evidence.frozen import database_of
from hub.evidence.verify import verify
from hub.notify.channels import Note, Result
from hub.notify.notifier import Notifier
from hub.people.directory import Directory, channel_of
from hub.people.roster import hushes, on_next, on_now, on_turn, standings, unreachable, ways
from hub.store import PageRow, Phone, Phones
from hub.store.pages import PageFate
from hub.store.people import Book, Duty, People, Person, Quiet, StandIn
from tests.hub.crew import EVERY_DAY, Office, rome, shifts
from tests.hub.desk import WAIT_S, Desk, node_signal

MORNING = rome("2026-11-23T09:00")
NIGHT = rome("2026-11-23T23:00")


@pytest.fixture
def desk_at(tmp_path: Path) -> Iterator[Callable[..., Desk]]:
    made: list[Desk] = []

    def make(at_ms: int, **options: Any) -> Desk:
        for desk in made:
            desk.stop()
        made.append(Desk(tmp_path / "data", HandClock(at_ms), plan=options.pop("plan", shifts()), **options))
        return made[-1]

    (tmp_path / "data").mkdir()
    yield make
    for desk in made:
        desk.stop()


def sent(desk: Desk, **wanted: Any) -> list[tuple[str, str, str | None]]:
    return [(row.state, row.channel, row.person) for row in about(desk, **wanted)]


def about(desk: Desk, **wanted: Any) -> list[PageRow]:
    """Pages about moments: that a shift has nobody is paged too."""
    return [row for row in desk.pages(**wanted) if row.about is not None]


def test_everybody_on_shift_is_paged_by_name_on_the_first_channel(desk_at: Callable[..., Desk]) -> None:
    desk = desk_at(MORNING)
    office = Office(desk.driver.people)
    ada, bob = office.hire("Ada", "json://a1", "json://a2"), office.hire("Bob")
    office.hire("Cyd", shift="late")
    office.hire("Dan", active=False)
    desk.node(node_signal(1, sent=11.0))
    assert sent(desk) == [("queued", "radio", None), ("queued", f"{ada}/1", ada), ("queued", f"{bob}/1", bob)]
    assert {row.group for row in about(desk)} == {"ticket-agents"}
    text = b"".join(bytes(str(row), "utf-8") for row in about(desk))
    assert b"json://" not in text
    assert b"Ada" not in text
    desk.node(node_signal(2, "reset", sent=12.0))
    assert sorted(sent(desk, kind="over")) == sorted(
        [("queued", "radio", None), ("queued", f"{ada}/1", ada), ("queued", f"{bob}/1", bob)]
    )


def test_a_group_without_shifts_is_paged_as_ever(desk_at: Callable[..., Desk]) -> None:
    desk = desk_at(MORNING)
    office = Office(desk.driver.people)
    office.hire("Ada")
    desk.post("a", "docked", key="AG1/2026-11-23")
    desk.pass_ms(17 * 60_000)
    assert sent(desk, group="supervisors") == [("queued", "radio", None)]


def test_where_nobody_is_on_the_next_group_is_paged_at_once(desk_at: Callable[..., Desk]) -> None:
    desk = desk_at(NIGHT)
    desk.node(node_signal(1, sent=11.0))
    rows = about(desk)
    assert [(row.group, row.channel, row.state) for row in rows] == [
        ("ticket-agents", "radio", "queued"),
        ("ticket-agents", "~", "failed"),
        ("supervisors", "radio", "queued"),
    ]
    assert rows[1].note == "no shift of Ticket agents is on: Supervisors are paged at once"
    assert rows[2].stands_for == rows[1].id
    assert rows[2].text.startswith(
        "Check-in counter A: 3:00 left until 23:03. Nobody of Ticket agents can be reached by name. “"
    )
    assert rows[2].page == rows[0].page
    desk.pass_ms(90_000)  # their own step comes all the same: less time is left
    assert len(about(desk, group="supervisors")) == 2
    desk.node(node_signal(2, "reset", sent=12.0, mono=110.0))
    assert {(row.group, row.channel) for row in about(desk, kind="over", state="queued")} == {
        ("ticket-agents", "radio"),
        ("supervisors", "radio"),
    }


def test_the_end_of_the_line_is_told_to_technicians_and_then_to_those_before(desk_at: Callable[..., Desk]) -> None:
    plan = shifts().replace('timezone = "Europe/Rome"', 'timezone = "Europe/Rome"\ntechnicians = "crew"')
    plan += '[groups.crew]\nname = "Technicians"\nchannels = ["radio"]\n'
    plan += '[groups.supervisors.shifts.day]\nfrom = "08:00"\nto = "16:00"\n'
    desk = desk_at(NIGHT, plan=plan)
    desk.node(node_signal(1, sent=11.0))
    notes = [row.note for row in about(desk, state="failed")]
    assert notes == [
        "no shift of Ticket agents is on: Supervisors are paged at once",
        "no shift of Supervisors is on: Technicians are paged at once",
    ]
    assert [row.group for row in about(desk, state="queued")] == ["ticket-agents", "supervisors", "crew"]
    desk.pass_ms(90_000)  # the supervisors' own step: whoever stands before them has been told, and is told again
    page = about(desk)[-1].page
    assert [(row.group, row.state) for row in desk.pages(page=page)] == [
        ("supervisors", "queued"),
        ("supervisors", "failed"),
        ("crew", "queued"),
    ]


def test_nobody_with_a_channel_is_nobody(desk_at: Callable[..., Desk]) -> None:
    desk = desk_at(MORNING)
    office = Office(desk.driver.people)
    ada = office.hire("Ada", "webpush://")
    desk.node(node_signal(1, sent=11.0))
    (lost,) = about(desk, state="failed")
    assert lost.note == (
        "the one person on Early of Ticket agents has not set up their phone yet: Supervisors are paged at once"
    )
    # A phone that registers meanwhile counts at once.
    data = desk.driver._store.data
    assert Phones(data).add(Phone(ada, "https://push.example/1", b"p" * 65, b"a" * 16), 1)
    desk.node(node_signal(2, "reset", sent=12.0))
    desk.clock.advance(1000)
    desk.node(node_signal(3, sent=13.0, mono=20.0))
    assert about(desk)[-1].channel == f"{ada}/1"
    assert len(about(desk, state="failed")) == 1


def test_whom_the_last_page_did_not_reach_is_paged_but_not_relied_upon(desk_at: Callable[..., Desk]) -> None:
    desk = desk_at(MORNING)
    office = Office(desk.driver.people)
    ada = office.hire("Ada")
    desk.node(node_signal(1, sent=11.0))
    (row,) = desk.pages(person=ada)
    desk.driver.fate(
        PageFate(id=row.id, moment=row.moment, state="failed", note="no such number", tries=1, due_ms=row.due_ms)
    )
    desk.sync()
    desk.node(node_signal(2, "reset", sent=12.0))
    desk.clock.advance(1000)
    desk.node(node_signal(3, sent=13.0, mono=20.0))
    page = about(desk)[-1].page
    assert [(row.group, row.state) for row in desk.pages(page=page)] == [
        ("ticket-agents", "queued"),
        ("ticket-agents", "queued"),
        ("ticket-agents", "failed"),
        ("supervisors", "queued"),
    ]


def test_in_quiet_hours_only_the_first_page_of_a_threat_goes(desk_at: Callable[..., Desk]) -> None:
    plan = shifts().replace('left = "90s"\ngroup = "supervisors"', 'left = "90s"\ngroup = "ticket-agents"')
    desk = desk_at(MORNING, plan=plan)
    office = Office(desk.driver.people)
    ada = office.hire("Ada", quiet=(Quiet(22 * 60, 10 * 60),))
    bob = office.hire("Bob", quiet=(Quiet(8 * 60, 10 * 60, steps=(1,)),))
    desk.node(node_signal(1, sent=11.0))
    assert [row.state for row in desk.pages(person=ada)] == ["queued"]
    desk.pass_ms(90_000)
    assert [row.state for row in desk.pages(person=ada)] == ["queued", "muted"]
    assert desk.pages(person=ada)[-1].note == "quiet hours 22:00-10:00: the first page of this threat has gone"
    assert [row.state for row in desk.pages(person=bob)] == ["queued", "queued"]


def test_verify_holds_whatever_the_roster_said(desk_at: Callable[..., Desk], tmp_path: Path) -> None:
    desk = desk_at(NIGHT)
    office = Office(desk.driver.people)
    office.hire("Ada")
    desk.node(node_signal(1, sent=11.0))
    desk.pass_ms(100_000)
    desk.node(node_signal(2, "reset", mono=111.0, sent=111.0))
    desk.pass_ms(10 * 3_600_000)
    desk.node(node_signal(3, mono=36_111.0, sent=36_111.0))
    assert about(desk, state="queued")[-1].person
    desk.stop()
    found = verify(database_of(tmp_path / "data"))
    assert found.sound(witnessed=False), list(map(str, found.differences))


def test_a_person_is_erased_with_rosters_and_phones(desk_at: Callable[..., Desk], tmp_path: Path) -> None:
    desk = desk_at(MORNING)
    office = Office(desk.driver.people)
    ada, bob = office.hire("Ada Jones", "json://secret-address"), office.hire("Bob Brown")
    office.instead("2026-11-24", ada, bob)
    office.instead("2026-11-25", bob, ada)
    Phones(desk.driver._store.data).add(Phone(ada, "https://push.example/1", b"p" * 65, b"a" * 16), 1)
    assert desk.driver.people.book().phones == {ada}
    assert erase(tmp_path / "data", "Ada Jones").ids == 1
    book = desk.driver.people.book()
    assert list(book.people) == [bob]
    assert [duty.person for duty in book.duties] == [bob]
    assert [(each.person, each.instead_of) for each in book.stand_ins] == [(None, bob), (bob, None)]
    assert book.phones == frozenset()
    assert Directory(desk.driver.people, lambda: desk.driver.plan).channels(ada) == ()
    desk.stop()
    everything = b"".join(file.read_bytes() for file in (tmp_path / "data").rglob("*") if file.is_file())
    assert b"Ada Jones" not in everything
    assert b"secret-address" not in everything


def test_whoever_claims_is_whoever_is_on_the_roster(desk_at: Callable[..., Desk]) -> None:
    desk = desk_at(MORNING)
    office = Office(desk.driver.people)
    desk.node(node_signal(1, sent=11.0))
    desk.act("claim", desk.only().id, by="Ada")
    ada = office.hire("Ada")
    assert desk.driver._store.fact("select id from person where name = ?", ("Ada",)) == ada
    with pytest.raises(RefusedError, match="tells them apart"):
        office.hire("Ada")


# ------------------------------------------------------------------------------------------------- the tables


@pytest.fixture
def people(desk_at: Callable[..., Desk]) -> People:
    return desk_at(MORNING).driver.people


def test_people_are_kept_changed_and_removed(people: People) -> None:
    ada = people.add(Person(id="", name="Ada", languages=("it", "en"), channels=("snpp://h/1",)), 5)
    assert people.book().people == {ada.id: ada}
    changed = msgspec.structs.replace(ada, name="Ada J", quiet=(Quiet(0, 60, (2,)),), active=False)
    assert people.change(changed)
    assert people.book().people[ada.id] == changed
    bob = people.add(Person(id="", name="Bob"), 5)
    with pytest.raises(RefusedError, match="tells them apart"):
        people.change(msgspec.structs.replace(bob, name="Ada J"))
    assert not people.change(msgspec.structs.replace(bob, id="~0000000000000000", name="X"))
    assert people.remove(ada.id)
    assert not people.remove(ada.id)
    assert list(people.book().people) == [bob.id]
    # Who was removed and comes back is the same to the journal.
    assert people.add(Person(id="", name="Ada J"), 6).id == ada.id


def test_the_book_is_the_same_until_something_changes(people: People) -> None:
    first = people.book()
    assert people.book() is first
    Office(people).hire("Ada")
    assert people.book() is not first


def test_a_disk_that_cannot_be_read_leaves_what_was_known(people: People, monkeypatch: pytest.MonkeyPatch) -> None:
    Office(people).hire("Ada")
    known = people.book()
    people.close()
    monkeypatch.setattr(People, "connect", lambda self, **more: (_ for _ in ()).throw(sqlite3.OperationalError("io")))
    assert people.book() is known
    assert people.failed(["~0"]) == frozenset()
    assert People(Path("/nowhere")).book() == Book()


def test_duties_and_stand_ins(people: People) -> None:
    office = Office(people)
    ada, bob = office.hire("Ada"), office.hire("Bob", shift="")
    with pytest.raises(RefusedError, match="no person"):
        people.put_on(Duty(person="~0000000000000000", group="ticket-agents", shift="early", days=(0,)))
    with pytest.raises(RefusedError, match="no person"):
        office.instead("2026-11-24", "~0000000000000000", ada)
    swap = people.stand_in(
        [
            StandIn(date="2026-11-24", group="ticket-agents", shift="early", person=bob, instead_of=ada, by="~0"),
            StandIn(date="2026-11-25", group="ticket-agents", shift="late", person=ada, instead_of=bob, by="~0"),
        ]
    )
    assert swap[0].pair == swap[1].pair == swap[0].id
    assert people.book().stand_ins == swap
    assert people.take_back(swap[1].id)
    assert people.book().stand_ins == ()
    assert not people.take_back(swap[1].id)
    one, two = office.instead("2026-11-24", bob, ada), office.instead("2026-11-25", bob, ada)
    assert people.take_back(one.id)
    assert people.book().stand_ins == (two,)
    late = msgspec.structs.replace(two, at_ms=2 + 400 * 86_400_000)
    (kept,) = people.stand_in([late])
    assert people.book().stand_ins == (kept,), "who stood in for whom is not known for ever"
    (duty,) = people.book().duties
    assert people.take_off(duty.id)
    assert not people.take_off(duty.id)


# ------------------------------------------------------------------------------------------------- who stands where

PLAN = parse_plan(shifts())


def _book(*duties: Duty, stand_ins: tuple[StandIn, ...] = (), off: tuple[str, ...] = ()) -> Book:
    names = {each for duty in duties for each in [duty.person]} | {"ada", "bob", "cyd"}
    people = {name: Person(id=name, name=name, channels=("json://x",), active=name not in off) for name in names}
    return Book(1, people, duties, stand_ins)


def _on(book: Book, date: str, shift: str = "early") -> list[str]:
    turn = turn_of(PLAN, "ticket-agents", shift, date)
    assert turn is not None
    return [person.id for person in on_turn(book, turn)]


def _duty(person: str, **more: Any) -> Duty:
    return Duty(person=person, group="ticket-agents", **({"shift": "early", "days": EVERY_DAY} | more))


def _stand_in(person: str | None, instead_of: str | None, date: str = "2026-11-24", **more: Any) -> StandIn:
    return StandIn(
        **({"date": date, "group": "ticket-agents", "shift": "early", "by": "~0"} | more),
        person=person,
        instead_of=instead_of,
    )


def test_days_and_dates_of_the_roster() -> None:
    book = _book(_duty("ada", days=(1,)), _duty("bob", first="2026-11-25", last="2026-11-26"))
    assert [_on(book, f"2026-11-{day}") for day in (23, 24, 25, 26, 27)] == [[], ["ada"], ["bob"], ["bob"], []]
    assert _on(book, "2026-11-24", "late") == []
    assert _on(_book(_duty("ada", days=(), date="2026-11-24")), "2026-11-24") == ["ada"]
    assert _on(_book(_duty("ada", days=(), date="2026-11-24")), "2026-11-25") == []
    assert _on(_book(_duty("ada"), _duty("ada", days=(1,))), "2026-11-24") == ["ada"]
    assert _on(_book(_duty("ada"), off=("ada",)), "2026-11-24") == []


def test_stand_ins() -> None:
    instead = _stand_in("bob", "ada")
    assert _on(_book(_duty("ada"), stand_ins=(instead,)), "2026-11-24") == ["bob"]
    assert _on(_book(_duty("ada"), stand_ins=(instead,)), "2026-11-25") == ["ada"]
    on_top = _stand_in("bob", None)
    assert _on(_book(_duty("ada"), stand_ins=(on_top,)), "2026-11-24") == ["ada", "bob"]
    off = _stand_in(None, "ada")
    assert _on(_book(_duty("ada"), stand_ins=(off,)), "2026-11-24") == []
    chain = (_stand_in("bob", "ada"), _stand_in("cyd", "bob"))
    assert _on(_book(_duty("ada"), stand_ins=chain), "2026-11-24") == ["cyd"]
    back = (_stand_in(None, "ada"), _stand_in("ada", None))
    assert _on(_book(_duty("ada"), stand_ins=back), "2026-11-24") == ["ada"]
    turn = turn_of(PLAN, "ticket-agents", "early", "2026-11-24")
    assert turn is not None
    shown = standings(_book(_duty("ada"), stand_ins=(instead,)), turn)
    assert [(each.person, each.off) for each in shown] == [("bob", False), ("ada", True)]


def test_who_is_on_now_and_next() -> None:
    book = _book(_duty("ada"), _duty("bob", shift="late"))
    at_ms = rome("2026-11-24T12:29")
    ((turn, people),) = on_now(PLAN, book, "ticket-agents", at_ms)
    assert (turn.shift, [person.id for person in people]) == ("early", ["ada"])
    ((turn, people),) = on_next(PLAN, book, "ticket-agents", at_ms)
    assert (turn.shift, [person.id for person in people]) == ("late", ["bob"])
    assert on_now(PLAN, book, "supervisors", at_ms) == ()


def test_who_can_be_reached() -> None:
    book = Book(phones=frozenset({"bob"}))
    ada = Person(id="ada", name="Ada")
    assert unreachable(PLAN, book, ada) == "has no way to be reached"
    assert unreachable(PLAN, book, msgspec.structs.replace(ada, active=False)) == "is not to be paged now"
    phone = msgspec.structs.replace(ada, channels=("webpush://",))
    assert unreachable(PLAN, book, phone) == "has not set up their phone yet"
    bob = msgspec.structs.replace(phone, id="bob")
    assert unreachable(PLAN, book, bob) is None
    assert unreachable(PLAN, book, bob, {"bob"}) == "was not reached by the last page"


WAYS = """
[ways.mail]
name = "Mail"
takes = "address"
url = "mailto://hub:hush@{host}?to={address}"
[ways.call]
name = "A call"
takes = "number"
url = "webhook+https://voice.example/calls"
secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
"""


def test_a_way_of_the_plan_is_asked_as_the_plan_says_it_now(people: People) -> None:
    plans = [parse_plan(shifts() + WAYS.replace("{host}", host)) for host in ("old.example", "new.example")] + [PLAN]
    office = Office(people)
    ada = office.hire("Ada", "way://mail/ada%2Bb@example.org", "way://call/+39065555", "mqtt://pager-7")
    for plan, host in zip(plans, ("old.example", "new.example", None), strict=True):
        directory = Directory(people, lambda plan=plan: plan)  # type: ignore[misc]
        mail, call = directory.entry(f"{ada}/1"), directory.entry(f"{ada}/2")
        book = people.book()
        if host is None:
            assert (mail, call, ways(plan, book, book.people[ada])) == (None, None, (2,))
            continue
        assert mail == Channel(id=f"{ada}/1", url=f"mailto://hub:hush@{host}?to=ada%2Bb%40example.org")
        assert call == Channel(
            id=f"{ada}/2",
            url="webhook+https://voice.example/calls",
            secret="whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
            to="+39065555",
        )
        assert ways(plan, book, book.people[ada]) == (0, 1, 2)
    contact = parse_plan(shifts() + '[channels.phones]\nurl = "webpush://duty@agx.example"\n')
    urls = [
        found.url if (found := channel_of(plan, "x", url)) else None
        for plan in (contact, PLAN)
        for url in ("webpush://", "webpush://me@agx.example")
    ]
    assert urls == ["webpush://duty@agx.example", "webpush://me@agx.example", "webpush://", "webpush://me@agx.example"]
    alone = Person(id="bob", name="Bob", channels=("way://mail/bob@example.org",))
    assert unreachable(PLAN, Book(), alone) == "has no way that the plan still has"


def test_quiet_spans_run_by_the_clock_on_the_wall() -> None:
    person = Person(id="ada", name="Ada", quiet=(Quiet(22 * 60, 6 * 60), Quiet(8 * 60, 9 * 60, (2, 3))))
    assert hushes(PLAN, person, rome("2026-11-24T21:59")) == ()
    assert hushes(PLAN, person, rome("2026-11-24T22:00")) == (("22:00-06:00", ()),)
    assert hushes(PLAN, person, rome("2026-11-24T05:59")) == (("22:00-06:00", ()),)
    assert hushes(PLAN, person, rome("2026-11-24T06:00")) == ()
    assert hushes(PLAN, person, rome("2026-11-24T08:30")) == (("08:00-09:00", (2, 3)),)


def test_the_directory_knows_addresses_as_of_now(people: People) -> None:
    directory = Directory(people, lambda: PLAN)
    office = Office(people)
    ada = office.hire("Ada", "mqtt://pager-7", "webpush://", "json://x")
    assert directory.channels(ada) == ("mqtt://pager-7", "webpush://", "json://x")
    entry = directory.entry(f"{ada}/1")
    assert entry is not None
    assert (entry.id, entry.url) == (f"{ada}/1", "mqtt://pager-7")
    assert [directory.audience(f"{ada}/{rank}") for rank in (1, 2, 3, 4)] == ["pager-7", ada, ada, None]
    assert [directory.next_channel(f"{ada}/{rank}") for rank in (1, 3)] == [f"{ada}/2", None]
    assert directory.entry("radio") is None
    assert directory.next_channel("radio") is None
    known = directory.person(ada)
    assert known is not None
    people.change(msgspec.structs.replace(known, active=False))
    assert directory.channels(ada) == ()
    assert directory.entry(f"{ada}/1") is None


# ------------------------------------------------------------------------------------------------- being sent


def test_an_address_is_looked_up_when_the_page_goes_and_stands_in_no_log(
    desk_at: Callable[..., Desk], caplog: pytest.LogCaptureFixture
) -> None:
    desk = desk_at(MORNING)
    people = desk.driver.people
    office = Office(people)
    ada, bob = office.hire("Ada", "json://old-secret"), office.hire("Bob", "json://bobs-secret")
    asked: list[tuple[str, str]] = []
    sent = threading.Semaphore(0)
    rows: list[PageRow] = []

    class Post:
        prompt = False

        def __init__(self, entry: Channel) -> None:
            self.entry = entry

        def send(self, note: Note, done: Callable[[Result], None]) -> None:
            if note.page.kind == "page" and note.page.moment:
                asked.append((note.group, self.entry.url))
                sent.release()
            done(Result(sent=False, note="no such number", retry=False))

        def close(self) -> None:
            pass

    desk.node(node_signal(1, sent=11.0))
    person = people.book().people[ada]
    people.change(msgspec.structs.replace(person, channels=("json://new-secret",)))
    people.remove(bob)
    notifier = Notifier(desk.driver, desk.clock, Post, directory=Directory(people, lambda: desk.driver.plan))
    notifier.start(tuple(desk.pages(state="queued")))
    try:
        for _ in range(2):
            assert sent.acquire(timeout=WAIT_S)
        for _ in range(2000):
            desk.sync()
            rows = [row for row in about(desk) if row.person in {ada, bob}]
            if all(row.state == "failed" for row in rows):
                break
            threading.Event().wait(0.01)
    finally:
        notifier.stop()
    assert sorted(asked) == sorted([("ticket-agents", "mqtt://"), (ada, "json://new-secret")])
    notes = {row.person: row.note for row in rows}
    assert notes == {ada: "no such number", bob: "this person has no such channel any more"}
    assert "secret" not in caplog.text
