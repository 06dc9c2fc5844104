"""Every Python snippet of the README and the docs runs, and so do the agents and tests in it.

A fence "python" opens a snippet with a namespace of its own; "python continues" goes on in that of
the one before. Then its tests run; or, where it has none, a host that answers every question from
its schema calls each agent on both eras. "python fails=WORD" says that its agents fail with an
error that names WORD.
"""

from __future__ import annotations

import inspect
import re
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any, Final, NamedTuple

import pytest

from inverted import AgentServer
from inverted.server.tool import AgentTool
from inverted.testing import ModelAnswer, PersonAnswer, ScriptedHost, Way, final, text, tool_calls
from inverted.testing.host import Era
from pytest_inverted import WAYS

ROOT: Final = Path(__file__).parents[2]
PAGES: Final = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted(ROOT.glob("docs/*.md"))]
ERAS: Final[tuple[Era, ...]] = ("2026-07-28", "2025-11-25")
FENCE: Final = re.compile(r"^```python(?: +(.*))?\n(.*?)^```$", re.DOTALL | re.MULTILINE)

# FastMCP warns about every log message, because 2026-07-28 deprecates them.
pytestmark = pytest.mark.filterwarnings("ignore:The logging capability is deprecated")


class Snippet(NamedTuple):
    """A snippet with those that continue it."""

    where: str
    code: str
    fails: str


def snippets(page: Path) -> list[Snippet]:
    """The snippets of a page. Lines keep their numbers, so that errors name the right one."""
    source = page.read_text()
    found: list[Snippet] = []
    for match in FENCE.finditer(source):
        line = source.count("\n", 0, match.start(2))
        words = (match[1] or "").split()
        if "continues" in words:
            before = found.pop()
            code = before.code + "\n" * (line - before.code.count("\n")) + match[2]
            where = before.where
        else:
            code, where = "\n" * line + match[2], f"{page.name}:{line + 1}"
        fails = next((word.removeprefix("fails=") for word in words if word[:6] == "fails="), "")
        found.append(Snippet(where, code, fails))
    return found


SNIPPETS: Final = [each for page in PAGES for each in snippets(page)]


@pytest.fixture(params=SNIPPETS, ids=[each.where for each in SNIPPETS])
def snippet(request: pytest.FixtureRequest) -> Snippet:
    return request.param


async def test_a_snippet_does_what_its_page_says(
    snippet: Snippet, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("INVERTED_STORE", ":memory:")
    monkeypatch.setenv("INVERTED_KEYS", "0123456789abcdef" * 2)
    module = ModuleType("snippet")
    monkeypatch.setitem(sys.modules, "snippet", module)
    exec(compile(snippet.code, snippet.where, "exec", dont_inherit=True), module.__dict__)  # noqa: S102
    tests = [value for name, value in vars(module).items() if name.startswith("test_")]
    for test in tests:
        for arguments in fixtures(test):
            await test(**arguments)
    servers = [value for value in vars(module).values() if isinstance(value, AgentServer)]
    for server in () if tests else servers:
        for era in ERAS:
            await call_agents(server, era, snippet.fails)


def fixtures(test: Callable[..., Any]) -> list[dict[str, Way]]:
    """The arguments that the pytest plugin would give, for each time it would run the test."""
    if "every_carrier" in inspect.signature(test).parameters:
        return [{"every_carrier": Way(*way)} for way in WAYS]
    return [{}]


async def call_agents(server: AgentServer, era: Era, fails: str) -> None:
    for tool in await server.list_tools():
        if isinstance(tool, AgentTool):
            host = ScriptedHost(model=model, person=person, roots=["file:///work"], era=era)
            outcome = await host.run(server, tool.name, value_of(tool.parameters))
            assert outcome.is_error == bool(fails), outcome.result
            assert fails in str(outcome.result)


def model(params: dict[str, Any]) -> ModelAnswer:
    """A model that calls every tool once and then answers."""
    tools = {tool["name"]: tool["inputSchema"] for tool in params.get("tools", ())}
    result = tools.pop("final_response", None)
    if tools and len(params["messages"]) == 1:
        return tool_calls(*((name, value_of(schema)) for name, schema in tools.items()))
    return text("An answer.") if result is None else final(value_of(result))


def person(params: dict[str, Any]) -> PersonAnswer:
    """A person who agrees and fills in every field."""
    schema = params.get("requestedSchema")
    return PersonAnswer("accept", None if schema is None else value_of(schema))


def value_of(  # noqa: PLR0911 # one for each type
    schema: dict[str, Any], root: dict[str, Any] | None = None
) -> Any:
    """A value that fits a JSON schema."""
    root = root or schema
    if "$ref" in schema:
        return value_of(root["$defs"][schema["$ref"].rpartition("/")[2]], root)
    if "const" in schema or "enum" in schema:
        return schema["const"] if "const" in schema else schema["enum"][0]
    for keyword in ("oneOf", "anyOf"):
        if keyword in schema:
            return value_of(schema[keyword][0], root)
    match schema.get("type", "object"):
        case "object":
            fields = schema.get("properties", {})
            return {name: value_of(field, root) for name, field in fields.items()}
        case "array":
            return [value_of(schema["items"], root)]
        case "string":
            formats = {
                "email": "ann@example.org",
                "uri": "https://example.org/",
                "date": "2027-01-02",
            }
            return formats.get(schema.get("format", ""), "a text that is long enough")
        case "boolean":
            return True
        case "null":
            return None
        case _:
            return schema.get("minimum", 1)
