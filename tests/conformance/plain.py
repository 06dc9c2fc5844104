"""What the conformance suite asks of any server: components of FastMCP that ask nobody.

Two of them are no agents although they ask:
- `test_input_required_result_elicitation`: the suite wants its question under the key `user_name`,
  and answers it in a call that continues nothing. The questions of an agent have keys of their own,
  and answers reach the run that asked;
- `test_input_required_result_prompt`: agents are tools.
"""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Annotated, Any, Final

from fastmcp import Context
from fastmcp.prompts import Message
from fastmcp.tools import ToolResult
from fastmcp.tools.function_tool import FunctionTool
from mcp.shared.exceptions import MCPError
from mcp_types import (
    MISSING_REQUIRED_CLIENT_CAPABILITY,
    AudioContent,
    CompletionArgument,
    CompletionContext,
    ElicitRequest,
    ElicitResult,
    EmbeddedResource,
    EmptyResult,
    ImageContent,
    InputRequiredResult,
    PromptReference,
    ResourceTemplateReference,
    SubscribeRequestParams,
    TextContent,
    TextResourceContents,
    UnsubscribeRequestParams,
)
from pydantic import Field

if TYPE_CHECKING:
    from fastmcp import FastMCP

PIXEL: Final = (
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8DwHwAFBQIAX8jx0gAAAABJRU5ErkJg"
    "gg=="
)
"""A red PNG of one pixel."""

SILENCE: Final = "UklGRiYAAABXQVZFZm10IBAAAAABAAEAQB8AAAB9AAACABAAZGF0YQIAAAA="
"""A WAV file without a sound."""

SCHEMA: Final[dict[str, Any]] = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "type": "object",
    "$defs": {
        "address": {
            "$anchor": "addressDef",
            "type": "object",
            "properties": {"street": {"type": "string"}, "city": {"type": "string"}},
        }
    },
    "properties": {
        "name": {"type": "string"},
        "address": {"$ref": "#/$defs/address"},
        "contactMethod": {"type": "string", "enum": ["phone", "email"]},
        "phone": {"type": "string"},
        "email": {"type": "string"},
    },
    "allOf": [{"anyOf": [{"required": ["phone"]}, {"required": ["email"]}]}],
    "if": {"properties": {"contactMethod": {"const": "phone"}}, "required": ["contactMethod"]},
    "then": {"required": ["phone"]},
    "else": {"required": ["email"]},
    "additionalProperties": False,
}
"""The words of JSON Schema 2020-12 that must reach the client (SEP-1613, SEP-2106)."""


def add_plain_components(server: FastMCP[Any]) -> None:
    """Give a server everything that the suite wants and no agent serves.

    Args:
        server: The server.
    """
    for tool in (
        test_simple_text,
        test_image_content,
        test_audio_content,
        test_embedded_resource,
        test_multiple_content_types,
        test_error_handling,
        test_custom_header,
        test_reconnection,
        test_input_required_result_elicitation,
    ):
        server.tool(tool)
    server.add_tool(
        FunctionTool(
            name="json_schema_2020_12_tool",
            description="Show its arguments",
            parameters=SCHEMA,
            fn=json_schema_2020_12_tool,
        )
    )

    server.resource("test://static-text", mime_type="text/plain")(static_text)
    server.resource("test://static-binary", mime_type="image/png")(static_binary)
    server.resource("test://watched-resource", mime_type="text/plain")(watched_resource)
    server.resource("test://template/{id}/data", mime_type="application/json")(template)
    # FastMCP serves no subscriptions.
    served = server._mcp_server  # noqa: SLF001 # pyright: ignore[reportPrivateUsage]
    served.add_request_handler("resources/subscribe", SubscribeRequestParams, acknowledge)
    served.add_request_handler("resources/unsubscribe", UnsubscribeRequestParams, acknowledge)

    for prompt in (
        test_simple_prompt,
        test_prompt_with_arguments,
        test_prompt_with_embedded_resource,
        test_prompt_with_image,
        test_input_required_result_prompt,
    ):
        server.prompt(prompt)
    server.add_completion_handler(complete)


# -- tools -----------------------------------------------------------------------------------------


def test_simple_text() -> str:
    """Return a text."""
    return "This is a simple text response for testing."


def test_image_content() -> ImageContent:
    """Return an image."""
    return ImageContent(data=PIXEL, mime_type="image/png")


def test_audio_content() -> AudioContent:
    """Return a sound."""
    return AudioContent(data=SILENCE, mime_type="audio/wav")


