"""What describes a bundle: a project's metadata, its wheels, the server.json of the registry."""

from __future__ import annotations

import hashlib
import subprocess
from importlib.metadata import Distribution
from pathlib import Path
from typing import Final

import jsonschema
import pytest

from inverted.cli.errors import CliError, UsageProblem
from inverted.cli.packing import project as projects
from inverted.cli.packing import wheels
from inverted.cli.packing.manifest import Variable
from inverted.cli.packing.project import Author, Project, from_installed, from_pyproject
from inverted.cli.packing.registry import LONGEST, server_json

# The rules of the registry's schema of 2025-12-11 that a server.json of ours could break; what the
# published schema and the official validator say is checked by scripts/pack-check.
URI: Final = {"type": "string", "pattern": "^https://"}
SERVER_JSON: Final = {
    "type": "object",
    "required": ["$schema", "name", "description", "version", "packages"],
    "additionalProperties": False,
    "properties": {
        "$schema": {
            "const": "https://static.modelcontextprotocol.io/schemas/2025-12-11/server.schema.json"
        },
        "name": {"type": "string", "pattern": "^[a-zA-Z0-9.-]+/[a-zA-Z0-9._-]+$", "maxLength": 200},
        "description": {"type": "string", "minLength": 1, "maxLength": 100},
        "version": {"type": "string", "minLength": 1, "maxLength": 255},
        "websiteUrl": URI,
        "repository": {
            "type": "object",
            "required": ["url", "source"],
            "properties": {"url": URI, "source": {"type": "string"}},
        },
        "packages": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["registryType", "identifier", "transport", "fileSha256"],
                "properties": {
                    "registryType": {"const": "mcpb"},
                    "identifier": URI,
                    "fileSha256": {"type": "string", "pattern": "^[a-f0-9]{64}$"},
                    "transport": {"const": {"type": "stdio"}},
                    "environmentVariables": {
                        "type": "array",
                        "items": {
                            "type": "object",
                            "required": ["name"],
                            "properties": {
                                "isRequired": {"type": "boolean"},
                                "isSecret": {"type": "boolean"},
                                "default": {"type": "string"},
                            },
                        },
                    },
                },
            },
        },
    },
}


# What a project says about itself


def test_a_pyproject_in_older_forms_is_read(tmp_path: Path) -> None:
    file = tmp_path / "pyproject.toml"
    file.write_text('[project]\nname = "a"\nlicense = {text = "MIT"}\n')
    found = from_pyproject(tmp_path)
    assert found == Project("a", license="MIT")
    assert found is not None
    assert found.platforms == list(projects.PLATFORMS)
    file.write_text('[project]\nname = "a"\nlicense = {file = "L"}\n')
    assert from_pyproject(tmp_path) == Project("a")
    file.write_text("[tool.x]\n")
    assert from_pyproject(tmp_path) is None


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        ("Author: Ada\n", Author("Ada")),
        ("Author-email: Ada <ada@example.org>\n", Author("Ada", "ada@example.org")),
        ('Author-email: "Ada L" <ada@example.org>\n', Author("Ada L", "ada@example.org")),
        ("Author-email: <ada@example.org>\n", Author("ada@example.org", "ada@example.org")),
        ("Author-email: ada@example.org\n", None),
    ],
)
def test_the_metadata_of_an_installed_package_is_read(
    tmp_path: Path, lines: str, expected: Author | None
) -> None:
    info = tmp_path / "tea-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(
        "Metadata-Version: 2.1\nName: tea\nVersion: 1.0\nKeywords: hot, leaf\n"
        f"Project-URL: Source, https://github.com/ada/tea\n{lines}"
    )
    found = from_installed(Distribution.at(info))
    assert (found.name, found.version, found.author) == ("tea", "1.0", expected)
    assert found.keywords == ("hot", "leaf")
    assert found.repository == "https://github.com/ada/tea"


# Wheels


def uv(folder: Path, monkeypatch: pytest.MonkeyPatch, body: str) -> None:
    """A uv that does something simple. Its arguments: build --wheel --quiet --out-dir INTO DIR."""
    folder.mkdir()
    (folder / "uv").write_text(f'#!/bin/sh\nmkdir -p "$5"\n{body}\n')
    (folder / "uv").chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}:/usr/bin:/bin")


