"""`python -m mutants.serve ROLE NAME […]`: a fixture, broken; further arguments are its own."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from typing import Final

from mutants.mutant import MUTANTS

ENTRY: Final = {
    "server": "inverted_conformance.fixture.__main__",
    "client": "inverted_conformance.fixture.client",
}
UNBROKEN: Final = "unbroken"
_HERE: Final = Path(__file__).parent
_NO_SUBJECTS: Final = {"__init__", "__main__", "noticing", "official", "quick", "serve", "zygote"}


def load() -> None:
    """Import every module of mutants, which fills `MUTANTS`."""
    for file in sorted(_HERE.glob("*.py")):
        if file.stem not in _NO_SUBJECTS:
            import_module(f"mutants.{file.stem}")


def run(role: str, name: str, arguments: Sequence[str]) -> int:
    """Run a fixture.

    Args:
        role: `server` or `client`.
        name: How to break it: a mutant's name, or `unbroken`.
        arguments: Its own command line.

    Returns:
        Its exit code.
    """
    if name != UNBROKEN:
        MUTANTS[name].apply()
    return import_module(ENTRY[role]).main(list(arguments))


def main() -> int:
    """Run the command line."""
    load()
    _, role, name, *arguments = sys.argv
    return run(role, name, arguments)


if __name__ == "__main__":
    sys.exit(main())
