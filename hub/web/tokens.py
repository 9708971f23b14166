"""The token file: who may use a hub that is not alone on its machine.

[tokens.desk-a]                    # an opaque id: it is what the journal keeps, so not somebody's name
secret = "Ytr1f0m5y8DkZ..."        # 16 characters and more; `openssl rand -base64 24` makes a good one
rights = ["read", "act"]           # of read, act, signal, supervise, admin

[tokens.flight-feed]
sha256 = "9f86d081884c7d65..."     # or only the SHA-256 of the secret, in hex
rights = ["signal"]
"""

from __future__ import annotations

import hashlib
import re
import tomllib
from pathlib import Path
from typing import Literal, get_args

from msgspec import Struct

from andgate.errors import UsageError

Right = Literal["read", "act", "signal", "supervise", "admin"]
RIGHTS: frozenset[Right] = frozenset(get_args(Right))
"""``read`` everything; ``act`` on moments; post ``signal``; ``supervise``: what staff may not decide by themselves;
``admin``: all of them, and the plan."""

SHORTEST_SECRET = 16
_ID = re.compile(r"[a-z0-9][a-z0-9-]{0,62}")
_HEX = re.compile(r"[0-9a-fA-F]{64}")


class Token(Struct, frozen=True):
    """One entry of the token file: an opaque id, what it may do, and the SHA-256 of its secret."""

    id: str
    rights: frozenset[Right]
    digest: bytes


def read_tokens(path: Path) -> tuple[Token, ...]:
    """Return the tokens of a file. UsageError says what is wrong in it, where, and how to mend it."""
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as wrong:
        raise UsageError(f"cannot read the token file {path}: {wrong.strerror}. Name a file that exists") from wrong
    except UnicodeDecodeError as wrong:
        raise UsageError(f"the token file {path} is not UTF-8. Save it as UTF-8") from wrong
    try:
        return parse_tokens(text)
    except UsageError as wrong:
        raise UsageError(f"token file {path}: {wrong}") from None


def parse_tokens(text: str) -> tuple[Token, ...]:
    """Return the tokens of a file's text. UsageError says what is wrong in it, and how to mend it."""
    try:
        found = tomllib.loads(text)
    except tomllib.TOMLDecodeError as wrong:
        raise UsageError(f"this is no TOML: {wrong}. Mend it there") from wrong
    except (ValueError, RecursionError) as wrong:  # a number of thousands of digits; brackets in brackets in brackets
        raise UsageError("this is no token file. Write [tokens.ID] tables only") from wrong
    tables = found.pop("tokens", None)
    if found:
        raise UsageError(f'unknown key "{next(iter(found))}". Write [tokens.ID] tables only')
    if not isinstance(tables, dict) or not tables:
        raise UsageError("there is no token in it. Add a [tokens.ID] table")
    tokens = tuple(_token(name, table) for name, table in tables.items())
    seen: dict[bytes, str] = {}
    for token in tokens:
        if token.digest in seen:
            raise UsageError(f"tokens.{token.id} has the secret of tokens.{seen[token.digest]}. Give it its own")
        seen[token.digest] = token.id
    return tokens


def _token(name: str, table: object) -> Token:
    where = f"tokens.{name}"
    if not _ID.fullmatch(name):
        raise UsageError(f"{where} is no id. Use small letters, digits and hyphens")
    if not isinstance(table, dict):
        raise UsageError(f"{where} is no table. Write [{where}], then secret and rights")
    unknown = set(table) - {"secret", "sha256", "rights"}
    if unknown:
        raise UsageError(f"{where} has an unknown key {min(unknown)}. It takes secret or sha256, and rights")
    rights = table.get("rights")
    if not isinstance(rights, list) or not rights or not all(isinstance(each, str) for each in rights):
        raise UsageError(f"{where}.rights is missing or no list of words. Name some of {_named(RIGHTS)}")
    if not set(rights) <= RIGHTS:
        raise UsageError(f'{where}.rights has "{min(set(rights) - RIGHTS)}". Name some of {_named(RIGHTS)}')
    return Token(name, frozenset(rights), _digest(where, table))


def _digest(where: str, table: dict[str, object]) -> bytes:
    secret, sha256 = table.get("secret"), table.get("sha256")
    if (secret is None) == (sha256 is None):
        raise UsageError(f"{where} needs a secret or a sha256, and not both. Keep one")
    if sha256 is not None:
        if not isinstance(sha256, str) or not _HEX.fullmatch(sha256):
            raise UsageError(f"{where}.sha256 is not 64 hex digits. Take them from `printf %s SECRET | sha256sum`")
        return bytes.fromhex(sha256)
    if not isinstance(secret, str) or len(secret) < SHORTEST_SECRET or secret != secret.strip():
        raise UsageError(
            f"{where}.secret is not a text of at least {SHORTEST_SECRET} characters without blanks around it. "
            "Make one with `openssl rand -base64 24`"
        )
    return hashlib.sha256(secret.encode()).digest()


def _named(words: frozenset[Right]) -> str:
    return ", ".join(sorted(words))
