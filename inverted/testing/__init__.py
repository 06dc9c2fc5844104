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
from inverted.testing.clock import VirtualClock
from inverted.testing.connection import Call, Connection, Heard
from inverted.testing.conversation import Follow
from inverted.testing.crash import Crash, CrashingStore
from inverted.testing.every import Way, always_replay, always_task
from inverted.testing.golden import GoldenError, check_golden, record_golden
from inverted.testing.host import Outcome, ScriptedHost
from inverted.testing.profiles import PROFILES, profile, visible
from inverted.testing.routing import Routed, RoutingScore, score_routing
from inverted.testing.script import Question
from inverted.testing.serving import serve_http
from inverted.testing.strict import ProtocolBreach

__all__ = [
    "PROFILES",
    "Call",
    "Connection",
    "Crash",
    "CrashingStore",
    "Follow",
    "GoldenError",
    "Heard",
    "ModelAnswer",
    "Outcome",
    "PersonAnswer",
    "ProtocolBreach",
    "Question",
    "Routed",
    "RoutingScore",
    "ScriptError",
    "ScriptedHost",
    "VirtualClock",
    "Way",
    "accept",
    "always_replay",
    "always_task",
    "cancel",
    "check_golden",
    "decline",
    "final",
    "profile",
    "record_golden",
    "score_routing",
    "serve_http",
    "text",
    "tool_calls",
    "visible",
]