def test_embedded_resource() -> EmbeddedResource:
    """Return a resource."""
    return _embedded("test://embedded-resource", "This is an embedded resource content.")


def test_multiple_content_types() -> ToolResult:
    """Return a text, an image and a resource."""
    return ToolResult(
        content=[
            TextContent(text="Multiple content types test:"),
            test_image_content(),
            _embedded("test://mixed-content-resource", '{"test": "data", "value": 123}'),
        ]
    )


def test_error_handling() -> str:
    """Fail."""
    raise ValueError("This tool intentionally returns an error for testing")


def test_custom_header(
    region: Annotated[str, Field(json_schema_extra={"x-mcp-header": "Region"})],
) -> str:
    """Take an argument that travels as a header too (SEP-2243)."""
    return region


async def test_reconnection(context: Context) -> str:
    """Close the stream of its own call: the client comes back for the result (SEP-1699)."""
    await context.close_sse_stream()
    return "Reconnection test completed successfully"


def json_schema_2020_12_tool(**given: Any) -> str:
    """Show its arguments."""
    return f"Called with {given}"


async def test_input_required_result_elicitation(context: Context) -> str | InputRequiredResult:
    """Ask for a name."""
    declared = context.session.client_capabilities
    if declared is None or declared.elicitation is None:
        raise MCPError(
            MISSING_REQUIRED_CLIENT_CAPABILITY,
            "This tool needs elicitation",
            {"requiredCapabilities": {"elicitation": {}}},
        )
    request = context.request_context
    if request is not None and request.protocol_version < "2026":
        said = await context.session.elicit("What is your name?", _form("name"), request.request_id)
        return f"Hello, {(said.content or {}).get('name', 'nobody')}!"
    answer = (context.input_responses or {}).get("user_name")
    if not isinstance(answer, ElicitResult) or answer.content is None:
        return _ask("user_name", "What is your name?", "name")
    return f"Hello, {answer.content['name']}!"


# -- resources -------------------------------------------------------------------------------------


def static_text() -> str:
    """A text."""
    return "This is the content of the static text resource."


def static_binary() -> bytes:
    """An image."""
    return base64.b64decode(PIXEL)


def watched_resource() -> str:
    """A text that may be subscribed to."""
    return "Watched resource content"


def template(id: str) -> str:
    """A text made from its address."""
    return f'{{"id": "{id}", "templateTest": true, "data": "Data for ID: {id}"}}'


async def acknowledge(*_: object) -> EmptyResult:
    """Take a subscription; nothing here ever changes."""
    return EmptyResult()


# -- prompts ---------------------------------------------------------------------------------------


def test_simple_prompt() -> str:
    """A prompt without arguments."""
    return "This is a simple prompt for testing."


def test_prompt_with_arguments(arg1: str, arg2: str) -> str:
    """A prompt with two arguments."""
    return f"Prompt with arguments: arg1='{arg1}', arg2='{arg2}'"


def test_prompt_with_embedded_resource(resourceUri: str) -> list[Message]:  # noqa: N803 - the suite's name
    """A prompt with a resource."""
    embedded = _embedded(resourceUri, "Embedded resource content for testing.")
    return [Message(embedded), Message("Please process the embedded resource above.")]


def test_prompt_with_image() -> list[Message]:
    """A prompt with an image."""
    return [Message(test_image_content()), Message("Please analyze the image above.")]


async def test_input_required_result_prompt(context: Context) -> str | InputRequiredResult:
    """A prompt that asks for its context."""
    answer = (context.input_responses or {}).get("user_context")
    if not isinstance(answer, ElicitResult) or answer.content is None:
        return _ask("user_context", "What context should the prompt use?", "context")
    return f"Prompt with context: {answer.content['context']}"


def complete(
    reference: PromptReference | ResourceTemplateReference,
    argument: CompletionArgument,
    context: CompletionContext | None,
) -> list[str]:
    """Complete nothing, which is allowed."""
    del reference, argument, context
    return []


def _embedded(uri: str, text: str) -> EmbeddedResource:
    kind = "application/json" if text.startswith("{") else "text/plain"
    return EmbeddedResource(resource=TextResourceContents(uri=uri, mime_type=kind, text=text))


def _ask(key: str, message: str, field: str) -> InputRequiredResult:
    params = {"mode": "form", "message": message, "requestedSchema": _form(field)}
    return InputRequiredResult(
        input_requests={key: ElicitRequest.model_validate({"params": params}, by_name=False)}
    )


def _form(field: str) -> dict[str, Any]:
    return {"type": "object", "properties": {field: {"type": "string"}}, "required": [field]}
