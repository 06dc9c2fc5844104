"""A host application without a model: it calls an agent and answers from a script.

It is the SDK's client session over real transports, on any era, so a test sees what a client sees:

    host = ScriptedHost(model=["a plan", final({"severity": "high"})], person=[True])
    outcome = await host.run(server, "triage", {"report": "boom"})
    assert outcome.result == "filed"

It is strict: a question that the protocol forbids fails the test (`ProtocolBreach`), and so does a
question that the script has no answer for (`ScriptError`).
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Final, Literal, TypeVar

import anyio
from fastmcp.client.transports.base import TransportOptions
from mcp import ClientSession, MCPError
from mcp.client.session import ClientRequestContext
from mcp_types import (
    CONNECTION_CLOSED,
    CallToolResult,
    ClientCapabilities,
    ContentBlock,
    CreateMessageRequestParams,
    CreateMessageResultWithTools,
    ElicitRequestParams,
    ElicitResult,
    ErrorData,
    Implementation,
    InitializedNotification,
    InitializeRequest,
    InitializeRequestParams,
    InitializeResult,
    InputRequest,
    InputRequiredResult,
    InputResponses,
    ListRootsResult,
    LoggingMessageNotificationParams,
    TextContent,
)
from mcp_types.version import MODERN_PROTOCOL_VERSIONS
from pydantic import BaseModel

from inverted.server.tool import RUN_KEY
from inverted.testing.answers import ScriptError, Wire
from inverted.testing.script import Kind, Model, Person, Question, Roots, Script
from inverted.testing.serving import Target, Transport, reach
from inverted.testing.strict import Declared, ProtocolBreach

R = TypeVar("R", bound=BaseModel)
Era = Literal["2026-07-28", "2025-11-25", "2025-06-18"]
Reply = CallToolResult | InputRequiredResult

_ABOUT: Final = Implementation(name="inverted.testing", version="1")


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one call of an agent.

    Attributes:
        result: The structured result, unwrapped; the text for an agent without one, and for an
            error.
        is_error: Whether the agent failed.
        content: The content blocks of the result.
        questions: Everything the server asked, in the order the host heard of it, with answers.
        progress: Progress notifications: progress, total, message.
        logs: Log messages: level, text.
        rounds: How often the call ended with questions; 0 where they came over the back-channel.
    """

    result: Any
    is_error: bool
    content: list[ContentBlock]
    questions: list[Question]
    progress: list[tuple[float, float | None, str | None]]
    logs: list[tuple[str, str]]
    rounds: int


