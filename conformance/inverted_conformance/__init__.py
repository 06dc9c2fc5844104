"""A conformance suite for MCP servers and clients that ask: sampling, elicitation, rounds, tasks."""
