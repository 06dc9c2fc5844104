"""Where the configuration of a host is, and what is said when it is not there or not readable."""

from __future__ import annotations

import argparse
from pathlib import Path

from inverted.cli.errors import CliError, UsageProblem
from inverted.cli.installing.edits import Malformed, Unsafe
from inverted.cli.installing.hosts import Host, signs, user_file
from inverted.cli.installing.report import short


def configuration(host: Host, options: argparse.Namespace) -> Path:
    """The file that the options mean.

    Args:
        host: The host.
        options: The command line, with `scope` and `config`.

    Raises:
        UsageProblem: The host has no configuration of that scope.
        CliError: The host is not on this machine.
    """
    if options.config is not None:
        return _file(Path(options.config).expanduser().absolute())
    if options.scope == "project":
        if host.project is None:
            raise UsageProblem(
                f"{host.title} has no configuration for one project. Leave --scope out: the "
                "server is then there in every project."
            )
        return _file(Path.cwd() / host.project)
    if not any(each.exists() for each in signs(host)):
        raise CliError(
            f"{host.title} was not found: there is no {short(signs(host)[0])}. Install it and "
            "start it once, or name its configuration with --config PATH."
        )
    return _file(user_file(host))


def _file(path: Path) -> Path:
    if path.is_dir():
        raise CliError(f"{short(path)} is a directory. --config names the file in it.")
    return path


def unreadable(path: Path, problem: Malformed | Unsafe) -> CliError:
    """The error for a configuration that is not to be touched."""
    if isinstance(problem, Malformed):
        return CliError(
            f"{short(path)}:{problem.line}:{problem.column}: {problem.reason}. It was not changed. "
            "Correct it there, then try again."
        )
    return CliError(f"{short(path)}: {problem.message}. It was not changed.")
