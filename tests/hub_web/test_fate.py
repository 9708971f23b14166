"""What became of a page, in words."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pytest

from andgate.plan import parse_plan
from andgate.wire.codec import parse_time
from hub.store import PageRow
from hub.web.pages.fate import fate, whom

NOW = parse_time("2026-11-21T16:26:08.000Z")
ZONE = "Europe/Rome"
ROW = PageRow(
    1, "m:0", "page", "m", "x", "counter-a", None, "supervisors", "radio", "", "", "so much time is left", 60.0,
    False, False, "sent", NOW, NOW, 1, NOW, False, "",
)  # fmt: skip
PERSON = "~0123456789abcdef"


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({}, "17:26:08"),
        ({"delivered_ms": NOW + 1_000}, "17:26:08; delivered 17:26:09"),
        ({"delivered_ms": NOW + 1_000, "read_ms": NOW + 9_000}, "17:26:08; read 17:26:17"),
        (
            {"stands_for": 7, "reason": "instead of way 1: no such number"},
            "17:26:08; in place of another: instead of way 1: no such number",
        ),
        ({"stands_for": 7, "kind": "over"}, "17:26:08"),
        ({"bundle": "bundle:1", "note": "told in bundle:1"}, "17:26:08; together with others"),
        ({"bundle": "bundle:1", "note": "told in bundle:1; line busy"}, "17:26:08, line busy; together with others"),
        ({"bundle": "bundle:1+"}, "17:26:08; named once more with others"),
        ({"bundle": "bundle:1", "moment": "bundle:1"}, "17:26:08"),
        ({"state": "queued", "tries": 0}, "on its way"),
        (
            {"state": "queued", "tries": 0, "bundle": "bundle:1"},
            "told in a moment, together with others",
        ),
        (
            {"state": "queued", "tries": 3, "note": "line busy"},
            "not delivered yet, tried again: line busy; tried 3×, again at 17:26:08",
        ),
        ({"state": "cancelled", "note": "held back: more than 3"}, "not sent: held back: more than 3"),
        ({"state": "muted", "note": "the hub only listens"}, "not sent: the hub only listens"),
        ({"state": "failed", "note": "no such number"}, "not delivered: no such number"),
    ],
)
def test_every_fate_has_words(more: dict[str, Any], words: str) -> None:
    assert fate(msgspec.structs.replace(ROW, **more), ZONE) == words


@pytest.mark.parametrize(
    ("channel", "words"),
    [
        ("radio", "Supervisors, radio"),
        ("", "Supervisors"),
        ("~", "Supervisors"),
        (f"{PERSON}/2", "Supervisors, one person, way 2"),
    ],
)
def test_nobody_is_named(root: Path, channel: str, words: str) -> None:
    plan = parse_plan((root / "docs" / "examples" / "airport.toml").read_text(encoding="utf-8"))
    assert whom(plan, msgspec.structs.replace(ROW, channel=channel)) == words
