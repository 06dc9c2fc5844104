"""Answers in place of a model, so that an agent runs with no key, no network and no cost.

A *policy* is a plain function over the wire: the params of `sampling/createMessage` in, a
`CreateMessageResult` out. A server's author registers one under the server's name:

    [project.entry-points."inverted.rehearsal"]
    bug-triage = "bug_triage.rehearsal:policy"

A server without one is answered by `generic_policy`. Whatever a policy writes, its answer is sent
under the model name `rehearsal`: nobody shall take it for a model's. Called by `models`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib import import_module
from importlib.metadata import EntryPoint, entry_points
from typing import Any, Final, cast

from mcp_types import CreateMessageResult, CreateMessageResultWithTools
from pydantic import ValidationError

from inverted.cli.errors import HostProblem, UsageProblem
from inverted.cli.events import Wire
from inverted.cli.schema import Schema, example, filled
from inverted.cli.text import first_line
from inverted.cli.transcript import blocks

GROUP: Final = "inverted.rehearsal"
NAME: Final = "rehearsal"
FINAL: Final = "final_response"
"""The tool by which an agent of inverted (and of FastMCP 3) takes a structured answer."""

# Wire-form JSON on both sides, as the protocol defines it.
Policy = Callable[[dict[str, Any]], dict[str, Any]]


def load_policy(spec: str | None, server: str) -> tuple[Policy, str]:
    """Find the policy that stands in for a model.

    Args:
        spec: `module:function`, or None for the one registered under the server's name.
        server: The name that the server gave itself.

    Returns:
        The policy, and in a few words which one it is.

    Raises:
        UsageProblem: The policy that is named, or registered, cannot be imported.
    """
    if spec is not None:
        point = EntryPoint(name=spec, value=spec, group=GROUP)
        return _imported(point), f"policy {spec}"
    for point in entry_points(group=GROUP):
        if point.name == server:
            return _imported(point), f"policy {point.value}"
    return generic_policy, "generic policy"


def answer(policy: Policy, params: dict[str, Any]) -> CreateMessageResultWithTools:
    """Ask a policy, and hold its answer to the protocol.

    Args:
        policy: The policy.
        params: `sampling/createMessage` params in wire form.

    Raises:
        HostProblem: The policy raised, or returned something that is no CreateMessageResult.
    """
    try:
        found = policy(params)
    except Exception as error:  # boundary: a policy is somebody else's code
        raise HostProblem(
            f"the rehearsal policy failed: {type(error).__name__}: {error}. Mend the policy, or "
            "choose a model with --model."
        ) from error
    try:
        return CreateMessageResultWithTools.model_validate(
            {"role": "assistant", **found, "model": NAME}, by_name=False
        )
    except (ValidationError, TypeError) as error:
        raise HostProblem(
            f"the rehearsal policy returned no CreateMessageResult: {first_line(str(error))}"
        ) from error


def single(result: CreateMessageResultWithTools) -> CreateMessageResult | None:
    """The result with one block of content, for a request without tools; None if it has more."""
    content = result.content
    if isinstance(content, list):
        if len(content) != 1:
            return None
        content = content[0]
    return CreateMessageResult.model_validate(
        result.model_dump(by_alias=True, exclude_none=True)
        | {"content": content.model_dump(by_alias=True, exclude_none=True)},
        by_name=False,
    )


def generic_policy(params: dict[str, Any]) -> dict[str, Any]:
    """A policy for any server: use each tool once, then give the smallest valid final answer.

    Tools are called when their arguments follow from their schemas (defaults, enums, constants,
    examples). Without a `final_response` tool the answer is a text that says what it is.
    """
    messages: list[Wire] = list(params.get("messages") or [])
    offered: list[Wire] = list(params.get("tools") or [])
    tools = {str(tool["name"]): tool for tool in offered}
    choice: Wire = params.get("toolChoice") or {}
    if FINAL not in tools or choice.get("mode") == "none":
        prompt = first_line(_last_prompt(messages))
        text = f"Rehearsal without a model. The last prompt began: {prompt}"
        return {"content": {"type": "text", "text": text}, "stopReason": "endTurn"}
    done = _called(messages)
    calls = {
        name: arguments
        for name, tool in tools.items()
        if name != FINAL and name not in done
        for arguments in _derived(tool["inputSchema"])
    }
    if not calls:
        schema = tools[FINAL]["inputSchema"]
        calls = {FINAL: filled(schema, schema, NAME)}
    return {
        "content": [
            {"type": "tool_use", "id": f"{name}-{len(messages)}", "name": name, "input": arguments}
            for name, arguments in calls.items()
        ],
        "stopReason": "toolUse",
    }


def _imported(point: EntryPoint) -> Policy:
    try:
        found: object = import_module(point.module)
        for part in point.attr.split("."):
            found = getattr(found, part)
    except (ImportError, AttributeError) as error:
        raise UsageProblem(
            f"cannot load the rehearsal policy {point.value}: {error}. It is written "
            "module:function, and the module must be importable here."
        ) from None
    if not callable(found):
        raise UsageProblem(f"the rehearsal policy {point.value} is not a function.")
    return cast("Policy", found)


def _derived(schema: Schema) -> list[dict[str, Any]]:
    """The arguments that a schema implies, as a list of one; empty when it implies none."""
    try:
        return [cast("dict[str, Any]", example({"type": "object", **schema}, schema))]
    except ValueError:
        return []


def _called(messages: list[Wire]) -> set[str]:
    """The tools that were called since the last prompt."""
    names: set[str] = set()
    for message in reversed(messages):
        kinds = {str(block.get("type")) for block in blocks(message.get("content"))}
        if message.get("role") == "user" and "tool_result" not in kinds:
            break
        names |= {
            str(block.get("name"))
            for block in blocks(message.get("content"))
            if block.get("type") == "tool_use"
        }
    return names


def _last_prompt(messages: list[Mapping[str, Any]]) -> str:
    for message in reversed(messages):
        texts = [
            str(block.get("text"))
            for block in blocks(message.get("content"))
            if block.get("type") == "text"
        ]
        if message.get("role") == "user" and texts:
            return texts[0]
    return ""
