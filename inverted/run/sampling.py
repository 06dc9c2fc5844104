"""The sampling loop: model turns, tool calls and structured results, in the server's hands.

Rules, from the protocol (2025-11-25 and 2026-07-28, client/sampling):

- every `tool_use` is answered by one `tool_result`, all in one user message with nothing else;
- the last turn is asked with tool choice `none`, so that a loop ends with an answer;
- a tool's failure, an unknown tool, invalid arguments and a call that could not be read (tools
  emulated in text) go back to the model as error results.

A structured result is given through a tool named `final_response`, or as JSON text where the client
has no tools; what does not validate is asked again with the reason, a bounded number of times.
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple, cast

from mcp_types import (
    AudioContent,
    CreateMessageResultWithTools,
    ImageContent,
    ModelHint,
    ModelPreferences,
    SamplingMessage,
    TextContent,
)
from pydantic import TypeAdapter, ValidationError

from inverted.carriers.emulation import INVALID
from inverted.core.effects import Effect, Json, Kind
from inverted.errors import AgentError, InvalidAnswerError, LimitExceeded, StepError
from inverted.run.results import SampleStep, SamplingResult, parse_messages
from inverted.run.signature import validated
from inverted.run.tools import (
    SamplingTool,
    as_content,
    content_of,
    explain,
    tool_error,
    tool_result,
)
from inverted.runtime.ladders import VIA, Asking
from inverted.runtime.steps import as_json

if TYPE_CHECKING:
    from inverted.run.run import Run

FINAL = "final_response"
MAX_TOKENS = 4096
PLAIN: dict[str, Json] = {"maxTokens": MAX_TOKENS}
"""The parameters of a sample that asks for nothing special. Shared: nobody changes parameters."""
Message = str | SamplingMessage | TextContent | ImageContent | AudioContent | dict[str, Json]


class Request(NamedTuple):
    """What stays the same over the turns of one `sample`."""

    params: dict[str, Json]
    tools: dict[str, SamplingTool]
    tool_choice: str | None
    mask_error_details: bool
    tool_concurrency: int | None
    asking: Asking | None = None


def prepare_messages(messages: Message | Sequence[Message]) -> list[Json]:
    """Messages in wire form. Text and bare content blocks become user messages."""
    if isinstance(messages, str | dict) or not isinstance(messages, Sequence):
        messages = [messages]
    prepared: list[Json] = []
    for message in messages:
        if isinstance(message, str):
            prepared.append({"role": "user", "content": {"type": "text", "text": message}})
        elif isinstance(message, SamplingMessage):
            prepared.append(message.model_dump(mode="json", by_alias=True, exclude_none=True))
        elif isinstance(message, dict):
            parsed = SamplingMessage.model_validate(message)
            prepared.append(parsed.model_dump(mode="json", by_alias=True, exclude_none=True))
        else:
            prepared.append({"role": "user", "content": content_of(message)[0]})
    if not prepared:
        raise ValueError("run.sample() needs at least one message.")
    return prepared


def prepare_params(
    *,
    system_prompt: str | None,
    temperature: float | None,
    max_tokens: int | None,
    model_preferences: ModelPreferences | str | list[str] | None,
    stop_sequences: list[str] | None,
    metadata: dict[str, Json] | None,
) -> dict[str, Json]:
    """The parameters of `sampling/createMessage` besides messages and tools."""
    if isinstance(model_preferences, str):
        model_preferences = [model_preferences]
    if isinstance(model_preferences, list):
        model_preferences = ModelPreferences(
            hints=[ModelHint(name=name) for name in model_preferences]
        )
    params: dict[str, Json] = {
        "maxTokens": max_tokens or MAX_TOKENS,
        "systemPrompt": system_prompt,
        "temperature": temperature,
        "modelPreferences": model_preferences
        and model_preferences.model_dump(mode="json", by_alias=True, exclude_none=True),
        "stopSequences": stop_sequences,
        "metadata": as_json(metadata),
    }
    given = {name: value for name, value in params.items() if value is not None}
    return PLAIN if given == PLAIN else given


def model_turn(request: Request, messages: list[Json], tool_choice: str | None) -> Effect:
    """The effect of one model turn; its answer goes through `listed`."""
    params: dict[str, Json] = {"messages": messages, **request.params}
    if request.tools:
        params["tools"] = [tool.definition() for tool in request.tools.values()]
        if tool_choice is not None:
            params["toolChoice"] = {"mode": tool_choice}
    return Effect(Kind.SAMPLE, params, request.asking)


def listed(response: dict[str, Json]) -> dict[str, Json]:
    """A response whose content is a list, whatever the client sent."""
    content = response["content"]
    return {**response, "content": content if isinstance(content, list) else [content]}


def tool_calls(response: dict[str, Json]) -> list[dict[str, Json]]:
    """The `tool_use` blocks of a response."""
    return [block for block in response["content"] if block["type"] == "tool_use"]


def text_of(response: dict[str, Json]) -> str | None:
    """The text of a response, if there is any."""
    texts = [block["text"] for block in response["content"] if block["type"] == "text"]
    return "\n".join(texts) if texts else None


def said(response: dict[str, Json]) -> dict[str, Json]:
    """The assistant's message for the history; a single block is not wrapped."""
    content = response["content"]
    return {"role": "assistant", "content": content[0] if len(content) == 1 else content}


