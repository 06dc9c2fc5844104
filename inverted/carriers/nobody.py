"""The carrier for when nobody is there: every question is refused, and local work goes on."""

from __future__ import annotations

from inverted.core.effects import Json
from inverted.core.journal import Failure
from inverted.errors import CapabilityError
from inverted.runtime.ladders import Rung
from inverted.runtime.ports import Question


class Nobody:
    """Refuses questions. Implements `Carrier`.

    Args:
        why: What happened to the client.
    """

    patience = None

    def __init__(self, why: str) -> None:
        self._why = why

    def rung(self, question: Question) -> Rung | Failure:  # noqa: ARG002 # the port's signature
        """See `Carrier.rung`."""
        return Failure.of(CapabilityError(f"Nobody can be asked: {self._why}."))

    def read(self, question: Question, raw: Json, via: str | None = None) -> None:
        """See `Carrier.read`. Nobody was asked, so nothing is an answer."""

    async def ask(self, question: Question, rung: Rung) -> None:
        """See `Carrier.ask`. Never called: there is no rung."""

    def outgoing(self, question: Question) -> None:
        """See `Carrier.outgoing`."""

    async def notify(self, payload: dict[str, Json]) -> None:
        """See `Carrier.notify`."""

    def describe(self) -> list[str]:
        """See `Carrier.describe`."""
        return []
