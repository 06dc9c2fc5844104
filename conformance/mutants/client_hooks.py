"""How a mutant of the client gets between the fixture and the wire."""

from __future__ import annotations

import json
import os
import urllib.request
from collections.abc import Callable
from typing import Any

from inverted_conformance.client_mode.plain import mapping
from inverted_conformance.fixture import client
from inverted_conformance.fixture.client_script import Json, Script
from inverted_conformance.fixture.client_wire import Link

Several = Callable[[Json], list[Json]]
Change = Callable[[Json], Json]


def sends(change: Several) -> None:
    """Change what the client sends, as it goes over the wire.

    Args:
        change: From each message, what is sent instead of it, in order.
    """
    send = Link.send

    async def changed(self: Link, message: Json, like: Any = None) -> None:
        for each in change(message):
            await send(self, each, like)

    Link.send = changed


def receives(change: Callable[[Json], Json | None]) -> None:
    """Change what the client gets.

    Args:
        change: From each message, what is taken instead; `None` for nothing.
    """
    received = Link.received

    def changed(self: Link, message: Json) -> Json | None:
        found = change(message)
        return None if found is None else received(self, found)

    Link.received = changed


def requests(method: str, change: Change) -> None:
    """Change the parameters of one kind of request.

    Args:
        method: The method.
        change: From the parameters, what is sent instead.
    """

    def each(message: Json) -> list[Json]:
        if message.get("method") == method:
            message["params"] = change(mapping(message.get("params")))
        return [message]

    sends(each)


def also(method: str, *others: Json) -> None:
    """Send something more after each request or notification of one kind.

    Args:
        method: The method.
        others: What.
    """
    sends(lambda message: [message, *others] if message.get("method") == method else [message])
    ids = {each["id"] for each in others if "id" in each}
    receives(lambda message: None if message.get("id") in ids else message)


def keeps_back(method: str) -> None:
    """Do not send what the client would send.

    Args:
        method: The method of the request or the notification.
    """
    sends(lambda message: [] if message.get("method") == method else [message])


def answers(kind: str, change: Change) -> None:
    """Change the client's answers to questions, in whichever way they are sent.

    Args:
        kind: What only such answers have: `model` or `action`.
        change: From the answer, what is sent instead.
    """

    def one(answer: Any) -> Any:
        return change(mapping(answer)) if kind in mapping(answer) else answer

    def each(message: Json) -> list[Json]:
        if "result" in message:
            message["result"] = one(message["result"])
        responses = mapping(mapping(message.get("params")).get("inputResponses"))
        if responses:
            message["params"]["inputResponses"] = {k: one(v) for k, v in responses.items()}
        return [message]

    sends(each)


def questions(method: str, change: Change) -> None:
    """Change the questions of the server, in whichever way they come.

    Args:
        method: Which questions.
        change: From the parameters, what is taken instead.
    """

    def each(message: Json) -> Json:
        inside = mapping(mapping(message.get("result")).get("inputRequests"))
        for question in [message, *map(mapping, inside.values())]:
            if question.get("method") == method:
                question["params"] = change(question["params"])
        return message

    receives(each)


def scripted(name: str, change: Callable[[Json, Json], Json]) -> None:
    """Change what the model or the person does.

    Args:
        name: `message` or `form`.
        change: From the question and the answer, the answer that is given instead.
    """
    script = getattr(Script, name)

    async def changed(self: Script, params: Json, *more: Any) -> Json:
        return change(params, await script(self, params, *more))

    setattr(Script, name, changed)


def undeclared(path: str) -> None:
    """Do what was not declared.

    Args:
        path: The capability, such as `sampling.tools`.
    """
    told = json.loads(os.environ.get("MCP_CONFORMANCE_CONTEXT", "{}")).get("without", [])
    if path not in told:
        return
    declares = client.capabilities

    def everything(*, modern: bool, without: list[str]) -> Json:
        del without
        return declares(modern=modern, without=[])

    client.capabilities = everything
    shown = declares(modern=_modern(), without=[path])

    def declare(self: client.FixtureClient, message: Json) -> Json:
        del self
        params = mapping(message.get("params"))
        key = f"{client.META}clientCapabilities"
        if message.get("method") == "initialize":
            params["capabilities"] = shown
        elif key in mapping(params.get("_meta")):
            params["_meta"][key] = shown
        return message

    client.FixtureClient._declare = declare  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]


def _modern() -> bool:
    return os.environ.get("MCP_CONFORMANCE_PROTOCOL_VERSION") == client.MODERN


def fetch(url: str) -> None:
    """Look at a page.

    Args:
        url: Where.
    """
    with urllib.request.urlopen(url, timeout=2):  # noqa: S310 - the suite's own page
        pass


def die() -> None:
    """End at once, as a program does that does not expect something."""
    os._exit(1)
