"""A person goes through the checks in a real client; here client and person are played."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest
from mcp import Client, StdioServerParameters
from mcp.client.session import ClientRequestContext
from mcp_types import (
    CreateMessageRequestParams,
    CreateMessageResult,
    CreateMessageResultWithTools,
    ElicitRequestParams,
    ElicitResult,
    ErrorData,
    SamplingCapability,
    TextContent,
)

from inverted_conformance.reports import data
from inverted_conformance.verdicts import Report, Status

CANCELLED = ("Close", "Type 11")
TYPED: dict[str, dict[str, Any]] = {
    "Type Ada": {"name": "Ada", "city": "London", "year": 1843, "famous": True},
    "Choose green": {"colour": "green", "paints": ["red", "blue"]},
    "Type first": {"name": "first"},
    "Type second": {"name": "second"},
    "Type third": {"name": "third"},
}


async def person(context: ClientRequestContext, params: ElicitRequestParams) -> ElicitResult:
    for todo, content in TYPED.items():
        if params.message.startswith(todo):
            return ElicitResult(action="accept", content=content)
    return ElicitResult(action="cancel" if params.message.startswith(CANCELLED) else "decline")


async def model(
    context: ClientRequestContext, params: CreateMessageRequestParams
) -> CreateMessageResult | CreateMessageResultWithTools | ErrorData:
    said = str(params.messages[0].content)
    if "should not allow" in said:
        return ErrorData(code=-1, message="No.")
    if len(params.messages) > 1:
        return ErrorData(code=-32602, message="A result is missing.")
    content: Any = TextContent(text="pong")
    if params.tool_choice is not None and params.tool_choice.mode == "required":
        content = {"type": "tool_use", "id": "u", "name": "get_weather", "input": {}}
    return CreateMessageResultWithTools(role="assistant", content=content, model="m")


async def gone_through(home: Path, mode: str) -> tuple[str, Report]:
    server = StdioServerParameters(
        command=sys.executable,
        args=["-m", "inverted_conformance.client_mode.by_hand"],
        env={"HOME": str(home), "USERPROFILE": str(home)},
    )
    async with Client(
        server,
        mode=mode,
        elicitation_callback=person,
        sampling_callback=model,
        sampling_capabilities=SamplingCapability.model_validate({"tools": {}}),
    ) as client:
        for _ in range(20):
            try:
                said = str((await client.call_tool("next_check")).content)
            except Exception as refused:  # noqa: BLE001 - the model refused, as it had to
                said = str(refused)
            if "All checks are done" in said:
                break
        told = str((await client.call_tool("report")).content)
    return told, stored(home)


def stored(home: Path) -> Report:
    [file] = home.glob("conformance-*.json")
    return data.read(file.read_text()).report


@pytest.mark.parametrize(("mode", "wire"), [("legacy", "2025-11-25"), ("auto", "2026-07-28")])
async def test_a_client_that_does_everything_right_passes(
    mode: str, wire: str, tmp_path: Path
) -> None:
    told, report = await gone_through(tmp_path, mode)

    not_passed = [each for each in report.results if each.status is not Status.PASSED]
    assert [(each.id, each.failures) for each in not_passed] == []
    assert {each.wire for each in report.results} == {wire}
    assert len(report.results) >= 11
    assert str(tmp_path) in told
    assert report.target == "by hand"


async def test_a_client_that_declares_nothing_is_not_offered_anything(tmp_path: Path) -> None:
    server = StdioServerParameters(
        command=sys.executable,
        args=["-m", "inverted_conformance.client_mode.by_hand"],
        env={"HOME": str(tmp_path), "USERPROFILE": str(tmp_path)},
    )
    async with Client(server, mode="legacy") as client:
        said = str((await client.call_tool("next_check")).content)

    assert "not offered" in said
    assert "does not declare elicitation.form" in said
