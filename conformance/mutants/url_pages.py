"""Servers whose page trusts the wrong people, or tells the wrong ones."""

from __future__ import annotations

from collections.abc import Callable
from contextvars import ContextVar
from typing import Any
from urllib.parse import parse_qs, urlsplit
from weakref import WeakSet
from zlib import crc32

import mcp_types as types
from mcp.server.context import CallNext, HandlerResult, ServerRequestContext
from mcp.server.session import ServerSession
from starlette.requests import Request
from starlette.routing import request_response

from inverted_conformance.fixture import pages, url
from inverted_conformance.fixture.asking import Call
from inverted_conformance.fixture.pages import BOARD, NOBODY, Errand, Waiting
from inverted_conformance.fixture.tools import TOOLS
from mutants import patches
from mutants.mutant import mutant

ACCEPT = "url/accept-alone"
OPENED = "url/opened-by-others"
WHOSE = "url/whose-secret"
COMPLETION = "url/completion"
LEGACY = ("2025-11-25",)


def _errand(call: Call) -> Errand:
    return Errand(pages.caller(), call.arguments["account"])


def _accepted(take: Callable[[Errand, dict[str, Any]], object]) -> None:
    """Do something with the client's answer before the tool goes on."""
    right = Call.ask

    async def ask(self: Call, **requests: Any) -> dict[str, dict[str, Any]]:
        answers = await right(self, **requests)
        for answer in answers.values():
            if "account" in self.arguments and answer["action"] == "accept":
                take(_errand(self), answer)
        return answers

    Call.ask = ask


@mutant(ACCEPT, "url.authorized-directly")
def takes_the_accept_for_the_visit() -> None:
    """Believes that whoever agreed to go to the page has been there."""
    _accepted(lambda errand, _: BOARD.secrets.setdefault(errand, ""))


@mutant(ACCEPT, "url.credentials-not-through-client")
def takes_the_secret_from_the_client() -> None:
    """Takes the secret from the client's answer if there is one."""

    def take(errand: Errand, answer: dict[str, Any]) -> None:
        given: dict[str, Any] = answer.get("content") or {}
        if "secret" in given:
            BOARD.secrets[errand] = given["secret"]

    _accepted(take)


@mutant("url/visit-completes", "url.credentials-kept")
def tells_the_secret() -> None:
    """Tells in the result of the tool which secret it used."""
    right = url.told

    def told(errand: Errand) -> str:
        return f"used {BOARD.secrets.get(errand)} for {right(errand)}"

    url.told = told


@mutant("url/visit-completes", "url.authorized-directly")
def forgets_the_visit() -> None:
    """Uses the secret once, and sends the person to the page again for the next call."""
    right = TOOLS["test_url_elicitation"].run

    async def run(call: Call) -> Any:
        errand = _errand(call)
        result = await right(call)
        BOARD.secrets.pop(errand, None)
        return result

    patches.tool("test_url_elicitation")(run)


@mutant(COMPLETION, "url.complete-id", wires=LEGACY)
def completes_another_id() -> None:
    """Names the page instead of the elicitation in the notification."""
    right = pages.tell

    async def tell(waiting: Waiting) -> None:
        waiting.elicitation = next(reversed(BOARD.pages))
        await right(waiting)

    pages.tell = tell


@mutant(COMPLETION, "url.complete-id", wires=LEGACY)
def completes_twice() -> None:
    """Tells of the completion once under its id and once under a new one."""
    right = pages.tell

    async def tell(waiting: Waiting) -> None:
        await right(waiting)
        waiting.elicitation = f"{waiting.elicitation}-done"
        await right(waiting)

    pages.tell = tell


@mutant(COMPLETION, "url.complete-to-initiator", wires=LEGACY)
def tells_every_client() -> None:
    """Tells everybody who is connected of the completion."""
    sessions: WeakSet[ServerSession] = WeakSet()

    async def remember(ctx: ServerRequestContext[Any, Any], call_next: CallNext) -> HandlerResult:
        ctx.session._connection.state["mutant"] = ctx.session  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]
        sessions.add(ctx.session)
        return await call_next(ctx)

    async def tell(waiting: Waiting) -> None:
        params = types.ElicitCompleteNotificationParams(elicitation_id=waiting.elicitation)
        for session in list(sessions):
            await session.send_notification(types.ElicitCompleteNotification(params=params))

    patches.servers(lambda server: server.middleware.insert(0, remember))
    pages.tell = tell


