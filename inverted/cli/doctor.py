"""`inverted doctor [TARGET]`: what each client can do for a server, and what to enable.

The rungs come from `server.diagnosis`, which asks the ladder that serves runs. With TARGET the
server is reached as `inverted run` does it. Called by `main`.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from typing import Any, Final

import anyio

from inverted.carriers.host import Host
from inverted.carriers.hosts import HOSTS, host_of
from inverted.cli.doctoring.asking import ask
from inverted.cli.doctoring.subject import Subject, default, known
from inverted.cli.doctoring.view import document, one_host, overview
from inverted.cli.errors import Interrupted, UsageProblem
from inverted.cli.installing.options import split
from inverted.cli.screen import open_console, quiet_libraries
from inverted.cli.target import resolve

EXIT_CODES: Final = """\
exit codes:
  0    done
  2    the command line is wrong
  3    no connection: no such server, not an MCP server, or it went away
  130  stopped with Ctrl-C
"""
_SECONDS: Final = 30.0


def command(argv: Sequence[str]) -> int:
    """Serve `inverted doctor`.

    Args:
        argv: What stands after `doctor`.

    Returns:
        0.

    Raises:
        CliError: The command line does not fit, or no server answers at TARGET.
    """
    before, words = split(argv)
    options = _parser().parse_args(before)
    if options.target is not None and words:
        raise UsageProblem("TARGET and a command after -- exclude each other. Leave one out.")
    hosts = list(HOSTS.values()) if options.client is None else [_host(options.client)]
    quiet_libraries()
    subject = _subject(options, words)
    groups = [(group, list(subject.diagnoses(group, hosts))) for group in subject.groups]
    out = open_console(stderr=False)
    if options.json:
        # Escaped on a terminal, where a control character of a server could do harm.
        shown = document(subject, groups)
        out.write_exactly(json.dumps(shown, ensure_ascii=out.is_terminal, indent=2))
    elif options.client is None:
        overview(subject, groups, out)
    else:
        one_host(subject, groups, out)
    return 0


def _subject(options: argparse.Namespace, words: tuple[str, ...]) -> Subject:
    if options.target is None and not words:
        return default()
    target = resolve(options.target, words, options.env)
    try:
        said = anyio.run(ask, target, options.header, options.connect_timeout)
    except KeyboardInterrupt:
        raise Interrupted("stopped.") from None
    return known(target, said)


def _host(name: str) -> Host:
    """The host of our name for it, or of the name that it sends.

    Raises:
        UsageProblem: There is none.
    """
    host = HOSTS.get(name.casefold()) or host_of(name)
    if host is None:
        raise UsageProblem(
            f"--client {name}: nobody has recorded this host. Take one of {', '.join(HOSTS)}. "
            "docs/clients.md tells how to record another."
        )
    return host


def _seconds(given: str) -> float:
    seconds = float(given)
    if not 0 < seconds < float("inf"):
        raise ValueError(given)
    return seconds


class _Parser(argparse.ArgumentParser):
    """An argparse parser that reports in this host's own way."""

    def error(self, message: str) -> Any:
        raise UsageProblem(f"{message}. See inverted doctor --help.")


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(
        prog="inverted doctor",
        usage="inverted doctor [TARGET] [--client HOST] [--json] [options]\n"
        "       inverted doctor [--client HOST] [--json] [options] -- COMMAND [ARG ...]",
        description="Tell on which rung each kind of question would be asked in each host, and "
        "what to enable there.",
        epilog="TARGET is a server as for inverted run. Without it, the server is one made with "
        f"inverted, as it comes.\nHOST is one of {', '.join(HOSTS)}.\n\n{EXIT_CODES}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("target", metavar="TARGET", nargs="?", help="file, directory, command, URL")
    parser.add_argument("--client", metavar="HOST", help="one host, with all that is known of it")
    parser.add_argument("--json", action="store_true", help="print one JSON document")
    parser.add_argument(
        "--env",
        metavar="NAME[=VALUE]",
        action="append",
        default=[],
        help="pass a variable to the server's process",
    )
    parser.add_argument(
        "--header",
        metavar="NAME:VALUE",
        action="append",
        default=[],
        help="send an HTTP header to a server at a URL",
    )
    parser.add_argument(
        "--connect-timeout",
        metavar="SECONDS",
        type=_seconds,
        default=_SECONDS,
        help="how long a server may take to answer (default: 30)",
    )
    return parser
