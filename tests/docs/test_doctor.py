"""docs/doctor.md shows what `inverted doctor` prints.

The part of the page between the two comments is made here. After a change of what it prints, run
this file (`python tests/docs/test_doctor.py`): it writes that part anew.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Final

PAGE: Final = Path(__file__).parents[2] / "docs/doctor.md"
BEGIN: Final = "<!-- printed by inverted doctor: begin -->\n"
END: Final = "<!-- printed by inverted doctor: end -->\n"


def printed(*argv: str) -> list[str]:
    """The lines of a command on a machine with a screen, without their trailing space."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("INVERTED_")}
    done = subprocess.run(
        [sys.executable, "-m", "inverted.cli", *argv],
        capture_output=True,
        text=True,
        timeout=50,
        check=True,
        env={**kept, "DISPLAY": ":0", "COLUMNS": "80"},
    )
    return [line.rstrip() for line in done.stdout.splitlines()]


def made() -> str:
    """The part of the page that is printed: the table of hosts, and the beginning of one host."""
    every = printed("doctor")
    one = printed("doctor", "--client", "codex")
    return (
        _fence("inverted doctor", every[: every.index("What to enable") - 1])
        + "\nWhat to enable in each host follows. One host is told in full:\n\n"
        + _fence("inverted doctor --client codex", one[5 : one.index("Seen in") - 1])
    )


def _fence(command: str, lines: list[str]) -> str:
    return "\n".join(["```console", f"$ {command}", *lines, "```", ""])


def test_the_page_shows_what_is_printed() -> None:
    assert PAGE.read_text().partition(BEGIN)[2].partition(END)[0] == made()


if __name__ == "__main__":
    head, _, rest = PAGE.read_text().partition(BEGIN)
    PAGE.write_text(head + BEGIN + made() + END + rest.partition(END)[2])
