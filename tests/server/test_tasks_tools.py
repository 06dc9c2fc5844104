"""Plain tools that start an agent and come back for its result, for hosts that have no tasks."""

from __future__ import annotations

from typing import Any, Literal

import pytest
from fastmcp import Client, FastMCP
from fastmcp.exceptions import ToolError
from pydantic import BaseModel

from inverted import ApprovalDenied, Run
from inverted.server.app import AgentServer
from inverted.testing import serve_http
from tests.server.tasks_peer import ask, both, broken, connected, hello, rest, serve

TOOLS = {"start_agent", "agent_status", "answer_agent", "cancel_agent"}


def make(*bodies: Any, **settings: Any) -> AgentServer:
    return serve(*bodies, task_tools=True, **settings)


async def use(client: Client[Any], tool: str, **arguments: Any) -> dict[str, Any]:
    result = await client.call_tool(tool, arguments)
    assert isinstance(result.structured_content, dict)
    return result.structured_content


async def test_they_are_there_when_they_are_asked_for() -> None:
    async with Client(make(hello)) as client:
        listed = {each.name for each in await client.list_tools()}
        assert listed == {"hello", "continue_run", *TOOLS}
    async with Client(serve(hello)) as client:
        assert {each.name for each in await client.list_tools()} == {"hello", "continue_run"}


@pytest.mark.parametrize("mode", ["auto", "legacy"])
async def test_a_model_starts_answers_and_gets_the_result(mode: Any) -> None:
    async with Client(make(ask, task="always"), mode=mode) as client:
        started = await use(client, "start_agent", agent="ask", arguments={"word": "rum"})
        assert started["status"] == "input_required"
        (question,) = started["questions"]
        assert question["kind"] == "elicit"
        assert question["message"] == "Your name?"
        assert "answer_agent" in started["next"]
        task = started["task"]
        went_on = await use(
            client, "answer_agent", task=task, answers={question["key"]: {"value": "Ada"}}
        )
        (question,) = went_on["questions"]
        assert question["kind"] == "sample"
        assert question["messages"][0]["content"]["text"] == "rum?"
        ended = await use(client, "answer_agent", task=task, answers={question["key"]: "yes"})
        assert ended == {
            "task": task,
            "status": "completed",
            "text": "Ada: yes",
            "result": {"result": "Ada: yes"},
        }
        assert await use(client, "agent_status", task=task) == ended


async def test_a_form_of_one_field_takes_the_value_alone_and_a_decline_is_one() -> None:
    async def agent(run: Run) -> str:
        """Ask two questions at once."""
        first, second = await run.gather(run.elicit("First?", str), run.elicit("Second?", str))
        return f"{first.data} {second.action}"

    async with Client(make(agent)) as client:
        started = await use(client, "start_agent", agent="agent")
        first, second = (each["key"] for each in started["questions"])
        answers = {first: "A", second: {"action": "decline"}, "unknown": 1}
        ended = await use(client, "answer_agent", task=started["task"], answers=answers)
    assert ended["text"] == "A decline"


async def test_some_answers_leave_the_other_questions() -> None:
    async with Client(make(both)) as client:
        started = await use(client, "start_agent", agent="both")
        first, second = (each["key"] for each in started["questions"])
        later = await use(
            client, "answer_agent", task=started["task"], answers={first: "A"}, wait=0
        )
        assert [each["key"] for each in later["questions"]] == [second]


async def test_the_model_calls_tools_in_its_answer() -> None:
    class Plan(BaseModel):
        steps: list[str]

    def look_up(word: str) -> str:
        """Look a word up."""
        return f"all about {word}"

    async def agent(run: Run) -> list[str]:
        """Ask for a plan."""
        return (await run.sample("Plan.", result_type=Plan, tools=[look_up])).result.steps

    async with Client(make(agent)) as client:
        state = await use(client, "start_agent", agent="agent")
        for call in (
            {"name": "look_up", "input": {"word": "tea"}},
            {"name": "final_response", "input": {"steps": ["one"]}},
        ):
            (question,) = state["questions"]
            assert {each["name"] for each in question["tools"]} == {"look_up", "final_response"}
            answers = {question["key"]: {"tool_calls": [call]}}
            state = await use(client, "answer_agent", task=state["task"], answers=answers)
    assert state["result"] == {"result": ["one"]}


