"""The files that describe a bundle, and the bundle itself.

The manifest is of version 0.4 (MANIFEST.md of the npm package `@anthropic-ai/mcpb` 2.1.2, read on
2026-11-21), whose server type `uv` leaves Python and the packages to the host. Its
validator wants `mcp_config` as well, which hosts without that type can run.
"""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from inverted.cli.packing.project import Project

MANIFEST_VERSION: Final = "0.4"
ENTRY: Final = "src/main.py"

_DATE: Final = (1980, 1, 1, 0, 0, 0)
_MODE: Final = 0o644 << 16
_UNIX: Final = 3


@dataclass(frozen=True)
class Variable:
    """A variable that the person who installs the bundle is asked for.

    Attributes:
        name: The variable.
        secret: Whether its value is kept where secrets are.
        default: What it is without an answer; without a default an answer is required.
    """

    name: str
    secret: bool = False
    default: str | None = None


def manifest(
    project: Project,
    variables: Sequence[Variable],
    tools: Sequence[Mapping[str, str]] | None,
    args: Sequence[str] = (),
) -> dict[str, Any]:
    """The manifest.

    Args:
        project: What is bundled; it has a version and an author.
        variables: What the host asks the person for.
        tools: The server's tools, None if they are not known.
        args: Arguments for the server.
    """
    assert project.author is not None  # noqa: S101 - the command has seen to it
    author = {"name": project.author.name}
    if project.author.email is not None:
        author["email"] = project.author.email
    found: dict[str, Any] = {
        "manifest_version": MANIFEST_VERSION,
        "name": project.name,
        "version": project.version,
        "description": project.description or f"MCP server {project.name}",
        "author": author,
    }
    if project.repository is not None:
        found["repository"] = {"type": "git", "url": project.repository}
    for key, labels in _LINKS.items():
        url = project.url(*labels)
        if url is not None:
            found[key] = url
    config: dict[str, Any] = {
        "command": "uv",
        "args": ["run", "--directory", "${__dirname}", ENTRY, *args],
    }
    if variables:
        config["env"] = {each.name: f"${{user_config.{each.name}}}" for each in variables}
    found["server"] = {"type": "uv", "entry_point": ENTRY, "mcp_config": config}
    if tools is None:
        found["tools_generated"] = True
    else:
        found["tools"] = [dict(tool) for tool in tools]
    if project.keywords:
        found["keywords"] = list(project.keywords)
    if project.license is not None:
        found["license"] = project.license
    found["compatibility"] = {
        "platforms": project.platforms,
        "runtimes": {"python": project.python},
    }
    if variables:
        found["user_config"] = {each.name: _option(each, project) for each in variables}
    return found


_LINKS: Final = {
    "homepage": ("homepage",),
    "documentation": ("documentation", "docs"),
    "support": ("issues", "bug tracker", "bugs", "support"),
}


def _option(variable: Variable, project: Project) -> dict[str, Any]:
    found: dict[str, Any] = {
        "type": "string",
        "title": variable.name,
        "description": f"The variable {variable.name} of {project.name}",
        "required": variable.default is None,
    }
    if variable.secret:
        found["sensitive"] = True
    if variable.default is not None:
        found["default"] = variable.default
    return found


def pyproject(project: Project, requirements: Sequence[str], wheels: Mapping[str, str]) -> str:
    """The pyproject.toml from which uv makes the environment.

    Args:
        project: What is bundled.
        requirements: What comes from an index.
        wheels: What is in the bundle, by the name of the package.
    """
    # Strings and lists of strings are written in TOML as in JSON.
    lines = [
        "[project]",
        f"name = {json.dumps(f'{project.name}-bundle')}",
        f"version = {json.dumps(project.version)}",
        f"requires-python = {json.dumps(project.python)}",
        f"dependencies = {json.dumps([*wheels, *requirements])}",
        "",
        "[tool.uv]",
        "package = false",
    ]
    if wheels:
        lines += ["", "[tool.uv.sources]"]
        lines += [
            f"{json.dumps(name)} = {{ path = {json.dumps(path)} }}" for name, path in wheels.items()
        ]
    return "\n".join([*lines, ""])


def archive(files: Mapping[str, bytes]) -> bytes:
    """A zip archive with the same bytes for the same files, on every machine.

    Nothing is compressed: wheels are already, and compressors differ from version to version.
    """
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w", zipfile.ZIP_STORED) as bundle:
        for name, content in sorted(files.items()):
            entry = zipfile.ZipInfo(name, _DATE)
            entry.external_attr = _MODE
            entry.create_system = _UNIX
            bundle.writestr(entry, content)
    return held.getvalue()
