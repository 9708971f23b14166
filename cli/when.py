"""Times, as people write them on a command line and read them on a terminal."""

from __future__ import annotations

from datetime import UTC, datetime, tzinfo

from andgate.errors import UsageError


def parse_when(text: str | None, option: str) -> int | None:
    """Read ``2026-11-21``, ``2026-11-21T20:46`` or an RFC 3339 time, UTC unless it says otherwise, as UTC ms.

    Raises:
        UsageError: it is none of these; names the `option`.
    """
    if text is None:
        return None
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        raise UsageError(f'{option}: "{text}" is no time. Write 2026-11-21 or 2026-11-21T20:46Z') from None
    if at.tzinfo is None:
        at = at.replace(tzinfo=UTC)
    return round(at.timestamp() * 1000)


def shown(at_ms: int, zone: tzinfo = UTC) -> str:
    """Return ``2026-11-21 20:46:06``, with a Z where it is UTC."""
    text = datetime.fromtimestamp(at_ms / 1000, zone).strftime("%Y-%m-%d %H:%M:%S")
    return f"{text}Z" if zone is UTC else text
