"""What README.md says of the code is so."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

README = (Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8")
READ = re.findall(r"^\| \[[^\]]+\]\(([^)]+)\) \| (\d+) \|", README, flags=re.MULTILINE)


def test_there_is_a_way_through_the_engine() -> None:
    assert len(READ) == 10


@pytest.mark.parametrize(("path", "lines"), READ)
def test_the_way_through_the_engine_is_as_long_as_it_says(root: Path, path: str, lines: str) -> None:
    real = len((root / path).read_text(encoding="utf-8").splitlines())
    assert abs(real - int(lines)) <= 0.4 * real


@pytest.mark.parametrize("picture", re.findall(r"!\[[^\]]+\]\(([^)]+)\)", README))
def test_pictures_are_small(root: Path, picture: str) -> None:
    assert (root / picture).stat().st_size < 120_000
