"""The embedded broker: for one machine, where nobody runs a broker of their own."""

from hub.broker.broker import EmbeddedBroker, embedded_broker

__all__ = ["EmbeddedBroker", "embedded_broker"]
