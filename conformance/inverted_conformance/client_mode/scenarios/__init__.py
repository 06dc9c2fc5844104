"""The scenarios for clients."""

from inverted_conformance.client_mode.registry import CLIENT
from inverted_conformance.client_mode.scenarios import (
    cancelled,
    cancelling,
    elicitation,
    every_request,
    handshake,
    over_stdio,
    own_tasks,
    own_tasks_odd,
    pages,
    progress,
    result_types,
    rounds,
    sampling,
    sampling_tools,
    tasks,
    tasks_2025,
)

__all__ = [
    "CLIENT",
    "cancelled",
    "cancelling",
    "elicitation",
    "every_request",
    "handshake",
    "over_stdio",
    "own_tasks",
    "own_tasks_odd",
    "pages",
    "progress",
    "result_types",
    "rounds",
    "sampling",
    "sampling_tools",
    "tasks",
    "tasks_2025",
]
