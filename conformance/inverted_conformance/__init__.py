"""A conformance suite for MCP servers and clients: sampling, elicitation, rounds and tasks."""
