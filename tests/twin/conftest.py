from __future__ import annotations

from importlib import resources

import pytest

from andgate.plan import Plan, parse_plan


@pytest.fixture(scope="session")
def airport() -> Plan:
    return parse_plan(resources.files("twin").joinpath("airport.toml").read_text(encoding="utf-8"))
