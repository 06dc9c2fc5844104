"""A model of the server's own: how it is configured, asked, and what its failures become."""

from __future__ import annotations

from typing import Any

import pytest
from mcp_types import CreateMessageResult, TextContent

from inverted import AgentServer, Run
from inverted.carriers import providers
from inverted.carriers.providers import OwnModel, ProviderError, load_handler, own_model, parse_spec
from inverted.core.effects import Kind
from inverted.runtime.ports import Question
from inverted.testing import ScriptedHost

QUESTION = Question(
    "run",
    "1",
    Kind.SAMPLE,
    {
        "messages": [{"role": "user", "content": {"type": "text", "text": "Hello"}}],
        "maxTokens": 9,
        "modelPreferences": {"hints": [{"name": "theirs"}]},
    },
)


async def echo(messages: Any, params: Any, context: Any) -> CreateMessageResult:
    """A sampling handler that says what it was asked."""
    text = f"{messages[-1].content.text} {params.max_tokens} {params.model_preferences} {context}"
    content = TextContent(type="text", text=text)
    return CreateMessageResult(role="assistant", content=content, model="echo-1")


async def broken(messages: Any, params: Any, context: Any) -> CreateMessageResult:
    raise RuntimeError("out of credit\nand more that nobody needs")


async def test_a_handler_is_asked_without_the_hints_of_the_agent() -> None:
    answer = await OwnModel(echo, "echo").ask(QUESTION)
    assert answer.failure is None
    assert answer.value == {
        "role": "assistant",
        "content": {"type": "text", "text": "Hello 9 None None"},
        "model": "echo-1",
    }


async def test_a_handler_that_fails_is_named_with_the_first_line_of_its_error() -> None:
    answer = await OwnModel(broken, "gemini:x").ask(QUESTION)
    assert answer.failure is not None
    assert answer.failure.type == "ClientError"
    assert answer.failure.message == (
        "The model of this server (gemini:x) did not answer: RuntimeError: out of credit. "
        "Check its key, its name and its limits."
    )


async def test_a_server_with_a_model_of_its_own_asks_it_where_the_client_has_none() -> None:
    server = AgentServer("own", store=":memory:", keys=["k" * 32], provider=echo, relay=False)

    @server.agent
    async def think(run: Run) -> list[str]:
        """Ask a model."""
        answer = await run.sample("Hello")
        return [str(answer.text), answer.model, answer.via]

    outcome = await ScriptedHost(capabilities={}).run(server, "think")
    assert outcome.result == ["Hello 4096 None None", "echo-1", "provider"]
    outcome = await ScriptedHost(model=["hi"]).run(server, "think")
    assert outcome.result == ["hi", "scripted", "sampling"]


@pytest.mark.parametrize(
    ("spec", "found"),
    [
        ("anthropic:claude-x", ("anthropic", "claude-x")),
        ("openai:org/model:free", ("openai", "org/model:free")),
    ],
)
def test_a_provider_and_its_model_are_one_name(spec: str, found: tuple[str, str]) -> None:
    assert parse_spec(spec) == found


@pytest.mark.parametrize("spec", ["", "openai", "openai:", "netscape:9", ":x"])
def test_a_name_that_is_not_understood_is_refused_with_those_that_are(spec: str) -> None:
    with pytest.raises(ProviderError, match=r"Write anthropic:NAME, openai:NAME, gemini:NAME"):
        parse_spec(spec)


def test_a_provider_without_endpoints_takes_none() -> None:
    with pytest.raises(ProviderError, match="does not go with gemini: use openai:NAME"):
        parse_spec("gemini:g", "http://127.0.0.1:11434/v1")
    assert parse_spec("openai:llama", "http://127.0.0.1:11434/v1") == ("openai", "llama")


def test_nothing_is_configured_unless_somebody_does() -> None:
    assert own_model(None, None, {}) is None
    assert own_model(None, None, {"INVERTED_PROVIDER": ""}) is None


