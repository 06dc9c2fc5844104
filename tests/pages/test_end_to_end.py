"""An agent that asks a person, and a person at a real browser: the page, and the card in a host."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from inverted import AgentServer, MemoryStore, Run
from inverted.server.relay.reply import CONTINUE
from inverted.testing import ScriptedHost
from inverted.testing.connection import Call
from tests.pages.chromium import FOUND, Chromium
from tests.pages.test_card_in_browser import play, until_drawn

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(
        FOUND is None, reason="no Chromium on PATH; install the package chromium to run this"
    ),
]
APPS: dict[str, Any] = {"extensions": {"io.modelcontextprotocol/ui": {}}}


async def deploy(run: Run) -> str:
    """Deploy a version."""
    await run.approve("Deploy?", "Version 3.")
    return "deployed"


def serve(**settings: Any) -> AgentServer:
    server = AgentServer("releases", store=MemoryStore(), keys=["k" * 32], **settings)
    server.agent(deploy)
    return server


async def test_an_agent_is_approved_on_a_page_by_keyboard(browser: Chromium) -> None:
    visits: list[asyncio.Task[str]] = []

    async def visit(url: str) -> str:
        tab = await browser.tab()
        await tab.open(url)
        assert await tab.evaluate("document.querySelector('h1').innerText") == "Deploy?"
        await tab.evaluate("document.querySelector('button[value=yes]').focus()")
        await tab.submit("Enter")
        return await tab.evaluate("document.querySelector('h1').innerText")

    async def opener(url: str) -> None:
        visits.append(asyncio.get_running_loop().create_task(visit(url)))

    host = ScriptedHost(capabilities={}, era="2025-11-25")
    outcome = await host.run(serve(opener=opener), "deploy")
    assert outcome.result == "deployed"
    assert await asyncio.wait_for(visits[0], 10) == "Recorded"


async def test_an_agent_is_approved_on_a_card_by_keyboard(browser: Chromium) -> None:
    async with ScriptedHost(capabilities=APPS, era="2025-11-25").connect(serve()) as at:
        waiting: Any = await at.send(Call("deploy"))
        result = waiting.model_dump(mode="json", by_alias=True, exclude_none=True)
        # The host passes the card's calls on to the server: here this test does.
        tab = await play(browser, result, replies={"tools/call": [None]})
        await until_drawn(tab)
        buttons = "[...frame.contentDocument.querySelectorAll('button')]"
        await tab.evaluate(f"{buttons}.find((one) => one.innerText === 'Approve').focus()")
        await tab.press("Enter")
        [call] = await tab.until("said('tools/call').length ? said('tools/call') : 0")
        recorded: Any = await at.send(Call(call["name"], call["arguments"]))
        id = await tab.evaluate("log.find((one) => one.method === 'tools/call').id")
        answer = recorded.model_dump(mode="json", by_alias=True, exclude_none=True)
        await tab.evaluate(f"say({json.dumps({'id': id, 'result': answer})})")
        await tab.until("text().includes('Recorded')")
        [message] = await tab.until("said('ui/message').length ? said('ui/message') : 0")
        following = waiting.meta[CONTINUE]
        assert following["handle"] in message["content"][0]["text"]
        done: Any = await at.send(Call(following["tool"], {"handle": following["handle"]}))
        assert done.structured_content == {"result": "deployed"}
