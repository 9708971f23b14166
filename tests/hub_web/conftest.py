"""What the web's tests stand on: a hub, and somebody who asks it things."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from andgate.plan import Plan, parse_plan
from hub.web.app import create_app
from tests.hub_web.stand import Stand


@pytest.fixture
def plan(airport_toml: str) -> Plan:
    """The example; a module whose hub has another plan has a fixture of this name."""
    return parse_plan(airport_toml)


@pytest.fixture
def stand(tmp_path: Path, plan: Plan) -> Iterator[Stand]:
    stand = Stand(tmp_path, plan)
    yield stand
    stand.close()


@pytest.fixture
def web(stand: Stand) -> Iterator[TestClient]:
    app = create_app(stand.driver, stand.reader, stand.clock)
    with TestClient(app, base_url="http://127.0.0.1", raise_server_exceptions=False) as web:
        yield web
