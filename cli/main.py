"""The `andgate` command.

A command is a module with two functions:

    def add_arguments(parser: argparse.ArgumentParser) -> None: ...
    def run(args: argparse.Namespace) -> int: ...

It is imported when it is chosen and not before, so that a node without the hub's packages has `andgate edge`, and
`andgate --help` answers at once. Whatever happens in it, a person reads a sentence and never a traceback; the exit
code is 0 for done, 1 for failed, 2 for wrong usage or a wrong plan.
"""

from __future__ import annotations

import argparse
import importlib
import io
import os
import sys
import tempfile
import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

from andgate import __version__
from andgate.errors import AndgateError, PlanError, UsageError

DONE, FAILED, WRONG = 0, 1, 2


@dataclass(frozen=True)
class Command:
    """One word after `andgate`."""

    module: str
    """Import path of the program."""
    help: str
    """One line in `andgate --help`; the opening of the command's own help."""
    extra: str = ""
    """The extra of the distribution that it needs, or empty for none."""


COMMANDS: dict[str, Command] = {
    "demo": Command("twin.demo", "open an airport on this machine: broker, hub, nodes, passengers, flights", "twin"),
    "hub": Command("hub.__main__", "run a site's hub", "hub"),
    "edge": Command("edge.__main__", "run one node: buttons, beams, lamps and signs at a touchpoint", "edge"),
    "check": Command("cli.check", "say what is wrong in a plan, with line and remedy, or what it means"),
    "reload": Command("cli.reload", "tell the hub of a data folder to take its changed plan"),
    "verify": Command("cli.verify", "check that the journal is what it was, and everything shown from it", "hub"),
    "replay": Command("cli.replay", "judge the journal again, by the rules that were or by another plan", "hub"),
    "backup": Command("cli.backup", "write a data folder to one file, while its hub runs", "hub"),
    "restore": Command("cli.restore", "make a data folder from a backup, in a new epoch", "hub"),
    "retire": Command("cli.retire", "take months out of the journal, into an archive, under a signed seal", "hub"),
    "erase": Command("cli.erase", "forget a person's name; the journal's chain stays whole", "hub"),
    "export": Command("cli.export", "write moments and their trails as CSV or JSON lines", "hub"),
    "doctor": Command("cli.doctor", "say whether a hub and its data are well, and what to do about what is not", "hub"),
    "drill": Command("cli.drill", "prove every channel of the coming shift, to its far end"),
    "twin": Command("twin.__main__", "play a terminal against a running hub, or compare days with and without", "twin"),
}


class MissingExtraError(AndgateError):
    """A command's packages are not installed here."""


OURS = ("andgate", "cli", "edge", "hub", "twin")


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command that the arguments name; return the exit code."""
    words = list(sys.argv[1:] if argv is None else argv)
    _give_streams()
    if words and words[0] in COMMANDS:
        return _end(f"andgate {words[0]}", lambda: _run(words[0], words[1:]))
    return _end("andgate", lambda: _greet(words))


def parser(name: str) -> argparse.ArgumentParser:
    """Return the parser of one command, its program imported. Raises ImportError where its extra is missing."""
    return _parser(name, importlib.import_module(COMMANDS[name].module))


def overview() -> argparse.ArgumentParser:
    """Return the parser of `andgate` itself: the list of commands, and no program imported."""
    top = argparse.ArgumentParser(
        prog="andgate",
        description="Watches where a service floor can break its promises, tells the right people in time,"
        " and keeps the record.",
        epilog="andgate COMMAND --help tells more about one command.",
        allow_abbrev=False,
    )
    top.add_argument("--version", action="version", version=f"andgate {__version__}")
    commands = top.add_subparsers(title="commands", metavar="COMMAND", required=True)
    for name, command in COMMANDS.items():
        commands.add_parser(name, help=command.help)
    return top


def _parser(name: str, program: ModuleType) -> argparse.ArgumentParser:
    command = COMMANDS[name]
    made = argparse.ArgumentParser(
        prog=f"andgate {name}", description=f"{command.help[0].upper()}{command.help[1:]}.", allow_abbrev=False
    )
    program.add_arguments(made)
    return made


def _greet(words: list[str]) -> int:
    if not words:
        overview().print_help(sys.stderr)
        return WRONG
    overview().parse_args(words)
    return DONE


def _run(name: str, words: list[str]) -> int:
    try:
        program = importlib.import_module(COMMANDS[name].module)
        code: int = program.run(_parser(name, program).parse_args(words))
    except ModuleNotFoundError as missing:
        top = (missing.name or "").partition(".")[0]
        extra = COMMANDS[name].extra
        if not extra or top in OURS:
            raise
        raise MissingExtraError(f"needs the {extra} extra ({top} is missing): pip install 'andgate[{extra}]'") from None
    return code


def _end(who: str, work: Callable[[], int]) -> int:
    """Run `work`; turn every way it can end into an exit code and at most a few sentences."""
    try:
        code = work()
        sys.stdout.flush()
    except SystemExit as left:  # argparse: help is 0, wrong usage is 2
        return left.code if isinstance(left.code, int) else FAILED if left.code else DONE
    except BrokenPipeError:
        # The reader of our output went away, as in `andgate check plan.toml | head -1`: that is its right.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return DONE
    except (KeyboardInterrupt, Exception) as ended:
        for sentence in _sentences(ended):
            print(f"{who}: {sentence}", file=sys.stderr)
        return WRONG if isinstance(ended, (PlanError, UsageError)) else FAILED
    return code


def _give_streams() -> None:
    """Make sure that everything can be said: to a terminal without UTF-8, and to none at all (``>&-``)."""
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is None:
            setattr(sys, name, Path(os.devnull).open("w", encoding="utf-8"))  # noqa: SIM115 - for the rest of the run
        elif isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def _sentences(ended: BaseException) -> list[str]:
    """Say to a person what ended a command, and what to do about it."""
    if isinstance(ended, KeyboardInterrupt):
        return ["stopped"]
    if isinstance(ended, PlanError):
        return [str(problem) for problem in ended.problems]
    if isinstance(ended, AndgateError):
        return [str(ended)]
    if isinstance(ended, OSError):
        words = ended.strerror or str(ended)
        return [f"{ended.filename}: {words}" if ended.filename else words]
    return [f"stopped by a fault of its own ({type(ended).__name__}: {ended}); the details are in {_keep(ended)}"]


def _keep(fault: BaseException) -> str:
    """Write the traceback for whoever mends it; return the file's path."""
    with tempfile.NamedTemporaryFile(
        "w", prefix="andgate-fault-", suffix=".txt", encoding="utf-8", delete=False
    ) as out:
        out.write("".join(traceback.format_exception(fault)))
    return out.name


if __name__ == "__main__":
    sys.exit(main())
