"""MCP servers that own the control flow."""

__version__ = "0.1.0"
