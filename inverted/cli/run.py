"""`inverted run`: connect, choose the agent, hold the conversation, print the result.

This module puts the parts together and knows no more than their order: `options` reads the command
line, `target` and `connect` reach the server, `arguments` builds the call, `session` makes it,
`conversation` answers (with `models` and `person`), `view` shows it, `results` prints the end.
"""

from __future__ import annotations

import json
import logging
import os
import shlex
import signal
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TextIO
from uuid import uuid4

import anyio
from mcp import Client, MCPError
from mcp_types import CallToolResult, ListToolsResult, LoggingMessageNotificationParams, Root, Tool
from rich.console import Console
from rich.text import Text

from inverted.cli.answers import read_answers
from inverted.cli.arguments import build_arguments
from inverted.cli.connect import Wanted, connected
from inverted.cli.conversation import Conversation
from inverted.cli.diagnosis import Evidence, call_failed, leaves
from inverted.cli.errors import (
    CliError,
    ConnectionProblem,
    HostProblem,
    Interrupted,
    UsageProblem,
)
from inverted.cli.events import Connected, Event, Logged
from inverted.cli.keyboard import Interrupts, Keyboard
from inverted.cli.lines import Glyphs, ending
from inverted.cli.models import Choice, choose, open_model
from inverted.cli.options import RunOptions, read_options, with_resume
from inverted.cli.person import Person
from inverted.cli.prompts import Prompter, open_in_browser
from inverted.cli.results import document, print_result
from inverted.cli.session import Call, call_agent
from inverted.cli.stderr import ServerLog
from inverted.cli.target import resolve
from inverted.cli.text import clean, first_line
from inverted.cli.transcript import Transcript
from inverted.cli.usage import listing, usage
from inverted.cli.view import View

_SHOWN_LEVELS = frozenset({"warning", "error", "critical", "alert", "emergency"})
_MOST_PAGES = 250


def command(argv: Sequence[str]) -> int:
    """Serve `inverted run`.

    Args:
        argv: What stands after `run`.

    Returns:
        0 for a result, 1 for a tool error.

    Raises:
        CliError: The run did not come to a result.
    """
    options = read_options(argv)
    _quiet_libraries()
    return anyio.run(_Run(options, argv).perform)


@dataclass
class _Stop:
    """Ends everything early, with the reason. The first reason counts."""

    scope: anyio.CancelScope = field(default_factory=anyio.CancelScope)
    problem: CliError | None = None

    def __call__(self, problem: CliError) -> None:
        if self.problem is None:
            self.problem = problem
        self.scope.cancel()


