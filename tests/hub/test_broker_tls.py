"""A broker over TLS, with a site's own authority: hub and nodes reach it, and say clearly why not where they cannot."""

from __future__ import annotations

import logging
import shutil
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from andgate.wire.topics import Topics
from edge.broker import Broker as NodeBroker
from edge.link import Down
from edge.link import Link as NodeLink
from hub.clock import SystemClock
from hub.config import Certificates, parse_broker
from hub.link.link import Link
from tests.hub.desk import WAIT_S
from tests.hub.desk import Broker as HubBroker

MOSQUITTO = shutil.which("mosquitto") or shutil.which("mosquitto", path="/usr/sbin:/usr/local/sbin")
pytestmark = [
    pytest.mark.skipif(MOSQUITTO is None, reason="mosquitto is not installed"),
    # paho leaves the socket of a handshake that failed to whoever collects what nobody needs any more.
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]

NOW = datetime.fromtimestamp(SystemClock().now_ms() // 1000, UTC)
DAY = timedelta(days=1)


class Authority:
    """Signs whatever a test needs."""

    def __init__(self, folder: Path, name: str) -> None:
        self._folder = folder
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
        self.file = folder / f"{name}.crt"
        signed = self._signed(self._name, self._key, NOW - DAY, NOW + 30 * DAY, x509.BasicConstraints(True, None))
        self.file.write_bytes(signed.public_bytes(serialization.Encoding.PEM))

    def certify(
        self, name: str, *, address: str = "127.0.0.1", since: datetime = NOW - DAY, until: datetime = NOW + DAY
    ) -> tuple[Path, Path]:
        """Write a certificate and its key for one address; return both files."""
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
        whose = x509.SubjectAlternativeName([x509.IPAddress(ip_address(address))])
        certificate, file = self._folder / f"{name}.crt", self._folder / f"{name}.key"
        certificate.write_bytes(
            self._signed(subject, key, since, until, whose).public_bytes(serialization.Encoding.PEM)
        )
        file.write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
            )
        )
        return certificate, file

    def _signed(
        self,
        subject: x509.Name,
        key: ec.EllipticCurvePrivateKey,
        since: datetime,
        until: datetime,
        what: x509.ExtensionType,
    ) -> x509.Certificate:
        made = x509.CertificateBuilder().subject_name(subject).issuer_name(self._name).public_key(key.public_key())
        made = made.serial_number(x509.random_serial_number()).not_valid_before(since).not_valid_after(until)
        return made.add_extension(what, critical=isinstance(what, x509.BasicConstraints)).sign(
            self._key, hashes.SHA256()
        )


class Broker(HubBroker):
    """A Mosquitto that shows a certificate, or speaks no TLS where it has none."""

    def __init__(self, folder: Path, shown: tuple[Path, Path] | None, clients: Path | None, port: int) -> None:
        self._shown, self._clients = shown, clients
        super().__init__(folder, port)

    def configuration(self) -> str:
        secure = "" if self._shown is None else f"certfile {self._shown[0]}\nkeyfile {self._shown[1]}\n"
        asks = "" if self._clients is None else f"cafile {self._clients}\nrequire_certificate true\n"
        return f"user root\nlistener {self.port} 127.0.0.1\nallow_anonymous true\n{secure}{asks}"


