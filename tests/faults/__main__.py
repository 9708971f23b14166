"""`python -m tests.faults`: storms, one after the other, until the time or the rounds are over.

Ctrl-C lets the round that blows come to its end, and then prints the summary.
"""

from __future__ import annotations

import argparse
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import traceback
from collections import Counter
from pathlib import Path

from tests.faults.check import Check
from tests.faults.parts import CLOCK, namespaced
from tests.faults.storm import Storm
from tests.ports import free_port

UNSHARE = ["unshare", "--net", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc"]


def again(*, plain: bool) -> None:
    """Start this program once more where it can do its worst: in a namespace of its own, or on ports of its own."""
    words = None if plain else enter()
    if words is None:
        if not plain:
            print("no partitions and no full disks: they need unshare, nft and mount, which are not permitted here")
        names = {"FAULTS_NAMESPACE": "0", "FAULTS_PORT": str(free_port()), "FAULTS_WEB": str(free_port())}
    else:
        names = {"FAULTS_NAMESPACE": "1"}
    command = [*words, "--"] if words else []
    command += [sys.executable, "-m", "tests.faults", *sys.argv[1:]]
    sys.stdout.flush()
    os.execvpe(command[0], command, os.environ | names)


def enter() -> list[str] | None:
    """Return the words that give a program a namespace of its own, or None where that is not permitted."""
    if shutil.which(UNSHARE[0]) is None:
        return None
    for words in (UNSHARE, [*UNSHARE, "--map-root-user"]):
        tried = subprocess.run(
            [*words, "--", "sh", "-c", "ip link set lo up && nft list ruleset && mount -t tmpfs tmpfs /mnt"],
            capture_output=True,
            check=False,
        )
        if tried.returncode == 0:
            return words
    return None


def play(seed: int, folder: Path, *, length_s: float, faults: int) -> tuple[list[str], Counter[str], Storm]:
    """Play one storm and check what it left; return what is wrong and the figures."""
    storm = Storm(seed, folder, namespace=namespaced(), length_s=length_s, faults=faults)
    figures: Counter[str] = Counter()
    try:
        storm.run()
        result = Check(storm).run()
        wrongs = result.wrongs
        figures = Counter(storm.counts) + result.figures
        figures["worst time error, ms"] = round(result.worst_time_ms)
        figures["longest end by SIGTERM, ms"] = round(storm.longest_term_s * 1000)
    except Exception:  # noqa: BLE001 - told with its seed
        wrongs = [*storm.wrongs, traceback.format_exc()]
    (folder / "timeline.log").write_text("\n".join(storm.lines) + "\n")
    if wrongs:
        (folder / "wrong.log").write_text("\n".join(wrongs) + "\n")
        for name in ("hub", *storm.nodes):
            shutil.copytree(storm.disks[name].path, folder / "left" / name, dirs_exist_ok=True)
    return wrongs, figures, storm


def main() -> int:
    """Play storms; return 1 if any left a difference."""
    parser = argparse.ArgumentParser(prog="python -m tests.faults", description=__doc__)
    parser.add_argument("--seed", type=int, default=1, help="of the first round; each next one's is one more")
    parser.add_argument("--rounds", type=int, help="so many rounds")
    parser.add_argument("--minutes", type=float, help="no round begins later")
    parser.add_argument("--length", type=float, default=20.0, metavar="S", help="seconds of storm in a round")
    parser.add_argument("--faults", type=int, default=14, help="faults in a round")
    parser.add_argument("--folder", type=Path, help="where what a bad round left is kept")
    parser.add_argument("--plain", action="store_true", help="no namespace: no partitions, no disks that fill up")
    args = parser.parse_args()
    if "FAULTS_NAMESPACE" not in os.environ:
        again(plain=args.plain)
    folder = args.folder or Path(tempfile.mkdtemp(prefix="andgate-faults-"))
    until_s = CLOCK.mono_s() + 60 * args.minutes if args.minutes else None
    rounds = args.rounds or (1 if until_s is None else 10**9)
    total: Counter[str] = Counter()
    bad: list[int] = []
    enough: list[int] = []
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda number, _frame: enough.append(number))
    for seed in range(args.seed, args.seed + rounds):
        if enough or (until_s is not None and CLOCK.mono_s() > until_s):
            break
        here = folder / f"seed-{seed}"
        begun_s = CLOCK.mono_s()
        wrongs, figures, storm = play(seed, here, length_s=args.length, faults=args.faults)
        add(total, figures)
        total["rounds"] += 1
        total["differences"] += len(wrongs)
        print(f"seed {seed}: {'WRONG' if wrongs else 'well'} in {CLOCK.mono_s() - begun_s:.0f} s", flush=True)
        if wrongs:
            bad.append(seed)
            print("\n".join([*storm.lines, "", *wrongs[:20], f"kept in {here}"]), flush=True)
        storm.unmount()
        if not wrongs:
            shutil.rmtree(here)
    summary(total, bad)
    return 1 if bad else 0


def add(total: Counter[str], figures: Counter[str]) -> None:
    """Add a round's figures up; of the worst only the worst counts."""
    for name, figure in figures.items():
        total[name] = max(total[name], figure) if name.endswith(", ms") else total[name] + figure


def summary(total: Counter[str], bad: list[int]) -> None:
    """Print the figures."""
    for name in ("rounds", "differences", *sorted(total.keys() - {"rounds", "differences"})):
        print(f"{total[name]:>9}  {name}")
    if bad:
        print(f"seeds with differences: {bad}")


if __name__ == "__main__":
    sys.exit(main())
