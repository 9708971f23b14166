"""A plan's version: journals, verdicts and nodes name it, so a plan of before keeps its own for ever."""

from __future__ import annotations

import pytest

from andgate.plan import parse_plan

FIRST_EDITION = """
[site]
id = "x"
name = "X"
timezone = "UTC"
[groups.g]
name = "G"
[touchpoints.t]
name = "T"
group = "g"
[expectations.e]
promise = "P."
touchpoints = ["t"]
opens = ["a"]
closes = ["b"]
fails_after = "3m"
remedy = "Sorry."
[[expectations.e.pages]]
left = "1m"
group = "g"
"""
TASK = FIRST_EDITION.replace('remedy = "Sorry."', 'remedy = { text = "Sorry.", within = "30m", group = "g" }')
CAUSES = FIRST_EDITION + '[expectations.e.causes]\npeople = ["Too few"]\n[expectations.e.first_at]\nt = ["Ring"]\n'
NEEDS = FIRST_EDITION.replace('fails_after = "3m"', 'fails_after = "3m"\nfirst = ["Open a desk"]\nneeds = 2')
SHIFTS = FIRST_EDITION.replace(
    'name = "G"', 'name = "G"\nshifts.early = { name = "Early", from = "05:00", to = "13:00" }'
)
NEWS = """
[alerts]
expectation = "e"
told = "b"
nobody = "nobody"
[alerts.ways.mail]
name = "E-mail"
takes = "address"
url = "mailto://mail.example?to={address}"
[alerts.news]
a = "{flight} is late."
"""
FLIGHTS = FIRST_EDITION.replace('opens = ["a"]', 'key = "flight"\nopens = ["a"]\nvoids = ["nobody"]')
ALERTS = FLIGHTS.replace('"UTC"', '"UTC"\nurl = "https://x.example"') + NEWS
QUIET_ALERTS = ALERTS.replace('name = "T"', 'name = "T"\nlistens = true')
QUIET = FIRST_EDITION.replace('name = "T"', 'name = "T"\nlistens = true')


@pytest.mark.parametrize(
    ("text", "version"),
    [
        (FIRST_EDITION, "a0f537aaab18"),
        (TASK, "1ea0550e749b"),
        (CAUSES, "3b1eabb21f8a"),
        (NEEDS, "54bd2ecade80"),
        (SHIFTS, "95befd99cef4"),
        (ALERTS, "5d79ff74c4d7"),
        (QUIET, "06c10dc63c18"),
        (QUIET_ALERTS, "5c2755e55226"),
    ],
)
def test_a_plan_keeps_its_version(text: str, version: str) -> None:
    assert parse_plan(text).version == version
