"""The devices of a node, one file a kind, on gpiozero's pins.

device = make(Hands("mot", config, pin_factory, clock, emit))
for report in device.start(): ...
"""

from __future__ import annotations

from importlib import import_module

from andgate.errors import UsageError
from edge.devices.base import Device, Edge, Hands, Input, Report

__all__ = ["KINDS", "Device", "Edge", "Hands", "Input", "Report", "make"]

KINDS = {
    "mot-button": "edge.devices.mot_button:MotButton",
    "beam": "edge.devices.beam:Beam",
    "distance": "edge.devices.distance:Distance",
    "done-button": "edge.devices.done_button:DoneButton",
    "start-button": "edge.devices.start_button:StartButton",
    "belt-sensor": "edge.devices.belt_sensor:BeltSensor",
    "lamp": "edge.devices.lamp:Lamp",
    "buzzer": "edge.devices.buzzer:Buzzer",
    "annunciator": "edge.devices.annunciator:Annunciator",
    "speaker": "edge.devices.speaker:Speaker",
    "transmitter": "edge.devices.transmitter:Transmitter",
    "sign": "edge.devices.sign:Sign",
}
"""Kind -> where its class is; imported when a node has one, so that a node without a sign never loads Pillow."""


def make(hands: Hands) -> Device:
    """Make the device that a configuration describes.

    Raises:
        UsageError: for a kind that this version does not know.
        gpiozero.GPIOZeroError: for a pin that is not there or in use.
    """
    try:
        module, _, name = KINDS[hands.config.kind].partition(":")
    except KeyError:
        raise UsageError(f"device {hands.id}: this node knows no kind {hands.config.kind!r}; update the node") from None
    device: Device = getattr(import_module(module), name)(hands)
    return device
