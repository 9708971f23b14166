"""A plan in plain words."""

from __future__ import annotations

from andgate.plan.model import Plan


def describe(plan: Plan) -> str:
    """Say what a plan means."""
    return plan.site.name
