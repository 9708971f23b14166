"""Publishing on the site's broker, as far as pages need it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol


class Publisher(Protocol):
    """What is needed of the link."""

    @property
    def connected(self) -> bool:
        """Whether the broker has us now."""

    def publish(
        self,
        topic: str,
        payload: bytes,
        *,
        urgent: bool = False,
        done: Callable[[], None] | None = None,
        lost: Callable[[], None] | None = None,
    ) -> None:
        """Publish with QoS 1; `done` is called when the broker has it, `lost` when nobody can tell any more."""
