"""The agents whose journals are kept here, and how the journals were made.

A journal in this folder was written once and must replay for ever: runs of that age may be parked
in somebody's store. If an agent here has to change, it gets another name and a journal of its own.

`python -m tests.golden.agents NAME` records the journal of an agent that has none yet.
"""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel

from inverted import AgentServer, ApprovalDenied, Cancelled, MemoryStore, Retry, Run, StepError
from inverted.testing import ScriptedHost, VirtualClock, decline, final, record_golden, tool_calls
from tests.agents.everything import KEYS

HERE = Path(__file__).parent

server = AgentServer("golden", store=MemoryStore(), keys=KEYS, clock=VirtualClock())


class Note(BaseModel):
    title: str
    pages: list[int]


def look_up(word: str) -> dict[str, str]:
    """Look a word up."""
    return {"word": word, "found": "yes"}


def fail(word: str) -> None:
    """Never works."""
    raise LookupError(f"no {word}")


@server.agent
async def sampling(run: Run, topic: str, pages: int = 3) -> Note:
    """Tools in parallel and failing, a structured result at the second attempt, a history."""
    first = await run.sample(
        [topic, "Use the tools."], system_prompt="Be brief.", tools=[look_up, fail], max_tokens=99
    )
    note = await run.sample([*first.history, "Now the note."], result_type=Note)
    step = await run.sample_step("One turn.", tools=[look_up])
    last = await run.sample(step.history)
    return Note(title=f"{note.result.title} {last.text}", pages=note.result.pages[:pages])


@server.agent
async def branches(run: Run) -> list[str]:
    """gather, map with a limit, a lost race with a cleanup, failures returned and raised."""

    async def think(number: int) -> str:
        return str((await run.sample(f"branch {number}")).text)

    async def slow() -> str:
        try:
            await run.sleep(1000)
        except Cancelled:
            await run.step(look_up, "cleaned")
            raise
        return "slow"

    async def broken() -> str:
        await run.step(fail, "branch", retry=Retry(attempts=2, delay=0))
        return "never"

    both = await run.gather(think(1), think(2))
    limited = await run.map(think, range(3, 6), limit=2)
    won = await run.race(slow(), think(6))
    found = await run.gather(think(7), broken(), return_exceptions=True)
    try:
        await run.gather(broken(), slow())
    except StepError as error:
        raised = error.error_type
    else:
        raised = "nothing"
    return [*both, *limited, won, *(type(each).__name__ for each in found), raised]


@server.agent
async def person(run: Run) -> str:
    """Forms, a page, an approval that is given and one that is denied, roots, chance and time."""
    name = await run.elicit("Your name?", str)
    kind = await run.elicit("Which?", Literal["one", "two"])
    no = await run.elicit("More?", int)
    page = await run.elicit_url("Sign in.", "https://example.org/sign-in")
    roots = await run.list_roots()
    await run.approve("Go on?", details="with everything")
    await run.now()
    await run.uuid()
    await run.random()
    try:
        await run.approve("Delete it all?")
    except ApprovalDenied:
        return f"{name.data} {kind.data} {no.action} {page.action} {len(roots)}"
    return "deleted"


@server.agent
async def checkpoints(run: Run) -> list[str]:
    """Three segments, each with questions, steps and its state."""
    said = run.restored(list[str], [])
    answer = await run.sample(f"segment {len(said)}")
    await run.step(look_up, str(answer.text))
    said = [*said, str(answer.text)]
    if len(said) < 3:
        return await run.checkpoint(said)
    return said


@server.agent
async def failing(run: Run) -> str:
    """A run that ends with an error."""
    answer = await run.sample("Well?")
    raise ValueError(f"not {answer.text}")


RECORDED: dict[str, tuple[dict[str, Any], ScriptedHost]] = {
    "sampling": (
        {"topic": "tea", "pages": 1},
        ScriptedHost(
            model=[
                tool_calls(("look_up", {"word": "tea"}), ("fail", {"word": "tea"}), ("odd", {})),
                "It is a drink.",
                final({"title": 1}),
                final({"title": "Tea", "pages": [1, 2]}),
                tool_calls(("look_up", {"word": "cup"})),
                "and cups",
            ]
        ),
    ),
    "branches": (
        {},
        ScriptedHost(model=lambda params: params["messages"][0]["content"]["text"]),
    ),
    "person": (
        {},
        ScriptedHost(
            person=["Ada", "two", decline(), None, True, False], roots=["file:///srv/work"]
        ),
    ),
    "checkpoints": ({}, ScriptedHost(model=["a", "b", "c"])),
    "failing": ({}, ScriptedHost(model=["good"])),
}
"""What each journal was recorded with."""


async def record(name: str) -> None:
    path = HERE / f"{name}.jsonl"
    if path.exists():
        raise FileExistsError(f"{path} is golden: it is never recorded again.")
    arguments, host = RECORDED[name]
    await host.run(server, name, arguments)
    await record_golden(server, path)


if __name__ == "__main__":
    asyncio.run(record(sys.argv[1]))
