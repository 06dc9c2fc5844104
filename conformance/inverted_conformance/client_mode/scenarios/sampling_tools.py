"""Sampling with tools: the model uses what the server offers, and the loop goes on to its end."""

from __future__ import annotations

from typing import Final

from inverted_conformance.client_mode.asks import (
    assistant,
    directive,
    results,
    sample,
    say,
    text,
    tool,
    tools,
    use,
    user,
)
from inverted_conformance.client_mode.registry import CLIENT
from inverted_conformance.client_mode.scenarios.sampling import INVALID_PARAMS, well_formed
from inverted_conformance.client_mode.stage import Stage
from inverted_conformance.wire.transcript import Message

DECLARED: Final = "capabilities.sampling-tools-declared"
MANY: Final = 60
"""Questions with tools in one call, of which a client answers only some."""


@CLIENT.scenario("sampling-tools", checks=(DECLARED, "sampling.message-shape"))
async def single_call(stage: Stage) -> None:
    """The model uses a tool, gets its result, and then says something."""
    await stage.open(tool("ask"))
    stage.needs("sampling", "sampling.tools")
    call = await stage.called("ask")
    first = user(directive(use("weather"), say("It rains.")))
    offered = tools("weather", "clock")
    answer = await call.ask(sample(messages=[first], tools=offered))
    if not well_formed(stage, answer):
        return
    stage.met(DECLARED, "The client declared sampling.tools, and took a request with tools.")
    names = [each.get("name") for each in answer.uses]
    if names != ["weather"] or answer.result.get("stopReason") != "toolUse":
        stage.fault(f"The directive was to use the tool weather; the client gave {answer}.")
        return
    messages = [first, assistant(answer.result["content"]), results(answer.uses)]
    answer = await call.ask(sample(messages=messages, tools=offered))
    if well_formed(stage, answer) and answer.text.strip() != "It rains.":
        stage.fault(f"The directive was to say 'It rains.'; the client gave {answer}.")
    call.finish()


@CLIENT.scenario("sampling-tools", checks=(DECLARED, "sampling.message-shape"))
async def parallel_calls(stage: Stage) -> None:
    """The model uses three tools at once, two of them the same; each use has an id of its own."""
    await stage.open(tool("ask"))
    stage.needs("sampling", "sampling.tools")
    call = await stage.called("ask")
    first = user(directive(use("weather", "clock", "weather"), say("Done.")))
    offered = tools("weather", "clock")
    answer = await call.ask(sample(messages=[first], tools=offered))
    if not well_formed(stage, answer):
        return
    stage.met(DECLARED, "The client declared sampling.tools, and took a request with tools.")
    ids = {str(each.get("id")) for each in answer.uses}
    names = [each.get("name") for each in answer.uses]
    if names != ["weather", "clock", "weather"] or len(ids) != len(names):
        stage.fault(
            "The directive was to use weather, clock and weather at once, which needs three "
            f"different ids; the client gave {answer}."
        )
        return
    messages = [first, assistant(answer.result["content"]), results(answer.uses)]
    answer = await call.ask(sample(messages=messages, tools=offered))
    if well_formed(stage, answer) and answer.text.strip() != "Done.":
        stage.fault(f"The directive was to say 'Done.'; the client gave {answer}.")
    call.finish()


@CLIENT.scenario("sampling-tools", checks=("sampling-tools.choice-required",))
async def choice_required(stage: Stage) -> None:
    """Told to only say something, the model uses a tool all the same, because it must."""
    await stage.open(tool("ask"))
    stage.needs("sampling", "sampling.tools")
    call = await stage.called("ask")
    request = sample(
        say("I would rather talk."), tools=tools("weather"), toolChoice={"mode": "required"}
    )
    answer = await call.ask(request)
    stage.check(
        "sampling-tools.choice-required",
        bool(answer.uses),
        f"With toolChoice required the client gave {answer}.",
        "at least one tool_use",
    )
    call.finish()


