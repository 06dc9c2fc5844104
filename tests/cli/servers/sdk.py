"""A server made with the MCP SDK alone, which starts nothing by itself."""

from __future__ import annotations

from mcp.server import MCPServer
from mcp.shared.exceptions import UrlElicitationRequiredError
from mcp_types import ElicitRequestURLParams

app = MCPServer("sdk-only")
visits: list[str] = []


@app.tool()
async def needs_a_page() -> str:
    """Name a page to open before the call can be served, the first time."""
    visits.append("call")
    if len(visits) == 1:
        page = ElicitRequestURLParams(
            message="Please sign in", url="https://example.org/login", elicitation_id="e1"
        )
        raise UrlElicitationRequiredError([page])
    return "signed in"


def make() -> MCPServer:
    return app


not_a_server = 3
