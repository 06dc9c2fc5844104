"""Agent servers that own the control flow: one function on every protocol era, in every client."""

from importlib.metadata import version

from inverted.core.lifecycle import Status
from inverted.errors import (
    AgentCodeError,
    AgentError,
    ApprovalDenied,
    Cancelled,
    CapabilityError,
    ClientError,
    DeterminismError,
    ForeignAwaitError,
    InvalidAnswerError,
    InvertedError,
    LimitExceeded,
    NoWinner,
    StepError,
)
from inverted.run import (
    AcceptedElicitation,
    CancelledElicitation,
    DeclinedElicitation,
    Run,
    SampleStep,
    SamplingResult,
    SamplingTool,
    Titles,
    Usage,
)
from inverted.runtime import Ladders, Limits, Retry, TaskSettings, current_step
from inverted.server import AgentServer
from inverted.stores import MemoryStore, SQLiteStore

__version__ = version("inverted")

__all__ = [
    "AcceptedElicitation",
    "AgentCodeError",
    "AgentError",
    "AgentServer",
    "ApprovalDenied",
    "Cancelled",
    "CancelledElicitation",
    "CapabilityError",
    "ClientError",
    "DeclinedElicitation",
    "DeterminismError",
    "ForeignAwaitError",
    "InvalidAnswerError",
    "InvertedError",
    "Ladders",
    "LimitExceeded",
    "Limits",
    "MemoryStore",
    "NoWinner",
    "Retry",
    "Run",
    "SQLiteStore",
    "SampleStep",
    "SamplingResult",
    "SamplingTool",
    "Status",
    "StepError",
    "TaskSettings",
    "Titles",
    "Usage",
    "__version__",
    "current_step",
]
