"""People who are not asked by a form of their client: pages, addresses, cards, and nobody."""

from __future__ import annotations

from typing import Any

import anyio
import pytest

from inverted import AgentServer, Ladders, Run
from inverted.pages.card import ASK, TOOL
from inverted.server.person import AGAIN
from inverted.server.relay.reply import CONTINUE
from inverted.testing import ScriptedHost, VirtualClock, accept, decline
from inverted.testing.connection import Call
from inverted.testing.host import Era
from tests.agents.people import APPROVE, DENY, Browser, page_of
from tests.agents.small import error, serve

ERAS = pytest.mark.parametrize("era", ["2025-11-25", "2026-07-28"])
APPS: dict[str, Any] = {"extensions": {"io.modelcontextprotocol/ui": {}}}
ONLY_URLS: dict[str, Any] = {"elicitation": {"url": {}}}


async def deploy(run: Run) -> str:
    """An agent that needs a yes."""
    await run.approve("Deploy?", "Version 3.")
    return "deployed"


async def name(run: Run) -> list[str]:
    """An agent that needs a word."""
    answer = await run.elicit("What is your name?", str)
    return [answer.action, str(answer.data), answer.via]


@ERAS
async def test_a_person_approves_on_a_page_of_the_machine_while_the_call_waits(era: Era) -> None:
    browser = Browser([APPROVE])
    host = ScriptedHost(capabilities={}, era=era)
    outcome = await host.run(serve(deploy, opener=browser), "deploy")
    assert outcome.result == "deployed"
    assert (outcome.questions, outcome.rounds, outcome.hops) == ([], 0, 0)
    question, thanks = await browser.done()
    assert "Deploy?" in question
    assert "Recorded" in thanks


@ERAS
async def test_a_person_denies_on_a_page(era: Era) -> None:
    host = ScriptedHost(capabilities={}, era=era)
    outcome = await host.run(serve(deploy, opener=Browser([DENY])), "deploy")
    assert "Not approved: 'Deploy?'" in error(outcome)


@ERAS
async def test_what_is_typed_on_a_page_is_the_answer_and_names_its_rung(era: Era) -> None:
    browser = Browser([{"action": "accept", "f0": "Ann"}])
    host = ScriptedHost(capabilities={}, era=era)
    outcome = await host.run(serve(name, opener=browser), "name")
    assert outcome.result == ["accept", "Ann", "page"]


async def test_independent_questions_are_on_pages_at_the_same_time() -> None:
    async def both(run: Run) -> list[str]:
        asked = (run.elicit(each, str) for each in ("First name?", "Last name?"))
        return [str(each.data) for each in await run.gather(*asked)]

    typed = [{"action": "accept", "f0": each} for each in ("Ann", "Lee")]
    outcome = await ScriptedHost(capabilities={}).run(serve(both, opener=Browser(typed)), "both")
    assert not outcome.is_error, outcome
    assert sorted(outcome.result) == ["Ann", "Lee"]


@ERAS
@pytest.mark.parametrize("slow", [False, True])
async def test_a_call_does_not_wait_for_a_person_for_ever(era: Era, slow: bool) -> None:  # noqa: FBT001 - drawn
    clock, browser = VirtualClock(jump=False), Browser([None, None, None])
    server = serve(deploy, opener=browser, clock=clock, ladders=Ladders(rounds=1, hold=45))
    host = ScriptedHost(capabilities={}, era=era)
    async with host.connect(server) as at:
        replies: list[Any] = []

        async def call(what: Call) -> None:
            replies.append(await at.send(what))

        async def impatient(what: Call) -> Any:
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(call, what)
                await browser.looked.wait()
                await anyio.wait_all_tasks_blocked()  # by now the call is held
                await clock.advance(46)
            return replies[-1]

        call_ = Call("deploy")
        if era == "2026-07-28":  # the client calls again by itself, as often as it may
            reply = await impatient(call_)
            assert reply.input_requests in (None, {})
            call_ = Call("deploy", state=reply.request_state)
        reply = await impatient(call_)
        assert "in their browser" in reply.content[0].text
        following = reply.meta[CONTINUE]
        assert following["questions"] == 0
        assert len(browser.opened) == 1  # not a new page with every call
        if slow:  # the person has closed the page, and the host's model asks again much later
            await clock.advance(AGAIN)
            await impatient(Call(following["tool"], {"handle": following["handle"]}))
            assert len(browser.opened) == 2
        # The person takes a page that is still open.
        await browser.visit(browser.opened[0], APPROVE)
        assert "Recorded" in browser.read[-1]
        done: Any = await at.send(Call(following["tool"], {"handle": following["handle"]}))
        assert done.structured_content == {"result": "deployed"}


