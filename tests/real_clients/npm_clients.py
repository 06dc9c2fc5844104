"""The clients from npm: both majors of the TypeScript SDK, and MCP Inspector's command line.

The lock in `npm/` pins them.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import shutil
import subprocess
import tempfile
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any, Final, cast

from tests.conformance.install import environment, node, packages
from tests.real_clients.bridge import called, ended, opening
from tests.real_clients.client import Called, Connected, Era, Hands, Open, RealClient

LOCK: Final = Path(__file__).with_name("npm")
PROGRAMS: Final = Path(__file__).with_name("programs")
PATIENCE: Final = 1.5
"""Seconds; the SDKs have 60. Signs of life come every 0.2 s."""


def npm_clients() -> list[RealClient]:
    """The clients; installed now if they were not.

    Raises:
        UnavailableError: The npm registry cannot be reached.
        InstallError: npm failed for another reason, or Node is missing or too old.
    """
    folder = packages(LOCK, "clients")
    for program in PROGRAMS.glob("*.mjs"):  # their imports are looked up from where they are
        shutil.copy(program, folder)
    wanted = json.loads((LOCK / "package.json").read_text("utf-8"))["dependencies"]

    def sdk(package: str, program: str, *eras: Era) -> RealClient:
        start = opening(node(folder / program), patience=PATIENCE, environment=environment())
        return RealClient(f"{package} {wanted[package]}", start, eras=eras, patience=PATIENCE)

    package = "@modelcontextprotocol/inspector"
    inspector = RealClient(
        f"{package} {wanted[package]} --cli",
        _inspector(folder / "node_modules" / package / "clients/launcher/build/index.js"),
        lacks={
            **dict.fromkeys(("sampling with tools", "tools as text", "fifty turns"), "no model"),
            "forms": "no person",
            "progress": "one call at a time, and shows no progress",
        },
    )
    return [
        sdk("@modelcontextprotocol/sdk", "sdk_1.mjs", "2025-11-25"),
        sdk("@modelcontextprotocol/client", "client_2.mjs", "2025-11-25", "2026-07-28"),
        inspector,
    ]


class _Inspector:
    """Runs the program once for every call, so that runs live on in the store alone."""

    version: str | None = None

    def __init__(self, program: Path, storage: str, era: Era, where: list[str] | str) -> None:
        self._storage = storage
        target = [where] if isinstance(where, str) else where
        kind = "legacy" if era == "2025-11-25" else "modern"
        options = ["--protocol-era", kind, "--format", "json", "--quiet"]
        self._command = [*node(program, "--cli", *target), *options]

    async def tools(self) -> list[dict[str, Any]]:
        return (await self._run("tools/list"))["tools"]

    async def call(self, tool: str, arguments: dict[str, Any], progress: object = None) -> Called:
        given = json.dumps(arguments)
        return called(await self._run("tools/call", "--tool-name", tool, "--tool-args-json", given))

    async def _run(self, method: str, *options: str) -> dict[str, Any]:
        process = await asyncio.create_subprocess_exec(
            *self._command,
            *("--method", method, *options),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env={**environment(), "MCP_STORAGE_DIR": self._storage},
        )
        try:
            output, problem = await process.communicate()
        finally:
            await ended(process)
        if not output.strip():
            raise RuntimeError(problem.decode(errors="replace")[-2000:])
        said = cast("dict[str, Any]", json.loads(output))
        return said.get("result", said)


def _inspector(program: Path) -> Open:
    @contextlib.asynccontextmanager
    async def open(  # noqa: A001 - it is what the type is called
        era: Era, where: list[str] | str, hands: Hands
    ) -> AsyncGenerator[Connected]:
        with tempfile.TemporaryDirectory() as storage:  # not the one in the person's home
            yield _Inspector(program, storage, era, where)

    return open
