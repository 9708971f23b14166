"""Pages through a node's transmitter: what it says becomes of them, and what when it says nothing."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from msgspec.structs import replace

from andgate.plan.addresses import PocsagAddress
from andgate.wire.codec import decode_transmission, encode
from andgate.wire.messages import PageReceipt, Transmission
from andgate.wire.topics import Topics
from hub.notify.channels.pocsag import PocsagChannel, digits
from hub.notify.transmitters import Transmitters
from tests.hub.receivers import NOTE, answer_of

ROOF = PocsagAddress("roof", 1_234_567, 1200, 3, False)


class Air:
    """A link whose node answers as a test says."""

    def __init__(self, answer: Callable[[Transmission], PageReceipt | None], state: str = "online") -> None:
        self.connected = True
        self.given: list[Transmission] = []
        self.loses = False
        self._answer = answer
        self.masts = Transmitters(self, Topics("agx"), lambda _: state)

    def publish(
        self,
        topic: str,
        payload: bytes,
        *,
        urgent: bool = False,
        done: Callable[[], None] | None = None,
        lost: Callable[[], None] | None = None,
    ) -> None:
        assert urgent
        assert topic == "andgate/v1/agx/node/roof/transmit"
        said = decode_transmission(payload)
        self.given.append(said)
        receipt = self._answer(said)
        if receipt is not None:
            self.masts.heard(encode(receipt))
        if self.loses and lost is not None:
            lost()


def told(did: str, why: str | None = None) -> Callable[[Transmission], PageReceipt]:
    return lambda said: PageReceipt(page=said.page, device="mast", did=did, why=why)  # type: ignore[arg-type]


def test_a_page_is_given_to_the_mast_as_its_pager_can_show_it() -> None:
    air = Air(told("sent"))
    text = "Gate é: „soon“ × 2"
    note = replace(NOTE, page=replace(NOTE.page, text=text, again=True))
    assert answer_of(PocsagChannel(ROOF, air.masts), note).sent
    (said,) = air.given
    assert (said.ric, said.baud, said.function, said.numeric) == (1_234_567, 1200, 3, False)
    assert said.text.isascii()
    assert said.text.endswith(" (again)")
    assert said.page == "m1:0@1234567"


def test_a_numeric_pager_gets_the_numbers() -> None:
    air = Air(told("sent"))
    note = replace(NOTE, page=replace(NOTE.page, text="Baggage belt 3: AG1234, 7:59 left"))
    assert answer_of(PocsagChannel(PocsagAddress("roof", 8, 512, 0, True), air.masts), note).sent
    assert (air.given[0].text, air.given[0].numeric) == ("3 1234 7-59", True)
    assert digits("nothing to count") == ""


@pytest.mark.parametrize(
    ("did", "why", "surely_unsent", "words"),
    [
        ("dropped", "the channel was not free in time", True, "not free"),
        ("failed", "aplay ended with 1", False, "aplay"),
        ("failed", None, False, "did not send it"),
    ],
)
def test_what_was_not_sent_says_why_and_is_tried_again(
    did: str, why: str | None, words: str, *, surely_unsent: bool
) -> None:
    result = answer_of(PocsagChannel(ROOF, Air(told(did, why)).masts))
    assert (result.sent, result.retry, result.surely_unsent) == (False, True, surely_unsent)
    assert words in result.note


def test_a_mast_that_says_nothing_leaves_a_doubt() -> None:
    for air, wait_s in ((Air(lambda _: None), 0.05), (Air(lambda _: None), 600.0)):
        air.loses = wait_s > 1
        result = answer_of(PocsagChannel(ROOF, air.masts, wait_s=wait_s))
        assert (result.sent, result.surely_unsent) == (False, False)
        assert "has not said" in result.note


def test_nothing_is_given_to_a_mast_that_is_not_there() -> None:
    for state in ("lost", "stopped", "unseen"):
        air = Air(told("sent"), state)
        result = answer_of(PocsagChannel(ROOF, air.masts))
        assert (result.sent, result.surely_unsent, air.given) == (False, True, [])
        assert state in result.note
    away = Air(told("sent"))
    away.connected = False
    assert answer_of(PocsagChannel(ROOF, away.masts)).note == "waiting for the broker"


def test_words_that_nobody_waits_for_are_no_harm() -> None:
    air = Air(told("sent"))
    air.masts.heard(b"nonsense")
    air.masts.heard(encode(PageReceipt(page="m7:0", device="mast", did="sent")))
    answered_twice = Air(lambda said: PageReceipt(page=said.page, device="mast", did="sent"))
    answered_twice.loses = True
    assert answer_of(PocsagChannel(ROOF, answered_twice.masts)).sent


def test_a_silent_drill_disturbs_no_pager() -> None:
    air = Air(told("sent"))
    result = answer_of(PocsagChannel(ROOF, air.masts), replace(NOTE, loud=False))
    assert (result.skipped, air.given) == (True, [])
