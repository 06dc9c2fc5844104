"""The server.json with which a bundle is published in the MCP registry.

Its form is the schema of 2025-12-11, the newest that was released when this was written
(modelcontextprotocol/registry, docs/reference/server-json/CHANGELOG.md, read on 2026-11-21).
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from typing import Any, Final

from inverted.cli.errors import UsageProblem
from inverted.cli.packing.manifest import Variable
from inverted.cli.packing.project import Project

SCHEMA: Final = "https://static.modelcontextprotocol.io/schemas/2025-12-11/server.schema.json"
LONGEST: Final = 100
"""Characters of a description."""

_GITHUB: Final = re.compile(r"https://github\.com/([\w.-]+)/([\w.-]+?)(?:\.git)?/?")
_FORGES: Final = ("github", "gitlab")
_NAMESPACE: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9.-]*")


def server_json(
    project: Project,
    variables: Sequence[Variable],
    bundle: bytes,
    file: str,
    *,
    namespace: str | None = None,
    url: str | None = None,
) -> dict[str, Any]:
    """What the registry has to know.

    Args:
        project: What is bundled.
        variables: What the person is asked for.
        bundle: The bundle.
        file: What it is called.
        namespace: The publisher's name in reverse-DNS form; that of a GitHub repository by default.
        url: Where the bundle can be loaded from; a release of the repository by default.

    Raises:
        UsageProblem: The namespace or the address is not known, or is not one.
    """
    on_github = _GITHUB.fullmatch(project.repository or "")
    if namespace is None:
        if on_github is None:
            raise UsageProblem(_unknown("which namespace is yours", "--namespace io.github.NAME"))
        namespace = f"io.github.{on_github[1]}"
    if not _NAMESPACE.fullmatch(namespace):
        raise UsageProblem(
            f"--namespace {namespace!r} is no name in reverse-DNS form: io.github.ada"
        )
    if url is None:
        if on_github is None:
            raise UsageProblem(_unknown("where the bundle will be", "--url URL"))
        owner, repository = on_github.groups()
        release = f"{owner}/{repository}/releases/download/v{project.version}"
        url = f"https://github.com/{release}/{file}"
    if not url.startswith("https://"):
        raise UsageProblem(
            f"--url {url!r} is no https address. Clients load the bundle from there."
        )
    found: dict[str, Any] = {
        "$schema": SCHEMA,
        "name": f"{namespace}/{project.name}",
        "description": _shortened(project.description or f"MCP server {project.name}"),
        "version": project.version,
    }
    if project.repository is not None:
        source = next((each for each in _FORGES if f"//{each}.com/" in project.repository), "git")
        found["repository"] = {"url": project.repository, "source": source}
    homepage = project.url("homepage", "documentation")
    if homepage is not None:
        found["websiteUrl"] = homepage
    package: dict[str, Any] = {
        "registryType": "mcpb",
        "identifier": url,
        "version": project.version,
        "fileSha256": hashlib.sha256(bundle).hexdigest(),
        "transport": {"type": "stdio"},
    }
    if variables:
        package["environmentVariables"] = [
            {
                "name": each.name,
                "description": f"The variable {each.name} of {project.name}",
                "isRequired": each.default is None,
                "isSecret": each.secret,
            }
            | ({} if each.default is None else {"default": each.default})
            for each in variables
        ]
    return found | {"packages": [package]}


def _unknown(what: str, option: str) -> str:
    return (
        f"--registry: it is not known {what}. Name the repository on GitHub under [project.urls] "
        f"in pyproject.toml, or say it with {option}."
    )


def _shortened(text: str) -> str:
    """At most as many characters as the registry takes: whole sentences, else whole words."""
    if len(text) <= LONGEST:
        return text
    start = text[:LONGEST]
    sentence = start.rfind(". ")
    if sentence > 0:
        return text[: sentence + 1]
    return start[: start.rfind(" ", 0, LONGEST - 1)].rstrip(",;: ") + "…" if " " in start else start