async def serve_tools(run: Run, request: Request, calls: list[dict[str, Json]]) -> list[Json]:
    """Run the tool calls of one turn and give their results in the same order."""
    sequential = request.tool_concurrency is None or any(
        tool.sequential for call in calls if (tool := request.tools.get(call["name"])) is not None
    )

    def one(call: dict[str, Json]) -> Awaitable[dict[str, Json]]:
        return _serve_tool(run, request, call)

    if len(calls) == 1:
        return [await one(calls[0])]
    return await run.map(one, calls, limit=1 if sequential else request.tool_concurrency or None)


async def _serve_tool(run: Run, request: Request, call: dict[str, Json]) -> dict[str, Json]:
    name = call["name"]
    tool = request.tools.get(name)
    if tool is None and name == INVALID:
        return tool_error(call, str(call["input"].get("problem", "This is not a tool.")))
    if tool is None:
        known = ", ".join(request.tools) or "none"
        return tool_error(call, f"There is no tool named {name!r}. Tools: {known}.")
    try:
        arguments = tool.bind(call["input"])
    except ValidationError as error:
        return tool_error(call, f"Invalid arguments for {name}: {explain(error)}")
    try:
        if tool.signature is not None and tool.signature.hidden is not None:
            value = await tool.fn(**arguments, **{tool.signature.hidden: run})
            content = content_of(value)
        else:
            content = await run.call_tool(name, as_content(tool.fn), arguments)
    except StepError as error:
        masked = request.mask_error_details and error.error_type != "ToolError"
        return tool_error(
            call, f"Tool {name} failed" + ("." if masked else f": {error.data['detail']}")
        )
    except AgentError:
        raise
    except Exception as error:  # noqa: BLE001 - a tool in the body: its errors go to the model
        return tool_error(
            call, f"Tool {name} failed" + ("." if request.mask_error_details else f": {error}")
        )
    return tool_result(call, content)


async def sample_step(
    run: Run, messages: list[Json], request: Request, *, execute_tools: bool
) -> SampleStep:
    """One model turn, with its tool calls served if wanted."""
    response = listed(await model_turn(request, messages, request.tool_choice))
    history = [*messages, said(response)]
    calls = tool_calls(response)
    if calls and execute_tools:
        history.append({"role": "user", "content": await serve_tools(run, request, calls)})
    via = response.pop(VIA, "sampling")
    parsed = CreateMessageResultWithTools.model_validate(response)
    return SampleStep(parsed, parse_messages(history), via)


class Structured:
    """The result type of a `sample`: its schema, and how answers are read."""

    def __init__(self, result_type: Any) -> None:
        self._adapter: TypeAdapter[Any] = TypeAdapter(result_type)
        schema = self._adapter.json_schema()
        self._wrapped = schema.get("type") != "object"
        if self._wrapped:
            definitions = schema.pop("$defs", None)
            schema = {"type": "object", "properties": {"value": schema}, "required": ["value"]}
            if definitions:
                schema["$defs"] = definitions
        self.schema: dict[str, Json] = schema

    def tool(self) -> SamplingTool:
        """The tool through which the model gives the result. The loop serves it itself."""
        return SamplingTool(
            FINAL,
            "Call this once, with your final answer, when you are done.",
            self.schema,
            lambda: None,
        )

    def instructions(self, system_prompt: str | None) -> str:
        """What a model without tools is told."""
        ask = (
            "Answer with one JSON value that fits this JSON schema, and nothing else:\n"
            f"{json.dumps(self.schema, ensure_ascii=False)}"
        )
        return f"{system_prompt}\n\n{ask}" if system_prompt else ask

    def read(self, value: Json) -> Any:
        """The typed result.

        Raises:
            ValidationError: It does not fit the type.
        """
        fields = cast("dict[str, Json]", value) if isinstance(value, dict) else {}
        wrapped = self._wrapped and set(fields) == {"value"}
        return validated(self._adapter, fields["value"] if wrapped else value)

    def dump(self, value: Any) -> str:
        """The typed result as JSON text, without the wrapping that only the tool needs."""
        return self._adapter.dump_json(value).decode()

    def read_text(self, text: str) -> Any:
        """The typed result from JSON text, with or without a code fence.

        Raises:
            ValueError: There is no JSON in it, or it does not fit the type.
        """
        stripped = text.strip()
        if stripped.startswith("```"):
            stripped = stripped.partition("\n")[2].rpartition("```")[0]
        return self.read(json.loads(stripped))