class ScriptedHost:
    """A host whose model and person follow a script.

    Args:
        model: The model: a function from the params of `sampling/createMessage` to an answer, or a
            list of answers to be used in order. An answer is a text, a dict or pydantic model (the
            structured result), `text()`, `tool_calls()`, `final()`, a `CreateMessageResult`, or an
            exception, which refuses the question.
        person: The person: a function from the params of `elicitation/create`, or a list. An answer
            is the value of the only field, a dict of all fields, `accept()`, `decline()` (or
            `"decline"`), `cancel()` (or `"cancel"`), an `ElicitResult`, or an exception.
        roots: Directories or URIs for `roots/list`.
        capabilities: What to declare; what the script can answer if not given.
        era: The protocol revision to speak.
        transport: How to reach a server object: over memory, over stdio's lines, or over HTTP.
        headers: HTTP headers of every request, for servers with authentication.
        max_rounds: How many rounds of questions are answered. Real clients stop after 10 unless
            told otherwise.
        timeout: Seconds after which a run is given up, whatever happens.
    """

    def __init__(
        self,
        *,
        model: Model | None = None,
        person: Person | None = None,
        roots: Roots | None = None,
        capabilities: ClientCapabilities | Wire | None = None,
        era: Era = "2026-07-28",
        transport: Transport = "memory",
        headers: dict[str, str] | None = None,
        max_rounds: int = 100,
        timeout: float = 30.0,
    ) -> None:
        if capabilities is None:
            capabilities = _implied(model, person, roots, era)
        elif not isinstance(capabilities, ClientCapabilities):
            capabilities = ClientCapabilities.model_validate(capabilities)
        self.era: Era = era
        self.transport: Transport = transport
        self.timeout = timeout
        self.max_rounds = max_rounds
        self._headers = headers
        self._declared = Declared(capabilities, era)
        self._script = Script(model, person, roots, self._declared)

    @property
    def questions(self) -> list[Question]:
        """Everything that this host was asked so far, over all its runs."""
        return self._script.questions

    async def run(
        self,
        server: Target,
        agent: str,
        arguments: Mapping[str, Any] | None = None,
        *,
        run_key: str | None = None,
        restart: Callable[[], Target] | None = None,
    ) -> Outcome:
        """Call an agent and answer its questions until it has a result.

        Args:
            server: The server: an object, a URL, the path of a Python file, or a command.
            agent: Name of the agent.
            arguments: Its arguments.
            run_key: The client's name for the run: calling again with it continues the run.
            restart: Starts the server anew when it dies during the call; the request that was
                under way is sent again, byte for byte. Without it the error is raised.

        Returns:
            The outcome. A failed agent is an outcome too.

        Raises:
            MCPError: The server answered with a JSON-RPC error; or the host refused a question on
                2026-07-28, which ends a call at the client.
            ProtocolBreach: The server asked something that the protocol forbids.
            ScriptError: The script has no answer for a question.
            TimeoutError: It took too long.
        """
        seen = len(self.questions)
        call = Call(agent, dict(arguments or {}), run_key)
        rounds = 0
        with anyio.fail_after(self.timeout):
            while True:
                try:
                    async with self.connect(server) as connection:
                        while True:
                            reply = await connection.send(call)
                            if isinstance(reply, CallToolResult):
                                break
                            rounds += 1
                            if rounds > self.max_rounds:
                                raise ScriptError(
                                    f"The server went on asking after {self.max_rounds} rounds. Set "
                                    "max_rounds if that is right."
                                )
                            call = await connection.answered(call, reply)
                    break
                except BaseException as error:
                    self._raise_problem()
                    if restart is None or not _is_lost(error):
                        raise _plain(error) from None
                    server = restart()
        self._raise_problem()
        return Outcome(
            _unwrapped(reply),
            bool(reply.is_error),
            reply.content,
            self.questions[seen:],
            call.progress,
            call.logs,
            rounds,
        )

    @asynccontextmanager
    async def connect(self, server: Target) -> AsyncGenerator[Connection]:
        """Hold a connection, for tests that send single requests.

        Args:
            server: As for `run`.

        Raises:
            MCPError: The server speaks another revision.
        """
        capabilities = self._declared.capabilities

        class Declaring(ClientSession):
            """Declares what the host wants. The SDK derives it from the callbacks alone."""

            def _build_capabilities(self, version: str) -> ClientCapabilities:  # noqa: ARG002
                return capabilities

        logs: list[tuple[str, str]] = []

        async def log(params: LoggingMessageNotificationParams) -> None:
            data = params.data
            logs.append(
                (params.level, str(data.get("msg", data) if isinstance(data, dict) else data))
            )

        async with (
            reach(server, self.transport, self._headers) as way,
            way.connect_session(
                transport_options=TransportOptions(session_class=Declaring),
                sampling_callback=self._sample,
                elicitation_callback=self._elicit,
                list_roots_callback=self._list_roots,
                logging_callback=log,
                log_level="debug",
                client_info=_ABOUT,
            ) as session,
        ):
            await self._negotiate(session)
            yield Connection(self._script, session, logs)

    async def _negotiate(self, session: ClientSession) -> None:
        if self.era in MODERN_PROTOCOL_VERSIONS:
            await session.discover()
        else:
            request = InitializeRequest(
                params=InitializeRequestParams(
                    protocol_version=self.era,
                    capabilities=self._declared.capabilities,
                    client_info=_ABOUT,
                )
            )
            session.adopt(await session.send_request(request, InitializeResult))
            await session.send_notification(InitializedNotification())
        if session.protocol_version != self.era:
            raise RuntimeError(
                f"The server negotiated {session.protocol_version}, this host speaks {self.era}."
            )

    async def _sample(
        self, context: ClientRequestContext, params: CreateMessageRequestParams
    ) -> CreateMessageResultWithTools | ErrorData:
        return await self._ask("sample", params, CreateMessageResultWithTools)

    async def _elicit(
        self, context: ClientRequestContext, params: ElicitRequestParams
    ) -> ElicitResult | ErrorData:
        return await self._ask("elicit", params, ElicitResult)

    async def _list_roots(self, context: ClientRequestContext) -> ListRootsResult | ErrorData:
        return await self._ask("roots", None, ListRootsResult)

    async def _ask(self, kind: Kind, params: BaseModel | None, result: type[R]) -> R | ErrorData:
        wire = {} if params is None else _wire(params)
        wire.pop("_meta", None)
        found = await self._script.answer(kind, wire)
        return (
            found if isinstance(found, ErrorData) else result.model_validate(found, by_name=False)
        )

    def _raise_problem(self) -> None:
        """Raise what went wrong in the script, once."""
        problems = self._script.problems
        if problems:
            first = problems[0]
            problems.clear()
            raise first


