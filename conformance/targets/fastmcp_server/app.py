"""The server: who may come, what seals a state, and the extension that runs tasks."""

from __future__ import annotations

import os
import secrets
from pathlib import Path
from typing import Any, Final

from fastmcp import FastMCP
from fastmcp.server.auth.providers.jwt import StaticTokenVerifier
from fastmcp_tasks import (  # pyright: ignore[reportMissingImports]
    TasksExtension,  # pyright: ignore[reportUnknownVariableType]
)
from mcp.server.request_state import RequestStateSecurity

PEOPLE: Final = ("alice", "bob")
STATE: Final = os.environ.get("MCP_CONFORMANCE_STATE")


def key() -> bytes:
    """What seals states; kept where the suite said, so that a round survives a restart."""
    if not STATE:
        return secrets.token_bytes(32)
    file = Path(STATE) / "key"
    if not file.exists():
        file.write_bytes(secrets.token_bytes(32))
    return file.read_bytes()


mcp: Final = FastMCP[Any](
    "fastmcp",
    version="1.0.0",
    auth=StaticTokenVerifier(
        {name: {"client_id": name, "sub": name, "scopes": []} for name in PEOPLE}
    ),
    request_state_security=RequestStateSecurity(keys=[key()]),
)
mcp.add_extension(TasksExtension())  # pyright: ignore[reportUnknownArgumentType]
