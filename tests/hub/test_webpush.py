"""Web push: a push service that decrypts as a phone does, with another's code, and phones that are gone."""

from __future__ import annotations

import base64
import json
import stat
from pathlib import Path
from typing import Any

import http_ece
import msgspec
import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from andgate.errors import UsageError
from hub.notify.channels import Result
from hub.notify.channels.webpush import TOKEN_S, WebPushChannel
from hub.store import Phone, Phones, Store
from tests.hub.receivers import NOTE, Stage, answer_of, heard_request, playing

NOW_MS = 1_795_291_200_000


class Handset:
    """A phone with a key of its own."""

    def __init__(self, port: int, name: str) -> None:
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.auth = b"0123456789abcdef"
        public = self.key.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
        self.phone = Phone("supervisors", f"http://127.0.0.1:{port}/push/{name}", public, self.auth)

    def read(self, body: bytes) -> Any:
        return json.loads(http_ece.decrypt(body, private_key=self.key, auth_secret=self.auth, version="aes128gcm"))


@pytest.fixture
def phones(tmp_path: Path) -> Phones:
    Store(tmp_path).close()
    return Phones(tmp_path)


class Service:
    """A push service: answers by name, and keeps what it was given."""

    def __init__(self) -> None:
        self.answers: dict[str, str] = {}
        self.got: list[tuple[str, dict[str, str], bytes]] = []

    def play(self, _: Stage, connection: Any) -> None:
        headers, body = heard_request(connection)
        name = headers[":target"].rpartition("/")[2]
        self.got.append((name, headers, body))
        connection.sendall(self.answers.get(name, "HTTP/1.1 201 Created\r\n\r\n").encode())


def checked(header: str, origin: str, phones: Phones) -> dict[str, Any]:
    """Return the claims of a VAPID header, whose signature is right."""
    scheme, _, rest = header.partition(" ")
    assert scheme == "vapid"
    parts = dict(each.strip().split("=", 1) for each in rest.split(","))
    assert _bytes(parts["k"]) == phones.public_key()
    said, _, signature = parts["t"].rpartition(".")
    raw = _bytes(signature)
    public = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), _bytes(parts["k"]))
    der = encode_dss_signature(int.from_bytes(raw[:32], "big"), int.from_bytes(raw[32:], "big"))
    public.verify(der, said.encode(), ec.ECDSA(hashes.SHA256()))
    with pytest.raises(InvalidSignature):
        public.verify(der, said.encode() + b"x", ec.ECDSA(hashes.SHA256()))
    claims: dict[str, Any] = json.loads(_bytes(said.partition(".")[2]))
    assert claims["aud"] == origin
    return claims


