"""A radio that is keyed, on a real line, by a program that then does nothing more: what keys it must be taken off."""

from __future__ import annotations

import sys
import threading

from andgate.wire.messages import DeviceConfig
from edge.clock import RealClock
from edge.devices.base import Hands
from edge.devices.pins import pins
from edge.devices.radio import Radio


def main(line: int, most_s: float) -> None:
    """Key the radio of this line, say so, and stand there."""
    clock = RealClock()
    config = DeviceConfig(kind="transmitter", touchpoint="", settings={"ptt": line}, signals={})
    radio = Radio(Hands("mast", config, pins("lgpio"), clock, lambda _: None), most_s)
    now_s = clock.mono_s()
    radio.send(b"", now_s, now_s + 60)
    radio.advance(now_s)
    assert radio.keyed
    sys.stdout.write("keyed\n")
    sys.stdout.flush()
    threading.Event().wait()


if __name__ == "__main__":
    main(int(sys.argv[1]), float(sys.argv[2]))