@ERAS
async def test_a_client_that_opens_addresses_is_given_one(era: Era) -> None:
    browser = Browser([])

    async def person(params: dict[str, Any]) -> Any:
        await browser.visit(page_of(params), {"action": "accept", "f0": "Ann"})
        return accept()

    host = ScriptedHost(person=person, capabilities=ONLY_URLS, era=era)
    outcome = await host.run(serve(name, opener=browser), "name")
    assert outcome.result == ["accept", "Ann", "url"]
    assert "What is your name?" in browser.read[0]
    assert browser.opened == []  # the client opened it


@ERAS
async def test_a_person_who_does_not_want_to_open_the_page_has_declined(era: Era) -> None:
    host = ScriptedHost(person=[decline()], capabilities=ONLY_URLS, era=era)
    outcome = await host.run(serve(name, opener=Browser([])), "name")
    assert outcome.result == ["decline", "None", "url"]


@ERAS
async def test_a_person_answers_on_a_card(era: Era) -> None:
    host = ScriptedHost(person=["Ann"], capabilities=APPS, era=era)
    outcome = await host.run(serve(name), "name")
    assert outcome.result == ["accept", "Ann", "card"]
    assert (outcome.rounds, outcome.hops) == (0, 1)


@ERAS
async def test_a_model_without_the_token_of_a_card_cannot_approve(era: Era) -> None:
    async with ScriptedHost(capabilities=APPS, era=era).connect(serve(deploy)) as at:
        reply: Any = await at.send(Call("deploy"))
        ask, following = reply.meta[ASK], reply.meta[CONTINUE]
        assert ask["token"] not in reply.content[0].text
        assert ask["token"] not in str(reply.structured_content)
        id = ask["questions"][0]["id"]
        yes = {"action": "accept", "content": {"value": True}}
        for token in ("", "guess", following["handle"]):
            refused: Any = await at.send(Call(TOOL, {"token": token, "question": id, **yes}))
            assert refused.structured_content == {"state": "unknown"}
        answers = [{"id": id, "content": {"value": True}}]
        posing: Any = await at.send(
            Call(following["tool"], {"handle": following["handle"], "answers": answers})
        )
        assert "There is no open question" in posing.content[0].text
        taken: Any = await at.send(
            Call(ask["tool"], {"token": ask["token"], "question": id, **yes})
        )
        assert taken.structured_content == {"state": "recorded"}
        again: Any = await at.send(
            Call(ask["tool"], {"token": ask["token"], "question": id, **yes})
        )
        assert again.structured_content == {"state": "answered"}
        done: Any = await at.send(Call(following["tool"], {"handle": following["handle"]}))
        assert done.structured_content == {"result": "deployed"}


@ERAS
async def test_where_nobody_can_be_asked_an_approval_is_denied(era: Era) -> None:
    outcome = await ScriptedHost(capabilities={}, era=era).run(serve(deploy), "deploy")
    assert "Nobody could be asked" in error(outcome)
    assert "MCP Apps" in error(outcome)


async def test_a_relayed_answer_is_that_of_a_model_and_must_be_allowed() -> None:
    server = serve(name, ladders=Ladders(person=("form", "relay")))
    outcome = await ScriptedHost(person=["Ann"], capabilities={}).run(server, "name")
    assert outcome.result == ["accept", "Ann", "relay"]
    denied = await ScriptedHost(person=[True], capabilities={}).run(
        serve(deploy, ladders=Ladders(person=("form", "relay"))), "deploy"
    )
    assert "Nobody could be asked" in error(denied)


async def test_a_server_on_the_web_has_pages_at_its_public_address() -> None:
    server: AgentServer = serve(name, public_url="https://example.org/base/")

    async def person(params: dict[str, Any]) -> Any:
        assert page_of(params).startswith("https://example.org/base/answer/")
        token = page_of(params).rpartition("/")[2]
        found = await server.surroundings.pages.desk.answer(
            token, {"action": "accept", "content": {"value": "Ann"}}
        )
        assert found == "recorded"
        return accept()

    host = ScriptedHost(person=person, capabilities=ONLY_URLS)
    assert (await host.run(server, "name")).result == ["accept", "Ann", "url"]
