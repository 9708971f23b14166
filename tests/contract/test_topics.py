"""Topics: what is made is parsed back, what is not in the contract is refused with what would be right."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from andgate.errors import TopicError, UsageError
from andgate.wire.topics import KINDS, RETAINED, Kind, Topic, Topics, parse

IDS = st.from_regex(r"[a-z0-9][a-z0-9-]{0,62}", fullmatch=True)
AGX = Topics("agx")

MADE: list[tuple[str, str, Kind, str]] = [
    (AGX.hub_state, "hub/state", "hub/state", ""),
    (AGX.hub_beat, "hub/beat", "hub/beat", ""),
    (AGX.node_state("n"), "node/n/state", "node/state", "n"),
    (AGX.node_signal("n"), "node/n/signal", "node/signal", "n"),
    (AGX.node_receipt("n"), "node/n/receipt", "node/receipt", "n"),
    (AGX.node_health("n"), "node/n/health", "node/health", "n"),
    (AGX.node_time("n"), "node/n/time", "node/time", "n"),
    (AGX.node_time_reply("n"), "node/n/time/reply", "node/time/reply", "n"),
    (AGX.node_config("n"), "node/n/config", "node/config", "n"),
    (AGX.node_command("n"), "node/n/command", "node/command", "n"),
    (AGX.node_transmit("n"), "node/n/transmit", "node/transmit", "n"),
    (AGX.node_page("n"), "node/n/page", "node/page", "n"),
    (AGX.group_board("g"), "group/g/board", "group/board", "g"),
    (AGX.feed_signal("f"), "feed/f/signal", "feed/signal", "f"),
    (AGX.feed_receipt("f"), "feed/f/receipt", "feed/receipt", "f"),
    (AGX.touchpoint_moment("t"), "touchpoint/t/moment", "touchpoint/moment", "t"),
    (AGX.page("g"), "page/g", "page", "g"),
    (AGX.answer, "answer", "answer", ""),
    (AGX.verdict, "verdict", "verdict", ""),
]


@pytest.mark.parametrize(("topic", "tail", "kind", "name"), MADE, ids=[row[2] for row in MADE])
def test_a_topic_is_made_and_parsed(topic: str, tail: str, kind: Kind, name: str) -> None:
    assert topic == f"andgate/v1/agx/{tail}"
    assert parse(topic) == Topic(site="agx", kind=kind, name=name)
    assert str(parse(topic)) == topic


def test_every_kind_of_topic_is_in_the_table_above() -> None:
    assert {row[2] for row in MADE} == set(KINDS)
    assert set(KINDS) > RETAINED


@given(IDS, st.sampled_from(KINDS), IDS)
def test_any_topic_is_parsed_as_it_is_written(site: str, kind: Kind, name: str) -> None:
    topic = Topic(site=site, kind=kind, name="" if kind in {"hub/state", "hub/beat", "answer", "verdict"} else name)
    assert parse(str(topic)) == topic


BAD = [
    ("", "begin with andgate/v1/SITE/"),
    ("andgate", "begin with andgate/v1/SITE/"),
    ("andgate/v2/agx/answer", "begin with andgate/v1/SITE/"),
    ("/andgate/v1/agx/answer", "begin with andgate/v1/SITE/"),
    ("x" * 301, "begin with andgate/v1/SITE/"),
    ("andgate/v1", "bad site id"),
    ("andgate/v1//answer", "bad site id"),
    ("andgate/v1/AGX/answer", "bad site id"),
    ("andgate/v1/agx", "Perhaps one of: andgate/v1/agx/hub/state, andgate/v1/agx/hub/beat"),
    ("andgate/v1/agx/", "Perhaps one of"),
    ("andgate/v1/agx/answer/", "Perhaps one of: andgate/v1/agx/answer"),
    ("andgate/v1/agx/answers", "Perhaps one of: andgate/v1/agx/answer"),
    ("andgate/v1/agx/hub/x/state", "Perhaps one of: andgate/v1/agx/hub/state"),
    ("andgate/v1/agx/nodes/x/signal", "Perhaps one of: andgate/v1/agx/node/NODE/signal"),
    ("andgate/v1/agx/node/x/signals", "Perhaps one of: andgate/v1/agx/node/NODE/signal"),
    ("andgate/v1/agx/node/x/signal/", "Perhaps one of: andgate/v1/agx/node/NODE/signal"),
    ("andgate/v1/agx/node//signal", "bad node id"),
    ("andgate/v1/agx/node/Desk/signal", "bad node id"),
    ("andgate/v1/agx/node/x\n/signal", "bad node id"),
    (f"andgate/v1/agx/node/{'x' * 64}/signal", "bad node id"),
    ("andgate/v1/agx/page", "Perhaps one of: andgate/v1/agx/page/GROUP"),
    ("andgate/v1/agx/page/", "bad group id"),
    ("andgate/v1/agx/page/g/", "Perhaps one of: andgate/v1/agx/page/GROUP"),
    ("andgate/v1/agx/touchpoint/+/moment", "bad touchpoint id"),
]


@pytest.mark.parametrize(("topic", "says"), BAD)
def test_a_topic_that_is_not_in_the_contract_is_refused(topic: str, says: str) -> None:
    with pytest.raises(TopicError) as refused:
        parse(topic)
    assert says in str(refused.value)
    assert "\n" not in str(refused.value)


@given(st.one_of(st.text(), st.lists(st.text("ab/+#-A", max_size=4)).map("/".join).map("andgate/v1/a/".__add__)))
def test_any_text_is_a_topic_of_the_contract_or_refused(text: str) -> None:
    try:
        topic = parse(text)
    except TopicError:
        return
    assert str(topic) == text


@pytest.mark.parametrize("name", ["", "+", "#", "a/b", "A", "a" * 64, "a\n"])
def test_no_topic_is_made_of_what_is_no_id(name: str) -> None:
    with pytest.raises(UsageError, match="is no id"):
        Topics(name)
    with pytest.raises(UsageError, match="is no id"):
        AGX.node_signal(name)


def test_the_hub_hears_everything_that_is_said_to_it_and_nothing_it_says() -> None:
    heard = {
        kind for _, tail, kind, _ in MADE if any(_matches(it, f"andgate/v1/agx/{tail}") for it in AGX.hub_filters())
    }
    assert heard == {"node/state", "node/signal", "node/health", "node/time", "node/page", "feed/signal", "answer"}


def test_a_node_hears_what_is_said_to_it_and_what_its_lamps_live_on() -> None:
    filters = AGX.node_filters("n", ["t", "u"], ["g"])
    heard = {kind for topic, _, kind, _ in MADE if topic in filters}
    assert heard == {
        "hub/state",
        "hub/beat",
        "node/state",
        "node/receipt",
        "node/time/reply",
        "node/config",
        "node/command",
        "node/transmit",
        "touchpoint/moment",
        "group/board",
    }
    assert len(filters) == len(AGX.node_filters("n")) + 3


def _matches(topic_filter: str, topic: str) -> bool:
    wanted, said = topic_filter.split("/"), topic.split("/")
    return len(wanted) == len(said) and all(w in {"+", s} for w, s in zip(wanted, said, strict=True))
