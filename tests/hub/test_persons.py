from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from andgate.errors import RefusedError
from andgate.moment.events import Claimed
from hub.evidence.erase import erase
from hub.evidence.frozen import database_of
from hub.evidence.verify import verify
from tests.hub.desk import Desk, node_signal


def _answer(desk: Desk, do: str, moment: str, by: str) -> None:
    desk.say("answer", json.dumps({"do": do, "moment": moment, "by": by}).encode())


def _everything(data: Path) -> bytes:
    return b"".join(file.read_bytes() for file in data.rglob("*") if file.is_file())


def test_names_are_shown_everywhere_and_stand_in_no_entry(desk: Desk, tmp_path: Path) -> None:
    desk.node(node_signal(1))
    moment = desk.only()
    assert desk.act("claim", moment.id, by="Ada Jones").claimed_by == "Ada Jones"
    _answer(desk, "seen", moment.id, "Bob Brown")
    desk.clock.advance(1000)
    _answer(desk, "claim", moment.id, "Bob Brown")
    desk.act("cause", moment.id, by="Ada Jones", reason="two desks closed")
    assert desk.only().claimed_by == "Ada Jones"
    assert [claim.by for claim in desk.only().coming] == ["Ada Jones", "Bob Brown"]
    assert [[claim.by for claim in it.coming] for it in desk.driver.open_moments()] == [["Ada Jones", "Bob Brown"]]
    said = [claim.by for commit in desk.commits for m in commit.published for claim in m.coming]
    assert set(said) == {"Ada Jones", "Bob Brown"}
    claims = [event.by for commit in desk.commits for event in commit.events if isinstance(event, Claimed)]
    assert claims == ["Ada Jones", "Bob Brown"]
    trail = [line.event for line in desk.reader.trail(moment.id)]
    assert [event.by for event in trail if isinstance(event, Claimed)] == ["Ada Jones", "Bob Brown"]
    assert any("seen by Bob Brown" in row.note for row in desk.pages())
    bodies = b"".join(entry.body for entry in desk.reader.entries())
    assert b"Ada" not in bodies
    assert b"Bob" not in bodies
    assert b"two desks closed" in bodies


def test_an_erased_person_is_somebody_and_the_chain_is_whole(make_desk: Callable[..., Desk], tmp_path: Path) -> None:
    desk = make_desk()
    desk.node(node_signal(1))
    moment = desk.only()
    desk.act("claim", moment.id, by="Ada Jones")
    desk.say("answer", json.dumps({"do": "dance", "moment": moment.id, "by": "Ada Jones"}).encode())
    head = desk.driver.chain
    gone = erase(tmp_path / "data", "Ada Jones")
    assert (gone.ids, gone.quarantined, gone.plain) == (1, 1, 0)
    assert desk.only().claimed_by == "somebody"
    assert all("Ada" not in row.note for row in desk.pages())
    trail = [line.event for line in desk.reader.trail(moment.id)]
    assert [event.by for event in trail if isinstance(event, Claimed)] == ["somebody"]
    # Somebody of that name who comes later is somebody else.
    desk.clock.advance(1000)
    both = ["somebody", "Bob Brown"]
    assert [claim.by for claim in desk.act("claim", moment.id, by="Bob Brown").coming] == both
    desk.stop()
    assert b"Ada Jones" not in _everything(tmp_path / "data")
    again = make_desk()
    assert [[claim.by for claim in it.coming] for it in again.driver.open_moments()] == [both]
    found = verify(database_of(tmp_path / "data"), head=bytes.fromhex(head.hash))
    assert found.sound(witnessed=True), list(map(str, found.differences))


def test_a_name_that_looks_like_an_id_is_a_name(desk: Desk) -> None:
    desk.node(node_signal(1))
    name = "~0123456789abcdef"
    assert desk.act("claim", desk.only().id, by=name).claimed_by == name
    assert desk.only().claimed_by == name


def test_two_claims_in_one_message_batch_share_an_id(desk: Desk) -> None:
    desk.node(node_signal(1))
    moment = desk.only().id
    for _ in range(3):
        _answer(desk, "claim", moment, "Cy Dee")
    assert desk.only().claimed_by == "Cy Dee"
    assert desk.driver._store.db.execute("select count(*) from person").fetchone() == (1,)


def test_nobody_of_that_name(desk: Desk, tmp_path: Path) -> None:
    gone = erase(tmp_path / "data", "nobody")
    assert (gone.ids, gone.quarantined, gone.plain) == (0, 0, 0)


def test_what_is_too_old_to_act_upon_is_refused_in_words(desk: Desk) -> None:
    desk.node(node_signal(1))
    desk.pass_ms(10_000)
    desk.node(node_signal(2, "reset", mono=21.0))
    moment = desk.only().id
    desk.clock.advance(26 * 3_600_000)  # a quiet night: nothing has been forgotten since
    with pytest.raises(RefusedError, match="within the last 24 hours"):
        desk.act("cause", moment, reason="people: ill")
    desk.node(node_signal(3, mono=30.0))
    assert len(desk.moments()) == 2
