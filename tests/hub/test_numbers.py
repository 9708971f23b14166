from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from andgate.wire.codec import encode
from andgate.wire.messages import MAX_PAYLOAD_BYTES, Receipt
from hub.ingest.numbers import RANGES_MOST, Numbers


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


def test_who_does_not_count_by_one_keeps_its_newest_numbers() -> None:
    numbers = Numbers()
    for number in range(2, 4 * RANGES_MOST, 2):
        assert numbers.add(number)
    newest = 4 * RANGES_MOST - 2
    assert len(numbers.ranges) == RANGES_MOST
    assert newest in numbers
    assert 2 not in numbers
    assert numbers.forgot(2)
    assert not numbers.forgot(newest + 2)
    assert numbers.add(2)
    assert 2 in numbers, "so that its receipt can say it"
    assert len(numbers.ranges) == RANGES_MOST
    receipt = encode(Receipt(boot="b" * 200, seq=numbers.upto, also=[(2**53 - 1, 2**53)] * len(numbers.ranges)))
    assert len(receipt) <= MAX_PAYLOAD_BYTES


def test_a_forgotten_number_is_still_suspected_when_holes_have_filled() -> None:
    numbers = Numbers()
    for number in range(2, 2 * RANGES_MOST + 10, 2):
        numbers.add(number)
    for number in range(1_001, 1_101, 2):
        numbers.add(number)
    assert len(numbers.ranges) < RANGES_MOST
    assert 2 not in numbers
    assert numbers.forgot(2)
