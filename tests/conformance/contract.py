"""Tools that our own conformance suite wants besides those of the official one, as agents.

`inverted_conformance.fixture` says what each does.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from typing import Final

from fastmcp.server.dependencies import get_context, get_http_request
from mcp.server.auth.middleware.auth_context import get_access_token
from mcp.shared.exceptions import UrlElicitationRequiredError
from mcp_types import ElicitRequestURLParams
from pydantic import BaseModel
from starlette.requests import Request
from starlette.responses import Response

from inverted import AcceptedElicitation, Run
from tests.conformance.instance import server

PAGE: Final = "/connect"
WHY: Final = "This tool needs your secret. You can give it at this page."


def get_weather(city: str) -> str:
    """The weather in a city."""
    if city == "Atlantis":
        raise ValueError("Atlantis has no weather")
    return f"Sunny in {city}"


def get_time() -> str:
    """The time of day."""
    return "12:00"


class Confirmation(BaseModel):
    """A form with one field."""

    ok: bool


@dataclass(slots=True)
class World:
    """What lies outside of the agents, and is changed by their steps."""

    labels: list[str] = field(default_factory=list[str])
    work: dict[str, str] = field(default_factory=dict[str, str])
    pages: dict[str, tuple[str, str]] = field(default_factory=dict[str, tuple[str, str]])
    given: set[tuple[str, str]] = field(default_factory=set[tuple[str, str]])

    def has(self, user: str, account: str) -> bool:
        """Whether a person has connected an account."""
        return (user, account) in self.given

    def page(self, user: str, account: str) -> str:
        """The page on which a person connects an account."""
        names = (name for name, known in self.pages.items() if known == (user, account))
        name = next(names, None) or secrets.token_urlsafe(16)
        self.pages[name] = (user, account)
        return f"{origin()}{PAGE}/{name}"


def legacy() -> bool:
    """Whether the request that is being answered speaks 2025-11-25."""
    request = get_context().request_context
    return request is not None and request.protocol_version < "2026"


def caller() -> str:
    """Whose credentials came with the request."""
    token = get_access_token()
    return "nobody" if token is None else token.client_id


def origin() -> str:
    """Where this server is for who sent the request; on pipes it has no pages."""
    try:
        return f"http://{get_http_request().headers['host']}"
    except RuntimeError:
        return "https://conformance.example"


WORLD: Final = World()


@server.agent
async def test_sampling_tools(run: Run, prompt: str = "What is the weather in Paris?") -> str:
    """Let the client's model use tools until it is done."""
    tools = [get_weather, get_time]
    return (await run.sample(prompt, tools=tools, max_turns=5, max_tokens=1000)).text or ""


@server.agent
async def test_missing_capability(run: Run) -> str:
    """Need a client with sampling."""
    await run.sample("Are you there?", max_tokens=10)
    return "Success"


@server.agent
async def test_impatient_sampling(run: Run) -> str:
    """Ask the client's model, but give up soon."""

    async def said() -> str:
        return (await run.sample("Take your time", max_tokens=100)).text or ""

    async def gave_up() -> str:
        await run.sleep(0.3)
        return "Gave up"

    return await run.race(said(), gave_up())


@server.agent
async def test_redeem_once(run: Run) -> str:
    """Redeem something once, however often the answer comes."""
    await run.elicit("Please confirm", Confirmation)
    return f"Redeemed: {await run.uuid()}"


@server.agent(task="never")
async def test_slow_work(run: Run, name: str, seconds: float = 20) -> str:
    """Work for some seconds and report progress, until it is cancelled."""
    WORLD.work[name] = "working"
    try:
        for step in range(1, int(seconds / 0.05) + 1):
            await run.report_progress(step)
            await run.sleep(0.05)
    except BaseException:
        WORLD.work[name] = "stopped"
        raise
    WORLD.work[name] = "done"
    return f"Done: {name}"


@server.agent(task="never")
async def test_work_state(run: Run, name: str) -> str:
    """Tell what became of slow work."""
    for _ in range(50):
        if WORLD.work.get(name) != "working":
            break
        await run.sleep(0.02)
    return WORLD.work.get(name, "unknown")


@server.agent(task="never")
async def test_busy_work(run: Run, steps: int = 1000) -> str:
    """Report every tiny step."""
    for step in range(1, steps + 1):
        await run.report_progress(step, steps)
    return "Done"


@server.agent(task="never")
async def finished_jobs(run: Run) -> str:
    """Tell which jobs ran to their end."""
    return "\n".join(await run.step(lambda: list(WORLD.labels)))


@server.agent(task="auto")
async def slow_compute(run: Run, seconds: float, label: str = "") -> str:
    """Wait and report progress: a task if the client has tasks."""
    for half in (1, 2):
        await run.sleep(seconds / 2)
        await run.report_progress(half, 2)
    await run.step(WORLD.labels.append, label)
    return f"Computed {label}"


async def _connected(run: Run, account: str) -> str:
    who = await run.step(caller)
    while not await run.step(WORLD.has, who, account):
        page = await run.step(WORLD.page, who, account)
        answer = await run.elicit_url(WHY, page)
        if not isinstance(answer, AcceptedElicitation):
            break
        if await run.step(legacy):  # the call stays open for a while; rounds ask again
            for _ in range(100):
                if await run.step(WORLD.has, who, account):
                    break
                await run.sleep(0.05)
            break
    there = await run.step(WORLD.has, who, account)
    return f"{who}: {'connected' if there else 'not connected'}"


@server.agent
async def test_url_elicitation(run: Run, account: str, user: str = "") -> str:
    """Use the secret of an account; without one, send the person to a page."""
    del user  # what a caller says of itself is not believed
    return await _connected(run, account)


@server.agent
async def test_url_elicitation_required(run: Run, account: str) -> str:
    """The same; on 2025-11-25 the page is told with an error."""
    who = await run.step(caller)
    if await run.step(legacy) and not await run.step(WORLD.has, who, account):
        page = await run.step(WORLD.page, who, account)
        id = str(await run.uuid())
        wanted = ElicitRequestURLParams(message=WHY, url=page, elicitation_id=id)
        raise UrlElicitationRequiredError([wanted])
    return await _connected(run, account)


@server.custom_route(f"{PAGE}/{{name}}", methods=["GET", "POST"])
async def connect(request: Request) -> Response:
    errand = WORLD.pages.get(request.path_params["name"])
    if errand is None:
        return Response(status_code=404)
    if caller() != errand[0]:
        return Response(status_code=403)
    if request.method == "POST":
        WORLD.given.add(errand)
    return Response(status_code=204)
