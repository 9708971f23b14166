"""The auditor: does every open threat have a next step, or a reason for none? Pure.

It trusts nobody: not the engine that decides the pages, and not the outbox that sends them. From what the engine has of
a moment, what became of the pages that were decided, and the time, it says what comes next, or why nothing does. Where
there is neither, that is a finding, and somebody must be told that Andgate itself does not do what it is for.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from typing import Literal, Protocol

from msgspec import Struct

from andgate.moment.moments import Moment
from andgate.moment.outlook import Outlook
from andgate.plan import PageStep, Plan

THREATS = ("threatened", "failing", "failed")
"""Levels of an open moment that needs somebody."""

Why = Literal["claimed", "told", "no-steps", "listening", "backlog", "muted", "suspended"]
"""Why nothing comes next: somebody is on it with no end to that, everybody in the plan was told, the plan pages nobody,
the hub or the place only listens, overdue pages wait for the rest of a node's backlog, somebody muted it, a fire alarm
suspends it."""

What = Literal["undecided", "lapse", "lost", "unsent", "failed", "no-channel", "unreleased"]
"""Neither: a step is overdue or nobody wakes for it; a claim stands beyond its end; a page was decided and never
queued; a page is due and nobody has tried; a page failed for good on every channel; no group of the ladder has one; a
page is kept back, and nothing quiet keeps it back any more, or nobody looks when that ends."""

SPARED = "quiet hours"
"""What the note of a page begins with that somebody's own quiet hours keep back: they know of the threat, and nobody
tells them of it once more when those hours end."""


class Next(Struct, frozen=True):
    """What comes next."""

    at_ms: int
    step: int
    group: str
    lapses: bool = False
    """Only if whoever is on it has not ended it by then."""


class Quiet(Struct, frozen=True):
    """What keeps pages back now."""

    why: Literal["muted", "suspended", "listening"]
    until_ms: int | None = None
    """When it ends; None: nobody knows."""
    look_ms: int | None = None
    """When somebody looks next whether it has ended; None: nobody does before somebody says so."""


class Finding(Struct, frozen=True):
    """A threat with neither a next step nor a reason for none, or a page that reached nobody."""

    what: What
    moment: str
    group: str = ""
    """Who is not told; empty where it is about no single group."""
    note: str = ""


class Audited(Struct, frozen=True):
    """What was found of one open threat: a next step, or why there is none, or what is wrong."""

    moment: str
    next: Next | None
    why: Why | None
    until_ms: int | None
    """How long that reason holds, where it is known."""
    findings: tuple[Finding, ...]


class Sending(Protocol):
    """What the auditor must know of one delivery of a page."""

    @property
    def kind(self) -> str:
        """``page`` or ``over``."""

    @property
    def page(self) -> str:
        """The page it delivers."""

    @property
    def moment(self) -> str:
        """What it is about."""

    @property
    def group(self) -> str:
        """Who is told."""

    @property
    def channel(self) -> str:
        """Over what; empty where the group has none."""

    @property
    def state(self) -> str:
        """``queued``, ``sent``, ``failed``, ``cancelled`` or ``muted``."""

    @property
    def due_ms(self) -> int:
        """When it is tried (next)."""

    @property
    def note(self) -> str:
        """Why it is in this state."""


class Told(Struct, frozen=True):
    """What became of one moment's pages, group by group."""

    groups: frozenset[str] = frozenset()
    """For whom anything was ever decided."""
    failed: tuple[tuple[str, str], ...] = ()
    """(group, why) whose newest page failed for good on every channel."""
    bare: frozenset[str] = frozenset()
    """Groups without a channel."""
    kept: frozenset[str] = frozenset()
    """Groups whose newest page something quiet kept back, from all or some of them."""