def test_a_missing_key_names_the_variables() -> None:
    with pytest.raises(ProviderError, match="set GEMINI_API_KEY or GOOGLE_API_KEY"):
        own_model("gemini:g", None, {"OPENAI_API_KEY": "k"})


def test_a_missing_sdk_names_its_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    def import_module(name: str) -> Any:
        raise ImportError(name)

    monkeypatch.setattr(providers, "import_module", import_module)
    with pytest.raises(ProviderError, match=r"pip install 'inverted\[openai\]'"):
        load_handler("openai", "gpt", None, {"OPENAI_API_KEY": "k"})


class Sdk:
    """An SDK and FastMCP's handler for it, which remember how they were made."""

    def __init__(self, **settings: Any) -> None:
        self.settings = settings

    async def __call__(self, messages: Any, params: Any, context: Any) -> CreateMessageResult:
        return await echo(messages, params, context)


class Module:
    """Every module that a handler is loaded from."""

    AsyncOpenAI = AsyncAnthropic = Client = Sdk
    OpenAISamplingHandler = AnthropicSamplingHandler = GoogleGenaiSamplingHandler = Sdk


@pytest.mark.parametrize(
    ("given", "url", "environ", "settings"),
    [
        (
            "openai:gpt",
            None,
            {"OPENAI_API_KEY": "k"},
            {"api_key": "k"},
        ),
        (
            "openai:llama",
            "http://127.0.0.1:11434/v1",
            {},
            {"api_key": "none", "base_url": "http://127.0.0.1:11434/v1"},
        ),
        (
            None,
            None,
            {"INVERTED_PROVIDER": "anthropic:claude", "ANTHROPIC_API_KEY": "k"},
            {"api_key": "k"},
        ),
        (
            None,
            None,
            {"INVERTED_PROVIDER": "openai:llama", "INVERTED_PROVIDER_URL": "http://x/v1"},
            {"api_key": "none", "base_url": "http://x/v1"},
        ),
        (
            "openai:llama",
            None,
            {"OPENAI_BASE_URL": "http://y/v1"},
            {"api_key": "none", "base_url": "http://y/v1"},
        ),
        ("gemini:g", None, {"GOOGLE_API_KEY": "k"}, {"api_key": "k"}),
    ],
)
async def test_a_provider_is_made_of_what_the_author_and_the_environment_say(
    monkeypatch: pytest.MonkeyPatch,
    given: str | None,
    url: str | None,
    environ: dict[str, str],
    settings: dict[str, str],
) -> None:
    made: list[Sdk] = []

    class Handler(Sdk):
        def __init__(self, **settings: Any) -> None:
            super().__init__(**settings)
            made.append(self)

    for name in ("OpenAISamplingHandler", "AnthropicSamplingHandler", "GoogleGenaiSamplingHandler"):
        monkeypatch.setattr(Module, name, Handler)

    def import_module(name: str) -> Any:
        return Module

    monkeypatch.setattr(providers, "import_module", import_module)
    own = own_model(given, url, environ)
    assert own is not None
    (handler,) = made
    spec = given or environ["INVERTED_PROVIDER"]
    assert handler.settings["default_model"] == spec.partition(":")[2]
    assert handler.settings["client"].settings == settings
    assert (await own.ask(QUESTION)).failure is None


class Broken:
    """A handler that is no function."""

    async def __call__(self, messages: Any, params: Any, context: Any) -> CreateMessageResult:
        return await broken(messages, params, context)


@pytest.mark.parametrize(("handler", "name"), [(broken, "broken"), (Broken(), "Broken")])
async def test_a_handler_is_called_by_its_own_name(handler: Any, name: str) -> None:
    own = own_model(handler, None, {})
    assert own is not None
    answer = await own.ask(QUESTION)
    assert answer.failure is not None
    assert f"({name})" in answer.failure.message
