"""An agent server of this framework: a step, two turns of the model, a question."""

from __future__ import annotations

from pathlib import Path

from inverted import AgentServer, Run

server = AgentServer("resumable")


def note(file: str) -> int:
    """Leave a mark for every time that this step really ran."""
    path = Path(file)
    lines = [*path.read_text().splitlines(), "ran"] if path.exists() else ["ran"]
    path.write_text("\n".join(lines))
    return len(lines)


@server.agent
async def work(run: Run, file: str) -> str:
    """Take a step, think twice, ask."""
    count = await run.step(note, file)
    first = await run.sample("First thought")
    second = await run.sample("Second thought")
    await run.approve("Go on?")
    return f"step {count}; {first.text}; {second.text}"
