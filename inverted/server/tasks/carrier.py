"""The channel of tasks, with what the fronts add: refusals by clients.

A client may answer a question with a JSON-RPC error: `{"error": {"code": ..., "message": ...}}` in
the place of a result. Over 2025-11-25 that is what its error becomes; over 2026-07-28 the protocol
has no word for it, and a client that knows this server may send it.
"""

from __future__ import annotations

from typing import Any, Final, cast

from mcp.shared.exceptions import MCPError

from inverted.carriers.client import METHODS
from inverted.carriers.tasks import TaskCarrier
from inverted.core.effects import Json
from inverted.core.journal import Failure
from inverted.errors import ClientError
from inverted.runtime.ports import Answer, Question

TOOLS: Final = "tools"
"""`TaskInfo.form` of tasks that are served by plain tools."""


class FrontCarrier(TaskCarrier):
    """Leaves questions parked, and reads what the fronts post. Implements `Channel`.

    Args:
        info: How the run is served.
        notify: Takes progress and log notices.
    """

    def read(self, question: Question, raw: Json) -> Answer:
        """See `Channel.read`. An error in the place of a result is the client's refusal."""
        if not isinstance(raw, dict) or raw.keys() != {"error"}:
            return super().read(question, raw)
        error: Any = cast("dict[str, Json]", raw)["error"]
        about = cast("dict[str, Json]", error) if isinstance(error, dict) else {"message": error}
        code = about.get("code")
        return Answer(
            failure=Failure.of(
                ClientError(
                    f"The client did not answer {METHODS[question.kind]}: {about.get('message')}. "
                    "It may have been refused by the person, or failed; the client knows more.",
                    {"code": code} if isinstance(code, int) else {},
                )
            )
        )


def declined(error: Exception) -> dict[str, Json]:
    """What stands for the answer to a question that the client answered with an error."""
    if isinstance(error, MCPError):
        return {"error": {"code": error.code, "message": str(error)}}
    return {"error": {"message": str(error)}}
