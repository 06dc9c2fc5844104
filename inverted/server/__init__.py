"""Agents, store and carriers put together as one FastMCP server."""
