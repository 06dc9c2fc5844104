"""FastMCP 3's documented examples, changed as the migration page says, on both protocol eras.

The replacements are read from the page, so that what it tells its readers is what is tested. The
client is FastMCP's own.
"""

from __future__ import annotations

import inspect
import re
import sys
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Annotated, Any

import pytest
from fastmcp import Client, FastMCP
from fastmcp.client.elicitation import ElicitResult
from fastmcp.client.logging import LogMessage
from fastmcp.exceptions import ToolError
from mcp_types import (
    CallToolResult,
    CreateMessageRequestParams,
    CreateMessageResultWithTools,
    ElicitRequestFormParams,
    InputRequiredResult,
    SamplingCapability,
    SamplingMessage,
    SamplingToolsCapability,
    TextContent,
    ToolResultContent,
    ToolUseContent,
)

from inverted import AgentServer, Limits, MemoryStore, Run
from inverted import testing as kit
from inverted.testing import ScriptedHost

PAGE = (Path(__file__).parents[2] / "docs/migrating-from-fastmcp-3.md").read_text()
EXAMPLES: dict[str, str] = dict(
    re.findall(
        r"^## ([^\n]+)\n\n```python\n(.*?)^```$",
        Path(__file__).with_name("fastmcp_3_examples.md").read_text(),
        re.DOTALL | re.MULTILINE,
    )
)
REPLACEMENTS: list[tuple[str, str]] = re.findall(
    r"^\| `([^`]+)` \| (?:`([^`]+)`|nothing) \|$", PAGE, re.MULTILINE
)
ERAS = {"2025-11-25": "legacy", "2026-07-28": "auto"}

Turn = str | CreateMessageResultWithTools
DECLINE = ElicitResult[Any](action="decline")
CANCEL = ElicitResult[Any](action="cancel")

# FastMCP warns about every log message, because 2026-07-28 deprecates them.
pytestmark = pytest.mark.filterwarnings("ignore:The logging capability is deprecated")


def migrated(title: str) -> str:
    """An example with the page's replacements."""
    code = EXAMPLES[title]
    for before, after in REPLACEMENTS:
        code = code.replace(before, after)
    return code


def calls(*called: tuple[str, dict[str, Any]]) -> CreateMessageResultWithTools:
    """A turn of the model that calls tools."""
    return CreateMessageResultWithTools(
        role="assistant",
        model="scripted",
        stop_reason="toolUse",
        content=[
            ToolUseContent(type="tool_use", id=f"call-{index}", name=name, input=arguments)
            for index, (name, arguments) in enumerate(called)
        ],
    )


def final(**value: Any) -> CreateMessageResultWithTools:
    """A turn of the model that gives a structured result."""
    return calls(("final_response", value))


@dataclass
class Host:
    """A client application: a model and a person that follow a script, and what they heard."""

    model: list[Turn]
    person: list[Any]
    data: Any = None
    sampled: list[CreateMessageRequestParams] = field(default_factory=list[Any])
    asked: list[ElicitRequestFormParams] = field(default_factory=list[Any])
    logged: list[tuple[str, str | None, str]] = field(default_factory=list[Any])
    progress: list[tuple[float, float | None, str | None]] = field(default_factory=list[Any])

    async def sample(
        self, messages: list[SamplingMessage], params: CreateMessageRequestParams, context: Any
    ) -> Turn:
        self.sampled.append(params)
        return self.model.pop(0)

    async def elicit(
        self, message: str, response_type: Any, params: ElicitRequestFormParams, context: Any
    ) -> Any:
        self.asked.append(params)
        return self.person.pop(0)

    async def log(self, message: LogMessage) -> None:
        self.logged.append((message.level, message.logger, message.data["msg"]))

    async def report(self, progress: float, total: float | None, message: str | None) -> None:
        self.progress.append((progress, total, message))

    def tool_results(self, turn: int) -> list[tuple[str, bool]]:
        """Texts of the tool results that the model saw at one of its turns; whether it failed."""
        blocks = self.sampled[turn].messages[-1].content_as_list
        results = [block for block in blocks if isinstance(block, ToolResultContent)]
        assert len(results) == len(blocks)
        texts = [result.content[0] for result in results]
        return [
            (text.text, bool(result.is_error))
            for text, result in zip(texts, results, strict=True)
            if isinstance(text, TextContent)
        ]


