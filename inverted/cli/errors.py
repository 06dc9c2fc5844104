"""What ends a command early, with the exit code that it ends with.

    InvertedError
    └── CliError
        ├── UsageProblem         2    the command line is wrong
        ├── ConnectionProblem    3    there is no server to talk to, or it went away
        ├── HostProblem          4    this host could not answer a question of the server
        └── Interrupted        130    the person stopped the run

Exit code 0 is a result and 1 is a tool error, which is a result too: neither is raised.
Raised anywhere below `main`, which prints the message once on stderr and returns the code.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from inverted.errors import InvertedError


class CliError(InvertedError):
    """A command cannot go on.

    Args:
        message: What happened, why, and what to do next.
        details: Lines that belong to the message, for example what the server last printed.
    """

    exit_code: ClassVar[int] = 1

    def __init__(self, message: str, details: Sequence[str] = ()) -> None:
        super().__init__(message)
        self.message = message
        self.details = tuple(details)


class UsageProblem(CliError):
    """The command line names something that does not exist or does not fit."""

    exit_code = 2


class ConnectionProblem(CliError):
    """No MCP server answers at the target, or it went away during the run."""

    exit_code = 3


class HostProblem(CliError):
    """The server asked something that this host could not answer (a model that fails, a limit)."""

    exit_code = 4


class Interrupted(CliError):
    """The person stopped the run with Ctrl-C."""

    exit_code = 130
