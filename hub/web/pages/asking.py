"""Asking why a promise was broken and what was given: the plan's choices, what the machines propose, what was said."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct

from andgate.causes import Fact, by_category, choices, proposals
from andgate.moment import events as e
from hub.web.pages.names import signal_words, witness_words
from hub.web.pages.spans import hm
from hub.web.pages.words import say

if TYPE_CHECKING:
    from collections.abc import Sequence

    from andgate.causes import Proposal
    from andgate.moment.moments import Moment, Word
    from andgate.plan import Cause, Expectation, Plan
    from hub.store.rows import PageRow, SignalRow, TrailLine

SUSPENDED = "suspended"
"""How the note of a page begins that a suspension kept back."""


class Choice(Struct, frozen=True):
    """A cause to choose."""

    id: str
    text: str


class Proposed(Struct, frozen=True):
    """A cause that a machine proposes, as a button."""

    id: str
    text: str
    words: str
    """With why it is proposed."""


class Ask(Struct, frozen=True, kw_only=True):
    """What is asked about one moment."""

    wanted: bool
    """It has failed, and nobody has said why yet."""
    choices: tuple[tuple[str, tuple[Choice, ...]], ...]
    """(category, causes), people first."""
    proposed: tuple[Proposed, ...]
    chosen: str
    """Id of the cause that stands; empty for none, or for words of somebody's own."""
    may: tuple[str, ...]
    """What staff may give."""


def facts(trail: Sequence[TrailLine], signals: Sequence[SignalRow], sent: Sequence[PageRow]) -> tuple[Fact, ...]:
    """Return what the machines know of a moment that may be why it failed."""
    by_id = {row.signal.id: row.signal for row in signals}
    found: list[Fact] = []
    for line in trail:
        event = line.event
        if isinstance(event, e.Threatened | e.Failed) and event.signal in by_id:
            signal = by_id[event.signal]
            found.append(Fact("signal", signal.name, signal.witness))
        elif isinstance(event, e.Doubted):
            found.append(Fact("blind", event.why or "", event.device))
    found += [Fact("suspended", row.note) for row in sent if row.state == "muted" and row.note.startswith(SUSPENDED)]
    return tuple(found)


def ask(plan: Plan, moment: Moment, known: Sequence[Fact]) -> Ask:
    """Return what is asked about a moment; pure."""
    promise = promise_of(plan, moment)
    stands = moment.caused.cause if moment.caused is not None else None
    return Ask(
        wanted=moment.verdict == "failure" and moment.cause is None and moment.remedies is None,
        choices=tuple(
            (category, tuple(_choice(cause) for cause in causes))
            for category, causes in by_category(choices(promise)).items()
        ),
        proposed=tuple(_proposed(plan, each) for each in proposals(promise, known) if each.cause.id != stands),
        chosen=stands or "",
        may=promise.task.may if promise is not None and promise.task is not None else (),
    )


def promise_of(plan: Plan, moment: Moment) -> Expectation | None:
    """Return the promise of a moment; of a remedy task the one that it makes good."""
    found = plan.judged.get(moment.expectation)
    if found is not None and found.remedy_of is not None:
        return plan.expectations.get(found.remedy_of)
    return found


def _choice(cause: Cause) -> Choice:
    return Choice(cause.id, cause.text)


def _proposed(plan: Plan, proposal: Proposal) -> Proposed:
    who, said, word = proposal.because.partition(" said ")
    because = proposal.because
    if said:
        because = f"{witness_words(plan, who)}, {signal_words(word)}"
    elif proposal.because.endswith(" did not see"):
        because = f"{witness_words(plan, proposal.because.removesuffix(' did not see'))} did not see"
    words = say("moment.cause.confirm", cause=proposal.cause.text, because=because)
    return Proposed(proposal.cause.id, proposal.cause.text, words)


def said_words(word: Word, key: str, plan: Plan) -> str:
    """Return a cause or a remedy with who said it, and when."""
    time = hm(word.at_ms, plan.site.timezone)
    values = {"cause": word.text, "what": word.text, "by": word.by, "time": time}
    if word.comment:
        return say(f"moment.{key}.noted", **values, comment=word.comment)
    return say(f"moment.{key}.said", **values)
