"""A bare FastMCP server on stdio with one tool."""

from fastmcp import Context, FastMCP

server = FastMCP("benchmark")


@server.tool
async def digest(ctx: Context, topic: str) -> str:
    """Say the topic."""
    return f"{topic} {ctx.request_id}"


server.run(show_banner=False)
