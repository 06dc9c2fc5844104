"""The fixture server itself; the modules beside this one give it what it serves."""

from __future__ import annotations

import os
import secrets
from pathlib import Path
from typing import Final

from inverted import AgentServer, Ladders, TaskSettings
from tests.conformance.plain import add_plain_components

_kept: Final = os.environ.get("MCP_CONFORMANCE_STATE")
"""The folder for what shall survive the process; our own suite kills it and starts it again."""

server: Final = AgentServer(
    "inverted-conformance",
    version="1.0.0",
    store=str(Path(_kept) / "runs.db") if _kept else ":memory:",
    keys=[(_kept or secrets.token_hex()).encode().ljust(32, b"0")],
    dereference_schemas=False,  # the official suite wants to see `$defs`
    # As soon as a client has tasks, whatever may be one is one.
    # The suites look at what the protocol has: no other way is taken where the client lacks it.
    ladders=Ladders(model=("sampling",), person=("form",)),
    tasks=TaskSettings(patience=0, poll_interval=0.05, polls=None),
)
add_plain_components(server)  # first: the official suite calls the first tool that it can
