"""Who sees, since when, and which journalled blindness may still be taken back.

A device is blind while its node is dark (lost, stopped, or *stale*: online by its word, but its health has not been
heard for three periods), or while the node's own health calls it unknown or faulty. Going blind and seeing again are
signals on the site's timeline; verdicts given in between are provisional.

Dark is not the same as blind. A node whose cable was cut went on watching, and its spool holds what it saw. So the
`blind` that the hub journalled for a dark node is kept in mind:

===================================  ==================================================================================
it comes back in the same boot,      it had watched all along: once its spool has drained, a `watched` signal takes the
its program still running            `blind` back, and what was judged meanwhile is judged anew
another boot, or a program that      it really was dark, and longer than the hub knew: its `blind` is taken back, and
began again                          one journalled from when the node was last heard
it had said goodbye                  it was dark from its goodbye to its birth, as journalled
===================================  ==================================================================================

A device that was blind for a reason of its own stays so for as long as that lasted. What must be known for all this is
in the store, so that a restart of the hub forgets none of it. Belongs to the driver's thread.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Literal

import msgspec

from andgate.moment.engine import HORIZON_MS  # what is older can be neither taken back nor journalled anew
from andgate.moment.signals import BLIND, SIGHTED, WATCHED, Signal
from andgate.quiet import HUB
from hub.store import Store

HEALTH_MS = 15_000
STALE_MS = 3 * HEALTH_MS
"""Health unheard for so long makes an online node stale."""
STALE_REAL_S = 3.0
"""Never stale sooner than after so many real seconds: the clock of a demo may run faster than its nodes can speak."""
PENDING_MOST = 64
"""Spans of one device that wait for its spool; of a node that flaps and never drains the oldest stay as they are."""

Why = Literal["lost", "stopped", "stale"]

_PUT = (
    "insert into blind (signal, node, device, touchpoint, at_ms, why, boot, run, heard_ms, back_ms, top, over) "
    "values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) "
    "on conflict (signal) do update set back_ms = excluded.back_ms, over = excluded.over"
)
"""One statement for everything, since the rows of one statement keep their order."""
_CLEAN = "delete from blind where over = ?"
_ALL = (
    "select signal, node, device, touchpoint, at_ms, why, boot, run, heard_ms, back_ms, "
    "coalesce(top, 0) from blind where over = 0 order by at_ms"
)


class Span(msgspec.Struct):
    """A journalled `blind` of one device of a dark node, as long as it may be taken back."""

    signal: str
    """Identity of the `blind`."""
    node: str
    device: str
    touchpoint: str
    at_ms: int
    why: Why
    boot: str | None
    """The node's boot when it went dark."""
    run: int | None
    """The run of its program, where it says so."""
    heard_ms: int | None
    """When the node was last heard before."""
    back_ms: int | None = None
    """When it came back, if it had watched all along: from then on its spool decides."""
    top: int = 0
    """The greatest number received of its boot when it went dark: what it saw in the dark has a greater one."""


class Change(msgspec.Struct):
    """Going blind or seeing again, of one device."""

    word: str
    device: str
    touchpoint: str
    at_ms: int
    why: str | None = None
    retracts: str | None = None


