"""The month before: days of the model, judged by the hub's own gate, engine and store with their `now` in the past.

Every signal goes in as the very message a node or a feed would have sent, through the gatekeeper, the engine, the
journal and its projections. What is left out is the world outside: no broker, and pages reach the model's people only.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date, timedelta
from pathlib import Path

from andgate import __version__
from andgate.causes import find, split
from andgate.errors import RefusedError
from andgate.moment.moments import Moment
from andgate.moment.signals import Action
from andgate.plan import Plan
from andgate.plan.remedies import slug
from andgate.wire.codec import encode
from andgate.wire.messages import Answer, NodeSignal, NodeState
from andgate.wire.topics import Topics
from hub.driver import Past
from hub.store import PageRow
from twin.feed import FEED, feed_member
from twin.flights import day_of
from twin.happenings import Answered, Beep, Gave, Reported
from twin.judge import given, shown_key
from twin.virtual import play
from twin.wires import Seen, Wires
from twin.world import World

DAYS = 30
_HANDS_OFF = 100
"""How many contacts may still be moving when the past ends."""


class PastDriver:
    """The hub's past, heard and answered by the model."""

    def __init__(self, data: Path, plan: Plan, plan_text: str, *, now_ms: int) -> None:
        """Open (or make) the data folder's database and go on from what it holds, no earlier than `now_ms`."""
        self._past = Past(data, plan, plan_text, now_ms=now_ms)
        self.newest_ms = self._past.newest_ms
        """When the newest entry was made; 0 in a new journal."""
        self._topics = Topics(plan.site.id)
        self.world: World | None = None
        """Whose people know why something went wrong."""
        self._explained: set[str] = set()
        self._boot = ""
        self._boot_ms = 0

    def power_on(self, day: date, begins_ms: int) -> None:
        """Let the nodes boot for a day: their numbers begin at 1 again, and they see."""
        self._boot, self._boot_ms = f"past-{day}", begins_ms
        birth = encode(NodeState(state="online", session=0, boot=self._boot, version=__version__))
        self._deliver([(self._topics.node_state(node), birth) for node in self._past.plan.nodes], begins_ms)

    def end(self) -> None:
        """Commit everything and close."""
        self._past.close()

    # ---------------------------------------------------------------------------------------------- as a judge

    def next_ms(self) -> int | None:
        """Return the engine's next deadline."""
        return self._past.next_ms()

    def shown(self, touchpoint: str) -> str | None:
        """Return the key that a sign there shows first."""
        return shown_key(self._past.open_moments(), touchpoint)

    def hear(
        self, seen: Sequence[Seen], reported: Sequence[Reported], answered: Sequence[Answered | Gave], now_ms: int
    ) -> list[Beep]:
        """Judge everything as one message each, as if it had just been delivered."""
        claims = [one for one in answered if isinstance(one, Answered)]
        beeps = self._deliver(self._messages(seen, reported, claims, now_ms), now_ms)
        for gave in answered:
            if isinstance(gave, Gave):
                beeps += self._act(given(gave, id=f"gave-{gave.moment}"))
        return beeps

    # ---------------------------------------------------------------------------------------------- inside

    def _deliver(self, messages: Sequence[tuple[str, bytes]], now_ms: int) -> list[Beep]:
        heard = self._past.hear(messages, now_ms)
        for moment in heard.published:
            self._explain(moment, now_ms)
        return _beeps(heard.pages)

    def _act(self, action: Action) -> list[Beep]:
        try:
            return _beeps(self._past.act(action).pages)
        except RefusedError:  # it may be over by now
            return []

    def _explain(self, moment: Moment, now_ms: int) -> None:
        """Let a supervisor write down the cause of what has just ended as a failure."""
        if self.world is None or moment.state != "ended" or moment.verdict != "failure" or moment.cause is not None:
            return
        if moment.remedies is not None:
            return  # why a promise broke is asked about the promise
        why = self.world.why(moment.id, moment.touchpoint, moment.key)
        if why is not None and moment.id not in self._explained:
            self._explained.add(moment.id)
            category, words = split(why)
            known = find(self._past.plan.expectations.get(moment.expectation), slug(words))
            self._act(
                Action(
                    id=f"cause-{moment.id}",
                    do="cause",
                    moment=moment.id,
                    at_ms=now_ms,
                    by="supervisors-1",
                    reason=why if known is None else f"{known.category}: {known.text}",
                    category=category if known is None else known.category,
                    cause=None if known is None else known.id,
                )
            )

    def _messages(
        self, seen: Sequence[Seen], reported: Sequence[Reported], answered: Sequence[Answered], now_ms: int
    ) -> list[tuple[str, bytes]]:
        messages = []
        for one in seen:
            node, _, device = one.device.partition("/")
            signal = NodeSignal(
                device=device,
                signal=one.signal,
                seq=one.seq,
                boot=self._boot,
                mono=(one.at_ms - self._boot_ms) / 1000,
                sent=(now_ms - self._boot_ms) / 1000,
                key=one.key,
                press=one.press,
            )
            messages.append((self._topics.node_signal(node), encode(signal)))
        if reported:  # what an operations system says at one instant it says in one message
            messages.append((self._topics.feed_signal(FEED), encode([feed_member(one) for one in reported])))
        for claim in answered:
            answer = Answer(
                do="claim",
                by=claim.by,
                moment=claim.moment,
                page=claim.page,
                promise_s=claim.promise_s,
                first=claim.first,
            )
            messages.append((self._topics.answer, encode(answer)))
        return messages


def _beeps(rows: Sequence[PageRow]) -> list[Beep]:
    # The twin plays no technicians; and a page that a group and people of it get is one to the model.
    return list({(row.page, row.group): _beep(row) for row in rows if row.about is not None}.values())


def _beep(row: PageRow) -> Beep:
    return Beep(
        page=row.page,
        group=row.group,
        moment=row.moment,
        expectation=row.expectation,
        touchpoint=row.touchpoint,
        key=row.key,
        over=row.kind == "over",
    )


def live_through(
    driver: PastDriver, plan: Plan, *, until_ms: int, today: date, seed: int, each_day: Callable[[], None]
) -> tuple[World, Wires, int]:
    """Play and judge every day up to `until_ms`, from the beginning or from where the journal ends.

    Args:
        driver: of the hub whose past it is.
        plan: the site.
        until_ms: UTC milliseconds.
        today: the day that the busiest recorded day plays.
        seed: of all luck.
        each_day: called after every day.

    Returns:
        The world of the day of `until_ms`, its wires, and when both stand: a few seconds later where somebody just
        held a button, since a hand cannot be handed over.
    """
    timezone = plan.site.timezone
    last = day_of(until_ms, timezone)
    day = last - timedelta(days=DAYS)
    if driver.newest_ms:
        # What an earlier demo had left of its day is not played twice: the story goes on the morning after.
        day = max(day, day_of(driver.newest_ms, timezone) + timedelta(days=1))
    while True:
        world = World(plan, day, today=today, seed=seed)
        wires = Wires(plan, begins_ms=world.begins_ms)
        driver.world = world
        driver.power_on(day, world.begins_ms)
        play(world, wires, driver, until_ms=min(until_ms, world.ends_ms - 1), paging=True)
        each_day()
        if day >= last:
            break
        day += timedelta(days=1)
    for _ in range(_HANDS_OFF):
        due_ms = wires.next_ms()
        if due_ms is None:
            break
        until_ms = max(until_ms, due_ms)
        play(world, wires, driver, until_ms=until_ms, paging=True)
    return world, wires, until_ms
