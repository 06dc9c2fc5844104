"""The dispatcher: picks a command, prints the one error that ends it, returns its exit code.

A command's module is imported when the command is chosen, and only then: `inverted --version`
and `inverted new` answer without loading the protocol and the live view.

Command lines are read with argparse. It is in the standard library and starts fast, and the
frameworks that come with FastMCP bring no help where this host is unusual: a tool's own arguments
are options that no parser knows before the server is asked (`options.split` sets them aside).
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from importlib import import_module
from typing import Final

from inverted import __version__
from inverted.cli.errors import CliError

COMMANDS: Final = {
    "run": ("inverted.cli.run", "run an agent of any MCP server in this terminal"),
    "runs": ("inverted.cli.runs", "list, read, cancel and replay the runs of a store"),
    "doctor": ("inverted.cli.doctor", "what each client can do for a server, and what to enable"),
    "install": ("inverted.cli.install", "install a server in a client: VS Code, Claude, Cursor, …"),
    "uninstall": ("inverted.cli.uninstall", "take an installed server out of a client again"),
    "pack": ("inverted.cli.pack", "make a bundle (.mcpb) of a server, for one-click installation"),
    "new": ("inverted.cli.new", "write a small agent server with a test, ready to run"),
}
"""Each command: the module whose `command(argv)` serves it, and what it does."""

EXIT_CODES: Final = """\
exit codes:
  0    the agent finished with a result
  1    the agent finished with a tool error
  2    the command line is wrong
  3    no connection: no such server, not an MCP server, or it went away
  4    this host could not answer the server (model failed, too many rounds)
  130  stopped with Ctrl-C
"""


def main(argv: Sequence[str] | None = None) -> int:
    """Run one `inverted` command line.

    Args:
        argv: The arguments after the program's name; those of this process by default.

    Returns:
        The exit code: 0 result, 1 tool error, 2 usage, 3 connection, 4 host, 130 interrupted.
    """
    given = list(sys.argv[1:] if argv is None else argv)
    try:
        if given and given[0] in COMMANDS:
            module, _ = COMMANDS[given[0]]
            code = int(import_module(module).command(given[1:]))
        else:
            code = _overview(given)
        sys.stdout.flush()
    except CliError as problem:
        sys.stderr.write(f"inverted: {problem.message}\n")
        sys.stderr.writelines(f"  {line}".rstrip() + "\n" for line in problem.details)
        return problem.exit_code
    except BrokenPipeError:
        # The reader of our output left (`inverted run … | head`). What is still buffered goes
        # nowhere, so that the interpreter does not stumble over it at its end.
        import_module("inverted.cli.screen").abandon(sys.stdout)
        return 1
    except SystemExit as leaving:  # argparse: 0 after --help, 2 after a wrong option
        return leaving.code if isinstance(leaving.code, int) else 2
    return code


def _overview(argv: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(
        prog="inverted",
        description="Run and write MCP servers that own the control flow.",
        epilog="inverted COMMAND --help tells more about one command.\n\n" + EXIT_CODES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("--version", action="version", version=f"inverted {__version__}")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND")
    for name, (_, purpose) in COMMANDS.items():
        commands.add_parser(name, help=purpose, add_help=False)
    parser.parse_args(argv)
    parser.print_help()
    return 0
