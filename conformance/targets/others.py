"""The servers and clients that the suite is run against, and how each is had and started."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Generator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Final

from inverted_conformance.manifest import Role
from tests.conformance.install import UnavailableError, node, packages

HERE: Final = Path(__file__).parent
TYPESCRIPT: Final = HERE / "typescript"
FASTMCP: Final = {"fastmcp[tasks]": "4.1.2", "fastmcp-tasks": "4.1.2", "mcp": "2.3.0"}
"""What the FastMCP server runs on, in an environment of its own: tasks clash with ours."""

SECONDS: Final = 240
"""For packages to arrive."""

Command = Sequence[str]


@dataclass(frozen=True, slots=True)
class Other:
    """A server or a client under test."""

    name: str
    role: Role
    title: str
    """What it is made of, with versions."""

    about: str
    ready: Callable[[], AbstractContextManager[Command]]
    """Brings what it needs, and gives the command that starts it. A server takes `--http PORT`.

    Raises:
        UnavailableError: It cannot be had here.
    """


def others() -> list[Other]:
    """All of them."""
    mcp = f"mcp {version('mcp')}"
    npm: dict[str, str] = json.loads((TYPESCRIPT / "package.json").read_text())["dependencies"]
    server, client = (f"@modelcontextprotocol/{one}" for one in ("server", "client"))
    stock = f"FastMCP {FASTMCP['fastmcp-tasks']}, fastmcp-tasks {FASTMCP['fastmcp-tasks']}"
    return [
        Other(
            "inverted",
            "server",
            f"inverted {version('inverted')} on FastMCP {version('fastmcp')} and {mcp}",
            "Every tool is an agent. Code: `tests/conformance/server.py`.",
            _module("tests.conformance.serve"),
        ),
        Other(
            "fixture",
            "server",
            f"The ready fixture on {mcp}",
            "The suite's own fixture on the low-level server of the Python SDK. It adds what the "
            "SDK lacks: tasks of both forms, the look at what the client declared, and the wait "
            "for `initialized`. Code: `inverted_conformance/fixture`.",
            _module("inverted_conformance.fixture"),
        ),
        Other(
            "fastmcp",
            "server",
            f"{stock} and mcp {FASTMCP['mcp']}",
            "As a user of FastMCP writes it: `ctx.elicit` and the SDK's session on 2025-11-25, "
            "`InputRequiredResult` on 2026-07-28. Code: `targets/fastmcp_server`.",
            _fastmcp("targets.fastmcp_server"),
        ),
        Other(
            "typescript",
            "server",
            f"{server} {npm[server]} (npm)",
            "As a user of the TypeScript SDK writes it: tools are written for rounds, and the SDK "
            "turns those into requests on 2025-11-25. Code: `targets/typescript`.",
            _typescript("serve.mjs"),
        ),
        Other(
            "fixture-client",
            "client",
            f"The reference client on {mcp}",
            "The suite's own fixture on `mcp.Client`. It adds what the SDK lacks: tasks of both "
            "forms. Code: `inverted_conformance/fixture/client.py`.",
            _module("inverted_conformance.fixture.client"),
        ),
        Other(
            "fastmcp-client",
            "client",
            f"`Client` of {stock} and mcp {FASTMCP['mcp']}",
            "Handlers for sampling and elicitation, and the tasks that `fastmcp_tasks` brings. "
            "Code: `targets/fastmcp_client.py`.",
            _fastmcp("targets.fastmcp_client"),
        ),
        Other(
            "typescript-client",
            "client",
            f"{client} {npm[client]} (npm)",
            "Handlers for sampling, elicitation and roots. Code: `targets/typescript/client.mjs`.",
            _typescript("client.mjs"),
        ),
    ]


def _module(name: str) -> Callable[[], AbstractContextManager[Command]]:
    @contextmanager
    def ready() -> Generator[Command]:
        yield (sys.executable, "-m", name)

    return ready


def _typescript(program: str) -> Callable[[], AbstractContextManager[Command]]:
    @contextmanager
    def ready() -> Generator[Command]:
        folder = packages(TYPESCRIPT, "targets")
        for file in TYPESCRIPT.glob("*.mjs"):  # their imports are looked up from where they are
            shutil.copy(file, folder)
        yield node(folder / program)

    return ready


def _fastmcp(module: str) -> Callable[[], AbstractContextManager[Command]]:
    @contextmanager
    def ready() -> Generator[Command]:
        uv = shutil.which("uv")
        if uv is None:
            raise UnavailableError("uv is not on PATH, and it makes the environment of FastMCP.")
        with tempfile.TemporaryDirectory(prefix="fastmcp-") as folder:
            bin_ = "Scripts" if os.name == "nt" else "bin"
            python = str(Path(folder) / bin_ / "python")
            wanted = [f"{name}=={number}" for name, number in FASTMCP.items()]
            _uv(uv, "venv", "--python", sys.executable, folder)
            _uv(uv, "pip", "install", "--compile-bytecode", "--python", python, *wanted)
            yield (python, "-m", module)

    return ready


def _uv(uv: str, *arguments: str) -> None:
    command = [uv, *arguments, "--quiet"]
    try:
        subprocess.run(command, check=True, timeout=SECONDS, capture_output=True, text=True)
    except subprocess.CalledProcessError as error:
        raise UnavailableError(f"uv could not have {arguments}: {error.stderr}") from error
    except subprocess.TimeoutExpired as error:
        raise UnavailableError(f"uv was not done after {SECONDS} s.") from error
