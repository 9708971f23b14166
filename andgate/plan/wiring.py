"""Reads a plan's nodes and devices: what hangs where, and on which pins."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import NamedTuple

from andgate.plan.addresses import ADDRESS, SAMPLE, pocsag_address
from andgate.plan.durations import parse_duration
from andgate.plan.floor import read_hours
from andgate.plan.hush import OF_DEVICES
from andgate.plan.kinds import KINDS, Kind, Setting
from andgate.plan.model import Device, Node
from andgate.plan.reserved import RESERVED
from andgate.plan.tables import Table, known, show

LAST_PIN = 27
"""GPIO 0 to 27 (BCM numbers) are on the 40-pin header of every Raspberry Pi."""
_AWKWARD = (0, 1, 2, 3, 14, 15)
"""Boot, I2C and the console use these too."""
_HANDY_FIRST = (*(number for number in range(LAST_PIN + 1) if number not in _AWKWARD), *_AWKWARD)
_MAX_INT = 100_000
_MAX_WORDS = 40
Settings = dict[str, int | float | str | bool]


class _Pin(NamedTuple):
    """A GPIO that a device takes."""

    number: int
    owner: str
    """``mot.button``."""
    table: Table
    key: str


def read_nodes(root: Table, touchpoints: Collection[str], groups: Collection[str]) -> dict[str, Node]:
    """Read every ``[nodes.ID]`` with its devices."""
    nodes = {}
    for name, table in root.entries("nodes"):
        touchpoint = table.reference("touchpoint", touchpoints, "touchpoint", required=False)
        pins: list[_Pin] = []
        devices = {}
        tables = {}
        said = "touchpoint" in table.content
        for device_name, device_table in table.entries("devices"):
            device = _device(device_table, (name, device_name), (touchpoints, groups), touchpoint, pins, node_says=said)
            if device is not None:
                devices[device_name] = device
                tables[device_name] = device_table
        table.asked.update(OF_DEVICES)
        table.close()
        _check_pins(pins)
        for device_name, device in devices.items():
            devices[device_name] = _with_sign(device, devices, tables[device_name])
        nodes[name] = Node(id=name, touchpoint=touchpoint, devices=devices)
    return nodes


def check_transmitters(root: Table, urls: Mapping[tuple[str, str], str], nodes: Mapping[str, Node]) -> None:
    """Note every ``pocsag://`` URL, by its table, whose node has no transmitter, or more than one."""
    for path, url in urls.items():
        address = pocsag_address(url.replace(ADDRESS, SAMPLE))
        if address is None:
            continue
        node = nodes.get(address.node)
        found = [it for it in node.devices.values() if it.kind == "transmitter"] if node is not None else []
        if len(found) == 1:
            continue
        what = f"node {show(address.node)} has {'two transmitters' if found else 'no transmitter'}"
        able = [it.node for other in nodes.values() for it in other.devices.values() if it.kind == "transmitter"]
        remedy = "Let each transmitter have a node of its own" if found else known(address.node, able, "transmitter")
        root.book.note((*path, "url"), what, remedy)


def _device(
    table: Table,
    name: tuple[str, str],
    options: tuple[Collection[str], Collection[str]],
    of_node: str | None,
    pins: list[_Pin],
    *,
    node_says: bool,
) -> Device | None:
    """Read one device of a node; the pins it takes are added to `pins`.

    Args:
        table: its table.
        name: of its node, and its own.
        options: the plan's touchpoints and groups.
        of_node: the node's touchpoint.
        pins: those that are taken.
        node_says: whether the node names a touchpoint, right or wrong.
    """
    node, device = name
    touchpoints, groups = options
    kind_name = table.choice("kind", KINDS, "kind of device", required=True)
    if kind_name is not None and KINDS[kind_name].serves != "touchpoint":
        touchpoint: str | None = ""  # it is no device of a place, wherever it hangs
    else:
        touchpoint = table.reference("touchpoint", touchpoints, "touchpoint", required=False) or of_node
        if "touchpoint" not in table.content and not node_says:
            table.wrong(
                "touchpoint",
                "is missing, here and at the node",
                f"Say where it stands: {known('', touchpoints, 'touchpoint')}",
            )
    if kind_name is None:
        return None
    kind = KINDS[kind_name]
    settings = {}
    for key, setting in kind.settings.items():
        value = _setting(table, key, setting, device, pins, groups)
        if value is not None:
            settings[f"{key}_ms" if setting.type == "duration" else key] = value
    _check_settings(table, kind_name, settings)
    signals = _signals(table, kind)
    table.asked.update(OF_DEVICES)
    table.close()
    if touchpoint is None:
        return None
    return Device(id=device, node=node, touchpoint=touchpoint, kind=kind_name, settings=settings, signals=signals)


