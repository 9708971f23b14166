"""A hard day in a table that a manager can read."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from twin.hardday.check import check, claimed, threats
from twin.hardday.day import Lived
from twin.hardday.script import Span

_NAME, _COUNT = 66, 11
_SHOWN = 20


def report(lived: Lived, *, seed: int) -> tuple[str, bool]:
    """Return the day as people read it, and whether all was as it must be."""
    wrongs = check(lived)
    every = threats(lived)
    promises = [moment for moment in every if moment.remedies is None]
    tasks = [moment for moment in lived.moments if moment.remedies is not None and not moment.withdrawn]
    pages = [row for row in lived.rows if row.kind == "page"]
    paged = [row for row in pages if row.channel and not row.told_in]
    held = [row for row in pages if row.state == "muted"]
    overs = [row for row in lived.rows if row.kind == "over"]
    script = lived.script
    dead = sum(bool(one.phone) and script.phones[number] != "well" for number, one in enumerate(lived.hired))
    phones = sum(bool(one.phone) for one in lived.hired)
    sections: list[tuple[str, list[tuple[str, int | str]]]] = [
        (
            "What went wrong",
            [
                (f"phones that are dead, of {phones}", dead),
                ("the control room's channel fails", _clock(lived, script.outage)),
                ("the fire alarm", _clock(lived, script.alarm)),
                ("the kiosks and gates are muted", _clock(lived, script.mute)),
                (f"{script.node} is not heard", _clock(lived, script.lost)),
            ],
        ),
        (
            "Promises under threat",
            [
                ("threats", len(promises)),
                ("saved", sum(one.saved for one in promises)),
                ("failed", sum(one.verdict == "failure" for one in promises)),
                ("somebody was on it", sum(claimed(lived, one) for one in promises)),
                (
                    "nobody was, till it ended or everybody in the plan was paged",
                    sum(not claimed(lived, one) for one in promises),
                ),
            ],
        ),
        (
            "Pages",
            [
                ("sent", sum(row.state == "sent" for row in paged)),
                ("sent another way, since the first reached nobody", sum(row.stands_for is not None for row in paged)),
                ("not delivered", sum(row.state == "failed" for row in paged)),
                ("not needed any more: over, or somebody was on it", sum(row.state == "cancelled" for row in pages)),
                ("kept back by the alarm", sum(row.note.startswith("suspended") for row in held)),
                ("kept back by the mute", sum(row.note.startswith("muted") for row in held)),
                ("how it stood, told when that was over", sum(row.reason.startswith("it was quiet") for row in paged)),
                ("told that it was over", sum(row.state == "sent" for row in overs)),
            ],
        ),
        (
            "People",
            [
                ("answered from a pager or radio", lived.answers["pager"] + lived.answers["radio"]),
                ("answered by the link in a page", lived.answers["link"]),
                ("handed over to somebody else", lived.answers["handed over"]),
                ("failures with a remedy task", len(tasks)),
                ("made good in time", sum(one.verdict == "success" for one in tasks)),
            ],
        ),
        ("Not explained, not told, or wrong", [("found by the day's checker", len(wrongs))]),
    ]
    lines = [f"A hard day, seed {seed}: the hub is real, the people and what happens to them are simulated."]
    for title, rows in sections:
        lines += ["", title, *(f"  {name:{_NAME}} {count:>{_COUNT}}" for name, count in rows)]
    lines += [f"    {wrong}" for wrong in wrongs[:_SHOWN]]
    return "\n".join(lines), not wrongs


def _clock(lived: Lived, span: Span) -> str:
    zone = ZoneInfo(lived.plan.site.timezone)
    begins, ends = (datetime.fromtimestamp(at_ms / 1000, UTC).astimezone(zone) for at_ms in (span.from_ms, span.to_ms))
    return f"{begins:%H:%M}-{ends:%H:%M}"
