"""`inverted pack TARGET`: makes a bundle (.mcpb) that a host installs with one click.

It holds wheels of what no index has, and names the rest; the host's uv makes the environment. The
same input gives the same bytes. Called by `main`.
"""

from __future__ import annotations

import argparse
import json
import os
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from rich.text import Text

from inverted.cli.errors import CliError, UsageProblem
from inverted.cli.installing.launch import Wishes, checked_name, env_values, launch
from inverted.cli.installing.options import split
from inverted.cli.installing.report import short
from inverted.cli.packing import wheels
from inverted.cli.packing.contents import Contents, contents
from inverted.cli.packing.manifest import Variable, archive, manifest, pyproject
from inverted.cli.packing.project import Author, Project
from inverted.cli.packing.registry import server_json
from inverted.cli.packing.tools import listed
from inverted.cli.screen import open_console, quiet_libraries
from inverted.cli.text import count


@dataclass(frozen=True)
class Bundle:
    """A finished bundle.

    Attributes:
        project: What is in it, with its version.
        content: Its bytes.
        manifest: What its manifest says.
        wheels: The wheels in it.
    """

    project: Project
    content: bytes
    manifest: dict[str, Any]
    wheels: tuple[str, ...]


def command(argv: Sequence[str]) -> int:
    """Serve `inverted pack`.

    Args:
        argv: What stands after `pack`.

    Returns:
        0.

    Raises:
        CliError: It cannot be packed, or the command line does not fit.
    """
    options, arguments = _read(argv)
    quiet_libraries()
    variables = _variables(options)
    inside = contents(options.target, tuple(vars(options)["with"]))
    inside = replace(inside, project=_named(inside.project, options))
    tools = None
    if not options.no_tools:
        wishes = Wishes(tuple(vars(options)["with"]), args=arguments)
        tools = listed(launch(options.target, wishes).argv, _values(variables))
    bundle = make(inside, variables, tools, arguments)
    output = Path(options.output or f"{bundle.project.name}-{bundle.project.version}.mcpb")
    _write(output, bundle.content)
    _print(bundle, output)
    if options.registry is not None:
        described = server_json(
            bundle.project,
            variables,
            bundle.content,
            output.name,
            namespace=options.namespace,
            url=options.url,
        )
        registry = Path(options.registry)
        _write(registry, (json.dumps(described, indent=2) + "\n").encode())
        _say(f"Wrote {short(registry)}. Put the bundle at")
        _say(f"  {described['packages'][0]['identifier']}")
        _say("then run `mcp-publisher publish`.")
    return 0


def make(
    inside: Contents,
    variables: Sequence[Variable],
    tools: Sequence[dict[str, str]] | None,
    arguments: Sequence[str] = (),
) -> Bundle:
    """Make a bundle.

    Args:
        inside: What goes in.
        variables: What the person who installs it is asked for.
        tools: The server's tools, None if they are not known.
        arguments: Arguments for the server.

    Raises:
        CliError: A wheel cannot be built.
    """
    files = {f"src/{name}": content for name, content in inside.files.items()}
    paths: dict[str, str] = {}
    project = inside.project
    with tempfile.TemporaryDirectory() as folder:
        for name, directory in sorted(inside.local.items()):
            wheel = wheels.build(name, directory, Path(folder))
            paths[name] = f"wheels/{wheel.name}"
            files[paths[name]] = wheel.read_bytes()
            if name == project.name and not project.version:
                project = replace(project, version=wheel.name.split("-")[1])
    said = manifest(project, variables, tools, arguments)
    files["manifest.json"] = (json.dumps(said, indent=2, ensure_ascii=False) + "\n").encode()
    files["pyproject.toml"] = pyproject(project, inside.requirements, paths).encode()
    return Bundle(project, archive(files), said, tuple(paths.values()))


