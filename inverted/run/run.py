"""`Run`: everything that an agent's body may await.

The verbs keep the names and signatures of FastMCP 3's `Context`, so that `ctx: Context` becomes
`run: Run` and the rest stays. Each builds effects and holds no state that matters: whatever a verb
decides, it decides from what was answered, so a replay decides the same.
"""

from __future__ import annotations

import contextlib
import functools
import math
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Literal, NoReturn, TypeVar, cast, overload
from uuid import UUID
from weakref import WeakKeyDictionary

from mcp_types import ModelPreferences, Root
from pydantic import PydanticUserError, TypeAdapter
from pydantic_core import from_json, to_json

from inverted.core.effects import Checkpoint, Effect, Fork, Json, Kind, Notice
from inverted.errors import AgentError, ApprovalDenied, InvalidAnswerError
from inverted.run.form_types import as_pydantic_reads
from inverted.run.forms import Form, FormError, form_of
from inverted.run.results import (
    AcceptedElicitation,
    CancelledElicitation,
    DeclinedElicitation,
    SampleStep,
    SamplingResult,
)
from inverted.run.rungs import model_asking, person_asking
from inverted.run.sampling import (
    FINAL,
    Loop,
    Message,
    Request,
    Structured,
    prepare_messages,
    prepare_params,
    sample_step,
)
from inverted.run.signature import is_bare, name_of, returned, validated
from inverted.run.tools import SamplingTool, ServerTool, prepare_tools
from inverted.runtime.ladders import (
    BY_A_PERSON,
    VIA,
    Asking,
    ModelRung,
    OnRefusal,
    PersonRung,
)
from inverted.runtime.ports import RunInfo
from inverted.runtime.steps import ONCE, Retry, StepCall, as_json

T = TypeVar("T")
R = TypeVar("R")
ToolChoice = Literal["auto", "required", "none"]
LogLevel = Literal["debug", "info", "notice", "warning", "error", "critical", "alert", "emergency"]
Tool = SamplingTool | ServerTool | Callable[..., Any]
Elicitation = AcceptedElicitation[T] | DeclinedElicitation | CancelledElicitation

NO_TOOLS: dict[str, SamplingTool] = {}
LONG_ARGUMENT = 2000
"""Longer step arguments are journaled by their size only: they are there for people to read."""