@dataclass(frozen=True, slots=True)
class Call:
    """One `tools/call` request, and what was heard while it was under way.

    Attributes:
        agent: Name of the agent.
        arguments: Its arguments.
        run_key: The client's name for the run.
        answers: Answers to the questions of the last reply, by key (2026-07-28).
        state: The `requestState` of the last reply (2026-07-28).
        progress: Progress notifications.
        logs: Log messages.
    """

    agent: str
    arguments: dict[str, Any]
    run_key: str | None = None
    answers: InputResponses | None = None
    state: str | None = None
    progress: list[tuple[float, float | None, str | None]] = field(
        default_factory=list[tuple[float, float | None, str | None]]
    )
    logs: list[tuple[str, str]] = field(default_factory=list[tuple[str, str]])


class Connection:
    """A connection of a scripted host, one request at a time. Made by `ScriptedHost.connect`.

    Attributes:
        session: The SDK's client session, for everything that is no agent call.
    """

    def __init__(self, script: Script, session: ClientSession, logs: list[tuple[str, str]]) -> None:
        self._script = script
        self._logs = logs
        self.session = session

    async def send(self, call: Call) -> Reply:
        """Send one request.

        Returns:
            The result, or on 2026-07-28 the questions of the next round.

        Raises:
            MCPError: The server answered with a JSON-RPC error, or is gone.
        """

        async def on_progress(progress: float, total: float | None, message: str | None) -> None:
            call.progress.append((progress, total, message))

        heard = len(self._logs)
        try:
            return await self.session.call_tool(
                call.agent,
                call.arguments,
                progress_callback=on_progress,
                input_responses=call.answers,
                request_state=call.state,
                meta=None if call.run_key is None else {RUN_KEY: call.run_key},
                allow_input_required=True,
            )
        finally:
            call.logs.extend(self._logs[heard:])

    async def answered(self, call: Call, reply: InputRequiredResult) -> Call:
        """The request of the next round, with the script's answers.

        Args:
            call: The request that was sent.
            reply: Its reply.

        Raises:
            MCPError: The script refused a question. There is no way to tell the server.
        """
        answers: InputResponses = {}
        for key, request in (reply.input_requests or {}).items():
            answers[key] = await self.answer(key, request)
        return Call(
            call.agent,
            call.arguments,
            call.run_key,
            answers,
            reply.request_state,
            call.progress,
            call.logs,
        )

    async def answer(self, key: str, request: InputRequest) -> Any:
        """The script's answer to one question of a round.

        Raises:
            MCPError: The script refused it.
        """
        context = ClientRequestContext(session=self.session, request_id=key)
        found = await self.session.dispatch_input_request(context, request)
        if isinstance(found, ErrorData):
            raise MCPError.from_error_data(found)
        return found


def _implied(
    model: Model | None, person: Person | None, roots: Roots | None, era: Era
) -> ClientCapabilities:
    """What a host with this script can do, in the words of its era."""
    newer = era >= "2025-11-25"
    declared: Wire = {}
    if model is not None:
        declared["sampling"] = {"tools": {}} if newer else {}
    if person is not None:
        declared["elicitation"] = {"form": {}, "url": {}} if newer else {}
    if roots is not None:
        declared["roots"] = {}
    return ClientCapabilities.model_validate(declared)


def _unwrapped(result: CallToolResult) -> Any:
    structured = result.structured_content
    if structured is None or result.is_error:
        return "\n".join(each.text for each in result.content if isinstance(each, TextContent))
    about = (result.meta or {}).get("fastmcp")
    wrapped = isinstance(about, dict) and about.get("wrap_result")
    return structured["result"] if wrapped else structured


def _is_lost(error: BaseException) -> bool:
    """Whether the server died, in contrast to an answer that is an error."""
    error = _plain(error)
    if isinstance(error, MCPError):
        return error.code == CONNECTION_CLOSED
    return not isinstance(error, (ScriptError, ProtocolBreach, TimeoutError))


def _plain(error: BaseException) -> BaseException:
    """The first error inside groups: transports wrap what happens within them."""
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error


def _wire(params: BaseModel) -> Wire:
    return params.model_dump(mode="json", by_alias=True, exclude_none=True)
