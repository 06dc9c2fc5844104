"""Tasks of 2026-07-28 that ask: tasks/get shows the questions, tasks/update answers them."""

from __future__ import annotations

from typing import Final

import anyio

from inverted_conformance.server_mode.lab import Lab
from inverted_conformance.server_mode.registry import scenario
from inverted_conformance.server_mode.said import Reply
from inverted_conformance.server_mode.scripted import Script, says
from inverted_conformance.server_mode.tasks import ENDED, PAUSE, Running, begin, capable, text
from inverted_conformance.wire.transcript import Message

ADA: Final = {"action": "accept", "content": {"name": "Ada", "confirm": True}}
AT_ONCE: Final = 2
"""What `multi_round_job` asks at once."""

BOB: Final = {"action": "accept", "content": {"name": "Bob", "confirm": False}}


@scenario(
    "tasks",
    checks=(
        "tasks.get-input-required",
        "tasks.get-all-input",
        "tasks.input-keys-unique",
        "tasks.input-keys-not-reused",
        "tasks.input-keys-one-meaning",
        "tasks.update-empty",
        "tasks.update-result-type",
    ),
    wires=("2026-07-28",),
    needs=("multi_round_job",),
)
async def answers(lab: Lab) -> None:
    """A task shows all that it asks at each look, each question under a key of its own."""
    client = await capable(lab)
    task = await begin(lab, client, "multi_round_job")
    first = await task.until("input_required")
    asked: Message = first.get("inputRequests") or {}
    detail = f"tasks/get shows {first.get('status')!r} with the questions {sorted(asked)}."
    ok = first.get("status") == "input_required" and asked
    lab.check("tasks.get-input-required", ok, detail)
    lab.check("tasks.get-all-input", len(asked) == AT_ONCE, f"Of two open questions: {detail}")
    again = (await task.get()).get("inputRequests")
    lab.check("tasks.get-all-input", again == asked, f"A second look shows {again}.")
    lab.check("tasks.input-keys-one-meaning", again == asked, f"A second look shows {again}.")
    reply = await task.ask("tasks/update", inputResponses=await task.answered(first))
    _acknowledged(lab, reply)
    second = await _asks(task, asked)
    new: Message = second.get("inputRequests") or {}
    both = asked.keys() & new.keys()
    detail = f"First it asked under {sorted(asked)}, then under {sorted(new)}."
    for key in ("unique", "not-reused", "one-meaning"):
        lab.check(f"tasks.input-keys-{key}", new and not both, detail)
    end = await task.finish(Script(["Hi"]))
    if text(end).split("\n")[-1] != "Hi":
        lab.wrong(f"multi_round_job should end with what the model said, but ended with {end}.")


def _acknowledged(lab: Lab, reply: Reply) -> None:
    left = sorted(reply.result.keys() - {"_meta", "resultType"})
    lab.check("tasks.update-empty", not left, f"Besides the envelope the reply has {left}.")
    kind = reply.result.get("resultType")
    lab.check("tasks.update-result-type", kind == "complete", f"resultType is {kind!r}.")


async def _asks(task: Running, answered: Message) -> Message:
    """Poll until the task has ended or no longer asks what was answered.

    An acknowledged answer need not show at once; a key that asks something else does.
    """
    while True:
        shown = await task.until("input_required")
        asked: Message = shown.get("inputRequests") or {}
        still = [key for key, request in answered.items() if asked.get(key) == request]
        if shown.get("status") in ENDED or not still:
            return shown
        await anyio.sleep(PAUSE)


@scenario(
    "tasks",
    checks=("tasks.stray-answers-ignored", "tasks.get-all-input", "tasks.update-empty"),
    wires=("2026-07-28",),
    needs=("multi_round_job",),
)
async def stray_answers(lab: Lab) -> None:
    """Answers to keys that were never given or are answered already change nothing."""
    client = await capable(lab)
    task = await begin(lab, client, "multi_round_job")
    asked: Message = (await task.until("input_required")).get("inputRequests") or {}
    if len(asked) != AT_ONCE:
        lab.wrong(f"multi_round_job should ask two things at once, but asked {sorted(asked)}.")
    one, two = asked
    reply = await task.ask("tasks/update", inputResponses={"never given": ADA})
    lab.check("tasks.stray-answers-ignored", not reply.refused, f"An unknown key: {reply.told}.")
    shown: Message = (await task.get()).get("inputRequests") or {}
    detail = f"After an answer to an unknown key it asks {sorted(shown)}."
    lab.check("tasks.stray-answers-ignored", shown == asked, detail)
    reply = await task.ask("tasks/update", inputResponses={one: ADA})
    left = sorted(reply.result.keys() - {"_meta", "resultType"})
    lab.check("tasks.update-empty", not left, f"Besides the envelope the reply has {left}.")
    rest: Message = (await _asks(task, {one: asked[one]})).get("inputRequests") or {}
    lab.check("tasks.get-all-input", [*rest] == [two], f"With one answered it asks {[*rest]}.")
    reply = await task.ask("tasks/update", inputResponses={one: BOB})
    lab.check("tasks.stray-answers-ignored", not reply.refused, f"A second answer: {reply.told}.")
    await task.ask("tasks/update", inputResponses={two: ADA, one: BOB})
    last: Message = (await _asks(task, asked)).get("inputRequests") or {}
    await task.ask("tasks/update", inputResponses={one: BOB, **dict.fromkeys(last, says("Hi"))})
    end = {key: value for key, value in (await task.until()).items() if key == "result"}
    detail = f"Each was answered with Ada first, and it ended with {text(end)!r}."
    lab.check("tasks.stray-answers-ignored", text(end) == "Ada\nAda\nHi", detail)
    reply = await task.ask("tasks/update", inputResponses={one: BOB})
    now = text({"result": (await task.get()).get("result", {})})
    detail = f"After an answer to the ended task its result is {now!r}."
    lab.check("tasks.stray-answers-ignored", now == text(end), detail)


@scenario(
    "tasks", checks=("tasks.rounds-first",), wires=("2026-07-28",), needs=("test_tool_with_task",)
)
async def rounds_first(lab: Lab) -> None:
    """A tool that asks before it becomes a task does so in rounds, and then hands the task over."""
    client = await capable(lab)
    reply = await client.call("test_tool_with_task", answers=Script(person=[{"name": "Ada"}]))
    asked = [question.round for question in reply.questions]
    detail = f"It asked in the rounds {asked}, and then came back as {reply.kind}."
    lab.check("tasks.rounds-first", asked == [1] and reply.kind == "task", detail)
    if reply.kind != "task":
        return
    task = Running(client, reply.result)
    end = await task.finish()
    statuses = sorted(set(task.statuses))
    detail = f"The task showed {statuses} and ended with {text(end)!r}."
    ok = "input_required" not in statuses and text(end) == "Done for Ada"
    lab.check("tasks.rounds-first", ok, detail)