def _setting(
    table: Table, key: str, setting: Setting, device: str, pins: list[_Pin], groups: Collection[str]
) -> int | float | str | bool | None:
    """Read one key of a kind, or take its default."""
    value: int | float | str | bool | None
    if setting.type == "pin":
        value = _pin(table, key, setting, device, pins)
    elif setting.type == "group":
        value = table.reference(key, groups, "group")
    elif setting.type == "duration":
        value = table.duration(key)
        if value is None and isinstance(setting.default, str):
            value = parse_duration(setting.default)
        return value
    elif setting.type == "choice":
        value = table.choice(key, setting.choices, key)
    elif setting.type == "int":
        value = table.whole(key, 1, _MAX_INT)
    elif setting.type == "number":
        value = table.number(key)
    elif setting.type == "flag":
        value = table.flag(key)
    elif setting.type == "words":
        value = _words(table, key)
    elif setting.type == "hours":
        value = None if read_hours(table, key) is None else str(table.content[key])
    else:
        value = table.name(key)
    return setting.default if value is None else value


def _words(table: Table, key: str) -> str | None:
    """Read a few words; a program gets them as one argument, so they may not look like an option of it."""
    words = table.text(key)
    if words is not None and (len(words) > _MAX_WORDS or words.startswith("-")):
        table.wrong(
            key, f"{show(words)} is too long, or begins like an option", f"Write at most {_MAX_WORDS} characters"
        )
        return None
    return words


def _pin(table: Table, key: str, setting: Setting, device: str, pins: list[_Pin]) -> int | None:
    """Read a GPIO number, and note who takes it."""
    example = f"Add {key} = 17: the {setting.help}" if setting.required else None
    pin = table.whole(key, 0, LAST_PIN, remedy=example)
    if pin is not None:
        pins.append(_Pin(pin, f"{device}.{key}", table, key))
    return pin


def _check_pins(pins: list[_Pin]) -> None:
    """Note every pin that is taken twice on a node."""
    owners: dict[int, str] = {}
    free = [str(number) for number in _HANDY_FIRST if all(number != pin.number for pin in pins)]
    for pin in pins:
        if pin.number in owners:
            pin.table.wrong(
                pin.key,
                f"GPIO {pin.number} is already taken by {owners[pin.number]}",
                f"Use a free one: {', '.join(free) or 'none is left on this node'}",
            )
        else:
            owners[pin.number] = pin.owner


def _check_settings(table: Table, kind: str, settings: Settings) -> None:
    """Check what keys of one device mean together."""
    if kind == "distance" and float(settings["near"]) >= float(settings["far"]):
        table.wrong(
            "near",
            f"{settings['near']:g} m is not nearer than far = {settings['far']:g} m",
            "Leave a gap between the two, or the sensor flickers at the mark",
        )
    if kind == "mot-button" and int(settings["hold_ms"]) <= int(settings["settle_ms"]):
        table.wrong("hold", "is not longer than settle", 'Let a hold be plainly longer than a press, as in hold = "2s"')
    if kind == "speaker" and "ptt" in settings and not settings["call_sign"]:
        table.wrong("call_sign", "is missing", 'A radio says who speaks: add call_sign = "Andgate"')


def _signals(table: Table, kind: Kind) -> dict[str, str]:
    """Read how a device renames its signals."""
    names = dict(kind.signals)
    renamed = table.table("signals")
    if renamed is None:
        return names
    for occasion in kind.signals:
        name = renamed.name(occasion)
        if name is None:
            continue
        if name in RESERVED:
            renamed.wrong(occasion, f"{show(name)} means something by itself", f'Choose another, as in "{name}-here"')
        names[occasion] = name
    renamed.close()
    if len(set(names.values())) < len(names):
        table.wrong(
            "signals",
            f"{' and '.join(names)} report the same name, {show(next(iter(names.values())))}",
            "Give each occasion a name of its own",
        )
    return names


def _with_sign(device: Device, devices: dict[str, Device], table: Table) -> Device:
    """Return a done-button with the sign that it belongs to: the one it names, else the node's only one."""
    if device.kind != "done-button":
        return device
    signs = [name for name, other in devices.items() if other.kind == "sign"]
    named = str(device.settings["sign"])
    if named and named not in signs:
        what = "is no sign" if named in devices else "does not exist"
        remedy = known(named, signs, "sign") if signs else "Add a sign to this node, or leave the key out"
        table.wrong("sign", f"device {show(named)} of this node {what}", remedy)
    elif not named and len(signs) > 1:
        table.wrong("sign", "is missing, and this node has several signs", known("", signs, "sign"))
    elif not named and signs:
        settings = {**device.settings, "sign": signs[0]}
        return Device(
            id=device.id,
            node=device.node,
            touchpoint=device.touchpoint,
            kind=device.kind,
            settings=settings,
            signals=device.signals,
        )
    return device
