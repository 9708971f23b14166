"""Every number the terminal is made of, each with its reason. Change them here and nowhere else.

They are guesses of the right size, not measurements of an airport: what the comparison shows is what paging changes
when everything else, down to each passenger's own luck, stays the same.
"""

from __future__ import annotations

from msgspec import Struct, field

Span = tuple[float, float]
"""From, to: drawn evenly between the two."""
Spread = tuple[float, float]
"""Median, and sigma of the logarithm: people's delays have a long tail, so they are drawn log-normally."""


class FlightParameters(Struct, frozen=True):
    """Planes and what is in them."""

    seats: tuple[int, ...] = (50, 76, 124, 150, 150, 166)
    """What flew this route: regional jets of two sizes, and narrow bodies more often than not."""
    load: Span = (0.70, 0.98)
    """US carriers flew 83 % full in 2013."""
    turnaround_min: Span = (70.0, 100.0)
    """Dock to departure of a narrow body with a full change of passengers."""
    last_turnaround_h: float = 17.75
    """Hours after 03:00. Who docks later than 20:45 stays the night; its visit began the morning before."""
    overnight_departs_h: Span = (3.25, 5.75)
    """Hours after 03:00: the morning bank leaves between 06:15 and 08:45."""


class LineParameters(Struct, frozen=True):
    """A check-in line and its desks."""

    share: float
    """Part of a flight's passengers who stand in this line; the others checked in at home and carry no bag."""
    before_min: tuple[float, float, float]
    """Earliest, latest and most frequent arrival, minutes before departure."""
    opens_min: float
    """Service of a flight begins so long before its departure."""
    closes_min: float
    """Service of a flight ends so long before its departure."""
    service_s: float
    """Mean time at the desk."""
    service_floor_s: float
    """Nobody is quicker than this; the rest is exponential."""
    mark_min: float
    """The line is marked where so many minutes of waiting stand."""
    promise_min: float
    """What passengers are promised; used only to count who really waited longer, never for judging."""
    desks: int
    """Desks that exist."""
    target_load: float
    """The roster opens desks for this much of the expected work: planners cut it fine."""
    absent: float
    """Chance that one of a half hour's rostered agents is not there (a break that runs over, a late bus)."""
    slack: int = 2
    """People close up, so the line must lose as many before the mark is free again."""
    walks_through_h: float = 3.0
    """People who walk through the beam in an hour: no line, and not to be taken for one."""
    sees: float = 0.75
    """Chance that an agent presses when the line reaches the mark."""
    sees_after_s: Spread = (22.0, 0.7)
    """When they do."""
    habit: float = 0.10
    """Chance that an agent presses early, by habit, when the line has come to three quarters of the mark."""
    resets_after_s: Spread = (75.0, 0.5)
    """When an agent who pressed early holds the button to take it back."""
    forgets_reset: float = 0.2
    """Chance that they do not think of it until somebody comes by."""
    tries_reset: float = 0.15
    """Chance that an agent tries to reset while the line still stands at the mark; it is refused."""
    releases_after_s: float = 480.0
    """An extra desk stays open so long, and until the line is short: nobody sits down for one minute."""


COUNTER = LineParameters(
    share=0.42,
    before_min=(165.0, 45.0, 105.0),
    opens_min=180.0,
    closes_min=40.0,
    service_s=150.0,
    service_floor_s=45.0,
    mark_min=12.0,
    promise_min=15.0,
    desks=6,
    target_load=0.86,
    absent=0.10,
)
BAG_DROP = LineParameters(
    share=0.20,
    before_min=(150.0, 45.0, 95.0),
    opens_min=180.0,
    closes_min=40.0,
    service_s=70.0,
    service_floor_s=25.0,
    mark_min=7.0,
    promise_min=10.0,
    desks=4,
    target_load=0.86,
    absent=0.08,
)


class StaffParameters(Struct, frozen=True):
    """The people who can act, and how long people take."""

    spare: dict[str, int] = field(
        default_factory=lambda: {"ticket-agents": 3, "baggage": 2, "service-team": 3, "gate-staff": 2, "supervisors": 2}
    )
    """Who can be called from the break room or from lighter work, by group."""
    spare_else: int = 2
    """In a group that is not named above."""
    deaf: float = 0.08
    """Chance that a group misses a page altogether: a flat battery, a loud hall, a radio on the other channel."""
    answers_after_s: Spread = (20.0, 0.8)
    """From the beep to "I'm on it": hands are full, and one in twenty takes more than a minute."""
    walks_s: Span = (30.0, 95.0)
    """From the break room to the place: a terminal is 200 m long, people walk 1.3 m/s, and stairs."""
    supervisor_walks_s: Span = (40.0, 110.0)
    """They come from anywhere."""
    promise_s: float = 240.0
    """What they say it takes."""
    held_up: float = 0.05
    """Chance that whoever is on the way is held up by somebody else and never comes; their claim lapses."""
    phones: float = 0.5
    """Chance that an agent who sees the line at the mark telephones for a colleague, as on any floor without pagers."""
    phones_after_s: Spread = (60.0, 0.6)
    """When they do: not before the customer at the desk is served."""
    makes_good_s: Spread = (300.0, 0.6)
    """From the page about a failure to what was given to whoever waited."""
    forgets_remedy: float = 0.1
    """Chance that nobody does it, or says so."""
    rounds_s: float = 480.0
    """Without any page, somebody looks at a place about every eight minutes, and acts on what they see."""
    fetches_s: Span = (80.0, 200.0)
    """Seeing is not doing: the one who looks must find a colleague and bring them."""
    explains: float = 0.85
    """Chance that a supervisor writes down why a promise was broken."""
    login_s: Span = (20.0, 45.0)
    """Opening a desk: sit down, log in, light the sign."""


