"""Whatever is said to a hub, it judges on: nothing lost, nothing stopped, and what it answers fits into a message."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from andgate.errors import RefusedError
from andgate.plan import parse_plan
from andgate.wire.codec import decode_feed_receipt, encode
from andgate.wire.messages import MAX_PAYLOAD_BYTES, FeedReceipt, Receipt
from hub.clock import HandClock
from hub.driver import Committed
from hub.ingest.boots import STRANGE_MOST, Boots
from hub.ingest.numbers import RANGES_MOST
from hub.ingest.vocabulary import Vocabulary
from hub.signs.announcer import in_messages
from hub.store import Store
from tests.hub.desk import PLAN, Desk, node_signal

HUGE = [2**53 + 1, 2**63, -(2**63) - 1, 10**30]
"""Whole numbers that JSON can say and the store cannot keep."""
STATE = {"state": "online", "session": 1, "boot": "b1"}
HEALTH = {"boot": "b1", "mono": 1.0, "spool": 0, "drops": 0}
ASK = {"n": 1, "boot": "b1", "mono": 1.0}


def _last(desk: Desk) -> Committed:
    """Return the last commit that receipted something; one with nothing in it may have come after it."""
    return next(out for out in reversed(desk.commits) if out.receipts)


def _still_judges(desk: Desk) -> None:
    desk.say("node/desk-a1/signal", node_signal(1, boot="afterwards"))
    assert desk.only().state == "open"
    assert _last(desk).receipts[0][1].boot == "afterwards"
    assert desk.driver.fault is None


@pytest.mark.parametrize("number", HUGE)
@pytest.mark.parametrize(
    ("topic", "said", "field"),
    [
        ("state", STATE, "session"),
        ("health", HEALTH, "spool"),
        ("health", HEALTH, "drops"),
        ("time", ASK, "n"),
        ("signal", {"device": "mot", "signal": "pressed", "boot": "b1", "mono": 1.0}, "seq"),
        ("signal", {"device": "mot", "signal": "pressed", "boot": "b1", "mono": 1.0, "seq": 1}, "value"),
        ("signal", {"device": "mot", "signal": "pressed", "boot": "b1", "mono": 1.0, "seq": 1}, "retracts"),
    ],
)
def test_a_number_that_is_too_large_is_set_aside(
    desk: Desk, topic: str, said: dict[str, Any], field: str, number: int
) -> None:
    desk.say(f"node/desk-a1/{topic}", json.dumps({**said, field: number}).encode())
    assert f"`$.{field}`" in desk.reasons()[0]
    _still_judges(desk)


@pytest.mark.parametrize("boot", ["", "x" * 201])
def test_a_boot_without_a_name_is_set_aside(desk: Desk, boot: str) -> None:
    desk.say("node/desk-a1/state", json.dumps({**STATE, "boot": boot}).encode())
    assert "`$.boot`" in desk.reasons()[0]
    _still_judges(desk)


def test_a_device_that_does_not_count_by_one_is_receipted_and_never_taken_twice(
    make_desk: Callable[..., Desk], clock: HandClock
) -> None:
    desk = make_desk()
    seqs = list(range(2, 2 * (RANGES_MOST + 50), 2))
    for first in range(0, len(seqs), 500):
        some = [json.loads(node_signal(seq, signal="noted", mono=1.0)) for seq in seqs[first : first + 500]]
        desk.node(json.dumps(some).encode())
    receipt = _last(desk).receipts[-1][1]
    assert [seqs[-1], seqs[-1]] in [list(pair) for pair in receipt.also]
    assert len(encode(receipt)) <= MAX_PAYLOAD_BYTES
    entries = desk.driver.chain.entry
    desk.stop()
    again = make_desk()
    again.node(node_signal(2, signal="noted", mono=1.0))
    assert _last(again).duplicates == 1
    assert again.driver.chain.entry == entries
    assert (2, 2) in _last(again).receipts[-1][1].also


def test_a_forgotten_number_that_comes_again_after_holes_have_filled_is_a_duplicate(desk: Desk) -> None:
    seqs = list(range(2, 2 * (RANGES_MOST + 50), 2))
    fill = list(range(1_001, 1_201, 2))
    for first in range(0, len(seqs), 500):
        desk.node(
            json.dumps(
                [json.loads(node_signal(seq, signal="noted", mono=1.0)) for seq in seqs[first : first + 500]]
            ).encode()
        )
    desk.node(json.dumps([json.loads(node_signal(seq, signal="noted", mono=1.0)) for seq in fill]).encode())
    desk.node(node_signal(2, signal="noted", mono=1.0))
    assert desk.driver.fault is None, "the journal is not held up for ever by a row that is there already"
    assert _last(desk).duplicates == 1
    assert (2, 2) in _last(desk).receipts[-1][1].also


def test_strangers_are_receipted_and_leave_nothing_behind(make_desk: Callable[..., Desk], tmp_path: Path) -> None:
    desk = make_desk()
    desk.node(node_signal(1), node="stranger")
    assert _last(desk).receipts[-1] == ("stranger", Receipt(boot="b1", seq=1))
    desk.stop()
    store = Store(tmp_path / "data")
    boots = Boots(store)
    assert boots.newest("stranger") is None
    store.close()


def test_boots_are_remembered_within_limits(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hub.ingest.boots.REMEMBERED", 2)
    store = Store(tmp_path)
    store.use_plan(parse_plan(PLAN))
    boots = Boots(store)
    for number in range(STRANGE_MOST + 5):
        boots.see("stranger", f"boot{number}", 1, stranger=True)
    assert len(boots._strangers) == STRANGE_MOST
    for number in range(5):
        boots.see("desk-a1", f"boot{number}", 1 + number).numbers.add(1)
    boots.flush()
    store.commit()
    assert len(boots._boots) == 2
    assert boots.see("desk-a1", "boot0", 9).rank == 1, "read again, not begun again"
    assert 1 in boots.see("desk-a1", "boot0", 9).numbers
    boots.flush()
    store.commit()
    newly = Boots(store)
    assert len(newly._boots) == 2
    newest = newly.newest("desk-a1")
    assert newest is not None
    assert newest.boot == "boot4"
    assert newly.see("desk-a1", "boot5", 9).rank == 6
    store.close()


@pytest.mark.parametrize("letter", ["x", "é", "日", "✈", "🛄", '"', "\\"])
def test_a_feed_receipt_fits_into_a_message(letter: str) -> None:
    ids = [f"{number}-{letter * 190}" for number in range(500)]
    said = [encode(FeedReceipt(ids=some)) for some in in_messages(ids)]
    assert max(map(len, said)) <= MAX_PAYLOAD_BYTES
    assert [each for payload in said for each in decode_feed_receipt(payload).ids] == ids
    assert list(in_messages([])) == []


def test_an_unknown_name_in_a_large_plan_is_compared_with_few() -> None:
    many = "".join(f'[touchpoints.gate-{n}]\nname = "Gate {n}"\ngroup = "supervisors"\n' for n in range(300))
    words = Vocabulary(parse_plan(PLAN + many))
    assert 'Perhaps "gate-12"' in (words.feed_fault("gate-12x", "docked", None, None) or "")
    assert "It has:" in (words.feed_fault("zzz", "docked", None, None) or "")


def test_what_is_good_counts_although_its_number_had_been_set_aside(desk: Desk) -> None:
    desk.node(b'{"device":"mot","signal":"pressed","seq":1,"boot":"b1","mono":"soon"}')
    desk.node(node_signal(2, device="bell"))
    assert _last(desk).receipts[0][1].seq == 2, "what is set aside is receipted, or it would come for ever"
    desk.node(node_signal(1, sent=11.0))
    assert desk.only().witnesses == ("desk-a1/mot",)
    desk.node(node_signal(2, "reset", sent=12.0))
    assert desk.only().state == "ended"
    desk.node(node_signal(2, "reset", sent=12.0))
    assert len(desk.reasons()) == 2


@pytest.mark.parametrize("word", ["watched", "heard"])
def test_the_hubs_own_words_are_nobody_elses(desk: Desk, word: str) -> None:
    desk.node(node_signal(1, word))
    desk.say("feed/ops/signal", json.dumps({"id": "a", "touchpoint": "counter-a", "signal": word}).encode())
    with pytest.raises(RefusedError, match="word of the hub's own"):
        desk.post("b", word, "counter-a", device="mark-a/mark")
    assert desk.reasons() == [f'"{word}" is a word of the hub\'s own. Nobody else can say it'] * 2


@pytest.mark.parametrize("word", ["blind", "sighted"])
def test_no_feed_says_who_sees(desk: Desk, word: str) -> None:
    desk.post("in", "reached", "counter-a", device="mark-a/mark")
    with pytest.raises(RefusedError, match=f'"{word}" of mark-a/mark is for its node and the hub'):
        desk.post("lie", word, "counter-a", device="mark-a/mark")
    assert desk.post("own", word, "counter-a").accepted == 1, "of itself a feed may say it"
