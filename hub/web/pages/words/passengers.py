"""The words of the pages of passengers who want to be told."""

from __future__ import annotations

PASSENGERS: dict[str, str] = {
    # passengers who want to be told
    "alerts.title": "Know what is new about your flight",
    "alerts.more": "Tell us your flight and how to reach you. We tell you of delays and of another gate.",
    "alerts.flight": "Flight",
    "alerts.day": "Day it leaves",
    "alerts.way": "How we reach you",
    "alerts.address": "Your address or number for that",
    "alerts.do": "Tell me",
    "alerts.kept": "What you write here is used for this alone. It is erased after the flight, or when you stop it.",
    "alerts.wrong.flight": "This is no flight. Write it as on your ticket, such as AG1234.",
    "alerts.wrong.day": "This day is over, or too far away.",
    "alerts.wrong.way": "Choose how we reach you.",
    "alerts.wrong.address": "This is no e-mail address.",
    "alerts.wrong.number": "This is no telephone number. Write it with its country, such as +39 06 1234567.",
    "alerts.wrong.full": "Too many people have asked for now. Please look at the screens.",
    "alerts.wrong.asked": "We have written to this address several times without an answer. Say yes there first.",
    "alerts.wrong.watches": "This address watches as many flights as it can. Stop one of them first.",
    "alerts.asked": "One more step",
    "alerts.asked.more": "We have sent a question by *{way}* to *{address}*. Say yes there: before, we send nothing.",
    "alerts.another": "Another flight",
    "alerts.flight.is": "Flight {flight}",
    "alerts.unconfirmed": "Shall we tell *{address}* by *{way}* what is new about flight *{flight}* on *{day}*?",
    "alerts.confirmed": "We tell *{address}* by *{way}* what is new about flight *{flight}* on *{day}*.",
    "alerts.confirm": "Yes, tell me",
    "alerts.stop": "Nothing about {flight}, and erase me",
    "alerts.stopped": "Stopped",
    "alerts.stopped.more": "You hear nothing more of flight *{flight}*, and your address is erased.",
    "alerts.again": "Watch another flight",
    "alerts.word.title": "Flight {flight}: shall we tell you?",
    "alerts.word": "Somebody, you we hope, asked {site} to tell you what is new about flight {flight} on {day}. "
    "To say yes: {base}/alerts/{{token}}/confirm If it was not you, do nothing: it is forgotten within a day.",
}
