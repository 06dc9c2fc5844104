"""`python -m tests.conformance.ours`: our own suite against our own servers."""

from __future__ import annotations

import socket
import subprocess
import sys
from pathlib import Path
from typing import Final

SUITE: Final = (sys.executable, "-m", "inverted_conformance", "server", "--quiet")
PEOPLE: Final = (
    *("--header", "Authorization: Bearer alice"),
    *("--other-header", "Authorization: Bearer bob"),
)
FIXTURE: Final = (sys.executable, "-m", "tests.conformance.serve")
PACKAGED: Final = ("inverted-code-review", "inverted-doctor")
SECONDS: Final = 300


def main() -> int:
    """Run the suite against the fixture server over HTTP, and the packaged servers on pipes.

    Returns:
        0 if nothing failed.
    """
    port = _free_port()
    url = f"http://127.0.0.1:{port}/mcp"
    runs = [("--url", url, *PEOPLE, "--", *FIXTURE, "--http", str(port))]
    # They have none of the tools of the contract: what holds for every server is checked.
    runs += [("--", str(Path(sys.executable).with_name(name))) for name in PACKAGED]
    failed = 0
    for run in runs:
        failed |= subprocess.run([*SUITE, *run], timeout=SECONDS, check=False).returncode
    return failed


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


if __name__ == "__main__":
    sys.exit(main())
