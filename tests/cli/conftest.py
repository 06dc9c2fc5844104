"""Running the terminal host: as a process, on a pseudo-terminal, or inside the test."""

from __future__ import annotations

import json
import logging
import os
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from time import monotonic, sleep
from typing import Any

import pytest

from inverted.cli import main

SERVERS = Path(__file__).parent / "servers"
PATIENCE = 30.0


@dataclass(frozen=True)
class Finished:
    """What a command line printed, and its exit code."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> dict[str, Any]:
        return json.loads(self.out)


Host = Callable[..., Finished]


@pytest.fixture
def servers() -> Path:
    return SERVERS


@pytest.fixture
def clean_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No keys, no settings and no journals of the machine that runs the tests."""
    for name in list(os.environ):
        if name.endswith(("_API_KEY", "_BASE_URL")) or name.startswith(("INVERTED_", "FASTMCP_")):
            monkeypatch.delenv(name)
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    for name in ("BROWSER", "DISPLAY", "WAYLAND_DISPLAY", "FORCE_COLOR"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def quiet_loggers() -> Iterator[None]:
    """The command quiets the libraries of its process; here that process goes on."""
    names = ("mcp", "fastmcp", "httpx2", "asyncio")
    before = [(logging.getLogger(name), logging.getLogger(name).propagate) for name in names]
    handlers = {logger: list(logger.handlers) for logger, _ in before}
    yield
    for logger, propagate in before:
        logger.propagate = propagate
        logger.handlers[:] = handlers[logger]


@pytest.fixture
def host(clean_environment: None, quiet_loggers: None, capsys: pytest.CaptureFixture[str]) -> Host:
    """Run a command line in this process. It sees no terminal."""

    def run(*argv: object) -> Finished:
        code = main([str(one) for one in argv])
        captured = capsys.readouterr()
        return Finished(code, captured.out, captured.err)

    return run


@dataclass(frozen=True)
class HttpServer:
    """A server that listens on this machine."""

    url: str
    process: subprocess.Popen[bytes]


@pytest.fixture(scope="session")
def http_servers() -> Iterator[Callable[[str], HttpServer]]:
    """Start test servers on HTTP; they are stopped at the end of all tests."""
    started: list[subprocess.Popen[bytes]] = []

    def start(name: str) -> HttpServer:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        process = subprocess.Popen(
            [sys.executable, str(SERVERS / f"{name}.py"), str(port)],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        started.append(process)
        deadline = monotonic() + PATIENCE
        while monotonic() < deadline:
            assert process.poll() is None, "the server ended at start"
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    return HttpServer(f"http://127.0.0.1:{port}/mcp", process)
            sleep(0.05)  # polls a foreign process; there is no event to wait for
        raise AssertionError("the server does not listen")

    yield start
    for process in started:
        process.kill()
        process.wait(PATIENCE)


@pytest.fixture(scope="session")
def rounds(http_servers: Callable[[str], HttpServer]) -> str:
    """The address of a server that asks by ending the call; started once, as starts are slow."""
    return http_servers("rounds").url


@pytest.fixture(scope="session")
def backchannel(http_servers: Callable[[str], HttpServer]) -> str:
    """The address of a server that asks while the call is open."""
    return http_servers("backchannel").url


@pytest.fixture
def shell(clean_environment: None) -> Callable[..., Finished]:
    """Run a command line as a process of its own, without a terminal."""

    def run(*argv: object, env: Mapping[str, str] | None = None) -> Finished:
        finished = subprocess.run(
            [sys.executable, "-m", "inverted.cli", *(str(one) for one in argv)],
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=False,
            stdin=subprocess.DEVNULL,
            env={**os.environ, **(env or {})},
        )
        return Finished(finished.returncode, finished.stdout, finished.stderr)

    return run
