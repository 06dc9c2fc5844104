"""Tools that need a secret of the person, and the page that takes it."""

# ruff: noqa: PT028 - these are tools, and no tests
from __future__ import annotations

import asyncio
import secrets
from collections.abc import Awaitable, Callable
from typing import Final

import mcp_types as types
from fastmcp import Context
from fastmcp.exceptions import ToolError
from fastmcp.server.dependencies import get_access_token, get_http_request
from mcp.shared.exceptions import UrlElicitationRequiredError
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from targets.fastmcp_server.app import PEOPLE, mcp
from targets.fastmcp_server.asking import modern
from targets.fastmcp_server.rounds import Round

PATIENCE: Final = 5
MESSAGE: Final = "This tool needs your secret. You can give it at this page."
HTML: Final = "<form method=post><label>Secret <input name=secret></label><button>Send</button>"

Errand = tuple[str, str]
"""Who is sent to the page, and for which account."""

PAGES: Final[dict[str, Errand]] = {}
SECRETS: Final[dict[Errand, str]] = {}
WAITING: Final[dict[Errand, list[Callable[[], Awaitable[None]]]]] = {}


@mcp.tool
async def test_url_elicitation(ctx: Context, account: str, user: str = "") -> Round:
    """Use the secret that the person has for an account."""
    del user
    errand = _errand(account)
    if errand in SECRETS:
        return _told(errand)
    if modern(ctx):
        return _round(ctx, errand)
    elicitation = secrets.token_hex(8)
    done = asyncio.Event()
    session, request = ctx.session, ctx.request_id  # the page is visited in another request

    async def tell() -> None:
        notification = types.ElicitCompleteNotification(
            params=types.ElicitCompleteNotificationParams(elicitation_id=elicitation)
        )
        await session.send_notification(notification, request)
        done.set()

    WAITING.setdefault(errand, []).append(tell)
    answer = await session.elicit_url(MESSAGE, _url(errand), elicitation, request)
    if answer.action == "accept":
        try:
            async with asyncio.timeout(PATIENCE):
                await done.wait()
        except TimeoutError:
            pass
    if tell in WAITING.get(errand, []):
        WAITING[errand].remove(tell)
    return _told(errand)


@mcp.tool
async def test_url_elicitation_required(ctx: Context, account: str) -> Round:
    """The same; on 2025-11-25 a missing secret is an error of the protocol."""
    errand = _errand(account)
    if errand in SECRETS:
        return _told(errand)
    if modern(ctx):
        return _round(ctx, errand)
    declared = ctx.session.client_capabilities
    if declared is None or declared.elicitation is None or declared.elicitation.url is None:
        raise ToolError("This tool needs a client that can send the person to a page")
    elicitation = secrets.token_hex(8)

    session = ctx.session

    async def tell() -> None:
        await session.send_elicit_complete(elicitation)

    WAITING[errand] = [tell]
    raise UrlElicitationRequiredError(
        [
            types.ElicitRequestURLParams(
                message=MESSAGE, url=_url(errand), elicitation_id=elicitation
            )
        ]
    )


def _round(ctx: Context, errand: Errand) -> Round:
    answer = (ctx.input_responses or {}).get("page")
    if isinstance(answer, types.ElicitResult) and answer.action != "accept":
        return _told(errand)
    params = types.ElicitRequestURLParams(message=MESSAGE, url=_url(errand))
    request = types.ElicitRequest(params=params)
    return types.InputRequiredResult(input_requests={"page": request})


def _errand(account: str) -> Errand:
    token = get_access_token()
    return ("nobody" if token is None else token.client_id, account)


def _told(errand: Errand) -> str:
    return f"{errand[0]}: {'connected' if errand in SECRETS else 'not connected'}"


def _url(errand: Errand) -> str:
    name = next((name for name, known in PAGES.items() if known == errand), None)
    if name is None:
        name = secrets.token_urlsafe(16)
        PAGES[name] = errand
    try:
        base = f"http://{get_http_request().headers['host']}"
    except RuntimeError:  # on pipes there is nobody to serve a page
        base = "https://conformance.example"
    return f"{base}/connect/{name}"


@mcp.custom_route("/connect/{name}", methods=["GET", "POST"])
async def connect(request: Request) -> Response:
    """Show the form, or take the secret of the person who was sent here."""
    errand = PAGES.get(request.path_params["name"])
    if errand is None:
        return Response(status_code=404)
    # A route of one's own is outside FastMCP's authentication.
    token = request.headers.get("authorization", "").removeprefix("Bearer ")
    if (token if token in PEOPLE else "nobody") != errand[0]:
        return Response(status_code=403)
    if request.method == "GET":
        return HTMLResponse(HTML)
    given = (await request.form()).get("secret")
    if not given:
        return Response(status_code=400)
    SECRETS[errand] = str(given)
    for tell in WAITING.pop(errand, []):
        await tell()
    return Response(status_code=204)
