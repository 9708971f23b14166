"""The thread that keeps a connection to the broker, and moves bytes between its socket and the session.

One read takes as many messages as have arrived, one write all that is to be said: a system call for each of them would
cost more than the judging. Whoever is in a hurry writes in its own thread (`flush`), so that a page need not wait until
this thread gets the interpreter.
"""

from __future__ import annotations

import contextlib
import logging
import select
import socket
import ssl
import threading
from collections.abc import Callable

from andgate.errors import PayloadError
from hub.clock import SystemClock
from hub.link.packets import DISCONNECT, PINGREQ, split
from hub.link.session import Session

_log = logging.getLogger(__name__)

READ_BYTES = 1 << 16
LOOK_S = 1.0
"""Real seconds between looks at the keepalive."""
CONNECT_S = 5.0

_NOT_NOW = (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError)


class Pump:
    """Keeps one session connected, and its bytes flowing."""

    def __init__(
        self,
        session: Session,
        address: tuple[str, int],
        *,
        tls: ssl.SSLContext | None,
        greeting: bytes,
        hear: Callable[[list[tuple[int, bytes]]], None],
        lost: Callable[[str | None], None],
        keepalive_s: float,
        retry_s: tuple[float, float],
    ) -> None:
        """Prepare; `start` begins.

        Args:
            session: what is to be said.
            address: host and port of the broker.
            tls: for a connection that is encrypted.
            greeting: the first packet of every connection.
            hear: called in the thread with the packets that came.
            lost: called in the thread when a connection ended, with the reason, or could not be made, with None.
            keepalive_s: real seconds of silence after which the broker is asked whether it is there.
            retry_s: real seconds before the first try to connect again, doubled with each further one, and the most.
        """
        self._session = session
        self._address = address
        self._tls = tls
        self._greeting = greeting
        self._hear = hear
        self._lost = lost
        self._keepalive_s = keepalive_s
        self._retry_s = retry_s
        self._real_s = SystemClock().mono_s
        """Real seconds: a broker knows nothing of a demo's clock."""
        self.sock: socket.socket | None = None
        """The connection, while there is one."""
        self._heard, self._bell = socket.socketpair()
        self._heard.setblocking(False)  # noqa: FBT003 - the socket's own interface
        self._bell.setblocking(False)  # noqa: FBT003 - the socket's own interface
        self._rung = False
        self._writing = threading.Lock()
        """Who writes to the socket, or puts another in its place."""
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="link", daemon=True)

    def start(self) -> None:
        """Connect, and go on trying for ever."""
        self._thread.start()

    def ring(self) -> None:
        """Say that something is to be written; many publications wake the thread once."""
        if not self._rung:
            self._rung = True
            with contextlib.suppress(OSError):  # full: it rings already; closed: it is over
                self._bell.send(b"!")

    def flush(self) -> None:
        """Write what is to be written in the calling thread, unless somebody does so already.

        Not with TLS, where nobody may write while another reads.
        """
        if self._tls is None and self._writing.acquire(blocking=False):
            try:
                if self.sock is not None:
                    self._write(self.sock)
            except OSError:
                pass  # the thread sees it too, and connects again
            finally:
                self._writing.release()
        if self._session.unsaid:
            self.ring()

    def stop(self) -> None:
        """Write what is to be written, if that is possible at once, and let go of the broker."""
        self._stopping.set()
        self.ring()
        if self._thread.is_alive():
            self._thread.join()
        self._heard.close()
        self._bell.close()

    # ---------------------------------------------------------------------------------------------- the thread

    def _run(self) -> None:
        first_s, most_s = self._retry_s
        pause_s = first_s
        while not self._stopping.is_set():
            generation = self._session.generation
            try:
                sock = self._connect()
            except OSError:
                self._lost(None)
            else:
                self._talk(sock)
            if self._session.generation != generation:  # the broker did take us
                pause_s = first_s
            self._stopping.wait(pause_s)
            pause_s = min(2 * pause_s, most_s)

    def _connect(self) -> socket.socket:
        sock = socket.create_connection(self._address, timeout=CONNECT_S)
        try:
            # With Nagle's algorithm on, a QoS 1 round trip takes 23 ms instead of 0.5.
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if self._tls is not None:
                sock = self._tls.wrap_socket(sock, server_hostname=self._address[0])
            sock.setblocking(False)  # noqa: FBT003 - the socket's own interface
        except BaseException:
            sock.close()
            raise
        return sock

    def _talk(self, sock: socket.socket) -> None:
        with self._writing:
            self.sock = sock
            self._session.begin(self._greeting)
        why: str | None = None
        try:
            self._flow(sock)
        except (OSError, PayloadError) as wrong:
            why = str(wrong)
        except Exception:  # noqa: BLE001 - whatever it is, the next connection may do better than none
            _log.exception("the connection to the broker was lost to a fault of our own")
            why = "a fault of our own"
        with self._writing:
            self.sock = None
            self._session.end()
            sock.close()
        if why is not None:
            self._lost(why)

    def _flow(self, sock: socket.socket) -> None:
        """Move bytes until the hub stops; raise when the connection ends."""
        rest = b""
        blocked = asked = False
        heard_s = said_s = self._real_s()
        while True:
            buffered = self._tls is not None and sock.pending() > 0  # type: ignore[attr-defined]  # more was decrypted
            reads, writes = [sock, self._heard], [sock] if blocked else []
            at_once = buffered or (self._session.unsaid and not blocked)  # the greeting rings no bell
            readable, writable, _ = select.select(reads, writes, [], 0 if at_once else LOOK_S)
            if self._heard in readable:
                with contextlib.suppress(BlockingIOError):
                    self._heard.recv(4096)
            now_s = self._real_s()
            if buffered or sock in readable:
                rest = self._read(sock, rest)
                heard_s, asked = now_s, False
            self._rung = False  # before the writing: whoever rings from now on is heard in the next round
            if self._stopping.is_set():
                self._session.say(DISCONNECT)
            elif max(now_s - heard_s, now_s - said_s) >= self._keepalive_s:
                if asked:
                    raise TimeoutError("it does not answer any more")
                self._session.say(PINGREQ)
                heard_s, asked = now_s, True
            if self._session.unsaid:
                said_s = now_s
                with self._writing:
                    blocked = self._write(sock)
            elif writable:
                blocked = False
            if self._stopping.is_set():
                return

    def _read(self, sock: socket.socket, rest: bytes) -> bytes:
        """Hear what has arrived; return what is not whole yet."""
        try:
            data = sock.recv(READ_BYTES)
        except _NOT_NOW:
            return rest
        if not data:
            raise ConnectionError("the broker closed it")
        data = rest + data if rest else data
        whole, end = split(data)
        self._hear(whole)
        return data[end:]

    def _write(self, sock: socket.socket) -> bool:
        """Write what there is; whether some of it has to wait until the socket has room."""
        while data := self._session.take():
            try:
                sent = sock.send(data)
            except _NOT_NOW:
                sent = 0
            if sent < len(data):
                self._session.give_back(data[sent:])
                return True
        return False
