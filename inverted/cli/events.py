"""What happens during a run, as values: the one language between a run and those who watch it.

`conversation` and `session` emit them; `view` shows them, `transcript` counts and keeps them.
Nobody who watches can change a run.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

# Requests and answers in wire form: JSON objects whose shape the protocol defines.
Wire = Mapping[str, Any]

QuestionKind = Literal["model", "person", "roots"]


@dataclass(frozen=True)
class Connected:
    """The handshake is done and the run is about to start.

    Attributes:
        server: The server's name, and its version when it told one.
        version: The server's version; empty when it told none.
        era: The protocol version that was negotiated.
        transport: stdio, HTTP or SSE.
        agent: The tool that is called; empty when the host came back to a task.
        model: Who answers as the model.
        model_note: Why that one, when the person did not say it; may be empty.
        run_key: The name of the run, for --resume.
        resumed: Whether the key was given by the person.
        task: The task that the host came back to; empty for a call.
    """

    server: str
    version: str
    era: str
    transport: str
    agent: str
    model: str
    model_note: str
    run_key: str
    resumed: bool
    task: str = ""


@dataclass(frozen=True)
class TaskChanged:
    """The run is a task of the protocol, and this is where it stands now.

    Attributes:
        id: The task's id.
        status: Its status, in the protocol's words.
        message: What the server says about it; may be empty.
    """

    id: str
    status: str
    message: str


@dataclass(frozen=True)
class RoundStarted:
    """The server ended a leg with questions (2026-07-28 only)."""

    number: int
    questions: int


@dataclass(frozen=True)
class Asked:
    """The server asked something.

    Attributes:
        id: Counts the questions of this run, from 1.
        kind: Who is asked.
        request: The request's params, in wire form.
        at: Monotonic seconds.
    """

    id: int
    kind: QuestionKind
    request: Wire
    at: float


@dataclass(frozen=True)
class Answered:
    """A question was answered, or could not be.

    Attributes:
        id: Which question.
        at: Monotonic seconds.
        response: The result in wire form; None when it failed.
        error: Why it failed.
        note: Who answered or what was decided, in words (`by --yes`); may be empty.
        summary: A person's answer as a person reads it; empty for other questions.
        typed: Whether the person typed the answer here and so has it before their eyes.
    """

    id: int
    at: float
    response: Wire | None = None
    error: str | None = None
    note: str = ""
    summary: str = ""
    typed: bool = False


@dataclass(frozen=True)
class Progress:
    """The server reported progress on the call."""

    progress: float
    total: float | None
    message: str | None


@dataclass(frozen=True)
class Logged:
    """A line for the person: from the server's log, its stderr, or this host.

    Attributes:
        source: Where it comes from.
        level: An MCP log level.
        text: The line.
    """

    source: Literal["log", "stderr", "host"]
    level: str
    text: str


Event = Connected | TaskChanged | RoundStarted | Asked | Answered | Progress | Logged
Watcher = Callable[[Event], None]
