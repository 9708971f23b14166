"""Durable ingest on a disk that takes 20 ms for an fsync, against the same hub on this machine's own disk."""

from __future__ import annotations

from bench._figure import Figure
from bench._hub import LINES, hub, press
from bench._mqtt import mosquitto
from bench._slow_disk import FSYNC_S
from bench.ingest import SINGLE, receipted


def run() -> list[Figure]:
    """Return how much of the throughput is left."""
    with mosquitto() as port:
        with hub(port):
            own = receipted(port, [press(n) for n in range(SINGLE)], SINGLE // LINES)
        with hub(port, program="bench._slow_disk"):
            slow = receipted(port, [press(n) for n in range(SINGLE)], SINGLE // LINES)
    return [
        Figure(
            f"ingest with {FSYNC_S * 1000:.0f} ms injected into each commit",
            slow / own,
            "x own",
            least=0.7,
            note=f"{slow:,.0f}/s of {own:,.0f}/s",
        )
    ]
