"""`python -m mutants.serve ROLE/NAME […]`: a fixture, broken; further arguments are its own."""

from __future__ import annotations

import sys
from importlib import import_module
from pathlib import Path

from mutants.mutant import MUTANTS

ENTRY = {
    "server": "inverted_conformance.fixture.__main__",
    "client": "inverted_conformance.fixture.client",
}
SUBJECTS = Path(__file__).parent
NOT_SUBJECTS = {"__init__", "__main__", "serve", "noticing", "official"}


def load() -> None:
    """Import every module of mutants, which fills `MUTANTS`."""
    for file in sorted(SUBJECTS.glob("*.py")):
        if file.stem not in NOT_SUBJECTS:
            import_module(f"mutants.{file.stem}")


def main() -> int:
    """Break a fixture and run it."""
    load()
    chosen = MUTANTS[sys.argv[1]]
    chosen.apply()
    # Only now: the entry point takes what it runs from the patched modules.
    return import_module(ENTRY[chosen.role]).main(sys.argv[2:])


if __name__ == "__main__":
    sys.exit(main())
