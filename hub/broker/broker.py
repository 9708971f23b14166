"""The embedded broker: Mosquitto where it is on the machine, else iotcore (docs/decisions/0020-embedded-broker.md).

Either dies with the hub, also when the hub is killed: Mosquitto asks the kernel for it, iotcore watches its parent. It
keeps nothing on disk: spools bridge an outage, not the broker.
"""

from __future__ import annotations

import errno
import logging
import os
import pwd
import shutil
import socket
import subprocess
import tempfile
import threading
from pathlib import Path
from typing import IO, Any, Protocol

from andgate.errors import UsageError
from hub.config import Address

_log = logging.getLogger(__name__)

START_S = 30.0
PORTS_TRIED = 5
"""How many free ports are tried where any will do."""
AGAIN_S = 1.0
"""Real seconds before a broker that ended by itself is started again."""
MAX_PAYLOAD_BYTES = 1 << 20
"""The contract's 64 KiB and room to spare; iotcore alone would drop everything beyond 20 KB."""


class EmbeddedBroker(Protocol):
    """A broker that this process runs."""

    address: Address

    def stop(self) -> None:
        """End it and wait for its end."""


def embedded_broker(address: Address) -> EmbeddedBroker:
    """Start a broker on `address` (port 0: any free one) and return it once it answers.

    Raises:
        UsageError: if the port is taken, or no broker can be started; it says what to do.
    """
    found = mosquitto()
    for left in reversed(range(PORTS_TRIED if address.port == 0 else 1)):
        free = _free(address)
        try:
            return MosquittoBroker(found, free) if found is not None else IotcoreBroker(free)
        except UsageError:
            # Between looking for a free port and listening on it somebody else may have taken it.
            if not left or _is_free(free):
                raise
    raise AssertionError


def mosquitto() -> str | None:
    """Return the path of Mosquitto, or None where it is not installed. Debian keeps it out of users' PATH."""
    return shutil.which("mosquitto") or shutil.which("mosquitto", path="/usr/sbin:/usr/local/sbin")


def _free(address: Address) -> Address:
    family = socket.AF_INET6 if ":" in address.host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((address.host, address.port))
        except OSError as wrong:
            if wrong.errno == errno.EADDRINUSE:
                raise UsageError(
                    f"port {address.port} on {address.host} is taken, perhaps by a broker that runs already. "
                    f"Use that one with --broker mqtt://{address}, or another port with "
                    f"--broker-listen {address.host}:{address.port + 1}"
                ) from None
            raise UsageError(
                f"the embedded broker cannot listen on {address}: {wrong.strerror}. "
                "Name another address with --broker-listen HOST:PORT"
            ) from None
        return Address(address.host, probe.getsockname()[1])


def _is_free(address: Address) -> bool:
    try:
        _free(address)
    except UsageError:
        return False
    return True


def configuration(address: Address) -> str:
    """Return Mosquitto's configuration for one machine."""
    return "\n".join(
        (
            f"listener {address.port} {address.host}",
            "allow_anonymous true",
            # With Nagle's algorithm on, one message in a hundred takes 38 ms instead of 3.
            "set_tcp_nodelay true",
            # As many as the hub takes in one batch; the default of 20 would stop every batch there.
            "max_inflight_messages 1000",
            "max_queued_messages 100000",
            f"message_size_limit {MAX_PAYLOAD_BYTES}",
            "persistence false",
            "log_dest stderr",
            "log_type error",
            "log_type warning",
            "log_type notice",
            "log_type information",
            "connection_messages false",
            f"user {pwd.getpwuid(os.getuid()).pw_name}",
            "",
        )
    )


class MosquittoBroker:
    """A Mosquitto of our own."""

    def __init__(self, program: str, address: Address) -> None:
        """Start it and wait until it runs."""
        self.address = address
        self._folder = tempfile.TemporaryDirectory(prefix="andgate-broker-")
        conf = Path(self._folder.name) / "mosquitto.conf"
        conf.write_text(configuration(address), encoding="utf-8")
        self._ready = threading.Event()
        self._stopping = threading.Event()
        self._last: str = ""
        self._process: subprocess.Popen[str] | None = None
        # The kernel's promise to end the child is bound to the thread that started it, so that thread stays.
        self._thread = threading.Thread(
            target=self._run, args=([program, "-c", str(conf)],), name="broker", daemon=True
        )
        self._thread.start()
        if not self._ready.wait(START_S) or not self._runs():
            self.stop()
            raise UsageError(
                f"Mosquitto does not start on {address}: {self._last or 'no word from it'}. "
                "Name a broker that runs with --broker mqtt://HOST:PORT"
            )

    def _runs(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def _run(self, command: list[str]) -> None:
        """Run it; and again when it ends by itself after it has run (the kernel was out of memory, somebody erred)."""
        dies_with_us = ["setpriv", "--pdeathsig", "KILL", "--"] if shutil.which("setpriv") else []
        while True:
            self._once([*dies_with_us, *command])
            has_run = self._ready.is_set()
            self._ready.set()
            if not has_run or self._stopping.is_set():
                return
            _log.error("the embedded broker ended by itself: %s. Starting it again", self._last or "no word from it")
            if self._stopping.wait(AGAIN_S):
                return

    def _once(self, command: list[str]) -> None:
        try:
            self._process = subprocess.Popen(  # noqa: S603 - our own command
                command,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE,
                text=True,
                # Ctrl-C goes to the whole process group; the broker ends after the hub has said goodbye, not before.
                process_group=0,
            )
        except OSError as wrong:
            self._last = str(wrong)
            return
        with self._process as process:
            if self._stopping.is_set():  # told to end between two of its lives
                process.kill()
            if process.stderr is not None:
                self._listen(process.stderr)

    def _listen(self, said: IO[str]) -> None:
        for line in said:
            text = line.strip().partition(": ")[2]
            if " running" in text:
                self._ready.set()
            elif text.startswith("Error"):
                self._last = text
                _log.warning("the embedded broker says: %s", text)

    def stop(self) -> None:
        """End it and wait for its end."""
        self._stopping.set()
        if self._process is not None and self._process.poll() is None:
            # It has nothing to save, and it forgets a SIGTERM that comes while it is starting.
            self._process.kill()
        self._thread.join()
        self._folder.cleanup()


class IotcoreBroker:
    """rumqttd out of the wheel ``iotcore``."""

    def __init__(self, address: Address) -> None:
        """Start it and wait until it runs."""
        self.address = address
        try:
            import iotcore  # noqa: PLC0415 - only where there is no Mosquitto
        except ImportError:
            raise UsageError(
                "there is no broker on this machine. Install one (apt install mosquitto; or pip install iotcore), "
                "or name one that runs with --broker mqtt://HOST:PORT"
            ) from None
        self._broker: Any = iotcore.Broker(port=address.port, listen=address.host, max_payload_size=MAX_PAYLOAD_BYTES)
        try:
            self._broker.__enter__()
        except Exception as wrong:
            raise UsageError(
                f"the embedded broker does not start on {address}: {wrong}. "
                "Name a broker that runs with --broker mqtt://HOST:PORT"
            ) from wrong

    def stop(self) -> None:
        """End it and wait for its end."""
        self._broker.__exit__(None, None, None)
