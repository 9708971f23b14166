"""Paging gateways: Perl's, and some that misbehave."""

from __future__ import annotations

import socket

import msgspec
import pytest

from andgate.plan.addresses import PagerAddress
from hub.notify.channels import Note, Result
from hub.notify.channels.snpp import MOST_CHARS, SnppChannel, plain
from tests.hub.receivers import NOTE, Stage, answer_of, heard_line, net_snpp, playing

GREETING = "220 SNPP Gateway Ready"
FINE = ["250 Pager ID Accepted", "250 Message OK", "250 Message Sent Successfully", "221 OK, Goodbye"]


def page(
    port: int,
    *,
    pager: str = "5551234",
    note: Note = NOTE,
    read_s: float = 20.0,
    whole_s: float = 30.0,
    two_way: bool = False,
) -> Result:
    channel = SnppChannel(PagerAddress("127.0.0.1", port, pager, two_way), read_s=read_s, whole_s=whole_s)
    try:
        return answer_of(channel, note)
    finally:
        channel.close()


def said(note: Note, text: str, *, again: bool = False) -> Note:
    return msgspec.structs.replace(note, page=msgspec.structs.replace(note.page, text=text, again=again))


def test_net_snpp_takes_a_page() -> None:
    server = net_snpp()
    try:
        assert page(server.port) == Result(sent=True)
        assert server.line() == "page 5551234 Belt 3: 8:00 left."
        assert page(server.port, note=said(NOTE, "Gate 7′s crème “late”", again=True)).sent
        assert server.line() == 'page 5551234 Gate 7\'s creme "late" (again)'
        refused = page(server.port, pager="555")
        assert (refused.sent, refused.retry, refused.surely_unsent) == (False, False, True)
        assert refused.note == "the gateway refuses this pager (550)"
        assert page(server.port).sent, "a refusal does no harm to the next page"
    finally:
        server.stop()


def gateway(*answers: str | None, two_way: bool = False) -> tuple[list[str], Result]:
    """Page a gateway that gives these answers in turn (None: breaks off); return what it heard, and the result."""
    heard: list[str] = []

    def play(_: Stage, connection: socket.socket) -> None:
        for place, answer in enumerate(answers):
            if place:
                heard.append(heard_line(connection))
            if answer is None:
                return
            connection.sendall(f"{answer}\r\n".encode())

    with playing(play) as stage:
        result = page(stage.port, two_way=two_way)
    return heard, result


def test_what_is_said_to_a_gateway() -> None:
    heard, result = gateway(GREETING, *FINE)
    assert result.sent
    assert heard == ["PAGE 5551234", "MESS Belt 3: 8:00 left.", "SEND", "QUIT"]


def test_lines_for_people_are_no_answer() -> None:
    assert gateway(f"214 Type HELP for more\r\n{GREETING}", "250-so\r\n250 be it", *FINE[1:])[1].sent


def test_a_gateway_that_is_gone_after_it_has_taken_the_page_has_it() -> None:
    assert gateway(GREETING, *FINE[:3], None)[1].sent
    assert gateway(GREETING, *FINE[:2], "960 12 34 queued")[1].sent


@pytest.mark.parametrize(
    ("answers", "retry", "surely_unsent", "note"),
    [
        (["421 Gateway Service Unavailable"], True, True, "the gateway is not ready (421)"),
        (["554 broken"], True, True, "the gateway is not ready (554)"),
        ([GREETING, "550 Error, Invalid Pager ID 5551234"], False, True, "the gateway refuses this pager (550)"),
        ([GREETING, "421 Too Many Errors"], True, True, "the gateway refuses this pager (421)"),
        ([GREETING, FINE[0], "550 ERROR, Invalid Message"], False, True, "the gateway refuses this text (550)"),
        ([GREETING, *FINE[:2], "554 Error, failed"], True, True, "the gateway did not send it (554)"),
        ([GREETING, *FINE[:2], "503 incomplete"], False, True, "the gateway did not send it (503)"),
        ([None], True, True, "the gateway broke off"),
        (["HTTP/1.1 400 Bad Request"], True, True, "the gateway broke off"),
        ([GREETING, None], True, True, "the gateway broke off"),
        (
            [GREETING, *FINE[:2], None],
            True,
            False,
            "the gateway broke off before it said whether it has the page",
        ),
    ],
)
def test_a_gateway_that_refuses_or_breaks_off(
    answers: list[str | None], retry: bool, surely_unsent: bool, note: str
) -> None:
    _, result = gateway(*answers)
    assert (result.sent, result.retry, result.surely_unsent) == (False, retry, surely_unsent)
    if answers[0] in {None, "HTTP/1.1 400 Bad Request"}:
        assert result.note in {note, "the gateway cannot be reached"}
    else:
        assert result.note == note


