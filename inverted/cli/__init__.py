"""The terminal host and the project template."""
