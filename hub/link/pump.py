"""The thread that moves bytes between paho and its socket, instead of paho's own.

paho's thread is woken for every single publication, with a system call each; and it has to get the interpreter from
whoever published before a page can leave. Here many publications wake it once, and whoever is in a hurry writes them
out in its own thread (`flush`). paho offers all of this to programs with an event loop of their own.
"""

from __future__ import annotations

import contextlib
import logging
import select
import socket
import threading
from collections.abc import Callable

import paho.mqtt.client as mqtt

_log = logging.getLogger(__name__)

READ_MOST = 64
"""Packets read before it is looked whether something is to be written."""
LOOK_S = 1.0
"""Real seconds between looks at the keepalive."""
NO_ROOM_S = 0.02
"""Real seconds before it is looked again whether there is room."""


class Pump:
    """Keeps one client connected, and its bytes flowing."""

    def __init__(
        self,
        client: mqtt.Client,
        *,
        retry_first_s: float,
        retry_most_s: float,
        failed: Callable[[OSError], None],
        room: Callable[[], bool] = lambda: True,
    ) -> None:
        """Move the bytes of `client`, for which `connect_async` has been called when this starts.

        Args:
            client: nobody else may run its loop.
            retry_first_s: real seconds before the first try to connect again; doubled with each further one.
            retry_most_s: up to this.
            failed: called in the thread when a try to connect failed, with what was wrong.
            room: whether more can be taken just now; while not, nothing is read, and the broker has to wait.
        """
        self._client = client
        self._retry_s = (retry_first_s, retry_most_s)
        self._failed = failed
        self._room = room
        self._heard, self._bell = socket.socketpair()
        self._heard.setblocking(False)  # noqa: FBT003 - the socket's own interface
        self._bell.setblocking(False)  # noqa: FBT003 - the socket's own interface
        self._rung = False
        self._writing = threading.Lock()
        self._stopping = threading.Event()
        self.packets = 0
        """To be counted up by the callbacks that packets cause; while it grows there may be more to read."""
        self._thread = threading.Thread(target=self._run, name="link", daemon=True)
        # With it set paho leaves the writing to us; the bell does its work without paho's races.
        client.on_socket_register_write = lambda *_: None

    def start(self) -> None:
        """Connect, and go on trying for ever."""
        self._thread.start()

    def ring(self) -> None:
        """Say that something is to be written."""
        if not self._rung:
            self._rung = True
            with contextlib.suppress(OSError):  # full: it rings already; closed: it is over
                self._bell.send(b"!")

    def flush(self) -> None:
        """Write what is to be written in the calling thread, unless somebody does so already.

        Not with TLS, where nobody may write while another reads.
        """
        sock = self._client.socket()
        if sock is not None and not hasattr(sock, "pending") and self._writing.acquire(blocking=False):
            try:
                self._client.loop_write()
            finally:
                self._writing.release()
        if self._client.want_write():
            self.ring()

    def stop(self) -> None:
        """End the thread when what is to be written is written, or cannot be; `disconnect` has been called."""
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
            said = self.packets
            try:
                self._client.reconnect()
                self._flow()
            except OSError as wrong:
                self._failed(wrong)
            except Exception:  # noqa: BLE001 - whatever it is, the next connection may do better than none
                _log.exception("the connection to the broker was lost to a fault of our own")
            if self.packets != said:  # the broker did take us
                pause_s = first_s
            self._stopping.wait(pause_s)
            pause_s = min(2 * pause_s, most_s)

    def _flow(self) -> None:
        """Move bytes until the connection ends."""
        client = self._client
        blocked = False
        while (sock := client.socket()) is not None:
            buffered = getattr(sock, "pending", int)() > 0  # TLS has read more than was asked for
            # Whoever takes the messages must never make paho's callback wait: it would hold what a writer needs.
            room = self._room()
            wait_s = NO_ROOM_S if not room else 0 if buffered else LOOK_S
            try:
                readable, writable, _ = select.select(
                    [sock, self._heard] if room else [self._heard], [sock] if blocked else [], [], wait_s
                )
            except (OSError, ValueError):  # closed meanwhile
                continue
            if self._stopping.is_set() and not (readable or writable or buffered):
                return
            if self._heard in readable:
                with contextlib.suppress(BlockingIOError):
                    self._heard.recv(4096)
            if room and (buffered or sock in readable):
                self._read()
            self._rung = False  # before the writing: whoever rings from now on is heard in the next round
            if client.want_write():
                with self._writing:
                    client.loop_write()
            blocked = client.want_write()
            client.loop_misc()

    def _read(self) -> None:
        for _ in range(READ_MOST):
            packets = self.packets
            if self._client.loop_read() != mqtt.MQTT_ERR_SUCCESS or self.packets == packets:
                return