Example = Callable[..., Awaitable[Host]]


@pytest.fixture(params=ERAS)
def example(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Example:
    """Calls a tool of an example on one era. Every line of the script must have been used."""
    monkeypatch.setenv("INVERTED_STORE", ":memory:")
    monkeypatch.setenv("INVERTED_KEYS", "a key for tests that is long enough".replace(" ", "-"))

    async def call(
        title: str,
        tool: str,
        arguments: dict[str, Any] | None = None,
        *,
        model: Sequence[Turn] = (),
        person: Sequence[Any] = (),
    ) -> Host:
        module = ModuleType("example")
        monkeypatch.setitem(sys.modules, "example", module)
        exec(compile(migrated(title), title, "exec", dont_inherit=True), module.__dict__)  # noqa: S102
        host = Host([*model], [*person])
        client: Client[Any] = Client(
            served(module.mcp),
            mode=ERAS[request.param],
            sampling_handler=host.sample,
            sampling_capabilities=SamplingCapability(tools=SamplingToolsCapability()),
            elicitation_handler=host.elicit,
            log_handler=host.log,
            progress_handler=host.report,
            roots=["file:///garden/shed"],
        )
        async with client:
            assert client.protocol_version == request.param
            host.data = (await client.call_tool(tool, arguments or {})).data
        assert (host.model, host.person) == ([], [])
        return host

    return call


def served(server: Any) -> FastMCP[Any]:
    assert isinstance(server, AgentServer)
    return server


def test_the_page_lists_the_replacements() -> None:
    assert len(REPLACEMENTS) > 5


@pytest.mark.parametrize("title", EXAMPLES)
def test_nothing_of_fastmcp_3_is_left_after_the_replacements(title: str) -> None:
    assert not re.search(r"\bctx\b|Context|FastMCP|fastmcp(?!\.exceptions)", migrated(title))


def test_every_example_is_called() -> None:
    called = set(re.findall(r'await example\(\s*"([^"]+)"', Path(__file__).read_text()))
    assert called == set(EXAMPLES)


# -- sampling -------------------------------------------------------------------------------


async def test_a_prompt_is_answered_with_text(example: Example) -> None:
    host = await example("Sampling: a prompt", "shorten", {"note": "It rained."}, model=["Rain."])
    assert host.data == "Rain."
    (asked,) = host.sampled
    (message,) = asked.messages
    assert message.role == "user"
    assert message.content == TextContent(type="text", text="Shorten: It rained.")


async def test_a_server_needs_no_name(example: Example) -> None:
    host = await example("Sampling: a server without a name", "greet", model=["Hello."])
    assert host.data == "Hello."


async def test_parameters_reach_the_client(example: Example) -> None:
    host = await example(
        "Sampling: system prompt, temperature and length",
        "haiku",
        {"plant": "ivy"},
        model=["Old wall, green again."],
    )
    assert host.data == "*Old wall, green again.*"
    (asked,) = host.sampled
    assert asked.system_prompt == "You write haiku and nothing else."
    assert (asked.temperature, asked.max_tokens) == (0.9, 60)


@pytest.mark.parametrize(
    ("tool", "arguments", "models"),
    [
        ("diagnose", {"symptoms": "yellow"}, ["large-model", "small-model"]),
        ("name_it", {}, ["small-model"]),
    ],
)
async def test_wanted_models_reach_the_client(
    example: Example, tool: str, arguments: dict[str, Any], models: list[str]
) -> None:
    host = await example("Sampling: wanted models", tool, arguments, model=["Ivy."])
    preferences = host.sampled[0].model_preferences
    assert preferences is not None
    assert [hint.name for hint in preferences.hints or ()] == models


async def test_a_conversation_is_sent_as_it_is(example: Example) -> None:
    host = await example(
        "Sampling: a conversation",
        "about_harvest",
        {"harvest": "3 kg", "question": "Enough?"},
        model=["Yes."],
    )
    assert host.data == "Yes."
    assert [message.role for message in host.sampled[0].messages] == ["user", "assistant", "user"]


async def test_a_conversation_goes_on_from_its_history(example: Example) -> None:
    host = await example("Sampling: go on with the history", "twice", model=["Ivy.", "Sage."])
    assert host.data == 4
    assert [message.role for message in host.sampled[1].messages] == ["user", "assistant", "user"]


async def test_a_structured_result_is_typed_and_asked_again_when_it_does_not_fit(
    example: Example,
) -> None:
    host = await example(
        "Sampling: a structured result",
        "test_soil",
        {"report": "grey"},
        model=[final(kind="clay"), final(kind="clay", ph=7.1)],
    )
    assert (host.data.kind, host.data.ph) == ("clay", 7.1)
    ((reason, is_error),) = host.tool_results(1)
    assert is_error
    assert "ph: Field required" in reason


@pytest.mark.parametrize(
    ("tool", "arguments", "answer", "expected"),
    [
        ("companions", {"plant": "beans"}, final(value=["maize"]), ["maize"]),
        ("days", {"plant": "beans"}, final(value=60), 60),
        ("stock", {}, final(beans=12), {"beans": 12}),
    ],
)
async def test_a_structured_result_may_be_of_a_basic_type(
    example: Example, tool: str, arguments: dict[str, Any], answer: Turn, expected: Any
) -> None:
    host = await example(
        "Sampling: a structured result of a basic type", tool, arguments, model=[answer]
    )
    assert host.data == expected


async def test_a_structured_result_may_use_tools(example: Example) -> None:
    host = await example(
        "Sampling: a structured result with tools",
        "plan_week",
        {"town": "Ulm"},
        model=[
            calls(("forecast", {"town": "Ulm"}), ("almanac", {"month": "May"})),
            final(sow="beans", water=True, sources=["forecast", "almanac"]),
        ],
    )
    assert (host.data.sow, host.data.water) == ("beans", True)
    assert host.tool_results(1) == [("Ulm: dry", False), ("May: beans", False)]
    offered = [tool.name for tool in host.sampled[0].tools or ()]
    assert offered == ["forecast", "almanac", "final_response"]


# -- tools ----------------------------------------------------------------------------------


async def test_tools_are_plain_functions(example: Example) -> None:
    host = await example(
        "Tools: plain functions",
        "ask_gardener",
        {"question": "Can I sow?"},
        model=[calls(("find_seed", {"name": "dill"}), ("moon", {})), "Sow today."],
    )
    assert host.data == "Sow today."
    assert host.tool_results(1) == [("dill: second shelf", False), ("waxing", False)]
    offered = {tool.name: tool for tool in host.sampled[0].tools or ()}
    assert offered["find_seed"].description == "Look for seed in the shed."
    assert offered["find_seed"].input_schema["required"] == ["name"]


async def test_tools_may_be_async(example: Example) -> None:
    host = await example(
        "Tools: async functions", "check_bed", model=[calls(("measure", {"bed": 3})), "No."]
    )
    assert host.tool_results(1) == [('{"bed": 3, "moisture": 40}', False)]


async def test_a_sampling_tool_has_its_own_name_and_description(example: Example) -> None:
    host = await example(
        "Tools: own names and descriptions",
        "explain_herb",
        {"name": "dill"},
        model=[calls(("herbs", {"name": "dill"})), "A herb."],
    )
    (offered,) = host.sampled[0].tools or []
    assert (offered.name, offered.description) == ("herbs", "What a herb is.")
    assert host.tool_results(1) == [("dill is a herb", False)]


async def test_a_failing_tool_is_explained_to_the_model(example: Example) -> None:
    host = await example(
        "Tools: a failure goes to the model",
        "open_up",
        model=[calls(("open_shed", {"code": "1"})), "It is locked."],
    )
    assert host.data == "It is locked."
    assert host.tool_results(1) == [
        ("Tool open_shed failed: code 1234 is for the owner", True),
    ]


async def test_details_of_a_failing_tool_can_be_masked(example: Example) -> None:
    host = await example(
        "Tools: a failure goes to the model",
        "open_up_quietly",
        model=[calls(("open_shed", {"code": "1"})), "It is locked."],
    )
    assert host.tool_results(1) == [("Tool open_shed failed.", True)]


async def test_a_tool_error_is_never_masked(example: Example) -> None:
    host = await example(
        "Tools: an error meant for the model",
        "pick_fruit",
        model=[calls(("pick", {"fruit": " "})), calls(("pick", {"fruit": "fig"})), "A fig."],
    )
    assert host.tool_results(1) == [("Tool pick failed: Name a fruit.", True)]
    assert host.tool_results(2) == [("picked fig", False)]


async def test_tools_of_one_turn_run_at_once(example: Example) -> None:
    host = await example(
        "Tools: concurrent",
        "weigh_baskets",
        model=[calls(("weigh", {"basket": "a"}), ("weigh", {"basket": "b"})), "4 kg."],
    )
    assert host.tool_results(1) == [("a: 2 kg", False), ("b: 2 kg", False)]


async def test_a_sequential_tool_runs_alone(example: Example) -> None:
    host = await example(
        "Tools: one after the other",
        "label_all",
        model=[calls(("write_label", {"text": "a"}), ("write_label", {"text": "b"})), "Done."],
    )
    assert host.tool_results(1) == [("wrote a", False), ("wrote b", False)]


async def test_a_loop_of_ones_own(example: Example) -> None:
    host = await example(
        "Steps of the model: a loop of one's own",
        "controlled",
        {"question": "Where is the dill?"},
        model=[calls(("find_seed", {"name": "dill"})), "Second shelf."],
    )
    assert host.data == "Second shelf. after ['find_seed']"


async def test_tools_served_by_hand(example: Example) -> None:
    host = await example(
        "Steps of the model: tools by hand",
        "by_hand",
        {"question": "Can I sow dill?"},
        model=[calls(("find_seed", {"name": "dill"}), ("moon", {})), "Yes."],
    )
    assert host.data == "Yes."
    assert host.tool_results(1) == [("dill: second shelf", False), ("waxing", False)]


async def test_a_tool_call_refused_by_hand(example: Example) -> None:
    host = await example(
        "Steps of the model: refuse a tool",
        "refuse",
        model=[calls(("dig_up", {"bed": 1})), "Then not."],
    )
    assert host.data == "Then not."
    choice = host.sampled[0].tool_choice
    assert choice is not None
    assert choice.mode == "required"
    assert host.tool_results(1) == [("Not today.", True)]


# -- elicitation ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        ({"name": "Herbs", "rows": 4}, "Herbs with 4 rows"),
        (DECLINE, "No bed"),
        (CANCEL, "Stopped"),
    ],
)
async def test_a_dataclass_is_a_form(example: Example, answer: Any, expected: str) -> None:
    host = await example("Elicitation: a dataclass", "new_bed", person=[answer])
    assert host.data == expected
    assert set(host.asked[0].requested_schema["properties"]) == {"name", "rows"}


