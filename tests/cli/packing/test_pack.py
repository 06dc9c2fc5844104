"""`inverted pack`: what is in a bundle, what describes it, and what is refused."""

from __future__ import annotations

import hashlib
import io
import json
import sys
import tomllib
import zipfile
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final

import pytest

from inverted.cli.errors import ConnectionProblem
from inverted.cli.packing import tools
from inverted.cli.packing.contents import contents
from inverted.cli.packing.manifest import archive
from inverted.cli.packing.project import Project

Command = Callable[..., Any]

PROJECT: Final = """\
[project]
name = "the-tea"
version = "1.2"
description = "Brews tea."
requires-python = ">=3.12"
license = "MIT"
keywords = ["tea"]
authors = [{email = "nobody@example.org"}, {name = "Ada", email = "ada@example.org"}]
classifiers = ["Operating System :: POSIX :: Linux", "Operating System :: MacOS"]
dependencies = ["inverted>=0.1", "attrs"]

[project.scripts]
other = "tea.more:app.run"
the-tea = "tea.server:main"

[project.urls]
Repository = "https://github.com/ada/tea"
Homepage = "https://tea.example"
Documentation = "https://tea.example/docs"
Issues = "https://tea.example/issues"
"""


def project(here: Path, text: str = PROJECT) -> Path:
    directory = here / "project"
    directory.mkdir()
    (directory / "pyproject.toml").write_text(text)
    return directory


