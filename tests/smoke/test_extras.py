"""Each extra alone, as a stranger installs it: a development environment hides what is missing."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

pytestmark = [pytest.mark.smoke, pytest.mark.timeout(900)]

# A package index that hesitates is asked again.
PIP = ["-m", "pip", "--quiet", "--disable-pip-version-check", "--no-input", "--retries=10", "--timeout=60"]


def call(*words: str | Path, check: bool = True) -> subprocess.CompletedProcess[str]:
    done = subprocess.run([str(word) for word in words], capture_output=True, text=True, check=False, cwd="/")
    assert not check or done.returncode == 0, done.stderr
    return done


@pytest.fixture(scope="module")
def wheel(root: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("wheel")
    call(sys.executable, *PIP, "wheel", "--no-deps", "--wheel-dir", out, root)
    (built,) = out.glob("andgate-*.whl")
    return built


def installed(wheel: Path, extra: str, root: Path, folder: Path) -> Path:
    """Make an environment with the wheel and one extra; return its bin folder."""
    call(sys.executable, "-m", "venv", folder)
    call(folder / "bin" / "python", *PIP, "install", "-c", root / "constraints.txt", f"{wheel}{extra}")
    return folder / "bin"


def test_the_wheel_has_the_programs_and_their_data_and_nothing_else(wheel: Path, root: Path) -> None:
    packed = {name for name in zipfile.ZipFile(wheel).namelist() if ".dist-info/" not in name}
    assert {name.partition("/")[0] for name in packed} == {"andgate", "cli", "edge", "hub", "twin"}
    here = subprocess.run(
        ["git", "ls-files", "andgate", "cli", "edge", "hub", "twin"],
        cwd=root,
        capture_output=True,
        text=True,
        check=True,
    ).stdout.split()
    assert set(here) <= packed


def test_the_library_alone(wheel: Path, root: Path, tmp_path: Path) -> None:
    bin_ = installed(wheel, "", root, tmp_path / "env")
    plan = root / "docs/examples/airport.toml"
    assert "I wait no more than" in call(bin_ / "andgate", "check", plan).stdout
    assert call(bin_ / "andgate", "--help").stdout
    runs: dict[str, list[str | Path]] = {
        "hub": ["--plan", plan, "--data", tmp_path],
        "edge": ["--node", "desk-a1", "--broker", "mqtt://127.0.0.1:1", "--data", tmp_path],
    }
    for name, words in runs.items():
        refused = call(bin_ / "andgate", name, *words, check=False)
        assert refused.returncode == 1
        assert f"pip install 'andgate[{name}]'" in refused.stderr


def test_a_node_alone(wheel: Path, root: Path, tmp_path: Path) -> None:
    bin_ = installed(wheel, "[edge]", root, tmp_path / "env")
    assert "usage: andgate edge" in call(bin_ / "andgate", "edge", "--help").stdout
    assert call(bin_ / "python", "-c", "import fastapi", check=False).returncode
    call(bin_ / "python", "-c", "import edge.app, edge.link, edge.spool, edge.devices")


def test_a_hub_alone(wheel: Path, root: Path, tmp_path: Path) -> None:
    bin_ = installed(wheel, "[hub]", root, tmp_path / "env")
    assert "usage: andgate hub" in call(bin_ / "andgate", "hub", "--help").stdout
    assert call(bin_ / "python", "-c", "import gpiozero", check=False).returncode
    call(bin_ / "python", "-c", "import hub.app, hub.link, hub.driver, hub.store, hub.web, hub.notify")