@pytest.mark.parametrize(
    ("answer", "expected"),
    [("Ann", "Ann's garden"), (DECLINE, "Nobody's garden"), (CANCEL, "No garden")],
)
async def test_answers_are_matched(example: Example, answer: Any, expected: str) -> None:
    host = await example("Elicitation: match on the answer", "whose", person=[answer])
    assert host.data == expected


@pytest.mark.parametrize(
    ("answers", "expected"),
    [
        (["soup", 6, "no"], "soup for 6 (outside: False)"),
        (["soup", DECLINE], "No feast"),
    ],
)
async def test_questions_follow_each_other(
    example: Example, answers: list[Any], expected: str
) -> None:
    host = await example("Elicitation: several in a row", "plan_feast", person=answers)
    assert host.data == expected


@pytest.mark.parametrize(
    ("tool", "answer", "expected"),
    [
        ("ask_text", "fern", "A fern!"),
        ("ask_text", DECLINE, "No plant"),
        ("ask_number", 4, "5 to be safe"),
        ("ask_yes_or_no", False, "green"),
    ],
)
async def test_scalars_are_unwrapped(
    example: Example, tool: str, answer: Any, expected: str
) -> None:
    host = await example("Elicitation: scalars", tool, person=[answer])
    assert host.data == expected
    assert list(host.asked[0].requested_schema["properties"]) == ["value"]


