"""The site's plan: groups, channels, touchpoints, nodes, expectations, interactions; frozen and validated."""

from andgate.plan.hours import is_open, is_served, local_time
from andgate.plan.kinds import KINDS, Kind, springs_back
from andgate.plan.model import (
    MADE_GOOD,
    OWED,
    Alerts,
    Category,
    Cause,
    Channel,
    Device,
    Expectation,
    Group,
    Hours,
    Interaction,
    Node,
    PageStep,
    Plan,
    Remedy,
    Shift,
    Site,
    Touchpoint,
    Way,
    task_of,
)
from andgate.plan.parse import parse_plan
from andgate.plan.words import describe

__all__ = [
    "KINDS",
    "MADE_GOOD",
    "OWED",
    "Alerts",
    "Category",
    "Cause",
    "Channel",
    "Device",
    "Expectation",
    "Group",
    "Hours",
    "Interaction",
    "Kind",
    "Node",
    "PageStep",
    "Plan",
    "Remedy",
    "Shift",
    "Site",
    "Touchpoint",
    "Way",
    "describe",
    "is_open",
    "is_served",
    "local_time",
    "parse_plan",
    "springs_back",
    "task_of",
]
