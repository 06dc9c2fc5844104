"""`python -m mutants.serve NAME […]`: the fixture server, broken; further arguments are its own."""

from __future__ import annotations

import sys
from importlib import import_module
from pathlib import Path

from mutants.mutant import MUTANTS


def load() -> None:
    """Import every module of mutants, which fills `MUTANTS`."""
    here = Path(__file__).parent
    for file in sorted(here.glob("*.py")):
        if file.stem not in {"__init__", "__main__", "serve"}:
            import_module(f"mutants.{file.stem}")


def main() -> int:
    """Break the fixture and serve it."""
    load()
    MUTANTS[f"server/{sys.argv[1].removeprefix('server/')}"].apply()
    # Only now: the entry point takes what it serves from the patched modules.
    return import_module("inverted_conformance.fixture.__main__").main(sys.argv[2:])


if __name__ == "__main__":
    sys.exit(main())
