"""The carrier of tasks, with what the fronts add: refusals by clients, no approvals by models.

A client may answer a question with a JSON-RPC error: `{"error": {"code": ..., "message": ...}}` in
the place of a result. Over 2025-11-25 that is what its error becomes; over 2026-07-28 the protocol
has no word for it, and a client that knows this server may send it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, cast

from mcp.shared.exceptions import MCPError

from inverted.carriers.client import METHODS
from inverted.carriers.tasks import TaskCarrier
from inverted.core.effects import Json, Kind
from inverted.core.journal import Failure
from inverted.errors import CapabilityError, ClientError
from inverted.runtime.ports import Answer, Question
from inverted.runtime.tasks import TaskInfo

APPROVE: Final = "Approve"
"""Title of the only field in the form of `run.approve`."""
TOOLS: Final = "tools"
"""`TaskInfo.form` of tasks that are served by plain tools."""


class FrontCarrier(TaskCarrier):
    """Leaves questions parked, and reads what the fronts post. Implements `Carrier`.

    Args:
        info: How the run is served.
        notify: Takes progress and log notices.
    """

    def __init__(self, info: TaskInfo, notify: Callable[[dict[str, Json]], object]) -> None:
        super().__init__(info, notify)
        self._by_model = info.form == TOOLS

    def refusal(self, kind: Kind, params: dict[str, Json]) -> Failure | None:
        """See `Carrier.refusal`. What a model answers is no person's consent."""
        if self._by_model and kind is Kind.ELICIT and is_approval(params):
            return Failure.of(
                CapabilityError(
                    "This run is served through plain tools, whose answers come from a model, and "
                    "a model cannot approve for a person. Use a client that has tasks or "
                    "elicitation."
                )
            )
        return super().refusal(kind, params)

    def read(self, question: Question, raw: Json) -> Answer:
        """See `Carrier.read`. An error in the place of a result is the client's refusal."""
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


def is_approval(params: dict[str, Json]) -> bool:
    """Whether a form is that of `run.approve`."""
    if params["mode"] != "form":
        return False
    fields: list[dict[str, Json]] = list(params["requestedSchema"]["properties"].values())
    return [(each["type"], each.get("title")) for each in fields] == [("boolean", APPROVE)]