class BeltParameters(Struct, frozen=True):
    """Bags from the hold to the belt."""

    crews: int = 3
    """Ramp crews on a shift; a fourth plane waits: one crew, two planes."""
    crews_at_night: int = 3
    """From 21:00 on, and the last bank is as large as the evening's."""
    first_bag_min: tuple[float, float, float] = (5.5, 13.0, 7.5)
    """Chocks, hold open, first cart at the belt: shortest, longest, most frequent."""
    slow: float = 0.14
    """Chance that the hold opens late: another company's loader, a locked container."""
    slow_min: Span = (5.0, 11.0)
    """How much later the first bag comes then."""
    bags_per_pax: float = 0.62
    """Checked bags, on flights of two hours."""
    bags_a_minute: Span = (8.5, 14.0)
    """One crew."""
    helped: float = 2.2
    """What a second pair of hands makes of that rate."""
    jam_every_min: float = 75.0
    """Mean running time between jams of a belt."""
    jam_s: Spread = (260.0, 0.6)
    """Until it is found and freed by whoever is near."""
    jam_called_s: Span = (15.0, 45.0)
    """Until it is free once somebody who was called stands there."""
    done_after_s: Span = (4.0, 35.0)
    """From the last bag to the button."""
    forgets_done: float = 0.06
    """Chance that nobody presses it until somebody asks."""
    asked_s: Spread = (30.0, 0.5)
    """From being asked on the radio to the button."""
    remembers_s: Spread = (540.0, 0.5)
    """Without being asked, when the sign is seen still counting."""


class OversizeParameters(Struct, frozen=True):
    """Prams, skis and cellos, handed out at a door."""

    a_flight: float = 0.22
    """Chance that a flight brings some."""
    after_min: Span = (9.0, 16.0)
    """After docking."""
    takes_s: Spread = (260.0, 0.8)
    """From the door to the owner, if nobody is sent."""
    helped_s: Span = (20.0, 60.0)
    """Once somebody is sent."""


class HelpParameters(Struct, frozen=True):
    """Calls for help at kiosks and help points."""

    calls_h: dict[str, float] = field(default_factory=lambda: {"kiosk": 0.9, "help": 0.5})
    """Calls an hour of the day, by the first word of the touchpoint's id."""
    calls_else_h: float = 1.0
    """At any other."""
    day_h: Span = (1.5, 19.5)
    """Hours after 03:00 with people about."""
    notices_s: Spread = (65.0, 0.8)
    """Without a page: somebody of the team hears the buzzer or sees the lamp."""
    notices: float = 0.85
    """Chance of that; else only somebody's round finds them."""
    serves_s: Spread = (50.0, 0.5)
    """How long helping takes. The clock stops when somebody is there, so this comes after the reset."""
    again: float = 0.3
    """Chance that a caller presses again after a minute alone."""
    forgets_reset: float = 0.04
    """Chance that the helper does not hold the button."""


class GateParameters(Struct, frozen=True):
    """Boarding."""

    boards_min: float = 30.0
    """Boarding is posted for so long before departure."""
    posted_min: float = 10.0
    """The promise begins to run so long before the posted time."""
    after_s: Span = (-60.0, 60.0)
    """When the agents really start, around the posted time."""
    late: float = 0.18
    """Chance that nobody is at the gate in time: the aircraft is not ready, the agent is at another gate."""
    late_s: Span = (100.0, 560.0)
    """How late, if nobody is sent."""
    not_ready: float = 0.2
    """Part of those that nobody can help: the aircraft is still being cleaned."""
    starts_s: Span = (5.0, 25.0)
    """Once somebody is sent and there."""


class Parameters(Struct, frozen=True):
    """The whole terminal."""

    flights: FlightParameters = FlightParameters()
    counter: LineParameters = COUNTER
    bag_drop: LineParameters = BAG_DROP
    staff: StaffParameters = StaffParameters()
    belts: BeltParameters = BeltParameters()
    oversize: OversizeParameters = OversizeParameters()
    help: HelpParameters = HelpParameters()
    gates: GateParameters = GateParameters()


PRESS_S: Span = (0.25, 0.6)
"""A finger on a button."""
HOLD_S: Span = (2.3, 3.2)
"""A hold to reset; the button wants two seconds."""
