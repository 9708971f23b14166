"""The wiring profiles of nodes, as the technician's guide shows them."""

from __future__ import annotations

import tomllib
from pathlib import Path

from msgspec import Struct, convert

from scripts.reference.source import table

FOLDER = Path(__file__).parents[2] / "firmware_config" / "profiles"


class Wire(Struct, frozen=True, forbid_unknown_fields=True):
    """One wire between a Pi's header and something."""

    device: str
    """Device id in the profile's plan."""
    key: str
    """The device's key that names the pin; ``spi`` for a bus."""
    gpio: int
    """BCM number."""
    header: int
    """Pin on the 40-pin header."""
    colour: str
    to: str
    note: str


class Profile(Struct, frozen=True, forbid_unknown_fields=True):
    """What hangs on one type of node."""

    name: str
    about: str
    wires: list[Wire]
    extra: list[str] = []
    """Further fragments of config.txt that it needs."""


def profiles() -> dict[str, Profile]:
    """Return every profile by its file's name, in the order of the names."""
    return {path.name.removesuffix(".wiring.toml"): _read(path) for path in sorted(FOLDER.glob("*.wiring.toml"))}


def _read(path: Path) -> Profile:
    return convert(tomllib.loads(path.read_text(encoding="utf-8")), Profile)


def tables() -> str:
    """Return every profile with its wires."""
    return "\n\n".join(_profile(name, profile) for name, profile in profiles().items())


def _profile(name: str, profile: Profile) -> str:
    rows = [
        [str(wire.header), f"GPIO {wire.gpio}", wire.colour, wire.to, wire.note]
        for wire in sorted(profile.wires, key=lambda wire: wire.header)
    ]
    return "\n\n".join(
        [
            f"### {profile.name}",
            f"Profile `{name}`. {profile.about}",
            table(["pin", "is", "wire", "goes to", "and"], rows),
        ]
    )
