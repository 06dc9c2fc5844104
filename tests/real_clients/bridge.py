"""A client in a program of its own, in another language or with another SDK.

The program gets one JSON argument: `era`, `where` (a command or a URL), `hands`. It connects and
writes `{"ready": REVISION}`. Then lines of JSON go both ways, until its stdin is closed:

- to it: `{"id", "list": true}`, `{"id", "call": {name, arguments, progress, timeout}}`;
- from it: `{"id", "result"}` or `{"id", "error"}`, and `{"id", "beat": true}` for each progress;
- from it: `{"ask", "method", "params"}` when the server asks; to it: `{"answer", "result"}`.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import json
import os
import subprocess
from collections.abc import AsyncGenerator, Sequence
from dataclasses import asdict
from typing import Any, Final, cast

import anyio

from tests.real_clients.client import Called, Connected, Era, Hands, OnProgress, Open
from tests.real_clients.people import answer

LONGEST_LINE: Final = 16 * 1024 * 1024
SECONDS_TO_END: Final = 10


def opening(
    command: Sequence[str],
    *,
    patience: float | None = None,
    environment: dict[str, str] | None = None,
) -> Open:
    """What connects such a program.

    Args:
        command: The program.
        patience: Seconds after which it shall give up a silent call.
        environment: Its environment; ours, without PYTHONPATH, if not given.
    """
    inherited = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}

    @contextlib.asynccontextmanager
    async def open(  # noqa: A001 - it is what the type is called
        era: Era, where: list[str] | str, hands: Hands
    ) -> AsyncGenerator[Connected]:
        process = await asyncio.create_subprocess_exec(
            *command,
            json.dumps({"era": era, "where": where, "hands": asdict(hands)}),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            limit=LONGEST_LINE,
            env=environment or inherited,
        )
        bridge = _Bridge(process, patience)
        try:
            yield await bridge.ready()
        finally:
            await bridge.aclose()

    return open


class _Bridge:
    """A program that is running. Implements `Connected`."""

    version: str | None = None

    def __init__(self, process: asyncio.subprocess.Process, patience: float | None) -> None:
        self._process = process
        self._timeout = None if patience is None else round(patience * 1000)
        self._ids = itertools.count()
        self._waiting: dict[int, asyncio.Future[Any]] = {}
        self._beats: dict[int, OnProgress] = {}
        self._ready: asyncio.Future[str | None] = asyncio.get_running_loop().create_future()
        self._reading = asyncio.create_task(self._read())

    async def ready(self) -> _Bridge:
        """Itself, once the client is connected."""
        self.version = await self._ready
        return self

    async def tools(self) -> list[dict[str, Any]]:
        return await self._request({"list": True})

    async def call(
        self, tool: str, arguments: dict[str, Any], progress: OnProgress | None = None
    ) -> Called:
        wanted: dict[str, Any] = {"name": tool, "arguments": arguments}
        if progress is not None:
            wanted |= {"progress": True, "timeout": self._timeout}
        return called(await self._request({"call": wanted}, progress))

    async def _request(self, request: dict[str, Any], progress: OnProgress | None = None) -> Any:
        id = next(self._ids)
        self._waiting[id] = asyncio.get_running_loop().create_future()
        if progress is not None:
            self._beats[id] = progress
        await self._write({"id": id, **request})
        try:
            return await self._waiting[id]
        finally:
            del self._waiting[id]
            self._beats.pop(id, None)

    async def _write(self, line: dict[str, Any]) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(line).encode() + b"\n")
        await self._process.stdin.drain()

    async def _read(self) -> None:
        assert self._process.stdout is not None
        try:
            async for line in self._process.stdout:
                await self._hear(json.loads(line))
        except Exception as error:  # noqa: BLE001 - a program that talks nonsense ends its calls
            self._end(error)
        else:
            self._end(ConnectionError("the program ended"))

    async def _hear(self, line: dict[str, Any]) -> None:
        if "ready" in line:
            self._ready.set_result(line["ready"])
        elif "ask" in line:
            said = answer(line["method"], line["params"])
            await self._write({"answer": line["ask"], "result": said})
        elif "beat" in line:
            if (beat := self._beats.get(line["id"])) is not None:
                await beat()
        elif (waiting := self._waiting.get(line["id"])) is not None:  # or it was given up
            if "error" in line:
                waiting.set_exception(RuntimeError(line["error"]))
            else:
                waiting.set_result(line["result"])

    def _end(self, error: Exception) -> None:
        for each in (self._ready, *self._waiting.values()):
            if not each.done():
                each.set_exception(error)

    async def aclose(self) -> None:
        """Let the program end."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        await ended(self._process, patience=SECONDS_TO_END)
        self._reading.cancel()


async def ended(process: asyncio.subprocess.Process, *, patience: float = 0) -> None:
    """See to it that a process is gone, also when the scenario is given up.

    Args:
        process: The process.
        patience: Seconds that it has to end by itself.
    """
    with anyio.CancelScope(shield=True):
        with anyio.move_on_after(patience):
            await process.wait()
        if process.returncode is None:
            process.kill()
            await process.wait()


def called(result: dict[str, Any]) -> Called:
    """A `CallToolResult` of the wire."""
    content = cast("list[dict[str, Any]]", result.get("content", []))
    text = "\n".join(each["text"] for each in content if each["type"] == "text")
    is_error = bool(result.get("isError"))
    return Called(text, result.get("structuredContent"), is_error=is_error)
