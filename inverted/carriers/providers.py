"""Models that are configured where we run: providers, through the sampling handlers of FastMCP.

Used by a server with a model of its own (`AgentServer(provider=...)`), and by the terminal host.
Whoever configures a provider chooses the model, so an agent's `modelPreferences` are not passed on:
the handlers would let a hint override the choice.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from importlib import import_module
from typing import Any, Final, cast

from mcp_types import (
    CreateMessageRequestParams,
    CreateMessageResult,
    CreateMessageResultWithTools,
    SamplingMessage,
)

from inverted.carriers.client import canonical
from inverted.core.effects import Kind
from inverted.core.journal import Failure
from inverted.errors import ClientError
from inverted.runtime.ports import Answer, Question

SamplingResult = CreateMessageResult | CreateMessageResultWithTools
Handler = Callable[
    [list[SamplingMessage], CreateMessageRequestParams, Any],
    Awaitable[SamplingResult],
]
"""A sampling handler of FastMCP. Ours are given no context."""


@dataclass(frozen=True)
class Provider:
    """A provider of models that FastMCP has a sampling handler for.

    Attributes:
        extra: The extra of `inverted` that installs its SDK.
        keys: The variables that may hold its API key, in the order in which they are looked at.
        default: The model when only a key chooses the provider.
        module: Where FastMCP's handler is.
        handler: The handler's class.
        sdk: The SDK's module.
        client: The SDK's client class.
        endpoint: The variable by which its SDK takes another endpoint; empty if it takes none.
    """

    extra: str
    keys: tuple[str, ...]
    default: str
    module: str
    handler: str
    sdk: str
    client: str
    endpoint: str


PROVIDERS: Final = {
    "anthropic": Provider(
        extra="anthropic",
        keys=("ANTHROPIC_API_KEY",),
        default="claude-sonnet-4-5",
        module="fastmcp.client.sampling.handlers.anthropic",
        handler="AnthropicSamplingHandler",
        sdk="anthropic",
        client="AsyncAnthropic",
        endpoint="ANTHROPIC_BASE_URL",
    ),
    "openai": Provider(
        extra="openai",
        keys=("OPENAI_API_KEY",),
        default="gpt-4.1",
        module="fastmcp.client.sampling.handlers.openai",
        handler="OpenAISamplingHandler",
        sdk="openai",
        client="AsyncOpenAI",
        endpoint="OPENAI_BASE_URL",
    ),
    "gemini": Provider(
        extra="gemini",
        keys=("GEMINI_API_KEY", "GOOGLE_API_KEY"),
        default="gemini-2.5-flash",
        module="fastmcp.client.sampling.handlers.google_genai",
        handler="GoogleGenaiSamplingHandler",
        sdk="google.genai",
        client="Client",
        endpoint="",
    ),
}


class ProviderError(ValueError):
    """A provider cannot be used as it is configured."""


def load_handler(
    provider: str, model: str, base_url: str | None, environ: Mapping[str, str]
) -> Handler:
    """The sampling handler of a provider.

    Args:
        provider: A key of `PROVIDERS`.
        model: The model's name.
        base_url: Another endpoint.
        environ: Where API keys are looked up.

    Raises:
        ProviderError: Its key or its SDK is missing.
    """
    about = PROVIDERS[provider]
    key = next((environ[name] for name in about.keys if environ.get(name)), None)
    base_url = base_url or environ.get(about.endpoint)
    if key is None and base_url is None:
        raise ProviderError(f"{provider}:{model} needs an API key: set {' or '.join(about.keys)}.")
    try:
        # By name, because each SDK is an optional extra.
        handlers = import_module(about.module)
        sdk = import_module(about.sdk)
    except ImportError:
        raise ProviderError(
            f"{provider}:{model} needs an SDK that is not installed: "
            f"pip install 'inverted[{about.extra}]'."
        ) from None
    # A server at another endpoint may want no key; the SDKs want one to be constructed.
    settings: dict[str, Any] = {"api_key": key or "none"}
    if base_url is not None:
        settings["base_url"] = base_url
    client = getattr(sdk, about.client)(**settings)
    return cast("Handler", getattr(handlers, about.handler)(default_model=model, client=client))


def parse_spec(spec: str, base_url: str | None = None) -> tuple[str, str]:
    """The provider and the model of `provider:model`.

    Raises:
        ProviderError: It names no provider or no model, or the provider has no other endpoints.
    """
    provider, _, model = spec.partition(":")
    if provider not in PROVIDERS or not model:
        names = ", ".join(f"{one}:NAME" for one in PROVIDERS)
        raise ProviderError(f"{spec!r} is not understood. Write {names}.")
    if base_url is not None and not PROVIDERS[provider].endpoint:
        raise ProviderError(f"A base URL does not go with {provider}: use openai:NAME.")
    return provider, model


class OwnModel:
    """The model of this server. Implements `ladder.Provider`.

    Args:
        handler: A sampling handler.
        name: What people call it.
    """

    def __init__(self, handler: Handler, name: str) -> None:
        self._handler = handler
        self.name = name

    async def ask(self, question: Question) -> Answer:
        """See `ladder.Provider.ask`."""
        given = {**question.params, "modelPreferences": None}
        params = CreateMessageRequestParams.model_validate(given, by_name=False)
        try:
            result = await self._handler(params.messages, params, None)
            # Not every handler of an author gives the type that it is annotated with.
            raw = CreateMessageResultWithTools.model_validate(
                result.model_dump(mode="json", by_alias=True, exclude_none=True), by_name=False
            ).model_dump(mode="json", by_alias=True, exclude_none=True)
        except Exception as error:  # noqa: BLE001 - each SDK has a tree of errors of its own
            first = str(error).partition("\n")[0]
            return Answer(
                failure=Failure.of(
                    ClientError(
                        f"The model of this server ({self.name}) did not answer: "
                        f"{type(error).__name__}: {first}. Check its key, its name and its limits."
                    )
                )
            )
        return Answer(canonical(Kind.SAMPLE, raw))


def own_model(
    given: str | Handler | None, base_url: str | None, environ: Mapping[str, str]
) -> OwnModel | None:
    """The model of a server, as its author or its environment configured it.

    Args:
        given: `provider:model`, a sampling handler, or None for what INVERTED_PROVIDER says.
        base_url: Another endpoint; INVERTED_PROVIDER_URL if not given.
        environ: The environment.

    Raises:
        ProviderError: It cannot be used.
    """
    if given is None:
        given = environ.get("INVERTED_PROVIDER") or None
    if given is None:
        return None
    if not isinstance(given, str):
        return OwnModel(given, getattr(given, "__name__", type(given).__name__))
    base_url = base_url or environ.get("INVERTED_PROVIDER_URL") or None
    provider, model = parse_spec(given, base_url)
    return OwnModel(load_handler(provider, model, base_url, environ), given)
