"""Names for lease holders that tell whether the process behind them is certainly gone.

A process that was killed leaves its lease behind. On the same machine nobody needs to wait for it
to lapse: the name holds the process id, and the system knows that it is dead. When in doubt the
holder counts as alive, and the lease decides.
"""

from __future__ import annotations

import os
import platform
import secrets
from pathlib import Path


def new_owner() -> str:
    """A name for this runtime: where it runs, its process, and something unique."""
    return f"{_place()}/{os.getpid()}/{secrets.token_hex(8)}"


def surely_dead(owner: str) -> bool:
    """Whether the process of a lease holder on this machine has ended."""
    place, pid, _ = owner.rsplit("/", 2) if owner.count("/") >= 2 else ("", "0", "")  # noqa: PLR2004
    if place != _place() or not pid.isdecimal() or os.name != "posix":
        return False
    try:
        os.kill(int(pid), 0)
    except ProcessLookupError:
        return True
    except (OSError, OverflowError):  # somebody else's, or no id at all
        return False
    return False


def _place() -> str:
    """The machine, and the process namespace within it: process ids mean nothing outside."""
    try:
        namespace = Path("/proc/self/ns/pid").readlink()
    except OSError:
        return platform.node()
    return f"{platform.node()}/{namespace}"
