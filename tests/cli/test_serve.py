"""Finding the server in a Python file, and serving it.

A stand-in bears the name of FastMCP's class, which is what a server is known by, and notes that it
was run: nothing has to be started.
"""

from __future__ import annotations

import builtins
import sys
from pathlib import Path

import pytest

from inverted.cli import serve

STAND_IN = """
import builtins

class FastMCP:
    def __init__(self, name): self.name = name
    def run(self): builtins.served.append(self.name)

FastMCP.__module__ = "fastmcp.server.server"
"""


@pytest.fixture(autouse=True)
def served(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[str]:
    """The names of the servers that ran. What serving does to this process is undone."""
    found: list[str] = []
    monkeypatch.setattr(builtins, "served", found, raising=False)
    monkeypatch.setattr(sys, "path", list(sys.path))
    monkeypatch.setattr(sys, "argv", list(sys.argv))
    monkeypatch.setattr(sys, "modules", dict(sys.modules))
    monkeypatch.chdir(tmp_path)
    return found


def write(path: Path, source: str) -> str:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(STAND_IN + source)
    return str(path)


def test_the_only_server_of_a_file_is_served(served: list[str], tmp_path: Path) -> None:
    serve.main(["file", write(tmp_path / "a.py", "anything = FastMCP('one')\nalias = anything")])
    assert served == ["one"]


@pytest.mark.parametrize("name", ["server", "mcp", "app"])
def test_among_several_the_one_of_a_usual_name_is_meant(
    served: list[str], tmp_path: Path, name: str
) -> None:
    source = f"other = FastMCP('other')\n{name} = FastMCP('meant')"
    serve.main(["file", write(tmp_path / "a.py", source)])
    assert served == ["meant"]


def test_a_named_object_is_served(served: list[str], tmp_path: Path) -> None:
    source = "class box: inner = FastMCP('inside')\nserver = FastMCP('outside')"
    serve.main(["file", write(tmp_path / "a.py", source), "box.inner"])
    assert served == ["inside"]


def test_a_function_that_makes_a_server_is_called(served: list[str], tmp_path: Path) -> None:
    serve.main(["file", write(tmp_path / "a.py", "def make(): return FastMCP('made')"), "make"])
    assert served == ["made"]


def test_a_file_that_starts_its_server_itself_does_so(served: list[str], tmp_path: Path) -> None:
    source = "s = FastMCP('never')\nif __name__ == '__main__':\n    FastMCP('itself').run()"
    serve.main(["file", write(tmp_path / "a.py", source)])
    assert served == ["itself"]


@pytest.mark.parametrize("file", ["plain.py", "guarded.py"])
def test_a_file_inside_a_package_keeps_its_relative_imports(
    served: list[str], tmp_path: Path, file: str
) -> None:
    write(tmp_path / "packed" / "__init__.py", "")
    write(tmp_path / "packed" / "word.py", "WORD = 'relative'")
    source = "from .word import WORD\nserver = FastMCP(WORD)\n"
    write(tmp_path / "packed" / "plain.py", source)
    guard = "if __name__ == '__main__':\n    server.run()"
    write(tmp_path / "packed" / "guarded.py", source + guard)
    serve.main(["file", str(tmp_path / "packed" / file)])
    assert served == ["relative"]


def test_a_package_is_run_as_python_runs_it(served: list[str], tmp_path: Path) -> None:
    write(tmp_path / "packed" / "__init__.py", "")
    write(tmp_path / "packed" / "__main__.py", "FastMCP(__name__).run()")
    serve.main(["package", "packed", str(tmp_path)])
    assert served == ["__main__"]


def test_a_declared_command_is_called_as_its_script_would(
    served: list[str], tmp_path: Path
) -> None:
    write(tmp_path / "tea.py", "def main():\n    FastMCP('declared').run()\n    return 0")
    with pytest.raises(SystemExit) as leaving:
        serve.main(["script", "tea:main", str(tmp_path)])
    assert leaving.value.code == 0
    assert served == ["declared"]


@pytest.mark.parametrize(
    ("source", "name", "words"),
    [
        ("", None, "has no MCP server"),
        ("a = FastMCP('a')\nb = FastMCP('b')", None, "several servers, name one: "),
        ("", "nothing", "has no 'nothing'"),
        ("number = 3", "number", "is no MCP server, it is of type int"),
        ("def make(): return 4", "make", "made no MCP server, but a int"),
    ],
)
def test_a_file_without_one_clear_server_says_so(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    source: str,
    name: str | None,
    words: str,
) -> None:
    argv = ["file", write(tmp_path / "a.py", source), *([name] if name else [])]
    with pytest.raises(SystemExit) as leaving:
        serve.main(argv)
    assert leaving.value.code == 2
    assert words in capsys.readouterr().err


def test_a_file_that_is_no_python_raises_what_python_raises(tmp_path: Path) -> None:
    with pytest.raises(SyntaxError):
        serve.main(["file", write(tmp_path / "a.py", "is this python")])
