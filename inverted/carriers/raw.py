"""Requests to a client in wire form, as the journal has them.

`send_request` of the SDK takes typed requests and gives typed results. Both are in wire form
already, and building the types would validate and dump the whole conversation once more every turn.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

from mcp.server.session import ServerSession
from mcp.shared.message import ServerMessageMetadata

from inverted.core.effects import Json


async def send_raw(
    session: ServerSession,
    method: str,
    params: Mapping[str, Json],
    metadata: ServerMessageMetadata,
) -> dict[str, Json]:
    """Send a request on the stream of another one.

    Args:
        session: The session of that request.
        method: The method.
        params: Its params in wire form.
        metadata: Names the request whose stream is used.

    Returns:
        The result; the SDK has checked it against the revision.

    Raises:
        MCPError: The client answered with an error, or is gone.
        ValidationError: Its result does not fit the revision.
    """
    request = cast("Any", _Request(method, params))
    return await session.send_request(request, cast("Any", _Result), metadata=metadata)


class _Request:
    """What `send_request` does with a request: dump it."""

    def __init__(self, method: str, params: Mapping[str, Json]) -> None:
        self.method = method
        self._params = params

    def model_dump(self, **_: object) -> dict[str, Json]:
        return {"method": self.method, "params": self._params}


class _Result:
    """What `send_request` does with the type of a result: validate."""

    @staticmethod
    def model_validate(raw: dict[str, Json], **_: object) -> dict[str, Json]:
        return raw
