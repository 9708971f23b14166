"""What a node should be, made from the plan."""

from __future__ import annotations

from hashlib import sha256

import msgspec

from andgate.plan import Expectation, Hours, Node, Plan
from andgate.wire.messages import DeviceConfig, ExpectationConfig, NodeConfig, TouchpointConfig

_HASH_DIGITS = 12


def node_config(plan: Plan, node: Node) -> NodeConfig:
    """Return the configuration of one node, with all it needs to judge its touchpoints while it is alone."""
    touchpoints = {device.touchpoint for device in node.devices.values() if device.touchpoint}
    if node.touchpoint is not None:
        touchpoints.add(node.touchpoint)
    config = NodeConfig(
        hash="",
        site=plan.site.id,
        timezone=plan.site.timezone,
        devices={
            device.id: DeviceConfig(
                kind=device.kind,
                touchpoint=device.touchpoint,
                settings=dict(device.settings),
                signals=dict(device.signals),
            )
            for device in node.devices.values()
        },
        expectations=[
            _expectation(expectation, sorted(here))
            for expectation in plan.expectations.values()
            if (here := touchpoints.intersection(expectation.touchpoints))
        ],
        touchpoints={
            place.id: TouchpointConfig(name=place.name, hours=_hours(place.hours))
            for place in (plan.touchpoints[name] for name in sorted(touchpoints))
        },
    )
    digest = sha256(msgspec.json.encode(config, order="sorted")).hexdigest()[:_HASH_DIGITS]
    return msgspec.structs.replace(config, hash=digest)


def _expectation(expectation: Expectation, here: list[str]) -> ExpectationConfig:
    """Return a promise as the node's own touchpoints make it: a site's other thousand places are not its business."""
    countdown_ms = expectation.fails_after_ms if expectation.countdown_ms is None else expectation.countdown_ms
    asked_ms = expectation.contradicted_after_ms
    return ExpectationConfig(
        id=expectation.id,
        touchpoints=here,
        opens=list(expectation.opens),
        closes=list(expectation.closes),
        fails_after_s=expectation.fails_after_ms / 1000,
        countdown_s=countdown_ms / 1000,
        key=expectation.key,
        holds=dict(expectation.holds),
        threatens=list(expectation.threatens),
        fails_on=list(expectation.fails_on),
        voids=list(expectation.voids),
        threatened_left_s=max((page.left_ms / 1000 for page in expectation.pages), default=None),
        rejoins_within_s=expectation.rejoins_within_ms / 1000,
        gives_up_after_s=expectation.gives_up_after_ms / 1000,
        contradicted_after_s=None if asked_ms is None else asked_ms / 1000,
    )


def _hours(hours: Hours | None) -> str | None:
    if hours is None:
        return None
    return "-".join(f"{minute // 60:02}:{minute % 60:02}" for minute in (hours.start_min, hours.end_min))
