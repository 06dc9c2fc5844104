"""What the connected client can answer, and how its answers are read.

The protocol forbids asking for what a client did not declare (2025-11-25 and 2026-07-28:
client/sampling, client/elicitation, client/roots), and `send_request` of the SDK does not check.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from mcp_types import (
    ClientCapabilities,
    CreateMessageResultWithTools,
    ElicitResult,
    ListRootsResult,
)
from pydantic import BaseModel, ValidationError

from inverted.carriers.revisions import form_for
from inverted.core.effects import Json, Kind
from inverted.core.journal import Failure
from inverted.errors import AnswerError, CapabilityError
from inverted.runtime.ports import Answer, Question

METHODS: Final[dict[Kind, str]] = {
    Kind.SAMPLE: "sampling/createMessage",
    Kind.ELICIT: "elicitation/create",
    Kind.ROOTS: "roots/list",
}
"""The request that carries each kind of question."""

_SINCE: Final = {"elicitation.form": "2025-06-18", "elicitation.url": "2025-11-25"}
"""The revision in which a feature was added."""
_RESULTS: Final[dict[Kind, type[BaseModel]]] = {
    Kind.SAMPLE: CreateMessageResultWithTools,
    Kind.ELICIT: ElicitResult,
    Kind.ROOTS: ListRootsResult,
}
_FIELDS: Final[dict[Kind, tuple[str, ...]]] = {
    Kind.SAMPLE: ("role", "content", "model", "stopReason"),
    Kind.ELICIT: ("action", "content"),
    Kind.ROOTS: ("roots",),
}


@dataclass(frozen=True, slots=True)
class Client:
    """The client of one request.

    Attributes:
        revision: Negotiated protocol revision.
        features: Declared features: `sampling`, `sampling.tools`, `elicitation.form`,
            `elicitation.url`, `roots`.
        unreachable: Why nothing can be asked at all, if so.
    """

    revision: str
    features: frozenset[str]
    unreachable: str | None = None

    @classmethod
    def of(
        cls, revision: str, capabilities: ClientCapabilities | None, unreachable: str | None = None
    ) -> Client:
        """Read the declared capabilities.

        An empty elicitation capability means forms. What the revision does not have is left out:
        hosts declare the same on every revision.
        """
        features: set[str] = set()
        if capabilities is not None:
            if capabilities.sampling is not None:
                features.add("sampling")
                if capabilities.sampling.tools is not None:
                    features.add("sampling.tools")
            elicitation = capabilities.elicitation
            if elicitation is not None:
                if elicitation.form is not None or elicitation.url is None:
                    features.add("elicitation.form")
                if elicitation.url is not None:
                    features.add("elicitation.url")
            if capabilities.roots is not None:
                features.add("roots")
        there = (each for each in features if revision >= _SINCE.get(each, ""))
        return cls(revision, frozenset(there), unreachable)

    def refusal(self, kind: Kind, params: dict[str, Json]) -> Failure | None:
        """Why this client cannot be asked this, or None."""
        if self.unreachable is not None:
            return Failure.of(
                CapabilityError(f"This {_NAMES[kind]} cannot be asked: {self.unreachable}")
            )
        feature = _feature(kind, params)
        if feature in self.features:
            return self._too_old(params) if feature == "elicitation.form" else None
        lacks = f"it did not declare the capability {feature}"
        if self.revision < _SINCE.get(feature, ""):
            lacks = f"its revision of the protocol does not have {feature}"
        return Failure.of(
            CapabilityError(
                f"This client cannot answer a {_NAMES[kind]}: {lacks} "
                f"(protocol {self.revision}). Use a client that supports it, or enable it in the "
                "client's "
                "settings.",
                {"capability": feature, "revision": self.revision},
            )
        )

    def _too_old(self, params: dict[str, Json]) -> Failure | None:
        """Why the forms of this revision cannot ask this, or None."""
        if form_for(params["requestedSchema"], self.revision) is not None:
            return None
        return Failure.of(
            CapabilityError(
                f"This client speaks {self.revision}, whose forms cannot express this question "
                f"({params['message']!r}), for example a choice of several. Ask for a simpler "
                "type, or use a newer client."
            )
        )


_NAMES: Final[dict[Kind, str]] = {
    Kind.SAMPLE: "sampling request",
    Kind.ELICIT: "question to the person",
    Kind.ROOTS: "request for roots",
}


def _feature(kind: Kind, params: dict[str, Json]) -> str:
    if kind is Kind.SAMPLE:
        return "sampling.tools" if "tools" in params else "sampling"
    if kind is Kind.ELICIT:
        return f"elicitation.{params['mode']}"
    return "roots"


def read_answer(question: Question, raw: Json) -> Answer:
    """An answer in its canonical form.

    Raises:
        AnswerError: It is not an answer to this kind of question.
    """
    try:
        _RESULTS[question.kind].model_validate(raw, by_name=False)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"])) or "answer"
        raise AnswerError(
            f"The answer to {question.id!r} is no valid {METHODS[question.kind]} result: {where}: "
            f"{first['msg']}. Nothing was recorded; send a valid result under the same key."
        ) from error
    return Answer(canonical(question.kind, raw))


def canonical(kind: Kind, raw: dict[str, Json]) -> dict[str, Json]:
    """The fields of an answer that the journal keeps."""
    return {name: raw[name] for name in _FIELDS[kind] if raw.get(name) is not None}