def _read(argv: Sequence[str]) -> tuple[argparse.Namespace, tuple[str, ...]]:
    own, server = split(argv)
    parser = argparse.ArgumentParser(
        prog="inverted pack",
        description="Make a bundle (.mcpb) that a host installs with one click.",
        epilog="Arguments after a bare -- go to the server.",
        allow_abbrev=False,
    )
    add = parser.add_argument
    add(
        "target",
        metavar="TARGET",
        help="server.py, server.py:object, a project directory, or an installed command",
    )
    add("-o", "--output", metavar="FILE", help="the bundle; NAME-VERSION.mcpb here by default")
    add("--name", metavar="N", help="what the bundle is called")
    add("--author", metavar="A", help="who made it, if pyproject.toml does not say")
    for option, metavar, about in (
        ("--secret", "K", "a variable that the host asks for and keeps with its secrets"),
        ("--env", "K[=V]", "a variable that the host asks for; V is what it is by default"),
        ("--with", "PKG", "a package that the server needs"),
    ):
        add(option, metavar=metavar, action="append", default=[], help=about)
    add("--no-tools", action="store_true", help="do not start the server to list its tools")
    add("--registry", metavar="FILE", help="write a server.json for the MCP registry too")
    add("--namespace", metavar="NS", help="your name in the registry: io.github.ada")
    add("--url", metavar="URL", help="where the bundle will be; a GitHub release by default")
    return parser.parse_args(own), server


def _variables(options: argparse.Namespace) -> list[Variable]:
    secrets = env_values(options.secret, "--secret")
    given = [name for name, value in secrets.items() if value is not None]
    if given:
        raise UsageProblem(
            f"--secret {given[0]}: a bundle goes to other people, so it takes no value. The host "
            "asks whoever installs it."
        )
    plain = env_values(options.env, "--env")
    for name in plain.keys() & secrets.keys():
        raise UsageProblem(f"{name} is given with --env and with --secret. Leave one out.")
    return [
        *(Variable(name, secret=True) for name in secrets),
        *(Variable(name, default=value) for name, value in plain.items()),
    ]


def _values(variables: Sequence[Variable]) -> dict[str, str]:
    """The variables for listing the tools: those of this shell, else the defaults."""
    found = {each.name: os.environ.get(each.name, each.default) for each in variables}
    return {name: value for name, value in found.items() if value is not None}


def _named(project: Project, options: argparse.Namespace) -> Project:
    if options.name is not None:
        project = replace(project, name=checked_name(options.name))
    if options.author is not None:
        project = replace(project, author=Author(options.author))
    if project.author is None:
        raise UsageProblem(
            "a bundle names its author, and the project does not. Add authors to pyproject.toml, "
            "or write --author NAME."
        )
    return project


def _write(path: Path, content: bytes) -> None:
    fresh = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        fresh.write_bytes(content)
        fresh.replace(path)
    except OSError as error:
        fresh.unlink(missing_ok=True)
        raise CliError(
            f"cannot write {path}: {error.strerror}. Name another place with -o."
        ) from error


def _print(bundle: Bundle, output: Path) -> None:
    size = len(bundle.content) / 1024
    _say(f"Packed {bundle.project.name} {bundle.project.version}: {short(output)} ({size:.0f} KiB)")
    tools = bundle.manifest.get("tools")
    names = "found by the host" if tools is None else ", ".join(each["name"] for each in tools)
    rows = [("tools", names)]
    rows += (
        [("asks", ", ".join(_asked(bundle.manifest)))] if "user_config" in bundle.manifest else []
    )
    rows += [("wheel", each.partition("/")[2]) for each in bundle.wheels]
    for name, value in rows:
        _say(value, f"  {name:<7} ")
    if tools is not None:
        _say(
            f"{count(len(tools), 'tool')} listed. Open the file with Claude Desktop to install it."
        )
    else:
        _say("Open the file with Claude Desktop to install it.")


def _asked(said: dict[str, Any]) -> list[str]:
    options: dict[str, dict[str, Any]] = said["user_config"]
    return [
        f"{each['title']} (secret)" if each.get("sensitive") else str(each["title"])
        for each in options.values()
    ]


def _say(text: str, label: str = "") -> None:
    open_console(stderr=False).print(Text.assemble((label, "dim"), text), soft_wrap=True)
