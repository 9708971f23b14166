"""Pagers behind a paging gateway that speaks SNPP (RFC 1861): level 1, and of level 3 what tells of delivery.

::

    220 SNPP Gateway Ready
    2WAY                    250 OK, Beginning 2-Way Transaction     4.6.1: first of all, where the plan says two-way
    PAGE 5551234            250 Pager ID Accepted                   4.3.1
    MESS Belt 3: 8:00 left  250 Message OK                          4.3.2
    SEND                    250 Message Sent Successfully           4.3.4
                            960 TAG CODE OK, Message QUEUED         4.6.9: of a two-way page; 860, 861, 880: delivered
    QUIT                    221 OK, Goodbye                         4.3.5

4xx is for now. 5xx is for good, but for 554, by which a gateway says that it failed for a technical reason. A gateway
that knows nothing of 2WAY (500) or has no two-way service (550) is asked as any other. A line that breaks before SEND
has surely paged nobody; after it nobody can tell.
"""

from __future__ import annotations

import socket
import unicodedata
from typing import BinaryIO

from andgate.plan.addresses import PagerAddress
from hub.notify.channels.channel import Note, Result
from hub.notify.channels.threaded import CONNECT_S, READ_S, WHOLE_S, Deadline, ThreadedChannel

MOST_CHARS = 240
"""More than pagers show; gateways refuse what is much longer, and then for good."""
_MOST_LINE = 1024
_MOST_LINES = 50
_INFORMATION = 214
"""A line for people; the answer follows."""
_TECHNICAL = 554
_DIGITS = 3
_CLASS = 100
_FINE = {2}
_TAKEN = {2, 8, 9}
"""Also what two-way gateways say of a page that waits for its pager."""
_DELIVERED = {860, 861, 880}
"""A two-way pager has it (4.6.9): and may yet be read, or answered, or neither is asked for."""
_READ = {870, 881, 888, 889}
"""... and its owner has read it, or answered (4.6.10, of a gateway that waits for that)."""
_PLAIN = str.maketrans({"“": '"', "”": '"', "’": "'", "\u2018": "'", "′": "'", "″": '"', "–": "-", "—": "-", "×": "x"})
"""Pagers have 7 bits."""


class SnppChannel(ThreadedChannel):
    """Sent means that the gateway has taken it; only a two-way one says whether the pager was on."""

    def __init__(self, address: PagerAddress, *, read_s: float = READ_S, whole_s: float = WHOLE_S) -> None:
        """Page one pager; `read_s` is waited for each answer, `whole_s` for all of them."""
        super().__init__("snpp")
        self._address = address
        self._read_s = read_s
        self._whole_s = whole_s

    def _notify(self, note: Note) -> Result:
        call = _Call()
        try:
            with (
                socket.create_connection((self._address.host, self._address.port), CONNECT_S) as sock,
                Deadline(sock, self._whole_s),
                sock.makefile("rb") as lines,
            ):
                sock.settimeout(self._read_s)
                silent = note.page.kind == "drill" and not note.loud
                return call.make(sock, lines, self._address, plain(note), silent=silent)
        except OSError as wrong:
            return Result(sent=False, note=call.broke(wrong), surely_unsent=not call.doubt)


class _Call:
    """One conversation with the gateway."""

    def __init__(self) -> None:
        self.doubt = False
        """SEND is out, and not answered."""
        self._met = False

    def make(self, sock: socket.socket, lines: BinaryIO, to: PagerAddress, text: str, *, silent: bool) -> Result:
        code = _code(lines)
        self._met = True
        if code // _CLASS not in _FINE:
            return _refused(code, "the gateway is not ready")
        note = ""
        if to.two_way and (code := _asked(sock, lines, "2WAY")) // _CLASS not in _FINE:
            note = f"the gateway is not two-way ({code})"
        for command, what in (
            (f"PAGE {to.pager}", "the gateway refuses this pager"),
            (f"MESS {text}", "the gateway refuses this text"),
        ):
            code = _asked(sock, lines, command)
            if code // _CLASS not in _FINE:
                return _refused(code, what)
        if silent:  # it knows this pager and takes this text: that is proven, and nothing sounds
            sock.sendall(b"QUIT\r\n")
            return Result(sent=True, note=note)
        self.doubt = True
        code = _asked(sock, lines, "SEND")
        if code // _CLASS not in _TAKEN:
            return _refused(code, "the gateway did not send it")
        sent = Result(sent=True, note=note, delivered=code in _DELIVERED or code in _READ, read=code in _READ)
        try:
            sock.sendall(b"QUIT\r\n")
        except OSError:  # it has the page: how it says goodbye is its own business
            return sent
        return sent

    def broke(self, wrong: OSError) -> str:
        if self.doubt:
            return "the gateway broke off before it said whether it has the page"
        if self._met:
            return "the gateway broke off"
        if isinstance(wrong, TimeoutError):
            return "the gateway does not answer"
        if isinstance(wrong, socket.gaierror):
            return "the gateway's name is not known"
        return "the gateway cannot be reached"


def _refused(code: int, what: str) -> Result:
    for_good = code // _CLASS == 5 and code != _TECHNICAL  # noqa: PLR2004 - as in SMTP
    return Result(sent=False, note=f"{what} ({code})", retry=not for_good, surely_unsent=True)


def _asked(sock: socket.socket, lines: BinaryIO, command: str) -> int:
    sock.sendall(f"{command}\r\n".encode("ascii"))
    return _code(lines)


def _code(lines: BinaryIO) -> int:
    """Read an answer. OSError if there is none, or none that is SNPP."""
    for _ in range(_MOST_LINES):
        line = lines.readline(_MOST_LINE)
        digits = line[:_DIGITS]
        if not line.endswith(b"\n") or len(digits) < _DIGITS or not digits.isdigit():
            break
        if int(digits) != _INFORMATION and line[_DIGITS : _DIGITS + 1] != b"-":
            return int(digits)
    raise ConnectionError


def plain(note: Note) -> str:
    """Return a page's text as a pager can show it: one line of ASCII; ``é`` becomes ``e``, what has no ASCII ``?``."""
    again = " (again)" if note.page.again else ""
    folded = unicodedata.normalize("NFKD", note.page.text.translate(_PLAIN))
    letters = "".join(each for each in folded if not unicodedata.combining(each))
    line = "".join(each if " " <= each <= "~" else "?" for each in " ".join(letters.split()))
    most = MOST_CHARS - len(again)
    return (line if len(line) <= most else f"{line[: most - 3]}...") + again
