"""`inverted pack`: what is in a bundle, what describes it, and what is refused."""

from __future__ import annotations

import io
import json
import subprocess
import sys
import tomllib
import zipfile
from collections.abc import Callable
from importlib.metadata import Distribution, version
from pathlib import Path
from typing import Any, Final

import jsonschema
import pytest

from inverted.cli.errors import CliError, ConnectionProblem, UsageProblem
from inverted.cli.packing import project as projects
from inverted.cli.packing import tools, wheels
from inverted.cli.packing.contents import contents
from inverted.cli.packing.manifest import Variable, archive
from inverted.cli.packing.project import Author, Project, from_installed, from_pyproject
from inverted.cli.packing.registry import LONGEST, server_json

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

SERVER: Final = '''\
"""Brews tea.

More about it.
"""
from fastmcp import FastMCP

server = FastMCP("tea")


@server.tool
def brew() -> str:
    """Brew a
    pot.

    It takes a while.
    """
    return "tea"


@server.tool
def pour() -> str:
    return "tea"
'''

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


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "tea.py").write_text(SERVER)
    return tmp_path


@pytest.fixture
def built(monkeypatch: pytest.MonkeyPatch) -> dict[str, Path]:
    """Wheels are not built but made up, and it is noted from where."""
    asked: dict[str, Path] = {}

    def build(name: str, directory: Path, into: Path) -> Path:
        asked[name] = directory
        wheel = into / f"{name.replace('-', '_')}-3.4-py3-none-any.whl"
        wheel.write_bytes(b"wheel of " + name.encode())
        return wheel

    monkeypatch.setattr(wheels, "build", build)
    return asked


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
    here: Path, built: dict[str, Path], host: Command
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
    assert files["src/tea.py"] == SERVER.encode()
    assert b"with_name('tea.py')), 'server'])" in files["src/main.py"]


def test_a_file_brings_the_dependencies_of_its_inline_block(here: Path) -> None:
    (here / "tea.py").write_text(
        f'# /// script\n# dependencies = ["six"]\n# ///\n{SERVER}', newline="\r\n"
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


def test_a_file_in_a_project_brings_what_the_project_says(here: Path) -> None:
    directory = project(here)
    (directory / "app.py").write_text(SERVER)
    found = contents(str(directory / "app.py"), [])
    assert found.project.name == "the-tea"
    assert found.requirements == ("attrs",)


def test_a_directory_with_a_server_file_is_packed_as_the_file(here: Path) -> None:
    folder = here / "my tea"
    folder.mkdir()
    (folder / "server.py").write_text(SERVER)
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
    here: Path, built: dict[str, Path], host: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    needs = 'import os\nassert os.environ["LEVEL"] == "info"\nos.environ["API_KEY"]\n'
    (here / "tea.py").write_text(needs + SERVER)
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


# What is refused


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["tea.py"], "a bundle names its author, and the project does not"),
        (["tea.py", "--secret", "K=v"], "a bundle goes to other people, so it takes no value"),
        (["tea.py", "--secret", "K", "--env", "K"], "K is given with --env and with --secret"),
        (["no-such-command"], "is no Python file, no directory and no command"),
        (["git"], "is no Python file, no directory and no command"),
        (["tea.py", "--author", "A", "--name", "a b"], "hosts accept letters"),
    ],
)
def test_a_command_line_that_does_not_fit_is_refused(
    here: Path, host: Command, built: dict[str, Path], options: list[str], said: str
) -> None:
    refused = host("pack", *options)
    assert refused.code == 2
    assert said in refused.err


@pytest.mark.parametrize(
    ("line", "named"),
    [
        ("import more", "more"),
        ("from more import it", "more"),
        ("import folder.x as y", "folder"),
        ("from . import more", r"\."),
        ("from .more import it", r"\.more"),
    ],
)
def test_a_file_that_needs_its_neighbours_is_refused(here: Path, line: str, named: str) -> None:
    (here / "more.py").write_text("")
    (here / "folder").mkdir()
    (here / "folder" / "__init__.py").write_text("")
    (here / "tea.py").write_text(f"import json\nimport other\n{line}\n")
    with pytest.raises(UsageProblem, match=f"imports {named} from its directory"):
        contents("tea.py", [])


def test_what_cannot_be_packed_is_refused(here: Path) -> None:
    for name, text in (("a.py", "def"), ("b.py", "# /// script\n# [\n# ///\n")):
        (here / name).write_text(text)
        with pytest.raises(ConnectionProblem, match="cannot read"):
            contents(name, [])
    with pytest.raises(ConnectionProblem, match=r"there is no file none\.py"):
        contents("none.py", [])
    with pytest.raises(ConnectionProblem, match="nothing to pack in"):
        contents(".", [])
    (here / "main.py").write_text(SERVER)
    with pytest.raises(UsageProblem, match=r"main\.py is the name of the bundle's own start"):
        contents("main.py", [])
    (here / "pyproject.toml").write_text("[")
    with pytest.raises(ConnectionProblem, match=r"cannot read .*pyproject\.toml"):
        contents(".", [])


def test_a_place_that_cannot_be_written_is_an_error(
    here: Path, host: Command, built: dict[str, Path]
) -> None:
    refused = host("pack", "tea.py", "--no-tools", "--author", "A", "-o", "none/x.mcpb")
    assert refused.code == 1
    assert "cannot write none/x.mcpb: No such file or directory" in refused.err


# What a project says about itself


def test_a_pyproject_in_older_forms_is_read(here: Path) -> None:
    directory = project(here, '[project]\nname = "a"\nlicense = {text = "MIT"}\n')
    found = from_pyproject(directory)
    assert found == Project("a", license="MIT")
    assert found is not None
    assert found.platforms == list(projects.PLATFORMS)
    (directory / "pyproject.toml").write_text('[project]\nname = "a"\nlicense = {file = "L"}\n')
    assert from_pyproject(directory) == Project("a")
    (directory / "pyproject.toml").write_text("[tool.x]\n")
    assert from_pyproject(directory) is None


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
    "tea", "1.0", "Brews.", Author("Ada"), urls={"repository": "https://github.com/ada/tea.git"}
)


def test_a_server_json_describes_the_bundle(
    here: Path, built: dict[str, Path], host: Command
) -> None:
    project(here)
    options = ["--registry", "server.json", "--secret", "KEY", "--env", "LEVEL=info"]
    done = host("pack", "project", "--no-tools", *options)
    assert "Wrote server.json. Put the bundle at\n" in done.out
    found = json.loads((here / "server.json").read_text())
    jsonschema.validate(found, SERVER_JSON)
    assert found["name"] == "io.github.ada/the-tea"
    assert found["repository"] == {"url": "https://github.com/ada/tea", "source": "github"}
    assert found["websiteUrl"] == "https://tea.example"
    (package,) = found["packages"]
    release = "https://github.com/ada/tea/releases/download/v1.2/the-tea-1.2.mcpb"
    assert package["identifier"] == release
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