@CLIENT.scenario("sampling-tools", checks=("sampling-tools.choice-none",))
async def choice_none(stage: Stage) -> None:
    """Told to use a tool, the model only says something, because it must not."""
    await stage.open(tool("ask"))
    stage.needs("sampling", "sampling.tools")
    call = await stage.called("ask")
    answer = await call.ask(
        sample(use("weather"), tools=tools("weather"), toolChoice={"mode": "none"})
    )
    stage.check(
        "sampling-tools.choice-none",
        not answer.uses and not answer.refused,
        f"With toolChoice none the client gave {answer}.",
        "an answer without tool_use",
    )
    call.finish()


@CLIENT.scenario("sampling-tools", checks=(DECLARED,))
async def undeclared(stage: Stage) -> None:
    """A client that was told not to declare sampling.tools does not take requests with tools."""
    await stage.open(tool("ask"), without=["sampling.tools"])
    stage.needs("sampling")
    call = await stage.called("ask")
    answer = await call.ask(sample(say("hello"), tools=tools("weather")))
    stage.check(
        DECLARED,
        answer.refused,
        f"Without sampling.tools a request with tools got {answer}.",
        "an error, or no retry",
    )
    call.finish()


_USE: Final[Message] = {"type": "tool_use", "id": "u1", "name": "weather", "input": {}}
_RESULT: Final[Message] = {"type": "tool_result", "toolUseId": "u1", "content": [text("rain")]}
_ASK: Final = directive(say("unheard"))


@CLIENT.scenario(
    "sampling-tools",
    checks=("sampling-tools.missing-result-refused", "sampling.content-validated"),
)
async def missing_results(stage: Stage) -> None:
    """A tool use without its result, in the middle or at the end, is refused."""
    other = {**_USE, "id": "u2"}
    broken = {
        "no_result": [user("Go on."), assistant([_USE]), user(_ASK)],
        "one_of_two": [user(_ASK), assistant([_USE, other]), user([_RESULT])],
        "at_the_end": [user(_ASK), assistant([_USE])],
    }
    await _all_refused(stage, broken, "sampling-tools.missing-result-refused")


@CLIENT.scenario(
    "sampling-tools", checks=("sampling-tools.mixed-refused", "sampling.content-validated")
)
async def mixed_content(stage: Stage) -> None:
    """Tool results beside other content, before it and after it, are refused."""
    broken = {
        "text_after": [user("Go on."), assistant([_USE]), user([_RESULT, text(_ASK)])],
        "text_before": [user("Go on."), assistant([_USE]), user([text(_ASK), _RESULT])],
    }
    await _all_refused(stage, broken, "sampling-tools.mixed-refused")


async def _all_refused(stage: Stage, broken: dict[str, list[Message]], key: str) -> None:
    await stage.open(*(tool(name) for name in broken))
    stage.needs("sampling", "sampling.tools")
    for name, messages in broken.items():
        call = await stage.called(name)
        answer = await call.ask(sample(messages=messages, tools=tools("weather")))
        seen = f"Broken messages ({name.replace('_', ' ')}) got {answer}."
        ok = answer.refused and (stage.modern or answer.error.get("code") == INVALID_PARAMS)
        stage.check(key, ok, seen, "the error -32602")
        stage.check("sampling.content-validated", answer.refused, seen, "an error, or no retry")
        call.finish()


@CLIENT.scenario("sampling-tools", checks=("sampling-tools.loop-limit",), seconds=40)
async def endless_loop(stage: Stage) -> None:
    """A server that asks with tools again and again is not answered for ever."""
    await stage.open(tool("ask"))
    stage.needs("sampling", "sampling.tools")
    call = await stage.called("ask")
    steps = [use("weather")] * MANY
    messages = [user(directive(*steps))]
    for asked in range(1, MANY + 1):
        answer = await call.ask(sample(messages=messages, tools=tools("weather")))
        if answer.refused:
            stage.met("sampling-tools.loop-limit", f"Question {asked} got {answer}.")
            break
        messages += [assistant(answer.result["content"]), results(answer.uses)]
    else:
        stage.broke(
            "sampling-tools.loop-limit",
            f"The client answered {MANY} questions with tools in one call.",
            "an error, or no retry, before that",
        )
    call.finish()