def _page(admits: Callable[[Request, Errand], bool]) -> None:
    """Let the page take those whom a function admits; the page asks `caller` who comes."""
    right, known = pages.page, pages.caller
    opened: ContextVar[str | None] = ContextVar("opened", default=None)

    async def page(request: Request) -> Any:
        errand = BOARD.pages.get(request.path_params["name"])
        if errand is None:
            return await right(request)
        opened.set(errand.user if admits(request, errand) else "a stranger")
        return await right(request)

    pages.caller = lambda: opened.get() or known()
    pages.ROUTE.app = request_response(page)


@mutant(OPENED, "url.same-person")
def admits_whoever_has_the_url() -> None:
    """Believes that whoever has the URL is the person to whom it was given."""
    _page(lambda _, errand: bool(errand.user))


@mutant(OPENED, "url.same-person")
def admits_whoever_is_known() -> None:
    """Wants people to log in at the page, and does not look whether they are the ones it asked."""
    known = pages.caller
    _page(lambda _, errand: NOBODY not in (known(), errand.user))


@mutant("url/opened-without-credentials", "url.opener-verified", "url.not-pre-authenticated")
def admits_whoever_is_unknown() -> None:
    """Refuses another person's credentials, and takes it for the right person if there are none."""
    known = pages.caller
    _page(lambda _, errand: known() in (errand.user, NOBODY))


def _number(user: str) -> str:
    return str(crc32(user.encode()))


@mutant("url/changed-urls", "url.tamper-proof")
def believes_the_user_in_the_url() -> None:
    """Compares who comes with a name in the URL, which anybody can change."""
    right, known = pages.address, pages.caller

    def address(context: Any, errand: Errand) -> str:
        return f"{right(context, errand)}?for={_number(errand.user)}"

    def admits(request: Request, _: Errand) -> bool:
        named = parse_qs(urlsplit(str(request.url)).query).get("for", [])
        return named[-1:] == [_number(known())]

    pages.address = address
    _page(admits)


@mutant("url/changed-urls", "url.tamper-proof")
def reads_the_first_of_two_parameters() -> None:
    """Checks the last of two parameters of one name, and uses the first."""
    right, known = pages.address, pages.caller

    def address(context: Any, errand: Errand) -> str:
        base, _, name = right(context, errand).rpartition("/")
        return f"{base}/page?e={name}"

    async def page(request: Request) -> Any:
        names = parse_qs(urlsplit(str(request.url)).query).get("e", [""])
        checked = BOARD.pages.get(names[-1])
        if checked is None or checked.user != known():
            return pages.Response(status_code=403)
        used = BOARD.pages.get(names[0], checked)
        await pages.finish(used, "taken")
        return pages.Response(status_code=204)

    pages.address = address
    pages.ROUTE.app = request_response(page)


@mutant("url/without-credentials", "url.no-own-authorization")
def logs_people_in_at_the_page() -> None:
    """Lets whoever opens the URL of an unknown client lend it their name."""
    known = pages.caller
    _page(lambda _, errand: errand.user in (NOBODY, known()))


def _accounts(name: Callable[[Call], str]) -> None:
    """Let the tool keep secrets under another name than the account's."""
    right = TOOLS["test_url_elicitation"].run

    async def run(call: Call) -> Any:
        arguments = {**call.arguments, "account": name(call)}
        call.params = call.params.model_copy(update={"arguments": arguments})
        return await right(call)

    patches.tool("test_url_elicitation")(run)


@mutant(
    WHOSE, "elicitation.state-not-by-session", "elicitation.user-from-credentials", wires=LEGACY
)
def keeps_secrets_by_session() -> None:
    """Keeps what it learned under the id of the session."""

    def name(call: Call) -> str:
        request: Any = call.context.request
        return f"{request.headers.get('mcp-session-id')} {call.arguments['account']}"

    _accounts(name)


@mutant(WHOSE, "elicitation.state-by-user", "elicitation.user-verified")
def knows_nobody_apart() -> None:
    """Keeps one secret for each account, whoever asks."""
    pages.caller = lambda: "somebody"


@mutant(WHOSE, "elicitation.user-verified")
def believes_the_claimed_user() -> None:
    """Takes the caller for whoever the arguments of the call say."""
    claimed: ContextVar[str] = ContextVar("claimed", default="")
    known, right = pages.caller, TOOLS["test_url_elicitation"].run

    async def run(call: Call) -> Any:
        token = claimed.set(str(call.arguments.get("user", "")))
        try:
            return await right(call)
        finally:
            claimed.reset(token)

    patches.tool("test_url_elicitation")(run)
    pages.caller = lambda: claimed.get() or known()
