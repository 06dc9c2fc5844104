"""Does a message fit the schema of its revision? The wire types of the SDK tell."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, cast

from mcp_types import methods
from pydantic import ValidationError

from inverted_conformance.scenario import Wire
from inverted_conformance.wire.transcript import Message

Side = Literal["server", "client"]


def envelope(message: Message) -> str | None:
    """What is wrong with a message before one looks at its method.

    Args:
        message: The message.

    Returns:
        What is wrong, or `None`.
    """
    if "method" in message:
        return _call(message)
    return _response(message)


def request(side: Side, wire: Wire, method: str, params: Mapping[str, Any] | None) -> str | None:
    """What is wrong with a request that a peer sent.

    Args:
        side: Who sent it.
        wire: The revision.
        method: Its method.
        params: Its parameters.

    Returns:
        What is wrong, or `None`; also if the method belongs to an extension.
    """
    surface = methods.SERVER_REQUESTS if side == "server" else methods.CLIENT_REQUESTS
    stub = {"jsonrpc": "2.0", "id": 0}
    return _judge(surface.get((method, wire)), stub, method, params)


def notification(
    side: Side, wire: Wire, method: str, params: Mapping[str, Any] | None
) -> str | None:
    """What is wrong with a notification that a peer sent.

    Args:
        side: Who sent it.
        wire: The revision.
        method: Its method.
        params: Its parameters.

    Returns:
        What is wrong, or `None`; also if the method belongs to an extension.
    """
    surface = methods.SERVER_NOTIFICATIONS if side == "server" else methods.CLIENT_NOTIFICATIONS
    return _judge(surface.get((method, wire)), {"jsonrpc": "2.0"}, method, params)


def result(side: Side, wire: Wire, method: str, said: Mapping[str, Any]) -> str | None:
    """What is wrong with a result that a peer sent.

    Args:
        side: Who sent it.
        wire: The revision.
        method: The method that it answers.
        said: The result.

    Returns:
        What is wrong, or `None`; also if the method belongs to an extension.
    """
    judge = methods.validate_server_result if side == "server" else methods.validate_client_result
    try:
        judge(method, wire, said)
    except KeyError:
        return None
    except ValidationError as error:
        return _words(error)
    return None


def _call(message: Message) -> str | None:
    id = message.get("id")
    if not isinstance(message["method"], str):
        return "its method is no string"
    if "result" in message or "error" in message:
        return "it is a request and a response at once"
    if "id" in message and (isinstance(id, bool) or not isinstance(id, int | str)):
        return "its id is neither a string nor an integer"
    return None


def _response(message: Message) -> str | None:
    if ("result" in message) == ("error" in message):
        return "it has neither a method nor exactly one of result and error"
    id = message.get("id")
    if isinstance(id, bool) or not isinstance(id, int | str | None):
        return "its id is neither a string nor an integer"
    if "result" in message:
        return None if isinstance(message["result"], dict) else "its result is no object"
    error = message["error"]
    if not isinstance(error, dict):
        return "its error is no object"
    said = cast("Message", error)
    if not isinstance(said.get("code"), int) or not isinstance(said.get("message"), str):
        return "its error has no integer code or no text"
    return None


def _judge(model: Any, stub: Message, method: str, params: Mapping[str, Any] | None) -> str | None:
    if model is None:
        return None
    body: Message = {**stub, "method": method}
    if params is not None:
        body["params"] = params
    try:
        model.model_validate(body, by_name=False)
    except ValidationError as error:
        return _words(error)
    return None


def _words(error: ValidationError) -> str:
    first = error.errors(include_url=False, include_input=False)[0]
    where = ".".join(str(part) for part in first["loc"]) or "the message"
    more = f" (and {error.error_count() - 1} more)" if error.error_count() > 1 else ""
    return f"{where}: {first['msg']}{more}"
