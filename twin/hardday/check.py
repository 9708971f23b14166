"""Was every threat of a hard day answered, or escalated to the end and explained? The obvious checks, one by one.

Nothing of the hub's own reasoning is used here: only what it has on record, what arrived at the devices, what the plan
says and what the script did.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from andgate.moment.events import Claimed
from andgate.moment.moments import Moment
from andgate.routing import personal
from hub.store import PageRow
from twin.hardday.day import Lived
from twin.hardday.script import MUTED_AREA, Span
from twin.hardday.site import CONTROL_ROOM, Person

SOON_MS = 16_000
"""Between a page that reaches nobody and the next way to that person: ten seconds, and the steps of the day's time."""
_NEVER = {"undecided", "lapse", "lost"}
"""What the auditor must not find at any instant: these are the hub's own faults."""


def check(lived: Lived) -> list[str]:
    """Return everything that is wrong, in sentences; nothing on a day that was as it must be."""
    return [
        *_answered(lived),
        *_explained(lived),
        *_arrived(lived),
        *_suspended(lived),
        *_muted(lived),
        *_fell_back(lived),
        *_stood_down(lived),
        *_made_good(lived),
        *_audited(lived),
        *(f"the record is not sound: {wrong}" for wrong in lived.unsound),
    ]


def threats(lived: Lived) -> list[Moment]:
    """Return everything that was threatened, remedy tasks too."""
    return [moment for moment in lived.moments if moment.threatened_ms is not None and not moment.withdrawn]


def claimed(lived: Lived, moment: Moment) -> bool:
    """Tell whether anybody was ever on it."""
    return any(isinstance(line.event, Claimed) for line in lived.trails[moment.id])


def _pages(lived: Lived, moment: Moment) -> list[PageRow]:
    return [row for row in lived.rows if row.moment == moment.id and row.kind == "page"]


# ------------------------------------------------------------------------------------------ threats


def _answered(lived: Lived) -> Iterator[str]:
    """Each threat was claimed, or each step of its ladder was decided, down to the end of the line."""
    for moment in threats(lived):
        if moment.state != "ended" and moment.remedies is None:
            yield f"{_name(moment)} is still open at the end"
        if claimed(lived, moment):
            continue
        decided = _pages(lived, moment)
        for number, step in enumerate(lived.plan.judged[moment.expectation].pages, 1):
            due_ms = max(moment.ends_ms - step.left_ms, moment.opened_ms)
            if moment.ended_ms is not None and moment.ended_ms <= due_ms:
                continue  # it was over before
            if not any(row.group == step.group and row.decided_ms >= due_ms for row in decided):
                yield f"{_name(moment)}: nobody was on it, and step {number} ({step.group}) was never decided"


def _explained(lived: Lived) -> Iterator[str]:
    """Each page that was not sent says why, in words; nothing waits for ever."""
    for row in lived.rows:
        if row.state == "queued":
            yield f"page {row.page} to {row.group} over {row.channel} still waits: {row.note}"
        elif row.state != "sent" and not row.note.strip():
            yield f"page {row.page} to {row.group} over {row.channel} is {row.state}, and nobody knows why"
        if not row.reason.strip():
            yield f"page {row.page} to {row.group} was decided for no reason"


def _arrived(lived: Lived) -> Iterator[str]:
    """What is recorded as sent is in the device, once; and nothing else is."""
    sent: Counter[tuple[str, bool]] = Counter()
    for row in lived.rows:
        if row.state == "sent" and not row.told_in:
            sent[_receiver(lived, row), row.kind == "over"] += 1
    taken = Counter((arrival.to, arrival.over) for arrival in lived.arrivals if arrival.taken)
    for to in sorted({*sent, *taken}):
        if sent[to] != taken[to]:
            kind = "word that it is over" if to[1] else "page"
            yield f"{to[0]}: {sent[to]} times a {kind} is recorded as sent, and {taken[to]} arrived"


# ------------------------------------------------------------------------------------------ quiet


def _suspended(lived: Lived) -> Iterator[str]:
    """While the alarm was on nothing beeped; when it was over, whoever had been spared learnt how things stood."""
    alarm = lived.script.alarm
    for arrival in lived.arrivals:
        if alarm.from_ms < arrival.at_ms < alarm.to_ms and (arrival.taken or arrival.moment is not None):
            yield f"{arrival.to} beeped while the site was suspended: {arrival.text}"
    yield from _told_after(lived, alarm, "suspended since")


def _muted(lived: Lived) -> Iterator[str]:
    """The same of the mute, of which the rest of the site knows nothing."""
    mute, area = (
        lived.script.mute,
        {touchpoint.id for touchpoint in lived.plan.touchpoints.values() if touchpoint.area == MUTED_AREA},
    )
    for row in lived.rows:
        sent = row.kind == "page" and row.sent_ms is not None and mute.from_ms < row.sent_ms < mute.to_ms
        if row.touchpoint in area and sent:
            yield f"{row.group} was paged about {row.title} while it was muted"
        if row.touchpoint not in area and row.note.startswith("muted until"):
            yield f"{row.title} was muted, and is not where the floor was washed"
    yield from _told_after(lived, mute, "muted until")