class Run:
    """One execution of an agent.

    Args:
        info: What is known of the run without asking.
        restored: State of the last checkpoint, if there was one.
    """

    __slots__ = ("_info", "_restored")

    def __init__(self, info: RunInfo, restored: Json = None) -> None:
        self._info = info
        self._restored = restored

    @property
    def id(self) -> str:
        """Name of the run; 128 bits of entropy."""
        return self._info.id

    # -- the model --------------------------------------------------------------------------

    @overload
    async def sample(
        self,
        messages: Message | Sequence[Message],
        *,
        system_prompt: str | None = None,
        temperature: float | None = None,
        max_tokens: int | None = None,
        model_preferences: ModelPreferences | str | list[str] | None = None,
        tools: Sequence[Tool] | None = None,
        tool_choice: ToolChoice | None = None,
        result_type: type[T],
        mask_error_details: bool | None = None,
        tool_concurrency: int | None = 0,
        max_turns: int | None = None,
        attempts: int = 3,
        stop_sequences: list[str] | None = None,
        metadata: dict[str, Json] | None = None,
        rungs: Sequence[ModelRung] | None = None,
        on_refusal: OnRefusal | None = None,
    ) -> SamplingResult[T]: ...

    @overload
    async def sample(
        self,
        messages: Message | Sequence[Message],
        *,
        system_prompt: str | None = None,
        temperature: float | None = None,
        max_tokens: int | None = None,
        model_preferences: ModelPreferences | str | list[str] | None = None,
        tools: Sequence[Tool] | None = None,
        tool_choice: ToolChoice | None = None,
        result_type: None = None,
        mask_error_details: bool | None = None,
        tool_concurrency: int | None = 0,
        max_turns: int | None = None,
        attempts: int = 3,
        stop_sequences: list[str] | None = None,
        metadata: dict[str, Json] | None = None,
        rungs: Sequence[ModelRung] | None = None,
        on_refusal: OnRefusal | None = None,
    ) -> SamplingResult[str]: ...

    def sample(
        self,
        messages: Message | Sequence[Message],
        *,
        system_prompt: str | None = None,
        temperature: float | None = None,
        max_tokens: int | None = None,
        model_preferences: ModelPreferences | str | list[str] | None = None,
        tools: Sequence[Tool] | None = None,
        tool_choice: ToolChoice | None = None,
        result_type: type[Any] | None = None,
        mask_error_details: bool | None = None,
        tool_concurrency: int | None = 0,
        max_turns: int | None = None,
        attempts: int = 3,
        stop_sequences: list[str] | None = None,
        metadata: dict[str, Json] | None = None,
        rungs: Sequence[ModelRung] | None = None,
        on_refusal: OnRefusal | None = None,
    ) -> Coroutine[Any, Any, SamplingResult[Any]]:
        """Ask the client's model, serve the tools it calls, and return its answer.

        Args:
            messages: A text, or messages: texts, `SamplingMessage`s, text, image or audio content.
            system_prompt: Instructions for the model.
            temperature: Randomness.
            max_tokens: Most tokens of one answer; 4096 if not given.
            model_preferences: Names of wanted models, or `ModelPreferences`. Hints, not orders.
            tools: Functions that the model may call; each call is a journaled step.
            tool_choice: `auto`, `required` or `none` for all turns but the last.
            result_type: Type of the result; the model's answer is validated against it.
            mask_error_details: Tell the model that a tool failed, not why; the server's setting
                if not given.
            tool_concurrency: How many tool calls of one turn run at once: 0 for all (the default),
                None for one after the other.
            max_turns: Most model turns; the limit `turns` if not given. The last one is asked
                with tool choice `none`.
            attempts: How many structured answers may be invalid before it is an error.
            stop_sequences: Texts that end the answer.
            metadata: Provider-specific parameters, passed on.
            rungs: How a model is asked, the first choice first; as the agent's `Ladders` if not
                given.
            on_refusal: `next` tries the next rung when a model refused or failed, `raise` raises.

        Returns:
            The answer: `.text`, `.result`, `.history`, `.model`, `.stop_reason`, `.usage`,
            `.via`.

        Raises:
            CapabilityError: No rung works here: no sampling, no provider, no relay.
            ClientError: The client refused or failed.
            InvalidAnswerError: The structured answers kept being invalid.
            LimitExceeded: The turns, or a limit of the run, are used up.

        Source: specification, client/sampling (2025-11-25 and 2026-07-28).
        """
        params = prepare_params(
            system_prompt=system_prompt,
            temperature=temperature,
            max_tokens=max_tokens,
            model_preferences=model_preferences,
            stop_sequences=stop_sequences,
            metadata=metadata,
        )
        structured = None if result_type is None or result_type is str else Structured(result_type)
        offered = {tool.name: tool for tool in prepare_tools(tools, Run)}
        if structured is not None and FINAL in offered:
            raise ValueError(
                f"Two tools have the same name: {FINAL}. With a result_type the model gives its "
                "result through a tool of that name: call yours something else."
            )
        request = Request(
            params,
            offered or NO_TOOLS,
            tool_choice,
            self._masks(asked=mask_error_details),
            tool_concurrency,
            model_asking(rungs, on_refusal),
        )
        turns = self._info.limits.turns if max_turns is None else max_turns
        if turns < 1:
            raise ValueError(f"max_turns must be at least 1, not {turns}.")
        loop = Loop(
            self,
            prepare_messages(messages),
            request,
            structured,
            max_turns=turns,
            attempts=attempts,
        )
        return loop.run()

    async def sample_step(
        self,
        messages: Message | Sequence[Message],
        *,
        system_prompt: str | None = None,
        temperature: float | None = None,
        max_tokens: int | None = None,
        model_preferences: ModelPreferences | str | list[str] | None = None,
        tools: Sequence[Tool] | None = None,
        tool_choice: ToolChoice | None = None,
        execute_tools: bool = True,
        mask_error_details: bool | None = None,
        tool_concurrency: int | None = 0,
        stop_sequences: list[str] | None = None,
        metadata: dict[str, Json] | None = None,
        rungs: Sequence[ModelRung] | None = None,
        on_refusal: OnRefusal | None = None,
    ) -> SampleStep:
        """Ask the model for one turn; the loop is yours.

        Args:
            messages: As for `sample`; pass `step.history` to go on.
            system_prompt: Instructions for the model.
            temperature: Randomness.
            max_tokens: Most tokens of the answer; 4096 if not given.
            model_preferences: Names of wanted models, or `ModelPreferences`.
            tools: Functions that the model may call.
            tool_choice: `auto`, `required` or `none`.
            execute_tools: Serve the calls and add their results to the history.
            mask_error_details: Tell the model that a tool failed, not why; the server's setting
                if not given.
            tool_concurrency: As for `sample`.
            stop_sequences: Texts that end the answer.
            metadata: Provider-specific parameters, passed on.
            rungs: As for `sample`.
            on_refusal: As for `sample`.

        Returns:
            The turn: `.response`, `.text`, `.tool_calls`, `.is_tool_use`, `.history`, `.via`.

        Raises:
            CapabilityError: No rung works here: no sampling, no provider, no relay.
            ClientError: The client refused or failed.
            LimitExceeded: A limit of the run is used up.
        """
        params = prepare_params(
            system_prompt=system_prompt,
            temperature=temperature,
            max_tokens=max_tokens,
            model_preferences=model_preferences,
            stop_sequences=stop_sequences,
            metadata=metadata,
        )
        prepared = {tool.name: tool for tool in prepare_tools(tools, Run)}
        request = Request(
            params,
            prepared,
            tool_choice,
            self._masks(asked=mask_error_details),
            tool_concurrency,
            model_asking(rungs, on_refusal),
        )
        return await sample_step(
            self, prepare_messages(messages), request, execute_tools=execute_tools
        )

    # -- the person -------------------------------------------------------------------------

    @overload
    async def elicit(
        self,
        message: str,
        response_type: type[T],
        *,
        response_title: str | None = None,
        response_description: str | None = None,
        attempts: int = 3,
        rungs: Sequence[PersonRung] | None = None,
    ) -> Elicitation[T]: ...

    @overload
    async def elicit(
        self,
        message: str,
        response_type: Any = None,
        *,
        response_title: str | None = None,
        response_description: str | None = None,
        attempts: int = 3,
        rungs: Sequence[PersonRung] | None = None,
    ) -> Elicitation[Any]: ...

    async def elicit(
        self,
        message: str,
        response_type: Any = None,
        *,
        response_title: str | None = None,
        response_description: str | None = None,
        attempts: int = 3,
        rungs: Sequence[PersonRung] | None = None,
    ) -> Elicitation[Any]:
        """Ask the person through a form.

        Args:
            message: Why the answer is needed.
            response_type: Type of the answer: `str`, `int`, `float`, `bool`, `Literal`, an enum, a
                list of these for several choices, a flat model or dataclass, or FastMCP's
                shorthands (`["low", "high"]`, `{"low": {"title": "Low"}}`). None for a mere
                acceptance.
            response_title: Label of the field, for types without fields of their own.
            response_description: Description of that field.
            attempts: How many answers may break the schema before it is an error.
            rungs: How the person is asked, the first choice first; as the agent's `Ladders` if not
                given. With `relay` among them a model may answer.

        Returns:
            `AcceptedElicitation` with typed `.data`, `DeclinedElicitation` or
            `CancelledElicitation`; `.via` names the rung.

        Raises:
            TypeError: The protocol's forms cannot express the type.
            CapabilityError: No rung works here: no form, no card, no page.
            ClientError: The client failed.
            InvalidAnswerError: The answers kept breaking the schema.

        Source: specification, client/elicitation, form mode.
        """
        form: Form[Any] = form_of(
            response_type, title=response_title, description=response_description
        )
        return await _elicited(form, message, attempts, person_asking(rungs))

    async def elicit_url(self, message: str, url: str) -> Elicitation[None]:
        """Send the person to a page, for what must not pass through the client.

        An acceptance means that the person agreed to open the page, not that they finished there.

        Args:
            message: Why.
            url: The page. It must not carry secrets, nor be authenticated by itself.

        Returns:
            `AcceptedElicitation` without data, `DeclinedElicitation` or `CancelledElicitation`.

        Raises:
            CapabilityError: The client has no URL elicitation.
            ClientError: The client failed.

        Source: specification, client/elicitation, URL mode.
        """
        answer = await Effect(Kind.ELICIT, {"mode": "url", "message": message, "url": url})
        return AcceptedElicitation(None) if answer["action"] == "accept" else _not_accepted(answer)

    async def approve(
        self, action: str, details: str | None = None, *, rungs: Sequence[PersonRung] | None = None
    ) -> None:
        """Go on only if a person says yes. Everything else stops here.

        Only rungs count on which a person must have answered: `Ladders.approval`. The answer of a
        model never does.

        Args:
            action: What shall be done, as a question.
            details: What the person should know to decide.
            rungs: Accept only these rungs, in this order; as the agent's `Ladders` if not given.

        Raises:
            ApprovalDenied: No, declined, cancelled, an invalid answer, or nobody can be asked.
        """
        message = action if details is None else f"{action}\n\n{details}"
        form: Form[Any] = form_of(bool, title="Approve", description=None)
        asking = person_asking(rungs, approval=True)
        try:
            answer = await _elicited(form, message, 1, asking)
        except AgentError as error:
            raise ApprovalDenied(
                f"Not approved: {action!r}. Nobody could be asked: {error}"
            ) from error
        if answer.data is not True or answer.via not in BY_A_PERSON:
            raise ApprovalDenied(f"Not approved: {action!r} (answer: {answer.action}).")

    async def list_roots(self) -> list[Root]:
        """The directories that the client opened for this server.

        Raises:
            CapabilityError: The client has no roots.
            ClientError: The client failed.

        Source: specification, client/roots.
        """
        answer = await Effect(Kind.ROOTS, {})
        return [Root.model_validate(root) for root in answer["roots"]]

    # -- this server ------------------------------------------------------------------------

    async def step(
        self,
        fn: Callable[..., Awaitable[T]] | Callable[..., T],
        /,
        *args: Any,
        retry: Retry | int | None = None,
        timeout: float | None = None,  # noqa: ASYNC109 - enforced around the function, not around us
        secret: bool = False,
        **kwargs: Any,
    ) -> T:
        """Do something outside of the agent, once.

        The function runs at least once, and never again after its result is journaled. Inside it,
        `current_step().idempotency_key` names the step.

        Args:
            fn: A sync function (run in a thread) or an async one.
            args: Its arguments.
            retry: How often to try, or a `Retry` with backoff. One attempt if not given.
            timeout: Seconds for one attempt.
            secret: Keep the arguments out of the journal, and the result encrypted in it.
            kwargs: More arguments.

        Returns:
            The function's value, as its return annotation says; it went through JSON.

        Raises:
            TypeError: The function's return annotation has no JSON form; it was not called.
            StepError: The function failed for good. Live and on replay alike.
        """
        # First: a function whose value cannot be read back must not run.
        adapter = _return_adapter(fn)
        if not callable(fn):
            raise TypeError(
                f"run.step() takes a function and its arguments, not a {type(fn).__name__}. Write "
                "`run.step(function, argument)`, not `run.step(function(argument))`."
            )
        if isinstance(retry, int):
            retry = Retry(attempts=retry)
        question: dict[str, Json] = {"name": name_of(fn)}
        if secret:
            question["secret"] = True
        else:
            shown = _shown(args, kwargs)
            if shown:
                question["args"] = shown
        value = await Effect(
            Kind.STEP, question, StepCall(fn, args, kwargs, retry or ONCE, timeout, secret)
        )
        return value if adapter is None else validated(adapter, value)

    async def call_tool(
        self, name: str, fn: Callable[..., Any], arguments: dict[str, Any]
    ) -> list[Json]:
        """Serve one tool call of the model as a step. The loop of `sample` uses it."""
        question: dict[str, Json] = {"name": name, "tool": True}
        shown = _shown((), arguments)
        if shown:
            question["args"] = shown
        return await Effect(Kind.STEP, question, StepCall(fn, (), arguments))

    async def sleep(self, seconds: float) -> None:
        """Pause. The run may be parked meanwhile, and continue in another process."""
        if seconds > 0:
            await Effect(Kind.SLEEP, {"seconds": float(seconds)})

    async def now(self) -> datetime:
        """The time, in UTC; the same on replay."""
        return datetime.fromtimestamp(await Effect(Kind.VALUE, {"of": "now"}), UTC)

    async def uuid(self) -> UUID:
        """A new random UUID; the same on replay."""
        return UUID(await Effect(Kind.VALUE, {"of": "uuid"}))

    async def random(self) -> float:
        """A random number in [0, 1), not for secrets; the same on replay."""
        return await Effect(Kind.VALUE, {"of": "random"})

    # -- structure --------------------------------------------------------------------------

    @overload
    async def gather(
        self, *awaitables: Awaitable[T], return_exceptions: Literal[False] = False
    ) -> list[T]: ...

    @overload
    async def gather(
        self, *awaitables: Awaitable[T], return_exceptions: bool
    ) -> list[T | Exception]: ...

    async def gather(self, *awaitables: Awaitable[Any], return_exceptions: bool = False) -> Any:
        """Run branches side by side; their questions travel together.

        Args:
            awaitables: Verbs of this run, or coroutines that await them.
            return_exceptions: Return failures in place of results, instead of failing fast.

        Returns:
            The results, in the order of the arguments.

        Raises:
            Exception: The first failure in the order of delivery, after the other branches were
                cancelled and have cleaned up.
        """
        return await _fork(awaitables, "collect" if return_exceptions else "gather")

    async def race(self, *awaitables: Awaitable[T]) -> T:
        """Run branches side by side and take the first that ends, with a result or a failure.

        The others are cancelled, and have cleaned up when this returns.

        Raises:
            ValueError: There is nothing to race.
            Exception: The first branch that ended, failed.
        """
        if not awaitables:
            raise ValueError("run.race() needs at least one branch.")
        return await _fork(awaitables, "race")

    async def map(
        self, fn: Callable[[T], Awaitable[R]], items: Iterable[T], *, limit: int | None = None
    ) -> list[R]:
        """Run one branch for each item.

        Args:
            fn: Makes the branch of an item.
            items: The items. Their order must not differ between executions: sort sets.
            limit: How many branches run at once; None for all.

        Returns:
            The results, in the order of the items.

        Raises:
            ValueError: The limit is not positive.
            Exception: As `gather`.
        """
        if limit is not None and limit < 1:
            raise ValueError(f"limit must be at least 1, not {limit}.")
        return await Fork([functools.partial(fn, item) for item in items], "gather", limit)

    async def checkpoint(self, state: Any) -> NoReturn:
        """Start the body again from the top, with this state and a fresh journal.

        For long loops, so that replay stays short. The body reads the state with `restored` and
        must not keep anything else. Only the body itself may take a checkpoint, not a branch.

        Args:
            state: What to go on from; JSON, a pydantic model or a dataclass.

        Raises:
            AgentCodeError: It was awaited in a branch, or inside a cleanup that awaits.
        """
        await Checkpoint({"state": as_json(state)})
        raise AssertionError("unreachable: the machine starts the body again")  # pragma: no cover

    def restored(self, state_type: type[T], default: T) -> T:
        """The state of the last checkpoint.

        Args:
            state_type: Type of the state.
            default: State of a run that took no checkpoint yet.
        """
        if self._restored is None:
            return default
        return validated(TypeAdapter(state_type), self._restored["state"])

    # -- one-way ----------------------------------------------------------------------------

    async def report_progress(
        self, progress: float, total: float | None = None, message: str | None = None
    ) -> None:
        """Tell the client how far the run is. Not journaled, not repeated on replay."""
        await Notice({"type": "progress", "progress": progress, "total": total, "message": message})

    async def log(
        self,
        message: str,
        level: LogLevel = "info",
        logger_name: str | None = None,
        extra: Mapping[str, Json] | None = None,
    ) -> None:
        """Send a log message to the client. Not journaled, not repeated on replay.

        Args:
            message: The message.
            level: One of the protocol's eight levels.
            logger_name: Who says it.
            extra: More data, as JSON.
        """
        extra = None if extra is None else dict(extra)
        await Notice(
            {
                "type": "log",
                "level": level,
                "message": message,
                "logger": logger_name,
                "extra": extra,
            }
        )

    async def debug(
        self, message: str, logger_name: str | None = None, extra: Mapping[str, Json] | None = None
    ) -> None:
        """`log` at level debug."""
        await self.log(message, "debug", logger_name, extra)

    async def info(
        self, message: str, logger_name: str | None = None, extra: Mapping[str, Json] | None = None
    ) -> None:
        """`log` at level info."""
        await self.log(message, "info", logger_name, extra)

    async def warning(
        self, message: str, logger_name: str | None = None, extra: Mapping[str, Json] | None = None
    ) -> None:
        """`log` at level warning."""
        await self.log(message, "warning", logger_name, extra)

    async def error(
        self, message: str, logger_name: str | None = None, extra: Mapping[str, Json] | None = None
    ) -> None:
        """`log` at level error."""
        await self.log(message, "error", logger_name, extra)

    def _masks(self, *, asked: bool | None) -> bool:
        return self._info.mask_error_details if asked is None else asked


