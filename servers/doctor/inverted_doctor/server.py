"""The agent server: one agent, `doctor`, that tells what the client can do that called it.

Who the client is, is known only while its call is served, so a step reads it there and the journal
keeps it: the rest of the run follows from what was read.
"""

from __future__ import annotations

from typing import Any

from fastmcp.tools import ToolResult

from inverted import AgentServer, Run
from inverted.server.diagnosis import Diagnosis, diagnose_caller
from inverted_doctor import __version__
from inverted_doctor.findings import Report
from inverted_doctor.markdown import page
from inverted_doctor.probing import probe as ask_everything


def create(**settings: Any) -> AgentServer:
    """Make a doctor.

    Args:
        settings: What `AgentServer` takes: how this server asks is what is told.
    """
    server = AgentServer(
        "doctor",
        "Tells what this client can do for servers that ask: model turns, forms, approvals.",
        version=__version__,
        **settings,
    )

    async def look() -> Diagnosis:
        return await diagnose_caller(server, "doctor")

    # As a task it would be another client: tasks are served without relay and cards.
    @server.agent(title="Examine this client", annotations={"readOnlyHint": True}, task="never")
    async def doctor(run: Run, probe: bool = False) -> ToolResult:  # noqa: FBT001, FBT002 # arguments of a tool have names
        """Tell what this client can do: how each kind of question would be asked here.

        Args:
            run: The run.
            probe: Really ask one question of each kind, and tell what happened.

        Returns:
            The report as Markdown, with a `Report` as the structured content.
        """
        diagnosis = await run.step(look)
        tried = await ask_everything(run) if probe else []
        report = Report(diagnosis=diagnosis, tried=tuple(tried))
        return ToolResult(content=page(report), structured_content=report)

    return server


server = create()
