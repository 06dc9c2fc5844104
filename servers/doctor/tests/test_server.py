"""The doctor in the doubles of real hosts."""

from __future__ import annotations

from typing import Any, cast

import pytest
from fastmcp import FastMCP
from mcp import MCPError
from mcp_types import CreateMessageResult, TextContent

from inverted import Ladders
from inverted.carriers.hosts import HOSTS
from inverted.server.diagnosis import QUESTIONS
from inverted.testing import (
    ScriptedHost,
    VirtualClock,
    cancel,
    decline,
    profile,
    tool_calls,
)
from inverted.testing.host import Outcome
from inverted_doctor.findings import Report, Tried
from inverted_doctor.probing import WORD
from inverted_doctor.server import create

KEYS = ["k" * 32]
EACH = pytest.mark.parametrize("name", HOSTS)
ERAS = pytest.mark.parametrize("era", ["2025-11-25", "2026-07-28"])


def model(params: dict[str, Any]) -> Any:
    """Calls the tool that it is offered, once, and says what it was told."""
    told = any("toolUseId" in str(message["content"]) for message in params["messages"])
    if params.get("tools") and not told:
        return tool_calls(("secret_word", {}))
    return WORD if told else "ready"


def person(params: dict[str, Any]) -> Any:
    """Says yes, and drinks tea."""
    kinds = {field["type"] for field in params["requestedSchema"]["properties"].values()}
    return True if kinds == {"boolean"} else "tea"


async def no_browser(url: str) -> str | None:
    raise AssertionError(f"opened {url}, though there are forms")


def markdown(outcome: Outcome) -> str:
    assert not outcome.is_error, outcome.result
    return cast("Any", outcome.content[0]).text


async def examined(host: ScriptedHost, *, probe: bool = True, **settings: Any) -> Outcome:
    server = create(store=":memory:", keys=KEYS, **settings)
    return await host.run(server, "doctor", {"probe": probe})


def tried(outcome: Outcome) -> dict[str, Tried]:
    assert not outcome.is_error, outcome.result
    return {each.question: each for each in Report.model_validate(outcome.result).tried}


def came(outcome: Outcome) -> dict[str, tuple[str, str | None]]:
    return {name: (each.outcome, each.rung) for name, each in tried(outcome).items()}


@EACH
async def test_every_host_is_recognised_and_told_what_follows(name: str) -> None:
    outcome = await examined(profile(name), probe=False)
    report, host = Report.model_validate(outcome.result), HOSTS[name]
    assert report.diagnosis.host is not None
    assert (report.diagnosis.host.name, report.diagnosis.revision) == (name, host.revision)
    assert (report.tried, outcome.questions) == ((), [])
    page = markdown(outcome)
    assert page.startswith(f"# {host.title}\n")
    assert f"`{host.client_names[0]} {host.version}`, protocol {host.revision}" in page
    assert f"- {host.enable}" in page
    for words in QUESTIONS.values():
        assert f"\n| {words} | " in page
    for source in host.sources:
        assert f"  - {source.date}, {source.where}: {source.note}" in page
    assert "probe: true" in page


@pytest.mark.parametrize("transport", ["memory", "stdio", "http"])
async def test_the_caller_is_told_over_every_transport(transport: Any) -> None:
    host = profile("claude-code", person=person, model=model, transport=transport)
    outcome = await examined(host, opener=no_browser)
    found = Report.model_validate(outcome.result).diagnosis
    assert (found.client, found.features) == ("claude-code", ("elicitation.form", "roots"))
    # Over HTTP the person sits at another machine, and this one opens no page.
    assert found.way("form").then == (() if transport == "http" else ("page",))
    assert came(outcome)["model"] == ("answered", "relay")


async def test_it_may_be_mounted_in_another_server() -> None:
    root = FastMCP("root")
    root.mount(create(store=":memory:", keys=KEYS), namespace="kit")
    outcome = await profile("cursor", model=model, person=person).run(
        root, "kit_doctor", {"probe": True}
    )
    told = Report.model_validate(outcome.result).diagnosis
    assert came(outcome)["model"] == ("answered", told.way("model").rung)
    assert told.way("model").rung == "relay"


@EACH
async def test_what_was_told_is_what_happens(name: str) -> None:
    """The doubles behave as recorded, so the probe must find the rungs of the diagnosis."""
    outcome = await examined(profile(name, model=model, person=person))
    told = Report.model_validate(outcome.result).diagnosis
    for question, each in tried(outcome).items():
        way = told.way(cast("Any", question))
        assert (each.outcome == "impossible") == (way.rung is None), each
        if each.rung is not None:
            assert each.rung == way.rung
    assert "It was to be" not in markdown(outcome)
    assert [progress[2] for progress in outcome.progress] == [
        *("asking: model", "asking: tools", "asking: form", "asking: approval"),
    ]


