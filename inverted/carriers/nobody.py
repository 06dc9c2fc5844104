"""The carrier for when nobody is there: every question is refused, and local work goes on."""

from __future__ import annotations

from inverted.core.effects import Json, Kind
from inverted.core.journal import Failure
from inverted.errors import AnswerError, CapabilityError
from inverted.runtime.ports import Answer, Question


class Nobody:
    """Refuses questions. Implements `Carrier`.

    Args:
        why: What happened to the client.
    """

    inline = False

    def __init__(self, why: str) -> None:
        self._why = why

    def refusal(self, kind: Kind, params: dict[str, Json]) -> Failure | None:  # noqa: ARG002 # the port's signature
        """See `Carrier.refusal`."""
        return Failure.of(CapabilityError(f"Nobody can be asked: {self._why}."))

    def read(self, question: Question, raw: Json) -> Answer:  # noqa: ARG002 # the port's signature
        """See `Carrier.read`."""
        raise AnswerError(f"Nobody was asked {question.id}.")

    async def ask(self, question: Question) -> Answer:
        """See `Carrier.ask`."""
        return self.read(question, None)

    async def notify(self, payload: dict[str, Json]) -> None:
        """See `Carrier.notify`."""

    def describe(self) -> list[str]:
        """See `Carrier.describe`."""
        return []
