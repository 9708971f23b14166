"""Two short storms in every run; `make soak` lets many more blow, for as long as it is told to."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.faults.__main__ import enter

pytestmark = pytest.mark.timeout(1000)

ROOT = Path(__file__).parent.parent.parent


def blow(*words: str) -> subprocess.CompletedProcess[str]:
    """Play storms in a process of its own, which takes everything it has started with it."""
    return subprocess.run(
        [sys.executable, "-m", "tests.faults", *words],
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=900,
        check=False,
    )


@pytest.mark.parametrize("seed", [11, 12])
def test_every_answered_press_is_judged_once_whatever_dies(seed: int, tmp_path: Path) -> None:
    done = blow("--seed", str(seed), "--length", "12", "--faults", "12", "--folder", str(tmp_path / "storm"))
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
    assert "well" in done.stdout


def test_partitions_and_full_disks_are_among_it() -> None:
    if enter() is None:
        pytest.skip("the storms blow without partitions and full disks: unshare, nft or mount is not permitted here")
