"""Who answers as the model."""

from __future__ import annotations

import sys
from types import ModuleType
from typing import Any

import pytest
from mcp_types import (
    CreateMessageRequestParams,
    CreateMessageResult,
    ModelHint,
    ModelPreferences,
    SamplingMessage,
    TextContent,
    Tool,
)

from inverted.cli import models
from inverted.cli.errors import HostProblem, UsageProblem
from inverted.cli.models import Choice, Provided, choose, open_model

pytestmark = pytest.mark.usefixtures("clean_environment")


def asked(text: str = "Hello", **more: Any) -> CreateMessageRequestParams:
    message = SamplingMessage(role="user", content=TextContent(type="text", text=text))
    return CreateMessageRequestParams(messages=[message], max_tokens=10, **more)


@pytest.mark.parametrize(
    ("environ", "label", "reason"),
    [
        ({}, "rehearsal", "no API key in the environment"),
        ({"ANTHROPIC_API_KEY": "k"}, "anthropic:claude-sonnet-4-5", "ANTHROPIC_API_KEY is set"),
        ({"OPENAI_API_KEY": "k"}, "openai:gpt-4.1", "OPENAI_API_KEY is set"),
        ({"GEMINI_API_KEY": "k"}, "gemini:gemini-2.5-flash", "GEMINI_API_KEY is set"),
        ({"OPENAI_API_KEY": "k", "ANTHROPIC_API_KEY": ""}, "openai:gpt-4.1", "OPENAI_API_KEY"),
        ({"OPENAI_API_KEY": "k", "INVERTED_MODEL": "rehearsal"}, "rehearsal", "INVERTED_MODEL"),
    ],
)
def test_without_a_choice_the_environment_chooses_and_it_is_said(
    environ: dict[str, str], label: str, reason: str
) -> None:
    choice = choose(None, None, environ)
    assert choice.label == label
    assert reason in choice.reason


@pytest.mark.parametrize(
    ("spec", "provider", "name"),
    [
        ("anthropic:claude-x", "anthropic", "claude-x"),
        ("openai:org/model:free", "openai", "org/model:free"),
        ("gemini:g", "gemini", "g"),
        ("rehearsal", "rehearsal", None),
        ("rehearsal:my.module:policy", "rehearsal", "my.module:policy"),
    ],
)
def test_a_choice_is_taken_as_written(spec: str, provider: str, name: str | None) -> None:
    choice = choose(spec, None, {"OPENAI_API_KEY": "k"})
    assert (choice.provider, choice.name, choice.reason) == (provider, name, "")


@pytest.mark.parametrize(
    ("spec", "base_url", "words"),
    [
        ("claude", None, "--model claude is not understood"),
        ("mistral:x", None, "is not understood. Write anthropic:NAME"),
        ("openai:", None, "is not understood"),
        (None, "http://localhost/v1", "--base-url needs a model"),
        ("rehearsal", "http://localhost/v1", "contacts nobody"),
        ("gemini:g", "http://localhost/v1", "does not go with gemini"),
    ],
)
def test_a_choice_that_makes_no_sense_is_an_error(
    spec: str | None, base_url: str | None, words: str
) -> None:
    with pytest.raises(UsageProblem, match=words):
        choose(spec, base_url, {})


async def test_a_rehearsal_is_always_called_one() -> None:
    model = open_model(choose("rehearsal", None, {}), "tea")
    result = await model.create(asked("Say something\nMore."))
    assert isinstance(result, CreateMessageResult)
    assert result.model == "rehearsal"
    assert isinstance(result.content, TextContent)
    assert "Rehearsal without a model" in result.content.text
    assert "Say something" in result.content.text
    assert model.note == "generic policy"


class Sdk(ModuleType):
    """Stands in for a provider's SDK and for FastMCP's handler of it."""

    def __init__(self) -> None:
        super().__init__("sdk")
        self.clients: list[dict[str, Any]] = []
        self.asked: list[CreateMessageRequestParams] = []
        self.failure: Exception | None = None
        sdk = self

        class AsyncOpenAI:
            def __init__(self, **settings: Any) -> None:
                sdk.clients.append(settings)

        class OpenAISamplingHandler:
            def __init__(self, default_model: str, client: AsyncOpenAI) -> None:
                self.default_model = default_model

            async def __call__(
                self,
                messages: list[SamplingMessage],
                params: CreateMessageRequestParams,
                context: None,
            ) -> CreateMessageResult:
                sdk.asked.append(params)
                if sdk.failure is not None:
                    raise sdk.failure
                return CreateMessageResult(
                    role="assistant",
                    model=self.default_model,
                    content=TextContent(type="text", text=f"{len(messages)} read"),
                )

        self.AsyncOpenAI = AsyncOpenAI
        self.OpenAISamplingHandler = OpenAISamplingHandler


