"""Rounds: how a server asks since 2026-07-28, and what it makes of retries."""

from __future__ import annotations

from mcp_types import InputRequest
from pydantic import TypeAdapter, ValidationError

from inverted_conformance.server_mode.lab import Lab, NotOffered
from inverted_conformance.server_mode.registry import scenario
from inverted_conformance.server_mode.rounds import (
    DECLARED,
    ELICITING,
    PROMPT,
    ROOTED,
    SAMPLING,
    SEVERAL,
    STATEFUL,
    TWICE,
    call,
    done,
    prompt,
)
from inverted_conformance.server_mode.scripted import Script
from inverted_conformance.wire.transcript import Message

_ROOTS: Message = {"uri": "file:///work", "name": "work"}
_EXPECTED = {
    ELICITING: "Hello, Ada!",
    SAMPLING: "Sampling result: Paris",
    ROOTED: "Found 1 root(s)",
    SEVERAL: "Name: Ada; Greeting: Paris; Roots: 1",
    TWICE: "Multi-round complete for Ada who likes Ada",
}
"""What each tool says when the person is Ada, likes Ada, and the model says Paris."""

_REQUEST: TypeAdapter[InputRequest] = TypeAdapter(InputRequest)
_KINDS = ("elicitation/create", "sampling/createMessage", "roots/list")


@scenario(
    "rounds",
    checks=("rounds.supported", "rounds.no-server-requests"),
    wires=("2026-07-28",),
    needs=tuple(_EXPECTED),
)
async def round_trip(lab: Lab) -> None:
    """A call that needs input comes back with questions, and its retry with the result."""
    client = await lab.client()
    for tool, text in _EXPECTED.items():
        reply = await client.call(tool, answers=Script(["Paris"], roots=[_ROOTS]))
        lab.check(
            "rounds.supported",
            reply.states and done(reply) and text in reply.text,
            f"{tool} asked {len(reply.states)} time(s); then {reply.told}.",
        )
    lab.check(
        "rounds.no-server-requests",
        not client.requests,
        f"The server sent {[request['method'] for request in client.requests]} as requests.",
    )


@scenario("rounds", checks=("rounds.supported",), wires=("2026-07-28",))
async def prompt_asks(lab: Lab) -> None:
    """A prompt that needs input asks like a tool."""
    client = await lab.client()
    if "prompts" not in client.offers:
        raise NotOffered(f"the prompt {PROMPT}")
    listed = (await client.request("prompts/list")).result.get("prompts", [])
    if PROMPT not in [one["name"] for one in listed]:
        raise NotOffered(f"the prompt {PROMPT}")
    waiting = await prompt(lab, client)
    reply = await waiting.retry(waiting.accept(context="tea"))
    said = "" if reply.refused else str(reply.result.get("messages"))
    lab.check("rounds.supported", "tea" in said, f"The messages were {said!r}.")


@scenario(
    "rounds",
    checks=("rounds.kinds", "rounds.unique-keys", "rounds.asks-something", "rounds.result-type"),
    wires=("2026-07-28",),
    needs=(ELICITING, SAMPLING, ROOTED, SEVERAL, TWICE),
)
async def questions_well_formed(lab: Lab) -> None:
    """A request for input has questions or a state, and each question is a well-formed request."""
    client = await lab.client()
    for tool in (ELICITING, SAMPLING, ROOTED, SEVERAL, TWICE):
        # The raw reply: whatever calls itself a request for input is looked at.
        reply = await client.request("tools/call", {"name": tool, "arguments": {}})
        result = reply.result
        kind = result.get("resultType")
        lab.check(
            "rounds.result-type",
            kind == "input_required",
            f"The first result of {tool} had the type {kind!r}.",
        )
        lab.check(
            "rounds.asks-something",
            "inputRequests" in result or "requestState" in result,
            f"The first result of {tool} had {', '.join(sorted(result))}.",
        )
        asked: dict[str, Message] = result.get("inputRequests", {})
        if not asked:
            lab.wrong(f"{tool} should ask for input, and its result was {result}.")
        lab.check(
            "rounds.unique-keys",
            not set(asked) & set(reply.twice),
            f"Of the keys {list(asked)}, {list(reply.twice)} were there twice.",
        )
        for key, question in asked.items():
            wrong = _unfit(question)
            lab.check("rounds.kinds", wrong is None, f"{key} of {tool}: {wrong or 'fits'}.")


def _unfit(question: Message) -> str | None:
    if question.get("method") not in _KINDS:
        return f"{question.get('method')!r} is none of {', '.join(_KINDS)}"
    try:
        _REQUEST.validate_python(question, by_name=False)
    except ValidationError as error:
        return str(error.errors()[0]["msg"])
    return None


@scenario("rounds", checks=("rounds.carriers",), wires=("2026-07-28",), needs=(STATEFUL,))
async def other_requests_do_not_ask(lab: Lab) -> None:
    """Other requests than the three that may are never answered with a request for input."""
    client = await lab.client()
    waiting = await call(lab, client, STATEFUL)
    tempting: Message = {"inputResponses": {}, "requestState": waiting.state or "x"}
    for method in ("server/discover", "tools/list", "prompts/list", "resources/list"):
        for params in (None, tempting):
            reply = await client.request(method, params)
            kind = "an error" if reply.refused else reply.kind
            lab.check("rounds.carriers", kind != "input_required", f"{method} came back as {kind}.")


