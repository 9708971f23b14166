"""A hard day before a real hub: dead phones, a channel that fails, a fire drill, people who answer late or never."""

from __future__ import annotations

import logging
from collections.abc import Callable

import pytest
from msgspec.structs import replace

from twin.hardday.check import check, claimed, threats
from twin.hardday.day import Lived, live
from twin.hardday.report import report

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of a module that Apprise loads

SEED = 2
UNTIL_H = 7.8
"""Everything that the script has goes wrong before; the rest of the day would be more of the same."""


@pytest.fixture(scope="module")
def lived() -> Lived:
    logging.getLogger("hub").setLevel(logging.CRITICAL)  # channels fail a hundred times, and say so
    try:
        return live(seed=SEED, until_h=UNTIL_H)
    finally:
        logging.getLogger("hub").setLevel(logging.NOTSET)


def test_every_threat_is_answered_or_escalated_to_the_end_and_explained(lived: Lived) -> None:
    assert check(lived) == []


def test_the_day_was_hard(lived: Lived) -> None:
    every = threats(lived)
    assert len(every) > 30
    assert any(claimed(lived, moment) for moment in every)
    assert any(not claimed(lived, moment) for moment in every)
    assert any(row.stands_for is not None and row.state == "sent" for row in lived.rows), "dead phones fell back"
    assert any(row.note.startswith("suspended") for row in lived.rows)
    assert any(row.note.startswith("muted until") for row in lived.rows)
    assert any(row.reason == "it was quiet until now" for row in lived.rows)
    assert any(row.state == "failed" for row in lived.rows)
    assert any(arrival.to == "/hook/control-room" and not arrival.taken for arrival in lived.arrivals)
    assert any(moment.remedies is not None for moment in lived.moments)
    assert lived.answers["link"] > 0
    assert lived.answers["pager"] > 0
    assert lived.answers["handed over"] > 0


def test_a_manager_can_read_it(lived: Lived) -> None:
    said, well = report(lived, seed=SEED)
    assert well
    assert "Promises under threat" in said
    assert max(map(len, said.splitlines())) <= 90


# ------------------------------------------------------------------------------------------ the checker has teeth


def without_last_steps(lived: Lived) -> Lived:
    """Nobody was on them, and the last group was never told."""
    spared = {moment.id for moment in threats(lived) if not claimed(lived, moment)}
    return replace(
        lived, rows=tuple(row for row in lived.rows if row.moment not in spared or row.group != "supervisors")
    )


def without_words(lived: Lived) -> Lived:
    return replace(lived, rows=tuple(replace(row, note="") if row.state == "muted" else row for row in lived.rows))


def with_a_beep_in_the_alarm(lived: Lived) -> Lived:
    taken = next(arrival for arrival in lived.arrivals if arrival.taken)  # the first may be a phone's that is dead
    beep = replace(taken, at_ms=lived.script.alarm.from_ms + 60_000)
    return replace(lived, arrivals=(*lived.arrivals, beep))


def without_what_was_told_after(lived: Lived) -> Lived:
    return replace(lived, rows=tuple(row for row in lived.rows if row.reason != "it was quiet until now"))


def without_other_ways(lived: Lived) -> Lived:
    return replace(lived, rows=tuple(row for row in lived.rows if row.stands_for is None))


def without_an_over(lived: Lived) -> Lived:
    row = next(row for row in lived.rows if row.kind == "over" and row.state == "sent" and row.person is None)
    return replace(lived, rows=tuple(each for each in lived.rows if each.id != row.id))


def with_an_over_for_others(lived: Lived) -> Lived:
    row = next(row for row in lived.rows if row.kind == "over" and row.state == "sent" and row.person is None)
    return replace(lived, rows=(*lived.rows, replace(row, group="technicians")))


def without_a_task(lived: Lived) -> Lived:
    task = next(moment for moment in lived.moments if moment.remedies is not None)
    return replace(lived, moments=tuple(each for each in lived.moments if each.id != task.id))


def with_a_page_that_waits(lived: Lived) -> Lived:
    return replace(lived, rows=(*lived.rows[:-1], replace(lived.rows[-1], state="queued")))


def with_a_page_that_never_came(lived: Lived) -> Lived:
    taken = next(arrival for arrival in lived.arrivals if arrival.taken)
    return replace(lived, arrivals=tuple(each for each in lived.arrivals if each is not taken))


def with_a_finding(lived: Lived) -> Lived:
    return replace(lived, findings={**lived.findings, "lost": 1})


@pytest.mark.parametrize(
    ("spoil", "says"),
    [
        (without_last_steps, "was never decided"),
        (without_words, "nobody knows why"),
        (with_a_beep_in_the_alarm, "while the site was suspended"),
        (without_what_was_told_after, "did not learn afterwards"),
        (without_other_ways, "their pager was not tried"),
        (without_an_over, "never heard that it was over"),
        (with_an_over_for_others, "had not been paged"),
        (without_a_task, "has 0 remedy tasks"),
        (with_a_page_that_waits, "still waits"),
        (with_a_page_that_never_came, "is recorded as sent"),
        (with_a_finding, "the auditor found lost"),
    ],
)
def test_what_is_wrong_is_found(lived: Lived, spoil: Callable[[Lived], Lived], says: str) -> None:
    wrongs = check(spoil(lived))
    assert any(says in wrong for wrong in wrongs), wrongs[:5]
