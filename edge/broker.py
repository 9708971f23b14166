"""Where the broker is and how to get in."""

from __future__ import annotations

from urllib.parse import unquote, urlsplit

from msgspec import Struct

from andgate.errors import UsageError


class Broker(Struct, frozen=True):
    """A broker's address, with what it asks for at the door."""

    host: str
    port: int
    tls: bool = False
    user: str | None = None
    password: str | None = None
    ca: str | None = None
    certificate: str | None = None
    key: str | None = None

    @classmethod
    def at(cls, url: str, *, ca: str | None = None, certificate: str | None = None, key: str | None = None) -> Broker:
        """Read ``mqtt://[user:password@]host[:port]`` or ``mqtts://...`` with certificate files.

        Raises:
            UsageError: for anything else, with what to write.
        """
        example = "Write mqtt://HOST:1883, or mqtts://HOST:8883 with certificates"
        try:
            parts = urlsplit(url)
            port = parts.port
        except ValueError as wrong:
            raise UsageError(f"the broker's address {url!r} is wrong: {wrong}. {example}") from None
        if parts.scheme not in ("mqtt", "mqtts") or not parts.hostname or port == 0 or parts.path not in ("", "/"):
            raise UsageError(f"the broker's address {url!r} is wrong. {example}")
        tls = parts.scheme == "mqtts"
        return cls(
            host=parts.hostname,
            port=(8883 if tls else 1883) if port is None else port,
            tls=tls,
            user=None if parts.username is None else unquote(parts.username),
            password=None if parts.password is None else unquote(parts.password),
            ca=ca,
            certificate=certificate,
            key=key,
        )

    def __str__(self) -> str:
        """``mqtt://host:port``, without the password."""
        return f"{'mqtts' if self.tls else 'mqtt'}://{self.host}:{self.port}"
