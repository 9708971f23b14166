"""Writing signals: from what a device reports to the body that goes into the spool, once it has its number."""

from __future__ import annotations

from andgate.plan.kinds import KINDS
from andgate.wire.codec import encode, format_time
from andgate.wire.messages import NodeSignal, Retraction
from edge.devices import Input, Report
from edge.devices.done_button import DoneButton
from edge.devices.start_button import StartButton
from edge.site_time import SiteTime
from edge.spool import Write
from edge.view import Effect, wall

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

    def write(self, device: Input, report: Report, shown: str | None, effects: list[Effect]) -> Write:
        """Return what makes the body of a report's signal.

        Args:
            device: what saw it.
            report: what it saw.
            shown: the key that a sign beside the device shows.
            effects: takes what the signal means for the node's own picture.
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
            effects.append(Effect(boot, seq, device.touchpoint, device.id, signal, key, report.at_s, pressed=pressed))
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
                )
            )

        return write

    def _taken_back(self, device: str, report: Report, boot: str) -> tuple[int | None, Retraction | None]:
        """Return how a hold names its press: by number, or by numbering and number if that has changed since."""
        down = self._presses.get(device)
        if report.press_s is None or down is None or down[0] != report.press_s:
            return None, None
        return (down[2], None) if down[1] == boot else (None, Retraction(boot=down[1], seq=down[2]))

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
