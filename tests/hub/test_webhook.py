"""Signed web hooks: receivers that check the signature, fail, hang, answer slowly, answer twice."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import socket
import ssl
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import msgspec
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from andgate.plan.addresses import HookAddress
from hub.notify.channels import Note, Result
from hub.notify.channels.post import LONGEST_PAUSE_S, pause_s
from hub.notify.channels.webhook import WebhookChannel
from tests.hub.receivers import NOTE, Stage, answer_of, heard_request, playing

KEY = bytes(range(32))
NOW_MS = 1_795_291_200_000


def post(port: int, note: Note = NOTE, *, secure: bool = False, read_s: float = 20.0, whole_s: float = 30.0) -> Result:
    address = HookAddress(secure, "127.0.0.1", port, "/hook?site=agx&token=hunter2")
    channel = WebhookChannel(address, KEY, "agx", lambda: NOW_MS, read_s=read_s, whole_s=whole_s)
    try:
        return answer_of(channel, note)
    finally:
        channel.close()


def receiver(answer: str, *notes: Note) -> tuple[list[tuple[dict[str, str], Any]], list[Result]]:
    """Post to a receiver that answers this each time; return what it heard, and the results."""
    heard: list[tuple[dict[str, str], Any]] = []

    def play(_: Stage, connection: socket.socket) -> None:
        headers, body = heard_request(connection)
        said = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
        right = "v1," + base64.b64encode(hmac.new(KEY, said, hashlib.sha256).digest()).decode()
        assert headers["webhook-signature"] == right
        heard.append((headers, json.loads(body)))
        connection.sendall(answer.encode())

    with playing(play) as stage:
        results = [post(stage.port, note) for note in notes or (NOTE,)]
    return heard, results


def http(status: int, *headers: str) -> str:
    return "\r\n".join([f"HTTP/1.1 {status} Whatever", *headers, "Content-Length: 0", "", ""])


def test_a_page_is_a_signed_cloud_event() -> None:
    ((headers, event),), (result,) = receiver(http(204))
    assert result == Result(sent=True)
    assert headers["content-type"] == "application/cloudevents+json; charset=utf-8"
    assert (headers["webhook-id"], headers["webhook-timestamp"]) == ("m1:0", "1795291200")
    data = event.pop("data")
    assert event == {
        "specversion": "1.0",
        "id": "m1:0",
        "source": "/andgate/v1/agx",
        "type": "andgate.page",
        "subject": "m1",
        "time": "2026-11-21T20:00:00.000Z",
        "datacontenttype": "application/json",
    }
    assert data == {
        "group": "supervisors",
        "title": "Belt 3",
        "id": "m1:0",
        "kind": "page",
        "moment": "m1",
        "text": "Belt 3: 8:00 left.",
        "reason": "so much time is left",
        "left_s": 480.0,
        "late": False,
        "claim": None,
        "again": False,
    }


def test_an_attempt_made_again_has_the_same_id_and_over_is_told_to_each_group() -> None:
    again = msgspec.structs.replace(NOTE, page=msgspec.structs.replace(NOTE.page, again=True))
    over = msgspec.structs.replace(NOTE, page=msgspec.structs.replace(NOTE.page, id="m1:over:3", kind="over"))
    others = msgspec.structs.replace(over, group="ticket-agents")
    about_a_node = msgspec.structs.replace(NOTE, page=msgspec.structs.replace(NOTE.page, moment=None))
    heard, results = receiver(http(200), NOTE, again, over, others, about_a_node)
    assert all(result.sent for result in results)
    assert [event["id"] for _, event in heard] == [
        "m1:0",
        "m1:0",
        "m1:over:3:supervisors",
        "m1:over:3:ticket-agents",
        "m1:0",
    ]
    assert [event["type"] for _, event in heard[2:4]] == ["andgate.over"] * 2
    assert "subject" not in heard[-1][1]


@pytest.mark.parametrize(
    ("answer", "retry", "after_s", "note"),
    [
        (http(408), True, 0.0, "the receiver cannot take it now (408)"),
        (http(429, "Retry-After: 120"), True, 120.0, "the receiver cannot take it now (429)"),
        (http(500), True, 0.0, "the receiver cannot take it now (500)"),
        (http(503, "Retry-After: Sat, 21 Nov 2026 20:01:30 GMT"), True, 90.0, "the receiver cannot take it now (503)"),
        (http(400), False, 0.0, "the receiver refuses it (400)"),
        (http(401), False, 0.0, "the receiver refuses it (401)"),
        (http(410), False, 0.0, "the receiver refuses it (410)"),
        (
            http(307, "Location: http://127.0.0.1:1/elsewhere"),
            False,
            0.0,
            "the receiver sends it elsewhere (307): write the new address into the plan",
        ),
        ("", True, 0.0, "the receiver broke off without an answer"),
        ("HTTP/1.1 nonsense\r\n\r\n", True, 0.0, "the receiver broke off without an answer"),
    ],
)
def test_what_an_answer_means(answer: str, retry: bool, after_s: float, note: str) -> None:
    heard, (result,) = receiver(answer)
    assert len(heard) == 1, "no redirect is followed"
    assert (result.sent, result.retry, result.after_s, result.note) == (False, retry, after_s, note)


def test_a_receiver_that_answers_twice_is_heard_once() -> None:
    heard, results = receiver(http(200) + http(500), NOTE, NOTE)
    assert [result.sent for result in results] == [True, True]
    assert len(heard) == 2


def test_a_receiver_that_hangs_is_left_in_doubt() -> None:
    def hang(stage: Stage, connection: socket.socket) -> None:
        heard_request(connection)
        stage.over.wait()

    with playing(hang) as stage:
        result = post(stage.port, read_s=0.2)
        assert (result.sent, result.retry, result.surely_unsent) == (False, True, False)
        assert result.note == "the receiver did not answer in time"


def test_a_receiver_that_trickles_is_left() -> None:
    def trickle(stage: Stage, connection: socket.socket) -> None:
        heard_request(connection)
        connection.sendall(b"HTTP/1.1 ")
        while not stage.over.wait(0.02):
            connection.sendall(b"z")

    with playing(trickle) as stage:
        assert not post(stage.port, read_s=20.0, whole_s=0.3).sent


def test_a_slow_receiver_is_waited_for() -> None:
    def slowly(stage: Stage, connection: socket.socket) -> None:
        heard_request(connection)
        for byte in http(202).encode():
            if stage.over.wait(0.005):
                return
            connection.sendall(bytes([byte]))

    with playing(slowly) as stage:
        assert post(stage.port).sent


def test_a_certificate_that_nobody_vouches_for_is_not_trusted(tmp_path: Path) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(_self_signed(tmp_path))

    def play(_: Stage, connection: socket.socket) -> None:
        with context.wrap_socket(connection, server_side=True) as secured:
            heard_request(secured)

    with playing(play) as stage:
        result = post(stage.port, secure=True)
    assert (result.sent, result.retry, result.surely_unsent) == (False, True, True)
    assert result.note == "the receiver's certificate is not trusted here"


def test_a_trusted_receiver_is_reached_over_tls(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = _self_signed(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(file))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(file)

    def play(_: Stage, connection: socket.socket) -> None:
        with context.wrap_socket(connection, server_side=True) as secured:
            heard_request(secured)
            secured.sendall(http(200).encode())

    with playing(play) as stage:
        assert post(stage.port, secure=True).sent


def _self_signed(folder: Path) -> Path:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "127.0.0.1")])
    begin = datetime(2026, 1, 1, tzinfo=UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(begin)
        .not_valid_after(begin + timedelta(days=36_500))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    file = folder / "receiver.pem"
    file.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        + certificate.public_bytes(serialization.Encoding.PEM)
    )
    return file


def test_nothing_of_the_url_or_the_secret_is_in_a_note() -> None:
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        result = post(nobody.getsockname()[1])
    assert (result.note, result.surely_unsent) == ("the receiver cannot be reached", True)


def test_retry_after() -> None:
    assert pause_s("", NOW_MS) == 0
    assert pause_s("soon", NOW_MS) == 0
    assert pause_s("-5", NOW_MS) == 0
    assert pause_s("9" * 400, NOW_MS) == LONGEST_PAUSE_S
    assert pause_s("Sat, 21 Nov 2026 19:00:00 GMT", NOW_MS) == 0
    assert pause_s("Sat, 21 Nov 2026 20:00:10 -0000", NOW_MS) == 10
    assert pause_s("Sun, 21 Nov 99999 20:00:10 GMT", NOW_MS) == 0


@pytest.mark.parametrize(
    ("header", "delivered", "read"),
    [("delivered", True, False), (" Read ", True, True), ("perhaps", False, False)],
)
def test_a_receiver_that_knows_more_says_so(header: str, delivered: bool, read: bool) -> None:
    _, (result,) = receiver(http(202, f"Andgate-Receipt: {header}"))
    assert (result.sent, result.delivered, result.read) == (True, delivered, read)


def test_a_receiver_that_answers_twice_is_believed_once() -> None:
    _, (result,) = receiver(http(200, "Andgate-Receipt: delivered") + http(500))
    assert (result.sent, result.delivered) == (True, True)


def test_a_drill_is_an_event_of_its_own_kind() -> None:
    drill = msgspec.structs.replace(NOTE, loud=False, page=msgspec.structs.replace(NOTE.page, kind="drill"))
    ((_, event),), (result,) = receiver(http(204), drill)
    assert (event["type"], result.sent, result.proven) == ("andgate.drill", True, True)
