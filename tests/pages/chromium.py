"""Chromium without a window, driven by keys over its own DevTools protocol.

The protocol travels over two pipes, so that there is no port, no driver and no package. Nothing
here waits by the clock: `Tab.until` waits inside the page, `Tab.load` for the page's own event.

Source: https://chromedevtools.github.io/devtools-protocol/ (Target, Page, Runtime, Input).
"""

from __future__ import annotations

import asyncio
import base64
import json
import os
import shutil
import sys
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from itertools import count
from pathlib import Path
from typing import Any, Final

import anyio

FOUND: Final = next(
    (
        path
        for name in ("chromium", "chromium-browser", "google-chrome", "chrome")
        if (path := shutil.which(name))
    ),
    None,
)
"""The browser of this machine, if there is one."""

PATIENCE: Final = 30.0

_FLAGS: Final = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--hide-scrollbars",  # they would not be in a screenshot, but their place would
    "--disable-quic",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--enable-features=IsolateSandboxedIframes",  # `Tab.frame` finds them on every version
    "--remote-debugging-pipe",
)

# Chromium reads commands from file descriptor 3 and writes to 4.
_WITH_PIPES: Final = """
import fcntl, os, sys
ends = [fcntl.fcntl(int(end), fcntl.F_DUPFD, 10) for end in sys.argv[1:3]]
for number, end in zip((3, 4), ends):
    os.dup2(end, number, inheritable=True)
os.execv(sys.argv[3], sys.argv[3:])
"""

_KEYS: Final = {"Tab": 9, "Enter": 13, "Escape": 27, " ": 32, "ArrowUp": 38, "ArrowDown": 40}

CONTRAST = """
const canvas = new OffscreenCanvas(1, 1).getContext("2d", { willReadFrequently: true });
const light = (color) => {
  canvas.fillStyle = color;
  canvas.fillRect(0, 0, 1, 1);
  const [r, g, b] = [...canvas.getImageData(0, 0, 1, 1).data].map((part) => {
    const value = part / 255;
    return value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
};
const behind = (element) => {
  const color = getComputedStyle(element).backgroundColor;
  return color === "rgba(0, 0, 0, 0)" ? behind(element.parentElement) : color;
};
const texts = document.querySelectorAll(
  "p, h1, h2, b, li, a, label, legend, span, input, textarea, select, button, .details");
return Math.min(...[...texts].map((element) => {
  const [one, other] = [light(getComputedStyle(element).color), light(behind(element))];
  return (Math.max(one, other) + 0.05) / (Math.min(one, other) + 0.05);
}));
"""
"""The least contrast of any text on the page."""


