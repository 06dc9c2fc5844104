"""What an author of agents touches: `Run`, its results and its tools."""

from inverted.run.forms import Titles
from inverted.run.results import (
    AcceptedElicitation,
    CancelledElicitation,
    DeclinedElicitation,
    SampleStep,
    SamplingResult,
    Usage,
)
from inverted.run.run import Run
from inverted.run.tools import SamplingTool

__all__ = [
    "AcceptedElicitation",
    "CancelledElicitation",
    "DeclinedElicitation",
    "Run",
    "SampleStep",
    "SamplingResult",
    "SamplingTool",
    "Titles",
    "Usage",
]
