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
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

from mcp_types import CreateMessageRequestParams

from inverted.carriers.providers import (
    PROVIDERS,
    Handler,
    ProviderError,
    SamplingResult,
    load_handler,
)
from inverted.cli.errors import HostProblem, UsageProblem
from inverted.cli.rehearsal import NAME, Policy, answer, load_policy, single
from inverted.cli.text import first_line


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
        choice = self.choice
        try:
            return load_handler(choice.provider, choice.name or "", choice.base_url, os.environ)
        except ProviderError as error:
            problem = str(error).removesuffix(".")
            raise UsageProblem(f"{problem}, or use --model rehearsal.") from None


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
