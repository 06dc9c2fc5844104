"""The server: agents, a store and the carriers, composed on FastMCP."""

from inverted.server.app import AgentServer

__all__ = ["AgentServer"]
