"""Real pagers on the site's own frequency: POCSAG (ITU-R M.584-2), sent by the transmitter of a node.

The hub names the pager and says the text; the node's transmitter makes the bits, keys its radio, and says what became
of the page. Sent means that it was on the air: a one-way pager never says whether it was on.
"""

from __future__ import annotations

import re

from andgate.plan.addresses import PocsagAddress
from andgate.wire.messages import Transmission
from hub.driver.pressed import SENT_AS
from hub.notify.channels.channel import Note, Result
from hub.notify.channels.snpp import plain
from hub.notify.channels.threaded import ThreadedChannel
from hub.notify.transmitters import Transmitters

WITHIN_S = 20.0
"""A page that could not be begun within this is given up, and tried again or by another way."""
ON_AIR_S = 20.0
"""Longer than any page takes, and its receipt."""
MOST_DIGITS = 20
_DIGITS = re.compile(r"[0-9]+(?::[0-9]+)*")


class PocsagChannel(ThreadedChannel):
    """Sent means that the transmitter has sent it."""

    def __init__(
        self, address: PocsagAddress, transmitters: Transmitters, *, wait_s: float = WITHIN_S + ON_AIR_S
    ) -> None:
        """Page one pager; `wait_s` is waited for the node's word."""
        super().__init__("pocsag")
        self._address, self._transmitters, self._wait_s = address, transmitters, wait_s

    def _notify(self, note: Note) -> Result:
        if not note.loud:
            return Result(sent=False, note="a pager cannot be proven in silence", skipped=True, surely_unsent=True)
        to = self._address
        away = self._transmitters.away(to.node)
        if away is not None:
            return Result(sent=False, note=away, surely_unsent=True)
        said = Transmission(
            page=f"{note.page.id}{SENT_AS}{to.ric}",
            ric=to.ric,
            text=digits(note.page.text) if to.numeric else plain(note),
            function=to.function,
            baud=to.baud,
            numeric=to.numeric,
            within_s=WITHIN_S,
        )
        receipt = self._transmitters.send(to.node, said, self._wait_s)
        if receipt is None:
            return Result(sent=False, note="the transmitter has not said what became of it")
        if receipt.did == "sent":
            return Result(sent=True, note=receipt.why or "")
        why = receipt.why or "the transmitter did not send it"
        return Result(sent=False, note=why, surely_unsent=receipt.did == "dropped")


def digits(text: str) -> str:
    """Return the numbers of a text as a numeric pager shows them: ``Belt 3: AG1234, 7:59 left`` is ``3 1234 7-59``."""
    return " ".join(each.replace(":", "-") for each in _DIGITS.findall(text))[:MOST_DIGITS]
