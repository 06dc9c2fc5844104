"""How one `tools/call` becomes a task: what the extension decided, and what the agent made of it.

Three places take part. The extension's interceptor knows tool and client, and plans. The agent's
tool takes the plan, has the run created, and leaves the reply here. The middleware of the wire
gives that reply to the client instead of a tool result: the SDK would not let its shape through.
All three run in the task of the request, so a context variable reaches them; what runs in the
background must not see it, so a plan is taken once.
"""

from __future__ import annotations

from collections.abc import Callable
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Final

from inverted.core.effects import Json
from inverted.runtime.tasks import TaskInfo, Tasks, View
from inverted.server.tasks.rules import Form


@dataclass(frozen=True, slots=True)
class Plan:
    """This call may become a task.

    Attributes:
        form: In this form.
        info: What is kept of the client.
        patient: Only when it takes long: questions before that travel in rounds.
        told: Lets the client hear of a run, from before it begins. Returns how to stop that.
        created: Makes the reply once the task is there.
    """

    form: Form
    info: TaskInfo
    patient: bool
    told: Callable[[Tasks, str], Callable[[], None]]
    created: Callable[[Tasks, View], dict[str, Json]]


@dataclass(slots=True)
class Call:
    """One `tools/call` on its way.

    Attributes:
        plan: What was decided, until somebody takes it.
        reply: The created task, in wire form.
    """

    plan: Plan | None = None
    reply: dict[str, Json] | None = None

    def take(self) -> Plan | None:
        """The plan; only the first who asks gets it."""
        plan, self.plan = self.plan, None
        return plan


CALL: Final[ContextVar[Call | None]] = ContextVar("inverted_task_call", default=None)