async def _fork(
    awaitables: Sequence[Awaitable[Any]], mode: Literal["gather", "collect", "race"]
) -> Any:
    for each in awaitables:
        if not hasattr(each, "__await__"):
            raise TypeError(
                f"A branch is something to await, not a {type(each).__name__}. Pass the branches "
                "one by one: `run.gather(first, second)`, or `run.gather(*branches)`."
            )
    try:
        return await Fork([functools.partial(_given, each) for each in awaitables], mode)
    finally:
        # A branch that was cancelled before it started leaves its coroutine unused.
        for each in awaitables:
            close = getattr(each, "close", None)
            if close is not None:
                close()


def _given(awaitable: Awaitable[T]) -> Awaitable[T]:
    return awaitable


async def _elicited(
    form: Form[Any], message: str, attempts: int, asking: Asking | None
) -> Elicitation[Any]:
    """Ask with a form until the answer fits it."""
    text = message
    for _ in range(attempts):
        question = {"mode": "form", "message": text, "requestedSchema": form.schema}
        answer = await Effect(Kind.ELICIT, question, asking)
        if answer["action"] != "accept":
            return _not_accepted(answer)
        try:
            return AcceptedElicitation(form.read(answer.get("content")), via=_via(answer))
        except FormError as error:
            text = f"{message}\n\nThe last answer was not accepted: {error}"
    raise InvalidAnswerError(
        f"{attempts} answers to {message!r} broke the requested schema. The client does not "
        "validate its form; ask for a simpler type, or allow more attempts."
    )


