"""An agent of every pattern, for the suites that run it everywhere, and how its journal was made.

The prompts of the patterns are compared on replay, so changing one breaks the runs that are parked
at it. `all.jsonl` was written once and must replay for ever. `python -m tests.patterns.all` wrote
it, and does not write it again.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from inverted import AgentServer, MemoryStore, Run
from inverted.patterns import (
    Draft,
    Piece,
    Route,
    Specialist,
    Step,
    Verdict,
    ask,
    chain,
    evaluator_optimizer,
    handoff,
    map_reduce,
    orchestrator_workers,
    parallel,
    plan_and_execute,
    route,
    vote,
)
from inverted.testing import ScriptedHost, final, record_golden, tool_calls
from tests.patterns.everywhere import prompt_of

GOLDEN: Final = Path(__file__).with_name("all.jsonl")


async def broken(run: Run) -> str:
    await run.step(len, "tea")
    raise RuntimeError("no tea left")


async def brew(run: Run, text: str) -> str:
    return await ask(run, f"brew {text}")


async def write(run: Run, task: str, drafts: Sequence[Draft[str]]) -> str:
    return await ask(run, f"write {task} for the {len(drafts) + 1}. time")


async def judge(run: Run, task: str, draft: str) -> Verdict:
    return await ask(run, f"judge {draft}", Verdict)


async def split(run: Run, task: str) -> list[str]:
    return [f"{task} {number}" for number in (1, 2)]


async def join(run: Run, task: str, pieces: Sequence[Piece[str, str]]) -> str:
    return await ask(run, f"join {task}: " + " ".join(map(str, pieces)))


async def merge(run: Run, parts: Sequence[str]) -> str:
    return await ask(run, " + ".join(parts))


def pour(cups: int) -> str:
    """Pour tea."""
    return f"{cups} cups"


AGENTS: Final = {
    "host": Specialist("You are the host.", "greets"),
    "cook": Specialist("You are the cook.", "makes tea", tools=[pour]),
}


async def everything(run: Run, word: str = "tea") -> list[str]:
    """Every pattern once."""
    chained = await chain(run, [Step("a {input}"), brew], word)
    joined = await parallel(run, ["one", broken, "two"], limit=2, fan_in="Join: {results}")
    routed = await route(run, word, {"hot": Route("it is hot", brew)}, fallback=brew)
    written = await evaluator_optimizer(run, word, generate=write, evaluate=judge)
    worked = await orchestrator_workers(run, word, plan=split, work=brew, synthesise=join)
    reduced = await map_reduce(run, ["x", "y", "z"], brew, merge, fan_in=2)
    elected = await vote(run, "Which?", k=2)
    planned = await plan_and_execute(run, word)
    handed = await handoff(run, AGENTS, "host", word)
    return [
        chained.text,
        joined,
        routed,
        written.value,
        worked,
        reduced,
        elected.answer,
        planned.text,
        " > ".join((*handed.path, handed.text)),
    ]


def model(params: dict[str, Any]) -> Any:
    """Answers of every kind, by the question alone."""
    prompt, system = prompt_of(params), params.get("systemPrompt", "")
    if prompt.startswith("Which of these routes"):
        return final("hot")
    if prompt.startswith("judge"):
        good = "2. time" in prompt
        return final({"accepted": good, "score": 0.5, "feedback": "again"})
    if prompt.startswith("Plan what"):
        step: dict[str, Any] = {"title": "soil", "instructions": "look at the soil", "needs": []}
        return final({"steps": [] if "- soil" in prompt else [step], "needs": ["soil"]})
    if system.startswith("You are the host."):
        return tool_calls(("transfer_to_cook", {}))
    if system.startswith("You are the cook."):
        poured = "2 cups" in str(params["messages"])
        return "Tea for two." if poured else tool_calls(("pour", {"cups": 2}))
    return f"<{prompt}>"


def make_server() -> AgentServer:
    """A server with that agent."""
    server = AgentServer("patterns", store=MemoryStore(), keys=["k" * 32])
    server.agent(everything)
    return server


async def main() -> None:
    """Write the golden journal, if there is none."""
    if GOLDEN.exists():
        raise SystemExit(f"{GOLDEN.name} is there, and golden journals are never changed.")
    server = make_server()
    await ScriptedHost(model=model).run(server, "everything")
    await record_golden(server, GOLDEN)


if __name__ == "__main__":
    asyncio.run(main())
