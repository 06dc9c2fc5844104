"""Server processes for tests: started on a socket or over stdio, killed without mercy."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Generator
from pathlib import Path

HERE = Path(__file__).parent


class HttpServer:
    """A server program behind a listening socket that outlives it.

    The test holds the socket, so a client may connect before the process is up, and a second
    process takes over the same address after the first was killed.
    """

    def __init__(self, program: str | Path, *arguments: str | Path) -> None:
        self._command = [sys.executable, str(HERE / program), "http", *map(str, arguments)]
        self._listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
        self._listener.bind(("127.0.0.1", 0))
        self._listener.listen(128)
        self.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._listener.getsockname()[1]}/mcp"

    def kill(self) -> None:
        self._process.send_signal(signal.SIGKILL)
        self._process.wait(timeout=10)

    def start(self) -> None:
        """Start the first or the next process on the same address."""
        descriptor = self._listener.fileno()
        self._process = subprocess.Popen([*self._command, str(descriptor)], pass_fds=[descriptor])

    def close(self) -> None:
        with contextlib.suppress(ProcessLookupError):
            self._process.terminate()
        try:
            self._process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            self.kill()
        self._listener.close()


@contextlib.contextmanager
def http_server(program: str | Path, *arguments: str | Path) -> Generator[HttpServer]:
    server = HttpServer(program, *arguments)
    try:
        yield server
    finally:
        server.close()


def stdio_command(program: str | Path, *arguments: str | Path) -> list[str]:
    return [sys.executable, str(HERE / program), "stdio", *map(str, arguments)]


def kill_newest(effects: list[str]) -> None:
    """Kill the newest process that wrote its id into the effects."""
    newest = [line for line in effects if line.startswith("process ")][-1]
    os.kill(int(newest.removeprefix("process ")), signal.SIGKILL)
