"""One of the processes that share the store: it drives what is due, and serves calls.

It is forked from the conductor, which has imported everything, and may die at any moment.
"""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import Coroutine
from random import Random
from typing import Any, Final, NoReturn, cast

from inverted import SQLiteStore
from inverted.carriers.ladder import Ladder
from inverted.carriers.tasks import TaskCarrier
from inverted.core.effects import Json
from inverted.runtime import Runtime
from inverted.runtime.tasks import TaskInfo, Tasks, TaskSettings, View
from tests.chaos.work import Executions, Place, Work, as_ended, name_of, plan_of

INFO: Final = TaskInfo("2026-07-28", "2026-07-28", ["elicitation.form", "sampling"])
SETTINGS: Final = TaskSettings(poll_interval=0.1, concurrent=None)
CHUNK: Final = 65536

Call = dict[str, Any]


def live(place: Place, seed: int, process: int, calls: int, replies: int) -> NoReturn:
    """The life of a forked process. Ends with the conductor, or with a kill.

    Args:
        place: Where the store is.
        seed: What the tasks do.
        process: Its number.
        calls: A pipe to read calls from, one JSON object in a line.
        replies: A pipe to write replies to.
    """
    try:
        log = os.open(place.log, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        os.dup2(log, 1)
        os.dup2(log, 2)
        asyncio.run(_serve(place, seed, process, calls, replies))
    finally:
        os._exit(1)  # nothing of the conductor's may run here


async def _serve(place: Place, seed: int, process: int, calls: int, replies: int) -> None:
    tasks = Tasks(
        Runtime(SQLiteStore(place.store)),
        lambda agent, info, notify: Ladder(TaskCarrier(info, notify), agent.ladders),
        SETTINGS,
    )
    work = Work(Executions(place, process), Random(process)).agent()
    tasks.agents[work.name] = work
    await tasks.start()
    running: set[asyncio.Task[None]] = set()
    rest = b""
    readable = asyncio.Event()
    asyncio.get_running_loop().add_reader(calls, readable.set)

    async def reply(call: Call) -> None:
        said: dict[str, Json]
        try:
            said = _described(await _made(tasks, seed, call))
        except Exception as error:  # noqa: BLE001 # the client is told, and judges it
            said = {"error": type(error).__name__, "message": str(error)}
        os.write(replies, json.dumps({"id": call["id"], **said}).encode() + b"\n")

    while True:
        await readable.wait()
        readable.clear()
        chunk = os.read(calls, CHUNK)
        if not chunk:
            return  # the conductor is gone
        *lines, rest = (rest + chunk).split(b"\n")
        for line in lines:
            serving = asyncio.create_task(reply(json.loads(line)))
            running.add(serving)
            serving.add_done_callback(running.discard)


def _made(tasks: Tasks, seed: int, call: Call) -> Coroutine[Any, Any, View | tuple[View, bool]]:
    match call:
        case {"call": "create", "number": int(number)}:
            arguments: dict[str, Json] = {"number": number, "plan": plan_of(seed, number)}
            work = tasks.agents["work"]
            return tasks.create(work, arguments, INFO, principal=None, key=name_of(number))
        case {"call": "answer", "run": str(run), "answers": dict()}:
            values = cast("dict[str, int]", call["answers"])
            answers = {
                id: {"action": "accept", "content": {"value": value}}
                for id, value in values.items()
            }
            return tasks.answer(run, answers, principal=None)
        case {"call": "cancel", "run": str(run)}:
            return tasks.cancel(run, "chaos", principal=None)
        case {"run": str(run)}:
            return tasks.look(run, principal=None)
        case _:
            raise AssertionError(call)


def _described(made: View | tuple[View, bool]) -> dict[str, Json]:
    view, was_live = (made, None) if isinstance(made, View) else made
    ended = view.ended and [view.ended.status.value, view.ended.result, as_ended(view.record)]
    return {
        "run": view.record.id,
        "status": view.status.value,
        "was_live": was_live,
        "questions": {each.id: each.params["message"] for each in view.questions},
        "problem": view.problem,
        "ended": ended,
    }
