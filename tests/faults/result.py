"""What the checks after a storm have found."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field


@dataclass
class Result:
    """What a check found."""

    wrongs: list[str] = field(default_factory=list)
    figures: Counter[str] = field(default_factory=Counter)
    worst_time_ms: float = 0.0

    def wrong(self, what: str) -> None:
        self.wrongs.append(what)
