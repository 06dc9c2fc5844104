"""An agent server on stdio with one agent."""

from inverted import AgentServer, Run

server = AgentServer("benchmark")


@server.agent
async def digest(run: Run, topic: str) -> str:
    """Ask the model about a topic."""
    return (await run.sample(topic)).text or ""


server.run(show_banner=False)
