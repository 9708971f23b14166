"""``/callers/{number}``: somebody calls, or stands there: how do their flights stand, in words to read out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from fastapi import APIRouter, Depends, Path, Request, Response

from andgate.flights import mail_address, newest, sentence, telephone
from andgate.routing import clock_text, shown_key
from andgate.wire.codec import format_time
from hub.web.api.answer import answers, json
from hub.web.api.answers import CallerAnswer, Erased, FlightEntry, NewsEntry
from hub.web.api.arguments import LONGEST, only_known
from hub.web.api.moments import Here
from hub.web.auth import Needs
from hub.web.problems import ProblemError, unprocessable

if TYPE_CHECKING:
    from collections.abc import Sequence

    from andgate.moment.moments import Moment
    from andgate.plan import Plan
    from hub.store import Customers
    from hub.web.context import Context

MOST_MOMENTS = 50

router = APIRouter(tags=["callers"], dependencies=[Depends(only_known), Depends(Needs("act"))])

Number = Annotated[
    str, Path(max_length=LONGEST, description="A telephone number, as it was dialled or shown, or an e-mail address.")
]


@router.get("/callers/{number}", **answers(CallerAnswer, 404))
def caller(request: Request, here: Here, number: Number) -> Response:
    """Tell how the flights stand that this caller asked to be told about."""
    address = _address(number)
    flights = sorted({wish.flight for wish in customers(request).of_address(address)})
    if not flights:
        raise ProblemError(404, "unknown-caller", "Nobody with this number asked to be told about a flight.")
    entries = [_flight(here, flight) for flight in flights]
    return json(CallerAnswer(number=address, words=" ".join(entry.words for entry in entries), flights=entries))


@router.delete("/callers/{number}", **answers(Erased, 404))
def erase(request: Request, number: Number) -> Response:
    """Erase everything that this caller gave: on request, and at once."""
    count = customers(request).erase(_address(number))
    if not count:
        raise ProblemError(404, "unknown-caller", "Nothing of this number is kept.")
    return json(Erased(erased=count))


def _flight(here: Context, flight: str) -> FlightEntry:
    plan, zone = here.driver.plan, here.driver.plan.site.timezone
    moments = [moment for moment in here.reader.moments(key=flight, limit=MOST_MOMENTS).items if not moment.withdrawn]
    news: list[NewsEntry] = []
    alerts = plan.alerts
    if alerts is not None:
        told = [moment for moment in moments if moment.expectation == alerts.expectation]
        signals = newest(alerts, (row.signal for moment in told for row in here.reader.signals_of(moment.id)))
        news = [
            NewsEntry(signal=it.name, at=format_time(it.at_ms), words=sentence(alerts.news[it.name], it, zone))
            for it in signals
        ]
    others = [moment for moment in moments if alerts is None or moment.expectation != alerts.expectation]
    said = [each.words for each in news] or [f"Of flight {shown_key(flight)} neither delay nor another gate is known."]
    said += _states(others, plan, here.clock.now_ms())
    return FlightEntry(key=flight, flight=shown_key(flight), words=" ".join(said), news=news)


def _states(moments: Sequence[Moment], plan: Plan, now_ms: int) -> list[str]:
    """Return how the promises of a flight stand, the newest of each."""
    newest_of: dict[str, Moment] = {}
    for moment in moments:
        newest_of.setdefault(moment.expectation, moment)
    said = []
    for name, moment in newest_of.items():
        expectation = plan.expectations.get(name)
        if expectation is None or moment.verdict == "void":
            continue
        if moment.verdict == "failure":
            how = "we have not kept this, and are sorry."
        elif moment.verdict == "success":
            how = "done."
        else:
            how = f"{clock_text(max(0, moment.ends_ms - now_ms) / 1000)} left."
        said.append(f"“{expectation.promise}”: {how}")
    return said


def _address(number: str) -> str:
    found = mail_address(number) if "@" in number else telephone(number)
    if found is None:
        raise unprocessable("This is no telephone number and no e-mail address.", "Write it as +39061234567.")
    return found


def customers(request: Request) -> Customers:
    """Return where passengers' wishes are kept; 404 on a hub that tells nobody."""
    found: Customers | None = request.app.state.customers
    if found is None:
        raise ProblemError(404, "no-alerts", "This hub tells nobody about flights.")
    return found
