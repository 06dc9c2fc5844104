"""The server that the official conformance suite is run against.

The suite asks for tools, resources and prompts by name. Whatever asks the model, the person or the
client is an agent here; what only returns something is a plain FastMCP component in `plain`.

`python -m tests.conformance` serves it. Names, arguments and behaviour are those that the suite's
scenarios describe.
"""

from __future__ import annotations

from collections.abc import Awaitable
from typing import Annotated, Any, Final, Literal, TypeVar

import jsonschema
from fastmcp.exceptions import ToolError
from mcp.shared.exceptions import MCPError
from mcp_types import INTERNAL_ERROR, INVALID_PARAMS
from pydantic import BaseModel, Field

from inverted import AcceptedElicitation, Run, Titles
from inverted.core.effects import Effect, Kind
from inverted.run.forms import form_of
from inverted.run.run import Elicitation
from tests.conformance import contract
from tests.conformance.instance import server

T = TypeVar("T", bound=BaseModel)

OURS: Final = contract
"""Imported for what it gives to the server."""


class Name(BaseModel):
    """A form with one field."""

    name: str


class Confirmation(BaseModel):
    """A form with one field."""

    ok: bool


# -- questions while the call is open: 2025-11-25 ------------------------------------------------


@server.agent
async def test_sampling(run: Run, prompt: str = "Say something") -> str:
    """Ask the client's model."""
    return f"LLM response: {(await run.sample(prompt, max_tokens=100)).text}"


class Contact(BaseModel):
    """What `test_elicitation` asks for."""

    username: Annotated[str, Field(description="User's response")]
    email: Annotated[str, Field(description="User's email address")]


@server.agent
async def test_elicitation(run: Run, message: str = "Who are you?") -> str:
    """Ask the person through a form."""
    return f"User response: {_told(await run.elicit(message, Contact))}"


class Prefilled(BaseModel):
    """A form with a default of each primitive type (SEP-1034)."""

    name: str = "John Doe"
    age: int = 30
    score: float = 95.5
    status: Literal["active", "inactive", "pending"] = "active"
    verified: bool = True


@server.agent
async def test_elicitation_sep1034_defaults(run: Run) -> str:
    """Ask with a form that is filled in already."""
    answer = await run.elicit("Please review the form and change what is wrong", Prefilled)
    return f"Elicitation completed: {_told(answer)}"


class Selections(BaseModel):
    """Every way to offer choices (SEP-1330) but the deprecated one. The suite sets the names."""

    untitledSingle: Literal["option1", "option2", "option3"]  # noqa: N815
    titledSingle: Annotated[  # noqa: N815
        Literal["value1", "value2", "value3"],
        Titles({"value1": "First Option", "value2": "Second Option", "value3": "Third Option"}),
    ]
    untitledMulti: Annotated[  # noqa: N815
        list[Literal["option1", "option2", "option3"]], Field(min_length=1, max_length=3)
    ]
    titledMulti: Annotated[  # noqa: N815
        list[Literal["value1", "value2", "value3"]],
        Field(min_length=1, max_length=3),
        Titles({"value1": "First Choice", "value2": "Second Choice", "value3": "Third Choice"}),
    ]


DEPRECATED_CHOICE: Final = {
    "type": "string",
    "enum": ["opt1", "opt2", "opt3"],
    "enumNames": ["Option One", "Option Two", "Option Three"],
}


@server.agent
async def test_elicitation_sep1330_enums(run: Run) -> str:
    """Ask with choices in every spelling."""
    # Forms never use the deprecated spelling with a client of this revision; the suite wants it.
    schema = form_of(Selections).schema
    schema = {**schema, "properties": {**schema["properties"], "legacyEnum": DEPRECATED_CHOICE}}
    message = "Please select options"
    answer = await Effect(
        Kind.ELICIT, {"mode": "form", "message": message, "requestedSchema": schema}
    )
    if answer["action"] == "accept":
        try:
            jsonschema.validate(answer.get("content") or {}, {**schema, "required": []})
        except jsonschema.ValidationError as error:
            raise ToolError(f"The answer does not fit the form: {error.message}") from error
    return f"Elicitation completed: action={answer['action']}, content={answer.get('content')}"


# -- questions in rounds: 2026-07-28 ---------------------------------------------------------------


@server.agent
async def test_input_required_result_sampling(run: Run) -> str:
    """Ask the client's model."""
    answer = await run.sample("What is the capital of France?", max_tokens=100)
    return f"Sampling result: {answer.text}"


@server.agent
async def test_input_required_result_list_roots(run: Run) -> str:
    """Ask for the client's roots."""
    return f"Found {len(await run.list_roots())} root(s)"


@server.agent
async def test_input_required_result_request_state(run: Run) -> str:
    """Ask with a request state."""
    return f"state-ok: {_told(await run.elicit('Please confirm', Confirmation))}"


@server.agent
async def test_input_required_result_tampered_state(run: Run) -> str:
    """Ask with a request state that the suite then damages."""
    return f"integrity-ok: {_told(await run.elicit('Please confirm', Confirmation))}"


