from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from hub.ingest.numbers import Numbers


@given(st.lists(st.integers(1, 30), max_size=60))
def test_numbers_are_a_set_told_as_ranges(given_numbers: list[int]) -> None:
    numbers, plain = Numbers(), set[int]()
    for number in given_numbers:
        assert numbers.add(number) == (number not in plain)
        plain.add(number)
        assert all((each in numbers) == (each in plain) for each in range(1, 33))
        said = set(range(1, numbers.upto + 1)).union(*(range(a, b + 1) for a, b in numbers.ranges))
        assert said == plain
        edges = [numbers.upto, *(edge for pair in numbers.ranges for edge in pair)]
        assert edges == sorted(edges)
        assert all(first > before + 1 for before, (first, _) in zip(edges[::2], numbers.ranges, strict=False))
