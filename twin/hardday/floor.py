"""A real hub in this process, and everything around it: nodes, feed, pagers, phones. Time is moved by hand.

Nothing moves on before the hub has said everything that it has to say at an instant: what is queued and due has gone
out, or hangs at a receiver that keeps it waiting. So the day does not hang on how fast the machine is.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path
from queue import Empty, SimpleQueue
from urllib.parse import urlencode

from andgate import __version__
from andgate.errors import UsageError
from andgate.moment.moments import Moment
from andgate.plan import Plan
from andgate.routing import personal
from andgate.wire.codec import decode_page, encode
from andgate.wire.messages import Answer, NodeSignal, NodeState, TimeAsk
from andgate.wire.topics import Topics, parse
from edge.broker import Broker
from edge.link import Link, Message, Said, Up
from hub.app import HubApp
from hub.clock import SystemClock
from hub.config import Address, HubConfig
from hub.driver.batch import Committed
from hub.paging.fallback import LATE_MS
from hub.store import PageRow
from twin.feed import FEED, feed_member
from twin.happenings import Answered, Beep, Gave, Reported
from twin.hardday.clock import StepClock
from twin.hardday.receivers import Arrival, Receivers
from twin.hardday.script import MUTED_AREA, Script
from twin.hardday.site import ALARM, CONTROL_ROOM, URL, Person
from twin.hubcall import HubAddress, form, give_remedy, post
from twin.judge import shown_key
from twin.wires import Seen

SECOND_MS = 1_000
PATIENCE_S = 60.0
"""Real seconds for anything that the hub must do at one instant; a machine that is busy elsewhere needs some."""
_LOOK_S, _LOOK_MOST_S = 0.002, 0.05
"""Real seconds between looks: a busy machine is not made busier."""
_OPEN_MS, _CALM_MS = 15 * SECOND_MS, 60 * SECOND_MS
"""The longest steps of time: while a promise runs or a page waits, and while nothing happens."""
_LATER_MS = 60 * SECOND_MS
"""Where nobody is on anything, somebody else hands over so much later."""
_BOOT = "hard-1"
_LINK = re.compile(re.escape(URL) + r"(/a/\S+)")
_ASKS = "gatehouse"
"""The node that asks for the time, which shows that the hub has taken everything said before."""


class HardFloor:
    """The site on a hard day; a `Judge` for the model."""

    def __init__(
        self, folder: Path, plan: Plan, script: Script, hired: Sequence[Person], receivers: Receivers, clock: StepClock
    ) -> None:
        """Start the hub on the plan in `folder`; whoever is hired is on its list already."""
        self.clock = clock
        self.script = script
        self.arrivals = receivers.arrivals
        self.findings: dict[str, int] = {}
        """What the auditor found in the course of the day, in words, and at how many instants."""
        self.answers = {"radio": 0, "pager": 0, "link": 0, "handed over": 0, "remedies": 0}
        self._plan = plan
        self._hired = {person.id: person for person in hired}
        self._receivers = receivers
        self._topics = Topics(plan.site.id)
        self._heard: SimpleQueue[Said] = SimpleQueue()
        self._asked = 0
        self._open: dict[int, PageRow] = {}
        """Deliveries that are on their way, by id."""
        self._beeped: set[tuple[str, str]] = set()
        self._told: dict[str, list[PageRow]] = {}
        self._late: list[Seen] = []
        self._instants = [at for at in script.instants() if at > clock.now_ms()]
        self._news: SimpleQueue[PageRow] = SimpleQueue()
        address = Address("127.0.0.1", 0)
        config = HubConfig(plan=folder / "plan.toml", data=folder, broker_listen=address, listen=address)
        self.hub = HubApp(config, clock)
        self.hub.start()
        self.hub.driver.listeners.append(self._committed)
        self.hub.wait_web()
        self._world = SystemClock()
        self._http = HubAddress.at(self.hub.http_url)
        self._link = Link(Broker.at(self.hub.broker_url), "twin-hard-day", self._heard.put, self._world.mono_s)
        self._link.connect(
            None, [f"{self._topics.root}/page/+", self._topics.hub_state, self._topics.node_time_reply(_ASKS)]
        )
        self._until(Up)
        self._until(Message)  # the hub's word that it is there: it hears
        for node in plan.nodes:
            self._birth(node, "online", 1)
        self._settle()

    def close(self) -> None:
        """Stop the hub."""
        self._link.close()
        self.hub.stop()

    # ---------------------------------------------------------------------------------------------- as a judge

    def next_ms(self) -> int:
        """Return when the hub has something to do, at the latest."""
        now_ms = self.clock.now_ms()
        moments = (*self.hub.driver.open_moments(), *self.hub.driver.open_tasks())
        dues = [now_ms + (_OPEN_MS if moments or self._open else _CALM_MS), *self._instants[:1]]
        dues += [at for moment in moments for at in self._dues(moment) if at > now_ms]
        dues += [at for row in self._open.values() for at in (row.due_ms, row.decided_ms + LATE_MS) if at > now_ms]
        dues += [at for at in self._receivers.dues() if at > now_ms]
        return min(dues)

    def shown(self, touchpoint: str) -> str | None:
        """Return the key of the open moment there with the nearest deadline."""
        return shown_key(self.hub.driver.open_moments(), touchpoint)

    def hear(
        self, seen: Sequence[Seen], reported: Sequence[Reported], answered: Sequence[Answered | Gave], now_ms: int
    ) -> list[Beep]:
        """Let time pass up to now, say what has happened, and return whose pagers and phones somebody heard."""
        beeps = self._pass(now_ms)
        said = bool(seen or reported or answered)
        while self._instants and self._instants[0] <= now_ms:
            said = True
            self._strike(self._instants.pop(0))
        for one in seen:
            if self.script.node == one.device.partition("/")[0] and self.script.lost.holds(now_ms):
                self._late.append(one)
            else:
                self._say(one)
        if reported:
            self._link.publish(self._topics.feed_signal(FEED), encode([feed_member(one) for one in reported]))
        for answer in answered:
            if isinstance(answer, Gave):
                self._give(answer)
            else:
                self._claim(answer)
        return beeps + self._settle() if said else beeps

    def run_out(self, until_ms: int) -> None:
        """Let time pass, in which nobody says anything, until nothing is open and nothing waits; at most so long."""
        driver = self.hub.driver
        while self.clock.now_ms() < until_ms and (self._open or driver.open_moments() or driver.open_tasks()):
            self.hear((), (), (), min(self.next_ms(), until_ms))

    # ---------------------------------------------------------------------------------------------- time

    def _pass(self, now_ms: int) -> list[Beep]:
        self.clock.advance(max(0, now_ms - self.clock.now_ms()))
        self._receivers.tick()
        return self._settle(said=False)

    def _dues(self, moment: Moment) -> Iterator[int]:
        """Yield when the ladder of a moment, its claims and its deadline have something to say."""
        promise = self._plan.judged.get(moment.expectation)
        for step in promise.pages if promise is not None else ():
            yield moment.ends_ms - step.left_ms
        yield moment.ends_ms + SECOND_MS
        for claim in moment.coming:
            if claim.until_ms is not None:
                yield claim.until_ms

    def _committed(self, out: Committed) -> None:
        for row in out.pages:
            self._news.put(row)

    def _settle(self, *, said: bool = True) -> list[Beep]:
        """Wait until all that is said is judged, and all that is due has gone out; return what was heard of it.

        Args:
            said: whether anything was said to the hub; else only time has passed.
        """
        beeps: list[Beep] = []
        known, until_s, look_s = len(self._open), self._world.mono_s() + PATIENCE_S, _LOOK_S
        quiet = False
        if said:
            self._ask()
        while self._world.mono_s() < until_s:
            self._sync()
            while not self._news.empty():
                row = self._news.get()
                self._open[row.id] = row
            beeps += self._looked()
            was_quiet, quiet = quiet, self._news.empty() and not self._waiting()
            if quiet and was_quiet:  # once more, since what is read may be a commit that was not yet told of
                break
            if not quiet:
                threading.Event().wait(look_s)
                look_s = min(2 * look_s, _LOOK_MOST_S)
        else:
            raise UsageError(f"the hub did not send what was due at {self.clock.now_ms()}: {list(self._open)[:5]}")
        if beeps or len(self._open) != known:
            self._ask()  # the pages that the broker has, we have
        for finding in self.hub.driver.audit.findings:
            self.findings[finding.what] = self.findings.get(finding.what, 0) + 1
        return beeps

    def _sync(self) -> None:
        self.hub.driver.signals([], FEED).result(PATIENCE_S)

    def _ask(self) -> None:
        """Ask for the time, and take everything that comes before the answer."""
        self._asked += 1
        mono_s = self.clock.mono_s()
        self._link.publish(self._topics.node_time(_ASKS), encode(TimeAsk(n=self._asked, boot=_BOOT, mono=mono_s)))
        wanted = f'"n":{self._asked},'.encode()
        while True:
            said = self._until(Message)
            if isinstance(said, Message) and parse(said.topic).kind == "node/time/reply" and wanted in said.payload:
                return

    def _until(self, kind: type[Message | Up]) -> Said:
        """Wait for something of a kind from the broker; pages are noted."""
        try:
            while True:
                said = self._heard.get(timeout=PATIENCE_S)
                if isinstance(said, Message) and parse(said.topic).kind == "page":
                    self._paged(said)
                elif isinstance(said, kind):
                    return said
        except Empty:
            raise UsageError(f"the hub says nothing for {PATIENCE_S:g} s") from None

    def _paged(self, said: Message) -> None:
        page = decode_page(said.payload)
        if page.kind != "drill":
            self.arrivals.append(
                Arrival(
                    at_ms=self.clock.now_ms(),
                    to=f"page/{parse(said.topic).name}",
                    over=page.kind == "over",
                    taken=True,
                    title="",
                    text=page.text,
                    moment=page.moment,
                )
            )

    # ---------------------------------------------------------------------------------------------- who hears

    def _looked(self) -> list[Beep]:
        """Look what became of every delivery that was on its way; return what people heard."""
        beeps: list[Beep] = []
        for id in list(self._open):
            row = self.hub.reader.delivery(id)
            if row is None or row.state != "queued":
                del self._open[id]
                if row is not None and row.state == "sent":
                    beeps += self._beeps(row)
            else:
                self._open[id] = row
        return beeps

    def _waiting(self) -> bool:
        """Whether anything is due that no receiver holds."""
        holding = self._receivers.holding()
        now_ms = self.clock.now_ms()
        return any(
            row.due_ms <= now_ms and not row.told_in and self._path(row) not in holding for row in self._open.values()
        )

    def _path(self, row: PageRow) -> str:
        if row.channel == CONTROL_ROOM:
            return f"/hook/{CONTROL_ROOM}"
        person = self._hired.get(row.person or "")
        return person.phone if person is not None and row.channel == personal(person.id, 0) else ""

    def _beeps(self, row: PageRow) -> list[Beep]:
        """Return what somebody understands of a delivery; nothing where nobody looks at that phone."""
        path = self._path(row)
        if path.startswith("/phone/") and self.script.phones[int(path.rpartition("/")[2])] == "flat":
            return []
        found = []
        for about in self.hub.reader.told_by(row.page) or ((row.about,) if row.about else ()):
            if row.kind == "page":
                self._told.setdefault(f"{about}/{row.group}", []).append(row)
            key = (f"{row.page}/{about}", row.group)
            moment = self.hub.reader.moment(about)
            if key in self._beeped or moment is None:
                continue
            self._beeped.add(key)
            found.append(
                Beep(
                    page=row.page,
                    group=row.group,
                    moment=about,
                    expectation=moment.expectation,
                    touchpoint=moment.touchpoint,
                    key=moment.key,
                    over=row.kind == "over",
                )
            )
        return found

    # ---------------------------------------------------------------------------------------------- what is said

    def _birth(self, node: str, state: str, session: int) -> None:
        said = NodeState(
            state="online" if state == "online" else "lost", session=session, boot=_BOOT, version=__version__, run=1
        )
        self._link.publish(self._topics.node_state(node), encode(said), retain=True)

    def _say(self, one: Seen) -> None:
        node, _, device = one.device.partition("/")
        self._signal(node, device, one.signal, one.seq, one.at_ms, key=one.key, press=one.press)

    def _signal(
        self,
        node: str,
        device: str,
        signal: str,
        seq: int,
        at_ms: int,
        *,
        key: str | None = None,
        press: int | None = None,
    ) -> None:
        now_ms = self.clock.now_ms()
        begun_ms = now_ms - round(self.clock.mono_s() * 1000)
        said = NodeSignal(
            device=device,
            signal=signal,
            seq=seq,
            boot=_BOOT,
            mono=(at_ms - begun_ms) / 1000,
            sent=(now_ms - begun_ms) / 1000,
            key=key,
            press=press,
        )
        self._link.publish(self._topics.node_signal(node), encode(said))

    def _claim(self, answered: Answered) -> None:
        """Claim as whoever heard it: by the link on a phone, or from a pager."""
        group = answered.by.rpartition("-")[0]
        rows = self._told.get(f"{answered.moment}/{group}", [])
        mine = [row for row in rows if row.person in self._hired]
        row = mine[sum(self.answers.values()) % len(mine)] if mine else None
        by = self._hired[row.person].name if row is not None and row.person is not None else answered.by
        path = self._path(row) if row is not None else ""
        link = self._link_of(path, row) if row is not None and path else None
        if link is not None:
            self.answers["link"] += 1
            form(self._http, link, urlencode({"minutes": "5"}))
            return
        self.answers["radio" if row is None else "pager"] += 1
        answer = Answer(
            do="claim",
            by=by,
            moment=answered.moment,
            page=answered.page,
            promise_s=answered.promise_s,
            first=answered.first,
        )
        self._link.publish(self._topics.answer, encode(answer))

    def _link_of(self, path: str, row: PageRow) -> str | None:
        """Return the link in the message that a phone got of a page."""
        for arrival in reversed(self.arrivals):
            if arrival.to == path and arrival.taken and not arrival.over and arrival.title == row.title:
                found = _LINK.search(arrival.text)
                return found[1] if found is not None else None
        return None

    def _give(self, gave: Gave) -> None:
        try:
            give_remedy(self._http, gave.moment, gave.gave, gave.by)
        except OSError:  # the task ended while they were at it
            return
        self.answers["remedies"] += 1

    # ---------------------------------------------------------------------------------------------- what goes wrong

    def _strike(self, at_ms: int) -> None:
        """Do what the script says of an instant."""
        script = self.script
        node, _, device = ALARM.partition("/")
        if at_ms == script.alarm.from_ms:
            self._signal(node, device, "suspended", 1, at_ms)
        elif at_ms == script.alarm.to_ms:
            self._signal(node, device, "resumed", 2, at_ms)
        elif at_ms == script.mute.from_ms:
            lasts_s = (script.mute.to_ms - script.mute.from_ms) / 1000
            said = {
                "reason": "The floor is washed",
                "by": "Facility management",
                "lasts_s": lasts_s,
                "areas": [MUTED_AREA],
            }
            post(self._http, "/api/v1/mutes", said)
        elif at_ms == script.lost.from_ms:
            self._birth(script.node, "lost", 1)
        elif at_ms == script.lost.to_ms:
            self._birth(script.node, "online", 2)
            late, self._late = self._late, []
            for one in late:
                self._say(one)
        else:
            self._hand_over()

    def _hand_over(self) -> None:
        """Whoever is on the moment with most time left asks the supervisors to take over."""
        claimed = [moment for moment in self.hub.driver.open_moments() if moment.coming]
        if not claimed:
            self._instants = sorted([*self._instants, self.clock.now_ms() + _LATER_MS])
            return
        moment = max(claimed, key=lambda each: (each.ends_ms, each.id))
        said = {"group": "supervisors", "by": moment.coming[0].by, "reason": "Needed elsewhere"}
        try:
            post(self._http, f"/api/v1/moments/{moment.id}/hand-over", said)
        except OSError:  # it lapsed at this very instant
            return
        self.answers["handed over"] += 1
