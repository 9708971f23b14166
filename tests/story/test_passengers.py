"""A passenger asks to be told, says yes, hears of a delay and another gate in mail and by telephone, and stops."""

from __future__ import annotations

import re
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.story.airport import Airport, ask, events
from tests.story.receivers import SECRET, LetterBox, Telephony
from tests.story.stage import WAIT_S, until

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")
"""Of a module that Apprise loads."""

FLIGHT = "AG1234/2026-11-21"
PLAN = """
[touchpoints.flight-desk]
name = "Flight desk"
group = "supervisors"

[expectations.told]
promise = "I am told of a delay or a new gate within 5 minutes."
touchpoints = ["flight-desk"]
key = "flight"
opens = ["delayed", "gate-changed"]
closes = ["told"]
voids = ["nobody-asked"]
fails_after = "5m"
[[expectations.told.pages]]
left = "2m"
group = "supervisors"

[alerts]
expectation = "told"
told = "told"
nobody = "nobody-asked"
[alerts.ways.mail]
name = "E-mail"
takes = "address"
url = "mailto://127.0.0.1:{mail}?from=flights@agx.example&to={{address}}&mode=insecure&name=AGX"
[alerts.ways.call]
name = "A call"
takes = "number"
url = "webhook+http://127.0.0.1:{call}/calls"
secret = "{secret}"
[alerts.news]
delayed = "{{flight}} is late. It now leaves at {{time}}."
gate-changed = "{{flight}} now leaves from gate {{gate}}."
"""


@pytest.fixture
def airport(tmp_path: Path, airport_toml: str, letters: LetterBox, calls: Telephony) -> Iterator[Airport]:
    """The example's airport, which also tells passengers."""
    plan = airport_toml.replace("[site]\n", '[site]\nurl = "https://andgate.agx.example"\n', 1)
    there = Airport(tmp_path, plan + PLAN.format(mail=letters.port, call=calls.port, secret=SECRET))
    yield there
    there.close()


def post(airport: Airport, path: str, **fields: str) -> tuple[int, str]:
    """Post a form as a browser without scripts does."""
    data = urllib.parse.urlencode(fields).encode()
    try:
        with urllib.request.urlopen(urllib.request.Request(f"{airport.url}{path}", data), timeout=WAIT_S) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as refused:
        with refused:
            return refused.code, refused.read().decode()


def link(text: str) -> str:
    """The path of the link in a word to a passenger."""
    found = re.search(r"https://andgate\.agx\.example(/alerts/[\w/-]+)", text)
    assert found is not None, text
    return found[1]


def wishes(airport: Airport, way: str, address: str, flight: str = "ag 1234") -> None:
    """Fill in the form."""
    status, page = post(airport, "/alerts", flight=flight, day="2026-11-21", way=way, address=address)
    assert status == 200, page


def news(airport: Airport, name: str, id: str, **about: Any) -> None:
    """The airline's feed says what is new."""
    said = {"id": id, "touchpoint": "flight-desk", "signal": name, "key": FLIGHT, "about": about}
    assert airport.send("/signals", said).status == 202


def judged(airport: Airport, verdict: str) -> list[Any]:
    """Every telling with that verdict."""
    return [one for one in airport.moments("?expectation=told") if one["verdict"] == verdict]


def test_who_asked_is_told_and_the_judge_knows(airport: Airport, letters: LetterBox, calls: Telephony) -> None:
    wishes(airport, "mail", "Ada@Example.com")
    to, asked = letters.letter()
    assert to == "Ada@example.com"
    confirm = link(asked)

    # Nothing before she has said yes, and looking at the link is no yes.
    with urllib.request.urlopen(f"{airport.url}{confirm}", timeout=WAIT_S) as page:
        assert "Yes, tell me" in page.read().decode()
    news(airport, "gate-changed", "g1", gate="A1")
    (told,) = until(lambda: judged(airport, "void"))
    assert told["reason"] == "nobody-asked"

    assert "We tell" in post(airport, confirm)[1]
    wishes(airport, "call", "0039 06 123-4567")
    call = calls.call()
    assert (call["type"], call["data"]["to"], call["data"]["flight"]) == ("andgate.opt-in", "+39061234567", FLIGHT)
    assert post(airport, link(call["data"]["confirm"]))[0] == 200

    news(airport, "delayed", "d1", time="2026-11-21T17:40:00Z")
    to, said = letters.letter()
    assert to == "Ada@example.com"
    assert "AG1234 is late. It now leaves at 18:40." in said  # the clocks of Rome
    call = calls.call()
    assert call["data"]["spoken"].startswith("A G 1 2 3 4 is late. It now leaves at 18:40.")
    assert not call["data"]["again"]
    (told,) = until(lambda: judged(airport, "success"))
    assert (told["state"], told["key"]) == ("ended", FLIGHT)
    assert "kept" in events(airport.moment(told["id"]))

    # Whoever calls is known by the number, and hears how the flight stands; once stopped, nothing is known.
    caller = airport.get("/callers/+39%2006%20123%204567")
    assert caller["flights"][0]["words"].startswith("AG1234 now leaves from gate A1. AG1234 is late.")
    assert "erased" in post(airport, link(call["data"]["stop"]))[1]
    assert ask(f"{airport.url}/api/v1/callers/+39061234567").status == 404
    assert airport.send("/callers/Ada@Example.com", None, "DELETE").body == {"erased": 1}
    news(airport, "delayed", "d2", time="2026-11-21T18:00:00Z")
    until(lambda: len(judged(airport, "void")) == 2)
    assert letters.got.empty()


