"""The public testing kit: run agents on every carrier without a model, and crash them anywhere."""

from inverted.testing.answers import (
    ModelAnswer,
    PersonAnswer,
    ScriptError,
    accept,
    cancel,
    decline,
    final,
    text,
    tool_calls,
)
from inverted.testing.host import Call, Connection, Outcome, ScriptedHost
from inverted.testing.script import Question
from inverted.testing.serving import serve_http
from inverted.testing.strict import ProtocolBreach

__all__ = [
    "Call",
    "Connection",
    "ModelAnswer",
    "Outcome",
    "PersonAnswer",
    "ProtocolBreach",
    "Question",
    "ScriptError",
    "ScriptedHost",
    "accept",
    "cancel",
    "decline",
    "final",
    "serve_http",
    "text",
    "tool_calls",
]
