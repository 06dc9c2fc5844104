"""The command line of `inverted run`: this host's options, and everything else for the agent.

Rules:
- options of this host may stand anywhere; TARGET and AGENT stand before the agent's arguments;
- `--name value` with a name that is not ours is an argument of the agent, with every value up to
  the next `--…`; it is converted later, by the agent's own schema (`arguments`);
- after a bare `--` everything is the command that starts the server, and TARGET is left out;
- a name that both sides use means this host; `--args '{"name": …}'` reaches the agent anyway.

Called by the `run` command.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, cast

from inverted.cli.errors import UsageProblem
from inverted.cli.main import EXIT_CODES

ERAS: Final = ("auto", "2025-11-25", "2026-07-28")


@dataclass(frozen=True)
class Option:
    """One option of this host. `metavar` is None for a switch."""

    name: str
    metavar: str | None
    help: str
    repeat: bool = False


OPTIONS: Final = (
    Option("--list", None, "list the agents of TARGET with their arguments, and run none"),
    Option("--args", "JSON", "arguments of the agent as one JSON object"),
    Option(
        "--model",
        "MODEL",
        "who answers as the model: anthropic:NAME, openai:NAME, gemini:NAME, rehearsal or "
        "rehearsal:module:function (default: by the API key in the environment, else rehearsal)",
    ),
    Option("--base-url", "URL", "another endpoint for --model openai:NAME (or anthropic:NAME)"),
    Option("--era", "VERSION", "protocol era: " + ", ".join(ERAS) + " (default: auto)"),
    Option("--yes", None, "accept questions with their defaults, and yes for a yes/no question"),
    Option("--answers", "FILE", "answer questions from a JSON file (a list, or by message)"),
    Option("--json", None, "print one JSON document on stdout, everything else on stderr"),
    Option("--quiet", None, "print the result only"),
    Option("--resume", "KEY", "continue the run that this key named before"),
    Option("--task", None, "make a task of the call; on 2026-07-28 the server decides that"),
    Option("--no-task", None, "take no tasks; an agent that is always one is then refused"),
    Option("--detach", None, "leave the task to the server, and print how to come back to it"),
    Option("--attach", "TASK", "come back to a task, instead of calling an agent"),
    Option("--cancel", "TASK", "cancel a task, instead of calling an agent"),
    Option("--max-rounds", "N", "give up after N rounds of questions (default: 100)"),
    Option("--root", "DIR", "a directory to name when the server asks for roots", repeat=True),
    Option("--env", "NAME[=VALUE]", "pass a variable to the server's process", repeat=True),
    Option("--header", "NAME:VALUE", "send an HTTP header to a server at a URL", repeat=True),
    Option("--server-log", None, "show what the server writes on stderr"),
    Option("--connect-timeout", "SECONDS", "how long a server may take to answer (default: 30)"),
    Option("--help", None, "this help; after TARGET: its agents and their arguments"),
)

_BY_NAME: Final = {option.name: option for option in OPTIONS}


@dataclass(frozen=True)
class RunOptions:
    """One command line of `inverted run`, read and checked.

    Attributes:
        target: What to connect to, as written; None when a command follows `--`.
        command: The command after `--`, empty without one.
        agent: The tool to call; None means the server's only one.
        arguments: `--name value…` pairs for the agent, as written and in order.
        base_arguments: The object of `--args`.
        run_key: The key of `--resume`; None starts a new run.
        task: Whether calls shall, must not, or may (None) become tasks.
        attach: The task to come back to.
        cancel: The task to cancel.
    """

    target: str | None
    command: tuple[str, ...] = ()
    agent: str | None = None
    arguments: tuple[tuple[str, tuple[str, ...]], ...] = ()
    # JSON that the person wrote for a foreign schema: any shape until the schema has checked it.
    base_arguments: dict[str, Any] | None = None
    list: bool = False
    help: bool = False
    model: str | None = None
    base_url: str | None = None
    era: str = "auto"
    yes: bool = False
    answers: Path | None = None
    json: bool = False
    quiet: bool = False
    run_key: str | None = None
    task: bool | None = None
    detach: bool = False
    attach: str | None = None
    cancel: str | None = None
    max_rounds: int = 100
    roots: tuple[str, ...] = ()
    env: tuple[str, ...] = ()
    headers: tuple[str, ...] = ()
    server_log: bool = False
    connect_timeout: float = 30.0


@dataclass
class _Sorted:
    """The tokens of a command line, set apart."""

    ours: list[str]
    positionals: list[str]
    arguments: list[tuple[str, tuple[str, ...]]]
    command: tuple[str, ...]


def read_options(argv: Sequence[str]) -> RunOptions:
    """Read the command line of `inverted run`.

    Args:
        argv: What stands after `run`.

    Returns:
        The options. `--help` without a target never returns: it prints and exits 0.

    Raises:
        UsageProblem: An option lacks its value, has a wrong one, or a name is missing.
    """
    tokens = _sort(argv)
    parser = _parser()
    ours = parser.parse_args(tokens.ours)
    target, agent = _target_and_agent(tokens)
    if ours.help and target is None and not tokens.command:
        parser.print_help()
        parser.exit(0)
    if target is None and not tokens.command:
        raise UsageProblem(
            "what shall run? Name a TARGET: a Python file, a directory, a command or a URL. "
            "See inverted run --help."
        )
    _check_alone(ours, agent, tokens)
    return RunOptions(
        target=target,
        command=tokens.command,
        agent=agent,
        arguments=tuple(tokens.arguments),
        base_arguments=_json_object(ours.args),
        list=ours.list,
        help=ours.help,
        model=ours.model,
        base_url=ours.base_url,
        era=_era(ours.era),
        yes=ours.yes,
        answers=None if ours.answers is None else Path(ours.answers),
        json=ours.json,
        quiet=ours.quiet,
        run_key=_run_key(ours.resume),
        task=_task(ours),
        detach=ours.detach,
        attach=ours.attach,
        cancel=ours.cancel,
        max_rounds=int(_positive("--max-rounds", ours.max_rounds, whole=True)),
        roots=tuple(ours.root or ()),
        env=tuple(ours.env or ()),
        headers=tuple(ours.header or ()),
        server_log=ours.server_log,
        connect_timeout=_positive("--connect-timeout", ours.connect_timeout, whole=False),
    )


def with_resume(argv: Sequence[str], run_key: str) -> list[str]:
    """The same command line, continuing the run of that key.

    Args:
        argv: What stands after `run`.
        run_key: The key that the run was started with.

    Returns:
        The arguments with exactly one `--resume KEY`, before a bare `--`.
    """
    end = argv.index("--") if "--" in argv else len(argv)
    kept: list[str] = []
    tokens = iter(argv[:end])
    for token in tokens:
        if token == "--resume":  # noqa: S105 - an option's name, no secret
            next(tokens, None)
        elif not token.startswith("--resume="):
            kept.append(token)
    return [*kept, "--resume", run_key, *argv[end:]]


def with_task(argv: Sequence[str], option: str, task_id: str) -> list[str]:
    """A command line that does something with a task of the same server.

    Args:
        argv: What stands after `run`.
        option: `--attach` or `--cancel`.
        task_id: The task.

    Returns:
        The arguments: the target, what says how to reach it and how to answer, and the option.
    """
    tokens = _sort(argv)
    kept: list[str] = []
    for one in tokens.ours:
        name, equals, value = one.partition("=")
        if _kept(name, option):
            kept += [name, value] if equals else [name]
    target = [] if tokens.command else tokens.positionals[:1]
    command = ["--", *tokens.command] if tokens.command else []
    return [*target, *kept, option, task_id, *command]


_REACHES: Final = frozenset({"--era", "--env", "--header", "--connect-timeout"})
_ANSWERS: Final = frozenset(
    {"--model", "--base-url", "--yes", "--answers", "--json", "--quiet", "--root", "--server-log"}
)


def _kept(name: str, option: str) -> bool:
    return name in _REACHES or (option == "--attach" and name in _ANSWERS)


def _sort(argv: Sequence[str]) -> _Sorted:
    end = argv.index("--") if "--" in argv else len(argv)
    found = _Sorted(ours=[], positionals=[], arguments=[], command=tuple(argv[end + 1 :]))
    if end < len(argv) and not found.command:
        raise UsageProblem("nothing follows the bare --. Write the server's command after it.")
    position = 0
    while position < end:
        token = argv[position]
        position += 1
        name, equals, value = token.partition("=")
        if token in ("-h", "--help"):
            found.ours.append("--help")
        elif name in _BY_NAME:
            if _BY_NAME[name].metavar is None or equals:
                found.ours.append(token)
                continue
            if position == end or argv[position] in _BY_NAME:
                raise UsageProblem(f"{name} needs a value: {name} {_BY_NAME[name].metavar}")
            found.ours.append(f"{name}={argv[position]}")
            position += 1
        elif token.startswith("--"):
            values = [value] if equals else []
            while not equals and position < end and not argv[position].startswith("--"):
                values.append(argv[position])
                position += 1
            found.arguments.append((name[2:], tuple(values)))
        else:
            found.positionals.append(token)
    return found


def _target_and_agent(tokens: _Sorted) -> tuple[str | None, str | None]:
    allowed = 1 if tokens.command else 2
    if len(tokens.positionals) > allowed:
        extra = " ".join(tokens.positionals[allowed:])
        raise UsageProblem(
            f"unexpected {extra!r}: only TARGET and AGENT stand alone, arguments of the agent "
            "are written --name value. Quote a command that has spaces."
        )
    first = tokens.positionals[0] if tokens.positionals else None
    second = tokens.positionals[1] if len(tokens.positionals) > 1 else None
    return (None, first) if tokens.command else (first, second)


def _task(ours: argparse.Namespace) -> bool | None:
    if ours.no_task and (ours.task or ours.detach):
        other = "--task" if ours.task else "--detach"
        raise UsageProblem(f"--no-task and {other} exclude each other. Leave one of them out.")
    if ours.no_task:
        return False
    return True if ours.task or ours.detach else None


def _check_alone(ours: argparse.Namespace, agent: str | None, tokens: _Sorted) -> None:
    """`--attach` and `--cancel` name a task, and so neither an agent nor a way to call one."""
    option = "--attach" if ours.attach else "--cancel"
    if ours.attach is None and ours.cancel is None:
        return
    if not (ours.attach or ours.cancel):
        raise UsageProblem("--attach and --cancel need the id of a task, as it was printed.")
    names = ("cancel", "resume", "args", "list", "task", "no_task", "detach")
    also = [f"--{name.replace('_', '-')}" for name in names if getattr(ours, name)]
    also = [name for name in also if name != option]
    also += [] if agent is None else [agent]
    also += [f"--{name}" for name, _ in tokens.arguments]
    if also and not ours.help:
        raise UsageProblem(
            f"{option} names a task, which has its agent and its arguments already. "
            f"Leave out {also[0]}."
        )


def _era(given: str | None) -> str:
    if given is None:
        return "auto"
    if given not in ERAS:
        raise UsageProblem(f"--era {given} is not known. Choose one of {', '.join(ERAS)}.")
    return given


def _run_key(given: str | None) -> str | None:
    if given is not None and not given.strip():
        raise UsageProblem("--resume needs the key of the run, as it was printed.")
    return given


def _positive(name: str, given: str | None, *, whole: bool) -> float:
    default = 100 if name == "--max-rounds" else 30.0
    if given is None:
        return default
    try:
        number = int(given) if whole else float(given)
    except ValueError:
        number = 0
    if not 0 < number < float("inf"):
        kind = "a whole number" if whole else "a number"
        raise UsageProblem(f"{name} {given} does not fit: it takes {kind} above 0.")
    return number


def _json_object(given: str | None) -> dict[str, Any] | None:
    if given is None:
        return None
    try:
        value = json.loads(given)
    except ValueError as error:
        raise UsageProblem(f"--args is not JSON: {error}") from None
    if not isinstance(value, dict):
        raise UsageProblem('--args takes one JSON object, for example \'{"path": "."}\'.')
    return cast("dict[str, Any]", value)


class _Parser(argparse.ArgumentParser):
    """An argparse parser that reports in this host's own way."""

    def error(self, message: str) -> Any:
        raise UsageProblem(f"{message}. See inverted run --help.")


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(
        prog="inverted run",
        usage="inverted run TARGET [AGENT] [--name value ...] [options]\n"
        "       inverted run [AGENT] [--name value ...] [options] -- COMMAND [ARG ...]",
        description="Run an agent (a tool) of any MCP server, and answer what it asks: "
        "the model's turns by --model, the person's questions here.",
        epilog="TARGET is a Python file (server.py or server.py:object), a directory with a server,"
        "\na command ('npx -y some-server'), an installed command, or a URL.\n"
        "--name value pairs are arguments of the agent, converted by its schema; repeat a name or"
        "\nwrite JSON for lists. inverted run TARGET --help lists them.\n\n" + EXIT_CODES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
        add_help=False,
    )
    for option in OPTIONS:
        if option.metavar is None:
            parser.add_argument(option.name, action="store_true", help=option.help)
        else:
            parser.add_argument(
                option.name,
                metavar=option.metavar,
                action="append" if option.repeat else "store",
                help=option.help,
            )
    return parser