class _Run:
    """One command line of `inverted run`, from the connection to the exit code."""

    def __init__(self, options: RunOptions, argv: Sequence[str]) -> None:
        self._options = options
        self._argv = argv
        self._run_key = options.run_key or uuid4().hex
        self._out = _console(stderr=False)
        self._screen = _console(stderr=True) if options.json else self._out
        self._transcript = Transcript()
        self._view = View(self._screen, self._transcript, quiet=options.quiet)
        self._choice = choose(options.model, options.base_url, os.environ)
        self._roots = [_root(one) for one in options.roots]
        self._answers = None if options.answers is None else read_answers(options.answers)
        self._called = False
        self._result: CallToolResult | None = None

    async def perform(self) -> int:
        """Do it all. Raises CliError when there is no result."""
        stop = _Stop()
        interrupts = Interrupts()

        def interrupted() -> None:
            stop(Interrupted("stopped."))
            # The server is being closed, which is bounded; a second Ctrl-C shall not wait for it.
            signal.signal(signal.SIGINT, signal.SIG_DFL)

        with interrupts.installed(), interrupts.meaning(interrupted):
            try:
                with stop.scope:
                    await self._connect(stop, interrupts)
            finally:
                self._view.stop()
        if stop.problem is not None and self._result is None:
            problem = self._continued(stop.problem)
            if self._called and not self._options.quiet:
                self._screen.print()
            self._print_document(problem)
            raise problem
        return self._finish()

    async def _connect(self, stop: _Stop, interrupts: Interrupts) -> None:
        options = self._options
        target = resolve(options.target, options.command, options.env)
        evidence = Evidence(target, ServerLog(self._on_stderr))
        conversation = Conversation(
            person=self._person(interrupts),
            roots=self._roots,
            watch=self._watch,
            stop=stop,
            server=evidence.name,
        )
        wanted = Wanted(
            era=options.era,
            headers=options.headers,
            timeout=options.connect_timeout,
            has_roots=bool(options.roots),
        )
        self._view.start(f"connecting to {evidence.name}")
        try:
            async with connected(wanted, evidence, conversation, self._on_log) as client:
                try:
                    await self._use(client, conversation, evidence)
                except CliError as problem:
                    # Kept, not raised: the connection's task groups would wrap it on its way out.
                    stop.problem = stop.problem or problem
        except CliError as problem:
            stop.problem = stop.problem or problem
        except Exception as error:  # boundary: closing a broken connection may fail anyhow
            if os.environ.get("INVERTED_DEBUG"):
                raise
            if self._result is None and stop.problem is None:
                stop.problem = call_failed(error, evidence) or _unexpected(error)

    async def _use(self, client: Client, conversation: Conversation, evidence: Evidence) -> None:
        options = self._options
        conversation.server = _server_name(client, evidence)
        tools = await _tools(client, evidence)
        if options.list or (options.help and options.agent is None):
            self._view.stop()
            self._list(client, conversation.server, tools)
            return
        tool = _agent(tools, options.agent)
        target = shlex.quote(options.target) if options.target else "…"
        width = min(self._screen.width, 100)
        if options.help:
            self._view.stop()
            self._show([*usage(tool, target, width)])
            return
        try:
            arguments = build_arguments(
                tool.input_schema, options.arguments, options.base_arguments
            )
        except UsageProblem as problem:
            raise UsageProblem(problem.message, usage(tool, target, width)) from None
        conversation.model = open_model(self._choice, conversation.server)
        self._watch(
            Connected(
                server=conversation.server,
                version=clean(client.server_info.version) if client.server_info else "",
                era=client.protocol_version,
                transport=evidence.target.transport,
                agent=clean(tool.name),
                model=self._choice.label,
                model_note=_note(self._choice, conversation.model.note),
                run_key=self._run_key,
                resumed=options.run_key is not None,
            )
        )
        self._called = True
        call = Call(tool.name, arguments, self._run_key, options.max_rounds)
        try:
            self._result = await call_agent(client, call, conversation, self._watch)
        except (MCPError, RuntimeError, ValueError) as error:
            raise _call_problem(error, evidence) from None

    def _person(self, interrupts: Interrupts) -> Person:
        console = self._screen if self._screen.is_terminal else _console(stderr=True)
        prompter = None
        if console.is_terminal and sys.stdin.isatty():
            prompter = Prompter(
                console=console,
                lines=Keyboard(sys.stdin.fileno(), interrupts),
                browse=open_in_browser,
                bar=Glyphs.for_encoding(console.encoding).bar,
                cursor=Glyphs.for_encoding(console.encoding).cursor,
            )
        return Person(self._answers, self._options.yes, prompter, self._view.typing)

    def _watch(self, event: Event) -> None:
        self._transcript.watch(event)
        self._view.watch(event)

    def _on_log(self, params: LoggingMessageNotificationParams) -> None:
        if params.level in _SHOWN_LEVELS or self._options.server_log:
            data: object = params.data
            if isinstance(data, dict) and "msg" in data:  # the shape that FastMCP sends
                data = data["msg"]  # pyright: ignore[reportUnknownVariableType] - any JSON
            text = data if isinstance(data, str) else json.dumps(data, ensure_ascii=False)
            self._watch(Logged("log", params.level, first_line(text)))

    def _on_stderr(self, line: str) -> None:
        if self._options.server_log:
            self._watch(Logged("stderr", "info", line))

    def _list(self, client: Client, server: str, tools: Sequence[Tool]) -> None:
        if self._options.json:
            rows = [
                tool.model_dump(by_alias=True, mode="json", exclude_none=True) for tool in tools
            ]
            self._write_json({"server": server, "era": client.protocol_version, "agents": rows})
            return
        version = client.server_info.version if client.server_info else ""
        head = f"{server} {clean(version)}".rstrip() + f", {client.protocol_version}"
        self._show([head, "", *(listing(tools, min(self._out.width, 100)) or ["(no agents)"])])

    def _show(self, lines: Sequence[str]) -> None:
        for line in lines:
            self._out.print(Text(line), soft_wrap=True)

    def _continued(self, problem: CliError) -> CliError:
        """The problem, with the command that goes on where the run stopped."""
        if not self._called or not isinstance(
            problem, ConnectionProblem | HostProblem | Interrupted
        ):
            return problem
        line = shlex.join(["inverted", "run", *with_resume(self._argv, self._run_key)])
        return type(problem)(
            problem.message, [*problem.details, "", "To continue this run:", f"  {line}"]
        )

    def _finish(self) -> int:
        result = self._result
        if result is None:
            return 0  # only listed
        failed = bool(result.is_error)
        if self._options.json:
            self._print_document(None)
        elif not failed:
            if not self._options.quiet:
                self._out.print()
            print_result(result, self._out)
        if failed:
            error = _console(stderr=True)
            error.print(Text("the agent ended with an error:", "red"))
            print_result(result, error)
        if not self._options.quiet:
            self._screen.print()
            line = Text(ending(self._transcript, self._view.elapsed), "dim")
            self._screen.print(line, soft_wrap=True)
        return 1 if failed else 0

    def _print_document(self, problem: CliError | None) -> None:
        if self._options.json:
            self._write_json(document(self._transcript, self._result, problem, self._view.elapsed))

    def _write_json(self, value: object) -> None:
        sys.stdout.write(json.dumps(value, ensure_ascii=False, indent=2) + "\n")


