"""Who comes when a pager beeps, and who comes without one: with a claim, a walk, and two hands."""

from __future__ import annotations

from random import Random
from typing import Protocol

from msgspec import Struct

from andgate.plan import Plan
from twin.happenings import Beep
from twin.parameters import StaffParameters
from twin.places import Place
from twin.stage import Play, Stage, poisson_times, spread


class Post(Protocol):
    """A place as the staff see it."""

    place: Place

    @property
    def in_trouble(self) -> bool:
        """What somebody who walks by would act on."""

    def by_radio(self, key: str | None) -> bool:
        """Ask on the radio; true if that is all it takes."""

    def help(self, key: str | None) -> Play:
        """Do what there is to do, standing there."""

    def why(self, key: str | None) -> str:
        """Say why it went wrong there, as somebody would who was there: cause group, colon, cause."""


class _Job(Struct):
    """A moment as the pagers' owners know it."""

    taken: bool = False
    over: bool = False

    def stands(self) -> bool:
        """Nobody is on it and it is not over."""
        return not (self.taken or self.over)


class Staff:
    """Everybody who can be called."""

    def __init__(self, stage: Stage, plan: Plan, parameters: StaffParameters, posts: dict[str, Post]) -> None:
        """Put them in their break rooms."""
        self._stage = stage
        self._plan = plan
        self._parameters = parameters
        self._posts = posts
        self._spare: dict[str, int] = {}
        self._jobs: dict[str, _Job] = {}
        self._calls: dict[str, int] = {}
        self._coming: set[str] = set()
        self._hindered: dict[str, str] = {}
        """Moment -> why nobody answered its page."""
        self._names = 0

    def phoned(self, place: str) -> None:
        """An agent there telephones for a colleague, or does not."""
        self._stage.play(self._phoned(self._posts[place]))

    def begin(self) -> None:
        """Let the rounds begin: somebody looks at every place now and then, with or without pagers."""
        for post in self._posts.values():
            self._stage.play(self._rounds(post))

    def hear(self, beep: Beep, after_s: float) -> None:
        """Let a pager beep `after_s` from the present of the stage."""
        job = self._jobs.setdefault(beep.moment, _Job())
        promise = self._plan.judged.get(beep.expectation)
        if beep.over:
            job.over = True
        elif promise is not None and promise.remedy_of is not None:
            self._stage.play(self._makes_good(beep, job, after_s, promise.first))
        elif beep.touchpoint in self._posts:
            self._stage.play(self._respond(beep, job, after_s))

    def why(self, moment: str, touchpoint: str, key: str | None) -> str | None:
        """Return what a supervisor writes down as the cause of a failure; None where nobody does."""
        if touchpoint not in self._posts or self._stage.chance(f"{moment}/why").random() >= self._parameters.explains:
            return None
        return self._hindered.get(moment) or self._posts[touchpoint].why(key)

    # ---------------------------------------------------------------------------------------------- inside

    def _spare_of(self, group: str) -> int:
        parameters = self._parameters
        return self._spare.setdefault(group, parameters.spare.get(group, parameters.spare_else))

    def _respond(self, beep: Beep, job: _Job, after_s: float) -> Play:
        # Their luck hangs on place and count, so that one page more or less elsewhere changes nothing here.
        number = self._calls[beep.touchpoint] = self._calls.get(beep.touchpoint, 0) + 1
        luck = self._stage.chance(f"{beep.touchpoint}/{beep.group}/{number}")
        deaf = luck.random() < self._parameters.deaf
        answers_s = spread(luck, self._parameters.answers_after_s)
        supervisor = beep.group == "supervisors"
        walks_s = luck.uniform(*(self._parameters.supervisor_walks_s if supervisor else self._parameters.walks_s))
        login_s, held_up = luck.uniform(*self._parameters.login_s), luck.random() < self._parameters.held_up
        first = self._first(beep, luck)
        yield self._stage.after(after_s + answers_s)
        if deaf or not job.stands() or self._spare_of(beep.group) <= 0:
            if job.stands():
                self._hindered[beep.moment] = "quality: page not heard" if deaf else "people: nobody free"
            return
        self._hindered.pop(beep.moment, None)
        job.taken = True
        self._spare[beep.group] -= 1
        self._stage.answer(beep.moment, beep.page, self._name(beep.group), self._parameters.promise_s, first)
        post = self._posts[beep.touchpoint]
        if held_up:
            yield self._stage.after(self._parameters.promise_s)
        elif not post.by_radio(beep.key):
            yield self._stage.after(walks_s)
            # Who hears "over" on the way turns back.
            if not job.over or post.in_trouble:
                yield from self._helps(post, beep.key, login_s)
        job.taken = False
        self._spare[beep.group] += 1

    def _name(self, group: str) -> str:
        self._names = self._names % 40 + 1
        return f"{group}-{self._names}"

    def _first(self, beep: Beep, luck: Random) -> str | None:
        """Return which of the plan's first actions somebody does: mostly the first, as it says."""
        promise = self._plan.judged.get(beep.expectation)
        known = promise.first_actions(beep.touchpoint) if promise is not None else ()
        return known[min(int(luck.expovariate(1.5)), len(known) - 1)] if known else None

    def _makes_good(self, beep: Beep, job: _Job, after_s: float, may: tuple[str, ...]) -> Play:
        """Do for the customers what is owed after a failure, and say what was given."""
        luck = self._stage.chance(f"{beep.touchpoint}/{beep.group}/{beep.key}/{self._stage.now_s:.0f}/makes good")
        deaf, forgets = luck.random() < self._parameters.deaf, luck.random() < self._parameters.forgets_remedy
        answers_s, takes_s = spread(luck, self._parameters.answers_after_s), spread(luck, self._parameters.makes_good_s)
        gave = (luck.choice(may),) if may else ()
        yield self._stage.after(after_s + answers_s)
        if deaf or forgets or not gave or not job.stands() or self._spare_of(beep.group) <= 0:
            return
        job.taken = True
        self._spare[beep.group] -= 1
        name = self._name(beep.group)
        self._stage.answer(beep.moment, beep.page, name, 3 * self._parameters.promise_s)
        yield self._stage.after(takes_s)
        self._stage.give(beep.moment, name, gave)
        self._spare[beep.group] += 1

    def _phoned(self, post: Post) -> Play:
        luck = self._stage.chance(f"{post.place.id}/phones/{self._stage.now_s:.0f}")
        phones, after_s = luck.random() < self._parameters.phones, spread(luck, self._parameters.phones_after_s)
        fetches_s, login_s = luck.uniform(*self._parameters.fetches_s), luck.uniform(*self._parameters.login_s)
        yield self._stage.after(after_s)
        if phones and post.in_trouble and post.place.id not in self._coming:
            self._coming.add(post.place.id)
            yield from self._fetched(post, fetches_s, login_s)

    def _helps(self, post: Post, key: str | None, login_s: float) -> Play:
        if post.place.part == "line":
            yield self._stage.after(login_s)
        yield from post.help(key)

    def _rounds(self, post: Post) -> Play:
        luck = self._stage.chance(f"{post.place.id}/rounds")
        for at_s in poisson_times(luck, self._parameters.rounds_s, 0, 24 * 3600):
            fetches_s, login_s = luck.uniform(*self._parameters.fetches_s), luck.uniform(*self._parameters.login_s)
            yield self._stage.at(at_s)
            if post.in_trouble and post.place.id not in self._coming:
                self._coming.add(post.place.id)
                self._stage.play(self._fetched(post, fetches_s, login_s))

    def _fetched(self, post: Post, fetches_s: float, login_s: float) -> Play:
        yield self._stage.after(fetches_s)
        self._coming.discard(post.place.id)
        group = post.place.group if self._spare_of(post.place.group) > 0 else "supervisors"
        if not post.in_trouble or self._spare_of(group) <= 0:
            return
        self._spare[group] -= 1
        if not post.by_radio(None):
            yield from self._helps(post, None, login_s)
        self._spare[group] += 1
