"""The questions that wait at pages, and the one-time tokens that open them.

A token has 256 random bits and is bound to one question. Rules:

- only a token's hash is kept. It is looked up by that hash, so how long a look-up takes says
  nothing about any token;
- looking at a question changes nothing: previews of links look, too;
- an answer is passed on first, and uses the question up only when it was taken. Of two answers at
  the same time one waits for the other. If passing it on fails, the question still waits;
- a question that is over is remembered for a while, so that a late person learns why.

Knows no HTTP: `web` shows the desk to browsers.
"""

from __future__ import annotations

import hashlib
import secrets
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Final, Literal

import anyio

from inverted.core.effects import Json
from inverted.pages.fields import fields_of
from inverted.pages.form import Shown

Posted = Literal["recorded", "answered", "withdrawn", "ended"]
"""What became of an answer: recorded, or why not.

`answered`: there is an answer already. `withdrawn`: it is not asked any more. `ended`: the run is
over.
"""

State = Posted | Literal["waiting", "expired", "unknown", "stopping"]
"""How a question stands for the person who opens its page."""

Post = Callable[[Shown, dict[str, Json]], Awaitable[Posted]]
"""Records an answer (`action` and, when accepted, `content`).

Raises `AnswerError` or `FormProblems` for an answer that the question does not take; then, and
after any other error, the person may try again.
"""

TOKEN_BYTES: Final = 32
LIFETIME: Final = 3600.0
"""Seconds for which a token opens its question, unless told otherwise."""


@dataclass(eq=False, slots=True)
class _Asked:
    """A question at the desk. `over` says why it does not wait any more."""

    question: Shown
    until: float
    over: Literal["answered", "withdrawn", "ended"] | None = None
    lock: anyio.Lock = field(default_factory=anyio.Lock)


class Desk:
    """Holds questions until a person answers them on a page.

    Args:
        post: Records an answer.
        now: Seconds since the epoch.
        lifetime: Seconds for which a token opens its question.
    """

    def __init__(
        self, post: Post, *, now: Callable[[], float] = time.time, lifetime: float = LIFETIME
    ) -> None:
        self._post = post
        self._now = now
        self._lifetime = lifetime
        self._by_token: dict[bytes, _Asked] = {}
        self._by_name: dict[tuple[str, str], _Asked] = {}
        self._closed = False

    def put(self, question: Shown) -> str:
        """Let a question wait.

        Put again, it gets one more token and a new expiry; a page that is open stays good.

        Args:
            question: The question.

        Returns:
            The token that opens its page.

        Raises:
            ValueError: Its schema cannot be shown as a form.
            RuntimeError: The desk is closed.
        """
        if self._closed:
            raise RuntimeError("The desk is closed: the server is stopping, and nothing can wait.")
        fields_of(question.schema)
        self._forget()
        name = (question.run_id, question.id)
        asked = self._by_name.get(name)
        until = self._now() + self._lifetime
        if asked is None or asked.over is not None:
            asked = self._by_name[name] = _Asked(question, until)
        asked.until = until
        token = secrets.token_urlsafe(TOKEN_BYTES)
        self._by_token[_hash(token)] = asked
        return token

    def withdraw(
        self, question: Shown, why: Literal["answered", "withdrawn", "ended"] = "withdrawn"
    ) -> None:
        """Ask a question no longer. Its pages say why.

        Args:
            question: The question; nothing happens if it does not wait here.
            why: `answered` elsewhere, `withdrawn`, or the run has `ended`.
        """
        asked = self._by_name.get((question.run_id, question.id))
        if asked is not None and asked.over is None:
            asked.over = why

    def end(self, run_id: str) -> None:
        """A run has ended: none of its questions waits any more.

        Args:
            run_id: The run.
        """
        for asked in self._by_name.values():
            if asked.question.run_id == run_id and asked.over is None:
                asked.over = "ended"

    def close(self) -> None:
        """The server is stopping: pages say so and take no more answers."""
        self._closed = True

    def look(self, token: str) -> tuple[State, Shown | None]:
        """How the question of a token stands. Changes nothing.

        Args:
            token: What the address holds.

        Returns:
            The state, and the question if it is waiting.
        """
        asked = self._by_token.get(_hash(token))
        if asked is None:
            return ("stopping" if self._closed else "unknown"), None
        state = self._state(asked)
        return state, asked.question if state == "waiting" else None

    async def answer(self, token: str, result: dict[str, Json]) -> State:
        """Pass an answer on.

        Args:
            token: What the address holds.
            result: The answer: its `action`, and the `content` if that is "accept".

        Returns:
            `recorded`, or why it was not.

        Raises:
            Exception: Whatever `post` raises. The question still waits.
        """
        asked = self._by_token.get(_hash(token))
        if asked is None:
            return self.look(token)[0]
        async with asked.lock:
            state = self._state(asked)
            if state != "waiting":
                return state
            posted = await self._post(asked.question, result)
            asked.over = "answered" if posted == "recorded" else posted
            return posted

    def _state(self, asked: _Asked) -> State:
        if asked.over is not None:
            return asked.over
        if self._closed:
            return "stopping"
        return "waiting" if self._now() < asked.until else "expired"

    def _forget(self) -> None:
        """Drop what has been over or expired for a lifetime. Tokens are in the order of `put`."""
        limit = self._now() - self._lifetime
        for digest, asked in list(self._by_token.items()):
            if asked.until > limit:
                break
            del self._by_token[digest]
            self._by_name.pop((asked.question.run_id, asked.question.id), None)


def _hash(token: str) -> bytes:
    return hashlib.sha256(token.encode(errors="replace")).digest()
