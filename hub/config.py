"""How a hub is run: where its data lies, what it listens on, which broker it talks to. The plan says the rest."""

from __future__ import annotations

from ipaddress import ip_address
from pathlib import Path
from urllib.parse import unquote, urlsplit

from msgspec import Struct

from andgate.errors import UsageError

LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
MQTT_PORT = 1883
MQTTS_PORT = 8883
_MOST_PORT = 65_535


class Address(Struct, frozen=True):
    """A host and a port to listen on; port 0 is any free one."""

    host: str
    port: int

    @property
    def loopback(self) -> bool:
        """Whether only this machine can reach it."""
        return self.host in LOOPBACK or _is_loopback(self.host)

    def __str__(self) -> str:
        """``host:port``."""
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


def _is_loopback(host: str) -> bool:
    """Whether a host is an address of this machine only; a name such as 127.example.org is none."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def parse_address(text: str) -> Address:
    """Read ``HOST:PORT``; UsageError for anything else."""
    host, colon, port = text.rpartition(":")
    host = host.removeprefix("[").removesuffix("]")
    if not colon or not host or not (port.isascii() and port.isdecimal()) or int(port) > _MOST_PORT:
        raise UsageError(f'"{text}" is no address to listen on. Write HOST:PORT, as in 127.0.0.1:8080')
    return Address(host, int(port))


class BrokerUrl(Struct, frozen=True):
    """An MQTT broker to connect to."""

    host: str
    port: int
    tls: bool = False
    username: str | None = None
    password: str | None = None

    @property
    def loopback(self) -> bool:
        """Whether it is on this machine."""
        return Address(self.host, self.port).loopback

    def __str__(self) -> str:
        """The URL without the password, fit to be shown."""
        who = f"{self.username}@" if self.username else ""
        return f"{'mqtts' if self.tls else 'mqtt'}://{who}{Address(self.host, self.port)}"


def parse_broker(text: str) -> BrokerUrl:
    """Read ``mqtt://[USER:PASSWORD@]HOST[:PORT]`` or ``mqtts://``; UsageError for anything else."""
    try:
        url = urlsplit(text)
        port = url.port
    except ValueError:
        raise UsageError(f'"{text}" is no broker URL. Write mqtt://HOST:1883 or mqtts://HOST:8883') from None
    if url.scheme not in {"mqtt", "mqtts"} or not url.hostname or port == 0 or url.path not in {"", "/"} or url.query:
        raise UsageError(f'"{text}" is no broker URL. Write mqtt://HOST:1883 or mqtts://HOST:8883')
    tls = url.scheme == "mqtts"
    return BrokerUrl(
        host=url.hostname,
        port=(MQTTS_PORT if tls else MQTT_PORT) if port is None else port,
        tls=tls,
        username=unquote(url.username) if url.username else None,
        password=unquote(url.password) if url.password else None,
    )


class Certificates(Struct, frozen=True):
    """Files for ``mqtts://``: whom to trust, and what to prove oneself with."""

    ca: Path | None = None
    certificate: Path | None = None
    key: Path | None = None


class HubConfig(Struct, frozen=True, kw_only=True):
    """Everything `hub.app.HubApp` needs to run."""

    plan: Path
    """The plan file; read at the start and at every reload."""
    data: Path
    """The folder of the database; one hub at a time."""
    broker: BrokerUrl | None = None
    """None: start the embedded one on `broker_listen`."""
    broker_listen: Address = Address("127.0.0.1", MQTT_PORT)
    certificates: Certificates = Certificates()
    listen: Address = Address("127.0.0.1", 8080)
    """Where the dashboard and the API are served."""
    token_file: Path | None = None
    listen_only: bool = False
    """Judge, and page nobody: a baseline."""
    heartbeat: str | None = None
    """``https://`` address that is asked every minute while all is well: a dead man's switch outside."""
    web: bool = True
    """False where only the MQTT side is wanted (tests, benchmarks)."""

    def check(self) -> None:
        """Refuse what would be open to the world; UsageError says what to add."""
        if not self.listen.loopback and self.token_file is None:
            raise UsageError(
                f"{self.listen} can be reached from other machines, so callers must be known. "
                "Add --token-file FILE, or listen on 127.0.0.1"
            )
        if self.broker is None:
            if not self.broker_listen.loopback:
                raise UsageError(
                    f"the embedded broker knows no passwords, so it may not listen on {self.broker_listen}. "
                    "Run a Mosquitto with passwords and name it with --broker mqtt://USER:PASSWORD@HOST"
                )
        elif not self.broker.loopback and self.broker.username is None and self.certificates.certificate is None:
            raise UsageError(
                f"the broker {self.broker} is another machine, so the hub must prove who it is. "
                "Write mqtt://USER:PASSWORD@HOST, or mqtts:// with --broker-cert and --broker-key"
            )
