"""Asks a server which tools it has, by starting it here."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Final, TextIO

import anyio
from mcp import ClientSession, MCPError, StdioServerParameters
from mcp.client.stdio import stdio_client

from inverted.cli.errors import ConnectionProblem

_SECONDS: Final = 60
_TAIL: Final = 8


def listed(argv: tuple[str, ...], env: Mapping[str, str]) -> list[dict[str, str]]:
    """The tools of a server, with the first paragraph of their descriptions.

    Args:
        argv: What starts it.
        env: Variables for it.

    Raises:
        ConnectionProblem: It does not start, or does not answer.
    """
    with tempfile.TemporaryDirectory() as folder, (Path(folder) / "stderr").open("w+") as log:
        try:
            return anyio.run(_ask, argv, env, log)
        except* (OSError, TimeoutError, MCPError):
            log.seek(0)
            said = log.read().splitlines()[-_TAIL:]
    raise ConnectionProblem(
        "the server did not tell its tools. If it needs variables to start, set those of --env and "
        "--secret in this shell; --no-tools leaves the list to the host. It said:",
        said,
    )


async def _ask(argv: tuple[str, ...], env: Mapping[str, str], log: TextIO) -> list[dict[str, str]]:
    passed = {name: value for name, value in os.environ.items() if name.startswith("INVERTED_")}
    parameters = StdioServerParameters(
        command=argv[0], args=list(argv[1:]), env={**passed, **env}, cwd=Path.cwd()
    )
    with anyio.fail_after(_SECONDS):
        async with (
            stdio_client(parameters, errlog=log) as (reading, writing),
            ClientSession(reading, writing) as session,
        ):
            await session.initialize()
            tools = (await session.list_tools()).tools
    return [
        {"name": tool.name}
        | ({"description": _paragraph(tool.description)} if tool.description else {})
        for tool in tools
    ]


def _paragraph(text: str) -> str:
    return " ".join(text.strip().partition("\n\n")[0].split())
