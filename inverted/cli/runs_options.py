"""The command lines of `inverted runs`.

An id may begin with a dash, which argparse takes for an option: whatever does not look like one is
moved behind a `--` first.
"""

from __future__ import annotations

import argparse
import re
from collections.abc import Sequence
from typing import Any, Final

from inverted.cli.errors import UsageProblem
from inverted.core.lifecycle import Status

EXIT_CODES: Final = """\
exit codes:
  0    done
  1    the store or a journal cannot be read, or a replay differs
  2    the command line is wrong, or there is no such run
"""

COMMANDS: Final = {
    "ls": "the runs of a store, newest first",
    "show": "one run: what it waits for, and its journal as a timeline",
    "cancel": "ask for the cancellation of a run",
    "replay": "replay a journal against the agent's code, without running a step",
}
"""What `inverted runs` can do."""

_OPTION: Final = re.compile(r"-h|--[a-z][a-z-]*(=.*)?", re.DOTALL)


def read(name: str, argv: Sequence[str]) -> argparse.Namespace:
    """Read the command line of one command.

    Args:
        name: The command.
        argv: What stands after it.

    Raises:
        UsageProblem: It does not fit.
    """
    return _parser(name).parse_args(_with_ids_last(argv))


def whole_number(name: str, given: str, least: int = 1) -> int:
    """The number that an option was given.

    Args:
        name: The option, for the message.
        given: What was written.
        least: The smallest that fits.

    Raises:
        UsageProblem: It is no whole number, or too small.
    """
    try:
        number = int(given)
    except ValueError:
        number = least - 1
    if number < least:
        raise UsageProblem(f"{name} {given} does not fit: it takes a whole number from {least} on.")
    return number


def _with_ids_last(argv: Sequence[str]) -> list[str]:
    """The same words, with those that are no options after a `--`: an id may begin with a dash."""
    ours: list[str] = []
    others: list[str] = []
    words = iter(argv)
    for word in words:
        if word == "--":
            others += words
        elif not _OPTION.fullmatch(word):
            others.append(word)
        elif word in _VALUED and (value := next(words, None)) is not None:
            ours.append(f"{word}={value}")
        else:
            ours.append(word)
    return [*ours, *(["--"] if others else []), *others]


_VALUED: Final = frozenset(
    {"--store", "--status", "--agent", "--limit", "--reason", "--target", "--to"}
)


class _Parser(argparse.ArgumentParser):
    """An argparse parser that reports in this program's own way."""

    def error(self, message: str) -> Any:
        raise UsageProblem(f"{message}. See {self.prog} --help.")


def overview() -> argparse.ArgumentParser:
    """The parser of `inverted runs` without a command: for its help and its errors."""
    parser = _Parser(
        prog="inverted runs",
        description="Look at the runs of a store, and cancel or replay one.",
        epilog="RUN is the id of a run, or so much of its beginning that only one run begins so.\n"
        "inverted runs COMMAND --help tells more about one command.\n\n" + EXIT_CODES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    commands = parser.add_subparsers(title="commands", metavar="COMMAND")
    for name, purpose in COMMANDS.items():
        commands.add_parser(name, help=purpose, add_help=False)
    return parser


def _parser(name: str) -> argparse.ArgumentParser:
    parser = _Parser(
        prog=f"inverted runs {name}", description=f"{COMMANDS[name]}.", allow_abbrev=False
    )
    if name != "ls":
        parser.add_argument("run", metavar="RUN", help="id of the run, or its beginning")
    parser.add_argument(
        "--store",
        metavar="PATH",
        help="the store file (default: "
        + ("that of the target's server, else " if name == "replay" else "")
        + "INVERTED_STORE, else the one in the user's data directory)",
    )
    if name == "ls":
        states = [*(status.value for status in Status), "cancelling"]
        parser.add_argument("--agent", metavar="NAME", help="only runs of this agent")
        parser.add_argument(
            "--status",
            choices=states,
            metavar="STATUS",
            help=f"only runs in this state: {', '.join(states)}",
        )
        parser.add_argument("--limit", metavar="N", default="20", help="at most N (default: 20)")
    if name in ("ls", "show"):
        parser.add_argument("--json", action="store_true", help="print JSON, nothing shortened")
    if name == "cancel":
        parser.add_argument("--reason", metavar="TEXT", help="why; it is kept in the journal")
    if name == "replay":
        parser.add_argument(
            "--target",
            metavar="FILE",
            required=True,
            help="the Python file of the server: server.py, or server.py:object; it is imported",
        )
        parser.add_argument("--to", metavar="N", help="stop after entry N, as show numbers them")
    return parser