async def test_an_answer_of_the_wrong_shape_says_what_is_wrong() -> None:
    async with Client(make(both)) as client:
        started = await use(client, "start_agent", agent="both")
        first, *_ = (each["key"] for each in started["questions"])
        with pytest.raises(ToolError, match="Nothing was recorded"):
            await use(
                client,
                "answer_agent",
                task=started["task"],
                answers={first: {"action": "perhaps"}},
            )


async def test_a_model_cannot_approve() -> None:
    async def agent(run: Run) -> str:
        """Ask for consent, then for a choice."""
        try:
            await run.approve("Delete everything?")
        except ApprovalDenied as error:
            denied = str(error)
            choice = await run.elicit("Which?", Literal["a", "b"])
            return f"{choice.data}: {denied}"
        raise NotImplementedError

    async with Client(make(agent)) as client:
        started = await use(client, "start_agent", agent="agent")
        (question,) = started["questions"]
        answers = {question["key"]: "b"}
        ended = await use(client, "answer_agent", task=started["task"], answers=answers)
    assert "a model cannot approve" in ended["text"]


async def test_work_goes_on_between_the_calls_and_can_be_stopped() -> None:
    async with Client(make(rest)) as client:
        started = await use(client, "start_agent", agent="rest", wait=0)
        assert started["status"] == "working"
        assert "agent_status" in started["next"]
        again = await use(client, "agent_status", task=started["task"], wait=0)
        assert again == started
        stopped = await use(client, "cancel_agent", task=started["task"])
        assert stopped["status"] == "cancelled"
        assert (await use(client, "cancel_agent", task=started["task"]))["status"] == "cancelled"


@pytest.mark.parametrize("kind", ["tool", "protocol"])
async def test_how_a_run_failed_is_said(kind: str) -> None:
    async with Client(make(broken)) as client:
        ended = await use(client, "start_agent", agent="broken", arguments={"kind": kind})
    if kind == "tool":
        assert (ended["status"], ended["error"]) == ("completed", True)
        assert "it broke" in ended["text"]
    else:
        assert (ended["status"], ended["message"]) == ("failed", "no way")


async def test_what_cannot_be_started_is_refused_with_what_can() -> None:
    server = make(rest)
    server.agent(task="never")(hello)
    async with Client(server) as client:
        for name in ("nobody", "hello", "start_agent"):
            with pytest.raises(ToolError, match="The agents are: rest"):
                await use(client, "start_agent", agent=name)
        with pytest.raises(ToolError, match=r"Invalid arguments for rest: .*seconds"):
            await use(client, "start_agent", agent="rest", arguments={"seconds": "soon"})


async def test_an_unknown_task_is_not_found() -> None:
    async with Client(make(rest)) as client:
        for tool in ("agent_status", "cancel_agent"):
            with pytest.raises(ToolError, match="There is no such task for this caller"):
                await use(client, tool, task="nobody")
        with pytest.raises(ToolError, match="There is no such task for this caller"):
            await use(client, "answer_agent", task="nobody", answers={})


async def test_they_work_in_a_mounted_server() -> None:
    root = FastMCP[Any]("root")
    root.mount(make(hello), namespace="one")
    async with Client(root) as client:
        ended = await use(client, "one_start_agent", agent="hello")
    assert ended["text"] == "hello"


async def test_a_task_of_somebody_else_is_not_found() -> None:
    server = make(rest, auth=True)
    async with (
        serve_http(server) as url,
        connected(url, caller="ada") as ada,
        connected(url, caller="bob") as bob,
    ):
        started = await ada.session.call_tool("start_agent", {"agent": "rest", "wait": 0})
        assert started.structured_content is not None
        task = started.structured_content["task"]
        for tool in ("agent_status", "cancel_agent", "answer_agent"):
            answers: dict[str, Any] = {"answers": {}} if tool == "answer_agent" else {}
            texts = [
                (await bob.session.call_tool(tool, {"task": each, **answers})).content
                for each in (task, "nobody")
            ]
            assert texts[0] == texts[1]
        status = await ada.session.call_tool("agent_status", {"task": task, "wait": 0})
        assert status.structured_content is not None
        assert status.structured_content["status"] == "working"
