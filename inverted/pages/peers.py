"""Whose process is at the other end of a connection from this machine.

A page's address stands on the command line of the browser that is started with it, and other users
of the machine can read command lines. On Linux the kernel tells which user holds the other end of
a connection, so their requests are refused. Elsewhere the token alone protects the page.

Called by `local`.

Source: proc_net(5), "/proc/net/tcp".
"""

from __future__ import annotations

import os
import socket
import sys
from contextlib import suppress
from pathlib import Path
from typing import Final

TABLES: Final = (Path("/proc/net/tcp"), Path("/proc/net/tcp6"))

_ESTABLISHED: Final = "01"
_ROOT: Final = 0


def is_ours(peer: tuple[str, int], here: tuple[str, int]) -> bool:
    """Whether the other end of a connection belongs to this process's user.

    Args:
        peer: Address and port of the other end; IPv4.
        here: Address and port of our end.

    Returns:
        Whether it does, or cannot be known: another system, or a server that runs as root and so
        for other users.
    """
    me = os.getuid() if sys.platform == "linux" else _ROOT
    if me == _ROOT:
        return True
    owners: set[int] = set()
    known = False
    for table in TABLES:
        with suppress(OSError):
            lines = table.read_text(encoding="ascii").splitlines()[1:]
            known = True
            owners.update(_owners(lines, _entry(*peer), _entry(*here)))
    return not known or bool(owners & {me, _ROOT})


def _owners(lines: list[str], peer: str, here: str) -> set[int]:
    """The users of the sockets that connect peer to here. One that is closed has none any more."""
    found: set[int] = set()
    for line in lines:
        _, local, remote, state, _, _, _, user, *_ = line.split()
        # The other table holds the same address in its IPv6 form, which ends alike.
        if local.endswith(peer) and remote.endswith(here) and state == _ESTABLISHED:
            found.add(int(user))
    return found


def _entry(address: str, port: int) -> str:
    """An end as the kernel prints it: the address as a number of this machine's byte order."""
    number = int.from_bytes(socket.inet_aton(address), sys.byteorder)
    return f"{number:08X}:{port:04X}"