def test_a_wheel_is_built_by_uv_with_a_fixed_date(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    uv(tmp_path / "bin", monkeypatch, 'echo "$SOURCE_DATE_EPOCH $6" > "$5/a-1-py3-none-any.whl"')
    wheel = wheels.build("a", Path("/src/a"), tmp_path)
    assert wheel.read_text() == "315532800 /src/a\n"


def test_a_wheel_that_cannot_be_built_is_an_error_with_what_uv_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    uv(tmp_path / "bin", monkeypatch, "echo 'no backend' >&2; exit 2")
    with pytest.raises(CliError, match="a cannot be built") as caught:
        wheels.build("a", Path("/src/a"), tmp_path)
    assert caught.value.details == ("no backend",)


def test_a_wheel_for_one_platform_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    uv(tmp_path / "bin", monkeypatch, 'echo > "$5/a-1-cp311-cp311-linux_x86_64.whl"')
    with pytest.raises(CliError, match="runs on this platform only"):
        wheels.build("a", Path("/src/a"), tmp_path)


def test_a_build_that_does_not_end_is_given_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    uv(tmp_path / "bin", monkeypatch, "true")

    def hangs(*_: object, **__: object) -> None:
        raise subprocess.TimeoutExpired("uv", 300)

    monkeypatch.setattr(subprocess, "run", hangs)
    with pytest.raises(CliError, match="took longer than 300 s"):
        wheels.build("a", Path("/src/a"), tmp_path)


# The registry

TEA: Final = Project(
    "tea",
    "1.0",
    "Brews.",
    Author("Ada"),
    urls={"repository": "https://github.com/ada/tea.git", "homepage": "https://tea.example"},
)


def test_a_server_json_describes_the_bundle() -> None:
    asked = [Variable("KEY", secret=True), Variable("LEVEL", default="info")]
    found = server_json(TEA, asked, b"bundle", "tea-1.0.mcpb")
    jsonschema.validate(found, SERVER_JSON)
    assert found["name"] == "io.github.ada/tea"
    assert found["repository"] == {"url": "https://github.com/ada/tea.git", "source": "github"}
    assert found["websiteUrl"] == "https://tea.example"
    (package,) = found["packages"]
    release = "https://github.com/ada/tea/releases/download/v1.0/tea-1.0.mcpb"
    assert package["identifier"] == release
    assert package["fileSha256"] == hashlib.sha256(b"bundle").hexdigest()
    assert [each["isSecret"] for each in package["environmentVariables"]] == [True, False]
    assert package["environmentVariables"][1]["default"] == "info"


def test_a_server_json_without_a_repository_on_github() -> None:
    elsewhere = Project("tea", "1.0", urls={"source": "https://gitlab.com/ada/tea"})
    found = server_json(
        elsewhere, [Variable("K")], b"", "x", namespace="org.tea", url="https://tea.example/x.mcpb"
    )
    jsonschema.validate(found, SERVER_JSON)
    assert found["repository"]["source"] == "gitlab"
    assert found["description"] == "MCP server tea"
    nowhere = server_json(
        Project("tea", "1.0"), [], b"", "x", namespace="org.tea", url="https://tea.example/x"
    )
    assert "repository" not in nowhere
    own = Project("tea", "1.0", urls={"source": "https://git.tea.example/tea"})
    other = server_json(own, [], b"", "x", namespace="org.tea", url="https://tea.example/x")
    assert other["repository"]["source"] == "git"


@pytest.mark.parametrize(
    ("known", "namespace", "url", "said"),
    [
        (Project("tea", "1"), None, "https://t/x", "it is not known which namespace is yours"),
        (Project("tea", "1"), "org.tea", None, "it is not known where the bundle will be"),
        (TEA, "a/b", None, "is no name in reverse-DNS form"),
        (TEA, None, "http://tea.example/x", "is no https address"),
    ],
)
def test_a_server_json_that_nobody_could_use_is_refused(
    known: Project, namespace: str | None, url: str | None, said: str
) -> None:
    with pytest.raises(UsageProblem, match=said):
        server_json(known, [], b"", "x", namespace=namespace, url=url)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a" * LONGEST, "a" * LONGEST),
        ("a" * (LONGEST + 1), "a" * LONGEST),
        ("One sentence. " + "b" * LONGEST, "One sentence."),
        ("word, " * 20, "word, " * 16 + "…"),
    ],
)
def test_a_long_description_is_shortened(text: str, expected: str) -> None:
    found = server_json(Project("tea", "1", text, urls=TEA.urls), [], b"", "x")
    assert found["description"].replace("…", "").rstrip(", ") == expected.replace("…", "").rstrip(
        ", "
    )
    jsonschema.validate(found, SERVER_JSON)
