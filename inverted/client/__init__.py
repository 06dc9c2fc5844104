"""Tasks for clients of the MCP SDK: of any server, on both eras.

On 2026-07-28 the server decides that a call becomes a task, if the client has the extension. With
this one `call_tool` returns the result as always, and the questions of the task (elicitation,
sampling, roots) come to the client's own callbacks:

    async with Client(url, extensions=[TasksExtension()], sampling_callback=...) as client:
        result = await client.call_tool("triage", {"report": "it crashes"})

On 2025-11-25 the client decides:

    handle = await call_tool_as_task(client.session, "triage", {"report": "it crashes"})
    result = await handle.result()

A task outlives its connection and both processes. Keep `handle.id`, and later, on either era:

    result = await attach(client.session, task_id).result()

It works with `mcp.Client` and `fastmcp.Client`. Nothing here needs a server made with inverted.

Source: specification 2025-11-25 basic/utilities/tasks (SEP-1686); SEP-2663.
"""

from inverted.client.create import call_tool_as_task
from inverted.client.errors import (
    QuestionRefused,
    TaskCancelled,
    TaskDetached,
    TaskError,
    TaskFailed,
    TaskNotFound,
    TasksUnsupported,
)
from inverted.client.extension import TasksExtension
from inverted.client.handle import TaskHandle, attach
from inverted.client.wire import Task

__all__ = [
    "QuestionRefused",
    "Task",
    "TaskCancelled",
    "TaskDetached",
    "TaskError",
    "TaskFailed",
    "TaskHandle",
    "TaskNotFound",
    "TasksExtension",
    "TasksUnsupported",
    "attach",
    "call_tool_as_task",
]
