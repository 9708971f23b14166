"""One measured number."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Figure:
    """A number with its unit, and the target it should keep."""

    name: str
    value: float
    unit: str
    most: float | None = None
    """The target: not more than this."""
    least: float | None = None
    """The target: not less than this."""
    note: str = ""

    @property
    def met(self) -> bool:
        """Whether the target is kept; a figure without one always is."""
        return (self.most is None or self.value <= self.most) and (self.least is None or self.value >= self.least)

    def __str__(self) -> str:
        """``press to page            1.83 x   (at most 3) ok``."""
        target = f"(at most {self.most:g})" if self.most is not None else ""
        target += f"(at least {self.least:g})" if self.least is not None else ""
        verdict = ("ok" if self.met else "MISSED") if target else ""
        return f"{self.name:<44} {self.value:>10.4g} {self.unit:<6} {target:<20} {verdict:<6} {self.note}".rstrip()
