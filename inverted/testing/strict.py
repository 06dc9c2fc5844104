"""What a good client checks of a server's questions, and a strict one refuses.

Sources: specification 2025-11-25 and 2026-07-28, client/sampling (capabilities, tool use and tool
results), client/elicitation (modes, requested schema), client/roots.

Called by `script` for every question.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, cast

from mcp_types import ClientCapabilities

from inverted.testing.answers import Wire


class ProtocolBreach(AssertionError):
    """The server asked something that the protocol forbids."""


@dataclass(frozen=True, slots=True)
class Declared:
    """What a host declared.

    Attributes:
        capabilities: The declared capabilities.
        revision: The protocol revision.
    """

    capabilities: ClientCapabilities
    revision: str


def check_question(kind: str, params: Wire, declared: Declared) -> None:
    """Refuse what the protocol forbids.

    Raises:
        ProtocolBreach: The host did not declare this, or the question is malformed.
    """
    if kind == "sample":
        _check_sampling(params, declared)
    elif kind == "elicit":
        _check_elicitation(params, declared)
    elif declared.capabilities.roots is None:
        raise _undeclared("roots/list", "roots")


def _check_sampling(params: Wire, declared: Declared) -> None:
    sampling = declared.capabilities.sampling
    if sampling is None:
        raise _undeclared("sampling/createMessage", "sampling")
    tools = params.get("tools")
    if sampling.tools is None and ("tools" in params or "toolChoice" in params):
        raise _undeclared("sampling/createMessage with tools", "sampling.tools")
    if "toolChoice" in params and not tools:
        raise ProtocolBreach("sampling/createMessage has a toolChoice and no tools.")
    names = [tool["name"] for tool in tools or ()]
    if len(set(names)) != len(names):
        raise ProtocolBreach(f"sampling/createMessage offers two tools of one name: {names}.")
    if params.get("maxTokens", 0) < 1:
        raise ProtocolBreach("sampling/createMessage has no positive maxTokens.")
    check_balance(params["messages"])


def check_balance(messages: Sequence[Wire]) -> None:
    """Every `tool_use` is answered by the next message, which holds its `tool_result`s alone.

    Raises:
        ProtocolBreach: A call is unanswered, an answer has no call, or they are mixed with text.
    """
    if not messages:
        raise ProtocolBreach("sampling/createMessage has no messages.")
    open_calls: list[str] = []
    for number, message in enumerate(messages):
        content = message["content"]
        blocks = cast("list[Wire]", content if isinstance(content, list) else [content])
        results = [block["toolUseId"] for block in blocks if block["type"] == "tool_result"]
        calls = [block["id"] for block in blocks if block["type"] == "tool_use"]
        where = f"Message {number} of the conversation"
        if sorted(results) != sorted(open_calls):
            raise ProtocolBreach(
                f"{where} must answer the tool calls {open_calls}, and answers {results}."
            )
        if results and len(results) != len(blocks):
            raise ProtocolBreach(f"{where} mixes tool results with other content.")
        if (results and message["role"] != "user") or (calls and message["role"] != "assistant"):
            raise ProtocolBreach(f"{where} has tool content under the role {message['role']}.")
        if len(set(calls)) != len(calls):
            raise ProtocolBreach(f"{where} uses a tool call's id twice: {calls}.")
        open_calls = calls
    if open_calls:
        raise ProtocolBreach(f"The tool calls {open_calls} are not answered.")


_MODES: Final = ("form", "url")
_COMMON: Final = {"type", "title", "description", "default"}
_KEYS: Final[dict[str, set[str]]] = {
    "string": _COMMON | {"minLength", "maxLength", "format", "enum", "enumNames", "oneOf"},
    "number": _COMMON | {"minimum", "maximum"},
    "integer": _COMMON | {"minimum", "maximum"},
    "boolean": _COMMON,
    "array": _COMMON | {"minItems", "maxItems", "items"},
}
_FORMATS: Final = {"email", "uri", "date", "date-time"}


def _check_elicitation(params: Wire, declared: Declared) -> None:
    elicitation = declared.capabilities.elicitation
    mode = params.get("mode", "form")
    if mode not in _MODES:
        raise ProtocolBreach(f"elicitation/create has the unknown mode {mode!r}.")
    if elicitation is None:
        raise _undeclared("elicitation/create", "elicitation")
    # An empty capability means forms.
    if mode == "form" and elicitation.form is None and elicitation.url is not None:
        raise _undeclared("elicitation/create in form mode", "elicitation.form")
    if mode == "url":
        if elicitation.url is None:
            raise _undeclared("elicitation/create in URL mode", "elicitation.url")
        return
    check_form(params.get("requestedSchema"), declared.revision)


def check_form(schema: Any, revision: str) -> None:
    """A form is a flat object of the primitive fields that the protocol lists.

    Raises:
        ProtocolBreach: It is not.
    """
    if not isinstance(schema, dict) or cast("Wire", schema).get("type") != "object":
        raise ProtocolBreach(f"requestedSchema is no object schema: {schema!r}.")
    form = cast("Wire", schema)
    fields = form.get("properties")
    if not isinstance(fields, dict):
        raise ProtocolBreach("requestedSchema has no properties.")
    extra = set(form) - {"$schema", "type", "properties", "required"}
    if extra:
        raise ProtocolBreach(f"requestedSchema has keys that the protocol lacks: {sorted(extra)}.")
    unknown = set(form.get("required", ())) - set(cast("Wire", fields))
    if unknown:
        raise ProtocolBreach(f"requestedSchema requires fields that it lacks: {sorted(unknown)}.")
    for name, field in cast("dict[str, Wire]", fields).items():
        _check_field(name, field, revision)


def _check_field(name: str, field: Wire, revision: str) -> None:
    kind = field.get("type")
    allowed = _KEYS.get(str(kind))
    if allowed is None:
        raise ProtocolBreach(f"The form field {name!r} has the type {kind!r}, which no form has.")
    extra = set(field) - allowed
    if extra:
        raise ProtocolBreach(
            f"The form field {name!r} has keys that its type lacks: {sorted(extra)}."
        )
    if field.get("format", "email") not in _FORMATS:
        raise ProtocolBreach(f"The form field {name!r} has the unknown format {field['format']!r}.")
    if kind == "array":
        items = field.get("items", {})
        if not ("enum" in items or "anyOf" in items):
            raise ProtocolBreach(
                f"The form field {name!r} is a list of something else than choices."
            )
    if revision < "2025-11-25" and (kind == "array" or "oneOf" in field):
        raise ProtocolBreach(f"The form field {name!r} cannot be asked in revision {revision}.")


def _undeclared(what: str, capability: str) -> ProtocolBreach:
    return ProtocolBreach(f"The server sent {what}, but this host did not declare {capability}.")