def told(sendings: Iterable[Sending]) -> Told:
    """Sum up a moment's deliveries, in the order of their decision; a later page to a group makes good for others."""
    newest: dict[str, tuple[str, bool, str, str]] = {}
    groups: set[str] = set()
    kept: set[str] = set()
    for each in sendings:
        if each.kind != "page":
            continue
        groups.add(each.group)
        if each.state == "cancelled":
            continue  # nobody needed it any more
        page, reached, note, channel = newest.get(each.group, ("", False, "", ""))
        if page != each.page:
            page, reached, note, channel = each.page, False, "", ""
            kept.discard(each.group)
        if each.state == "muted" and not each.note.startswith(SPARED):
            kept.add(each.group)
        failed = each.state == "failed"
        newest[each.group] = (page, reached or not failed, each.note if failed else note, channel or each.channel)
    lost = {group: (note, channel) for group, (_, reached, note, channel) in newest.items() if not reached}
    return Told(
        frozenset(groups),
        tuple((group, note) for group, (note, channel) in lost.items() if channel),
        frozenset(group for group, (_, channel) in lost.items() if not channel),
        frozenset(kept),
    )


def following(
    moment: Moment, steps: Sequence[PageStep], due_ms: Sequence[int], gone: Collection[int], now_ms: int
) -> Next | None:
    """Return the next step that goes out by the plan and the claim that stands; None where there is none.

    Args:
        moment: open.
        steps: of its expectation.
        due_ms: when each is due.
        gone: steps that are sent or need not be.
        now_ms: now; what is due and not gone by then is somebody else's question.
    """
    found: Next | None = None
    for index, step in enumerate(steps):
        if index in gone:
            continue
        at_ms, lapses = due_ms[index], False
        if step.unless_claimed and moment.claimed_ms is not None:
            until_ms = moment.claim_until_ms
            if until_ms is None:
                continue
            if until_ms > at_ms:
                at_ms, lapses = until_ms, True
        if at_ms > now_ms and (found is None or at_ms < found.at_ms):
            found = Next(at_ms, index, step.group, lapses)
    return found


def audit(
    outlook: Outlook,
    sent: Told,
    plan: Plan,
    now_ms: int,
    *,
    slack_ms: int,
    listen_only: bool,
    quiet: Callable[[str], Quiet | None] = lambda _group: None,
) -> Audited:
    """Return what comes next for one open threat, or why nothing does, or what is wrong.

    Args:
        outlook: as the engine has it.
        sent: what became of its pages.
        plan: in force.
        now_ms: the real now.
        slack_ms: by so much everything may be late.
        listen_only: the hub judges and pages nobody.
        quiet: what keeps pages about it from a group now; None: nothing does.
    """
    moment, steps = outlook.moment, outlook.steps
    claimed, until_ms = moment.claimed_ms is not None, moment.claim_until_ms
    late_ms = now_ms - slack_ms
    findings: list[Finding] = []
    gone, waits = _rungs(outlook, sent, now_ms, late_ms, findings)
    if claimed and until_ms is not None and until_ms <= late_ms:
        findings.append(Finding("lapse", moment.id))
    again_ms = outlook.again_ms
    if again_ms is not None and again_ms <= late_ms:
        findings.append(Finding("undecided", moment.id, steps[0].group, "customers are still waiting"))
    findings += [Finding("failed", moment.id, group, note) for group, note in sent.failed]
    if sent.bare and not any(_reachable(plan, step.group) for step in steps):
        findings += [Finding("no-channel", moment.id, group) for group in sorted(sent.bare)]
    ahead = following(moment, steps, outlook.due_ms, gone, now_ms)
    if again_ms is not None and (ahead is None or again_ms < ahead.at_ms):
        ahead = Next(max(again_ms, now_ms), 0, steps[0].group)
    ahead = _repeated(outlook, ahead, now_ms, late_ms, findings)
    why: Why | None = None
    ends_ms: int | None = None
    if listen_only:
        ahead, why = None, "listening"
    elif (held := _kept(outlook, sent, quiet, late_ms, findings)) is not None:
        why, ends_ms = held.why, held.until_ms
    elif waits:
        why, ends_ms = "backlog", outlook.waits_ms
    elif ahead is None and steps and claimed:
        why, ends_ms = "claimed", until_ms
    elif ahead is None:
        why = "told" if steps else "no-steps"
    return Audited(moment.id, ahead, why, ends_ms, tuple(findings))


