"""The command `inverted-doctor`: runs the server on stdio, or on HTTP where it is told to."""

from __future__ import annotations

import argparse

from inverted_doctor import __version__
from inverted_doctor.server import server


def main(arguments: list[str] | None = None) -> None:
    """Run the server until it is stopped.

    Args:
        arguments: The command line without its first word; the process's own if missing.
    """
    parser = argparse.ArgumentParser(prog="inverted-doctor", description=__doc__)
    parser.add_argument(
        "--http",
        metavar="HOST:PORT",
        type=_address,
        help="serve Streamable HTTP at http://HOST:PORT/mcp instead of stdio",
    )
    parser.add_argument("--version", action="version", version=__version__)
    options = parser.parse_args(arguments)
    if options.http:
        host, port = options.http
        server.run(transport="http", host=host, port=port, show_banner=False)
    else:
        server.run(show_banner=False)


def _address(text: str) -> tuple[str, int]:
    host, _, port = text.rpartition(":")
    if not host or not port.isdecimal():
        raise argparse.ArgumentTypeError(f"{text!r} is not HOST:PORT, for example 127.0.0.1:8000")
    return host.strip("[]"), int(port)


if __name__ == "__main__":
    main()
