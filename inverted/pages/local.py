"""Pages on this machine, for a server that a client started over stdio.

A desk is served on 127.0.0.1 and nowhere else, on a port that the system chooses, from the first
question on and by the event loop that runs then. The browser is opened for each question. Nothing
is written to stdout, no signal is caught, and nothing needs to be cleaned up: the server may also
die with its process.

Called by whoever asks the person; see `open`.
"""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import socket
from collections.abc import Awaitable, Callable, Generator
from typing import Any, Final, NamedTuple

import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol

from inverted.pages import browser
from inverted.pages.desk import Desk
from inverted.pages.form import Shown
from inverted.pages.peers import is_ours
from inverted.pages.web import PATH, app

Opener = Callable[[str], Awaitable[str | None]]
"""Opens an address where the person sees it, or says why that failed."""

LOOPBACK: Final = "127.0.0.1"


class Opened(NamedTuple):
    """A question's page.

    Attributes:
        url: Its address. It is a secret between this process and the person.
        trouble: Why the browser was not opened, if it was not; the address is good all the same.
    """

    url: str
    trouble: str | None


class LocalPages:
    """Serves a desk to the browsers of this machine.

    Args:
        desk: The desk.
        opener: Opens an address; the person's browser unless given.
    """

    def __init__(self, desk: Desk, opener: Opener | None = None) -> None:
        self._desk = desk
        self._opener = opener
        self._serving: asyncio.Task[None] | None = None
        self._server: uvicorn.Server | None = None
        self._port = 0

    def unavailable(self) -> str | None:
        """Why no page can be opened here, and a way out; None if one can."""
        return None if self._opener is not None else browser.unavailable()

    async def open(self, question: Shown) -> Opened:
        """Let a question wait at the desk and show its page.

        Args:
            question: The question.

        Returns:
            Its address, and whether the browser was opened.

        Raises:
            ValueError: Its schema cannot be shown as a form.
            RuntimeError: The desk is closed.
            OSError: This machine lets no server listen on 127.0.0.1.
        """
        url = self.url(self._desk.put(question))
        return Opened(url, await (self._opener or browser.open_url)(url))

    def url(self, token: str) -> str:
        """The address of a question that waits at the desk; it is served from now on.

        Args:
            token: The question's token.

        Raises:
            OSError: This machine lets no server listen on 127.0.0.1.
        """
        if self._serving is None or self._serving.done():
            self._start()
        return f"http://{LOOPBACK}:{self._port}{PATH}{token}"

    async def aclose(self) -> None:
        """Close the desk, and end the server when open requests have been answered."""
        self._desk.close()
        if self._serving is not None and self._server is not None:
            self._server.should_exit = True
            await asyncio.wait([self._serving])

    def _start(self) -> None:
        # The socket listens before the server runs: a browser that is faster waits a moment.
        listener = socket.create_server((LOOPBACK, 0))
        self._port = listener.getsockname()[1]
        origins = [f"http://{name}:{self._port}" for name in (LOOPBACK, "localhost")]
        config = _Config(
            app(self._desk, origins, is_ours),
            http=_Unlogged,
            ws="none",
            lifespan="off",
            proxy_headers=False,  # a header must not say where a request comes from
            server_header=False,
            timeout_graceful_shutdown=1,
        )
        self._server = _Server(config)
        # Not a part of the request that asks first: not its context, and not cancelled with it.
        self._serving = asyncio.get_running_loop().create_task(
            self._server.serve([listener]), name="local pages", context=contextvars.Context()
        )


class _Config(uvicorn.Config):
    """Leaves the logging of the process as it is."""

    def configure_logging(self) -> None:
        pass


class _Server(uvicorn.Server):
    """Leaves the signals to the program around it."""

    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None]:
        yield


class _Unlogged(H11Protocol):
    """Writes no access log, whatever the process logs: the paths are secrets."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.access_log = False
