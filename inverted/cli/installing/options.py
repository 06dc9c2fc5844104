"""The command lines of `inverted install` and `inverted uninstall`."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import Final

from inverted.cli.installing.hosts import HOSTS

EXIT_CODES: Final = """\
exit codes:
  0    done, or there was nothing to do
  1    a configuration cannot be read or changed, the name is taken, or the host is not here
  2    the command line is wrong
  3    there is no such server
"""


def read_install(argv: Sequence[str]) -> tuple[argparse.Namespace, tuple[str, ...]]:
    """Read the command line of `inverted install`.

    Args:
        argv: What stands after `install`.

    Returns:
        The options, and the server's own arguments.
    """
    own, server = split(argv)
    parser = _parser(
        "install",
        "Install a server in a host: it gets an entry in the host's configuration,\n"
        "and nothing else in there changes.",
        "Arguments after a bare -- go to the server. With --with or --python the host\n"
        "starts the server through uv, in an environment of its own.",
    )
    parser.add_argument("host", metavar="HOST", choices=HOSTS, help=", ".join(HOSTS))
    parser.add_argument(
        "target",
        metavar="TARGET",
        help="server.py, server.py:object, a project directory, or a command",
    )
    parser.add_argument("--name", metavar="N", help="what the host shall call it")
    _repeated(
        parser, "--env", "K[=V]", "a variable for the server; K alone takes the value of here"
    )
    parser.add_argument("--env-file", metavar="F", help="a file of variables, read at each start")
    _repeated(parser, "--secret", "K[=V]", "a variable whose value stays out of the configuration")
    _repeated(parser, "--with", "PKG", "a package that the server needs")
    parser.add_argument("--python", metavar="V", help="the version of Python to run it with")
    parser.add_argument(
        "--allow-clear",
        action="store_true",
        help="write the values of --secret K=V into the configuration, where a host has no place "
        "for secrets",
    )
    _place(parser)
    parser.add_argument("--force", action="store_true", help="replace another server of that name")
    return parser.parse_args(own), server


def read_uninstall(argv: Sequence[str]) -> argparse.Namespace:
    """Read the command line of `inverted uninstall`.

    Args:
        argv: What stands after `uninstall`.
    """
    parser = _parser(
        "uninstall", "Take out of a host's configuration what `inverted install` put in.", ""
    )
    parser.add_argument("host", metavar="HOST", choices=HOSTS, help=", ".join(HOSTS))
    parser.add_argument("name", metavar="NAME", help="what the host calls the server")
    _place(parser)
    parser.add_argument(
        "--force", action="store_true", help="also a server that `inverted install` did not put in"
    )
    return parser.parse_args(argv)


def _parser(command: str, description: str, epilog: str) -> argparse.ArgumentParser:
    return argparse.ArgumentParser(
        prog=f"inverted {command}",
        description=description,
        epilog=f"{epilog}\n\n{EXIT_CODES}".lstrip(),
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )


def _repeated(parser: argparse.ArgumentParser, option: str, metavar: str, help: str) -> None:  # noqa: A002 - argparse's word
    parser.add_argument(option, metavar=metavar, action="append", default=[], help=help)


def _place(parser: argparse.ArgumentParser) -> None:
    where = parser.add_mutually_exclusive_group()
    where.add_argument(
        "--scope",
        choices=("user", "project"),
        default="user",
        help="user (the default): for all projects; project: for this directory",
    )
    where.add_argument(
        "--project", dest="scope", action="store_const", const="project", help="--scope project"
    )
    where.add_argument("--config", metavar="PATH", help="the configuration, where it is elsewhere")
    parser.add_argument("--dry-run", action="store_true", help="show the change, write nothing")


def split(argv: Sequence[str]) -> tuple[list[str], tuple[str, ...]]:
    """What stands before a bare `--`, and what after it."""
    given = list(argv)
    if "--" not in given:
        return given, ()
    at = given.index("--")
    return given[:at], tuple(given[at + 1 :])
