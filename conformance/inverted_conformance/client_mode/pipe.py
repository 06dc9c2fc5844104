"""What a client under test starts as its server over stdio: it leads its pipes to the suite.

`python pipe.py HOST:PORT TOKEN`. It needs nothing but the standard library, so that it starts in
whatever environment the client gives its servers.
"""

from __future__ import annotations

import os
import socket
import sys
import threading
from contextlib import suppress
from typing import Final

PART: Final = 65536
"""Bytes that are taken on at once."""

PATIENCE: Final = 2.0
"""Seconds to connect, and seconds that the suite has to let go once the client has."""


def main(arguments: list[str]) -> int:
    """Forward both ways until one side closes.

    Args:
        arguments: Where the suite listens, and the word by which it knows whose pipe this is.

    Returns:
        The exit code.
    """
    host, _, port = arguments[0].rpartition(":")
    with socket.create_connection((host, int(port)), PATIENCE) as suite:
        suite.settimeout(None)
        suite.sendall(f"{arguments[1]}\n".encode())
        # Whoever closes first ends the program: it outlives neither the client nor the suite.
        reading = threading.Thread(target=_to_client, args=[suite], daemon=True)
        reading.start()
        with suppress(OSError):
            while part := os.read(0, PART):
                suite.sendall(part)
            suite.shutdown(socket.SHUT_WR)
        reading.join(PATIENCE)
    return 0


def _to_client(suite: socket.socket) -> None:
    """Forward what the suite sends; its end is the end of the program."""
    with suppress(OSError):
        while part := suite.recv(PART):
            while part:
                part = part[os.write(1, part) :]
    os._exit(0)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
