"""The devices of a node that serve a group: they live on its retained board, cut off or not.

A board says what the group has been paged about and is not over, so a node that was away learns what stands, and what
was over meanwhile is never told. What became of a page here goes back as a receipt.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from math import inf
from typing import Literal

from andgate.plan.hours import is_open
from andgate.wire.codec import format_time, parse_time
from andgate.wire.messages import About, GroupBoard, GroupMoment, NodeConfig, PageReceipt, Transmission
from edge.alarm import Alarm, Call, GroupView, view_of
from edge.clock import NodeClock
from edge.devices.annunciator import Annunciator
from edge.devices.rack import Rack
from edge.devices.speaker import Announcement, Speaker
from edge.devices.transmitter import Transmitter
from edge.face import Face, hours_of
from edge.language import Open
from edge.site_time import SiteTime
from edge.speech import over, sentence, shorter

Did = Literal["sounded", "spoken", "sent", "dropped", "failed"]

OVER_S = 3600.0
"""So long after its deadline a moment ends by itself, if the plan says nothing else; cut off, a node believes that."""
RECEIPTS_MOST = 200
"""Receipts that wait for a connection; the oldest go first: they are news, no evidence of a promise."""


class BreakRoom:
    """What a node tells the people of its groups; belongs to the worker."""

    def __init__(self, rack: Rack, time: SiteTime, clock: NodeClock, face: Face) -> None:
        """Begin knowing nothing."""
        self.boards: dict[str, GroupBoard] = {}
        """What the hub said last, by group."""
        self.receipts: deque[PageReceipt] = deque(maxlen=RECEIPTS_MOST)
        """What is to be told of pages."""
        self.due_s = -inf
        """When something will be otherwise."""
        self._rack, self._time, self._face = rack, time, face
        self._pace = 1.0 / clock.real_s(1.0)
        self._zone = "UTC"
        self._alarms: dict[str, tuple[Annunciator, Alarm]] = {}
        self._said: dict[str, dict[str, str]] = {}
        """Of each speaker the pages that it was given, and the moment each is about."""
        self._spoken: dict[str, dict[str, Call]] = {}
        """Of each speaker what it has said, by moment, while that stands."""
        self._views: dict[str, GroupView] = {}

    @staticmethod
    def groups_of(config: NodeConfig | None) -> set[str]:
        """Return the groups that a node's devices serve."""
        devices = config.devices.values() if config is not None else ()
        return {str(it.settings["group"]) for it in devices if it.settings.get("group")}

    def configure(self, config: NodeConfig) -> None:
        """Take up new devices; one that has changed has told nobody anything yet."""
        self._zone = config.timezone
        alarms = {}
        for name, device in self._rack.devices.items():
            if isinstance(device, Annunciator):
                known = self._alarms.get(name)
                same = known is not None and known[0] is device
                alarms[name] = known if same and known is not None else (device, Alarm(device.longest_s, self._pace))
        self._alarms = alarms
        self._said = {it.id: self._said.get(it.id, {}) for it in self._speakers}
        self.review()

    @property
    def _speakers(self) -> list[Speaker]:
        return [it for it in self._rack.devices.values() if isinstance(it, Speaker)]

    @property
    def _transmitters(self) -> list[Transmitter]:
        return [it for it in self._rack.devices.values() if isinstance(it, Transmitter)]

    def transmit(self, said: Transmission, now_s: float) -> None:
        """Take a page for the transmitter of this node."""
        found = self._transmitters
        if found:
            found[0].take(said, now_s)
            self.due_s = -inf
        else:
            self._receipt(said.page, "node", "failed", "this node has no transmitter that works", now_s)

    def hear(self, group: str, board: GroupBoard) -> None:
        """Take the hub's word of a group."""
        self.boards[group] = board
        self.review()

    def review(self) -> None:
        """Put every board on the node's clock anew; also when that is known better."""
        self._views = {name: self._view(board) for name, board in self.boards.items()}
        self.due_s = -inf

    def _view(self, board: GroupBoard) -> GroupView:
        return view_of([_call(it, self._time) for it in board.moments], suspended=board.suspended)

    def view(self, group: str) -> GroupView:
        """Return what stands for a group."""
        return self._views.get(group, GroupView())

    def _standing(self, group: str, now_s: float) -> GroupView:
        """Return what stands for a group, as far as a node that is cut off may still believe it."""
        view = self.view(group)
        if not self._face.alone:
            return view
        calls = tuple(it for it in view.calls if now_s < it.open.deadline_s + OVER_S)
        return GroupView(calls, view.suspended and now_s < self._face.alarm_until_s)

    def pressed(self, device: Annunciator, now_s: float) -> About | None:
        """Return what a press claims, and silence its page; None where nothing waits for anybody.

        It says which moment its people saw, and how many they saw to be on it where that was not enough.
        """
        _, alarm = self._alarms[device.id]
        call = alarm.target(self._standing(device.group, now_s), now_s)
        self.due_s = -inf
        if call is None:
            self._face.refuse(device.id, now_s)
            return None
        alarm.answered(call.id, now_s)
        return {"moment": call.id, "coming": call.coming} if call.coming else {"moment": call.id}

    def show(self, now_s: float) -> None:
        """Set every beacon, buzzer and button lamp to what is true now, and note when the next one changes."""
        suspended = any(view.suspended for view in self._views.values())
        self.due_s = now_s + self._pace if suspended else inf  # once nobody hears us, an alarm is not believed for ever
        for device, alarm in self._alarms.values():
            view = self._standing(device.group, now_s)
            quiet = self._quiet(device.quiet, now_s)
            why = "quiet hours: the beacon only" if quiet else None
            for page in alarm.look(view, now_s):
                self._receipt(page, device.id, "sounded", why, now_s)
            says = alarm.say(view, self._face.own_of(device, now_s), now_s, quiet=quiet)
            for light, on in ((device.beacon, says.beacon), (device.buzzer, says.buzzer), (device.light, says.lamp)):
                if light is not None:
                    light.set(on=on)
            wait_s = max(min(says.next_s, 1.0), 0.001) * self._pace
            self.due_s = min(self.due_s, now_s + wait_s, max(alarm.due_s(view, now_s), now_s + 0.001 * self._pace))

        for speaker in self._speakers:
            self._speak(speaker, now_s)
            self.due_s = min(self.due_s, max(speaker.due_s(), now_s + 0.001 * self._pace))
        for transmitter in self._transmitters:
            for sent in transmitter.advance(now_s):
                self._receipt(sent.page, transmitter.id, sent.did, sent.why, now_s)
            self.due_s = min(self.due_s, max(transmitter.due_s(), now_s + 0.001 * self._pace))

    def _speak(self, speaker: Speaker, now_s: float) -> None:
        """Give a speaker what is new, and let it go on."""
        view, said = self._standing(speaker.group, now_s), self._said[speaker.id]
        standing = {call.id for call in view.calls}
        if view.suspended:
            speaker.silence("all sounds are suspended")
        else:
            for call in view.calls:
                if call.page not in said and call.open.claimed_s is None:
                    said[call.page] = call.id
                    self._offer(speaker, call, now_s)
        spoken = self._spoken.setdefault(speaker.id, {})
        for told in speaker.advance(now_s):
            self._receipt(told.page, speaker.id, told.did, told.why, now_s)
            if told.did == "spoken" and told.page in said:
                spoken.update({call.id: call for call in view.calls if call.id == said[told.page]})
        if speaker.says_over and not view.suspended:
            for moment in spoken.keys() - standing:
                self._say_over(speaker, spoken.pop(moment), now_s)
        self._said[speaker.id] = {page: moment for page, moment in said.items() if moment in standing}

    def _offer(self, speaker: Speaker, call: Call, now_s: float) -> None:
        if self._quiet(speaker.quiet, now_s):
            self._receipt(call.page, speaker.id, "dropped", "quiet hours", now_s)
            return
        paged_s = call.open.threatened_s
        since_s = now_s if paged_s is None or not call.open.timed else min(paged_s, now_s)

        def standing() -> Call | None:
            return next((it for it in self.view(speaker.group).calls if it.id == call.id), None)

        def words(at_s: float) -> Iterator[str]:
            now = standing() or call  # the site's time may be known better than it was
            left_s = now.open.deadline_s - at_s if now.open.timed else None
            return shorter(sentence(now.place, now.open.key, left_s, call_sign=speaker.call_sign))

        def wanted() -> str | None:
            now = standing()
            if now is None:
                return "it was over"
            return None if now.open.claimed_s is None else "somebody was on it already"

        speaker.offer(Announcement(call.page, since_s + speaker.stale_s, words, wanted))

    @staticmethod
    def _say_over(speaker: Speaker, call: Call, now_s: float) -> None:
        """Say that what was told is over."""
        text = over(call.place, call.open.key, call_sign=speaker.call_sign)
        speaker.offer(Announcement(f"{call.page}@over", now_s + speaker.stale_s, lambda _: shorter(text), lambda: None))

    def _receipt(self, page: str, device: str, did: Did, why: str | None, now_s: float) -> None:
        at_ms = self._time.ms(now_s)
        at = None if at_ms is None else format_time(at_ms)
        self.receipts.append(PageReceipt(page=page, device=device, did=did, why=why or None, at=at))

    def _quiet(self, span: str, now_s: float) -> bool:
        """Say whether nothing may sound; a node that has lost the time sounds rather than not."""
        hours, at_ms = hours_of(span), self._time.ms(now_s)
        if hours is None or at_ms is None:
            return False
        try:
            return is_open(hours, self._zone, at_ms)
        except (LookupError, ValueError, OSError, OverflowError):
            return False  # a machine that knows no such zone


def _call(said: GroupMoment, time: SiteTime) -> Call:
    """Put one of a board's moments on the node's clock."""

    def mono(text: str | None) -> float | None:
        return None if text is None else time.mono_s(parse_time(text))

    opened_s = mono(said.opened)
    timed = opened_s is not None
    return Call(
        id=said.id,
        page=said.page,
        pages=said.pages,
        place=said.place,
        open=Open(
            expectation=said.expectation,
            key=said.key,
            opened_s=-inf if opened_s is None else opened_s,
            counts_to_s=(mono(said.deadline) or inf) if timed else inf,
            deadline_s=(mono(said.deadline) or inf) if timed else inf,
            threatened_s=(mono(said.paged) or -inf) if timed else -inf,
            failing_s=mono(said.failing) if timed else None,
            claimed_s=None if said.claimed is None else -inf,
            timed=timed,
        ),
        coming=said.coming if isinstance(said.coming, int) and said.claimed is None else 0,
    )
