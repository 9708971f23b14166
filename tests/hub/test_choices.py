"""Ways to reach somebody as people choose them: to the URL that is kept, and back."""

from __future__ import annotations

import pytest

from andgate.errors import RefusedError
from andgate.plan import parse_plan
from hub.people.addresses import wrong_with, wrong_with_all
from hub.people.choices import choices, chosen, url_of
from tests.hub.crew import shifts
from tests.hub.test_people import WAYS

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of a module that Apprise loads

MAST = """
[nodes.roof.devices.mast]
kind = "transmitter"
ptt = 17
"""
GATEWAY = """
[ways.pager]
name = "Pager"
takes = "number"
url = "snpp://pagers.example:444/{address}"
[ways.chat]
name = "Chat"
takes = "address"
url = "slack://T1/B2/C3/{address}"
"""
PLAN = parse_plan(shifts() + MAST + WAYS.replace("{host}", "mail.example") + GATEWAY)


def test_what_can_be_chosen_follows_from_the_plan() -> None:
    assert [(each.value, each.asks, each.name) for each in choices(PLAN)] == [
        ("phone", "nothing", ""),
        ("pager", "pager-name", ""),
        ("transmitter/roof", "pager-number", "roof"),
        ("way/mail", "mail", "Mail"),
        ("way/call", "telephone", "A call"),
        ("way/pager", "pager-number", "Pager"),
        ("way/chat", "address", "Chat"),
        ("other", "url", ""),
    ]
    assert [each.value for each in choices(parse_plan(shifts()))] == ["phone", "pager", "other"]


def test_a_plan_that_says_how_its_transmitter_is_called_offers_it_once() -> None:
    said = MAST + GATEWAY.replace("snpp://pagers.example:444/{address}", "pocsag://roof/{address}?baud=512")
    plan = parse_plan(shifts() + said)
    assert [each.value for each in choices(plan)] == ["phone", "pager", "way/pager", "way/chat", "other"]
    assert url_of("way/pager", "4711", plan) == "way://pager/4711"
    with pytest.raises(RefusedError, match="they run from 8 to 2097151"):
        url_of("way/pager", "9999999", plan)


@pytest.mark.parametrize(
    ("value", "typed", "url", "back"),
    [
        ("phone", "", "webpush://", ""),
        ("pager", "Pager 7", "mqtt://pager-7", "pager-7"),
        ("transmitter/roof", "12 34", "pocsag://roof/1234", "1234"),
        ("way/mail", " ada+b@Example.ORG ", "way://mail/ada+b@example.org", "ada+b@example.org"),
        ("way/call", "+39 (06) 5555-01", "way://call/+3906555501", "+3906555501"),
        ("way/pager", "555-1234", "way://pager/5551234", "5551234"),
        ("way/chat", "#ada", "way://chat/%23ada", "#ada"),
        ("other", "json://a.example/x?y=1", "json://a.example/x?y=1", "json://a.example/x?y=1"),
        ("other", "pocsag://roof/1234?baud=512", "pocsag://roof/1234?baud=512", "pocsag://roof/1234?baud=512"),
    ],
)
def test_a_choice_becomes_a_url_and_is_read_from_it(value: str, typed: str, url: str, back: str) -> None:
    assert url_of(value, typed, PLAN) == url
    assert chosen(url) == (value, back)
    assert wrong_with(url, PLAN) is None


@pytest.mark.parametrize(
    ("value", "typed", "told"),
    [
        ("", "4711", '"4711" is written, and no way is chosen'),
        ("pager", "", "Nothing is written beside it"),
        ("way/mail", "ada", '"ada" is no mail address'),
        ("way/mail", "a@example.org,b@example.org", "is no mail address"),
        ("way/call", "call me", '"call me" is no telephone number'),
        ("way/pager", "seven", '"seven" is no pager number'),
        ("way/chat", "two words", "is no address. Write it in one word"),
        ("transmitter/roof", "3", 'No pager has the number "3": they run from 8 to 2097151'),
        ("way/pigeon", "4711", "The plan does not have this way any more"),
        ("pigeon", "4711", "The plan does not have this way any more"),
    ],
)
def test_what_cannot_work_is_refused_in_words(value: str, typed: str, told: str) -> None:
    with pytest.raises(RefusedError, match=told.replace("+", r"\+")):
        url_of(value, typed, PLAN)


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("way://pigeon/4711", "The plan has no such way. It has: way://mail/ADDRESS, way://call/ADDRESS"),
        ("way://mail/ada", '"ada" is no mail address'),
        ("way://call/06 55", "It is no address of a way"),
        ("way://call/0655-5501", 'Write "06555501" instead of "0655-5501"'),
        ("mqtt://Pager 7", "It is no address of a way"),
        ("mqtt://Pager-7", 'No pager can be called "Pager-7"'),
        ("mqtt://supervisors", "is the pager of a whole group"),
        ("", "Nothing is written beside it"),
    ],
)
def test_what_a_program_sends_is_looked_at_as_well(url: str, told: str) -> None:
    assert told in (wrong_with(url, PLAN) or "")


def test_a_way_that_apprise_does_not_know_is_the_plans_to_mend() -> None:
    plan = parse_plan(shifts() + GATEWAY.replace("slack://T1/B2/C3/", "nosuch://secret-1/"))
    wrong = wrong_with("way://chat/ada", plan) or ""
    assert "Whoever keeps the plan must mend [ways.chat]" in wrong
    assert "secret-1" not in wrong


def test_of_several_ways_it_is_said_which_is_wrong() -> None:
    assert wrong_with_all(["webpush://"] * 9, PLAN) == "There are more than 8 ways. Keep those that ring."
    assert (wrong_with_all(["webpush://", "mqtt://"], PLAN) or "").startswith("Second way: Nothing is written")
