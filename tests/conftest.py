"""What every test stands on."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, settings

ROOT = Path(__file__).parent.parent

# The same examples in every run: a test that fails, fails for everybody. A shared machine may be slow, so no deadline.
# `pytest --hypothesis-profile=explore` looks further.
_CALM = (HealthCheck.too_slow, HealthCheck.differing_executors)
settings.register_profile("steady", deadline=None, derandomize=True, database=None, suppress_health_check=_CALM)
# For `make mutants`: that an example fails is enough, nobody reads it.
settings.register_profile("mutants", settings.get_profile("steady"), phases=[Phase.explicit, Phase.generate])
settings.register_profile("explore", deadline=None, max_examples=2_000, suppress_health_check=_CALM)
settings.load_profile("steady")

QUICK = {"cli", "contract", "docs", "fieldkit", "library"}
"""Folders of many short tests."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with what takes long: short tests fill the end, and the workers of `make test` end together."""
    items.sort(key=lambda item: item.path.parent.name in QUICK)


@pytest.fixture(scope="session")
def root() -> Path:
    """Return the project's root."""
    return ROOT


@pytest.fixture(scope="session")
def airport_toml() -> str:
    """Return the text of the example plan."""
    return (ROOT / "docs" / "examples" / "airport.toml").read_text(encoding="utf-8")
