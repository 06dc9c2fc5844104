"""Steps: how a journaled side effect is called, retried, timed and named.

A step is at-least-once between "asked" and "answered" and never runs again after that. Its
idempotency key is stable over attempts, crashes and processes, so that the function can hand it to
whatever it calls.
"""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Callable
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

import anyio
import anyio.to_thread
from pydantic_core import to_jsonable_python

from inverted.core.effects import Json
from inverted.core.journal import Failure
from inverted.errors import StepError


@dataclass(frozen=True, slots=True)
class Retry:
    """When a failing step is tried again: exponential backoff.

    Attributes:
        attempts: How often the function is called at most.
        delay: Seconds before the second attempt.
        factor: What the delay is multiplied with after each attempt.
        longest: Upper bound of the delay.
        on: Exception types worth another attempt.
    """

    attempts: int = 1
    delay: float = 0.5
    factor: float = 2.0
    longest: float = 60.0
    on: tuple[type[Exception], ...] = (Exception,)

    def pause(self, attempt: int) -> float:
        """Seconds to wait after this attempt (the first is 1)."""
        try:
            return min(self.delay * self.factor ** (attempt - 1), self.longest)
        except OverflowError:  # from about the thousandth attempt on
            return self.longest


class StepInfo(NamedTuple):
    """What the function of a step may know of itself: see `current_step`."""

    run_id: str
    effect_id: str
    attempt: int

    @property
    def idempotency_key(self) -> str:
        """The same for every attempt of this step, in every process."""
        return f"{self.run_id}:{self.effect_id}"


_current: ContextVar[StepInfo | None] = ContextVar("inverted_step", default=None)


def current_step() -> StepInfo:
    """The step that is running, for its idempotency key and attempt number.

    Raises:
        RuntimeError: No step is running here.
    """
    info = _current.get()
    if info is None:
        raise RuntimeError(
            "current_step() works inside a function that runs as a step: call it from the function "
            "given to run.step(), or from a tool given to run.sample()."
        )
    return info


ONCE: Final = Retry()
"""No second attempt."""


class StepCall(NamedTuple):
    """The local side of a step: what to call and how."""

    fn: Callable[..., Any]
    args: tuple[Any, ...]
    kwargs: dict[str, Any]
    retry: Retry = ONCE
    timeout: float | None = None
    secret: bool = False

    async def attempt(self, info: StepInfo) -> Json:
        """Call the function once.

        Returns:
            Its value as JSON.

        Raises:
            TimeoutError: It took longer than the timeout.
            Exception: Whatever the function raises.
        """
        token = _current.set(info)
        try:
            if self.timeout is None:
                return as_json(await self._call())
            with anyio.move_on_after(self.timeout):
                return as_json(await self._call())
            raise TimeoutError(f"it took longer than its timeout of {self.timeout} seconds")
        except SystemExit as error:
            raise RuntimeError(
                f"it called sys.exit({error.code!r}), which would have ended the whole server; a "
                "step ends by returning or by raising an exception"
            ) from error
        except asyncio.CancelledError as error:
            task = asyncio.current_task()
            if task is None or task.cancelling():
                raise
            # Nobody asked this step to stop: it awaited something that had been cancelled.
            raise RuntimeError("something that it awaited was cancelled") from error
        except RuntimeError as error:
            if "Task got bad yield: <inverted.core.effects." not in str(error):
                raise
            raise RuntimeError(
                "a step cannot await the run: it is outside of the agent, and may run again. Ask "
                "in the agent and hand the answer to the step; or give run.sample() a tool that "
                "takes a Run, which is part of the agent"
            ) from None
        finally:
            _current.reset(token)

    async def _call(self) -> object:
        if inspect.iscoroutinefunction(self.fn):
            return await self.fn(*self.args, **self.kwargs)
        value = await anyio.to_thread.run_sync(
            lambda: self.fn(*self.args, **self.kwargs), abandon_on_cancel=True
        )
        return await value if inspect.isawaitable(value) else value


def as_json(value: Any) -> Json:
    """A value as plain JSON: pydantic models, dataclasses, dates, enums and containers are fine.

    Raises:
        TypeError: It has no JSON form.
    """
    try:
        return to_jsonable_python(value, inf_nan_mode="strings")
    except ValueError as error:  # pydantic's, or of bytes that are no text
        raise TypeError(
            f"the value {type(value).__name__} is not JSON-serialisable ({error}); return JSON "
            "values, "
            "pydantic models or dataclasses"
        ) from error


def step_failure(
    name: str, error: BaseException, attempts: int, *, secret: bool = False
) -> Failure:
    """The failure of a step for the journal. An error may quote what a secret step was given."""
    tried = f" after {attempts} attempts" if attempts > 1 else ""
    detail = str(error) or type(error).__name__
    if secret:
        detail = "its message is kept out of the journal, because the step is secret"
    return Failure.of(
        StepError(
            f"Step {name} failed{tried}: {type(error).__name__}: {detail}",
            {"error_type": type(error).__name__, "detail": detail},
        )
    )