def test_a_gateway_that_hangs_is_left() -> None:
    def hang(stage: Stage, _: socket.socket) -> None:
        stage.over.wait()

    with playing(hang) as stage:
        result = page(stage.port, read_s=0.2)
        assert (result.sent, result.retry, result.surely_unsent) == (False, True, True)
        assert result.note == "the gateway does not answer"


def test_a_gateway_that_trickles_is_left() -> None:
    def trickle(stage: Stage, connection: socket.socket) -> None:
        while not stage.over.wait(0.02):
            connection.sendall(b"214 please wait\r\n"[:1])

    with playing(trickle) as stage:
        assert not page(stage.port, read_s=20.0, whole_s=0.3).sent


def test_a_gateway_that_talks_without_end_is_left() -> None:
    def talk(_: Stage, connection: socket.socket) -> None:
        while True:
            connection.sendall(b"214 so much to tell\r\n" * 100)

    with playing(talk) as stage:
        assert not page(stage.port).sent


def test_a_slow_gateway_is_waited_for() -> None:
    def slowly(stage: Stage, connection: socket.socket) -> None:
        for answer in [GREETING, *FINE]:
            if stage.over.wait(0.1):
                return
            connection.sendall(f"{answer}\r\n".encode())
            heard_line(connection)

    with playing(slowly) as stage:
        assert page(stage.port).sent


def test_text_for_pagers_is_one_line_of_ascii() -> None:
    assert plain(said(NOTE, "a\r\nSEND\r\nb")) == "a SEND b"
    assert plain(said(NOTE, "Café “Zürich” – 東")) == 'Cafe "Zurich" - ?'
    long = plain(said(NOTE, "x" * 500, again=True))
    assert (len(long), long[-11:]) == (MOST_CHARS, "... (again)")


@pytest.mark.parametrize(
    ("code", "delivered", "read"),
    [
        (250, False, False),
        (960, False, False),
        (860, True, False),
        (861, True, False),
        (880, True, False),
        (870, True, True),
        (881, True, True),
        (888, True, True),
        (889, True, True),
    ],
)
def test_a_two_way_gateway_says_how_far_a_page_came(code: int, delivered: bool, read: bool) -> None:
    heard, result = gateway(
        GREETING, "250 OK, Beginning 2-Way Transaction", *FINE[:2], f"{code} 17 42 as it says", FINE[3], two_way=True
    )
    assert heard == ["2WAY", "PAGE 5551234", "MESS Belt 3: 8:00 left.", "SEND", "QUIT"], "2WAY comes before all else"
    assert (result.sent, result.delivered, result.read, result.note) == (True, delivered, read, "")


@pytest.mark.parametrize("answer", ["500 Command Not Implemented, Try Again", "550 No two-way service"])
def test_a_gateway_that_is_not_two_way_is_asked_as_any_other(answer: str) -> None:
    heard, result = gateway(GREETING, answer, *FINE, two_way=True)
    assert heard[1:] == ["PAGE 5551234", "MESS Belt 3: 8:00 left.", "SEND", "QUIT"]
    assert result == Result(sent=True, note=f"the gateway is not two-way ({answer[:3]})")


def test_what_could_not_be_delivered_in_time_is_tried_again() -> None:
    _, result = gateway(GREETING, *FINE[:2], "780 MESSAGE EXPIRED Before Delivery!")
    assert (result.sent, result.retry, result.note) == (False, True, "the gateway did not send it (780)")


def test_net_snpp_queues_a_two_way_page() -> None:
    server = net_snpp()
    try:
        assert page(server.port, two_way=True) == Result(sent=True), "960: queued, so nobody has it yet"
        assert server.line() == "page 5551234 Belt 3: 8:00 left."
    finally:
        server.stop()


DRILL = msgspec.structs.replace(NOTE, loud=False, page=msgspec.structs.replace(NOTE.page, kind="drill"))


def test_a_silent_drill_proves_the_pager_and_sends_nothing() -> None:
    heard: list[str] = []

    def play(_: Stage, connection: socket.socket) -> None:
        for answer in (GREETING, FINE[0], FINE[1], FINE[3]):
            connection.sendall(f"{answer}\r\n".encode())
            heard.append(heard_line(connection).partition(" ")[0])

    with playing(play) as stage:
        assert page(stage.port, note=DRILL) == Result(sent=True)
    assert heard[:3] == ["PAGE", "MESS", "QUIT"]


def test_net_snpp_is_drilled_without_a_page() -> None:
    server = net_snpp()
    try:
        assert page(server.port, note=DRILL) == Result(sent=True)
        assert not page(server.port, pager="555", note=DRILL).sent
        assert page(server.port).sent
        assert server.line() == "page 5551234 Belt 3: 8:00 left.", "the drill had paged nobody"
    finally:
        server.stop()
