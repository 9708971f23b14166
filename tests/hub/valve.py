"""A way to the broker on which answers can get lost: what is said goes through, what comes back does not."""

from __future__ import annotations

import contextlib
import socket
import threading


class Valve:
    """Carries one connection at a time."""

    def __init__(self, port: int) -> None:
        self._far = port
        self._back = threading.Event()
        self._back.set()
        self._ends: list[socket.socket] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._thread = threading.Thread(target=self._accept, daemon=True)
        self._thread.start()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                near, _ = self._listener.accept()
                far = socket.create_connection(("127.0.0.1", self._far))
                self._ends = [near, far]
                for source, target, gate in ((near, far, None), (far, near, self._back)):
                    threading.Thread(target=_carry, args=(source, target, gate), daemon=True).start()

    def close_back(self) -> None:
        """Let nothing back from now on."""
        self._back.clear()

    def cut(self) -> None:
        """End the connection; the next one is whole."""
        ends, self._ends = self._ends, []
        for end in ends:
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
        self._back.set()

    def close(self) -> None:
        """End everything."""
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join()
        self.cut()


def _carry(source: socket.socket, target: socket.socket, gate: threading.Event | None) -> None:
    with contextlib.suppress(OSError), source:
        while some := source.recv(65_536):
            if gate is None or gate.is_set():
                target.sendall(some)
    with contextlib.suppress(OSError):
        target.shutdown(socket.SHUT_RDWR)
