"""Calls that wait for input (2026-07-28), step by step: scenarios decide what a retry carries."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final, cast

from inverted_conformance.server_mode.client import Client
from inverted_conformance.server_mode.lab import Lab
from inverted_conformance.server_mode.said import Refusal, Reply
from inverted_conformance.wire.transcript import Message

ELICITING: Final = "test_input_required_result_elicitation"
SAMPLING: Final = "test_input_required_result_sampling"
ROOTED: Final = "test_input_required_result_list_roots"
SEVERAL: Final = "test_input_required_result_multiple_inputs"
TWICE: Final = "test_input_required_result_multi_round"
STATEFUL: Final = "test_input_required_result_request_state"
SEALED: Final = "test_input_required_result_tampered_state"
DECLARED: Final = "test_input_required_result_capabilities"
ONCE: Final = "test_redeem_once"
PROMPT: Final = "test_input_required_result_prompt"
"""Tools, and a prompt, of the fixture contract."""

SAME: Final[Any] = object()
"""The state that the server gave."""


def accepted(**content: Any) -> Message:
    """A form that the person filled in.

    Args:
        content: What it says.
    """
    return {"action": "accept", "content": content}


@dataclass(frozen=True, slots=True)
class Waiting:
    """A call that came back as `input_required`."""

    lab: Lab
    client: Client
    method: str
    params: Message
    reply: Reply

    @property
    def asked(self) -> dict[str, Message]:
        """What the server asks, by key."""
        return cast("dict[str, Message]", self.reply.result.get("inputRequests", {}))

    @property
    def state(self) -> str | None:
        """The state that the server gave."""
        return self.reply.result.get("requestState")

    def accept(self, **content: Any) -> Message:
        """The answers of a person who fills in every form alike, by key.

        Args:
            content: What the person says.
        """
        return {key: accepted(**content) for key in self.asked}

    async def answers(self) -> Message:
        """What the client's script answers, by key."""
        given = await self.client.give(self.reply)
        if isinstance(given, Refusal):
            self.lab.wrong(f"The server asks what no client can answer: {self.asked}.")
        return given.get("inputResponses", {})

    def retry_with(self, answers: Any, *, state: Any = SAME, **other: Any) -> Message:
        """The parameters of a retry.

        Args:
            answers: The answers, by key; none at all if `None`.
            state: The state, or `None` for none.
            other: Parameters to have instead of those of the first request.
        """
        params: Message = {**self.params, **other}
        given = self.state if state is SAME else state
        if answers is not None:
            params["inputResponses"] = answers
        if given is not None:
            params["requestState"] = given
        return params

    async def retry(
        self, answers: Any, *, state: Any = SAME, by: Client | None = None, **other: Any
    ) -> Reply:
        """Retry the call.

        Args:
            answers: The answers, by key; none at all if `None`.
            state: The state, or `None` for none.
            by: Over which connection; that of the first request by default.
            other: Parameters to have instead of those of the first request.
        """
        params = self.retry_with(answers, state=state, **other)
        return await (by or self.client).request(self.method, params)

    async def next(self, answers: Any) -> Waiting:
        """Retry the call, which must ask once more.

        Args:
            answers: The answers, by key.
        """
        reply = await self.retry(answers)
        return _waiting(self.lab, self.client, self.method, self.params, reply)


async def call(lab: Lab, client: Client, tool: str, **arguments: Any) -> Waiting:
    """Call a tool that must ask for input.

    Args:
        lab: The scenario.
        client: The connection.
        tool: The tool.
        arguments: Its arguments.
    """
    params = {"name": tool, "arguments": arguments}
    reply = await client.request("tools/call", params)
    return _waiting(lab, client, "tools/call", params, reply)


async def prompt(lab: Lab, client: Client) -> Waiting:
    """Get the prompt that must ask for input.

    Args:
        lab: The scenario.
        client: The connection.
    """
    reply = await client.request("prompts/get", {"name": PROMPT})
    return _waiting(lab, client, "prompts/get", {"name": PROMPT}, reply)


def done(reply: Reply) -> bool:
    """Whether a call succeeded.

    Args:
        reply: What came back for it.
    """
    return not reply.failed and reply.kind == "complete"


def _waiting(lab: Lab, client: Client, method: str, params: Message, reply: Reply) -> Waiting:
    if reply.refused or reply.kind != "input_required":
        lab.wrong(f"{params['name']} should ask for input, but {reply.told}.")
    return Waiting(lab, client, method, params, reply)
