"""The command line: `inverted-conformance`. `main` is its entry point."""

from inverted_conformance.cli.main import main

__all__ = ["main"]
