"""`inverted run`: connect, choose the agent, hold the conversation, print the result.

This module puts the parts together and knows no more than their order: `options` reads the command
line, `target` and `connect` reach the server, `agents` finds the tool and its arguments, `session`
makes the call, `conversation` answers (with `models` and `person`), `view` shows it, and `results`
prints the end.
"""

from __future__ import annotations

import json
import os
import shlex
import signal
import sys
from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final
from uuid import uuid4

import anyio
from mcp import Client, MCPError
from mcp_types import (
    CallToolResult,
    LoggingMessageNotificationParams,
    ProgressNotificationParams,
    Root,
)
from rich.text import Text

from inverted.cli.agents import (
    agent_help,
    as_task,
    call_arguments,
    choose_agent,
    list_agents,
    listing_json,
    server_help,
)
from inverted.cli.answers import read_answers
from inverted.cli.connect import Wanted, connected
from inverted.cli.conversation import Conversation
from inverted.cli.diagnosis import Evidence, call_problem, unexpected
from inverted.cli.errors import (
    CliError,
    ConnectionProblem,
    HostProblem,
    Interrupted,
    UsageProblem,
)
from inverted.cli.events import Connected, Event, Logged, Progress
from inverted.cli.keyboard import Interrupts, Keyboard
from inverted.cli.lines import Glyphs, ending
from inverted.cli.models import choose, open_model
from inverted.cli.options import RunOptions, read_options, with_resume, with_task
from inverted.cli.person import Person
from inverted.cli.prompts import Prompter, open_in_browser
from inverted.cli.results import document, print_result
from inverted.cli.screen import open_console, quiet_libraries
from inverted.cli.session import Call, call_agent, cancel_task, drive, task_handle
from inverted.cli.stderr import ServerLog
from inverted.cli.target import Command, resolve
from inverted.cli.text import clean, log_text
from inverted.cli.transcript import Transcript
from inverted.cli.view import View
from inverted.client import Task, TaskHandle

_SHOWN_LEVELS: Final = frozenset({"warning", "error", "critical", "alert", "emergency"})
_STOPPED: Final = "stopped."
_CONTINUED: Final = (ConnectionProblem, HostProblem, Interrupted)
"""The problems after which a run can go on where it stopped."""


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
    quiet_libraries()
    return anyio.run(_Run(options, argv).perform)


@dataclass
class _Stop:
    """Ends everything early, with the reason. The first reason counts."""

    scope: anyio.CancelScope = field(default_factory=anyio.CancelScope)
    problem: CliError | None = None

    def __call__(self, problem: CliError) -> None:
        self.note(problem)
        self.scope.cancel()

    def note(self, problem: CliError) -> None:
        """Keep the reason of something that has ended by itself."""
        if self.problem is None:
            self.problem = problem


