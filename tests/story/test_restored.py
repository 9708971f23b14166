"""The hub's disk is gone. Yesterday's backup is there, and the nodes remember."""

from __future__ import annotations

import shutil
import signal
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.story.airport import MOT, Broker, ask
from tests.story.stage import Program, until
from tests.story.test_killed import ANDGATE


@pytest.fixture
def broker(tmp_path: Path) -> Any:
    there = Broker(tmp_path)
    yield there
    there.stop()


def test_a_hub_restored_from_a_backup_hears_again_what_came_after_it(
    tmp_path: Path, airport_toml: str, program: Callable[..., Program], broker: Broker
) -> None:
    plan, data, saved = tmp_path / "airport.toml", tmp_path / "hub", tmp_path / "night.andgate"
    plan.write_text(airport_toml, encoding="utf-8")
    url = f"mqtt://127.0.0.1:{broker.port}"

    def start() -> tuple[Program, str]:
        hub = program(
            *(ANDGATE, "hub", "--plan", str(plan), "--data", str(data), "--broker", url, "--listen", "127.0.0.1:0")
        )
        api = f"{hub.said('dashboard  http://').split()[1]}/api/v1"
        until(lambda: ask(f"{api}/nodes").status == 200)
        return hub, api

    def moments(api: str, count: int) -> dict[str, Any]:
        """Every moment, once so many of them have ended and nothing is open."""

        def items() -> Any:
            found = ask(f"{api}/moments").body["items"]
            return found if len(found) == count and all(one["state"] == "ended" for one in found) else None

        return {one["id"]: one for one in until(items)}

    hub, api = start()
    desk = program(
        *(str(Path(__file__).with_name("hand.py")), "edge", "--node", "desk-a1", "--broker", url),
        *("--data", str(tmp_path / "desk-a1"), "--pins", "mock"),
    )
    desk.said("is armed")
    until(lambda: [one["state"] for one in ask(f"{api}/nodes").body["items"] if one["id"] == "desk-a1"] == ["online"])

    def service(api: str, number: int) -> None:
        """A passenger too many; somebody comes and resets."""
        desk.tell(f"press {MOT}")
        until(lambda: len(ask(f"{api}/moments").body["items"]) == number)
        desk.tell(f"hold {MOT}")
        desk.said(f"{MOT} is let go")
        moments(api, number)

    service(api, 1)
    backup = program(ANDGATE, "backup", "--data", str(data), "--to", str(saved))
    backup.said("read again and whole")
    assert backup.ended() == 0
    service(api, 2)
    service(api, 3)
    before = moments(api, 3)

    unsure = _unsure(api)

    hub.send(signal.SIGKILL)
    hub.ended()
    shutil.rmtree(data)
    restored = program(ANDGATE, "restore", "--from", str(saved), "--data", str(data))
    restored.said("a new epoch begins")
    assert restored.ended() == 0

    hub, api = start()
    # The presses that no backup had come back with the times they had, and those it had are duplicates.
    after = moments(api, 3)
    assert _facts(after) == _facts(before)
    unsure += _unsure(api)
    for name in ("opened_at", "closed_at"):
        for which, moment in after.items():
            # What is known of a node's clock gets better while it runs.
            apart = datetime.fromisoformat(moment[name]) - datetime.fromisoformat(before[which][name])
            assert abs(apart) < timedelta(seconds=1) + unsure, (name, moment, before[which])
    assert program(ANDGATE, "verify", "--data", str(data)).ended() == 0
    assert program(ANDGATE, "replay", "--data", str(data)).ended() == 0
    service(api, 4)
    for one in (desk, hub):
        one.send(signal.SIGTERM)
        assert one.ended() == 0


def _unsure(api: str) -> timedelta:
    """How far from right the hub itself says that the node's times may be; little, where nothing hesitates."""
    (node,) = (one for one in ask(f"{api}/nodes").body["items"] if one["id"] == "desk-a1")
    return timedelta(milliseconds=node["clock_within_ms"] or 0)


def _facts(moments: dict[str, Any]) -> dict[str, Any]:
    """What the signals alone decide."""
    names = ("state", "verdict", "saved", "witnesses", "late_s", "provisional")
    return {which: {name: moment[name] for name in names} for which, moment in moments.items()}
