"""A data folder with a million verdicts of a year, written by the hub's own store, without the judging.

Moments are made up and handed to `Store.record` as if the engine had published them; what follows from them (tally,
outcomes, coverage, indexes) the store makes as it always does. Sixty promises at places that are served 18 hours a day:
nearly every hour of every place has a verdict, which is what makes a year's tally long.
"""

from __future__ import annotations

import random
import shutil
from hashlib import sha256
from pathlib import Path

from andgate import __version__
from andgate.moment.moments import Moment
from andgate.moment.signals import Replanned
from andgate.plan import Plan, parse_plan
from bench._past import DAY_MS, KEPT
from hub.store import Store
from hub.store.schema import LATEST

VERDICTS = 1_000_000
DAYS = 365
LINES, BELTS = 48, 12
AREAS, TEAMS = 6, 4
STALE_DAYS = 7
"""What was made so long ago is made anew: the pages look back from today."""
A_COMMIT = 5_000
FAILED, VOID, SAVED = 0.025, 0.02, 0.2
OPEN_H, CLOSE_H = 5, 23


def year_plan() -> str:
    """Return a plan with lines and belts in areas, of teams, and one interaction over each flight."""
    parts = ['[site]\nid = "agx"\nname = "Bench"\ntimezone = "Europe/Rome"\n']
    parts += [f'[groups.team-{n}]\nname = "Team {n}"\nchannels = []\n' for n in range(TEAMS)]
    places = [(f"line-{n}", n) for n in range(LINES)] + [(f"belt-{n}", n) for n in range(BELTS)]
    parts += [
        f'[touchpoints.{name}]\nname = "{name.title()}"\narea = "Area {n % AREAS}"\ngroup = "team-{n % TEAMS}"\n'
        f'hours = "{OPEN_H:02}:00-{CLOSE_H:02}:00"\n'
        f'[nodes.{name}]\ntouchpoint = "{name}"\n[nodes.{name}.devices.mot]\nkind = "mot-button"\nbutton = 17\n'
        for name, n in places
    ]
    lines, belts = (
        ", ".join(f'"{kind}-{n}"' for n in range(count)) for kind, count in (("line", LINES), ("belt", BELTS))
    )
    parts.append(
        "[expectations.wait]\n"
        'promise = "I wait no more than 15 minutes."\n'
        f'touchpoints = [{lines}]\nopens = ["pressed"]\ncloses = ["reset"]\nfails_after = "3m"\n'
        "[expectations.bag]\n"
        'promise = "I have my bag within 25 minutes."\n'
        f'touchpoints = [{belts}]\nkey = "flight"\nopens = ["docked"]\ncloses = ["unloaded"]\nfails_after = "25m"\n'
        '[interactions.arrival]\nname = "Arriving"\nkey = "flight"\ninputs = ["bag"]\n'
    )
    return "".join(parts)


def verdicts(data: Path, now_ms: int) -> None:
    """Put a year that ends about `now_ms` into `data`, made now unless there is one that is fresh enough."""
    text = year_plan()
    key = f"{__version__} {LATEST} {VERDICTS} {DAYS} {text}"
    kept = KEPT / f"verdicts-{sha256(key.encode()).hexdigest()[:12]}"
    if not kept.exists() or now_ms - int((kept / "end").read_text()) > STALE_DAYS * DAY_MS:
        shutil.rmtree(kept, ignore_errors=True)
        torn = kept.with_suffix(".torn")
        shutil.rmtree(torn, ignore_errors=True)
        torn.mkdir(parents=True)
        _make(torn, parse_plan(text), text, now_ms)
        (torn / "end").write_text(str(now_ms))
        torn.rename(kept)
    shutil.copytree(kept, data)


def _make(data: Path, plan: Plan, text: str, end_ms: int) -> None:
    begin_ms = end_ms - DAYS * DAY_MS
    store = Store(data)
    try:
        store.db.execute("pragma synchronous = off")
        store.db.execute("pragma cache_size = -400000")
        store.db.execute("pragma wal_autocheckpoint = 50000")
        store.use_plan(plan)
        store.plan(plan, begin_ms, text)
        store.record(begin_ms, (Replanned(plan=plan, at_ms=begin_ms),), (), ())
        for first in range(0, VERDICTS, A_COMMIT):
            now_ms = begin_ms + round((first + A_COMMIT) * DAYS * DAY_MS / VERDICTS)
            moments = tuple(_moment(plan, n, begin_ms) for n in range(first, first + A_COMMIT))
            store.record(now_ms, (), (), moments)
            store.roll(now_ms)
            store.commit()
    finally:
        store.close()


def _moment(plan: Plan, n: int, begin_ms: int) -> Moment:
    """Return the n-th moment of the year: within the hours that its place is served, in order of the days."""
    chance = random.Random(n)
    day, place = n * DAYS // VERDICTS, n % (LINES + BELTS)
    opened_ms = begin_ms // DAY_MS * DAY_MS + day * DAY_MS + chance.randrange(OPEN_H * 3_600_000, 22 * 3_600_000)
    luck = chance.random()
    verdict = "failure" if luck < FAILED else "void" if luck < FAILED + VOID else "success"
    bag = place >= LINES
    ends_ms = opened_ms + (25 if bag else 3) * 60_000
    return Moment(
        id=f"{chance.getrandbits(128):032x}",
        anchor=f"f/{n}",
        expectation="bag" if bag else "wait",
        interactions=("arrival",) if bag else (),
        touchpoint=f"belt-{place - LINES}" if bag else f"line-{place}",
        key=f"AG{n}/{n}" if bag else None,
        opened_ms=opened_ms,
        ends_ms=ends_ms,
        counts_to_ms=ends_ms,
        ended_ms=ends_ms + 60_000 if verdict == "failure" else ends_ms - 60_000,
        state="ended",
        level="ended",
        verdict=verdict,  # type: ignore[arg-type]
        saved=verdict == "success" and chance.random() < SAVED,
        cause=chance.choice(("staffing", "belt jammed", None)) if verdict == "failure" else None,
        plan=plan.version,
    )
