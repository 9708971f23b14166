"""Each kind of place as the staff see it: what is wrong there, and what two hands do about it."""

from __future__ import annotations

from twin.agents import Agents
from twin.belts import Belt
from twin.desks import Line
from twin.gates import Gate
from twin.helppoints import HelpPoint
from twin.oversize import Oversize
from twin.places import Place
from twin.stage import Play


class _Named:
    """What all posts share: a place, and nothing that a word on the radio would settle."""

    def __init__(self, place: Place) -> None:
        self.place = place

    def by_radio(self, key: str | None) -> bool:
        """Nothing here is settled on the radio."""
        del key
        return False


class LinePost(_Named):
    """A check-in line."""

    def __init__(self, line: Line, agents: Agents) -> None:
        """Stand at it."""
        super().__init__(line.place)
        self._line = line
        self._agents = agents

    @property
    def in_trouble(self) -> bool:
        """The line stands at the mark, or a press stands that nobody took back."""
        return self._line.in_trouble

    def help(self, key: str | None) -> Play:
        """Take the press back, or open a desk; where none is left, go along the line."""
        del key
        self._agents.take_back()
        if not self._line.at_mark:
            return
        yield from self._line.extra_desk() if self._line.can_open() else self._line.hurry()

    def why(self, key: str | None) -> str:
        """Say why the line stood too long."""
        del key
        if self._line.pressed_only:
            return "people: reset forgotten"
        return "people: desk not staffed" if self._line.short else "time: everybody came at once"


class BeltPost(_Named):
    """A baggage belt."""

    def __init__(self, belt: Belt) -> None:
        """Stand at it."""
        super().__init__(belt.place)
        self._belt = belt

    @property
    def in_trouble(self) -> bool:
        """It is jammed, or a flight's bags take long."""
        return self._belt.in_trouble

    def by_radio(self, key: str | None) -> bool:
        """Ask whether the bags are out."""
        return self._belt.by_radio(key)

    def help(self, key: str | None) -> Play:
        """Free the belt, lend a hand, press done."""
        return self._belt.help(key)

    def why(self, key: str | None) -> str:
        """Say what held the bags up."""
        return self._belt.why.get(key or "", "time: bag system slow")


class OversizePost(_Named):
    """The oversize door."""

    def __init__(self, door: Oversize) -> None:
        """Stand at it."""
        super().__init__(door.place)
        self._door = door

    @property
    def in_trouble(self) -> bool:
        """Somebody has waited for half of the promise."""
        return self._door.in_trouble

    def help(self, key: str | None) -> Play:
        """Hand it out."""
        del key
        return self._door.help()

    def why(self, key: str | None) -> str:
        """Say why it was not handed out."""
        del key
        return "people: nobody at the door"


class HelpPost(_Named):
    """A help point or a kiosk row."""

    def __init__(self, point: HelpPoint) -> None:
        """Stand at it."""
        super().__init__(point.place)
        self._point = point

    @property
    def in_trouble(self) -> bool:
        """Somebody calls, or the button was never held."""
        return self._point.in_trouble

    def help(self, key: str | None) -> Play:
        """Hold the button and help."""
        del key
        return self._point.help()

    def why(self, key: str | None) -> str:
        """Say why nobody came."""
        del key
        return "people: reset forgotten" if self._point.unheld else "people: nobody near"


class GatePost(_Named):
    """A gate."""

    def __init__(self, gate: Gate) -> None:
        """Stand at it."""
        super().__init__(gate.place)
        self._gate = gate

    @property
    def in_trouble(self) -> bool:
        """Boarding is due and nobody has begun."""
        return self._gate.in_trouble

    def help(self, key: str | None) -> Play:
        """Begin boarding."""
        return self._gate.help(key)

    def why(self, key: str | None) -> str:
        """Say why boarding was late."""
        return self._gate.why.get(key or "", "time: boarding slow")
