"""Passengers who asked are told what is new about their flight. Telling them is a promise, judged like any other."""

from hub.customers.teller import Teller

__all__ = ["Teller"]
