"""Getting the spool's signals to the hub: new ones at once and one by one, old ones in paced lists, until receipted.

A signal leaves the spool only on the hub's receipt, so everything here may be forgotten and begun again at any time.
What was sent and not receipted is sent again: after a new connection, when the hub says it is online, and when a
receipt takes too long (5 s, then longer and longer up to a minute, by chance a little more or less). Lists go oldest
first, the next one only after the receipt for the last.

Two hundred nodes that come back together do not choke the hub, nor keep anybody's live press waiting: a long backlog
begins after a short pause by chance, and a list is as long as the hub takes in good time: it is halved when a receipt
takes a second, and grows again while receipts come within a quarter of one. Owned by the worker; no paho, no threads.
"""

from __future__ import annotations

import logging
import random
from collections.abc import Callable

import msgspec

from andgate.wire.codec import encode
from andgate.wire.messages import MAX_PAYLOAD_BYTES, HubState, NodeSignal, Receipt
from edge.clock import NodeClock
from edge.spool import Entry, Spool, is_stored

_log = logging.getLogger("andgate.edge")

PATIENCE_S = 5.0
"""How long a receipt may take before a signal is sent again; real seconds."""
LONGEST_S = 60.0
BACKLOG = 50
"""More than this waiting is a backlog: it begins after a pause."""
PAUSE_S = 1.0
"""The longest pause before it."""
LONGEST_LIST, SHORTEST_LIST = 100, 25
"""The hub judges a list in one go: beside lists of 500, which is the most that a message may hold, a press elsewhere
waited three times as long for its page as beside these, and the spool was empty a sixth sooner."""
QUICK_S, SLOW_S = 0.25, 1.0
"""A list that is receipted sooner than the one lets the next be twice as long, later than the other half."""
SOON_S = 1.0
"""The same when the hub has just spoken: then it is there, and a receipt comes at once or never."""
ROOM_BYTES = MAX_PAYLOAD_BYTES - 2048
MORE_BYTES = 64
"""What `sent` and `more` add to a member of a list, at most."""

_decode = msgspec.json.Decoder(NodeSignal).decode
Mark = tuple[str, int]