@ERAS
async def test_a_client_that_answers_everything_is_told_so(era: Any) -> None:
    outcome = await examined(ScriptedHost(model=model, person=person, era=era))
    assert came(outcome) == {
        "model": ("answered", "sampling"),
        "tools": ("answered", "sampling"),
        "form": ("answered", "form"),
        "approval": ("answered", None),
    }
    page = markdown(outcome)
    assert page.startswith("# A client that nobody has recorded\n")
    assert WORD in tried(outcome)["tools"].note
    assert "Chosen: tea." in tried(outcome)["form"].note
    assert "What is recorded" not in page


async def test_a_setting_that_declines_is_found_out() -> None:
    outcome = await examined(profile("codex", model=model, person=person))
    found = tried(outcome)
    assert (found["form"].outcome, found["form"].rung) == ("declined", "form")
    assert found["form"].unattended
    assert found["approval"].outcome == "declined"
    assert "the client answered by itself" in markdown(outcome)


@ERAS
async def test_a_person_who_declines_takes_time_to_read(era: Any) -> None:
    clock = VirtualClock(jump=False)

    def reads(params: dict[str, Any]) -> Any:
        clock._now += 2.0  # noqa: SLF001 # pyright: ignore[reportPrivateUsage] # the person reads
        return decline()

    outcome = await examined(ScriptedHost(model=model, person=reads, era=era), clock=clock)
    form = tried(outcome)["form"]
    assert (form.outcome, form.milliseconds, form.unattended) == ("declined", 2000, False)
    assert "answered by itself" not in markdown(outcome)


async def test_a_yes_that_nobody_can_have_given_is_found_out() -> None:
    """As some hosts have it when they are told to go ahead with everything."""
    outcome = await examined(ScriptedHost(model=model, person=person))
    approval = tried(outcome)["approval"]
    assert (approval.outcome, approval.unattended) == ("answered", True)
    assert not tried(outcome)["model"].unattended


async def test_a_question_that_is_closed_is_no_decline() -> None:
    outcome = await examined(ScriptedHost(model=model, person=lambda params: cancel()))
    assert tried(outcome)["form"].outcome == "dismissed"
    assert "answer: cancel" in tried(outcome)["approval"].note


async def test_a_model_that_ignores_the_tool_is_found_out() -> None:
    outcome = await examined(ScriptedHost(model=lambda params: "no | thanks", person=person))
    assert came(outcome)["tools"] == ("odd", "sampling")
    assert tried(outcome)["tools"].note.startswith("It did not call the tool.")
    assert "no \\| thanks" in markdown(outcome)


async def test_a_model_that_keeps_the_word_to_itself_is_found_out() -> None:
    def silent(params: dict[str, Any]) -> Any:
        answer = model(params)
        return "x" * 500 if answer == WORD else answer

    outcome = await examined(ScriptedHost(model=silent, person=person))
    note = tried(outcome)["tools"].note
    assert note.startswith("It called the tool and did not pass its word on.")
    assert note.endswith("x…")


async def test_a_refusal_of_the_client_is_told_and_the_rest_goes_on() -> None:
    def refuses(params: dict[str, Any]) -> Any:
        return PermissionError("no sampling today")

    outcome = await examined(ScriptedHost(model=refuses, person=person, era="2025-11-25"))
    assert came(outcome)["model"] == ("refused", None)
    assert "no sampling today" in tried(outcome)["model"].note
    assert came(outcome)["form"] == ("answered", "form")


async def test_a_rung_that_did_not_work_is_told() -> None:
    """The client declares sampling with tools, and answers that it has none."""

    def has_none(params: dict[str, Any]) -> Any:
        return MCPError(-32601, "Method not found")

    async def own(*asked: Any) -> Any:
        said = TextContent(type="text", text="ready")
        return CreateMessageResult(role="assistant", content=said, model="own")

    host = ScriptedHost(model=has_none, person=person, era="2025-11-25")
    outcome = await examined(host, provider=own)
    assert came(outcome)["model"] == ("answered", "provider")
    assert "It was to be sampling, which did not work here." in markdown(outcome)


async def test_how_this_server_asks_is_what_is_told() -> None:
    ladders = Ladders(model=("sampling",), person=("form",), approval=("form",))
    outcome = await examined(profile("librechat"), ladders=ladders, relay=False)
    assert {each[0] for each in came(outcome).values()} == {"impossible"}
    assert "did not declare the capability sampling" in tried(outcome)["model"].note


async def test_the_tool_needs_nothing_and_says_that_it_only_reads() -> None:
    server = create(store=":memory:", keys=KEYS)
    (tool,) = [each for each in await server.list_tools() if each.name == "doctor"]
    assert tool.parameters.get("required", []) == []
    assert tool.annotations is not None
    assert tool.annotations.read_only_hint
