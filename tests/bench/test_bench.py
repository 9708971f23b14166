from __future__ import annotations

import importlib
import inspect

import pytest

from bench.__main__ import names
from bench._figure import Figure


@pytest.mark.parametrize(
    ("figure", "met"),
    [
        (Figure("free", 3, "s"), True),
        (Figure("at most", 3, "x", most=3), True),
        (Figure("at most", 3.1, "x", most=3), False),
        (Figure("at least", 2, "x", least=2), True),
        (Figure("at least", 1.9, "x", least=2), False),
    ],
)
def test_a_figure_knows_whether_it_keeps_its_target(figure: Figure, met: bool) -> None:
    assert figure.met is met
    assert ("MISSED" in str(figure)) is not met


@pytest.mark.parametrize("name", names())
def test_every_benchmark_can_be_run_by_make(name: str) -> None:
    run = importlib.import_module(f"bench.{name}").run
    assert not inspect.signature(run).parameters