def _not_accepted(answer: dict[str, Json]) -> DeclinedElicitation | CancelledElicitation:
    declined = answer["action"] == "decline"
    return (DeclinedElicitation if declined else CancelledElicitation)(via=_via(answer))


def _via(answer: dict[str, Json]) -> PersonRung:
    return answer.get(VIA, "form")


def _shown(args: tuple[Any, ...], kwargs: dict[str, Any]) -> list[Json]:
    """A step's arguments as the journal shows them; long ones are cut, odd ones are named."""
    shown = [_brief(arg) for arg in args]
    if kwargs:
        shown += [{name: _brief(arg)} for name, arg in kwargs.items()]
    return shown


def _brief(value: Any) -> Json:
    if value is None or isinstance(value, bool | int):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else str(value)
    if isinstance(value, str):
        return value if len(value) <= LONG_ARGUMENT else {"long": len(value), "starts": value[:80]}
    if isinstance(value, set | frozenset):
        # The order of a set differs between processes.
        value = sorted(cast("set[Any]", value), key=repr)
    try:
        text = to_json(as_json(value), inf_nan_mode="strings")
    except (TypeError, ValueError):  # no JSON, or half a surrogate pair in it
        return {"type": type(value).__name__}
    if len(text) > LONG_ARGUMENT:
        return {"type": type(value).__name__, "long": len(text)}
    return from_json(text)


_adapters: WeakKeyDictionary[Callable[..., Any], TypeAdapter[Any] | None] = WeakKeyDictionary()


def _return_adapter(fn: Callable[..., Any]) -> TypeAdapter[Any] | None:
    plain = getattr(fn, "__func__", fn)  # a bound method is a new object each time
    try:
        return _adapters[plain]
    except (KeyError, TypeError):
        adapter = _adapter_of(fn, returned(fn))
    with contextlib.suppress(TypeError):
        _adapters[plain] = adapter
    return adapter


def _adapter_of(fn: Callable[..., Any], annotation: Any) -> TypeAdapter[Any] | None:
    if is_bare(annotation) or annotation is type(None):
        return None
    try:
        return TypeAdapter(as_pydantic_reads(annotation))
    except PydanticUserError as error:
        raise TypeError(
            f"{name_of(fn)}() cannot be a step, because its return type {annotation!r} has no JSON "
            "form. Let it return JSON values, pydantic models or dataclasses, and say so. "
            f"({error.message})"
        ) from error


__all__ = ["Elicitation", "Run"]