class _Run:
    """One command line of `inverted run`, from the connection to the exit code."""

    def __init__(self, options: RunOptions, argv: Sequence[str]) -> None:
        self._options = options
        self._argv = argv
        self._run_key = options.run_key or uuid4().hex
        self._out = open_console(stderr=False)
        self._screen = open_console(stderr=True) if options.json else self._out
        self._transcript = Transcript()
        self._view = View(self._screen, self._transcript, quiet=options.quiet)
        self._choice = choose(options.model, options.base_url, os.environ)
        self._roots = [_root(one) for one in options.roots]
        self._answers = None if options.answers is None else read_answers(options.answers)
        self._called = False
        self._task_id: str | None = None
        self._stdio = False
        self._code: int | None = None

    async def perform(self) -> int:
        """Do it all. Raises CliError when there is no result."""
        stop = _Stop()
        interrupts = Interrupts()

        def interrupted() -> None:
            stop(Interrupted(_STOPPED))
            # The server is being closed, which is bounded; a second Ctrl-C shall not wait for it.
            signal.signal(signal.SIGINT, signal.SIG_DFL)

        def left() -> None:
            stop(Interrupted("nobody reads the output any more, so the run was stopped."))

        self._out.on_left = left
        with interrupts.installed(), interrupts.meaning(interrupted):
            try:
                with stop.scope:
                    await self._connect(stop, interrupts)
            finally:
                self._view.stop()
        if self._code is not None or stop.problem is None:
            return self._code or 0
        problem = self._continued(stop.problem)
        if self._called and not self._options.quiet:
            self._screen.print()
        if self._options.json:
            self._write_json(document(self._transcript, None, problem, self._view.elapsed))
        raise problem

    async def _connect(self, stop: _Stop, interrupts: Interrupts) -> None:
        options = self._options
        target = resolve(options.target, options.command, options.env)
        evidence = Evidence(target, ServerLog(self._on_stderr))
        self._stdio = isinstance(target, Command)
        conversation = Conversation(
            person=self._person(interrupts),
            roots=self._roots,
            watch=self._watch,
            stop=stop,
            server=evidence.name,
            over=lambda: stop.problem is not None or self._code is not None,
        )
        wanted = Wanted(
            era=options.era,
            headers=options.headers,
            timeout=options.connect_timeout,
            has_roots=bool(options.roots),
            tasks=options.task is not False,
        )
        self._view.start(f"connecting to {evidence.name}")
        try:
            async with self._connected(wanted, evidence, conversation) as client:
                try:
                    await self._use(client, conversation, evidence)
                except CliError as problem:
                    # Kept, not raised: the connection's task groups would wrap it on its way out.
                    stop.note(problem)
        except CliError as problem:
            stop.note(problem)
        except Exception as error:  # boundary: closing a broken connection may fail anyhow
            if os.environ.get("INVERTED_DEBUG"):
                raise
            stop.note(unexpected(error, evidence))

    async def _use(self, client: Client, conversation: Conversation, evidence: Evidence) -> None:
        options = self._options
        about = client.server_info
        server = clean(about.name) if about else evidence.name
        conversation.server = server
        task_id = options.attach or options.cancel
        if task_id is not None and not options.help:
            await self._use_task(client, conversation, evidence, task_id)
            return
        tools = await list_agents(client, evidence)
        if options.list or (options.help and options.agent is None):
            self._view.stop()
            if options.json:
                self._write_json(listing_json(server, client.protocol_version, tools))
                return
            version = clean(about.version) if about else ""
            heading = f"{server} {version}".rstrip() + f", {client.protocol_version}"
            self._show(server_help(heading, tools, self._out.width))
            return
        tool = choose_agent(tools, options.agent)
        if options.help:
            self._view.stop()
            self._show(agent_help(tool, options, self._out.width))
            return
        call = Call(
            agent=tool.name,
            arguments=call_arguments(tool, options, self._screen.width),
            run_key=self._run_key,
            max_rounds=options.max_rounds,
            as_task=as_task(client, tool, options),
        )
        self._announce(client, conversation, evidence, agent=clean(tool.name))
        try:
            found = await call_agent(client, call, conversation, self._watch)
            if isinstance(found, TaskHandle):
                self._task_id = found.id
                if options.detach:
                    self._detached(found.id)
                    return
                found = await drive(found)
        except (MCPError, RuntimeError, ValueError) as error:
            raise call_problem(error, evidence) from None
        self._view.stop()
        self._code = self._print(found)

    async def _use_task(
        self, client: Client, conversation: Conversation, evidence: Evidence, task_id: str
    ) -> None:
        """Come back to a task, or cancel it."""
        handle = task_handle(client, task_id, self._watch)
        try:
            if self._options.cancel is not None:
                task = await cancel_task(handle)
                self._view.stop()
                self._code = self._print_cancelled(task)
                return
            self._announce(client, conversation, evidence, task=task_id)
            self._task_id = task_id
            result = await drive(handle)
        except (MCPError, RuntimeError, ValueError) as error:
            raise call_problem(error, evidence) from None
        self._view.stop()
        self._code = self._print(result)

    def _announce(
        self,
        client: Client,
        conversation: Conversation,
        evidence: Evidence,
        *,
        agent: str = "",
        task: str = "",
    ) -> None:
        """Open the model, and say what is about to run."""
        conversation.model = open_model(self._choice, conversation.server)
        notes = (self._choice.reason, conversation.model.note)
        self._watch(
            Connected(
                server=conversation.server,
                version=clean(client.server_info.version) if client.server_info else "",
                era=client.protocol_version,
                transport=evidence.target.transport,
                agent=agent,
                model=self._choice.label,
                model_note=", ".join(note for note in notes if note),
                run_key=self._run_key,
                resumed=self._options.run_key is not None,
                task=clean(task),
            )
        )
        self._called = True

    def _person(self, interrupts: Interrupts) -> Person:
        console = self._screen if self._screen.is_terminal else open_console(stderr=True)
        prompter = None
        if console.is_terminal and sys.stdin.isatty():
            glyphs = Glyphs.for_encoding(console.encoding)
            keyboard = Keyboard(sys.stdin.fileno(), interrupts)
            prompter = Prompter(console, keyboard, open_in_browser, glyphs.bar, glyphs.cursor)
        return Person(self._answers, self._options.yes, prompter, self._view.typing)

    def _watch(self, event: Event) -> None:
        self._transcript.watch(event)
        self._view.watch(event)

    def _on_log(self, params: LoggingMessageNotificationParams) -> None:
        if params.level in _SHOWN_LEVELS or self._options.server_log:
            self._watch(Logged("log", params.level, log_text(params.data)))

    def _on_stderr(self, line: str) -> None:
        if self._options.server_log:
            self._watch(Logged("stderr", "info", line))

    def _show(self, lines: Sequence[str]) -> None:
        for line in lines:
            self._out.print(Text(line), soft_wrap=True)

    def _continued(self, problem: CliError) -> CliError:
        """The problem, with the command that goes on where the run stopped."""
        if not self._called or not isinstance(problem, _CONTINUED):
            return problem
        if self._task_id is not None:
            message = problem.message.replace(_STOPPED, "stopped waiting for the task.")
            return type(problem)(message, [*problem.details, "", *self._task_lines()])
        line = shlex.join(["inverted", "run", *with_resume(self._argv, self._run_key)])
        details = [*problem.details, "", "To continue this run:", f"  {line}"]
        return type(problem)(problem.message, details)

    def _connected(
        self, wanted: Wanted, evidence: Evidence, conversation: Conversation
    ) -> AbstractAsyncContextManager[Client]:
        return connected(wanted, evidence, conversation, self._on_log, self._on_progress)

    def _on_progress(self, params: ProgressNotificationParams) -> None:
        if params.progress_token == self._run_key:
            self._watch(Progress(params.progress, params.total, params.message))

    def _task_lines(self) -> list[str]:
        """What becomes of the task without this host, and how to come back to it."""
        assert self._task_id is not None  # noqa: S101 - asked for tasks only

        def line(option: str) -> str:
            again = with_task(self._argv, option, self._task_id or "")
            return f"  {shlex.join(['inverted', 'run', *again])}"

        goes_on = (
            "The task is kept. Its server has ended with this command; it goes on when the server "
            "runs again."
            if self._stdio
            else "The task is kept, and goes on at the server."
        )
        return [goes_on, "To come back to it:", line("--attach"), "To cancel it:", line("--cancel")]

    def _detached(self, task_id: str) -> None:
        """Say that the task was left to the server."""
        self._view.stop()
        self._code = 0
        if self._options.json:
            self._write_json(document(self._transcript, None, None, self._view.elapsed))
        elif self._options.quiet:
            self._out.write_exactly(clean(task_id))
        if not self._options.quiet:
            self._screen.print()
            for line in self._task_lines():
                self._screen.print(Text(line), soft_wrap=True)

    def _print_cancelled(self, task: Task) -> int:
        done = task.status == "cancelled"
        if self._options.json:
            self._write_json({"taskId": task.id, "taskStatus": task.status})
        elif done or not task.ended:
            self._out.write_exactly(
                f"task {clean(task.id)} is {'' if done else 'being '}cancelled."
            )
        if task.ended and not done:
            raise CliError(
                f"task {clean(task.id)} has ended already: {task.status}. inverted run … --attach "
                "shows its result."
            )
        return 0

    def _print(self, result: CallToolResult) -> int:
        """Print the result and the figures. Returns the exit code."""
        failed = bool(result.is_error)
        if self._options.json:
            self._write_json(document(self._transcript, result, None, self._view.elapsed))
        elif not failed:
            if not self._options.quiet:
                self._out.print()
            print_result(result, self._out)
        if failed:
            error = open_console(stderr=True)
            error.print(Text("the agent ended with an error:", "red"))
            print_result(result, error)
        if not self._options.quiet:
            self._screen.print()
            line = Text(ending(self._transcript, self._view.elapsed), "dim")
            self._screen.print(line, soft_wrap=True)
        return 1 if failed else 0

    def _write_json(self, value: object) -> None:
        # Escaped on a terminal, where a control character of a server could do harm.
        text = json.dumps(value, ensure_ascii=self._out.is_terminal, indent=2)
        self._out.write_exactly(text)


def _root(directory: str) -> Root:
    path = Path(directory).expanduser().resolve()
    if not path.is_dir():
        raise UsageProblem(f"--root {directory} is no directory.")
    return Root.model_validate({"uri": path.as_uri(), "name": path.name})
