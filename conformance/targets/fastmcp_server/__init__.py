"""A server on stock FastMCP 4 and `fastmcp[tasks]`, as its user would write it."""
