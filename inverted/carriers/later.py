"""What carriers have in common whose questions are answered by a later request."""

from __future__ import annotations

from inverted.carriers.client import Client, read_answer
from inverted.core.effects import Json, Kind
from inverted.core.journal import Failure
from inverted.runtime.ports import Answer, Question


class Later:
    """Leaves questions parked. A subclass sends notices, and is a `Channel`.

    Args:
        client: Who is asked.
    """

    inline = False

    def __init__(self, client: Client) -> None:
        self._client = client

    def refusal(self, kind: Kind, params: dict[str, Json]) -> Failure | None:
        """See `Channel.refusal`."""
        return self._client.refusal(kind, params)

    def read(self, question: Question, raw: Json) -> Answer:
        """See `Channel.read`."""
        return read_answer(question, raw)

    async def ask(self, question: Question) -> Answer:
        """See `Channel.ask`. Never called: another request brings the answer."""
        raise NotImplementedError(f"{question.id} is answered by a later request")

    def describe(self) -> list[str]:
        """See `Channel.describe`."""
        return sorted(self._client.features)
