"""How single people of the staff can be reached, as a plan says it, and every way to say it wrong."""

from __future__ import annotations

import pytest

from andgate.errors import PlanError
from andgate.plan import describe, parse_plan
from andgate.plan.addresses import way_address, way_url

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
PLAN = f"""[site]
id = "agx"
name = "Andgate"
timezone = "UTC"
[groups.desk]
name = "Flight desk"
[nodes.roof]
touchpoint = "desk"
[nodes.roof.devices.mast]
kind = "transmitter"
ptt = 17
[touchpoints.desk]
name = "Flight desk"
group = "desk"
[ways.mail]
name = "Mail"
takes = "address"
url = "mailtos://hub:hush-hush@mail.example?to={{address}}"
[ways.pager]
name = "Pager"
takes = "number"
url = "snpp://pagers.example:444/{{address}}"
[ways.old-pager]
name = "Old pager"
takes = "number"
url = "pocsag://roof/{{address}}?baud=512"
[ways.call]
name = "A call"
takes = "number"
url = "webhook+https://voice.example/calls"
secret = "{SECRET}"
"""


def test_a_plan_says_how_single_people_are_reached() -> None:
    plan = parse_plan(PLAN)
    assert [(way.id, way.name, way.takes_number) for way in plan.ways.values()] == [
        ("mail", "Mail", False),
        ("pager", "Pager", True),
        ("old-pager", "Old pager", True),
        ("call", "A call", True),
    ]
    assert plan.ways["call"].secret == SECRET
    words = describe(plan)
    assert "Each of them also by Mail (mail) or Pager (pager) or Old pager (old-pager) or A call (call)\n" in words
    assert "hush-hush" not in words


def test_ways_are_a_part_of_the_version_and_none_is_as_before() -> None:
    without = PLAN[: PLAN.index("[ways.mail]")]
    assert parse_plan(without).ways == {}
    texts = (without, PLAN, PLAN.replace("hush-hush", "another"))
    assert len({parse_plan(text).version for text in texts}) == 3


@pytest.mark.parametrize(
    ("old", "new", "key", "what", "remedy"),
    [
        ("?to={address}", "", "ways.mail.url", "the person's own address", "{address}"),
        (":444/{address}", "", "ways.pager.url", "does not name a pager", "snpp://HOST:444/PAGER-ID"),
        ("pocsag://roof/", "pocsag://cellar/", "ways.old-pager.url", '"cellar" has no transmitter', "roof"),
        ("snpp://pagers.example:444/{address}", "mqtt://{address}", "ways.pager.url", "needs no table", "[ways.pager]"),
        ("snpp://pagers.example:444/{address}", "webpush://", "ways.pager.url", "the person's own number", "{address}"),
        ('takes = "address"\n', "", "ways.mail.takes", "missing", "address"),
        ('name = "Mail"\n', "", "ways.mail.name", "missing", "Mail"),
        (f'secret = "{SECRET}"\n', "", "ways.call.secret", "missing", "openssl"),
        ('url = "webhook+https://voice.example/calls"\n', "", "ways.call.url", "missing", "url ="),
        ("[ways.mail]", "[ways.mail]\ncolour = 3", "ways.mail.colour", "unknown key", "name"),
        ("[ways.mail]", "[ways.Mail]", "ways.Mail", "bad id", "mail"),
    ],
)
def test_what_is_wrong_is_said(old: str, new: str, key: str, what: str, remedy: str) -> None:
    assert old in PLAN
    with pytest.raises(PlanError) as refused:
        parse_plan(PLAN.replace(old, new, 1))
    found = [each for each in refused.value.problems if each.key == key]
    assert any(what in each.what and remedy in each.remedy for each in found), refused.value.problems
    assert "hush-hush" not in str(refused.value)


@pytest.mark.parametrize("address", ["ada@example.org", "+390655501", "a/b c%?&{x}"])
def test_an_address_stands_in_one_url_and_comes_back_as_it_was(address: str) -> None:
    url = way_url("mail", address)
    assert url.startswith("way://mail/")
    assert " " not in url
    assert way_address(url) == ("mail", address)


@pytest.mark.parametrize("url", ["way://", "way://mail", "way://mail/", "way://Mail/x", "mailto://mail/x"])
def test_what_is_no_such_url(url: str) -> None:
    assert way_address(url) is None
