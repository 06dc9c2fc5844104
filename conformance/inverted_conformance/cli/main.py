"""What each subcommand does, and the exit code that it ends with."""

from __future__ import annotations

import shlex
import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Callable, Sequence
from functools import partial
from importlib import import_module
from io import TextIOWrapper
from typing import Final

import anyio
from rich.console import Console

from inverted_conformance.cli import outputs, roles
from inverted_conformance.cli.arguments import parser
from inverted_conformance.cli.outputs import OutputError
from inverted_conformance.cli.selection import Chosen, SelectionError, choose, every
from inverted_conformance.expected import (
    ALL_RIGHT,
    USAGE,
    ExpectedError,
    judge,
    read_expected,
)
from inverted_conformance.manifest import Role
from inverted_conformance.reports import catalogue, data
from inverted_conformance.reports.again import Again, again, again_from
from inverted_conformance.reports.data import StoredError
from inverted_conformance.reports.progress import progress

STOPPED: Final = 130
"""The exit code after Ctrl-C, as shells have it."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line.

    Args:
        arguments: The arguments; those of the process by default.

    Returns:
        The exit code: 0 all right, 1 something failed, 2 wrong usage, 3 nothing could be checked.

    Raises:
        SystemExit: With 0 after `--help`, with 2 after a word that is not known.
    """
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):  # what a peer says may not fit the encoding
            stream.reconfigure(errors="backslashreplace")
    given = list(sys.argv[1:] if arguments is None else arguments)
    there = given.index("--") if "--" in given else len(given)
    command = given[there + 1 :]
    top = parser()
    options, unknown = top.parse_known_args(given[:there])
    if unknown:
        hint = "" if command else " The command of the peer stands after --."
        top.error(f"unknown: {shlex.join(unknown)}.{hint}")
    try:
        return _COMMANDS[options.do](options, command, top)
    except (ExpectedError, SelectionError, StoredError, OutputError) as error:
        _console(stderr=True).print(f"inverted-conformance: {error}", soft_wrap=True)
        return USAGE
    except KeyboardInterrupt:
        _console(stderr=True).print("inverted-conformance: stopped.")
        return STOPPED


def _console(*, stderr: bool = False) -> Console:
    return Console(stderr=stderr, markup=False, emoji=False, highlight=False)


def _server(options: Namespace, command: Sequence[str], top: ArgumentParser) -> int:
    if not (options.list or options.url or command):
        top.error("name the server: --url URL, or its command after --")
    if options.url is None and (options.header or options.other_header):
        top.error("headers are sent over HTTP only; name the server's --url")
    before = ["--url", options.url] if options.url else []
    for word, headers in (("--header", options.header), ("--other-header", options.other_header)):
        for name, _ in headers:
            before += [word, f"{name}: …"]  # its value may be a secret, and reports travel
    return _check("server", options, command, before)


def _client(options: Namespace, command: Sequence[str], top: ArgumentParser) -> int:
    for name, host in (("install", options.install), ("uninstall", options.uninstall)):
        if host is not None:
            install = import_module("inverted_conformance.client_mode.install")
            return int(getattr(install, name)(host))
    if not (options.list or command):
        top.error("name the client: its command after --, or --install HOST")
    return _check("client", options, command, [])


def _check(role: Role, options: Namespace, command: Sequence[str], before: list[str]) -> int:
    registry = roles.registry(role)
    chosen = choose(
        registry, revisions=options.revision, suites=options.suite, names=options.scenario
    )
    if options.list:
        catalogue.show_scenarios(_console(), chosen)
        return ALL_RIGHT
    expected = read_expected(options.expected_failures) if options.expected_failures else []
    outputs.prepare(options)
    written = data.now()
    watching = _console(stderr=True)
    with progress(watching, len(chosen), quiet=options.quiet, verbose=options.verbose) as told:
        report = anyio.run(partial(roles.run, role, options, command, chosen, told))
    judgement = judge(
        report,
        expected,
        chosen=_ids(chosen),
        known=_ids(every(registry)),
        strict=options.strict,
    )
    if options.timeout_factor != 1:
        before += ["--timeout-factor", f"{options.timeout_factor:g}"]
    repeat = again(role, shlex.join(before), shlex.join(command))
    outputs.deliver(judgement, options, console=_console(), again=repeat, written=written)
    return judgement.code


def _report(options: Namespace, _: Sequence[str], top: ArgumentParser) -> int:
    try:
        text = options.file.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        top.error(f"{options.file} cannot be read: {error}")
    stored = data.read(text)
    report = stored.report
    expected = read_expected(options.expected_failures) if options.expected_failures else []
    outputs.prepare(options)
    judgement = judge(
        report, expected, known=_ids(every(roles.registry(report.role))), strict=options.strict
    )
    repeat: Again = again_from(report)
    outputs.deliver(judgement, options, console=_console(), again=repeat, written=stored.written)
    return judgement.code


def _requirements(options: Namespace, _: Sequence[str], __: ArgumentParser) -> int:
    scenarios = [*roles.registry("server"), *roles.registry("client")]
    if options.json:
        text = catalogue.requirements_json(scenarios, unobservable=options.unobservable)
        sys.stdout.write(text + "\n")
    else:
        catalogue.show_requirements(_console(), scenarios, unobservable=options.unobservable)
    return ALL_RIGHT


def _fixture(options: Namespace, command: Sequence[str], _: ArgumentParser) -> int:
    fixture = import_module("inverted_conformance.fixture.__main__")
    port = ["--http", options.http] if options.http else []
    return int(fixture.main([*port, *command]))


def _ids(chosen: Sequence[Chosen]) -> list[str]:
    return [f"{scenario.name}@{wire}" for scenario, wire in chosen]


_COMMANDS: Final[dict[str, Callable[[Namespace, Sequence[str], ArgumentParser], int]]] = {
    "server": _server,
    "client": _client,
    "fixture": _fixture,
    "requirements": _requirements,
    "report": _report,
}