class Delivery:
    """What is on its way."""

    def __init__(
        self,
        spool: Spool,
        send: Callable[[bytes], None],
        clock: NodeClock,
        chance: Callable[[], float] = random.random,
    ) -> None:
        """Deliver from a spool; `send` publishes on the node's signal topic, `chance` is from 0 up to 1."""
        self._spool, self._send, self._clock, self._chance = spool, send, clock, chance
        self._pace = 1.0 / clock.real_s(1.0)
        self.connected = False
        self.hub_online: bool | None = None
        """None until the broker has told."""
        self._live: dict[Mark, float] = {}
        """Sent singly on this connection and not receipted -> when."""
        self._list: set[Mark] = set()
        """The list that is under way."""
        self._due_s: float | None = None
        self._wait_s = PATIENCE_S
        self._size = LONGEST_LIST
        """How long the next list may be."""
        self._listed_s = 0.0
        """When the list under way was sent."""
        self._begin_s: float | None = None
        """When a backlog begins to go, after a pause."""

    def up(self, now_s: float) -> None:
        """A connection stands: whatever is waiting goes now."""
        self.connected = True
        self._again(now_s)

    def down(self) -> None:
        """The connection is gone: what was on its way may have been lost with it."""
        self.connected = False
        self.hub_online = None
        self._forget()

    def hub(self, said: HubState, now_s: float, *, again: bool, live: bool = False) -> None:
        """The hub said how it is.

        Args:
            said: what it said.
            now_s: now.
            again: it is a new session or epoch, which may have missed what was sent.
            live: it said so just now; perhaps it has just connected, and what was sent before is lost.
        """
        online = said.state == "online"
        if online and (again or self.hub_online is False):
            self._forget()
            self._again(now_s)
        elif online and live and self._due_s is not None:
            self._wait_s = min(self._wait_s, SOON_S)
            self._due_s = min(self._due_s, now_s + SOON_S * self._pace)
        self.hub_online = online

    def silence_over(self, now_s: float) -> None:
        """The hub had said nothing for long and is there again: what was sent into the silence is not waited for."""
        if self._due_s is not None:
            self._wait_s = min(self._wait_s, SOON_S)
            self._due_s = min(self._due_s, now_s + SOON_S * self._pace)

    def live(self, entries: list[Entry], now_s: float) -> None:
        """Send what has just happened, one message each, whatever else is under way."""
        if not self.connected:
            return
        for entry in entries:
            self._live[entry.boot, entry.seq] = now_s
            self._send(encode(self._member(entry, self._clock.mono_s())))
        if self._due_s is None:
            self._due_s = now_s + self._wait_s * self._pace

    def _member(self, entry: Entry, sent_s: float, *, more: bool = False) -> NodeSignal:
        """Say a signal with when it is sent: on its own clock only, which for an ended boot's runs no more."""
        said = _decode(entry.body)
        sent = sent_s if self._spool.is_of_this_boot(said.boot) else None
        return msgspec.structs.replace(said, sent=sent, more=more)

    def receipt(self, receipt: Receipt, now_s: float, now_ms: int) -> None:
        """The hub has stored these."""
        self._spool.receipt(receipt, now_ms)

        self._live = {mark: at_s for mark, at_s in self._live.items() if not is_stored(receipt, *mark)}
        if self._list:
            self._list = {mark for mark in self._list if not is_stored(receipt, *mark)}
            if not self._list:
                self._wait_s = PATIENCE_S
                took_s = (now_s - self._listed_s) / self._pace
                if took_s <= QUICK_S:
                    self._size = min(self._size * 2, LONGEST_LIST)
                elif took_s >= SLOW_S:
                    self._size = max(self._size // 2, SHORTEST_LIST)
                self._next_list(now_s)
        if not self._list and not self._live:
            self._due_s = None
            self._wait_s = PATIENCE_S

    def requeued(self, now_s: float) -> None:
        """More is waiting than was: send it."""
        if self.connected and not self._list and self._begin_s is None:
            self._next_list(now_s)

    def due_s(self) -> float | None:
        """Return when a receipt has taken too long, or a pause is over; or None."""
        dues = [due for due in (self._due_s, self._begin_s) if due is not None]
        return min(dues, default=None) if self.connected else None

    def advance(self, now_s: float) -> None:
        """Let time pass: send again what has waited too long, more patiently each time."""
        if self.connected and self._begin_s is not None and now_s >= self._begin_s:
            self._begin_s = None
            if not self._list:
                self._next_list(now_s)
        if not self.connected or self._due_s is None or now_s < self._due_s:
            return
        self._due_s = None
        late_s = now_s - self._wait_s * self._pace
        fresh = {mark: at_s for mark, at_s in self._live.items() if at_s > late_s}
        if self._list or len(fresh) < len(self._live):
            self._wait_s = min(self._wait_s * (2 + self._chance() / 10), LONGEST_S)
            self._size = max(self._size // 2, SHORTEST_LIST) if self._list else self._size
            self._list.clear()
            self._live = fresh
            self._next_list(now_s)
        self._watch_live()

    def _watch_live(self) -> None:
        """Note when the oldest single signal has waited too long, unless something else is due before."""
        if self._due_s is None and self._live:
            self._due_s = min(self._live.values()) + self._wait_s * self._pace

    def _again(self, now_s: float) -> None:
        self._wait_s = PATIENCE_S
        if self._list or self._begin_s is not None:
            return
        pause_s = self._chance() * PAUSE_S if len(self._spool.waiting(BACKLOG + 1)) > BACKLOG else 0.0
        if pause_s:
            self._begin_s = now_s + pause_s * self._pace
        else:
            self._next_list(now_s)

    def _forget(self) -> None:
        self._live.clear()
        self._list.clear()
        self._due_s = self._begin_s = None

    def _readable(self, entry: Entry) -> bool:
        """Say whether a body is what was written; one that rotted on the card must not keep back all the others."""
        try:
            _decode(entry.body)
        except (msgspec.MsgspecError, UnicodeDecodeError):
            _log.error("signal %s of %s cannot be read any more; the hub sees that it lacks", entry.seq, entry.boot)
            self._spool.give_up(entry)
            return False
        return True

    def _next_list(self, now_s: float) -> None:
        """Send the oldest that wait and are not under way singly: a list of them, no longer than one message may be."""
        waiting = self._spool.waiting(self._size + 1 + len(self._live))
        waiting = [entry for entry in waiting if (entry.boot, entry.seq) not in self._live and self._readable(entry)]
        if not waiting:
            return
        taken, size = 0, 2
        for entry in waiting[: self._size]:
            size += len(entry.body) + MORE_BYTES
            if size > ROOM_BYTES and taken:
                break
            taken += 1
        more = taken < len(waiting)
        sent_s = self._clock.mono_s()
        members = [self._member(entry, sent_s, more=more) for entry in waiting[:taken]]
        self._list = {(entry.boot, entry.seq) for entry in waiting[:taken]}
        self._due_s = now_s + self._wait_s * self._pace
        self._listed_s = now_s
        self._send(encode(members[0] if taken == 1 and not more else members))
