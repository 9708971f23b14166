"""The link in a page, on the web: what it shows; looking does nothing; it works once and for that one thing."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
from msgspec.structs import replace
from starlette.testclient import TestClient

from andgate.moment.signals import Action
from andgate.plan import parse_plan
from andgate.wire.messages import FeedSignal
from hub.answers import Links
from hub.evidence.backup import KEY
from hub.evidence.erase import erase
from hub.store import PageRow
from hub.store.people import Person
from hub.web.app import create_app
from hub.web.tokens import parse_tokens
from tests.hub.test_storms import STORM
from tests.hub_web.stand import FLIGHT, Stand

SECRET = "somebody-secret-0001"
TOKENS = f'[tokens.chief]\nsecret = "{SECRET}"\nrights = ["read", "act"]\n'
MINUTE = 60_000


class Hall(Stand):
    """A hub whose pages carry links, guarded by tokens that nobody here has."""

    def __init__(self, data: Path, plan: str) -> None:
        super().__init__(data, parse_plan(plan))
        self.data = data
        self.links = Links(data)
        self.app = create_app(self.driver, self.reader, self.clock, tokens=parse_tokens(TOKENS))
        self.app.state.links = self.links

    def press(self, id: str = "one", signal: str = "pressed") -> PageRow:
        """Let somebody press; return the newest page."""
        self.tell(id, signal)
        return self.reader.pages().items[0]

    def tell(self, id: str, signal: str) -> None:
        self.driver.signals([FeedSignal(id=id, touchpoint="counter-a", signal=signal)], "ops").result(30)

    def wait(self, ms: int) -> None:
        self.clock.advance(ms)
        self.driver.signals([], "nobody").result(30)

    def path(self, row: PageRow) -> str:
        path = self.links.path(row)
        assert path is not None
        return path

    def moment(self, row: PageRow) -> dict[str, object]:
        found = self.reader.moment(row.moment)
        assert found is not None
        return {
            "by": [claim.by for claim in found.coming],
            "claimed": found.claimed_by,
            "verdict": found.verdict,
            "reason": found.reason,
        }


@pytest.fixture
def hall(tmp_path: Path, airport_toml: str) -> Iterator[Hall]:
    hall = Hall(tmp_path, airport_toml)
    yield hall
    hall.close()


@pytest.fixture
def two(tmp_path: Path, airport_toml: str) -> Iterator[Hall]:
    """Where two people are needed at the counter."""
    needs = "[expectations.check-in-wait]\nneeds = 2"
    hall = Hall(tmp_path, airport_toml.replace("[expectations.check-in-wait]", needs, 1))
    yield hall
    hall.close()


@contextmanager
def phone(hall: Hall) -> Iterator[TestClient]:
    """A phone that is signed in nowhere; many may be there, so none of them starts or ends the application."""
    web = TestClient(hall.app, base_url="http://hub.example", follow_redirects=True)
    yield web
    web.close()


def words(text: str) -> str:
    """Return what a person reads."""
    body = re.sub(r"<script.*?</script>|<head>.*?</head>", "", text, flags=re.DOTALL)
    return " ".join(re.sub(r"<[^>]+>", " ", body).split())


GO = {"do": "claim", "minutes": "2", "who": "Jo K."}


def test_looking_says_what_it_will_do_and_does_nothing(hall: Hall) -> None:
    row = hall.press()
    hall.wait(46_000)
    before = hall.driver.chain
    with phone(hall) as web:
        for _ in range(3):
            assert web.head(hall.path(row)).status_code == 200
            assert web.get(hall.path(row)).status_code == 200
        seen = web.get(hall.path(row))
    said = words(seen.text)
    assert seen.status_code == 200
    for expected in ("Check-in counter A", "2:14", "I wait no more than", "Ticket agents asked at", "I’m on my way"):
        assert expected in said
    assert (seen.headers["cache-control"], seen.headers["x-robots-tag"]) == ("no-store", "noindex, nofollow")
    assert (hall.moment(row)["by"], hall.driver.chain, hall.reader.taps(row.id)) == ([], before, ())


def test_one_tap_claims_without_login_once_and_for_that_one_thing(hall: Hall) -> None:
    row = hall.press()
    with phone(hall) as web:
        answer = web.post(hall.path(row), data=GO)
        assert (answer.status_code, hall.moment(row)["by"]) == (200, ["Jo K."])
        assert "You are on it" in words(answer.text)
        assert "13:02:00" in words(answer.text), "the promised time, in the site's zone"
        entry = hall.driver.chain.entry
        again = web.post(hall.path(row), data=GO)
        assert (again.status_code, hall.driver.chain.entry) == (200, entry), (
            "a second tap of the same finger is no news"
        )
        assert "You are on it" in words(web.get(hall.path(row)).text)
        assert web.get("/").status_code != 200, "and it opens nothing else"
        assert web.post(f"/api/v1/moments/{row.moment}/claim").status_code == 401
    with phone(hall) as other:
        seen = other.get(hall.path(row))
        assert (seen.status_code, "Jo K. was first, at 13:00:00" in words(seen.text)) == (409, True)
        tried = other.post(hall.path(row), data=GO | {"who": "Marta"})
        assert (tried.status_code, hall.moment(row)["by"]) == (409, ["Jo K."])
    assert [(tap.at_ms, tap.do) for tap in hall.reader.taps(row.id)] == [(hall.clock.now_ms(), "claim")]


def test_who_comes_must_say_so_and_is_remembered(hall: Hall) -> None:
    row = hall.press()
    with phone(hall) as web:
        nameless = web.post(hall.path(row), data={"do": "claim", "minutes": "2", "who": "  "})
        assert (nameless.status_code, hall.moment(row)["by"]) == (409, [])
        assert web.post(hall.path(row), data=GO | {"minutes": "5"}).status_code == 200
        hall.tell("r1", "reset")
        hall.wait(MINUTE)
        later = hall.press("two")
        assert 'value="Jo K."' in web.get(hall.path(later)).text
        assert web.post(hall.path(later), data={"do": "claim", "minutes": "junk"}).status_code == 200
    moment = hall.reader.moment(later.moment)
    assert moment is not None
    assert moment.claim_until_ms == hall.clock.now_ms() + 2 * MINUTE, "the big button, where nobody says how long"


def test_who_is_signed_in_answers_by_that_name(hall: Hall) -> None:
    row = hall.press()
    with phone(hall) as web:
        assert web.post("/login", data={"token": SECRET, "next": "/"}).status_code == 200
        assert 'name="who"' not in web.get(hall.path(row)).text
        web.post(hall.path(row), data=GO)
    assert hall.moment(row)["by"] == ["chief"]


def test_a_link_of_one_person_names_them(hall: Hall) -> None:
    person = hall.driver.people.add(
        Person(id="", name="Marta Rossi", channels=("mailto://user:pw@example.org",)), hall.clock.now_ms()
    )
    row = hall.press()
    with_person(hall, row, person.id)  # as the outbox makes them for whoever is on shift
    with phone(hall) as web:
        seen = web.get(hall.path(row))
        assert ('name="who"' in seen.text, "Marta Rossi is on the way" in words(seen.text)) == (False, True)
        answer = web.post(hall.path(row), data=GO)
        assert "You are on it" in words(answer.text)
    assert hall.moment(row)["by"] == ["Marta Rossi"]
    (tap,) = hall.reader.taps(row.id)
    assert tap.who == person.id


def test_a_link_of_somebody_who_was_erased_is_nobodys(hall: Hall) -> None:
    person = hall.driver.people.add(Person(id="", name="Marta Rossi", channels=("webpush://",)), hall.clock.now_ms())
    row = hall.press()
    with_person(hall, row, person.id)
    erase(hall.data, "Marta Rossi")
    with phone(hall) as web:
        for answer in (web.get(hall.path(row)), web.post(hall.path(row), data=GO)):
            assert answer.status_code == 404
            assert "not on this hub’s list of people any more" in words(answer.text)
    assert hall.moment(row)["by"] == [], "the others are paged on"


def test_who_cannot_come_after_all_gives_it_back_and_the_others_are_paged_on(hall: Hall) -> None:
    row = hall.press()
    with phone(hall) as web:
        assert "I can’t come after all" not in words(web.get(hall.path(row)).text)
        assert "I can’t come after all" in words(web.post(hall.path(row), data=GO).text)
        hall.wait(20_000)
        with phone(hall) as other:
            assert other.post(hall.path(row), data={"do": "unclaim", "who": "Marta"}).status_code == 409
        assert hall.moment(row)["by"] == ["Jo K."], "it is nobody else's to give back"
        back = web.post(hall.path(row), data={"do": "unclaim"})
        assert "You can’t come" in words(back.text)
        assert "You said so at 13:00:20; the others are paged on." in words(back.text)
        assert hall.moment(row)["by"] == []
        entry = hall.driver.chain.entry
        again = web.post(hall.path(row), data={"do": "unclaim"})
        assert ("You can’t come" in words(again.text), hall.driver.chain.entry) == (True, entry)
    hall.wait(80_000)
    assert hall.reader.pages().items[0].group == "supervisors"


def test_who_was_paged_by_name_gives_back_their_own_claim_and_no_other(hall: Hall) -> None:
    marta = hall.driver.people.add(Person(id="", name="Marta Rossi", channels=("webpush://",)), hall.clock.now_ms())
    row = hall.press()
    with_person(hall, row, marta.id)
    with phone(hall) as web:
        web.post(hall.path(row), data=GO)
        hall.wait(5_000)
        jo = Action(id="jo", do="claim", moment=row.moment, at_ms=hall.clock.now_ms(), by="Jo K.")
        hall.driver.act(jo).result(30)
        assert hall.moment(row)["by"] == ["Marta Rossi", "Jo K."]
        back = web.post(hall.path(row), data={"do": "unclaim"})
        assert "You can’t come" in words(back.text)
        assert "Jo K. is on the way." in words(back.text)
        assert "the others are paged on" not in words(back.text)
    assert hall.moment(row)["by"] == ["Jo K."]


def test_that_one_cannot_come_never_claims(hall: Hall) -> None:
    row = hall.press()
    with phone(hall) as web:
        web.post(hall.path(row), data={"do": "unclaim", "who": "Jo K."})
    assert hall.moment(row)["by"] == []


def test_it_says_what_to_do_first_and_what_is_owed_if_it_breaks(tmp_path: Path, airport_toml: str) -> None:
    expectation = "[expectations.check-in-wait]"
    hall = Hall(
        tmp_path, airport_toml.replace(expectation, f'{expectation}\nfirst = ["Open a desk", "Walk the line"]', 1)
    )
    row = hall.press()
    with phone(hall) as web:
        seen = words(web.get(hall.path(row)).text)
        assert "Do first: Open a desk, Walk the line." in seen
        assert "Apologise in person" not in seen, "the button comes before what may be owed"
        said = words(web.post(hall.path(row), data=GO | {"first": "Walk the line"}).text)
        assert "If it breaks: Apologise in person; priority tag on the bags." in said
        hall.wait(4 * MINUTE)
        assert "Make good: Apologise in person; priority tag on the bags." in words(web.get(hall.path(row)).text)
    assert "Walk the line" in {getattr(line.event, "first", None) for line in hall.reader.trail(row.moment)}
    hall.close()


def test_what_is_over_or_too_old_says_so_kindly(hall: Hall) -> None:
    row = hall.press()
    hall.wait(30_000)
    hall.tell("r1", "reset")
    with phone(hall) as web:
        for answer in (web.get(hall.path(row)), web.post(hall.path(row), data=GO)):
            assert (answer.status_code, "It is over Saved at 13:00:30" in words(answer.text)) == (410, True)
    assert hall.moment(row)["by"] == []


def test_a_link_is_good_for_a_shift(hall: Hall, monkeypatch: pytest.MonkeyPatch) -> None:
    row = hall.press()
    monkeypatch.setattr("hub.web.pages.answer.GOOD_MS", 10 * MINUTE)
    hall.wait(10 * MINUTE)
    with phone(hall) as web:
        assert web.get(hall.path(row)).status_code == 200
        hall.wait(1)
        for answer in (web.get(hall.path(row)), web.post(hall.path(row), data=GO)):
            assert (answer.status_code, "too old" in words(answer.text)) == (410, True)


def test_a_promise_that_is_over_is_told_to_whoever_made_it(hall: Hall) -> None:
    row = hall.press()
    with phone(hall) as web:
        web.post(hall.path(row), data=GO | {"minutes": "1"})
        hall.wait(MINUTE)
        assert "Your time is over" in words(web.get(hall.path(row)).text)


@pytest.mark.parametrize("change", ["cut", "other", "no base64", "longer", "other row", "empty"])
def test_a_link_that_is_not_genuine_is_not_known(hall: Hall, change: str) -> None:
    row = hall.press()
    good = hall.links.token(row)
    bad = {
        "cut": good[:-3],
        "other": ("B" if good[0] != "B" else "C") + good[1:],
        "no base64": "!" * 20,
        "longer": good + "A" * 60,
        "other row": hall.links.token(replace(row, id=row.id + 999)),
        "empty": "AAAA",
    }[change]
    with phone(hall) as web:
        for answer in (web.get(f"/a/{bad}"), web.post(f"/a/{bad}", data=GO)):
            assert (answer.status_code, "not known here" in words(answer.text)) == (404, True)
    assert hall.moment(row)["by"] == []


def test_a_link_of_another_hub_is_not_known(hall: Hall, tmp_path: Path) -> None:
    row = hall.press()
    (tmp_path / "other").mkdir()
    with phone(hall) as web:
        assert web.get(f"/a/{Links(tmp_path / 'other').token(row)}").status_code == 404


def test_where_the_hub_writes_no_links_none_is_known(hall: Hall) -> None:
    row = hall.press()
    path = hall.path(row)
    hall.app.state.links = None
    with phone(hall) as web:
        assert web.get(path).status_code == 404


def test_a_page_goes_without_a_link_where_the_key_is_broken(hall: Hall, tmp_path: Path) -> None:
    row = hall.press()
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / KEY).write_text("no key", encoding="ascii")
    assert Links(tmp_path / "broken").path(row) is None
    assert Links(tmp_path / "nowhere" / "at all").path(row) is None
    assert hall.links.path(replace(row, kind="over")) is None
    assert hall.links.path(replace(row, moment="fault/lost/desk-a1")) is None


def test_a_false_alarm_is_rejected_with_a_reason_and_counts_in_no_rate(hall: Hall) -> None:
    row = hall.press()
    with phone(hall) as web:
        answer = web.post(hall.path(row), data={"do": "reject", "who": "Jo K.", "reason": "only the cleaners"})
        assert (answer.status_code, "false alarm" in words(answer.text)) == (200, True)
    now = hall.moment(row)
    assert (now["verdict"], now["reason"], now["by"]) == ("void", "false alarm: only the cleaners", [])
    (by,) = [line.event for line in hall.reader.trail(row.moment) if type(line.event).__name__ == "Voided"]
    assert getattr(by, "by", "") == "Jo K."


def test_what_has_failed_cannot_be_taken_out_of_the_rates_by_a_link(hall: Hall) -> None:
    row = hall.press()
    hall.wait(4 * MINUTE)
    with phone(hall) as web:
        assert "false alarm" not in words(web.get(hall.path(row)).text)
        web.post(hall.path(row), data={"do": "reject", "who": "Jo K.", "reason": "nobody there"})
        assert hall.moment(row)["verdict"] == "failure"
        assert web.post(hall.path(row), data=GO).status_code == 200, "but somebody may still come"


def test_of_two_who_tap_at_once_one_is_told_who_was_first(hall: Hall) -> None:
    row = hall.press()
    names = ["Jo K.", "Marta"]

    def tap(name: str) -> tuple[int, str]:
        with phone(hall) as web:
            answer = web.post(hall.path(row), data=GO | {"who": name})
            return answer.status_code, words(answer.text)

    with ThreadPoolExecutor(2) as both:
        answers = dict(zip(names, both.map(tap, names), strict=True))
    (first,) = [name for name in names if hall.moment(row)["by"] == [name]]
    (second,) = set(names) - {first}
    assert answers[first][0] == 200
    assert (answers[second][0], f"{first} was first" in answers[second][1]) == (409, True)


def test_where_two_are_needed_a_link_works_for_two(two: Hall) -> None:
    row = two.press()
    with phone(two) as web, phone(two) as other, phone(two) as third:
        first = words(web.post(two.path(row), data=GO).text)
        assert "1 of 2 are coming" in first
        assert two.moment(row)["claimed"] is None
        seen = words(other.get(two.path(row)).text)
        assert ("Jo K. is on the way since 13:00:00" in seen, "1 of 2 are coming" in seen) == (True, True)
        assert other.post(two.path(row), data=GO | {"who": "Marta"}).status_code == 200
        assert (two.moment(row)["by"], two.moment(row)["claimed"]) == (["Jo K.", "Marta"], "Marta")
        assert third.post(two.path(row), data=GO | {"who": "Lu"}).status_code == 409


def test_a_form_of_another_kind_is_refused(hall: Hall) -> None:
    row = hall.press()
    with phone(hall) as web:
        assert web.post(hall.path(row), json=GO).status_code == 415
        assert web.post(hall.path(row), data=GO, headers={"sec-fetch-site": "cross-site"}).status_code == 403
    assert hall.moment(row)["by"] == []


def test_another_moment_s_link_is_another(hall: Hall) -> None:
    row = hall.press()
    hall.driver.signals([FeedSignal(id="d1", touchpoint="belt-3", signal="docked", key=FLIGHT)], "ops").result(30)
    hall.wait(17 * MINUTE)
    belt = hall.reader.pages().items[0]
    assert belt.moment != row.moment
    with phone(hall) as web:
        assert "Baggage belt 3" in words(web.get(hall.path(belt)).text)


def test_one_tap_claims_everything_that_a_page_tells_together(tmp_path: Path) -> None:
    hall = Hall(tmp_path, STORM)
    for n in range(1, 7):
        signal = FeedSignal(id=f"line-{n}", touchpoint=f"line-{n}", signal="pressed")
        hall.driver.signals([signal], "ops").result(30)
    hall.wait(60_000)
    bundle = next(row for row in hall.reader.pages().items if row.kind == "page" and row.bundle == row.moment)
    told = hall.reader.told_by(bundle.page)
    assert len(told) > 1
    with phone(hall) as web:
        seen = words(web.get(hall.path(bundle)).text)
        assert (f"{len(told)} places at once" in seen, "false alarm" in seen) == (True, False)
        places = [seen.index(hall.driver.plan.touchpoints[f"line-{n}"].name) for n in range(1, len(told) + 1)]
        assert places == sorted(places), "the nearest deadline is read first"
        assert seen.index("I’m on my way") < places[0], "and the button stands before them all"
        rejected = web.post(hall.path(bundle), data=GO | {"do": "reject", "reason": "no"})
        assert rejected.status_code == 409, "one word does not end many threats"
        assert "You are on it" in words(web.post(hall.path(bundle), data=GO).text)
    claimed = {moment.id for moment in hall.driver.open_moments() if moment.claimed_by == "Jo K."}
    assert claimed == set(told)
    hall.close()


def with_person(hall: Hall, row: PageRow, person: str) -> None:
    with closing(sqlite3.connect(hall.data / "andgate.db")) as db, db:
        db.execute("update page set person = ? where id = ?", (person, row.id))
