"""The only paho in the hub."""

from hub.link.link import Link, Receive

__all__ = ["Link", "Receive"]