def _told_after(lived: Lived, span: Span, note: str) -> Iterator[str]:
    held = {
        (row.moment, row.group)
        for row in lived.rows
        if row.kind == "page" and row.state == "muted" and row.note.startswith(note)
    }
    for moment in lived.moments:
        if moment.withdrawn or (moment.ended_ms is not None and moment.ended_ms <= span.to_ms):
            continue
        for group in sorted(group for about, group in held if about == moment.id):
            rows = [row for row in _pages(lived, moment) if row.group == group]
            if not any(span.to_ms <= row.decided_ms < span.to_ms + SOON_MS for row in rows):
                yield f"{_name(moment)}: {group} was spared, and did not learn afterwards how it stood"


# ------------------------------------------------------------------------------------------ ways to people


def _fell_back(lived: Lived) -> Iterator[str]:
    """Who has a dead phone and a pager was paged there; who has no pager: their group was, over its radio."""
    people = {person.id: person for person in lived.hired}
    by_id = {moment.id: moment for moment in lived.moments}
    for row in lived.rows:
        person = people.get(row.person or "")
        if person is None or row.kind != "page" or row.about is None or not _dead(lived, person, row):
            continue
        if row.told_in:
            continue  # with others, in a page of its own
        moment, rest = by_id[row.moment], [each for each in lived.rows if each.moment == row.moment]
        if row.state == "sent":
            yield f"a page to {person.phone}, which is dead, is recorded as sent"
        elif row.state in {"cancelled", "muted"} or _soon_over(lived, moment, row):
            continue
        elif person.pager and not any(each.stands_for == row.id for each in rest):
            yield f"{_name(moment)}: the phone of {person.name} is dead, and their pager was not tried"
        elif not any(each.group == row.group and each.state == "sent" for each in rest):
            yield f"{_name(moment)}: nobody of {row.group} was reached, since a phone is dead"


def _dead(lived: Lived, person: Person, row: PageRow) -> bool:
    if not person.phone or row.channel != personal(person.id, 0):
        return False
    return lived.script.phones[int(person.phone.rpartition("/")[2])] in {"refuses", "gone", "hangs"}


def _soon_over(lived: Lived, moment: Moment, row: PageRow) -> bool:
    """Whether a page was needed no more before it could go another way: it was over, or somebody came."""
    until_ms = row.decided_ms + SOON_MS
    over = moment.ended_ms is not None and moment.ended_ms <= until_ms
    came = any(isinstance(line.event, Claimed) and line.at_ms <= until_ms for line in lived.trails[moment.id])
    return over or came


def _stood_down(lived: Lived) -> Iterator[str]:
    """Everybody who was paged heard that it was over, once each time it was; nobody else did."""
    for moment in lived.moments:
        rows = [row for row in lived.rows if row.moment == moment.id and row.channel]
        overs = [row for row in rows if row.kind == "over"]
        may_know = {(row.group, row.channel) for row in rows if row.kind == "page" and (row.sent_ms or row.tries)}
        if moment.state == "ended" and not moment.withdrawn:
            paged = {(row.group, row.channel) for row in rows if row.kind == "page" and row.state == "sent"}
            heard = {(row.group, row.channel) for row in overs if row.state != "cancelled"}
            for group, channel in sorted(paged - heard):
                yield f"{_name(moment)}: {group} over {channel} was paged, and never heard that it was over"
        for row in overs:
            if row.state == "sent" and (row.group, row.channel) not in may_know:
                yield f"{_name(moment)}: {row.group} over {row.channel} heard that it was over, and had not been paged"
        last_ms = max((row.decided_ms for row in overs), default=None)
        for row in rows:
            if row.kind == "page" and row.sent_ms and last_ms is not None and row.sent_ms > last_ms:
                yield f"{_name(moment)}: {row.group} was paged after it was over"
        for each, count in Counter((row.page, row.group, row.channel) for row in overs).items():
            if count > 1:
                yield f"{_name(moment)}: {each[1]} over {each[2]} was told {count} times that it was over"


# ------------------------------------------------------------------------------------------ afterwards


def _made_good(lived: Lived) -> Iterator[str]:
    """Each failure has one remedy task, which was done or has failed in turn."""
    tasks = Counter(moment.remedies for moment in lived.moments if moment.remedies and not moment.withdrawn)
    for moment in lived.moments:
        if moment.withdrawn:
            continue
        if moment.remedies is None and moment.verdict == "failure" and tasks[moment.id] != 1:
            yield f"{_name(moment)} failed, and has {tasks[moment.id]} remedy tasks"
        if moment.remedies is not None and moment.verdict is None:
            yield f"{_name(moment)}, a remedy task, was never judged"


def _audited(lived: Lived) -> Iterator[str]:
    """The auditor has nothing to say at the end, and never had anything to say of the hub itself."""
    for finding in lived.left:
        yield f"the auditor still finds at the end: {finding}"
    for finding in sorted(_NEVER & lived.findings.keys()):
        yield f"the auditor found {finding}, {lived.findings[finding]} times"


def _receiver(lived: Lived, row: PageRow) -> str:
    if row.channel == CONTROL_ROOM:
        return f"/hook/{CONTROL_ROOM}"
    person = next((each for each in lived.hired if each.id == row.person), None)
    if person is None:
        return f"page/{row.group}"
    return person.phone if person.phone and row.channel == personal(person.id, 0) else f"page/{person.pager}"


def _name(moment: Moment) -> str:
    return f"{moment.expectation} at {moment.touchpoint} ({moment.id[:8]})"
