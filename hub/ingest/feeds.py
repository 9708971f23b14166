"""What feeds send, over MQTT or HTTP: signals with identities and times of their own.

What cannot be taken from MQTT is quarantined with its reason. A member of a posted list is refused instead, since its
sender is there to be told.
"""

from __future__ import annotations

from collections.abc import Callable, Container

from andgate.errors import PayloadError, RefusedError, WireError
from andgate.moment.signals import Signal
from andgate.wire.codec import decode_feed_signals, parse_time
from andgate.wire.messages import FeedSignal
from hub.ingest.taken import AHEAD_MS, Taken, digest, set_aside
from hub.ingest.vocabulary import Vocabularies
from hub.store import Store

_CONTRADICTED = 'a signal with the id "{}" is stored already, with another content. Use a new id'


class ContradictedError(RefusedError):
    """The same identity with another body (HTTP: 409)."""

    conflict = True


class Feeds:
    """Takes what feeds send; belongs to the gate."""

    def __init__(
        self, store: Store, words: Vocabularies, undigested: Container[str], site_ms: Callable[[int], int]
    ) -> None:
        """Take signals into `store`.

        Args:
            store: of the hub.
            words: the names of the plans.
            undigested: signals that could not be judged, by identity; they are taken no notice of.
            site_ms: from a UTC that others tell to site time.
        """
        self._store = store
        self._words = words
        self._undigested = undigested
        self._site_ms = site_ms

    def signals(self, feed: str, topic: str, payload: bytes, received_ms: int, *, retained: bool) -> Taken:
        """Take a message of ``feed/{feed}/signal``; of a list the good members are taken."""
        taken = Taken()
        try:
            members, taken.more = decode_feed_signals(payload)
        except PayloadError as wrong:
            self._store.quarantine(received_ms, topic, str(wrong), payload)
            return taken
        for member in members:
            if isinstance(member, PayloadError):
                self._store.quarantine(received_ms, topic, str(member), payload)
                continue
            if f"f/{member.id}" in self._undigested:
                continue
            try:
                signal = self._signal(feed, member, received_ms)
                if signal is None:
                    taken.duplicates += 1
                elif retained:
                    set_aside(
                        self._store, received_ms, topic, "a signal delivered as retained may be from the past", member
                    )
                    continue
                else:
                    self._take(signal, member, taken)
            except WireError as wrong:
                set_aside(self._store, received_ms, topic, str(wrong), member)
            taken.ids.append(member.id)
        return taken

    def posted(self, feed: str, members: list[FeedSignal], received_ms: int) -> Taken:
        """Take a posted list, whole or not at all.

        Raises:
            RefusedError: with the `index` of the first member that cannot be taken; then none is.
        """
        new: dict[str, tuple[Signal, FeedSignal]] = {}
        taken = Taken(more=any(member.more for member in members))
        for index, member in enumerate(members):
            try:
                signal = self._signal(feed, member, received_ms)
            except WireError as wrong:
                kind = ContradictedError if isinstance(wrong, ContradictedError) else RefusedError
                raise kind(str(wrong), index=index) from None
            twin = new.get(member.id)
            if twin is not None and digest(twin[1]) != digest(member):
                raise ContradictedError(_CONTRADICTED.format(member.id), index=index)
            if signal is None or twin is not None:
                taken.duplicates += 1
            else:
                new[member.id] = (signal, member)
        for signal, member in new.values():
            self._take(signal, member, taken)
        return taken

    def _take(self, signal: Signal, member: FeedSignal, taken: Taken) -> None:
        self._store.signals.keep(signal, digest(member))
        taken.accepted += 1
        taken.inputs.append(signal)

    def _signal(self, feed: str, member: FeedSignal, received_ms: int) -> Signal | None:
        """Return the signal, None if it is stored already; RefusedError if it cannot be taken."""
        id = f"f/{member.id}"
        kept = self._store.signals.kept(id)
        if kept is not None:
            if kept.digest != digest(member):
                raise ContradictedError(_CONTRADICTED.format(member.id))
            return None
        at_ms = received_ms if member.at is None else self._site_ms(parse_time(member.at))
        named = (member.touchpoint, member.signal, member.device, member.to)
        fault = self._words.now.feed_fault(*named)
        if fault is not None and self._words.at(at_ms).feed_fault(*named) is not None:
            raise RefusedError(fault)
        if at_ms > received_ms + AHEAD_MS:
            raise RefusedError(f"`at` is {(at_ms - received_ms) / 1000:.0f} s in the future. Send what has happened")
        return Signal(
            id=id,
            name=member.signal,
            touchpoint=member.touchpoint,
            at_ms=min(at_ms, received_ms),
            received_ms=received_ms,
            source=feed,
            device=member.device or "",
            key=member.key,
            value=member.value,
            to=member.to,
            about=member.about,
            found=member.found,
            retracts=_identity(member.retracts),
        )


def _identity(retracts: str | None) -> str | None:
    """Return whom a feed takes back: a feed's signal by `id`, or a node's as the trail names it (``n/...``)."""
    if retracts is None or retracts.startswith("n/"):
        return retracts
    return f"f/{retracts}"
