"""Asks a server what it tells everybody: its revisions, its tools, whether it has tasks.

Nothing is called, and whatever the server asks meanwhile is dismissed. Called by `doctor`.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import nullcontext
from typing import NamedTuple

import anyio
from mcp import Client
from mcp_types.version import MODERN_PROTOCOL_VERSIONS

from inverted.cli.agents import list_tools
from inverted.cli.connect import Wanted, connected
from inverted.cli.conversation import Conversation
from inverted.cli.diagnosis import Evidence, unexpected
from inverted.cli.errors import CliError
from inverted.cli.person import Person
from inverted.cli.stderr import ServerLog
from inverted.cli.target import Target
from inverted.cli.text import clean
from inverted.pages.card import TOOL as CARD
from inverted.server.relay.reply import CONTINUE
from inverted.server.tasks.rules import EXTENSION


class Said(NamedTuple):
    """What a server told.

    Attributes:
        name: Its name.
        version: Its version.
        revision: The protocol revision that was negotiated.
        revisions: Every revision of the newer kind that it speaks, if it said so.
        agents: Its tools, without those of the relay.
        tasks: Whether it declares tasks.
        relay: Whether hosts may go on with a run by another call. None if it cannot be told: to a
            client that answers everything itself, a server of an older revision does not show it.
    """

    name: str
    version: str
    revision: str
    revisions: tuple[str, ...]
    agents: tuple[str, ...]
    tasks: bool
    relay: bool | None


async def ask(target: Target, headers: Sequence[str], timeout: float) -> Said:  # noqa: ASYNC109 # of the handshake, which enforces it
    """Connect to a server and read what it tells.

    Args:
        target: Where it is.
        headers: HTTP headers, as `NAME:VALUE`.
        timeout: Seconds until the handshake must be done.

    Raises:
        CliError: There is no such server.
    """
    scope, problems = anyio.CancelScope(), list[CliError]()
    said: Said | None = None

    def stop(problem: CliError) -> None:
        problems.append(problem)
        scope.cancel()

    evidence = Evidence(target, ServerLog(_ignored))
    nobody = Person(None, yes=False, prompter=None, turn=nullcontext)
    conversation = Conversation(nobody, [], _ignored, stop, evidence.name)
    wanted = Wanted("auto", headers, timeout, has_roots=False)
    with scope:
        try:
            async with connected(wanted, evidence, conversation, _ignored, _ignored) as client:
                try:
                    said = await _read(client, evidence)
                except CliError as problem:
                    # Kept, not raised: the connection's task groups would wrap it on its way out.
                    problems.append(problem)
        except CliError as problem:
            problems.append(problem)
        except Exception as error:  # noqa: BLE001 # closing a broken connection may fail anyhow
            problems.append(unexpected(error, evidence))
    if said is None:
        raise problems[0]
    return said


async def _read(client: Client, evidence: Evidence) -> Said:
    tools = await list_tools(client, evidence)
    about, declared = client.server_info, client.server_capabilities
    discovered = client.session.discover_result
    modern = client.protocol_version in MODERN_PROTOCOL_VERSIONS
    continues = any(CONTINUE in (each.meta or {}) for each in tools)
    return Said(
        name=clean(about.name) if about else evidence.name,
        version=clean(about.version) if about else "",
        revision=client.protocol_version,
        revisions=tuple(map(clean, discovered.supported_versions)) if discovered else (),
        agents=tuple(
            clean(each.name)
            for each in tools
            if CONTINUE not in (each.meta or {}) and not each.name.endswith(CARD)
        ),
        tasks=declared.tasks is not None or EXTENSION in (declared.extensions or {}),
        relay=True if continues else (False if modern else None),
    )


def _ignored(_event: object) -> None:
    """Nobody watches."""