def opened(path: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(path) as bundle:
        assert bundle.testzip() is None
        return {name: bundle.read(name) for name in bundle.namelist()}


def read(path: Path) -> tuple[Any, Any, dict[str, bytes]]:
    files = opened(path)
    return (
        json.loads(files["manifest.json"]),
        tomllib.loads(files["pyproject.toml"].decode()),
        files,
    )


# What is in a bundle


def test_a_project_is_packed_as_a_wheel_with_what_it_says_about_itself(
    here: Path, host: Command, built: dict[str, Path]
) -> None:
    directory = project(here)
    done = host("pack", "project", "--no-tools", "--", "--fast")
    assert (done.code, done.err) == (0, "")
    manifest, pyproject, files = read(here / "the-tea-1.2.mcpb")
    assert built["the-tea"] == directory
    assert manifest == {
        "manifest_version": "0.4",
        "name": "the-tea",
        "version": "1.2",
        "description": "Brews tea.",
        "author": {"name": "Ada", "email": "ada@example.org"},
        "repository": {"type": "git", "url": "https://github.com/ada/tea"},
        "homepage": "https://tea.example",
        "documentation": "https://tea.example/docs",
        "support": "https://tea.example/issues",
        "server": {
            "type": "uv",
            "entry_point": "src/main.py",
            "mcp_config": {
                "command": "uv",
                "args": ["run", "--directory", "${__dirname}", "src/main.py", "--fast"],
            },
        },
        "tools_generated": True,
        "keywords": ["tea"],
        "license": "MIT",
        "compatibility": {"platforms": ["darwin", "linux"], "runtimes": {"python": ">=3.12"}},
    }
    assert pyproject["project"] == {
        "name": "the-tea-bundle",
        "version": "1.2",
        "requires-python": ">=3.12",
        "dependencies": ["inverted", "the-tea"],
    }
    sources = pyproject["tool"]["uv"]["sources"]
    assert sources["the-tea"] == {"path": "wheels/the_tea-3.4-py3-none-any.whl"}
    assert files["wheels/the_tea-3.4-py3-none-any.whl"] == b"wheel of the-tea"
    assert b"from tea.server import main\n\nsys.exit(main())" in files["src/main.py"]
    assert "found by the host" in done.out


def test_what_is_installed_from_a_directory_goes_in_as_a_wheel(
    here: Path, built: dict[str, Path], host: Command
) -> None:
    project(here)
    host("pack", "project", "--no-tools", "--with", "six>=1")
    _, pyproject, _ = read(here / "the-tea-1.2.mcpb")
    # This repository is installed from its directory; attrs and six are on an index.
    assert set(built) == {"the-tea", "inverted"}
    assert pyproject["project"]["dependencies"] == ["inverted", "the-tea", "six>=1"]


def test_a_command_of_a_project_is_packed_like_the_project(
    here: Path, built: dict[str, Path], host: Command
) -> None:
    done = host("pack", "inverted-code-review", "--no-tools", "--author", "Ada", "-o", "x.mcpb")
    assert done.code == 0
    manifest, _, files = read(here / "x.mcpb")
    assert manifest["name"] == "inverted-code-review"
    assert manifest["author"] == {"name": "Ada"}
    assert set(built) == {"inverted", "inverted-code-review"}
    assert b"from inverted_code_review.__main__ import main" in files["src/main.py"]


def test_a_command_of_a_published_package_is_named(
    here: Path, built: dict[str, Path], host: Command
) -> None:
    assert host("pack", "hypothesis", "--no-tools", "--name", "fast", "-o", "x.mcpb").code == 0
    manifest, pyproject, files = read(here / "x.mcpb")
    assert built == {}
    assert "tool" in pyproject
    assert "sources" not in pyproject["tool"]["uv"]
    assert pyproject["project"]["dependencies"] == [f"hypothesis=={version('hypothesis')}"]
    assert manifest["name"] == "fast"
    assert manifest["version"] == version("hypothesis")
    assert b"from hypothesis.extra.cli import main" in files["src/main.py"]


def test_a_file_is_packed_with_its_tools_listed(
    here: Path, source: str, built: dict[str, Path], host: Command
) -> None:
    done = host("pack", "tea.py:server", "--author", "Ada")
    assert (done.code, done.err) == (0, "")
    assert "  tools   brew, pour\n" in done.out
    assert "2 tools listed. Open the file with Claude Desktop to install it." in done.out
    manifest, pyproject, files = read(here / "tea-0.0.0.mcpb")
    assert manifest["tools"] == [
        {"name": "brew", "description": "Brew a pot."},
        {"name": "pour"},
    ]
    assert manifest["description"] == "Brews tea."
    assert pyproject["project"]["dependencies"] == ["inverted"]
    assert files["src/tea.py"] == source.encode()
    assert b"with_name('tea.py')), 'server'])" in files["src/main.py"]


def test_a_file_brings_the_dependencies_of_its_inline_block(here: Path, source: str) -> None:
    (here / "tea.py").write_text(
        f'# /// script\n# dependencies = ["six"]\n# ///\n{source}', newline="\r\n"
    )
    found = contents("tea.py", ["attrs"])
    assert found.requirements == ("six", "attrs")
    assert set(found.local) == {"inverted"}


def test_what_came_from_an_address_is_asked_for_by_name(
    here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    info = here / "site" / "far-1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: far\nVersion: 1.0\n")
    (info / "direct_url.json").write_text('{"url": "https://far.example/far.zip"}')
    monkeypatch.setattr(sys, "path", [str(here / "site"), *sys.path])
    found = contents("tea.py", ["far"])
    assert found.requirements == ("far",)
    assert set(found.local) == {"inverted"}


def test_a_file_in_a_project_brings_what_the_project_says(here: Path, source: str) -> None:
    directory = project(here)
    (directory / "app.py").write_text(source)
    found = contents(str(directory / "app.py"), [])
    assert found.project.name == "the-tea"
    assert found.requirements == ("attrs",)


def test_a_directory_with_a_server_file_is_packed_as_the_file(here: Path, source: str) -> None:
    folder = here / "my tea"
    folder.mkdir()
    (folder / "server.py").write_text(source)
    found = contents(str(folder), [])
    assert found.project == Project("my-tea", "0.0.0", "Brews tea.")
    assert set(found.files) == {"main.py", "server.py"}


def test_the_only_command_of_a_project_is_its_server(here: Path) -> None:
    directory = project(here, PROJECT.replace('the-tea = "tea.server:main"\n', ""))
    main = contents(str(directory), []).files["main.py"]
    assert b"from tea.more import app\n\nsys.exit(app.run())" in main


def test_a_version_that_the_build_decides_is_that_of_the_wheel(
    here: Path, built: dict[str, Path], host: Command
) -> None:
    project(here, PROJECT.replace('version = "1.2"\n', ""))
    host("pack", "project", "--no-tools")
    assert read(here / "the-tea-3.4.mcpb")[0]["version"] == "3.4"


def test_the_same_input_gives_the_same_bytes(
    here: Path, built: dict[str, Path], host: Command
) -> None:
    host("pack", "tea.py", "--no-tools", "--author", "Ada", "-o", "a.mcpb")
    host("pack", "tea.py", "--no-tools", "--author", "Ada", "-o", "b.mcpb")
    assert (here / "a.mcpb").read_bytes() == (here / "b.mcpb").read_bytes()
    assert sorted(each.name for each in here.iterdir()) == ["a.mcpb", "b.mcpb", "tea.py"]


def test_an_archive_says_nothing_of_the_machine_that_made_it() -> None:
    first = archive({"b": b"2", "a": b"1"})
    assert first == archive({"a": b"1", "b": b"2"})
    for entry in zipfile.ZipFile(io.BytesIO(first)).infolist():
        assert entry.date_time == (1980, 1, 1, 0, 0, 0)
        assert (entry.external_attr >> 16, entry.create_system) == (0o644, 3)


def test_a_server_json_is_written_for_the_bundle(
    here: Path, built: dict[str, Path], host: Command
) -> None:
    project(here)
    done = host("pack", "project", "--no-tools", "--registry", "server.json")
    release = "https://github.com/ada/tea/releases/download/v1.2/the-tea-1.2.mcpb"
    assert f"Wrote server.json. Put the bundle at\n  {release}\n" in done.out
    (package,) = json.loads((here / "server.json").read_text())["packages"]
    bundle = (here / "the-tea-1.2.mcpb").read_bytes()
    assert package["fileSha256"] == hashlib.sha256(bundle).hexdigest()
    assert package["identifier"] == release


# Variables


def test_variables_are_asked_for_by_the_host(
    here: Path, built: dict[str, Path], host: Command
) -> None:
    options = ["--secret", "API_KEY", "--env", "LEVEL=info", "--env", "PLACE"]
    done = host("pack", "tea.py", "--author", "Ada", "--no-tools", *options)
    assert "  asks    API_KEY (secret), LEVEL, PLACE\n" in done.out
    manifest, _, _ = read(here / "tea-0.0.0.mcpb")
    assert manifest["server"]["mcp_config"]["env"] == {
        "API_KEY": "${user_config.API_KEY}",
        "LEVEL": "${user_config.LEVEL}",
        "PLACE": "${user_config.PLACE}",
    }
    about = {"type": "string", "description": "The variable {} of tea"}
    expected = {
        "API_KEY": {"required": True, "sensitive": True},
        "LEVEL": {"required": False, "default": "info"},
        "PLACE": {"required": True},
    }
    assert manifest["user_config"] == {
        name: {
            **about,
            "title": name,
            "description": f"The variable {name} of tea",
            **rest,
        }
        for name, rest in expected.items()
    }


def test_a_server_that_needs_its_variables_gets_those_of_the_shell(
    here: Path, source: str, built: dict[str, Path], host: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    needs = 'import os\nassert os.environ["LEVEL"] == "info"\nos.environ["API_KEY"]\n'
    (here / "tea.py").write_text(needs + source)
    line = ("pack", "tea.py", "--author", "Ada", "--secret", "API_KEY", "--env", "LEVEL=info")
    monkeypatch.delenv("API_KEY", raising=False)
    refused = host(*line)
    assert refused.code == 3
    assert "the server did not tell its tools" in refused.err
    assert "KeyError: 'API_KEY'" in refused.err
    assert not (here / "tea-0.0.0.mcpb").exists()
    monkeypatch.setenv("API_KEY", "hunter22")
    assert host(*line).code == 0
    assert b"hunter22" not in (here / "tea-0.0.0.mcpb").read_bytes()


def test_a_program_that_is_not_there_tells_no_tools(here: Path) -> None:
    with pytest.raises(ConnectionProblem, match="did not tell its tools"):
        tools.listed(("/no/such/program",), {})
