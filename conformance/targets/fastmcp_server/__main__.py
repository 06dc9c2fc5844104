"""`python -m targets.fastmcp_server [--http PORT]`; without a port it serves pipes."""

from __future__ import annotations

import sys

from targets.fastmcp_server import giving_up, person, rounds, sampling, tasks, url, work
from targets.fastmcp_server.app import mcp

MODULES = (sampling, person, url, rounds, work, giving_up, tasks)
"""Importing them adds their tools."""

if "--http" in sys.argv:
    mcp.run("http", port=int(sys.argv[-1]), show_banner=False, log_level="ERROR")
else:
    mcp.run("stdio", show_banner=False)
