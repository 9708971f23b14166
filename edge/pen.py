"""Writing signals: from what a device reports to the body that goes into the spool, once it has its number."""

from __future__ import annotations

import msgspec

from andgate.errors import PayloadError
from andgate.plan.kinds import KINDS
from andgate.wire.codec import encode, format_time, parse_time
from andgate.wire.messages import About, DeviceConfig, NodeSignal, Retraction
from edge.devices import Input, Report
from edge.devices.done_button import DoneButton
from edge.devices.start_button import StartButton
from edge.site_time import SiteTime
from edge.spool import Write
from edge.view import Effect, wall

_decode = msgspec.json.Decoder(NodeSignal).decode

NODE = "node"
"""What a gap signal calls its device: it is the node's own word."""


class Pen:
    """Writes signals' bodies and remembers each device's last press, which a hold takes back."""

    def __init__(self, time: SiteTime) -> None:
        """Write with the site's time, as far as the node knows it."""
        self.zone = "UTC"
        """The place's time zone, for keys that say when a countdown was started."""
        self._time = time
        self._presses: dict[str, tuple[float, str, int]] = {}

    def write(
        self, device: Input, report: Report, shown: str | None, effects: list[Effect], about: About | None = None
    ) -> Write:
        """Return what makes the body of a report's signal.

        Args:
            device: what saw it.
            report: what it saw.
            shown: the key that a sign beside the device shows.
            effects: takes what the signal means for the node's own picture.
            about: what else it says.
        """
        config = device.hands.config
        signal, pressed = config.signals[report.occasion], KINDS[config.kind].momentary
        if isinstance(device, DoneButton):
            shown = device.key_for(shown, report.at_s)
        at_ms = self._time.ms(report.at_s)
        local = None if at_ms is None else wall(at_ms, self.zone)

        def write(boot: str, seq: int) -> bytes:
            key = StartButton.key(local, boot, seq) if isinstance(device, StartButton) else shown
            press, retracts = self._taken_back(device.id, report, boot)
            if report.occasion == "press":
                self._presses[device.id] = (report.at_s, boot, seq)
            taken_back = f"{boot}/{press}" if press is not None else None
            if retracts is not None:
                taken_back = f"{retracts.boot}/{retracts.seq}"
            effects.append(
                Effect(
                    boot=boot,
                    seq=seq,
                    touchpoint=device.touchpoint,
                    device=device.id,
                    signal=signal,
                    key=key,
                    at_s=report.at_s,
                    pressed=pressed,
                    found=report.found,
                    retracts=taken_back,
                )
            )
            return encode(
                NodeSignal(
                    device=device.id,
                    signal=signal,
                    seq=seq,
                    boot=boot,
                    mono=round(report.at_s, 6),
                    at=None if at_ms is None else format_time(at_ms),
                    synced=at_ms is not None,
                    value=report.value,
                    key=key,
                    found=report.found,
                    press=press,
                    retracts=retracts,
                    about=about or {},
                )
            )

        return write

    def _taken_back(self, device: str, report: Report, boot: str) -> tuple[int | None, Retraction | None]:
        """Return how a hold names its press: by number, or by numbering and number if that has changed since."""
        down = self._presses.get(device)
        if report.press_s is None or down is None or down[0] != report.press_s:
            return None, None
        return (down[2], None) if down[1] == boot else (None, Retraction(boot=down[1], seq=down[2]))

    def read(self, body: bytes, devices: dict[str, DeviceConfig]) -> Effect | None:
        """Return what a signal written before this start means for the node's own picture; None where nothing does."""
        try:
            signal = _decode(body)
        except msgspec.MsgspecError:
            return None
        config = devices.get(signal.device)
        at_s = self._read_s(signal)
        if config is None or at_s is None or config.kind not in KINDS:
            return None
        retracts = None if signal.press is None else f"{signal.boot}/{signal.press}"
        if isinstance(signal.retracts, Retraction):
            retracts = f"{signal.retracts.boot}/{signal.retracts.seq}"
        return Effect(
            boot=signal.boot,
            seq=signal.seq,
            touchpoint=config.touchpoint,
            device=signal.device,
            signal=signal.signal,
            key=signal.key,
            at_s=at_s,
            pressed=KINDS[config.kind].momentary,
            found=signal.found,
            retracts=retracts,
        )

    def _read_s(self, signal: NodeSignal) -> float | None:
        """Return when it was on this node's clock: of this boot by itself, of an earlier one by its time of day."""
        if signal.boot.partition(".")[0] == self._time.boot_id:
            return signal.mono
        try:
            return None if signal.at is None else self._time.mono_s(parse_time(signal.at))
        except PayloadError:
            return None

    def gap(self, gone: str, low: int, high: int, now_s: float) -> Write:
        """Return what makes a gap signal: these numbers of a numbering are not here any more."""
        at_ms = self._time.ms(now_s)

        def write(boot: str, seq: int) -> bytes:
            return encode(
                NodeSignal(
                    device=NODE,
                    signal="gap",
                    seq=seq,
                    boot=boot,
                    mono=round(now_s, 6),
                    at=None if at_ms is None else format_time(at_ms),
                    synced=at_ms is not None,
                    value=high - low + 1,
                    about={"boot": gone, "from": low, "to": high},
                )
            )

        return write
