"""`python -m tests.conformance.serve`: the server on pipes, or over HTTP for two people."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from fastmcp.server.auth.providers.jwt import StaticTokenVerifier

from tests.conformance.server import server

PEOPLE = ("alice", "bob")


def main(arguments: Sequence[str] | None = None) -> int:
    """Serve until the connection ends or a signal comes."""
    parser = argparse.ArgumentParser(prog="python -m tests.conformance.serve")
    parser.add_argument("--http", type=int, metavar="PORT")
    options = parser.parse_args(arguments)
    if options.http is None:
        server.run(show_banner=False)
    else:
        server.auth = StaticTokenVerifier(
            {name: {"client_id": name, "sub": name, "scopes": []} for name in PEOPLE}
        )
        server.run("http", port=options.http, show_banner=False, log_level="error")
    return 0


if __name__ == "__main__":
    sys.exit(main())