@pytest.fixture
def sdk(monkeypatch: pytest.MonkeyPatch) -> Sdk:
    found = Sdk()
    monkeypatch.setitem(sys.modules, "openai", found)
    monkeypatch.setitem(sys.modules, models.PROVIDERS["openai"].module, found)
    monkeypatch.setenv("OPENAI_API_KEY", "key")
    return found


async def test_a_provider_is_asked_through_fastmcps_handler(sdk: Sdk) -> None:
    choice = choose("openai:llama", "http://localhost/v1", {})
    result = await open_model(choice, "tea").create(asked())
    assert result.model == "llama"
    assert sdk.clients == [{"api_key": "key", "base_url": "http://localhost/v1"}]


async def test_the_servers_hints_do_not_override_the_persons_choice(sdk: Sdk) -> None:
    hints = ModelPreferences(hints=[ModelHint(name="something-dearer")])
    await open_model(choose("openai:llama", None, {}), "tea").create(
        asked(model_preferences=hints, temperature=0.5)
    )
    assert sdk.asked[0].model_preferences is None
    assert sdk.asked[0].temperature == 0.5


async def test_one_client_serves_the_whole_run(sdk: Sdk) -> None:
    model = open_model(choose("openai:llama", None, {}), "tea")
    await model.create(asked())
    await model.create(asked())
    assert len(sdk.clients) == 1


async def test_a_failing_provider_is_named_with_its_reason(sdk: Sdk) -> None:
    sdk.failure = RuntimeError("rate limit\nsecond line")
    model = open_model(choose("openai:llama", None, {}), "tea")
    with pytest.raises(HostProblem, match="openai:llama could not answer: RuntimeError: rate lim"):
        await model.create(asked())


def test_a_missing_key_is_named_before_the_run(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("GEMINI_API_KEY", "GOOGLE_API_KEY"):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(UsageProblem, match="set GEMINI_API_KEY or GOOGLE_API_KEY"):
        open_model(choose("gemini:g", None, {}), "tea")


def test_another_endpoint_may_want_no_key(sdk: Sdk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OPENAI_API_KEY")
    open_model(choose("openai:llama", "http://localhost/v1", {}), "tea")
    assert sdk.clients == [{"api_key": "none", "base_url": "http://localhost/v1"}]


def test_the_endpoint_may_come_from_the_variable_of_the_sdk(
    sdk: Sdk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("OPENAI_API_KEY")
    monkeypatch.setenv("OPENAI_BASE_URL", "http://localhost/v1")
    open_model(choose("openai:llama", None, {}), "tea")
    assert sdk.clients == [{"api_key": "none", "base_url": "http://localhost/v1"}]


def test_a_missing_sdk_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ANTHROPIC_API_KEY", "k")
    monkeypatch.setitem(sys.modules, "anthropic", None)
    monkeypatch.delitem(sys.modules, models.PROVIDERS["anthropic"].module, raising=False)
    with pytest.raises(UsageProblem, match=r"pip install 'inverted\[anthropic\]'"):
        open_model(choose("anthropic:claude", None, {}), "tea")


def test_a_provider_found_by_its_key_is_checked_only_when_it_is_asked(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    model = open_model(Choice("openai", "gpt", "OPENAI_API_KEY is set"), "tea")
    assert isinstance(model, Provided)
    with pytest.raises(UsageProblem, match="needs an API key"):
        model.ready()


@pytest.mark.parametrize("provider", sorted(models.PROVIDERS))
def test_fastmcp_has_a_handler_for_every_provider(provider: str) -> None:
    about = models.PROVIDERS[provider]
    pytest.importorskip(about.sdk)
    model = Provided(Choice(provider, "some-model", "", "http://localhost/v1"))
    if about.endpoint:
        assert callable(model.ready())


async def test_a_policy_that_answers_in_several_blocks_needs_tools(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    module = ModuleType("wordy")

    def policy(params: dict[str, Any]) -> dict[str, Any]:
        return {"content": [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]}

    vars(module)["policy"] = policy
    monkeypatch.setitem(sys.modules, "wordy", module)
    model = open_model(choose("rehearsal:wordy:policy", None, {}), "tea")
    assert model.note == "policy wordy:policy"
    with pytest.raises(HostProblem, match="several blocks"):
        await model.create(asked())
    with_tools = await model.create(asked(tools=[Tool(name="t", input_schema={"type": "object"})]))
    assert with_tools.model == "rehearsal"
