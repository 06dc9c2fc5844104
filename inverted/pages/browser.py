"""Opens an address in the person's browser, and says where that cannot work.

The browser is started by a process of its own: what browsers print must not reach the stdout of a
stdio server, which is the protocol. The environment variable INVERTED_BROWSER is "off", or a
command that is given the address as its last argument.

Called by `local`.
"""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
import threading
from collections.abc import Mapping
from typing import Final

import anyio.to_thread

VARIABLE: Final = "INVERTED_BROWSER"

_PATIENCE: Final = 5.0
"""Seconds after which a command that still runs is taken for the browser itself."""

_OPEN: Final = "import sys, webbrowser; sys.exit(not webbrowser.open(sys.argv[1]))"


def unavailable(
    environ: Mapping[str, str] = os.environ, platform: str = sys.platform
) -> str | None:
    """Why no browser can be opened on this machine.

    Args:
        environ: The environment variables.
        platform: As in `sys.platform`.

    Returns:
        The reason and a way out, or None if a browser may be there.
    """
    chosen = environ.get(VARIABLE, "").strip()
    if chosen.lower() == "off":
        return f"{VARIABLE} is off. Unset it, or set it to a command that opens an address."
    if chosen or environ.get("BROWSER"):
        return None
    remote = environ.get("SSH_CONNECTION") or environ.get("SSH_TTY")
    if platform == "darwin" and remote:
        return (
            "The server was started over SSH, so nobody would see the browser. Set "
            f"{VARIABLE} to a command that opens an address where the person is."
        )
    graphical = platform in ("darwin", "win32", "cygwin")
    if not graphical and not (environ.get("DISPLAY") or environ.get("WAYLAND_DISPLAY")):
        return (
            "This machine has no screen: neither DISPLAY nor WAYLAND_DISPLAY is set. Pass them on "
            f"to the server, or set {VARIABLE} to a command that opens an address."
        )
    return None


async def open_url(url: str) -> str | None:
    """Open an address in the browser.

    Args:
        url: The address.

    Returns:
        What went wrong, or None if a browser was started.
    """
    return await anyio.to_thread.run_sync(_start, url, abandon_on_cancel=True)


def _start(url: str) -> str | None:
    try:
        own = shlex.split(os.environ.get(VARIABLE, ""))
    except ValueError as error:
        return f"{VARIABLE} is no command: {error}. Write it as for a shell, or unset it."
    command = own or [sys.executable, "-c", _OPEN]
    # Without TERM, `webbrowser` does not fall back to browsers that need a terminal.
    environ = {key: value for key, value in os.environ.items() if own or key != "TERM"}
    try:
        process = subprocess.Popen(
            [*command, url],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env=environ,
            start_new_session=True,  # the browser outlives the server
        )
    except OSError as error:
        return f"{command[0]} cannot be started: {error}"
    try:
        code = process.wait(_PATIENCE)
    except subprocess.TimeoutExpired:
        threading.Thread(target=process.wait, name="browser", daemon=True).start()
        return None
    if code:
        return f"No browser could be opened: {shlex.join(command[:1])} ended with code {code}."
    return None