class Ends:
    """Brokers and links of one test, ended with it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._ends: list[Callable[[], None]] = []

    def broker(self, shown: tuple[Path, Path] | None, clients: Path | None = None, port: int = 0) -> Broker:
        broker = Broker(self.folder, shown, clients, port)
        self._ends.append(broker.stop)
        return broker

    def connect(self, side: str, port: int, files: Certificates) -> Callable[[], bool]:
        """Connect a hub or a node; return what tells whether it is connected."""
        url = f"mqtts://127.0.0.1:{port}"
        if side == "hub":
            link = Link(
                parse_broker(url), Topics("agx"), SystemClock(), lambda *_: None, will=b"{}", certificates=files
            )
            link.start()
            self._ends.append(lambda: link.stop(b"{}"))
            return lambda: link.connected
        at = NodeBroker.at(
            url,
            ca=None if files.ca is None else str(files.ca),
            certificate=None if files.certificate is None else str(files.certificate),
            key=None if files.key is None else str(files.key),
        )
        heard = ["andgate/v1/agx/hub/state"]
        node = NodeLink(
            at,
            "desk-a1",
            lambda said: node.connect(None, heard) if isinstance(said, Down) else None,
            SystemClock().mono_s,
        )
        node.connect(None, heard)
        self._ends.append(node.close)
        return lambda: node._connected

    def end(self) -> None:
        for end in reversed(self._ends):
            end()


@pytest.fixture
def ends(tmp_path: Path) -> Iterator[Ends]:
    ends = Ends(tmp_path)
    yield ends
    ends.end()


@pytest.fixture(params=["hub", "node"])
def side(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def until(true: Callable[[], bool]) -> None:
    for _ in range(int(WAIT_S * 50)):
        if true():
            return
        threading.Event().wait(0.02)
    raise AssertionError("it never came")


def test_an_authority_of_ones_own_is_enough(ends: Ends, tmp_path: Path, side: str) -> None:
    site = Authority(tmp_path, "site")
    broker = ends.broker(site.certify("broker"))
    until(ends.connect(side, broker.port, Certificates(ca=site.file)))


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ("authority", "certificate is of an authority that is not trusted here; name that authority with --"),
        ("expired", "certificate has expired; renew it there"),
        ("not yet", "certificate is not valid yet by the clock of this machine; set the clock"),
        ("name", "certificate is for another name; write the name that stands in it into --broker"),
        ("self", "certificate vouches for itself only; name it with --"),
    ],
)
def test_why_a_broker_is_not_trusted_is_said_clearly(
    ends: Ends, tmp_path: Path, side: str, wrong: str, said: str, caplog: pytest.LogCaptureFixture
) -> None:
    site = Authority(tmp_path, "site")
    shown = site.certify(
        "broker",
        address="127.0.0.2" if wrong == "name" else "127.0.0.1",
        since=NOW + DAY if wrong == "not yet" else NOW - 3 * DAY,
        until=NOW - DAY if wrong == "expired" else NOW + 3 * DAY,
    )
    trusted = Authority(tmp_path, "other").file if wrong in {"authority", "self"} else site.file
    if wrong == "self":
        shown = _vouching_for_itself(tmp_path)
    broker = ends.broker(shown)
    with caplog.at_level(logging.WARNING):
        connected = ends.connect(side, broker.port, Certificates(ca=trusted))
        until(lambda: said in caplog.text)
    assert not connected()


def _vouching_for_itself(folder: Path) -> tuple[Path, Path]:
    """Return a broker's certificate that it signed itself, as one command of openssl makes it."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "alone")])
    made = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    made = made.serial_number(1).not_valid_before(NOW - DAY).not_valid_after(NOW + DAY)
    made = made.add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
    certificate, file = folder / "alone.crt", folder / "alone.key"
    certificate.write_bytes(made.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM))
    file.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return certificate, file


def test_certificates_are_renewed_while_it_runs(
    ends: Ends, tmp_path: Path, side: str, caplog: pytest.LogCaptureFixture
) -> None:
    """The broker wants certificates; ours has expired, and is renewed under our feet. So is the authority."""
    site, people = Authority(tmp_path, "site"), Authority(tmp_path, "people")
    trusted = tmp_path / "trusted.pem"
    trusted.write_bytes(site.file.read_bytes())
    expired = people.certify("ours", since=NOW - 3 * DAY, until=NOW - DAY)
    broker = ends.broker(site.certify("broker"), people.file)
    with caplog.at_level(logging.WARNING):
        connected = ends.connect(side, broker.port, Certificates(trusted, *expired))
        until(lambda: "ended the connection before it let us in" in caplog.text)
        assert not connected()
        people.certify("ours")
        until(connected)
        broker.stop()
        until(lambda: not connected())
        later = Authority(tmp_path, "later")
        trusted.write_bytes(site.file.read_bytes() + later.file.read_bytes())
        ends.broker(later.certify("broker"), people.file, broker.port)
        until(connected)


def test_a_port_without_tls_is_said_to_be_one(
    ends: Ends, tmp_path: Path, side: str, caplog: pytest.LogCaptureFixture
) -> None:
    broker = ends.broker(None)
    with caplog.at_level(logging.WARNING):
        ends.connect(side, broker.port, Certificates(ca=Authority(tmp_path, "site").file))
        until(lambda: "TLS" in caplog.text)


def test_files_that_are_gone_are_said_to_be(ends: Ends, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    site = Authority(tmp_path, "site")
    broker = ends.broker(site.certify("broker"))
    connected = ends.connect("hub", broker.port, Certificates(ca=site.file))
    until(connected)
    site.file.unlink()
    broker.stop()
    until(lambda: "cannot be read any more" in caplog.text)
    ends.broker((tmp_path / "broker.crt", tmp_path / "broker.key"), None, broker.port)
    until(connected)
