"""On which line of a TOML text each key stands; `tomllib` gives no positions.

The text must be one that `tomllib` has accepted. So the scan needs no judgement of its own: it only has to know where
a key, a string, an array or an inline table ends. Paths are tuples: keys as strings, places in arrays as ints.
"""

from __future__ import annotations

import re
import tomllib
from bisect import bisect_left
from typing import cast

Path = tuple[str | int, ...]

_TRIVIA = re.compile(r"(?:[ \t\n]|#[^\n]*)*")
_PART = re.compile(r'[ \t]*(?:([A-Za-z0-9_-]+)|("(?:[^"\\]|\\.)*")|(\'[^\']*\'))[ \t]*')
_STRING = re.compile(
    r'"""(?:[^\\"]|\\.|"(?!""))*"""(?:"{0,2})'  # up to two quotes may stand before the closing three
    r"|'''(?:[^']|'(?!''))*'''(?:'{0,2})"
    r'|"(?:[^"\\]|\\.)*"'
    r"|'[^']*'",
    re.DOTALL,
)
_SCALAR = re.compile(r"[^,\]}#\n]*")


def _match(pattern: re.Pattern[str], text: str, at: int) -> re.Match[str]:
    """Match where `tomllib` has already found what the pattern describes."""
    return cast("re.Match[str]", pattern.match(text, at))


class _Scan:
    """One pass over the text, statement by statement."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.found: dict[Path, int] = {}
        self.newlines = [match.start() for match in re.finditer("\n", text)]
        self.arrays: dict[Path, int] = {}
        """Arrays made by ``[[headers]]``: path -> index of the last table."""

    def note(self, path: Path, at: int) -> None:
        """Remember where a path is first said, and so all it lies in."""
        line = bisect_left(self.newlines, at) + 1
        for end in range(len(path), 0, -1):
            if path[:end] in self.found:
                break
            self.found[path[:end]] = line

    def name(self, at: int) -> tuple[list[str], int]:
        """Read a dotted key; return its parts and where it ends."""
        parts: list[str] = []
        while True:
            match = _match(_PART, self.text, at)
            bare, basic, literal = match.groups()
            if basic is not None:
                parts.append(tomllib.loads(f"k = {basic}")["k"])
            else:
                parts.append(bare or literal[1:-1])
            at = match.end()
            if self.text[at] != ".":
                return parts, at
            at += 1

    def value(self, path: Path, at: int) -> int:
        """Pass over a value, noting what lies in it; return where it ends."""
        text = self.text
        if text[at] == "[":
            at, place = self.skip(at + 1), 0
            while text[at] != "]":
                self.note((*path, place), at)
                at = self.skip(self.value((*path, place), at))
                place += 1
                if text[at] == ",":
                    at = self.skip(at + 1)
            return at + 1
        if text[at] == "{":
            at = self.skip(at + 1)
            while text[at] != "}":
                at = self.skip(self.pair(path, at))
                if text[at] == ",":
                    at = self.skip(at + 1)
            return at + 1
        shape = _STRING if text[at] in "\"'" else _SCALAR
        return _match(shape, text, at).end()

    def skip(self, at: int) -> int:
        """Pass over blanks, newlines and comments."""
        return _match(_TRIVIA, self.text, at).end()

    def pair(self, table: Path, at: int) -> int:
        """Pass over ``key = value``; return where the value ends."""
        parts, end = self.name(at)
        path = (*table, *parts)
        self.note(path, at)
        return self.value(path, self.skip(end + 1))

    def table(self, parts: list[str], *, append: bool) -> Path:
        """Return the path that a header names: of an array in it, the last table is meant."""
        path: Path = ()
        for place, part in enumerate(parts):
            path = (*path, part)
            if append and place == len(parts) - 1:
                self.arrays[path] = self.arrays.get(path, -1) + 1
            if path in self.arrays:
                path = (*path, self.arrays[path])
        return path

    def run(self) -> dict[Path, int]:
        """Scan the whole text."""
        text, at = self.text, self.skip(0)
        table: Path = ()
        while at < len(text):
            if text[at] != "[":
                at = self.skip(self.pair(table, at))
                continue
            append = text.startswith("[[", at)
            parts, end = self.name(at + 1 + append)
            table = self.table(parts, append=append)
            self.found.pop(table, None)  # a table's own header says more than its first mention
            self.note(table, at)
            at = self.skip(end + 1 + append)
        return self.found


def find_lines(text: str) -> dict[Path, int]:
    """Return the line (from 1) of every key, table and array member of a text that `tomllib` accepts."""
    return _Scan(text.replace("\r\n", "\n") + "\n").run()