def _bytes(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def page(channel: WebPushChannel, **more: Any) -> Result:
    return answer_of(channel, msgspec.structs.replace(NOTE, page=msgspec.structs.replace(NOTE.page, **more)))


def test_a_phone_reads_its_page(phones: Phones) -> None:
    service = Service()
    with playing(service.play) as stage:
        handset = Handset(stage.port, "a")
        phones.add(handset.phone, NOW_MS)
        channel = WebPushChannel(phones, "duty@agx.example", lambda: NOW_MS)
        assert page(channel) == Result(sent=True)
        assert page(channel, kind="over", id="m1:over:3", text="Belt 3: over, saved. " + "ü" * 900, again=True).sent
        channel.close()
        ((_, first, body), (_, second, over)) = service.got
        claims = checked(first["authorization"], f"http://127.0.0.1:{stage.port}", phones)
    assert claims == {"aud": claims["aud"], "exp": NOW_MS // 1000 + TOKEN_S, "sub": "mailto:duty@agx.example"}
    said = handset.read(body)
    assert said == {
        "kind": "page",
        "title": "Belt 3",
        "text": "Belt 3: 8:00 left.",
        "left_s": 480.0,
        "link": "/moments/m1",
        "tag": first["topic"],
    }
    assert (first["ttl"], first["urgency"], first["content-encoding"]) == ("900", "high", "aes128gcm")
    told = handset.read(over)
    assert (told["kind"], told["tag"]) == ("over", said["tag"]), "it takes the place of the page"
    assert told["text"].endswith("(sent again: it may have reached you before)")
    assert (second["urgency"], len(over) < 4096) == ("normal", True)


def test_a_phone_that_is_gone_is_forgotten(phones: Phones) -> None:
    service = Service()
    with playing(service.play) as stage:
        for name in ("a", "b"):
            phones.add(Handset(stage.port, name).phone, NOW_MS)
        service.answers["a"] = "HTTP/1.1 410 Gone\r\n\r\n"
        channel = WebPushChannel(phones, "", lambda: NOW_MS)
        result = page(channel)
        assert (result.sent, result.note) == (True, "1 of 2 phones have it; the phone does not want pages any more")
        assert [phone.endpoint[-1] for phone in phones.of("supervisors")] == ["b"]
        service.answers["b"] = "HTTP/1.1 404 Not Found\r\n\r\n"
        assert page(channel) == Result(
            sent=False, note="the phone does not want pages any more", retry=False, surely_unsent=True
        )
        assert page(channel).note == "no phone of this group has asked to be paged"
        alone = answer_of(channel, msgspec.structs.replace(NOTE, named=True))
        assert (alone.note, alone.retry) == ("their phone is not set up", False)
        channel.close()


def test_only_the_phones_that_do_not_have_it_are_tried_again(phones: Phones) -> None:
    service = Service()
    with playing(service.play) as stage:
        for name in ("a", "b"):
            phones.add(Handset(stage.port, name).phone, NOW_MS)
        service.answers["b"] = "HTTP/1.1 429 Too Many Requests\r\nRetry-After: 30\r\n\r\n"
        channel = WebPushChannel(phones, "", lambda: NOW_MS)
        result = page(channel)
        assert (result.sent, result.retry, result.after_s, result.surely_unsent) == (False, True, 30.0, False)
        assert result.note == "1 of 2 phones have it; the push service refuses it (429)"
        del service.answers["b"]
        assert page(channel) == Result(sent=True)
        channel.close()
    assert sorted(name for name, _, _ in service.got) == ["a", "b", "b"]


def test_a_push_service_that_refuses_or_is_away(phones: Phones) -> None:
    service = Service()
    with playing(service.play) as stage:
        phones.add(Handset(stage.port, "a").phone, NOW_MS)
        channel = WebPushChannel(phones, "", lambda: NOW_MS)
        service.answers["a"] = "HTTP/1.1 403 Forbidden\r\n\r\n"
        result = page(channel)
        assert (result.sent, result.retry, result.note) == (False, False, "the push service refuses it (403)")
        assert phones.of("supervisors"), "that may be ours to mend: the phone is not forgotten"
        service.answers["a"] = "HTTP/1.1 413 Payload Too Large\r\n\r\n"
        assert page(channel) == Result(
            sent=False, note="the push service refuses it (413)", retry=False, surely_unsent=True
        )
        service.answers["a"] = ""
        assert page(channel).retry
    result = page(channel)
    assert (result.retry, result.surely_unsent) == (True, True)
    channel.close()


def test_the_key_is_made_once_for_the_hubs_user_only(phones: Phones, tmp_path: Path) -> None:
    assert not (tmp_path / "push.key").exists(), "a hub without phones makes none"
    key = phones.public_key()
    assert (len(key), key[0]) == (65, 4)
    assert stat.S_IMODE((tmp_path / "push.key").stat().st_mode) == 0o600
    assert Phones(tmp_path).public_key() == key


@pytest.mark.parametrize(
    "content", [b"", b"nonsense", b"-----BEGIN PRIVATE KEY-----\nMII=\n-----END PRIVATE KEY-----\n"]
)
def test_a_file_that_is_no_key_is_said_to_be_none(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "push.key").write_bytes(content)
    with pytest.raises(UsageError, match="no key for web push"):
        Phones(tmp_path).key()


def test_phones_of_another_key_are_nobodys(phones: Phones, tmp_path: Path) -> None:
    phones.add(Handset(1, "a").phone, NOW_MS)
    (tmp_path / "push.key").unlink()
    again = Phones(tmp_path)
    assert again.of("supervisors") == []
    again.add(Handset(1, "b").phone, NOW_MS)
    assert [phone.endpoint[-1] for phone in again.of("supervisors")] == ["b"]


def test_a_phone_stands_once_for_each_group(phones: Phones, monkeypatch: pytest.MonkeyPatch) -> None:
    phone = Handset(1, "a").phone
    other = msgspec.structs.replace(phone, group="ticket-agents")
    for each in (phone, phone, other):
        assert phones.add(each, NOW_MS)
    assert phones.groups_of(phone.endpoint) == ["supervisors", "ticket-agents"]
    phones.forget(phone.endpoint, "supervisors")
    assert phones.groups_of(phone.endpoint) == ["ticket-agents"]
    monkeypatch.setattr("hub.store.phones.MOST", 1)
    assert not phones.add(Handset(1, "b").phone, NOW_MS)
    phones.forget(phone.endpoint)
    assert phones.add(Handset(1, "b").phone, NOW_MS)
