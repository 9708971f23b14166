"""Run mutmut over modules of `andgate/moment` and print what came of it: `make mutants ARGS="fold view"`.

A mutant is the code with one small fault. A test that fails on it kills it; one that survives is either no fault at all
or something that no test looks at. Results stay in ``mutants/``, so that a second run only takes up what has changed.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent
JUDGING = Path("andgate/moment")
SURVIVED = 0


def main() -> int:
    """Run, print a line a module and the names of the survivors; return mutmut's status."""
    modules = sorted(path.stem for path in (ROOT / JUDGING).glob("[a-z]*.py"))
    parser = argparse.ArgumentParser(prog="make mutants", description=__doc__)
    parser.add_argument("modules", nargs="*", metavar="MODULE", help=f"of {', '.join(modules)}; all of them without")
    chosen: list[str] = parser.parse_args().modules or modules
    if unknown := set(chosen) - set(modules):
        parser.error(f"no module {', '.join(sorted(unknown))} in {JUDGING}")
    names = [f"andgate.moment.{module}.*" for module in chosen]
    status = subprocess.run([sys.executable, "-m", "mutmut", "run", *names], cwd=ROOT, check=False).returncode
    survivors = [name for module in chosen for name in tell(module)]
    if survivors:
        print(f"\n{sys.executable} -m mutmut show NAME prints one of these survivors:")
        print("\n".join(survivors))
    return status


def tell(module: str) -> list[str]:
    """Print the score of a module; return the names of its survivors."""
    results = ROOT / "mutants" / JUDGING / f"{module}.py.meta"
    if not results.exists():
        return []
    known: dict[str, int | None] = json.loads(results.read_text(encoding="utf-8"))["exit_code_by_key"]
    tried = {name: code for name, code in known.items() if code is not None}
    survivors = [name for name, code in tried.items() if code == SURVIVED]
    if tried:
        killed = len(tried) - len(survivors)
        print(f"{module:<12} {killed:>4} of {len(tried):>4} killed, {100 * killed / len(tried):5.1f} %")
    return survivors


if __name__ == "__main__":
    sys.exit(main())