async def test_a_mere_acceptance_has_no_data(example: Example) -> None:
    host = await example("Elicitation: no answer but a yes", "mow_lawn", person=[{}])
    assert host.data == "mown"


async def test_an_error_after_a_refusal_reaches_the_client(example: Example) -> None:
    with pytest.raises(ToolError, match="The lawn stays"):
        await example("Elicitation: no answer but a yes", "mow_lawn", person=[DECLINE])


async def test_choices_from_a_list(example: Example) -> None:
    host = await example("Elicitation: one of several, as a list", "set_light", person=["sun"])
    assert host.data == "Light: sun"


async def test_choices_from_a_literal(example: Example) -> None:
    host = await example("Elicitation: one of several, as a Literal", "set_light", person=["half"])
    assert host.data == "Light: half"


async def test_choices_from_an_enum(example: Example) -> None:
    host = await example("Elicitation: one of several, as an enum", "set_light", person=["shade"])
    assert host.data == "Light: shade"
    assert host.asked[0].requested_schema["properties"]["value"]["enum"] == ["shade", "sun"]


async def test_many_choices_from_a_list(example: Example) -> None:
    host = await example(
        "Elicitation: many of several, as a list in a list",
        "choose_tools",
        person=[["rake", "hoe"]],
    )
    assert host.data == "Take rake, hoe"


