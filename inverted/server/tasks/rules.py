"""The two forms of tasks in the protocol, and every rule in which they differ, as data.

- SEP-1686, in revision 2025-11-25: `docs/specification/2025-11-25/basic/utilities/tasks`;
- SEP-2663, the extension `io.modelcontextprotocol/tasks` of revision 2026-07-28.

The code asks `LEGACY` and `MODERN`; the page `docs/tasks.md` holds the table that `differences`
makes of them. A rule that both forms share is not here.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, NamedTuple

from mcp_types import METHOD_NOT_FOUND, MISSING_REQUIRED_CLIENT_CAPABILITY

from inverted.core.lifecycle import TRANSITIONS, Status

EXTENSION: Final = "io.modelcontextprotocol/tasks"
RELATED: Final = "io.modelcontextprotocol/related-task"
IMMEDIATE: Final = "io.modelcontextprotocol/model-immediate-response"


@dataclass(frozen=True, slots=True)
class Form:
    """What one form says. Each attribute is a row of `RULES`."""

    revision: str
    decider: str
    needed: int
    each_request: bool
    nested: bool
    seed: Status | None
    ttl_key: str
    poll_key: str
    requestor_ttl: bool
    listed: bool
    result_method: bool
    questions: str
    related: bool
    error_result: Status
    cancel_ended: bool
    cancel_shows: bool
    notification: str
    progress: bool
    routed: bool


LEGACY: Final = Form(
    revision="2025-11-25",
    decider="client",
    needed=METHOD_NOT_FOUND,
    each_request=False,
    nested=True,
    seed=Status.WORKING,
    ttl_key="ttl",
    poll_key="pollInterval",
    requestor_ttl=True,
    listed=True,
    result_method=True,
    questions="requests",
    related=True,
    error_result=Status.FAILED,
    cancel_ended=False,
    cancel_shows=True,
    notification="notifications/tasks/status",
    progress=True,
    routed=False,
)

MODERN: Final = Form(
    revision="2026-07-28",
    decider="server",
    needed=MISSING_REQUIRED_CLIENT_CAPABILITY,
    each_request=True,
    nested=False,
    seed=None,
    ttl_key="ttlMs",
    poll_key="pollIntervalMs",
    requestor_ttl=False,
    listed=False,
    result_method=False,
    questions="inputRequests",
    related=False,
    error_result=Status.COMPLETED,
    cancel_ended=True,
    cancel_shows=False,
    notification="notifications/tasks",
    progress=False,
    routed=True,
)


class Rule(NamedTuple):
    """One difference.

    Attributes:
        name: The attribute of `Form`.
        about: What it says.
        legacy: Where SEP-1686 says it: a section of 2025-11-25 basic/utilities/tasks.
        modern: Where SEP-2663 says it: a section of the extension's specification.
    """

    name: str
    about: str
    legacy: str
    modern: str


RULES: Final = (
    Rule("revision", "Protocol revision", "Capability Negotiation", "Backwards Compatibility"),
    Rule(
        "decider", "Who makes a call a task", "Task Support and Handling", "Capability Negotiation"
    ),
    Rule(
        "needed",
        "Error for a call of a task-only agent without a task",
        "Tool-Level Negotiation",
        "Capability Negotiation",
    ),
    Rule(
        "each_request",
        "The client declares tasks on every request",
        "Capability Negotiation",
        "Protocol Errors",
    ),
    Rule("nested", "The new task stands under a key `task`", "Creating Tasks", "Task Creation"),
    Rule(
        "seed",
        "Status that a new task is shown with",
        "Task Status Lifecycle",
        "Task Creation",
    ),
    Rule("ttl_key", "Key of the time to live", "Task", "Tasks"),
    Rule("poll_key", "Key of the time between polls", "Task", "Tasks"),
    Rule("requestor_ttl", "The client may ask for a time to live", "Task Parameters", "Tasks"),
    Rule("listed", "There is `tasks/list`", "Listing Tasks", "Backwards Compatibility"),
    Rule(
        "result_method",
        "There is a blocking `tasks/result`; otherwise `tasks/get` holds the result",
        "Result Retrieval",
        "Task Polling",
    ),
    Rule(
        "questions",
        "How the server asks",
        "Input Required Status",
        "Task Update Requests",
    ),
    Rule(
        "related",
        "Messages of the task carry `related-task`",
        "Related Task Metadata",
        "Backwards Compatibility",
    ),
    Rule(
        "error_result",
        "Status of a run whose result has `isError`",
        "Task Execution Errors",
        "Task Execution Errors",
    ),
    Rule(
        "cancel_ended",
        "Cancelling a task that has ended is acknowledged; otherwise it is error -32602",
        "Task Cancellation",
        "Task Cancellation",
    ),
    Rule(
        "cancel_shows",
        "The answer to `tasks/cancel` shows the task; otherwise it is empty",
        "Cancelling Tasks",
        "Task Cancellation",
    ),
    Rule(
        "notification",
        "What tells of a new status",
        "Task Status Notification",
        "Task Status Notifications",
    ),
    Rule(
        "progress",
        "Progress and log messages go on; otherwise they become the task's `statusMessage`",
        "Task Progress Notifications",
        "Task Status Notifications",
    ),
    Rule(
        "routed",
        "The header `Mcp-Name` names the task over HTTP",
        "Protocol Messages",
        "Streamable HTTP: Routing Headers",
    ),
)


def differences() -> str:
    """The table of the differences, in Markdown."""
    lines = [
        f"| | {LEGACY.revision} (SEP-1686) | {MODERN.revision} (SEP-2663) | said in |",
        "|---|---|---|---|",
    ]
    for rule in RULES:
        legacy, modern = (_shown(getattr(form, rule.name)) for form in (LEGACY, MODERN))
        source = rule.legacy if rule.legacy == rule.modern else f"{rule.legacy}; {rule.modern}"
        lines.append(f"| {rule.about} | {legacy} | {modern} | {source} |")
    return "\n".join(lines) + "\n"


def lifecycle_diagram() -> str:
    """The lifecycle of a task as a Mermaid diagram, from the table that stores obey."""
    lines = ["stateDiagram-v2", f"    [*] --> {Status.WORKING}"]
    for state, events in TRANSITIONS.items():
        lines += [f"    {state} --> {after}: {event}" for event, after in events.items()]
        lines += [] if events else [f"    {state} --> [*]"]
    return "\n".join(lines) + "\n"


def _shown(value: object) -> str:
    if value is None:
        return "any"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"`{value}`"
