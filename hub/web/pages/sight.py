"""Who can see: devices that judge and cannot be trusted to see now, and what else judges at their place."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct

from hub.web.pages.spans import local

if TYPE_CHECKING:
    from collections.abc import Iterable

    from andgate.plan import Device, Hours, Plan
    from hub.store.rows import NodeRow


class Blind(Struct, frozen=True):
    """One device that judges and cannot see."""

    touchpoint: str
    device: str
    kind: str
    since_ms: int | None
    """None: never heard."""
    others: tuple[str, ...]
    """Kinds of the devices that still judge there."""


def within(hours: Hours | None, now_ms: int, zone: str) -> bool:
    """Return whether a place is in its hours; one without hours always is."""
    if hours is None:
        return True
    when = local(now_ms, zone)
    minute = when.hour * 60 + when.minute
    if hours.start_min < hours.end_min:
        return hours.start_min <= minute < hours.end_min
    return minute >= hours.start_min or minute < hours.end_min


def judging(plan: Plan) -> dict[str, tuple[Device, ...]]:
    """Return the devices whose signals open, close, hold or fail something, by touchpoint."""
    wanted: dict[str, set[str]] = {touchpoint: set() for touchpoint in plan.touchpoints}
    for promise in plan.expectations.values():
        names = {*promise.opens, *promise.closes, *promise.holds, *promise.holds.values()}
        names.update(promise.threatens, promise.fails_on)
        for touchpoint in promise.touchpoints:
            wanted[touchpoint] |= names
    found: dict[str, list[Device]] = {touchpoint: [] for touchpoint in plan.touchpoints}
    for device in plan.devices.values():
        if wanted.get(device.touchpoint, set()).intersection(device.signals.values()):
            found[device.touchpoint].append(device)
    return {touchpoint: tuple(devices) for touchpoint, devices in found.items()}


def blind(plan: Plan, nodes: Iterable[NodeRow], now_ms: int) -> tuple[Blind, ...]:
    """Return every judging device that cannot see now, in plan order; outside a place's hours nothing is blind."""
    status = {node.node: node for node in nodes}
    found: list[Blind] = []
    for touchpoint, devices in judging(plan).items():
        if not within(plan.touchpoints[touchpoint].hours, now_ms, plan.site.timezone):
            continue
        lost = {device.name: since for device in devices for since in _lost(device, status.get(device.node))}
        for device in devices:
            if device.name in lost:
                others = tuple(dict.fromkeys(other.kind for other in devices if other.name not in lost))
                found.append(Blind(touchpoint, device.name, device.kind, lost[device.name], others))
    return tuple(found)


def _lost(device: Device, node: NodeRow | None) -> tuple[int | None, ...]:
    """Return since when it cannot see, as one member, or nothing where it can."""
    if node is None or node.state == "unseen":
        return (None,)
    if node.state != "online":
        return (node.since_ms,)
    if device.name not in node.blind:
        return ()
    health = node.health.devices.get(device.id) if node.health is not None else None
    if health is None or health.since is None or node.offset_ms is None:
        return (node.health_ms,)
    return (round(health.since * 1000 + node.offset_ms),)
