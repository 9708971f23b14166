"""The hub's connection to its broker: MQTT 3.1.1, as much of it as a hub needs."""

from hub.link.link import Link, Receive

__all__ = ["Link", "Receive"]
