"""A sign on any screen: the picture is kept for whoever serves it to a browser."""

from __future__ import annotations

from andgate.sign import Frame


class Screen:
    """Keeps the latest picture; the page ``/sign/TOUCHPOINT`` draws the same one from the same library."""

    def __init__(self, name: str, width: int, height: int) -> None:
        """Begin dark."""
        self.name = name
        self.picture = Frame(width, height, bytes(width * height))

    def show(self, picture: Frame, text: str) -> None:
        """Keep it."""
        del text
        self.picture = picture

    def close(self) -> None:
        """Go dark."""
        self.picture = Frame(self.picture.width, self.picture.height, bytes(len(self.picture.leds)))
