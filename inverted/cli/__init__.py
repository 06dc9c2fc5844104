"""The terminal host: the `inverted` command. `main` is its entry point."""

from inverted.cli.main import main

__all__ = ["main"]
