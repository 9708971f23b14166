"""Reading one table of a plan, key by key; what is wrong is noted with its line and remedy, and reading goes on."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator
from datetime import date, time
from difflib import get_close_matches

from andgate.errors import Problem
from andgate.plan.durations import MAX_DURATION_MS, format_duration, parse_duration
from andgate.plan.lines import Path

ID = re.compile(r"[a-z0-9][a-z0-9-]{0,62}")
_BARE = re.compile(r"[A-Za-z0-9_-]+")
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")
_MAX_TEXT = 500
"""Characters; more fits neither a pager nor a wall."""
_MAX_SHOWN = 40
"""Characters of a wrong value."""
_MAX_NUMBER = 1_000_000
_MAX_LISTED = 12
"""So many known names are told in a remedy."""


class Book:
    """The problems of one plan, and the lines to report them at."""

    def __init__(self, lines: dict[Path, int]) -> None:
        """Begin with no problem."""
        self.lines = lines
        self.problems: list[Problem] = []

    def note(self, path: Path, what: str, remedy: str) -> None:
        """Keep a problem of a key, or of the table it is missing in."""
        at = path
        while at and at not in self.lines:
            at = at[:-1]
        self.problems.append(Problem(line=self.lines.get(at, 0), key=dotted(path), what=what, remedy=remedy))

    def in_order(self) -> list[Problem]:
        """Return the problems in file order; of one line, in the order they were found."""
        return sorted(self.problems, key=lambda problem: problem.line)


def dotted(path: Path) -> str:
    """Write a path as in a file: ``expectations.check-in-wait.pages[0].left``."""
    text = ""
    for part in path:
        if isinstance(part, int):
            text += f"[{part}]"
            continue
        shown = part if _BARE.fullmatch(part) else show(part)
        text += f".{shown}" if text else shown
    return text


def show(value: object) -> str:
    """Show a value as it stood in the file, shortened."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, dict):
        return "a table"
    if isinstance(value, list):
        return "a list"
    if isinstance(value, date | time):
        return f"the date or time {value.isoformat()}"
    if isinstance(value, int | float):
        return f"{value:g}" if isinstance(value, float) or abs(value) < 10**15 else "a huge number"
    text = _CONTROL.sub("?", str(value))
    return f'"{text[:_MAX_SHOWN]}..."' if len(text) > _MAX_SHOWN else f'"{text}"'


def known(name: str, options: Collection[str], what: str) -> str:
    """Return the remedy for an unknown name: the nearest, and what there is."""
    if not options:
        return f"The plan has no {what} yet: add one first"
    names = sorted(options)
    more = f" and {len(names) - _MAX_LISTED} more" if len(names) > _MAX_LISTED else ""
    listed = f"Name one of: {', '.join(names[:_MAX_LISTED])}{more}"
    near = get_close_matches(name[:80].lower(), names, n=1)
    return f'Did you mean "{near[0]}"? {listed}' if near else listed


def id_remedy(name: str) -> str:
    """Return the remedy for a bad id, with one that would do."""
    slug = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")[:63]
    rule = "Use lower-case letters, digits and hyphens, at most 63, beginning with a letter or digit"
    return f'{rule}, such as "{slug}"' if slug else rule


