"""What a node should be, made from the plan."""

from __future__ import annotations

from hashlib import sha256

import msgspec

from andgate.plan import Expectation, Node, Plan
from andgate.wire.messages import DeviceConfig, ExpectationConfig, NodeConfig

_HASH_DIGITS = 12


def node_config(plan: Plan, node: Node) -> NodeConfig:
    """Return the configuration of one node, with the expectations it must be able to count down by itself."""
    touchpoints = {device.touchpoint for device in node.devices.values()}
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
            _expectation(expectation)
            for expectation in plan.expectations.values()
            if touchpoints.intersection(expectation.touchpoints)
        ],
    )
    digest = sha256(msgspec.json.encode(config, order="sorted")).hexdigest()[:_HASH_DIGITS]
    return msgspec.structs.replace(config, hash=digest)


def _expectation(expectation: Expectation) -> ExpectationConfig:
    countdown_ms = expectation.fails_after_ms if expectation.countdown_ms is None else expectation.countdown_ms
    return ExpectationConfig(
        id=expectation.id,
        touchpoints=list(expectation.touchpoints),
        opens=list(expectation.opens),
        closes=list(expectation.closes),
        fails_after_s=expectation.fails_after_ms / 1000,
        countdown_s=countdown_ms / 1000,
        key=expectation.key,
    )