class Sight:
    """Keeps in mind who is dark, for the fleet."""

    def __init__(self, store: Store, rate: float, top: Callable[[str, str], int]) -> None:
        """Read what is stored.

        Args:
            store: of the hub.
            rate: site seconds per real second.
            top: of a node and boot, the greatest number received.
        """
        self._store = store
        self._top = top
        self._stale_ms = max(STALE_MS, round(STALE_REAL_S * rate * 1000))
        self._heard: dict[str, int] = {}
        self._runs: dict[str, int | None] = {}
        self._due: dict[str, int] = {}
        self._next_ms: int | None = None
        self._own = 0
        self._spans: dict[str, list[Span]] = {}
        store.row(_CLEAN, (True,))
        for row in store.db.execute(_ALL):
            span = Span(*row)
            self._spans.setdefault(span.node, []).append(span)
        for node, run in store.db.execute("select node, run from node where run is not null"):
            self._runs[node] = run

    # ---------------------------------------------------------------------------------------------- who is heard

    def heard(self, node: str, now_ms: int) -> None:
        """Note that a node itself said something; its will is the broker's word."""
        self._heard[node] = now_ms

    def heard_ms(self, node: str) -> int | None:
        """Return when a node was last heard since the hub's start."""
        return self._heard.get(node)

    def run_of(self, node: str) -> int | None:
        """Return the run of a node's program that its newest birth named."""
        return self._runs.get(node)

    def expect(self, node: str, now_ms: int) -> None:
        """Expect a node's next health; without it the node is stale."""
        due_ms = self._due[node] = now_ms + self._stale_ms
        if self._next_ms is None or due_ms < self._next_ms:
            self._next_ms = due_ms

    def jumped(self, now_ms: int) -> None:
        """Take a jump of site time itself: nobody was silent for so long."""
        for node in self._heard:
            self._heard[node] = now_ms
        for node in self._due:
            self._due[node] = now_ms + self._stale_ms
        self._next_ms = min(self._due.values(), default=None)

    def expects(self, node: str) -> bool:
        """Whether a node's health is expected: one that never says any is not missed."""
        return node in self._due

    def excuse(self, node: str) -> None:
        """Expect nothing of a node: it is dark, or stale already."""
        self._due.pop(node, None)

    def next_ms(self) -> int | None:
        """Return when to look who has become stale; sooner does no harm."""
        return self._next_ms

    def overdue(self, now_ms: int) -> list[tuple[str, int]]:
        """Return the nodes that have become stale, with when their health was last heard (or expected from)."""
        if self._next_ms is None or now_ms < self._next_ms:
            return []
        gone = [(node, due_ms - self._stale_ms) for node, due_ms in self._due.items() if due_ms <= now_ms]
        for node, _ in gone:
            del self._due[node]
        self._next_ms = min(self._due.values(), default=None)
        return gone

    def stale_since(self, node: str) -> int | None:
        """Return since when a node was stale when the hub stopped; None where it was not."""
        for span in self._spans.get(node, ()):
            if span.why == "stale" and span.back_ms is None:
                return span.at_ms
        return None

    # ---------------------------------------------------------------------------------------------- who sees

    def went(
        self,
        node: str,
        devices: Mapping[str, str],
        at_ms: int,
        why: Why,
        boot: str | None,
        heard_ms: int | None,
        *,
        now_ms: int,
    ) -> list[Signal]:
        """Return the `blind` of devices (name -> touchpoint) whose node went dark; each may be taken back later."""
        made = []
        run, top = self._runs.get(node), 0 if boot is None else self._top(node, boot)
        for device, touchpoint in devices.items():
            signal = self.signal(Change(BLIND, device, touchpoint, at_ms, why), now_ms)
            made.append(signal)
            if why != "stopped":
                self._keep(Span(signal.id, node, device, touchpoint, at_ms, why, boot, run, heard_ms, top=top))
        return made

    def back(self, node: str, boot: str | None, run: int | None, now_ms: int) -> list[Signal]:
        """A dark node is back: return what is journalled anew, if it really was dark; `sighted` is the caller's."""
        made: list[Signal] = []
        for span in [span for span in self._spans.get(node, ()) if span.back_ms is None]:
            if span.boot == boot and (span.run is None or run is None or span.run == run):
                span.back_ms = now_ms
                self._write(span)
                continue
            self._forget(span)
            from_ms = span.heard_ms
            if from_ms is None or from_ms >= span.at_ms or now_ms - from_ms >= HORIZON_MS:
                continue
            made.append(self._taken_back(span, now_ms))
            made.append(self.signal(Change(BLIND, span.device, span.touchpoint, from_ms, span.why), now_ms))
        return made

    def restarted(
        self, node: str, devices: Mapping[str, str], boot: tuple[str | None, str], run: int | None, now_ms: int
    ) -> list[Signal]:
        """A node that nobody knew to be dark says its birth: return its blindness, if its program had begun again.

        Args:
            node: which node.
            devices: name -> touchpoint of those that saw until then.
            boot: of the birth before, and of this one.
            run: of this birth.
            now_ms: when it was received.
        """
        heard_ms, old = self._heard.get(node), self._runs.get(node)
        same = boot[0] == boot[1] and (old is None or run is None or old == run)
        if same or heard_ms is None or boot[0] is None or heard_ms >= now_ms:
            return []
        made = []
        for device, touchpoint in devices.items():
            made.append(self.signal(Change(BLIND, device, touchpoint, heard_ms, "lost"), now_ms))
            made.append(self.signal(Change(SIGHTED, device, touchpoint, now_ms), now_ms))
        return made

    def born(self, node: str, run: int | None) -> None:
        """Note the run that a node's newest birth named."""
        self._runs[node] = run

    def waits(self, node: str) -> set[str]:
        """Return the boots whose spool is waited for: the node is back, and what it saw may be on its way."""
        return {span.boot for span in self._spans.get(node, ()) if span.back_ms is not None and span.boot is not None}

    def drained(self, node: str, boot: str, now_ms: int) -> list[Signal]:
        """Everything that a node saw in a boot has come in: return what takes its blindness back."""
        made = []
        for span in [span for span in self._spans.get(node, ()) if span.back_ms is not None]:
            if span.boot != boot:
                continue
            self._forget(span)
            if now_ms - span.at_ms < HORIZON_MS:
                made.append(self._taken_back(span, now_ms))
        return made

    def lost_for_good(self, node: str, boot: str, last: int) -> None:
        """Signals up to `last` of a boot are gone: a span in which one of them may have been seen stays blind."""
        for span in [span for span in self._spans.get(node, ()) if span.back_ms is not None and span.boot == boot]:
            if last > span.top:
                self._forget(span)

    def signal(self, change: Change, now_ms: int) -> Signal:
        """Return a signal of the hub's own."""
        self._own += 1
        return Signal(
            id=f"h/{self._store.epoch[:8]}-{self._store.session}-{self._own}",
            name=change.word,
            touchpoint=change.touchpoint,
            at_ms=change.at_ms,
            received_ms=now_ms,
            source=HUB,
            seq=self._own,  # going blind and seeing again in one millisecond stand in the order they were said in
            device=change.device,
            value=change.why,
            retracts=change.retracts,
        )

    def _taken_back(self, span: Span, now_ms: int) -> Signal:
        return self.signal(Change(WATCHED, span.device, span.touchpoint, now_ms, span.why, span.signal), now_ms)

    # ---------------------------------------------------------------------------------------------- what is kept

    def _keep(self, span: Span) -> None:
        spans = self._spans.setdefault(span.node, [])
        mine = [each for each in spans if each.device == span.device]
        if len(mine) >= PENDING_MOST:
            self._forget(mine[0])
        spans.append(span)
        self._write(span)

    def _write(self, span: Span, *, over: bool = False) -> None:
        self._store.row(_PUT, (*msgspec.structs.astuple(span), over))

    def _forget(self, span: Span) -> None:
        self._spans[span.node].remove(span)
        self._write(span, over=True)