async def test_many_choices_from_an_enum(example: Example) -> None:
    host = await example(
        "Elicitation: many of several, as a list of an enum", "choose_tools", person=[["rake"]]
    )
    assert host.data == "Take rake"


@pytest.mark.parametrize(
    ("tool", "answer", "expected"),
    [("set_water", "much", "Water: much"), ("set_days", ["sat", "sun"], "Days: sat, sun")],
)
async def test_choices_have_titles(example: Example, tool: str, answer: Any, expected: str) -> None:
    host = await example("Elicitation: choices with titles", tool, person=[answer])
    assert host.data == expected
    shown = host.asked[0].requested_schema["properties"]["value"]
    options = shown["oneOf"] if "oneOf" in shown else shown["items"]["anyOf"]
    assert {"title", "const"} == set(options[0])


async def test_a_form_has_several_fields(example: Example) -> None:
    order = {"plant": "ivy", "note": "", "size": "tall", "due": "May"}
    host = await example("Elicitation: a form of several fields", "place_order", person=[order])
    assert host.data == "ivy (tall) by May"


async def test_a_typed_dict_is_a_form(example: Example) -> None:
    host = await example(
        "Elicitation: a TypedDict", "choose_spot", person=[{"row": 1, "column": 2}]
    )
    assert host.data == "1/2"


async def test_defaults_are_shown_and_used(example: Example) -> None:
    host = await example("Elicitation: defaults", "place_order", person=[{"plant": "ivy"}])
    assert host.data == "ivy (small)"
    schema = host.asked[0].requested_schema
    assert schema["required"] == ["plant"]
    assert schema["properties"]["size"]["default"] == "small"


# -- the rest of the context ----------------------------------------------------------------


async def test_the_injected_default_goes(example: Example) -> None:
    host = await example(
        "Context: the injected default", "read_log", {"day": "Monday"}, model=["Dry."]
    )
    assert host.data == "Dry."
    assert host.logged == [("info", None, "Reading Monday")]


async def test_log_messages_reach_the_client(example: Example) -> None:
    host = await example("Context: log messages", "talk")
    assert host.logged == [
        ("debug", None, "Starting"),
        ("info", None, "Rows: 4"),
        ("warning", None, "Bed 2 is dry"),
        ("error", None, "No water"),
        ("notice", "beds", "Done"),
    ]


async def test_progress_is_reported_once(example: Example) -> None:
    host = await example("Context: progress", "water_all", model=["1 l", "2 l"])
    assert host.progress == [(0, 2, "bed 0"), (1, 2, "bed 1"), (2, 2, None)]


async def test_roots_are_listed(example: Example) -> None:
    host = await example("Context: roots", "where")
    assert host.data == "file:///garden/shed"


