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
from dataclasses import dataclass
from typing import Any, Final, Literal, TypeVar, cast

import anyio
from fastmcp.client.transports.base import TransportOptions
from mcp import ClientSession, MCPError
from mcp.client.session import ClientRequestContext
from mcp_types import (
    CONNECTION_CLOSED,
    INTERNAL_ERROR,
    REQUEST_TIMEOUT,
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
    ListRootsResult,
    LoggingMessageNotificationParams,
    TextContent,
)
from mcp_types.version import MODERN_PROTOCOL_VERSIONS
from pydantic import BaseModel, ValidationError

from inverted.client import TasksExtension
from inverted.testing.answers import ScriptError, Wire, refusal
from inverted.testing.connection import Call, Connection, Heard, Log, Progress, Tasks
from inverted.testing.conversation import Conversation, Follow
from inverted.testing.crash import Crash
from inverted.testing.relaying import follow_relay
from inverted.testing.script import Kind, Model, Person, Question, Roots, Script
from inverted.testing.serving import Target, Transport, reach
from inverted.testing.strict import Declared

R = TypeVar("R", bound=BaseModel)
Era = Literal["2026-07-28", "2025-11-25", "2025-06-18", "2025-03-26"]

MOST_RESTARTS: Final = 10
"""A server that keeps dying is not restarted for ever."""

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
        hops: How many more tools the host called because of a result, see `follow`.
    """

    result: Any
    is_error: bool
    content: list[ContentBlock]
    questions: list[Question]
    progress: list[Progress]
    logs: list[Log]
    rounds: int
    hops: int = 0
    framing: int = 0


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
        capabilities: What to declare, with extensions; what the script can answer if not given.
        client_info: The name and version to send.
        follow: What the host does with a result: it is given the connection and the result, and
            returns the next call, or None when the result is the outcome. If not given, its model
            does what the result of an unfinished run says, and answers as the script's model; the
            script's person answers a card.
        era: The protocol revision to speak.
        transport: How to reach a server object: over memory, over stdio's lines, or over HTTP.
        headers: HTTP headers of every request, for servers with authentication.
        max_rounds: How many rounds of questions are answered. Real clients stop after 10 unless
            told otherwise.
        tasks: Take calls as tasks: ask for them on 2025-11-25, where the client decides, and
            declare the extension on 2026-07-28, where the server does. With `"offered"` it asks
            only for those that the tool offers.
        timeout: Seconds after which a run is given up, whatever happens.
    """

    def __init__(
        self,
        *,
        model: Model | None = None,
        person: Person | None = None,
        roots: Roots | None = None,
        capabilities: ClientCapabilities | Wire | None = None,
        client_info: Implementation = _ABOUT,
        follow: Follow | None = None,
        era: Era = "2026-07-28",
        transport: Transport = "memory",
        headers: dict[str, str] | None = None,
        max_rounds: int = 100,
        tasks: Tasks = False,
        timeout: float = 30.0,
    ) -> None:
        if capabilities is None:
            capabilities = _implied(model, person, roots, era)
            if tasks and era in MODERN_PROTOCOL_VERSIONS:
                capabilities.extensions = {TasksExtension.identifier: {}}
        self.era: Era = era
        self.transport: Transport = transport
        self.timeout = timeout
        self.max_rounds = max_rounds
        self.tasks: Tasks = tasks
        self.client_info = client_info
        self._follow = follow
        self._headers = headers
        self._declared = Declared(ClientCapabilities.model_validate(capabilities), era)
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
        conversation = Conversation(
            Call(agent, dict(arguments or {}), run_key),
            Heard(),
            self.max_rounds,
            self._follow or self._go_on,
        )
        seen = len(self.questions)
        result: CallToolResult | None = None
        restarts = 0
        with anyio.fail_after(self.timeout):
            while result is None:
                try:
                    async with self.connect(server, conversation.heard) as connection:
                        result = await conversation.go_on(connection)
                except (Exception, BaseExceptionGroup, Crash) as caught:  # noqa: BLE001 # raised again
                    self._raise_problem()
                    error = _first(caught)
                    if restart is None or not _is_lost(error) or restarts == MOST_RESTARTS:
                        raise error from None
                    restarts += 1
                    server = restart()
        self._raise_problem()
        return Outcome(
            _unwrapped(result),
            bool(result.is_error),
            result.content,
            self.questions[seen:],
            conversation.heard.progress,
            conversation.heard.logs,
            conversation.rounds,
            conversation.hops,
            conversation.framing,
        )

    @asynccontextmanager
    async def connect(
        self, server: Target, heard: Heard | None = None
    ) -> AsyncGenerator[Connection]:
        """Hold a connection, for tests that send single requests.

        Args:
            server: As for `run`.
            heard: Where to keep notifications.

        Raises:
            RuntimeError: The server speaks another revision.
        """
        capabilities = self._declared.capabilities
        heard = heard or Heard()

        class Declaring(ClientSession):
            """Declares what the host wants. The SDK derives it from the callbacks alone."""

            def _build_capabilities(self, version: str) -> ClientCapabilities:  # noqa: ARG002 # the SDK's signature
                return capabilities

        async def log(params: LoggingMessageNotificationParams) -> None:
            heard.logs.append((params.level, _said(params.data)))

        async with (
            reach(server, self.transport, self._headers) as way,
            way.connect_session(
                transport_options=TransportOptions(session_class=Declaring),
                sampling_callback=self._sample,
                elicitation_callback=self._elicit,
                list_roots_callback=self._list_roots,
                logging_callback=log,
                log_level="debug",
                client_info=self.client_info,
                **self._extensions(),
            ) as session,
        ):
            await self._negotiate(session)
            yield Connection(session, heard, tasks=self.tasks)

    async def _go_on(self, connection: Connection, result: CallToolResult) -> Call | None:
        """What the host's model calls next, when it does as a result says."""
        return await follow_relay(self._script, connection, result)

    def _extensions(self) -> dict[str, Any]:
        if not self.tasks:
            return {}
        extension = TasksExtension()
        name = extension.identifier
        return {"extensions": {name: {}}, "result_claims": {name: extension.claims()}}

    async def _negotiate(self, session: ClientSession) -> None:
        if self.era in MODERN_PROTOCOL_VERSIONS:
            await _discover(session)
        else:
            request = InitializeRequest(
                params=InitializeRequestParams(
                    protocol_version=self.era,
                    capabilities=self._declared.capabilities,
                    client_info=self.client_info,
                )
            )
            session.adopt(await session.send_request(request, InitializeResult))
            await session.send_notification(InitializedNotification())
        if session.protocol_version != self.era:
            raise RuntimeError(
                f"The server negotiated {session.protocol_version}, this host speaks {self.era}."
            )

    async def _sample(
        self,
        context: ClientRequestContext,  # noqa: ARG002 # the SDK's signature
        params: CreateMessageRequestParams,
    ) -> CreateMessageResultWithTools | ErrorData:
        return await self._ask("sample", params, CreateMessageResultWithTools)

    async def _elicit(
        self,
        context: ClientRequestContext,  # noqa: ARG002 # the SDK's signature
        params: ElicitRequestParams,
    ) -> ElicitResult | ErrorData:
        return await self._ask("elicit", params, ElicitResult)

    async def _list_roots(
        self,
        context: ClientRequestContext,  # noqa: ARG002 # the SDK's signature
    ) -> ListRootsResult | ErrorData:
        return await self._ask("roots", None, ListRootsResult)

    async def _ask(self, kind: Kind, params: BaseModel | None, result: type[R]) -> R | ErrorData:
        wire: Wire = {}
        if params is not None:
            wire = params.model_dump(mode="json", by_alias=True, exclude_none=True)
            wire.pop("_meta", None)
        found = await self._script.answer(kind, wire)
        if isinstance(found, ErrorData):
            return found
        try:
            return result.model_validate(found, by_name=False)
        except ValidationError as error:
            problem = ScriptError(f"The script's answer is no {result.__name__}: {error}")
            self._script.problems.append(problem)
            return refusal(problem)

    def _raise_problem(self) -> None:
        """Raise what went wrong in the script, once."""
        problems = self._script.problems
        if problems:
            first = problems[0]
            problems.clear()
            raise first


async def _discover(session: ClientSession) -> None:
    """The SDK gives a server ten seconds to answer; a process on a busy machine needs longer."""
    while session.discover_result is None:
        try:
            await session.discover()
        except MCPError as error:
            if error.code != REQUEST_TIMEOUT:
                raise


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
    about = cast("Wire", (result.meta or {}).get("fastmcp") or {})
    return structured["result"] if about.get("wrap_result") else structured


def _said(data: object) -> str:
    """The text of a log message; FastMCP wraps it."""
    return str(cast("Wire", data).get("msg", data) if isinstance(data, dict) else data)


def _is_lost(error: BaseException) -> bool:
    """Whether the server died, in contrast to an answer that is an error."""
    if isinstance(error, MCPError):
        # A dying HTTP server may still say 500, which the SDK reads as an internal error.
        return error.code in (CONNECTION_CLOSED, INTERNAL_ERROR)
    return not isinstance(error, (AssertionError, TimeoutError))


def _first(error: BaseException) -> BaseException:
    """The first error inside groups: transports wrap what happens within them."""
    while isinstance(error, BaseExceptionGroup):
        error = cast("BaseExceptionGroup[BaseException]", error).exceptions[0]
    return error