class Table:
    """One table under reading. Every key that is asked for is a known one; `close` reports the others."""

    def __init__(self, book: Book, path: Path, content: dict[str, object]) -> None:
        """Begin to read the table that stands at `path`."""
        self.book = book
        self.path = path
        self.content = content
        self.asked: set[str] = set()

    def wrong(self, key: str, what: str, remedy: str) -> None:
        """Note a problem of a key here."""
        self.book.note((*self.path, key), what, remedy)

    def close(self) -> None:
        """Report every key that nobody asked for."""
        for key in self.content:
            if key not in self.asked:
                self.wrong(key, f"unknown key {show(key)}", known(key, self.asked, "such key"))

    def _take(self, key: str, remedy: str | None) -> object | None:
        """Return a key's value; where it is missing, note that if there is a `remedy`."""
        self.asked.add(key)
        value = self.content.get(key)
        if value is None and remedy is not None:
            self.wrong(key, "is missing", remedy)
        return value

    def text(self, key: str, *, example: str | None = None) -> str | None:
        """Read words for people, blanks tidied; required if an `example` is given."""
        value = self._take(key, example and f"Add {key} = {show(example)}")
        if value is None:
            return None
        if not isinstance(value, str):
            self.wrong(key, f"must be text, not {show(value)}", f'Write it in quotes, as in {key} = "..."')
            return None
        words = " ".join(value.split())
        if not words:
            self.wrong(key, "is empty", "Write what people shall read, or leave the key out if it is optional")
        elif len(words) > _MAX_TEXT:
            self.wrong(key, f"has {len(words)} characters", f"Write at most {_MAX_TEXT}")
        elif _CONTROL.search(words):
            self.wrong(key, "has control characters", "Write plain text")
        else:
            return words
        return None

    def name(self, key: str, *, example: str | None = None) -> str | None:
        """Read an id that need not be defined elsewhere; required if an `example` is given."""
        value = self._take(key, example and f"Add {key} = {show(example)}")
        return None if value is None else self.id_of((*self.path, key), value)

    def id_of(self, path: Path, value: object) -> str | None:
        """Return an id, or note why it is none."""
        if not isinstance(value, str):
            self.book.note(path, f"must be text, not {show(value)}", "Write an id in quotes")
        elif not ID.fullmatch(value):
            self.book.note(path, f"bad id {show(value)}", id_remedy(value))
        else:
            return value
        return None

    def reference(self, key: str, options: Collection[str], what: str, *, required: bool = True) -> str | None:
        """Read the id of something that the plan must have; `what` names its sort, in the singular."""
        value = self._take(key, known("", options, what) if required else None)
        return None if value is None else self._reference((*self.path, key), value, options, what)

    def _reference(self, path: Path, value: object, options: Collection[str], what: str) -> str | None:
        """Return an id among `options`, or note that it is none."""
        if not isinstance(value, str):
            self.book.note(path, f"must be the id of a {what}, not {show(value)}", known("", options, what))
        elif value not in options:
            self.book.note(path, f"unknown {what} {show(value)}", known(value, options, what))
        else:
            return value
        return None

    def references(self, key: str, options: Collection[str], what: str, *, required: bool = False) -> tuple[str, ...]:
        """Read a list of ids, each of something that the plan must have, none twice."""
        return self._list(key, lambda path, value: self._reference(path, value, options, what), what, required=required)

    def names(self, key: str, check: Callable[[Path, str], bool], *, required: bool = False) -> tuple[str, ...]:
        """Read a list of ids that need not be defined elsewhere, none twice; `check` may refuse one."""

        def read(path: Path, value: object) -> str | None:
            name = self.id_of(path, value)
            return name if name is not None and check(path, name) else None

        return self._list(key, read, "signal", required=required)

    def _list(
        self, key: str, read: Callable[[Path, object], str | None], what: str, *, required: bool
    ) -> tuple[str, ...]:
        """Read a list without repetitions; what is wrong with a member is left to `read`."""
        example = f'Add {key} = ["..."] with at least one {what}'
        value = self._take(key, example if required else None)
        if value is None:
            return ()
        if not isinstance(value, list):
            self.wrong(key, f"must be a list, not {show(value)}", f'Write it in brackets, as in {key} = ["..."]')
            return ()
        if required and not value:
            self.wrong(key, "is an empty list", f"Name at least one {what}")
        taken: list[str] = []
        for place, member in enumerate(value):
            path = (*self.path, key, place)
            name = read(path, member)
            if name in taken:
                self.book.note(path, f"{show(name)} is named twice", "Delete one of the two")
            elif name is not None:
                taken.append(name)
        return tuple(taken)

    def duration(self, key: str, *, example: str | None = None, positive: bool = False) -> int | None:
        """Read a duration in milliseconds; required if an `example` is given."""
        value = self._take(key, example and f'Add {key} = "{example}"')
        if value is None:
            return None
        shapes = 'Write a duration such as "45s", "3m" or "1h30m"'
        ms = parse_duration(value) if isinstance(value, str) else None
        if ms is None:
            self.wrong(key, f"{show(value)} is not a duration", shapes)
        elif ms > MAX_DURATION_MS:
            self.wrong(key, f"{show(value)} is longer than {format_duration(MAX_DURATION_MS)}", shapes)
        elif positive and not ms:
            self.wrong(key, "must be longer than nothing", shapes)
        else:
            return ms
        return None

    def whole(self, key: str, low: int, high: int, *, remedy: str | None = None) -> int | None:
        """Read a whole number between `low` and `high`; required if a `remedy` is given."""
        value = self._take(key, remedy)
        if value is None:
            return None
        if not isinstance(value, int) or isinstance(value, bool) or not low <= value <= high:
            self.wrong(
                key, f"must be a whole number from {low} to {high}, not {show(value)}", "Write one, without quotes"
            )
            return None
        return value

    def number(self, key: str) -> float | None:
        """Read a number greater than zero, below a million."""
        value = self._take(key, None)
        if value is None:
            return None
        if not isinstance(value, int | float) or isinstance(value, bool) or not 0 < value < _MAX_NUMBER:
            self.wrong(key, f"must be a number greater than 0, not {show(value)}", f"Write one, as in {key} = 1.5")
            return None
        return float(value)

    def flag(self, key: str) -> bool | None:
        """Read true or false."""
        value = self._take(key, None)
        if value is None or isinstance(value, bool):
            return value
        self.wrong(key, f"must be true or false, not {show(value)}", "Write one of the two, without quotes")
        return None

    def choice(self, key: str, options: Collection[str], what: str, *, required: bool = False) -> str | None:
        """Read one of a few words."""
        value = self._take(key, known("", options, what) if required else None)
        if value is None:
            return None
        if not isinstance(value, str) or value not in options:
            self.wrong(key, f"unknown {what} {show(value)}", known(str(value)[:80], options, what))
            return None
        return value

    def table(self, key: str) -> Table | None:
        """Return the table under a key, or None where there is none."""
        value = self._take(key, None)
        if value is None:
            return None
        if not isinstance(value, dict):
            self.wrong(key, f"must be a table, not {show(value)}", f"Write [{dotted((*self.path, key))}]")
            return None
        return Table(self.book, (*self.path, key), value)

    def names_under(self, key: str) -> tuple[str, ...]:
        """Return the ids of every ``[key.id]``, right or wrong: a mistake in one table is not one in what names it."""
        holder = self.content.get(key)
        return tuple(holder) if isinstance(holder, dict) else ()

    def entries(self, key: str) -> Iterator[tuple[str, Table]]:
        """Yield (id, table) of every ``[key.id]``; a bad id is noted, and its table read all the same."""
        holder = self.table(key)
        if holder is None:
            return
        for name in holder.content:
            self.id_of((*holder.path, name), name)
            entry = holder.table(name)
            if entry is not None:
                yield name, entry

    def rows(self, key: str) -> Iterator[Table]:
        """Yield the table of every ``[[key]]``."""
        value = self._take(key, None)
        header = dotted((*self.path, key))
        if value is None:
            return
        if not isinstance(value, list):
            self.wrong(key, f"must be a list of tables, not {show(value)}", f"Write [[{header}]] in two brackets")
            return
        for place, row in enumerate(value):
            path = (*self.path, key, place)
            if isinstance(row, dict):
                yield Table(self.book, path, row)
            else:
                self.book.note(path, f"must be a table, not {show(row)}", f"Write [[{header}]] in two brackets")
