"""Programs of the cold start row: the same tool, as an agent and as a plain FastMCP tool."""
