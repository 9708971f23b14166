"""Real and misbehaving receivers of pages, on loopback."""

from __future__ import annotations

import contextlib
import socket
import subprocess
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from andgate.wire.messages import Page
from hub.notify.channels import Channel, Note, Result
from tests.hub.desk import WAIT_S

NOTE = Note(
    group="supervisors",
    title="Belt 3",
    page=Page(
        id="m1:0", kind="page", moment="m1", text="Belt 3: 8:00 left.", reason="so much time is left", left_s=480.0
    ),
    decided_ms=1_795_291_200_000,
)
NET_SNPP = r"""
use strict;
use warnings;
use IO::Handle;
use Net::SNPP::Server;
$| = 1;
my $server = Net::SNPP::Server->new(Port => 0, BindTo => "127.0.0.1", MaxErrors => 5);
my ($port) = Socket::unpack_sockaddr_in(getsockname($server->socket()));
print "port $port\n";
$server->callback("write_log", sub {});
$server->callback("validate_pager_id", sub { $_[0] =~ /^\d{7}$/ ? $_[0] : undef });
$server->callback("process_page", sub { print "page $_[0][0] $_[1]{mess}\n"; 1 });
while (my $client = $server->client()) { $server->handle_client($client); $client->close(); }
"""


class NetSnpp:
    """Perl's Net::SNPP server."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(["perl", "-e", NET_SNPP], stdout=subprocess.PIPE, text=True)
        self.port = int(self.line().removeprefix("port "))

    def line(self) -> str:
        assert self._process.stdout is not None
        return self._process.stdout.readline().strip()

    def stop(self) -> None:
        self._process.kill()
        self._process.communicate()


def net_snpp() -> NetSnpp:
    """Start one; the test is skipped where Debian's libnet-snpp-perl is not installed."""
    found = Path("/usr/share/perl5/Net/SNPP/Server.pm").exists()
    if not found:
        pytest.skip("Debian's libnet-snpp-perl is not installed: there is no other SNPP server to test against")
    return NetSnpp()


class Stage(threading.Thread):
    """A server whose every connection is played by `play`, in a thread of its own."""

    def __init__(self, play: Callable[[socket.socket], None]) -> None:
        super().__init__(daemon=True)
        self._play = play
        self._sock = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._sock.getsockname()[1]
        self.over = threading.Event()
        """Those who hang wait for it."""
        self.connections = 0
        self.start()

    def run(self) -> None:
        while not self.over.is_set():
            try:
                connection, _ = self._sock.accept()
            except OSError:
                return
            self.connections += 1
            with connection, contextlib.suppress(OSError):
                connection.settimeout(WAIT_S)
                self._play(connection)

    def stop(self) -> None:
        self.over.set()
        self._sock.shutdown(socket.SHUT_RDWR)
        self._sock.close()
        self.join(WAIT_S)


@contextlib.contextmanager
def playing(play: Callable[[Stage, socket.socket], None]) -> Iterator[Stage]:
    """Run a server that plays this to each connection, one after the other."""
    held: list[Stage] = []
    stage = Stage(lambda connection: play(held[0], connection))
    held.append(stage)
    try:
        yield stage
    finally:
        stage.stop()


def heard_line(connection: socket.socket) -> str:
    """Read one line, byte for byte: nothing of the next."""
    line = b""
    while not line.endswith(b"\n"):
        byte = connection.recv(1)
        if not byte:
            raise ConnectionError
        line += byte
    return line.decode("ascii").strip()


def heard_request(connection: socket.socket) -> tuple[dict[str, str], bytes]:
    """Read one HTTP request: its headers, and its body."""
    headers = {":target": heard_line(connection).split(" ")[1]}
    while line := heard_line(connection):
        name, _, value = line.partition(":")
        headers[name.lower()] = value.strip()
    body = b""
    while len(body) < int(headers["content-length"]):
        body += connection.recv(65_536)
    return headers, body


def answer_of(channel: Channel, note: Note = NOTE) -> Result:
    """Send, and wait for the one answer there must be."""
    results: list[Result] = []
    over = threading.Event()

    def done(result: Result) -> None:
        results.append(result)
        over.set()

    channel.send(note, done)
    assert over.wait(WAIT_S)
    assert len(results) == 1
    return results[0]
