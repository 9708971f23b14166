"""The help of every command, as a terminal shows it."""

from __future__ import annotations

import argparse
import os

os.environ["COLUMNS"] = "100"  # argparse asks the terminal for its width; the docs must not depend on it
os.environ["NO_COLOR"] = "1"

from cli.main import COMMANDS, overview, parser


def commands() -> str:
    """Return the overview and every command's help."""
    each = [f"## andgate {name}\n\n{_terminal(parser(name))}" for name in COMMANDS]
    return "\n\n".join([_terminal(overview()), *each])


def _terminal(made: argparse.ArgumentParser) -> str:
    return f"```text\n{made.format_help().rstrip()}\n```"
