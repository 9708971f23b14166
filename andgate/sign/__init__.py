"""The LED sign, drawn LED by LED from what it should say; the same on every panel and in every browser.

state = SignState(flights=(flight("AG1234/2026-11-21", opened_ms, counts_to_ms, ends_ms, now_ms),))
picture = frame(state, 128, 32)
picture.rows()      # one text a row, one digit a LED: an index into PALETTE
picture.pixels      # three bytes a LED, red green blue
"""

from andgate.sign.frame import PALETTE, Frame, frame, words
from andgate.sign.state import SignDone, SignFlight, SignState, flight

__all__ = ["PALETTE", "Frame", "SignDone", "SignFlight", "SignState", "flight", "frame", "words"]
