"""Tools that an agent offers to the model while it samples, and how their calls are served.

A tool is a plain typed function. Each call runs as a journaled step, so that a finished call never
runs again. A tool that takes a `Run` is part of the agent instead: it runs as a branch, and may
sample, elicit and step itself.
"""

from __future__ import annotations

import inspect
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, cast, runtime_checkable

from mcp_types import AudioContent, EmbeddedResource, ImageContent, ResourceLink, TextContent
from pydantic import BaseModel, ValidationError

from inverted.core.effects import Json
from inverted.run.signature import Signature, description_of, name_of
from inverted.runtime.steps import as_json

ContentBlock = TextContent | ImageContent | AudioContent | ResourceLink | EmbeddedResource


@runtime_checkable
class ServerTool(Protocol):
    """A tool of a FastMCP server, which may be offered to the model as it is."""

    name: str
    description: str | None
    parameters: dict[str, Any]

    async def run(self, arguments: dict[str, Any]) -> Any:
        """Call it; the result has `content` and `structured_content`."""
        ...


@dataclass(frozen=True)
class SamplingTool:
    """A function that the model may call.

    Attributes:
        name: What the model calls it.
        description: What it is told about it.
        parameters: JSON schema of its arguments.
        fn: The function.
        sequential: Calls of one turn run one after the other when any of their tools says so.
    """

    name: str
    description: str | None
    parameters: dict[str, Any]
    fn: Callable[..., Any]
    sequential: bool = False
    signature: Signature | None = None

    @classmethod
    def from_function(
        cls,
        fn: Callable[..., Any],
        *,
        name: str | None = None,
        description: str | None = None,
        sequential: bool = False,
        run_type: type | None = None,
    ) -> SamplingTool:
        """A tool from a function's signature and docstring.

        Raises:
            ValueError: A lambda without a name.
            TypeError: A parameter that a JSON object cannot fill.
        """
        if name is None and name_of(fn) == "<lambda>":
            raise ValueError("A lambda needs a name: SamplingTool.from_function(fn, name=...)")
        signature = Signature(fn, run_type)
        return cls(
            name or name_of(fn),
            description or description_of(fn),
            signature.schema,
            fn,
            sequential,
            signature,
        )

    @classmethod
    def from_tool(cls, tool: ServerTool) -> SamplingTool:
        """A tool from one of a FastMCP server."""

        async def call(**arguments: Any) -> Any:
            result = await tool.run(arguments)
            structured = getattr(result, "structured_content", None)
            if structured is None:
                return getattr(result, "content", result)
            return structured["result"] if set(structured) == {"result"} else structured

        return cls(tool.name, tool.description, tool.parameters, call)

    def definition(self) -> dict[str, Json]:
        """The tool as `sampling/createMessage` carries it."""
        out: dict[str, Json] = {"name": self.name, "inputSchema": self.parameters}
        if self.description:
            out["description"] = self.description
        return out

    def bind(self, arguments: dict[str, Json]) -> dict[str, Any]:
        """Validated keyword arguments.

        Raises:
            pydantic.ValidationError: The model's arguments do not fit.
        """
        return arguments if self.signature is None else self.signature.bind(arguments)


def prepare_tools(
    tools: Sequence[SamplingTool | ServerTool | Callable[..., Any]] | None, run_type: type
) -> list[SamplingTool]:
    """Tools from whatever an author passes.

    Raises:
        TypeError: Something is no tool.
        ValueError: Two tools have one name.
    """
    prepared: list[SamplingTool] = []
    for tool in tools or ():
        if isinstance(tool, SamplingTool):
            prepared.append(tool)
        elif isinstance(tool, ServerTool):
            prepared.append(SamplingTool.from_tool(tool))
        elif callable(tool):
            prepared.append(SamplingTool.from_function(tool, run_type=run_type))
        else:
            raise TypeError(
                f"{tool!r} is no tool: pass a function, a SamplingTool or a FastMCP tool."
            )
    names = [tool.name for tool in prepared]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise ValueError(
            f"Two tools have the same name: {', '.join(twice)}. The model could not tell them "
            "apart."
        )
    return prepared


def content_of(value: Any) -> list[Json]:
    """The content blocks of a tool result: blocks as they are, everything else as text."""
    if isinstance(value, ContentBlock):
        return [value.model_dump(mode="json", by_alias=True, exclude_none=True)]
    if isinstance(value, list | tuple):
        items = list(cast("Sequence[Any]", value))
        if any(isinstance(each, ContentBlock) for each in items):
            return [block for each in items for block in content_of(each)]
    if isinstance(value, str):
        text = value
    elif isinstance(value, BaseModel):
        text = value.model_dump_json()
    else:
        text = json.dumps(as_json(value), ensure_ascii=False)
    return [{"type": "text", "text": text}]


def as_content(fn: Callable[..., Any]) -> Callable[..., Any]:
    """The function with its value turned into content blocks, for the journal."""
    if inspect.iscoroutinefunction(fn):

        async def call(**arguments: Any) -> Any:
            return content_of(await fn(**arguments))

        return call

    def call_sync(**arguments: Any) -> Any:
        value = fn(**arguments)
        return _later(value) if inspect.isawaitable(value) else content_of(value)

    return call_sync


async def _later(value: Any) -> list[Json]:
    return content_of(await value)


def tool_result(
    call: dict[str, Json], content: list[Json], *, is_error: bool = False
) -> dict[str, Json]:
    """The `tool_result` block that answers a `tool_use` block."""
    result: dict[str, Json] = {"type": "tool_result", "toolUseId": call["id"], "content": content}
    if is_error:
        result["isError"] = True
    return result


def tool_error(call: dict[str, Json], message: str) -> dict[str, Json]:
    """A failed call, told to the model so that it can do something else."""
    return tool_result(call, [{"type": "text", "text": message}], is_error=True)


def explain(error: ValidationError) -> str:
    """What is wrong with some arguments, in a line per field."""
    lines = [
        f"{'.'.join(map(str, each['loc'])) or 'value'}: {each['msg']}" for each in error.errors()
    ]
    return "; ".join(lines)
