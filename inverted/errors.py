"""Every error that this framework raises, in one tree.

    Exception
    └── InvertedError
        ├── AgentError                  raised at an `await` of the agent's body; journaled
        │   ├── StepError               a step's function raised, timed out or was interrupted
        │   ├── CapabilityError         this client cannot answer this kind of question
        │   ├── ClientError             the client refused a question or answered with an error
        │   ├── InvalidAnswerError      the answers kept breaking the schema that was asked for
        │   ├── ApprovalDenied          a person did not say yes
        │   └── LimitExceeded           the run used up one of its limits
        │       └── NoWinner            a vote used up its draws, and no answer was far enough ahead
        ├── AgentCodeError              the agent's body breaks a rule of the framework
        │   ├── ForeignAwaitError       it awaited something that is not an effect of its run
        │   └── DeterminismError        it asks something else than the journal recorded
        ├── RunError                    a request about a run cannot be served
        │   ├── RunNotFound             unknown, expired, or owned by somebody else
        │   ├── AnswerError             an answer has the wrong shape for its question
        │   │   └── FormError           (in inverted.run) a form's answer breaks its schema
        │   ├── RunBusy                 another process is working on the run
        │   └── ClientGone              the client went away while it was asked
        ├── JournalError                stored entries cannot be read
        │   └── JournalVersionError     they were written by a newer format
        └── StoreError                  the store failed
            ├── StoreConflict           another writer moved the run on
            ├── StoreFull               no space left
            └── StoreLocked             another process kept the store locked
    BaseException
    └── Cancelled                       thrown at a branch's `await` when the branch is cancelled

An `AgentError` crosses the journal by name, message and data, so that a replayed run raises
exactly what the live one raised.
"""

from __future__ import annotations

from typing import Any


class InvertedError(Exception):
    """Base of every error of this framework."""


class AgentError(InvertedError):
    """An effect failed. Raised at the `await` of the agent's body, live and on replay alike.

    Args:
        message: What happened, why, and what to do next.
        data: JSON detail that is journaled with the error.
    """

    def __init__(self, message: str, data: dict[str, Any] | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.data: dict[str, Any] = data or {}


class StepError(AgentError):
    """The function of a step failed for good: it raised, timed out, or ran out of retries."""

    @property
    def error_type(self) -> str:
        """Name of the exception type that the function raised."""
        return str(self.data.get("error_type", "Exception"))


class CapabilityError(AgentError):
    """The connected client did not declare the capability that this question needs."""


class ClientError(AgentError):
    """The client answered a question with an error, for example a refused sampling request."""


class InvalidAnswerError(AgentError):
    """The client or its model kept answering outside the requested schema."""


class ApprovalDenied(AgentError):
    """A person did not approve: a no, a decline, a cancel, or a client that cannot ask."""


class LimitExceeded(AgentError):
    """The run reached one of its limits (`Limits`)."""


class NoWinner(LimitExceeded):
    """A vote used up its draws, and no answer was far enough ahead."""


class AgentCodeError(InvertedError):
    """The agent's body breaks a rule of the framework. The fix is in the author's code."""


class ForeignAwaitError(AgentCodeError):
    """The body awaited something that is not an effect of its run."""


class DeterminismError(AgentCodeError):
    """On replay the body asked something else than the journal recorded."""


class RunError(InvertedError):
    """A request about a run cannot be served."""


class RunNotFound(RunError):
    """No run of that name exists for this caller."""


class AnswerError(RunError):
    """An answer has the wrong shape for its question. Nothing was journaled."""


class RunBusy(RunError):
    """Another process works on the run and did not finish in time."""


class ClientGone(RunError):
    """The client went away while it was asked. The run waits where it was."""


class JournalError(InvertedError):
    """Stored entries cannot be read."""


class JournalVersionError(JournalError):
    """Stored entries were written in a newer format than this version reads."""


class StoreError(InvertedError):
    """The store failed. What was acknowledged before is still there."""


class StoreConflict(StoreError):
    """Another writer moved the run on; this copy of it is out of date."""


class StoreFull(StoreError):
    """The store has no space left."""


class StoreLocked(StoreError):
    """Another process kept the store locked for too long."""


class Cancelled(BaseException):
    """Thrown at the `await` of a cancelled branch.

    It derives from `BaseException`, as `asyncio.CancelledError` does, so that `except Exception`
    does not swallow it. Cleanup may await effects and should re-raise it.
    """


AGENT_ERRORS: dict[str, type[AgentError]] = {
    kind.__name__: kind
    for kind in (
        AgentError,
        StepError,
        CapabilityError,
        ClientError,
        InvalidAnswerError,
        ApprovalDenied,
        LimitExceeded,
        NoWinner,
    )
}
"""The errors that cross the journal, by the name that the journal stores."""
