"""An agent server whose agents are tasks. On stdio its runs live in the default store."""

from __future__ import annotations

import sys
import time
from pathlib import Path

from inverted import AgentServer, Run
from inverted.runtime.tasks import TaskSettings

server = AgentServer(
    "tasks",
    store=":memory:" if sys.argv[1:] else None,
    tasks=TaskSettings(poll_interval=0.05),
)


@server.agent(task="always")
async def brew(run: Run, what: str) -> str:
    """Brew something, with the model's and the person's help."""
    await run.report_progress(1, 3, f"thinking about {what}")
    thought = await run.sample(f"How is {what} brewed?")
    await run.report_progress(2, 3, "asking")
    await run.approve(f"Brew {what}?", details=thought.text or "")
    return f"{what} is ready"


@server.agent(task="never")
async def plain(run: Run) -> str:
    """Never a task."""
    return str(await run.now())


@server.agent
async def either(run: Run) -> str:
    """A task if the client wants one."""
    await run.approve("Go on?")
    return "went on"


def wait_for(file: str) -> str:
    """Wait until a file is there."""
    while not Path(file).exists():
        time.sleep(0.01)
    return Path(file).read_text()


@server.agent(task="always")
async def patient(run: Run, file: str) -> str:
    """Wait for a file."""
    await run.report_progress(0, None, "waiting for the file")
    return await run.step(wait_for, file)


@server.agent(task="always")
async def broken(run: Run) -> str:
    """Fail."""
    raise ValueError(f"broken {await run.random() < 2}")


if __name__ == "__main__":
    if len(sys.argv) > 1:
        server.run("http", port=int(sys.argv[1]), show_banner=False)
    else:
        server.run()