def _console(*, stderr: bool) -> Console:
    stream: TextIO = sys.stderr if stderr else sys.stdout
    reconfigure = getattr(stream, "reconfigure", None)
    if reconfigure is not None:
        reconfigure(errors="replace")  # a character that an encoding lacks must not end a run
    return Console(
        file=stream,
        # Decided here and not by FORCE_COLOR: a file gets no control codes.
        force_terminal=stream.isatty() and os.environ.get("TERM") not in ("dumb", "unknown"),
        markup=False,
        emoji=False,
        highlight=False,
    )


def _quiet_libraries() -> None:
    """Keep the SDK's own reports of a broken connection off the screen: `diagnosis` words them."""
    for name in ("mcp", "fastmcp", "httpx2", "asyncio"):
        logger = logging.getLogger(name)
        logger.addHandler(logging.NullHandler())
        logger.propagate = False


def _unexpected(error: Exception) -> HostProblem:
    cause = leaves(error)[0]
    return HostProblem(
        f"unexpected {type(cause).__name__}: {first_line(str(cause))}. With INVERTED_DEBUG=1 set, "
        "the whole traceback is shown."
    )


def _root(directory: str) -> Root:
    path = Path(directory).expanduser().resolve()
    if not path.is_dir():
        raise UsageProblem(f"--root {directory} is no directory.")
    return Root.model_validate({"uri": path.as_uri(), "name": path.name})


def _server_name(client: Client, evidence: Evidence) -> str:
    return clean(client.server_info.name) if client.server_info else evidence.name


async def _tools(client: Client, evidence: Evidence) -> list[Tool]:
    tools: list[Tool] = []
    cursor: str | None = None
    try:
        for _ in range(_MOST_PAGES):
            page: ListToolsResult = await client.list_tools(cursor=cursor)
            tools += page.tools
            cursor = page.next_cursor
            if cursor is None:
                break
    except (MCPError, RuntimeError, ValueError) as error:
        raise call_failed(error, evidence) or ConnectionProblem(
            f"{evidence.name} lists no tools: {first_line(str(error))}"
        ) from None
    return tools


def _agent(tools: Sequence[Tool], name: str | None) -> Tool:
    names = ", ".join(clean(tool.name) for tool in tools) or "none"
    if name is None:
        if len(tools) != 1:
            raise UsageProblem(f"which agent? Name one after TARGET. This server has: {names}.")
        return tools[0]
    for tool in tools:
        if tool.name == name:
            return tool
    raise UsageProblem(f"this server has no agent {name!r}. It has: {names}.")


def _note(choice: Choice, note: str) -> str:
    return ", ".join(word for word in (choice.reason, note) if word)


def _call_problem(error: Exception, evidence: Evidence) -> CliError:
    lost = call_failed(error, evidence)
    if lost is not None:
        return lost
    if isinstance(error, MCPError):
        return CliError(f"the server refused the call: {error.message} ({error.code})")
    return ConnectionProblem(f"the server's answer breaks the protocol: {first_line(str(error))}")
