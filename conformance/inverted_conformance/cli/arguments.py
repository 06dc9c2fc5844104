"""What the command line accepts, and what `--help` says about it."""

from __future__ import annotations

import argparse
import math
from collections.abc import Callable
from pathlib import Path
from typing import Final

from inverted_conformance.reports.data import suite_version

EXIT_CODES: Final = """\
exit codes:
  0  everything is as it must be; what is listed as an expected failure did fail
  1  something failed, or the list of expected failures has a stale entry
  2  wrong usage
  3  the suite could not talk to the peer, or the peer offers nothing of what is checked
"""

SERVER: Final = """\
examples:
  inverted-conformance server -- node build/server.js
  inverted-conformance server --url http://127.0.0.1:8000/mcp
  inverted-conformance server --url http://127.0.0.1:8000/mcp -- node build/server.js --http
      starts the command and speaks to it at the address; it can then be killed and restarted
  inverted-conformance server --suite rounds --revision 2026-07-28 -- ./server

The server has the tools of the fixture contract; what it lacks is reported as not offered.

"""

CLIENT: Final = """\
examples:
  inverted-conformance client -- node build/client.js
      the suite is the server; its address becomes the command's last argument
  inverted-conformance client --install vscode
      adds the suite to a real host, for a person who runs through it by hand

"""


def parser() -> argparse.ArgumentParser:
    """The parser of everything that stands before `--`."""
    top = argparse.ArgumentParser(
        prog="inverted-conformance",
        description="Does an MCP server or client do what the specification says about sampling, "
        "elicitation, rounds, tasks, cancellation, progress and capabilities?",
        epilog=EXIT_CODES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    top.add_argument("--version", action="version", version=suite_version())
    commands = top.add_subparsers(dest="do", required=True, metavar="COMMAND").add_parser
    _server(_command(commands, "server", "check a server", SERVER + EXIT_CODES))
    _client(_command(commands, "client", "check a client", CLIENT + EXIT_CODES))
    fixture = _command(commands, "fixture", "run the ready fixture server, to try the suite on")
    fixture.add_argument("--http", metavar="PORT", help="serve HTTP there instead of the pipes")
    asked = _command(commands, "requirements", "what is checked, and by which scenarios")
    asked.add_argument("--json", action="store_true", help="as JSON")
    asked.add_argument(
        "--unobservable", action="store_true", help="only what nobody outside can see, and why"
    )
    stored = _command(commands, "report", "make reports of a stored run", EXIT_CODES)
    stored.add_argument("file", type=Path, metavar="FILE.json", help="what --json wrote")
    _judging(stored)
    _reports(stored)
    return top


def _command(
    add: Callable[..., argparse.ArgumentParser], name: str, about: str, epilog: str = ""
) -> argparse.ArgumentParser:
    return add(
        name,
        help=about,
        description=about.capitalize() + ".",
        epilog=epilog,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )


def _server(server: argparse.ArgumentParser) -> None:
    server.usage = "inverted-conformance server [options] (--url URL | -- CMD ...)"
    server.add_argument("--url", type=_url, help="where the server listens (Streamable HTTP)")
    for name, who in (("--header", "you"), ("--other-header", "another principal")):
        server.add_argument(
            name,
            type=_header,
            action="append",
            default=[],
            metavar="'NAME: VALUE'",
            help=f"an HTTP header of {who}; may be repeated",
        )
    _choosing(server)
    _judging(server)
    _reports(server)


def _client(client: argparse.ArgumentParser) -> None:
    client.usage = "inverted-conformance client [options] (-- CMD ... | --install HOST)"
    hosts = client.add_mutually_exclusive_group()
    hosts.add_argument(
        "--install", metavar="HOST", help="add the suite to a real host; `print` for any other"
    )
    hosts.add_argument("--uninstall", metavar="HOST", help="take it out again")
    _choosing(client)
    _judging(client)
    _reports(client)


def _choosing(run: argparse.ArgumentParser) -> None:
    group = run.add_argument_group("what to run")
    for name, metavar, about in (
        ("--revision", "R", "only this revision of the specification"),
        ("--suite", "GROUP", "only this suite, such as elicitation"),
        ("--scenario", "NAME", "only this scenario, such as rounds/state-only"),
    ):
        text = f"{about}; may be repeated"
        group.add_argument(name, action="append", default=[], metavar=metavar, help=text)
    group.add_argument(
        "--timeout-factor",
        type=_factor,
        default=1.0,
        metavar="F",
        help="how much longer than usual everything may take",
    )
    group.add_argument("--list", action="store_true", help="show the scenarios, run nothing")


def _judging(run: argparse.ArgumentParser) -> None:
    group = run.add_argument_group("what fails the run")
    group.add_argument(
        "--expected-failures",
        type=Path,
        metavar="FILE",
        help="TOML: [[expected]] entries with scenario or requirement, and why",
    )
    group.add_argument("--strict", action="store_true", help="a SHOULD counts like a MUST")


def _reports(run: argparse.ArgumentParser) -> None:
    group = run.add_argument_group("reports")
    group.add_argument("--json", type=Path, metavar="FILE", help="everything, for programs")
    group.add_argument("--junit", type=Path, metavar="FILE", help="JUnit XML, for CI")
    group.add_argument("--html", type=Path, metavar="FILE", help="one page, for people")
    group.add_argument(
        "--badge",
        type=Path,
        metavar="FILE or DIR",
        help=".svg, or .json for shields.io; in a folder both for each revision",
    )
    loud = group.add_mutually_exclusive_group()
    loud.add_argument("--quiet", action="store_true", help="only failures and the verdict")
    loud.add_argument("--verbose", action="store_true", help="also the messages behind failures")


def _url(said: str) -> str:
    if not said.startswith(("http://", "https://")):
        raise argparse.ArgumentTypeError(f"{said!r} must begin with http:// or https://")
    return said


def _header(said: str) -> tuple[str, str]:
    name, colon, value = said.partition(":")
    if not colon or not name.strip() or not value.strip():
        raise argparse.ArgumentTypeError(f"{name!r} must look like 'Name: value'")
    return name.strip(), value.strip()


def _factor(said: str) -> float:
    try:
        factor = float(said)
    except ValueError:
        factor = math.nan
    if not 0 < factor < math.inf:
        raise argparse.ArgumentTypeError(f"{said!r} must be a number above 0")
    return factor
