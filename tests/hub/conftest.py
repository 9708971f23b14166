from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from hub.clock import HandClock
from tests.hub.desk import START_MS, Broker, Desk, Ear


@pytest.fixture
def clock() -> HandClock:
    return HandClock(START_MS)


@pytest.fixture
def make_desk(tmp_path: Path, clock: HandClock) -> Iterator[Callable[..., Desk]]:
    made: list[Desk] = []

    def make(**options: Any) -> Desk:
        desk = Desk(options.pop("data", tmp_path / "data"), options.pop("clock", clock), **options)
        made.append(desk)
        return desk

    yield make
    for desk in made:
        desk.stop()


@pytest.fixture
def desk(make_desk: Callable[..., Desk]) -> Desk:
    return make_desk()


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Broker]:
    running = Broker(tmp_path)
    yield running
    running.stop()


@pytest.fixture
def ear() -> Iterator[Callable[..., Ear]]:
    made: list[Ear] = []

    def make(port: int, *filters: str) -> Ear:
        made.append(Ear(port, *filters))
        return made[-1]

    yield make
    for each in made:
        each.close()
