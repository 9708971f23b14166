"""Hardware in the loop, without hardware: the real programs on the GPIO of a real kernel, in a machine to throw away.

Only `make hil` (or naming this folder) runs these tests. What they need and do not find is named in their skip.
"""

from __future__ import annotations

import platform
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.hil.hall import Hall
from tests.hil.kernel import Kernel, MissingError, lgpio
from tests.hil.machine import COMMANDS, Machine

HERE = Path(__file__).parent
TIMEOUT_S = 1200
_figures = pytest.StashKey[list[str]]()


def pytest_addoption(parser: pytest.Parser) -> None:
    """How much of it."""
    parser.addoption("--cuts", type=int, default=3, help="how often the power is cut")
    parser.addoption("--seed", type=int, default=1, help="of everything that is left to chance")


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Nobody gets these tests who did not ask for them."""
    asked = (Path(config.invocation_params.dir, word.partition("::")[0]) for word in config.args)
    return None if any(HERE in (path, *path.parents) for path in asked) else True


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """An emulated machine takes its time."""
    for item in items:
        if HERE in item.path.parents:
            item.add_marker(pytest.mark.timeout(TIMEOUT_S))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Say what was measured."""
    for figure in config.stash.get(_figures, []):
        terminalreporter.write_line(f"hil: {figure}")


@pytest.fixture(scope="session")
def figures(pytestconfig: pytest.Config) -> list[str]:
    """What was measured, to be said at the end."""
    said: list[str] = []
    pytestconfig.stash[_figures] = said
    return said


@pytest.fixture(scope="session")
def kernel() -> Kernel:
    """The kernel, or a skip that names what is not here."""
    if platform.machine() != "x86_64":
        pytest.skip(f"hil: needs an x86_64 machine, and this is {platform.machine()}")
    path = "/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin"
    missing = {package for name, package in COMMANDS.items() if shutil.which(name, path=path) is None}
    if missing:
        pytest.skip(f"hil: needs the Debian packages {', '.join(sorted(missing))}")
    try:
        return Kernel()
    except MissingError as wrong:
        pytest.skip(f"hil: no kernel: {wrong}")


@pytest.fixture(scope="session")
def wheels() -> Path:
    """Where lgpio is, or a skip that says why it is not."""
    try:
        return lgpio()
    except MissingError as wrong:
        pytest.skip(f"hil: no lgpio: {wrong}")


@pytest.fixture(scope="session")
def hall(kernel: Kernel, wheels: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hall]:
    """A site in one machine: broker, hub and the node `hall`, up and agreed; for everything that does not kill it."""
    with Machine(kernel, tmp_path_factory.mktemp("hall"), paths=(wheels,)) as machine:
        machine.call("lines:make")
        there = Hall(machine)
        machine.call("ear:listen")
        there.hub()
        there.node("hall")
        there.ready("hall")
        there.hear("node/hall/receipt")  # for the level that its beam was found at
        yield there
