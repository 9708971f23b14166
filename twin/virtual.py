"""Playing a day in virtual time: the model, its wires and a judge take turns, each at its own next instant."""

from __future__ import annotations

from andgate.errors import UsageError
from twin.happenings import Answered, Gave, Level, Pressed, Reported
from twin.judge import Judge
from twin.wires import Wires
from twin.world import World

_STUCK = 100_000
"""More turns than this at one instant mean that time does not pass any more."""


def play(world: World, wires: Wires, judge: Judge, *, until_ms: int, paging: bool) -> None:
    """Play until everything up to and with `until_ms` has happened, been seen and been judged.

    Args:
        world: the terminal.
        wires: what its nodes report.
        judge: who judges that.
        until_ms: UTC milliseconds.
        paging: whether pagers beep; without, it is judged all the same (listening only).
    """
    turns, latest_ms = 0, 0
    while True:
        clock = min((at for at in (wires.next_ms(), judge.next_ms()) if at is not None), default=until_ms + 1)
        now_ms, happenings = world.run_to_next(max(latest_ms, min(clock, until_ms)))
        if not happenings and clock > until_ms:
            return
        turns = turns + 1 if now_ms == latest_ms else 0
        latest_ms = now_ms
        if turns > _STUCK:
            raise UsageError(f"the twin's time stands still at {now_ms}")
        reported: list[Reported] = []
        answered: list[Answered | Gave] = []
        for happening in happenings:
            if isinstance(happening, Pressed | Level):
                wires.take(happening)
            elif isinstance(happening, Reported):
                reported.append(happening)
            else:
                answered.append(happening)
        seen = wires.until(now_ms, judge.shown)
        if seen or reported or answered or clock <= now_ms:
            for beep in judge.hear(seen, reported, answered, now_ms):
                if paging:
                    world.hear(beep, now_ms)
