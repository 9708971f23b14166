"""The ways to reach somebody, in words: what a form offers, what one is called, what became of its last page."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct

from andgate.errors import RefusedError
from andgate.plan.addresses import kind_of
from hub.people.addresses import MOST, ORDER
from hub.people.choices import OTHER, Choice, choices, chosen, url_of
from hub.web.pages.spans import when_words
from hub.web.pages.words import ENGLISH, say

if TYPE_CHECKING:
    from collections.abc import Sequence

    from andgate.plan import Plan
    from hub.store.people import LastPage

LEAST_ROWS = 3
"""Of a form: one beside which two more can be written, in case the first fails."""
SOON_MS = 120_000
"""So long after a page over a way it is looked at again and again, until its receiver has it."""


class Row(Struct, frozen=True):
    """One line of the form: over what, in which place of the order."""

    number: int
    order: str
    value: str
    """Of the choice; empty: nothing."""
    typed: str


def order(number: int) -> str:
    """Return which place of the order a way has, in words."""
    return say("reach.order").split("|")[number - 1]


def rows(typed: Sequence[tuple[str, str]]) -> tuple[Row, ...]:
    """Return a form's lines: those that are filled in, and some that wait."""
    shown = min(MOST, max(LEAST_ROWS, len(typed) + 1))
    filled = [*typed, *[("", "")] * shown][:shown]
    return tuple(Row(number, order(number), *each) for number, each in enumerate(filled, 1))


def offers(plan: Plan, typed: Sequence[tuple[str, str]]) -> tuple[tuple[Choice, str], ...]:
    """Return every choice with what it is called; one that the plan has no more stands there as long as it is used."""
    found = choices(plan)
    known = {each.value for each in found}
    gone = dict.fromkeys(value for value, _ in typed if value and value not in known)
    told = [(each, _called(each, found)) for each in found]
    return (*told[:-1], *((Choice(value, "address"), say("reach.gone")) for value in gone), told[-1])


def _called(choice: Choice, among: Sequence[Choice]) -> str:
    kind = choice.value.partition("/")[0]
    if kind == "way":
        return choice.name
    several = sum(each.value.startswith("transmitter/") for each in among) > 1
    if kind == "transmitter" and several:
        return say("reach.transmitter.of", name=choice.name)
    return say(f"reach.{kind}")


def typed_of(urls: Sequence[str]) -> tuple[tuple[str, str], ...]:
    """Return what the form shows for somebody's channels."""
    return tuple(chosen(url) for url in urls)


def urls_of(typed: Sequence[tuple[str, str]], plan: Plan) -> tuple[str, ...]:
    """Return the channels that a form says, in their order.

    Raises:
        RefusedError: one of them is none; it says which.
    """
    found: list[str] = []
    for value, text in typed:
        try:
            found.append(url_of(value, text, plan))
        except RefusedError as wrong:
            raise RefusedError(f"{ORDER[len(found)]} way: {wrong}") from None
    return tuple(found)


def way_name(plan: Plan, url: str) -> str:
    """Return what a channel is called, without an address, and without what may be a secret in it."""
    value, typed = chosen(url)
    if value == "pager":
        return say("way.pager", to=typed)
    if value.startswith("way/"):
        way = plan.ways.get(value.removeprefix("way/"))
        return way.name if way is not None else say("reach.gone")
    key = f"way.{kind_of(url)}" if value == OTHER else f"way.{value.partition('/')[0]}"
    return say(key if key in ENGLISH else "way.other")


def last_words(last: LastPage | None, url: str, now_ms: int, zone: str) -> str:
    """Return what became of the newest page over a channel, as far as anybody can tell."""
    if last is None:
        return say("person.last.none")
    for said, at_ms in (("read", last.read_ms), ("delivered", last.delivered_ms)):
        if at_ms is not None:
            return say(f"person.last.{said}", when=_ago(at_ms, now_ms, zone))
    when = _ago(last.at_ms, now_ms, zone)
    if last.state == "sent":
        kind = kind_of(url)
        return say(f"person.last.sent.{kind}" if kind in {"mqtt", "webpush"} else "person.last.sent", when=when)
    if last.state == "queued" and last.note:
        return say("person.last.queued.why", when=when, note=last.note)
    return say(f"person.last.{last.state}", when=when, note=last.note)


def is_fresh(last: LastPage | None, now_ms: int) -> bool:
    """Tell whether more may still become of a page in the next seconds."""
    return last is not None and now_ms - last.at_ms < SOON_MS and last.read_ms is None and last.state != "failed"


def _ago(at_ms: int, now_ms: int, zone: str) -> str:
    seconds = max(0, now_ms - at_ms) // 1000
    if seconds < SOON_MS // 1000:
        return say("person.ago", n=seconds)
    return when_words(at_ms, now_ms, zone)
