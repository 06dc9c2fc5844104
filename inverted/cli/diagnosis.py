"""Why a connection failed, as one sentence that a person can act on.

The transports and the SDK report a failure as nested groups of whatever went wrong on each level.
Here they are read together with the evidence that they leave out: what the process wrote on its
two outputs, and the HTTP status. Called by `connect` and `session`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final, cast

import httpx2
from mcp import MCPError
from mcp_types import (
    CONNECTION_CLOSED,
    HEADER_MISMATCH,
    INVALID_PARAMS,
    MISSING_REQUIRED_CLIENT_CAPABILITY,
)
from pydantic import ValidationError

from inverted.cli.errors import CliError, ConnectionProblem, HostProblem
from inverted.cli.stderr import ServerLog
from inverted.cli.target import Command, Target
from inverted.cli.text import clean, clip, compact, first_line

_STATUS: Final = {
    401: "wants authorization: pass it with --header 'Authorization: Bearer …'",
    403: "refused the authorization that it was given (see --header)",
    404: "has no MCP endpoint at this path; many servers use /mcp",
    405: "takes no POST at this path, so it is no MCP endpoint; many servers use /mcp",
}
_CLIENT_ERROR: Final = 400

# With these a server answers over HTTP 400, and they say more than the status. The SDK makes other
# codes up for a status without an answer.
_SAID_BY_SERVERS: Final = frozenset(
    {INVALID_PARAMS, HEADER_MISMATCH, MISSING_REQUIRED_CLIENT_CAPABILITY}
)


@dataclass
class Evidence:
    """What is known about one connection beside the exceptions.

    Attributes:
        target: Where it went.
        log: What the process wrote on stderr.
        noise: What it wrote on stdout that is no JSON-RPC.
        status: The last HTTP error status; 0 without one.
    """

    target: Target
    log: ServerLog
    noise: list[str] = field(default_factory=list[str])
    status: int = 0

    @property
    def name(self) -> str:
        """The target as a person knows it."""
        return clip(clean(self.target.name), 120)

    def saw_response(self, status: int) -> None:
        """Take an HTTP status in."""
        if status >= _CLIENT_ERROR:
            self.status = status

    def saw_noise(self, error: ValidationError) -> None:
        """Take in a line on stdout that could not be read as a message."""
        self.noise.append(clip(first_line(str(error.errors()[0]["input"])), 80))


def leaves(error: BaseException) -> list[BaseException]:
    """The errors inside nested exception groups."""
    if isinstance(error, BaseExceptionGroup):
        group = cast("BaseExceptionGroup[BaseException]", error)
        return [leaf for one in group.exceptions for leaf in leaves(one)]
    return [error]


def connecting_failed(error: BaseException, evidence: Evidence) -> ConnectionProblem:
    """The problem when no connection came about.

    Args:
        error: What the transport or the SDK raised.
        evidence: What else is known.
    """
    causes = leaves(error)
    network = _network_problem(causes, evidence)
    if network is not None:
        return network
    if evidence.noise:
        return ConnectionProblem(
            f"{evidence.name} is not an MCP server: it wrote {evidence.noise[0]!r} on stdout, "
            "which is no JSON-RPC message.",
            evidence.log.tail(),
        )
    last = causes[-1]
    if isinstance(last, MCPError) and last.code == CONNECTION_CLOSED:
        return ended(evidence, "before it answered")
    reason = (
        f"{first_line(last.message)} ({last.code})"
        if isinstance(last, MCPError)
        else f"{type(last).__name__}: {first_line(str(last))}"
    )
    return ConnectionProblem(
        f"{evidence.name} does not answer as an MCP server: {reason}.", evidence.log.tail()
    )


def call_failed(error: BaseException, evidence: Evidence) -> ConnectionProblem | None:
    """The problem when the connection was lost during a call; None for any other error.

    Args:
        error: What the call raised.
        evidence: What else is known.
    """
    causes = leaves(error)
    network = _network_problem(causes, evidence)
    if network is not None:
        return network
    if any(isinstance(one, MCPError) and one.code == CONNECTION_CLOSED for one in causes):
        return ended(evidence, "during the run")
    return None


def call_problem(error: Exception, evidence: Evidence) -> CliError:
    """The problem when a call ended with an exception.

    Args:
        error: What the call raised.
        evidence: What else is known.
    """
    lost = call_failed(error, evidence)
    if isinstance(error, MCPError) and (lost is None or error.code in _SAID_BY_SERVERS):
        return CliError(f"the server refused the call: {clean(error.message)} ({error.code})")
    if lost is not None:
        return lost
    return ConnectionProblem(f"the server's answer breaks the protocol: {first_line(str(error))}")


def unexpected(error: Exception, evidence: Evidence) -> CliError:
    """The problem when something broke that nobody foresaw, mostly while a connection closed."""
    cause = leaves(error)[0]
    return call_failed(error, evidence) or HostProblem(
        f"unexpected {type(cause).__name__}: {first_line(str(cause))}. With INVERTED_DEBUG=1 set, "
        "the whole traceback is shown."
    )


def too_slow(evidence: Evidence, seconds: float) -> ConnectionProblem:
    """The problem when a server takes too long to answer the handshake."""
    return ConnectionProblem(
        f"no answer from {evidence.name} in {seconds:g} seconds. Is it an MCP server that speaks "
        "on stdin and stdout? A slow start needs a longer --connect-timeout.",
        evidence.log.tail(ended=False),
    )


def ended(evidence: Evidence, when: str) -> ConnectionProblem:
    """The problem when the server's process, or its end of the connection, is gone."""
    words = evidence.log.tail()
    said = " It wrote on stderr:" if words else " It wrote nothing on stderr."
    if not isinstance(evidence.target, Command):
        said = ""
    return ConnectionProblem(f"the server ended {when}: {evidence.name}.{said}", words)


def _network_problem(causes: list[BaseException], evidence: Evidence) -> ConnectionProblem | None:
    for cause in causes:
        if isinstance(cause, httpx2.HTTPStatusError):
            evidence.saw_response(cause.response.status_code)
        elif isinstance(cause, httpx2.ConnectError | httpx2.ConnectTimeout):
            return ConnectionProblem(
                f"cannot connect to {evidence.name}: {first_line(str(cause)) or 'no answer'}. "
                "Is the server running, and is the address right?"
            )
        elif isinstance(cause, httpx2.HTTPError | httpx2.InvalidURL):
            detail = first_line(str(cause))
            said = f" {compact(detail)}" if detail else ""
            return ConnectionProblem(
                f"the connection to {evidence.name} failed: {type(cause).__name__}{said}."
            )
        elif isinstance(cause, OSError):
            return ConnectionProblem(f"cannot start {evidence.name}: {cause.strerror or cause}.")
    if evidence.status:
        about = _STATUS.get(evidence.status, "answered with an error")
        return ConnectionProblem(f"{evidence.name} {about} (HTTP {evidence.status}).")
    return None
