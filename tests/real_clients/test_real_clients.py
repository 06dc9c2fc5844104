"""The Python clients of `scripts/clients`, as a test. Those of npm are left to the script."""

from __future__ import annotations

import contextlib
import json
from collections.abc import AsyncGenerator, Generator

import pytest

from tests.agents import old_python
from tests.real_clients.__main__ import table
from tests.real_clients.client import Connected, Era, Hands, RealClient, Transport
from tests.real_clients.npm_clients import LOCK
from tests.real_clients.old_client import ROOT, old_client
from tests.real_clients.python_clients import CLIENT, FASTMCP, SESSION
from tests.real_clients.raw import RAW
from tests.real_clients.rows import Row, played, serving
from tests.real_clients.scenarios import SCENARIOS

ROWS = [
    *(
        Row(client, era, "http")
        for client in (FASTMCP, CLIENT, SESSION, RAW)
        for era in client.eras
    ),
    # Their processes take longer. The SDK's clients speak to them as FastMCP's does.
    *(Row(client, era, "stdio") for client in (FASTMCP, RAW) for era in client.eras),
]

Where = dict[Transport, list[str] | str]


@pytest.fixture(scope="module")
def where() -> Generator[Where]:
    with serving() as place:
        yield place


async def check(row: Row, where: Where) -> None:
    cells = await played(row, where[row.transport])
    assert {each.scenario: each.why for each in cells if each.verdict == "failed"} == {}
    passed = {each.scenario for each in cells if each.verdict == "passed"}
    assert passed == {each.name for each in SCENARIOS} - set(row.client.lacks)


@pytest.mark.parametrize("row", ROWS, ids=str)
async def test_a_real_client_does_all_it_can(row: Row, where: Where) -> None:
    await check(row, where)


@pytest.mark.timeout(400)  # the first time, an environment is made
@pytest.mark.parametrize("transport", ["stdio", "http"])
async def test_a_client_of_the_previous_generation_does_all_it_can(
    transport: Transport, where: Where, request: pytest.FixtureRequest
) -> None:
    client = old_client(old_python.made(request.config))
    await check(Row(client, "2025-11-25", transport), where)


async def test_a_client_that_cannot_what_it_should_fails_by_name(where: Where) -> None:
    """The script finds what it should find: here an application that has nobody behind it."""

    @contextlib.asynccontextmanager
    async def speechless(
        era: Era, place: list[str] | str, hands: Hands
    ) -> AsyncGenerator[Connected]:
        async with FASTMCP.open(era, place, Hands()) as connected:
            yield connected

    client = RealClient("speechless", speechless, lacks={"progress": "not looked at"})
    cells = await played(Row(client, "2025-11-25", "http"), where["http"])
    verdicts = {each.scenario: each.verdict for each in cells}
    assert verdicts == {
        "lists tools": "passed",
        "typed result": "passed",
        "sampling with tools": "failed",
        "tools as text": "failed",
        "forms": "failed",
        "relay": "passed",
        "fifty turns": "failed",
        "progress": "not offered",
    }
    assert "| FAILED" in table(cells)


def test_the_page_has_the_table_of_these_clients_and_scenarios() -> None:
    page = (ROOT / "docs/clients.md").read_text("utf-8")
    printed = page.partition("printed by scripts/clients: begin -->")[2].partition("<!--")[0]
    head, _, *rows = ([each.strip() for each in row.split("|")] for row in printed.split("\n|")[1:])
    assert head[3:-1] == [each.name for each in SCENARIOS]
    pinned = json.loads((LOCK / "package.json").read_text("utf-8"))["dependencies"]
    wanted = {client.name for client in (FASTMCP, CLIENT, SESSION, RAW)}
    wanted |= {f"{name} {version}" for name, version in pinned.items()}
    wanted.add(f"mcp {old_python.VERSION} ClientSession")
    assert {row[0].removesuffix(" --cli") for row in rows} == wanted
