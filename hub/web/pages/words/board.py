"""The words of the boards."""

from __future__ import annotations

BOARD: dict[str, str] = {
    # board
    "board.title": "Board",
    "board.which": "Which board?",
    "board.all": "The whole site",
    "board.nobody": "Nobody is on it yet.",
    "board.paged": "{group} paged {time}.",
    "board.paged.none": "Nobody paged yet.",
    "board.somebody": "Somebody is on it.",
    "board.waiting": "Customers still wait.",
    "board.go": "Go",
    "board.more": "and {n} more",
    "board.saved": "Saved today",
    "board.saved.none": "None yet.",
    "board.kept": "{kept} of {all} kept",
    "board.last": "Last failure: {place}, {time}",
    "board.last.late": "Last failure: {place}, {time}, {late} late",
    "board.last.cause": "{cause}",
    "board.last.remedy": "Now: {remedy}",
    "board.last.nocause": "No cause given yet.",
    "board.last.none": "No failure today.",
    "board.calm": "All calm.",
    "board.calm.blind": "No threat seen.",
    "board.blind": "{n} places cannot be seen.",
    "board.blind.one": "{place} cannot be seen.",
    "board.calm.next": "Next promise: {place}, {time}",
    "board.calm.none": "No promise is running.",
    "board.live": "{time}, live",
}