@scenario(
    "rounds",
    checks=("rounds.result-type", "rounds.result-type-known", "capabilities.server-info"),
    wires=("2026-07-28",),
    needs=(ELICITING,),
)
async def every_result_typed(lab: Lab) -> None:
    """Every result says of which type it is, and which server it comes from."""
    client = await lab.client()
    first = await call(lab, client, ELICITING)
    replies = [
        await client.request("server/discover"),
        await client.request("tools/list"),
        first.reply,
        await first.retry(first.accept(name="Ada")),
    ]
    if "slow_compute" in lab.tools:  # a server with tasks might make one
        arguments = {"name": "slow_compute", "arguments": {"seconds": 0}}
        replies.append(await client.request("tools/call", arguments))
    for reply in replies:
        kind = reply.result.get("resultType")
        lab.check("rounds.result-type", kind is not None, f"{reply.method} had the type {kind!r}.")
        lab.check(
            "rounds.result-type-known",
            kind in {"complete", "input_required", None},
            f"{reply.method} had the type {kind!r}; the client declared no extension.",
        )
        info = reply.result.get("_meta", {}).get("io.modelcontextprotocol/serverInfo")
        lab.check(
            "capabilities.server-info",
            isinstance(info, dict) and {"name", "version"} <= set(info),  # pyright: ignore[reportUnknownArgumentType]
            f"{reply.method} said of the server: {info!r}.",
        )


@scenario("rounds", checks=("rounds.abandoned",), wires=("2026-07-28",), needs=(TWICE,))
async def abandoned_rounds(lab: Lab) -> None:
    """Calls that are never retried, or retried without answers, hold nothing up."""
    client = await lab.client()
    waiting = await call(lab, client, TWICE)
    for _ in range(4):
        await client.request(waiting.method, waiting.params)
    empty = await waiting.retry(None)
    lab.check(
        "rounds.abandoned",
        not done(empty),
        f"A retry without answers: {empty.told}.",
    )
    reply = await client.call(TWICE, answers=Script())
    lab.check(
        "rounds.abandoned", done(reply), f"After five calls that nobody went on with: {reply.told}."
    )


@scenario("rounds", checks=("rounds.interleaved",), wires=("2026-07-28",), needs=(TWICE,))
async def mixed_calls(lab: Lab) -> None:
    """Two calls of one tool, mixed on one connection, end each with its own answers."""
    client = await lab.client()
    ada = await call(lab, client, TWICE)
    eve = await call(lab, client, TWICE)
    eve = await eve.next(eve.accept(name="Eve"))
    ada = await ada.next(ada.accept(name="Ada"))
    ids = [
        await client.begin("tools/call", ada.retry_with(ada.accept(color="blue"))),
        await client.begin("tools/call", eve.retry_with(eve.accept(color="red"))),
    ]
    replies = [await client.reply(id) for id in reversed(ids)]
    for reply, name, color in zip(replies, ("Eve", "Ada"), ("red", "blue"), strict=True):
        lab.check(
            "rounds.interleaved",
            done(reply) and f"{name} who likes {color}" in reply.text,
            f"The call of {name}, who likes {color}: {reply.told}.",
        )


@scenario("rounds", checks=("rounds.other-connection",), wires=("2026-07-28",), needs=(TWICE,))
async def other_connection(lab: Lab) -> None:
    """A retry may come over another connection than the request that it repeats."""
    waiting = await call(lab, await lab.client(who="first"), TWICE)
    waiting = await waiting.next(waiting.accept(name="Ada"))
    second = await lab.client(fresh=True, who="second")
    reply = await waiting.retry(waiting.accept(color="blue"), by=second)
    lab.check(
        "rounds.other-connection",
        done(reply) and "Ada who likes blue" in reply.text,
        f"A retry over another connection: {reply.told}.",
    )


@scenario(
    "rounds", checks=("rounds.other-connection",), wires=("2026-07-28",), needs=(TWICE,), seconds=60
)
async def restarted_between(lab: Lab) -> None:
    """A retry may come to a server that was started again since the first request."""
    client = await lab.client()
    waiting = await call(lab, client, TWICE)
    waiting = await waiting.next(waiting.accept(name="Ada"))
    reply = await waiting.retry(waiting.accept(color="blue"), by=await lab.restart(client))
    lab.check(
        "rounds.other-connection",
        done(reply) and "Ada who likes blue" in reply.text,
        f"A retry after the server was started again: {reply.told}.",
    )


@scenario("rounds", checks=("rounds.declared-only",), wires=("2026-07-28",), needs=(DECLARED,))
async def declared_only(lab: Lab) -> None:
    """What a client has not declared is not among the questions of a round."""
    client = await lab.client()
    both = ("sampling", "elicitation")
    methods: set[str] = set()
    for declared in ((), both[:1], both[1:], both):
        client.capabilities = {name: Message() for name in declared}
        reply = await client.request("tools/call", {"name": DECLARED, "arguments": {}})
        asked: dict[str, Message] = {}
        if not reply.refused:
            asked = reply.result.get("inputRequests", {})
        methods = {request["method"].partition("/")[0] for request in asked.values()}
        lab.check(
            "rounds.declared-only",
            methods <= set(declared),
            f"Of a client with {list(declared)} it wanted {sorted(methods)}.",
        )
    if methods != set(both):
        lab.wrong(f"{DECLARED} should ask a client with both for both, and asked for {methods}.")