class Loop:
    """The turns of one `Run.sample`.

    While the model thinks, a parked run holds this object and the frame of `run`, and no other.
    """

    __slots__ = (
        "_asked",
        "_attempts",
        "_history",
        "_max_turns",
        "_request",
        "_run",
        "_structured",
    )

    def __init__(
        self,
        run: Run,
        messages: list[Json],
        request: Request,
        structured: Structured | None,
        *,
        max_turns: int,
        attempts: int,
    ) -> None:
        self._run = run
        self._history = messages
        self._request = request
        self._structured = structured
        self._max_turns = max_turns
        self._attempts = attempts
        self._asked: tuple[int, ...] = ()

    async def run(self) -> SamplingResult[Any]:
        """Turn until the model answers.

        Raises:
            LimitExceeded: It still called tools when it was told not to.
            InvalidAnswerError: Its structured answers kept being invalid.
        """
        if self._structured is not None:
            await self._offer(self._structured)
        for turn in range(1, self._max_turns + 1):
            last = turn == self._max_turns
            response = self._final_without_call(listed(await self._turn(last=last)))
            self._history = [*self._history, said(response)]
            calls = tool_calls(response)
            if not calls:
                done = self._read_text(response)
            elif any(call["name"] == FINAL for call in calls) and self._structured is not None:
                done = self._read_final(response, calls, self._structured)
            elif last:  # no turn is left to tell the results to, so nothing is run for them
                break
            else:
                done = None
                results = await serve_tools(self._run, self._request, calls)
                self._history = [*self._history, {"role": "user", "content": results}]
            if done is not None:
                return done
        raise LimitExceeded(
            f"The model did not give a final answer within max_turns={self._max_turns}. Raise "
            "max_turns, or ask for less in one sample."
        )

    async def _offer(self, structured: Structured) -> None:
        """Let the model give its result through a tool, or as text where the client has none."""
        request = self._request
        if request.tools or "sampling.tools" in await Effect(Kind.VALUE, {"of": "client"}):
            tools = {**request.tools, FINAL: structured.tool()}
            self._request = request._replace(tools=tools)
        else:
            system = structured.instructions(request.params.get("systemPrompt"))
            self._request = request._replace(params={**request.params, "systemPrompt": system})

    def _final_without_call(self, response: dict[str, Json]) -> dict[str, Json]:
        """The response, without the complaint about a missing call where its text is the result.

        A model whose tools are written as text may well write the result in their place.
        """
        texts = [block for block in response["content"] if block["type"] == "text"]
        if self._structured is None or [call["name"] for call in tool_calls(response)] != [INVALID]:
            return response
        try:
            self._structured.read_text(text_of(response) or "")
        except ValueError:
            return response
        return {**response, "content": texts}

    def _turn(self, *, last: bool) -> Effect:
        request, choice = self._request, self._request.tool_choice
        if self._structured is not None and request.tools and choice is None:
            choice = "required"
        if last and request.tools and self._max_turns > 1:
            choice = "none"
            if self._structured is not None:
                system = self._structured.instructions(request.params.get("systemPrompt"))
                request = request._replace(params={**request.params, "systemPrompt": system})
        self._asked += (len(self._history),)
        return model_turn(request, self._history, choice)

    def _read_text(self, response: dict[str, Json]) -> SamplingResult[Any] | None:
        text = text_of(response)
        if self._structured is None:
            return self._result(response, text, text or "")
        try:
            value = self._structured.read_text(text or "")
        except ValidationError as error:
            problem = explain(error)
        except ValueError as error:
            problem = f"it is not JSON ({error})"
        else:
            return self._result(response, text, value)
        self._invalid(problem)
        how = (
            f"Call {FINAL} with it."
            if self._request.tools
            else "Answer with the corrected JSON only."
        )
        again = f"That answer was not accepted: {problem}. {how}"
        self._history = [*self._history, *prepare_messages(again)]
        return None

    def _read_final(
        self, response: dict[str, Json], calls: list[dict[str, Json]], structured: Structured
    ) -> SamplingResult[Any] | None:
        final = next(call for call in calls if call["name"] == FINAL)
        results: list[Json] = []
        value: Any = None
        problem: str | None = None
        try:
            value = structured.read(final["input"])
        except ValidationError as error:
            problem = explain(error)
        for call in calls:
            if call is final:
                note = (
                    "Accepted."
                    if problem is None
                    else f"Not accepted: {problem}. Call {FINAL} again."
                )
            else:
                note = f"Not run, because {FINAL} was called in the same turn."
            text: list[Json] = [{"type": "text", "text": note}]
            results.append(tool_result(call, text, is_error=call is final and problem is not None))
        self._history = [*self._history, {"role": "user", "content": results}]
        if problem is not None:
            self._invalid(problem)
            return None
        return self._result(response, structured.dump(value), value)

    def _invalid(self, problem: str) -> None:
        self._attempts -= 1
        if self._attempts <= 0:
            raise InvalidAnswerError(
                "The model's structured answers did not validate, the last one because: "
                f"{problem}. Make the "
                "result type simpler, describe its fields, or allow more attempts."
            )

    def _result(
        self, response: dict[str, Json], text: str | None, value: Any
    ) -> SamplingResult[Any]:
        return SamplingResult(
            text=text,
            result=value,
            model=response["model"],
            stop_reason=response.get("stopReason"),
            messages=self._history,
            asked=self._asked,
            via=response.get(VIA, "sampling"),
        )