@pytest.mark.parametrize(
    ("tool", "arguments", "model", "expected"),
    [
        ("plain", {"a": 1}, [], 2),
        ("harvest_report", {"bed": 3}, ["Good."], {"text": "Good."}),
        ("named_first", {}, ["Hello."], "Hello."),
    ],
)
async def test_tools_with_and_without_a_run_live_on_one_server(
    example: Example, tool: str, arguments: dict[str, Any], model: list[Turn], expected: Any
) -> None:
    host = await example(
        "Tools of the server: metadata and the ones that need no context",
        tool,
        arguments,
        model=model,
    )
    assert host.data == expected


# -- what the page says is different ----------------------------------------------------------


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> AgentServer:
    monkeypatch.setenv("INVERTED_KEYS", "a-key-for-tests-that-is-long-enough")
    return AgentServer("garden", store=":memory:")


@pytest.mark.parametrize("annotation", [Run, Run | None, Annotated[Run, "the run"]])
async def test_a_run_parameter_is_found_however_it_is_annotated(
    server: AgentServer, annotation: Any
) -> None:
    async def greet(run: Any) -> str:
        return (await run.sample("Greet.")).text or ""

    greet.__annotations__["run"] = annotation
    server.tool(greet)
    outcome = await ScriptedHost(model=["Hello."]).run(server, "greet")
    assert outcome.result == "Hello."


def test_a_tool_with_a_run_must_be_async(server: AgentServer) -> None:
    def greet(run: Run) -> str:
        return "Hello."

    with pytest.raises(TypeError, match="An agent is an async function"):
        server.tool(greet)


def test_settings_that_an_agent_cannot_have_are_refused(server: AgentServer) -> None:
    with pytest.raises(TypeError, match="An agent takes no timeout"):
        server.tool(timeout=3)(greet_the_gardener)


@pytest.mark.parametrize(("said", "meant"), [(True, "optional"), (False, None)])
async def test_tasks_are_asked_for_as_they_were(
    server: AgentServer,
    said: bool,  # noqa: FBT001 # a parameter
    meant: str | None,
) -> None:
    server.tool(task=said)(greet_the_gardener)
    tool = await server.get_tool("greet_the_gardener")
    assert tool is not None
    assert (None if tool.execution is None else tool.execution.task_support) == meant


async def greet_the_gardener(run: Run) -> str:
    return (await run.sample("Greet.")).text or ""


async def test_the_defaults_of_sampling_are_those_on_the_page(server: AgentServer) -> None:
    server.tool(greet_the_gardener)
    host = ScriptedHost(model=["Hello."])
    await host.run(server, "greet_the_gardener")
    assert host.questions[0].params["maxTokens"] == 4096
    assert "**`max_tokens` is 4096 by default**" in PAGE
    assert inspect.signature(Run.sample).parameters["tool_concurrency"].default == 0
    assert Limits().turns == 25


async def test_the_text_of_a_structured_result_is_its_json(server: AgentServer) -> None:
    @server.tool
    async def name_herbs(run: Run) -> str:
        return (await run.sample("Name herbs.", result_type=list[str])).text or ""

    assert callable(name_herbs)
    host = ScriptedHost(model=[kit.final({"value": ["dill", "sage"]})])
    assert (await host.run(server, "name_herbs")).result == '["dill","sage"]'


async def test_a_server_without_a_name_can_be_restarted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("INVERTED_KEYS", "a-key-for-tests-that-is-long-enough")
    store = MemoryStore()
    before, after = AgentServer(store=store), AgentServer(store=store)
    for each in (before, after):
        each.tool(greet_the_gardener)
    host = ScriptedHost(model=["Hello."])
    call = kit.Call("greet_the_gardener")
    async with host.connect(before) as connection:
        asked = await connection.send(call)
        assert isinstance(asked, InputRequiredResult)
        retry = await connection.answered(call, asked)
    async with host.connect(after) as connection:
        reply = await connection.send(retry)
    assert isinstance(reply, CallToolResult)
    assert [block.text for block in reply.content if isinstance(block, TextContent)] == ["Hello."]
