"""Answers from outside the hub's own screens: the link in a page, with which whoever reads it can say "I am on it"."""

from hub.answers.links import Links

__all__ = ["Links"]
