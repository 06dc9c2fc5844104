"""The command line of the server."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

import pytest
from fastmcp import Client
from fastmcp.client.transports import StdioTransport

from inverted_doctor.__main__ import main
from inverted_doctor.server import server


@pytest.fixture
def served(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """How the server was asked to run, in place of running it."""
    calls: list[dict[str, Any]] = []

    def run(**how: Any) -> None:
        calls.append(how)

    monkeypatch.setattr(server, "run", run)
    return calls


def test_stdio_is_the_default(served: list[dict[str, Any]]) -> None:
    main([])
    assert served == [{"show_banner": False}]


@pytest.mark.parametrize(
    ("address", "host"), [("127.0.0.1:8123", "127.0.0.1"), ("[::1]:8123", "::1")]
)
def test_http_is_served_where_it_is_told_to(
    served: list[dict[str, Any]], address: str, host: str
) -> None:
    main(["--http", address])
    assert served == [{"transport": "http", "host": host, "port": 8123, "show_banner": False}]


@pytest.mark.parametrize("address", ["8000", "localhost", "localhost:http", ":8000"])
def test_a_wrong_address_is_explained(
    served: list[dict[str, Any]], address: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        main(["--http", address])
    assert "is not HOST:PORT, for example 127.0.0.1:8000" in capsys.readouterr().err
    assert served == []


async def test_a_client_starts_it_over_stdio_and_is_told_about_itself(tmp_path: Path) -> None:
    environment = {**os.environ, "INVERTED_STORE": str(tmp_path / "runs.sqlite")}
    transport = StdioTransport(sys.executable, ["-m", "inverted_doctor"], env=environment)
    async with Client(transport, timeout=30) as client:
        result = await client.call_tool("doctor")
    assert result.structured_content is not None
    assert result.structured_content["diagnosis"]["features"] == []
