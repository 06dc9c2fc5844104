"""The whole agent: in memory, over stdio and over HTTP, on both protocol eras."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from importlib.metadata import entry_points
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import pytest
from fastmcp import Client
from fastmcp.client.elicitation import ElicitResult
from fastmcp.client.transports import StdioTransport
from fastmcp.exceptions import ToolError
from mcp import MCPError
from mcp_types import (
    CreateMessageRequestParams,
    CreateMessageResultWithTools,
    SamplingCapability,
    SamplingToolsCapability,
    TextContent,
)

from inverted import AgentServer
from inverted.testing import profile
from inverted_code_review import server as module
from inverted_code_review.collect import ROOTS_VARIABLE
from inverted_code_review.findings import ReviewReport, Severity
from inverted_code_review.rehearsal import policy
from inverted_code_review.server import review, turns_for

if TYPE_CHECKING:
    from .conftest import Workshop

ERAS = ["legacy", "2026-07-28"]
Era = Literal["legacy", "2026-07-28"]


@dataclass
class Host:
    """A client with a model and a person."""

    choice: str | None = "info"
    action: Literal["accept", "decline", "cancel"] = "accept"
    model: Any = policy
    asked: list[str] = field(default_factory=list[str])
    tools_used: list[list[str]] = field(default_factory=list[list[str]])
    progress: list[float] = field(default_factory=list[float])

    async def sample(
        self, messages: object, params: CreateMessageRequestParams, context: object
    ) -> CreateMessageResultWithTools:
        answer = self.model(params.model_dump(mode="json", by_alias=True, exclude_none=True))
        result = CreateMessageResultWithTools.model_validate(answer)
        self.tools_used.append([getattr(b, "name", b.type) for b in result.content_as_list])
        return result

    async def elicit(
        self, message: str, response_type: object, params: object, context: object
    ) -> ElicitResult[dict[str, str]]:
        self.asked.append(message)
        content = {"severity": self.choice} if self.action == "accept" and self.choice else None
        return ElicitResult(action=self.action, content=content)

    async def hear(self, progress: float, total: float | None, message: str | None) -> None:
        self.progress.append(progress)

    def client(
        self, target: Any, era: str, *, person: bool = True, tools: bool = True
    ) -> Client[Any]:
        return Client(
            target,
            mode=era,
            sampling_handler=self.sample,
            sampling_capabilities=SamplingCapability(
                tools=SamplingToolsCapability() if tools else None
            ),
            elicitation_handler=self.elicit if person else None,
            progress_handler=self.hear,
            timeout=50,
        )


async def reviewed(client: Client[Any], **arguments: Any) -> tuple[ReviewReport, str]:
    async with client:
        result = await client.call_tool("review", arguments, raise_on_error=False)
    (text,) = result.content
    assert isinstance(text, TextContent)
    assert not result.is_error, text.text
    return ReviewReport.model_validate(result.structured_content), text.text


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> AgentServer:
    """The same agent on a server that keeps its journal in memory."""
    monkeypatch.delenv(ROOTS_VARIABLE, raising=False)
    fresh = AgentServer("code-review", store=":memory:")
    fresh.agent(review)
    return fresh


@pytest.fixture
def change(workshop: Workshop) -> Workshop:
    """A change with a planted defect, a linter finding, and files that the model does not see."""
    workshop.commit(
        {
            "shop/price.py": "def total(items, tax):\n    return sum(items) * tax\n",
            "shop/cart.py": "from shop.price import total\n\n\ndef pay(items):\n"
            "    return total(items, 1.2)\n",
            "gone.py": "x = 1\n",
            "logo.png": b"\0one",
        },
        "begin",
    )
    workshop.commit(
        {
            "shop/price.py": "def total(items, tax, currency):\n    return sum(items) * tax\n",
            "shop/odd.py": "def odd(x=[]):\n    return x == None\n",
            "gone.py": None,
            "logo.png": b"\0two",
            "uv.lock": "key = 'ghp_" + "a1" * 20 + "'\n",
        },
        "add a currency",
    )
    return workshop


PLANTED = [
    ("critical", "uv.lock", "check:secret"),
    ("high", "shop/price.py", "rehearsal"),
    ("medium", "shop/odd.py", "ruff:B006"),
    ("low", "shop/odd.py", "ruff:E711"),
    ("info", "shop/odd.py", "rehearsal"),
]


def told(report: ReviewReport) -> list[tuple[str, str, str]]:
    return [(f.severity.value, f.file, f.source) for f in report.findings]


@pytest.mark.parametrize("era", ERAS)
async def test_the_planted_defects_are_found_on_either_era(
    server: AgentServer, change: Workshop, era: Era
) -> None:
    host = Host()
    report, text = await reviewed(host.client(server, era), repository=str(change.path))
    assert told(report) == PLANTED
    assert host.asked == ["Report findings from which severity on?"]
    assert ["list_callers", "read_file"] in host.tools_used
    assert report.models == ["rehearsal"]
    assert report.threshold_from == "as the person chose"
    assert {s.file: s.reason for s in report.skipped} == {
        "logo.png": "binary",
        "uv.lock": "generated or third-party (by its name); linters only",
    }
    assert text == report.markdown
    assert "**No language model was used.**" in text
    assert len(report.sarif["runs"][0]["results"]) == len(PLANTED)
    assert host.progress == sorted(host.progress)


async def test_a_review_that_is_replayed_in_every_round_gives_the_same_report(
    server: AgentServer, change: Workshop
) -> None:
    cold = AgentServer("code-review", store=":memory:", hot_runs=0)
    cold.agent(review)
    reports = [
        await reviewed(Host().client(target, "2026-07-28"), repository=str(change.path))
        for target in (server, cold)
    ]
    assert reports[0] == reports[1]


async def test_both_eras_give_the_same_report(server: AgentServer, change: Workshop) -> None:
    reports = [
        await reviewed(Host().client(server, era), repository=str(change.path)) for era in ERAS
    ]
    assert reports[0] == reports[1]


@pytest.mark.parametrize("era", ERAS)
@pytest.mark.parametrize(
    ("host", "arguments", "person", "threshold", "origin", "asked"),
    [
        (Host("high"), {}, True, "high", "as the person chose", 1),
        (Host(action="decline"), {}, True, "low", "the default, as the person declined", 1),
        (Host(action="cancel"), {}, True, "low", "the default, as the person closed", 1),
        (Host(), {}, False, "low", "the default, as nobody could be asked", 0),
        (Host(), {"min_severity": "medium"}, True, "medium", "as the caller asked", 0),
    ],
    ids=["chosen", "declined", "cancelled", "nobody", "given"],
)
async def test_the_threshold_is_the_persons_the_callers_or_the_default(  # noqa: PLR0917
    server: AgentServer,
    change: Workshop,
    era: Era,
    host: Host,
    arguments: dict[str, str],
    person: bool,  # noqa: FBT001 - a column of the table
    threshold: str,
    origin: str,
    asked: int,
) -> None:
    host = Host(host.choice, host.action)
    client = host.client(server, era, person=person)
    report, _ = await reviewed(client, repository=str(change.path), **arguments)
    assert report.threshold == threshold
    assert report.threshold_from.startswith(origin)
    assert len(host.asked) == asked
    expected = [one for one in PLANTED if Severity(one[0]).rank >= Severity(threshold).rank]
    assert told(report) == expected
    assert report.below_threshold == len(PLANTED) - len(expected)


@pytest.mark.parametrize("era", ERAS)
async def test_inventions_of_a_model_are_taken_out_by_code(
    server: AgentServer, change: Workshop, era: Era
) -> None:
    def inventive(request: dict[str, Any]) -> dict[str, Any]:
        answer = policy(request)
        block = answer["content"][0]
        if block["name"] == "final_response" and "findings" in block["input"]:
            true = {"title": "true", "evidence": "def odd(x=[]):", "file": "shop/odd.py"}
            for invented in (
                true,
                {**true, "title": "no such quote", "evidence": "eval(input())"},
                {**true, "title": "another file", "file": "shop/cart.py"},
                {**true, "title": "no such file", "file": "../../etc/passwd"},
            ):
                block["input"]["findings"].append(
                    {"line": 1, "severity": "high", "explanation": "e", **invented}
                )
        return {**answer, "model": "inventive-1"}

    report, text = await reviewed(
        Host(model=inventive).client(server, era), repository=str(change.path)
    )
    titles = [f.title for f in report.findings if f.source == "model"]
    assert "true" in titles
    assert not {"no such quote", "another file", "no such file"} & set(titles)
    by_code = [removed for removed in report.removed if removed.by == "check"]
    assert len([r for r in by_code if r.title == "no such quote"]) == 3  # once for each file
    assert report.models == ["inventive-1"]
    assert "Model: `inventive-1`." in text


@pytest.mark.parametrize("era", ERAS)
async def test_the_judge_removes_doubles_and_its_reasons_are_reported(
    server: AgentServer, change: Workshop, era: Era
) -> None:
    def repetitive(request: dict[str, Any]) -> dict[str, Any]:
        answer = policy(request)
        block = answer["content"][0]
        if block["name"] == "final_response" and "findings" in block["input"]:
            block["input"]["findings"] *= 2
        return answer

    report, _ = await reviewed(
        Host(model=repetitive).client(server, era), repository=str(change.path)
    )
    assert told(report) == PLANTED
    doubled = [removed for removed in report.removed if removed.by == "judge"]
    assert {removed.title for removed in doubled} == {
        f.title for f in report.findings if f.source == "rehearsal"
    }
    assert all(removed.reason.startswith("the same as number") for removed in doubled)


@pytest.mark.parametrize("era", ERAS)
async def test_a_model_that_fails_costs_only_its_file(
    server: AgentServer, change: Workshop, era: Era
) -> None:
    def stubborn(request: dict[str, Any]) -> dict[str, Any]:
        prompt = request["messages"][0]["content"]["text"]
        if '"file": "shop/odd.py"' in prompt.partition('"linter_findings"')[0]:
            text = {"type": "text", "text": "I would rather not."}
            return {"role": "assistant", "model": "rehearsal", "content": text}
        return policy(request)

    report, _ = await reviewed(
        Host(model=stubborn).client(server, era), repository=str(change.path)
    )
    assert told(report) == PLANTED[:-1]
    reasons = {skipped.file: skipped.reason for skipped in report.skipped}
    assert reasons["shop/odd.py"].startswith("the model's review failed")


@pytest.mark.parametrize("era", ERAS)
async def test_linters_alone_need_no_model(
    server: AgentServer, workshop: Workshop, era: Era
) -> None:
    workshop.commit({})
    workshop.commit({"uv.lock": "key = 'ghp_" + "a1" * 20 + "'\n"})
    client: Client[Any] = Client(server, mode=era)
    place = str(workshop.path)
    report, text = await reviewed(client, repository=place, linters_only=True)
    assert told(report) == [("critical", "uv.lock", "check:secret")]
    assert report.models == []
    assert "Only the linters looked at the change" in text


@pytest.mark.parametrize("era", ERAS)
async def test_a_change_of_nothing_asks_nobody(
    server: AgentServer, workshop: Workshop, era: Era
) -> None:
    workshop.commit({"a.py": "x = 1\n"})
    workshop.commit({})
    host = Host()
    report, text = await reviewed(host.client(server, era), repository=str(workshop.path))
    assert report.findings == []
    assert (host.asked, host.tools_used) == ([], [])
    assert "No model was asked." in text


@pytest.mark.parametrize("era", ERAS)
@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"repository": "/nowhere"}, "'/nowhere' is not a directory"),
        ({"base": "--upload-pack=x"}, "is not a revision"),
        ({"head": "nope"}, "The revision 'nope' was not found"),
    ],
)
async def test_a_wrong_argument_is_one_clear_error(
    server: AgentServer, change: Workshop, era: Era, arguments: dict[str, str], message: str
) -> None:
    async with Host().client(server, era) as client:
        result = await client.call_tool(
            "review", {"repository": str(change.path), **arguments}, raise_on_error=False
        )
    assert result.is_error
    assert isinstance(result.content[0], TextContent)
    assert message in result.content[0].text


@pytest.mark.parametrize("era", ERAS)
async def test_a_model_without_tools_calls_them_in_its_text(
    server: AgentServer, change: Workshop, era: Era
) -> None:
    def talkative(request: dict[str, Any]) -> dict[str, Any]:
        """Writes its calls as the system prompt says, and reads a file before it answers."""
        if "<tool_call>" not in request["systemPrompt"]:
            return policy(request)
        answer = policy({**request, "tools": [{"name": "final_response"}]})
        called = {"name": "final_response", "arguments": answer["content"][0]["input"]}
        first, last = (request["messages"][at]["content"]["text"] for at in (0, -1))
        if '"file": "shop/price.py"' in first.partition('"linter_findings"')[0]:
            heard.append(last)
            called["arguments"] = {"findings": [unused]}
            if len(heard) == 1:
                called = {"name": "read_file", "arguments": {"path": "shop/price.py"}}
        text = {"type": "text", "text": f"<tool_call>\n{json.dumps(called)}\n</tool_call>"}
        return {**answer, "content": text, "stopReason": "endTurn"}

    heard: list[str] = []
    unused = {
        "title": "The currency is not used",
        "explanation": "It is a parameter, and nothing reads it.",
        "evidence": "def total(items, tax, currency):",
        "file": "shop/price.py",
        "line": 1,
        "severity": "low",
    }
    client = Host(model=talkative).client(server, era, tools=False)
    report, text = await reviewed(client, repository=str(change.path))
    assert ("low", "shop/price.py", "rehearsal") in told(report)
    assert [each for each in told(report) if each[2] != "rehearsal"] == PLANTED[:1] + PLANTED[2:4]
    assert len(heard) == 2
    assert heard[1].startswith('<tool_response name="read_file">')
    assert "def total(items, tax, currency)" in heard[1]
    assert "failed" not in text


@pytest.mark.parametrize("name", ["claude-desktop", "claude-code"])
async def test_a_model_that_is_not_lent_for_sampling_reviews_through_the_results(
    server: AgentServer, change: Workshop, name: str
) -> None:
    host = profile(name, model=policy_of_a_host, person=["info"])
    outcome = await host.run(server, "review", {"repository": str(change.path)})
    assert not outcome.is_error, outcome.result
    report = ReviewReport.model_validate(outcome.result)
    assert report.threshold_from == "as the person chose"
    by_the_host = [("model" if each == "rehearsal" else each) for _, _, each in PLANTED]
    assert [source for _, _, source in told(report)] == by_the_host
    assert outcome.hops > 0
    assert report.models == [host.client_info.name]


def policy_of_a_host(request: dict[str, Any]) -> CreateMessageResultWithTools:
    return CreateMessageResultWithTools.model_validate(policy(request))


@pytest.mark.parametrize("era", ERAS)
async def test_a_client_without_a_model_is_told_what_is_missing_where_the_relay_is_off(
    change: Workshop, era: Era
) -> None:
    without_relay = AgentServer("code-review", store=":memory:", relay=False)
    without_relay.agent(review)
    # A failed call on 2025-11-25, and the error -32021 of the protocol since.
    async with Client(without_relay, mode=era) as client:
        with pytest.raises((ToolError, MCPError), match="sampling"):
            await client.call_tool("review", {"repository": str(change.path)})


async def test_forty_files_fit_into_the_rounds_that_clients_allow(
    server: AgentServer, workshop: Workshop
) -> None:
    workshop.commit({})
    workshop.commit({f"m{n:02}.py": f"def f{n}(x=[]):\n    return x\n" for n in range(40)})
    report, _ = await reviewed(Host().client(server, "2026-07-28"), repository=str(workshop.path))
    assert sum(f.source == "ruff:B006" for f in report.findings) == 40
    assert [turns_for(files) for files in (0, 16, 17, 32, 33, 64)] == [6, 6, 3, 3, 2, 2]


COMMAND = str(Path(sys.executable).with_name("inverted-code-review"))


@pytest.mark.parametrize("era", ERAS)
async def test_the_installed_command_serves_the_same_over_stdio(
    change: Workshop, era: Era, tmp_path: Path
) -> None:
    transport = StdioTransport(
        COMMAND,
        ["--root", str(change.path)],
        env={**os.environ, "INVERTED_STORE": str(tmp_path / "runs.sqlite")},
        cwd=str(change.path),
    )
    report, _ = await reviewed(Host().client(transport, era))
    assert told(report) == PLANTED
    assert report.repository == "project"


@pytest.fixture
def url(change: Workshop, tmp_path: Path) -> Iterator[str]:
    """Where the installed command listens, started in the repository."""
    process = subprocess.Popen(
        [COMMAND, "--http", "127.0.0.1:0"],
        cwd=change.path,
        env={**os.environ, "INVERTED_STORE": str(tmp_path / "runs.sqlite")},
        stderr=subprocess.PIPE,
        text=True,
    )
    with process:
        try:
            assert process.stderr is not None
            lines = iter(process.stderr)  # ends when the process does; a hang is pytest's to stop
            found = (re.search(r"running on (http://[\d.:]+)", line) for line in lines)
            yield next(match[1] for match in found if match) + "/mcp"
        finally:
            process.terminate()
            process.communicate(timeout=20)


@pytest.mark.parametrize("era", ERAS)
async def test_the_installed_command_serves_its_directory_over_http(
    url: str, era: Era, tmp_path: Path
) -> None:
    report, _ = await reviewed(Host().client(url, era))
    assert told(report) == PLANTED
    async with Host().client(url, era) as client:
        outside = {"repository": str(tmp_path)}
        result = await client.call_tool("review", outside, raise_on_error=False)
    assert result.is_error


def test_the_terminal_host_finds_the_rehearsal_by_the_servers_name() -> None:
    (entry,) = entry_points(group="inverted.rehearsal", name=module.server.name)
    assert entry.load() is policy