@server.agent
async def test_input_required_result_multiple_inputs(run: Run) -> str:
    """Ask the person, the model and the client in one round."""
    answers: list[Any] = await run.gather(
        run.elicit("What is your name?", Name),
        run.sample("Generate a greeting", max_tokens=50),
        run.list_roots(),
    )
    name, greeting, roots = answers
    return f"Name: {_name(name)}; Greeting: {greeting.text}; Roots: {len(roots)}"


class Color(BaseModel):
    """A form with one field."""

    color: str


@server.agent
async def test_input_required_result_multi_round(run: Run, seconds: float = 600) -> str:
    """Ask in two rounds, each for a limited time."""
    name = await _in_time(run, seconds, run.elicit("Step 1: What is your name?", Name))
    color = await _in_time(run, seconds, run.elicit("Step 2: What is your favorite color?", Color))
    liked = color.data.color if isinstance(color, AcceptedElicitation) else "nothing"
    return f"Multi-round complete for {_name(name)} who likes {liked}"


class Value(BaseModel):
    """A form with one field."""

    value: str


@server.agent
async def test_input_required_result_capabilities(run: Run) -> str:
    """Ask what this client can answer; what it cannot fails by itself."""
    answers = await run.gather(
        run.elicit("Elicitation input", Value),
        run.sample("Sample request", max_tokens=50, rungs=["sampling"]),
        return_exceptions=True,
    )
    names = ("elicit_input", "sample_input")
    given = [
        name
        for name, answer in zip(names, answers, strict=True)
        if not isinstance(answer, BaseException)
    ]
    if not given:
        return "No supported capabilities declared"
    return f"capabilities-ok: received {','.join(given)}"


@server.agent
async def test_streaming_elicitation(run: Run) -> str:
    """Report progress, then ask."""
    await run.report_progress(50, 100, "asking")
    return f"Streaming complete: {_told(await run.elicit('What is your name?', Name))}"


# -- one-way messages ------------------------------------------------------------------------------


@server.agent
async def test_tool_with_logging(run: Run) -> str:
    """Send three log messages."""
    for message in ("Tool execution started", "Tool processing data", "Tool execution completed"):
        await run.info(message)
        await run.sleep(0.05)
    return "Tool with logging executed successfully"


@server.agent
async def test_logging_tool(run: Run) -> str:
    """Send a log message; a client that asked for none must not get it."""
    await run.info("Diagnostic trace logging activated")
    return "Logging evaluated"


@server.agent
async def test_tool_with_progress(run: Run) -> str:
    """Report progress three times."""
    for progress in (0, 50, 100):
        await run.report_progress(progress, 100, f"Completed step {progress} of 100")
        await run.sleep(0.05)
    return "Tool with progress executed successfully"


# -- tasks -----------------------------------------------------------------------------------------


@server.agent(task="never")
async def greet(run: Run, name: str) -> str:
    """Answer at once; never a task."""
    return f"Hello, {name}!"


@server.agent(task="always")
async def failing_job(run: Run) -> str:
    """Fail as a tool fails; always a task."""
    await run.sleep(0.05)
    raise ToolError("This job fails")


@server.agent(task="always")
async def protocol_error_job(run: Run) -> str:
    """Fail with an error of the protocol; always a task."""
    await run.sleep(0.05)
    raise MCPError(INTERNAL_ERROR, "This job breaks", {"job": 1})


class Deletion(BaseModel):
    """A form with one field."""

    confirm: bool


@server.agent(task="always")
async def confirm_delete(run: Run, filename: str) -> str:
    """Ask inside the task; always a task."""
    return _told(await run.elicit(f"Delete {filename}?", Deletion))


class Part(BaseModel):
    """A form with two fields."""

    name: str
    confirm: bool


@server.agent(task="always")
async def multi_input(run: Run) -> str:
    """Ask two questions at once inside the task; always a task."""
    first, second = await run.gather(run.elicit("First?", Part), run.elicit("Second?", Part))
    return f"{_name(first)}\n{_name(second)}"


@server.agent(task="always")
async def multi_round_job(run: Run) -> str:
    """Ask two questions at once inside the task, then the model; always a task."""
    first, second = await run.gather(run.elicit("First?", Part), run.elicit("Second?", Part))
    said = await run.sample("Third?", max_tokens=100, rungs=["sampling"])
    return f"{_name(first)}\n{_name(second)}\n{said.text}"


@server.agent(task="auto")
async def test_tool_with_task(run: Run) -> str:
    """Ask in a round first, then work as a task."""
    name = await run.elicit("What is your name?", Name)
    await run.sleep(0.05)
    return f"Done for {_name(name)}"


async def _in_time(run: Run, seconds: float, asking: Awaitable[Elicitation[T]]) -> Elicitation[T]:
    """An answer that came in time; a later one is refused as the SDK refuses an expired state."""
    asked = await run.now()
    answer = await asking
    if (await run.now() - asked).total_seconds() > seconds:
        raise MCPError(INVALID_PARAMS, "Invalid or expired requestState")
    return answer


def _name(answer: Elicitation[Name] | Elicitation[Part]) -> str:
    return answer.data.name if isinstance(answer, AcceptedElicitation) else "nobody"


def _told(answer: Elicitation[Any]) -> str:
    match answer:
        case AcceptedElicitation(data=data):
            return f"action=accept, content={data.model_dump()}"
        case _:
            return f"action={answer.action}"
