"""A hub that others can reach wants to know who they are."""

from __future__ import annotations

import signal
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.story.airport import ask
from tests.story.stage import Program

ANDGATE = str(Path(sys.executable).parent / "andgate")
SECRETS = {"desk-screens": "look-but-do-not-touch", "flight-feed": "only-what-has-docked"}
TOKENS = f"""
[tokens.desk-screens]
secret = "{SECRETS["desk-screens"]}"
rights = ["read"]
[tokens.flight-feed]
secret = "{SECRETS["flight-feed"]}"
rights = ["signal"]
"""

Hub = Callable[..., Program]


@pytest.fixture
def hub(tmp_path: Path, airport_toml: str, program: Callable[..., Program]) -> Hub:
    """Start `andgate hub` with more words."""
    plan = tmp_path / "airport.toml"
    plan.write_text(airport_toml, encoding="utf-8")
    words = (ANDGATE, "hub", "--plan", str(plan), "--data", str(tmp_path / "hub"))
    return lambda *more: program(*words, *more)


@pytest.mark.parametrize(
    ("more", "remedies"),
    [
        (("--listen", "0.0.0.0:0", "--broker-listen", "127.0.0.1:0"), ("--token-file", "127.0.0.1")),
        (("--listen", "127.0.0.1:0", "--broker-listen", "0.0.0.0:0"), ("--broker mqtt://USER:PASSWORD@HOST",)),
        (("--listen", "127.0.0.1:0", "--broker", "mqtt://192.0.2.7"), ("USER:PASSWORD", "--broker-cert")),
    ],
)
def test_off_loopback_it_refuses_and_says_how_to_mend_it(hub: Hub, more: tuple[str, ...], remedies: tuple[str]) -> None:
    refused = hub(*more)
    assert refused.ended() == 2
    said = "\n".join(refused.lines)
    assert "Traceback" not in said
    for remedy in remedies:
        assert remedy in said


def test_with_tokens_everybody_may_do_what_is_theirs(hub: Hub, tmp_path: Path) -> None:
    (tmp_path / "tokens.toml").write_text(TOKENS, encoding="utf-8")
    running = hub(
        *("--listen", "0.0.0.0:0", "--broker-listen", "127.0.0.1:0", "--token-file", str(tmp_path / "tokens.toml"))
    )
    port = running.said("dashboard  http://").rpartition(":")[2]
    api = f"http://127.0.0.1:{port}/api/v1"
    docked = {"id": "d1", "touchpoint": "belt-3", "signal": "docked", "key": "AG1234/2026-11-21"}

    nobody = ask(f"{api}/moments")
    assert nobody.status == 401
    assert "Authorization: Bearer" in nobody.body["detail"]
    assert ask(f"{api}/signals", docked, token="a guess that is long enough").status == 401
    assert ask(f"{api}/signals", docked, token=SECRETS["desk-screens"]).status == 403
    assert ask(f"{api}/signals", docked, token=SECRETS["flight-feed"]).status == 202
    assert ask(f"{api}/moments", token=SECRETS["flight-feed"]).status == 403
    (moment,) = ask(f"{api}/moments", token=SECRETS["desk-screens"]).body["items"]
    assert moment["key"] == docked["key"]
    assert ask(f"{api}/moments/{moment['id']}/claim", {}, token=SECRETS["desk-screens"]).status == 403
    running.send(signal.SIGTERM)
    assert running.ended() == 0