def _kept(
    outlook: Outlook, sent: Told, quiet: Callable[[str], Quiet | None], late_ms: int, findings: list[Finding]
) -> Quiet | None:
    """Return what keeps back what a group was to be told; add a finding where nothing does, or it is never let go."""
    found: Quiet | None = None
    for group in sorted(sent.kept):
        held = quiet(group)
        if held is None:
            if not _spared(outlook, group):
                findings.append(Finding("unreleased", outlook.moment.id, group))
        elif held.until_ms is not None and (
            held.until_ms <= late_ms or held.look_ms is None or held.look_ms > held.until_ms
        ):
            findings.append(Finding("unreleased", outlook.moment.id, group, "nobody looks when it ends"))
        found = found or held
    return found


def _spared(outlook: Outlook, group: str) -> bool:
    """Whether a group need not be told after all, since somebody is on it: by the rule of its last step."""
    mine = [index for index, step in enumerate(outlook.steps) if step.group == group and index in outlook.fates]
    return bool(mine) and outlook.moment.claimed_ms is not None and outlook.steps[mine[-1]].unless_claimed


def _rungs(outlook: Outlook, sent: Told, now_ms: int, late_ms: int, findings: list[Finding]) -> tuple[list[int], bool]:
    """Look at each step: return those that are gone, and whether one waits for a backlog; add what is wrong."""
    moment, steps, fates, waits_ms = outlook.moment, outlook.steps, outlook.fates, outlook.waits_ms
    gone: list[int] = []
    waits = False
    for index, at_ms in enumerate(outlook.due_ms):
        fate = fates.get(index)
        if fate == "sent":
            gone.append(index)
            if (moment.training or steps[index].group) not in sent.groups:
                findings.append(Finding("lost", moment.id, steps[index].group))
        elif fate == "superseded":
            gone.append(index)
        elif at_ms > now_ms:
            if fate is None and (outlook.wakes_ms is None or outlook.wakes_ms > at_ms):
                findings.append(Finding("undecided", moment.id, steps[index].group, "nobody wakes for it"))
        elif fate == "claimed" and moment.claimed_ms is not None:
            continue  # it comes back when the claim lapses
        elif waits_ms is not None:
            waits = True
        elif at_ms <= late_ms:
            findings.append(Finding("undecided", moment.id, steps[index].group))
    return gone, waits


def _repeated(outlook: Outlook, ahead: Next | None, now_ms: int, late_ms: int, findings: list[Finding]) -> Next | None:
    """Return what comes next, with the page that is repeated next; add a finding if that is overdue."""
    if outlook.repeat is None:
        return ahead
    moment, (at_ms, step) = outlook.moment, outlook.repeat
    group, lapses = outlook.steps[step].group, False
    if moment.claimed_ms is None:
        if at_ms <= late_ms:
            findings.append(Finding("undecided", moment.id, group, "the page that is repeated"))
    elif moment.claim_until_ms is None:
        return ahead
    elif moment.claim_until_ms > at_ms:
        at_ms, lapses = moment.claim_until_ms, True
    found = Next(max(at_ms, now_ms), step, group, lapses)
    return found if ahead is None or found.at_ms < ahead.at_ms else ahead


def _reachable(plan: Plan, group: str) -> bool:
    known = plan.groups.get(group)
    told = any(device.settings.get("group") == group for device in plan.devices.values())  # by its break room
    return known is not None and (bool(known.channels) or told)


def unsent(queued: Iterable[Sending], since_ms: int, now_ms: int, *, quiet_ms: int) -> list[Finding]:
    """Return the pages that are due and that nobody has tried for so long.

    Args:
        queued: what waits in the outbox.
        since_ms: when whoever sends began: what is older waited for that.
        now_ms: now.
        quiet_ms: how long an attempt may take.
    """
    before_ms = now_ms - quiet_ms
    if since_ms > before_ms:
        return []
    return [
        Finding("unsent", each.moment, each.group, each.channel)
        for each in queued
        if each.kind == "page" and each.due_ms <= before_ms
    ]