def test_who_cannot_be_told_is_a_broken_promise_and_is_told_later(airport: Airport, letters: LetterBox) -> None:
    wishes(airport, "mail", "ada@example.com")
    post(airport, link(letters.letter()[1]))
    letters.refuses = True
    news(airport, "delayed", "d1", time="2026-11-21T17:40:00Z")
    told = airport.open_moment("flight-desk", FLIGHT)
    airport.later(minutes=4)
    assert airport.becomes(told["id"], threatened_at=airport.moment(told["id"])["threatened_at"])["state"] == "open"
    airport.later(minutes=2)
    assert airport.becomes(told["id"], verdict="failure")["state"] == "open"
    letters.refuses = False
    airport.later(minutes=2)
    assert "AG1234 is late." in letters.letter()[1]
    ended = airport.becomes(told["id"], state="ended")
    assert (ended["verdict"], ended["late_s"] > 0) == ("failure", True)


def test_a_hub_that_died_while_it_told_tells_again_and_says_so(airport: Airport, letters: LetterBox) -> None:
    wishes(airport, "mail", "ada@example.com")
    post(airport, link(letters.letter()[1]))
    letters.refuses = True
    news(airport, "delayed", "d1", time="2026-11-21T17:40:00Z")
    told = airport.open_moment("flight-desk", FLIGHT)
    until(lambda: any(word.tries for word in airport.hub._customers.unsent()))
    airport.hub.stop()
    letters.refuses = False
    airport.hub_again()
    airport.later(seconds=30)
    assert "Said again" in letters.letter()[1]
    assert airport.becomes(told["id"], state="ended")["verdict"] == "success"


def test_what_is_personal_is_gone_when_the_flight_is_over(airport: Airport, letters: LetterBox) -> None:
    wishes(airport, "mail", "ada@example.com")
    confirm = link(letters.letter()[1])
    post(airport, confirm)
    assert airport.get("/callers/ada@example.com")["number"] == "ada@example.com"
    airport.hub.stop()
    airport.clock.leap(3 * 86_400)
    airport.hub_again()
    until(lambda: ask(f"{airport.url}/api/v1/callers/ada@example.com").status == 404)
    assert post(airport, confirm)[0] == 404


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"flight": "x"}, "This is no flight"),
        ({"day": "2020-01-01"}, "This day is over"),
        ({"day": "soon"}, "This is no flight"),
        ({"way": "pigeon"}, "Choose how"),
        ({"address": "ada@example.com,eve@example.com"}, "no e-mail address"),
        ({"address": "ada"}, "no e-mail address"),
        ({"way": "call", "address": "12"}, "no telephone number"),
    ],
)
def test_what_cannot_be_read_is_asked_again(airport: Airport, wrong: dict[str, str], said: str) -> None:
    fields = {"flight": "AG1234", "day": "2026-11-21", "way": "mail", "address": "ada@example.com"} | wrong
    status, page = post(airport, "/alerts", **fields)
    assert status == 422
    assert said in page


def test_nobody_can_have_another_letter_box_filled(airport: Airport, letters: LetterBox) -> None:
    for number in range(5):
        wishes(airport, "mail", "ada@example.com", f"AG{number + 1}")
        letters.letter()
    fields = {"flight": "AG9", "day": "2026-11-21", "way": "mail", "address": "ada@example.com"}
    status, page = post(airport, "/alerts", **fields)
    assert (status, "several times" in page) == (422, True)
    wishes(airport, "mail", "ada@example.com", "AG1")  # asked already: nothing new is sent
    airport.later(seconds=5)
    assert letters.got.empty()
