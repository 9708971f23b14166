"""`make bench`: run the benchmarks beside this file and print their figures against the targets.

A benchmark is a module here whose name does not begin with an underscore and that has `run() -> list[Figure]`. Ratios
are taken within one run, against a baseline measured beside it, so that they hold on any machine.
"""

from __future__ import annotations

import argparse
import importlib
import pkgutil
import sys
from pathlib import Path


def names() -> list[str]:
    """Return the benchmarks there are."""
    found = (module.name for module in pkgutil.iter_modules([str(Path(__file__).parent)]))
    return sorted(name for name in found if not name.startswith("_"))


def main() -> int:
    """Run what was asked for; return 1 if a figure misses its target."""
    parser = argparse.ArgumentParser(prog="python -m bench", description="Measure speed against the targets.")
    parser.add_argument("name", nargs="*", choices=[*names(), []], help=f"of: {', '.join(names())}; default: all")
    missed = 0
    for name in parser.parse_args().name or names():
        print(f"{name}", flush=True)
        for figure in importlib.import_module(f"bench.{name}").run():
            missed += not figure.met
            print(f"  {figure}", flush=True)
    print(f"{missed} missed" if missed else "no target missed")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
