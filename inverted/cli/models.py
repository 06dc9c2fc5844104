"""Who answers as the model: a provider through FastMCP's sampling handlers, or a rehearsal.

Chosen by `--model`; else by INVERTED_MODEL; else by the first API key in the environment; else
rehearsal. The choice is always said. A provider that was asked for by name is checked before the
run starts; one that was only found by its key is checked when the server first asks for a model,
because many servers never do.

The person chose the model, so a server's modelPreferences are not passed on: FastMCP's handlers
would let a hint override the choice.
"""

from __future__ import annotations

import os
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from importlib import import_module
from typing import Any, Final, Protocol, cast

from mcp_types import (
    CreateMessageRequestParams,
    CreateMessageResult,
    CreateMessageResultWithTools,
    SamplingMessage,
)

from inverted.cli.errors import HostProblem, UsageProblem
from inverted.cli.rehearsal import NAME, Policy, answer, load_policy, single
from inverted.cli.text import first_line

SamplingResult = CreateMessageResult | CreateMessageResultWithTools

# A sampling handler of FastMCP: messages, params and a context that these handlers do not use.
Handler = Callable[
    [list[SamplingMessage], CreateMessageRequestParams, None],
    Awaitable[SamplingResult],
]


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


class Model(Protocol):
    """Something that answers `sampling/createMessage`."""

    @property
    def note(self) -> str:
        """What else is worth saying about it; may be empty."""
        ...

    async def create(self, params: CreateMessageRequestParams) -> SamplingResult:
        """Answer one request.

        Raises:
            HostProblem: It could not answer; the message says why.
            UsageProblem: It is not set up on this machine.
        """
        ...


@dataclass(frozen=True)
class Choice:
    """The model that was chosen.

    Attributes:
        provider: A key of PROVIDERS, or `rehearsal`.
        name: The model's name; for a rehearsal the policy's `module:function`, or None.
        reason: Why this one, when the person did not say it.
        base_url: Another endpoint of the provider.
        named: Whether the person asked for it by name.
    """

    provider: str
    name: str | None
    reason: str
    base_url: str | None = None
    named: bool = False

    @property
    def label(self) -> str:
        """What is shown: `anthropic:claude-…`, or `rehearsal`."""
        return self.provider if self.provider == NAME else f"{self.provider}:{self.name}"


def choose(spec: str | None, base_url: str | None, environ: Mapping[str, str]) -> Choice:
    """Decide who answers as the model.

    Args:
        spec: The value of `--model`, if it was given.
        base_url: The value of `--base-url`, if it was given.
        environ: Where API keys and INVERTED_MODEL are looked up.

    Raises:
        UsageProblem: The value names no provider, or the provider has no other endpoints.
    """
    if spec is not None:
        return _named(spec, base_url, "")
    if base_url is not None:
        raise UsageProblem("--base-url needs a model: --model openai:NAME.")
    if environ.get("INVERTED_MODEL"):
        return _named(environ["INVERTED_MODEL"], None, "INVERTED_MODEL")
    for provider, about in PROVIDERS.items():
        for key in about.keys:
            if environ.get(key):
                return Choice(provider, about.default, f"{key} is set")
    return Choice(NAME, None, "no API key in the environment")


def open_model(choice: Choice, server: str) -> Model:
    """Make the chosen model ready.

    Args:
        choice: The choice.
        server: The server's name, under which its rehearsal policy is registered.

    Raises:
        UsageProblem: It was asked for by name and is not set up on this machine.
    """
    if choice.provider == NAME:
        policy, note = load_policy(choice.name, server)
        return Rehearsal(policy, note)
    model = Provided(choice)
    if choice.named:
        model.ready()
    return model


@dataclass(frozen=True)
class Rehearsal:
    """A policy in the place of a model."""

    policy: Policy
    note: str

    async def create(self, params: CreateMessageRequestParams) -> SamplingResult:
        """Ask the policy; see `Model`."""
        wire = params.model_dump(by_alias=True, mode="json", exclude_none=True)
        result = answer(self.policy, wire)
        if params.tools:
            return result
        plain = single(result)
        if plain is None:
            raise HostProblem(
                "the rehearsal policy returned several blocks for a request without tools"
            )
        return plain


@dataclass
class Provided:
    """A provider's model, behind FastMCP's handler for it."""

    choice: Choice
    note: str = ""
    _handler: Handler | None = field(default=None, init=False)

    def ready(self) -> Handler:
        """Load the handler and its SDK, and check that there is a key.

        Raises:
            UsageProblem: The SDK is not installed, or no key is set.
        """
        if self._handler is None:
            self._handler = self._load()
        return self._handler

    async def create(self, params: CreateMessageRequestParams) -> SamplingResult:
        """Ask the provider; see `Model`."""
        handler = self.ready()
        asked = params.model_copy(update={"model_preferences": None})
        try:
            return await handler(asked.messages, asked, None)
        except Exception as error:  # boundary: each SDK has a tree of errors of its own
            raise HostProblem(
                f"{self.choice.label} could not answer: {type(error).__name__}: "
                f"{first_line(str(error))}"
            ) from error

    def _load(self) -> Handler:
        about = PROVIDERS[self.choice.provider]
        key = next((os.environ[name] for name in about.keys if os.environ.get(name)), None)
        base_url = self.choice.base_url or os.environ.get(about.endpoint)
        if key is None and base_url is None:
            raise UsageProblem(
                f"{self.choice.label} needs an API key: set {' or '.join(about.keys)}, or use "
                "--model rehearsal."
            )
        try:
            # By name, because each SDK is an optional extra.
            handlers = import_module(about.module)
            sdk = import_module(about.sdk)
        except ImportError:
            raise UsageProblem(
                f"{self.choice.label} needs an SDK that is not installed: "
                f"pip install 'inverted[{about.extra}]', or use --model rehearsal."
            ) from None
        # A server at another endpoint may want no key; the SDKs want one to be constructed.
        settings: dict[str, Any] = {"api_key": key or "none"}
        if base_url is not None:
            settings["base_url"] = base_url
        client = getattr(sdk, about.client)(**settings)
        made = getattr(handlers, about.handler)(default_model=self.choice.name, client=client)
        return cast("Handler", made)


def _named(spec: str, base_url: str | None, reason: str) -> Choice:
    provider, _, name = spec.partition(":")
    if provider == NAME:
        if base_url is not None:
            raise UsageProblem("--base-url does not go with a rehearsal: it contacts nobody.")
        return Choice(NAME, name or None, reason, named=True)
    if provider not in PROVIDERS or not name:
        names = ", ".join(f"{one}:NAME" for one in PROVIDERS)
        raise UsageProblem(
            f"--model {spec} is not understood. Write {names}, {NAME}, or {NAME}:module:function."
        )
    if base_url is not None and not PROVIDERS[provider].endpoint:
        raise UsageProblem(f"--base-url does not go with {provider}: use --model openai:NAME.")
    return Choice(provider, name, reason, base_url, named=True)
