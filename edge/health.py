"""How a node says it is: its devices, its spool, its clock, its machine."""

from __future__ import annotations

from pathlib import Path

import andgate
from andgate.wire.codec import format_time
from andgate.wire.messages import Health
from edge.devices.rack import Rack
from edge.site_time import SiteTime
from edge.spool import Spool

ITSELF = ""
"""Stands for the node among its faulty devices; no device is called so."""


def health(
    rack: Rack,
    spool: Spool,
    time: SiteTime,
    now_s: float,
    *,
    synced: bool,
    config: str | None,
    drill: str | None = None,
) -> Health:
    """Return what ``node/{node}/health`` says; `config` is the hash of what it runs, `drill` the last it was told."""
    site_ms = time.ms(now_s)
    return Health(
        boot=spool.boot,
        mono=now_s,
        devices=rack.health(now_s),
        spool=spool.depth,
        synced=synced,
        at=None if site_ms is None else format_time(site_ms),
        temperature_c=_temperature_c(),
        uptime_s=round(now_s, 1),
        wear=spool.trouble or f"{spool.commits} writes since start",
        config=config,
        version=andgate.__version__,
        drops=rack.drops,
        fault=spool.trouble,
        drill=drill,
    )


def faulty(rack: Rack, spool: Spool, now_s: float) -> set[str]:
    """Return the devices that cannot be trusted to see, and `ITSELF` where what they see cannot be kept on disk."""
    found = {name for name, said in rack.health(now_s).items() if said.fault or said.level == "unknown"}
    return found if spool.trouble is None else found | {ITSELF}


def _temperature_c() -> float | None:
    try:
        return int(Path("/sys/class/thermal/thermal_zone0/temp").read_text(encoding="ascii")) / 1000
    except (OSError, ValueError):
        return None
