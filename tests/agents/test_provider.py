"""A model of the server, through FastMCP's handler and the provider's own SDK, over HTTP."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from pydantic import BaseModel
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from inverted import AgentServer, Ladders, Run
from inverted.testing import ScriptedHost
from inverted.testing.host import Era
from inverted.testing.serving import serve_app
from tests.agents.small import error, serve

ERAS = pytest.mark.parametrize("era", ["2025-11-25", "2026-07-28"])


class Answer(BaseModel):
    words: int


def count_words(text: str) -> int:
    """Count the words of a text."""
    return len(text.split())


async def count(run: Run) -> list[object]:
    """An agent with a tool and a structured result."""
    found = await run.sample("Count: a b c", tools=[count_words], result_type=Answer)
    return [found.result.words, found.via, found.model]


class OpenAI:
    """An endpoint that speaks as OpenAI, Ollama and vLLM do."""

    def __init__(self) -> None:
        self.requests: list[dict[str, Any]] = []
        self.status = 200

    async def complete(self, request: Request) -> JSONResponse:
        asked = await request.json()
        self.requests.append(asked)
        if self.status != 200:
            return JSONResponse({"error": {"message": "overloaded"}}, self.status)
        last = asked["messages"][-1]
        name, arguments = "count_words", dict[str, Any](text="a b c")
        if last["role"] == "tool":
            name, arguments = "final_response", {"words": int(last["content"])}
        call = {"name": name, "arguments": json.dumps(arguments)}
        message = {
            "role": "assistant",
            "content": None,
            "tool_calls": [{"id": f"c{len(self.requests)}", "type": "function", "function": call}],
        }
        return JSONResponse(
            {
                "id": "1",
                "object": "chat.completion",
                "created": 1,
                "model": asked["model"],
                "choices": [{"index": 0, "finish_reason": "tool_calls", "message": message}],
            }
        )


@asynccontextmanager
async def endpoint() -> AsyncGenerator[tuple[OpenAI, str]]:
    fake = OpenAI()
    routes = [Route("/v1/chat/completions", fake.complete, methods=["POST"])]
    async with serve_app(Starlette(routes=routes)) as url:
        yield fake, f"{url}/v1"


def with_provider(url: str, **settings: Any) -> AgentServer:
    return serve(count, provider="openai:qwen3", provider_url=url, **settings)


@ERAS
async def test_the_model_of_the_server_answers_where_the_client_has_none(era: Era) -> None:
    async with endpoint() as (fake, url):
        host = ScriptedHost(capabilities={}, era=era)
        outcome = await host.run(with_provider(url), "count")
    assert outcome.result == [3, "provider", "qwen3"]
    assert (outcome.rounds, outcome.hops, outcome.questions) == (0, 0, [])
    tools = [each["function"]["name"] for each in fake.requests[0]["tools"]]
    assert tools == ["count_words", "final_response"]


async def test_the_order_of_the_ladder_decides_between_two_models() -> None:
    async with endpoint() as (fake, url):
        server = with_provider(url, ladders=Ladders(model=("provider", "sampling")))
        outcome = await ScriptedHost(model=[]).run(server, "count")
        assert outcome.result == [3, "provider", "qwen3"]
        assert len(fake.requests) == 2


async def test_a_refusal_goes_on_to_the_provider_only_where_that_is_the_policy() -> None:
    async with endpoint() as (fake, url):
        refusing = ScriptedHost(model=lambda _: PermissionError("no"), era="2025-11-25")
        assert "no" in error(await refusing.run(with_provider(url), "count"))
        assert fake.requests == []
        willing = with_provider(url, ladders=Ladders(on_refusal="next"))
        outcome = await refusing.run(willing, "count")
        assert outcome.result == [3, "provider", "qwen3"]


async def test_a_provider_that_fails_is_an_error_or_leads_to_the_next_rung() -> None:
    async with endpoint() as (fake, url):
        fake.status = 400
        message = error(await ScriptedHost(capabilities={}).run(with_provider(url), "count"))
        assert "The model of this server (openai:qwen3) did not answer" in message
        assert "overloaded" in message
        relayed = with_provider(url, ladders=Ladders(on_refusal="next"))
        outcome = await ScriptedHost(model=[{"words": 5}], capabilities={}).run(relayed, "count")
        assert outcome.result[:2] == [5, "relay"]