class Chromium:
    """A running browser. Made by `chromium`."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer
        self._numbers = count(1)
        self._replies: dict[int, asyncio.Future[Any]] = {}
        self._events: dict[tuple[str, str], asyncio.Future[Any]] = {}

    async def call(self, method: str, session: str | None = None, **params: Any) -> Any:
        """Call a method of the protocol."""
        number = next(self._numbers)
        message = {"id": number, "method": method, "params": params}
        if session is not None:
            message["sessionId"] = session
        self._replies[number] = asyncio.get_running_loop().create_future()
        self._writer.write(json.dumps(message).encode() + b"\0")
        return await asyncio.wait_for(self._replies[number], PATIENCE)

    def event(self, session: str, method: str) -> asyncio.Future[Any]:
        """The next event of this name."""
        return self._events.setdefault(
            (session, method), asyncio.get_running_loop().create_future()
        )

    async def read(self) -> None:
        """Read what the browser says, until it ends."""
        while line := (await self._reader.readuntil(b"\0")).rstrip(b"\0"):
            said = json.loads(line)
            if "id" not in said:
                waiting = self._events.pop((said.get("sessionId", ""), said["method"]), None)
                if waiting is not None and not waiting.done():
                    waiting.set_result(said["params"])
                continue
            reply = self._replies.pop(said["id"])
            if reply.done():
                continue
            if "error" in said:
                reply.set_exception(RuntimeError(said["error"]["message"]))
            else:
                reply.set_result(said["result"])

    async def tab(self, *, width: int = 800, height: int = 900, dark: bool = False) -> Tab:
        """A new tab."""
        target = await self.call("Target.createTarget", url="about:blank")
        attached = await self.call(
            "Target.attachToTarget", targetId=target["targetId"], flatten=True
        )
        tab = Tab(self, attached["sessionId"])
        for domain in ("Page", "Runtime"):
            await tab.call(f"{domain}.enable")
        await tab.call(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=height,
            deviceScaleFactor=1,
            mobile=False,
        )
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        await tab.call("Emulation.setEmulatedMedia", features=[scheme])
        return tab


class Tab:
    """One tab of the browser."""

    def __init__(self, browser: Chromium, session: str) -> None:
        self._browser = browser
        self._session = session

    async def call(self, method: str, **params: Any) -> Any:
        """Call a method of the protocol for this tab."""
        return await self._browser.call(method, self._session, **params)

    async def open(self, url: str) -> None:
        """Go to an address and wait until it is loaded."""
        loaded = self._browser.event(self._session, "Page.loadEventFired")
        await self.call("Page.navigate", url=url)
        await asyncio.wait_for(loaded, PATIENCE)

    async def evaluate(self, expression: str) -> Any:
        """The value of a JavaScript expression; a promise is awaited."""
        reply = await self.call(
            "Runtime.evaluate", expression=expression, awaitPromise=True, returnByValue=True
        )
        if "exceptionDetails" in reply:
            raise AssertionError(reply["exceptionDetails"])
        return reply["result"].get("value")

    async def until(self, condition: str) -> Any:
        """Wait until a JavaScript expression is true; returns its value."""
        return await self.evaluate(
            f"""new Promise((resolve) => {{
                const look = () => {{
                    const value = {condition};
                    if (value) resolve(value); else requestAnimationFrame(look);
                }};
                look();
            }})"""
        )

    async def frame(self, opening: str) -> Tab:
        """A frame with a process of its own, to look into.

        Args:
            opening: The JavaScript that makes the frame.
        """
        made = self._browser.event(self._session, "Target.attachedToTarget")
        await self.call(
            "Target.setAutoAttach", autoAttach=True, waitForDebuggerOnStart=False, flatten=True
        )
        await self.evaluate(opening)
        return Tab(self._browser, (await asyncio.wait_for(made, PATIENCE))["sessionId"])

    async def type(self, text: str) -> None:
        """Type text into whatever has the focus."""
        await self.call("Input.insertText", text=text)

    async def press(self, *keys: str, shift: bool = False) -> None:
        """Press keys, one after the other."""
        for key in keys:
            code = _KEYS[key]
            text = {"Enter": "\r", " ": " "}.get(key, "")
            about: dict[str, Any] = {
                "key": key,
                "code": "Space" if key == " " else key,
                "windowsVirtualKeyCode": code,
                "modifiers": 8 if shift else 0,
            }
            down = "keyDown" if text else "rawKeyDown"
            await self.call("Input.dispatchKeyEvent", type=down, text=text, **about)
            await self.call("Input.dispatchKeyEvent", type="keyUp", **about)

    async def submit(self, *keys: str) -> None:
        """Press keys, and wait for the page that comes of it."""
        loaded = self._browser.event(self._session, "Page.loadEventFired")
        await self.press(*keys)
        await asyncio.wait_for(loaded, PATIENCE)

    async def screenshot(self, path: Path) -> None:
        """Keep what the whole page looks like."""
        shot = await self.call("Page.captureScreenshot", captureBeyondViewport=True)
        await anyio.Path(path).write_bytes(base64.b64decode(shot["data"]))


@asynccontextmanager
async def chromium(profile: Path) -> AsyncGenerator[Chromium]:
    """Start the browser, with an empty profile.

    Args:
        profile: An empty directory.
    """
    assert FOUND is not None
    theirs_in, ours_out = os.pipe()
    ours_in, theirs_out = os.pipe()
    command = [FOUND, *_FLAGS, f"--user-data-dir={profile}"]
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-S", "-c", _WITH_PIPES, str(theirs_in), str(theirs_out), *command),
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
        pass_fds=(theirs_in, theirs_out),
    )
    os.close(theirs_in)
    os.close(theirs_out)
    loop = asyncio.get_running_loop()
    reader = asyncio.StreamReader(limit=64 * 1024 * 1024)
    reading, _ = await loop.connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(reader), os.fdopen(ours_in, "rb", 0)
    )
    writing, protocol = await loop.connect_write_pipe(
        asyncio.streams.FlowControlMixin, os.fdopen(ours_out, "wb", 0)
    )
    browser = Chromium(reader, asyncio.StreamWriter(writing, protocol, None, loop))
    listening = asyncio.create_task(browser.read())
    try:
        yield browser
    finally:
        listening.cancel()
        await asyncio.wait([listening])
        reading.close()
        writing.close()
        process.kill()
        await process.wait()
