"""Servers that send people to pages by wrong requests."""

from __future__ import annotations

import base64
from collections.abc import Callable
from typing import Any
from urllib.parse import quote

from mcp.shared.exceptions import MCPError, UrlElicitationRequiredError

from inverted_conformance.fixture import app, pages, url
from inverted_conformance.fixture.asking import Call, Request, form
from inverted_conformance.fixture.pages import Errand
from inverted_conformance.fixture.tools import TOOLS
from mutants import patches
from mutants.mutant import mutant

ELICIT = "elicitation/create"
REQUESTS = "url/requests"
REQUIRED = "url/required"
LEGACY = ("2025-11-25",)

Params = dict[str, Any]


def _requests(change: Callable[[Params], Params]) -> None:
    """Change the requests that lead to a page, and no others."""
    patches.asked(ELICIT, lambda params: change(params) if "url" in params else params)


def _without(name: str) -> None:
    _requests(lambda params: {key: value for key, value in params.items() if key != name})


def _elsewhere(address: str) -> None:
    _requests(lambda params: {**params, "url": address})


def _secret_form() -> Request:
    return form("Please give me your API key", {"apiKey": {"type": "string"}})


@mutant(REQUESTS, "url.secrets", "url.mode", "url.url")
def asks_for_secrets_by_form() -> None:
    """Asks for the secret by a form, since every client has forms."""
    patches.tool("test_url_elicitation")(_by_form)


async def _by_form(call: Call) -> str:
    await call.ask(secret=_secret_form())
    return url.told(Errand(pages.caller(), call.arguments["account"]))


@mutant("url/clients-with-forms-only", "url.secrets", "elicitation.no-secrets-in-forms")
def falls_back_to_forms() -> None:
    """Asks for the secret by a form where the client cannot open URLs."""
    right = TOOLS["test_url_elicitation"].run

    async def run(call: Call) -> Any:
        declared = call.context.session.client_capabilities
        if declared and declared.elicitation and declared.elicitation.url is None:
            return await _by_form(call)
        return await right(call)

    patches.tool("test_url_elicitation")(run)


@mutant(REQUESTS, "url.mode")
def leaves_the_mode_out() -> None:
    """Sends a URL without saying that the mode is url."""
    _without("mode")


@mutant(REQUESTS, "url.message")
def sends_people_off_without_a_word() -> None:
    """Sends a URL without a message."""
    _without("message")


@mutant(REQUESTS, "url.url")
def says_the_address_in_the_message() -> None:
    """Writes the address into the message instead of the field for it."""
    _requests(
        lambda params: {
            "mode": "url",
            "message": f"Please open {params['url']}",
            **{key: value for key, value in params.items() if key == "elicitationId"},
        }
    )


@mutant(REQUESTS, "url.valid")
def sends_a_path_only() -> None:
    """Sends the path of its page, as within its own site."""
    _elsewhere("/connect/8c1f")


@mutant(REQUESTS, "url.valid")
def forgets_to_encode() -> None:
    """Puts a text with blanks into the URL as it is."""
    _elsewhere("https://connect.example/start?for=this tool")


@mutant(REQUESTS, "url.https")
def sends_people_off_in_the_clear() -> None:
    """Serves its page over http on a host that everybody can reach."""
    _elsewhere("http://connect.example/8c1f")


@mutant(REQUESTS, "url.elicitation-id", wires=LEGACY)
def leaves_the_id_out() -> None:
    """Sends no elicitationId, as on 2026-07-28."""
    _without("elicitationId")


@mutant(REQUESTS, "url.elicitation-id", wires=LEGACY)
def names_every_elicitation_alike() -> None:
    """Takes the tool's name for the elicitationId."""
    _requests(lambda params: {**params, "elicitationId": "test_url_elicitation"})


def _telling(told: Callable[[Errand], str]) -> None:
    right = pages.address

    def address(context: Any, errand: Errand) -> str:
        return f"{right(context, errand)}?{told(errand)}"

    pages.address = address


@mutant(REQUESTS, "url.no-user-data")
def tells_the_account_in_the_url() -> None:
    """Names the account in the URL, so that the page knows it."""
    _telling(lambda errand: f"account={quote(errand.account)}")


@mutant(REQUESTS, "url.no-user-data")
def encodes_the_account_in_the_url() -> None:
    """Puts the account into the URL as Base64, which hides nothing."""
    _telling(lambda errand: f"s={base64.urlsafe_b64encode(errand.account.encode()).decode()}")


@mutant(REQUESTS, "url.no-user-data", wires=("2026-07-28",))
def passes_the_token_in_the_url() -> None:
    """Puts the client's own token into the URL, so that the page knows who comes."""
    _telling(lambda errand: f"access_token={errand.user}")


def _required(change: Callable[[Params], tuple[int, Any]]) -> None:
    """Change the error, from its data."""
    right = TOOLS["test_url_elicitation_required"].run

    async def run(call: Call) -> Any:
        try:
            return await right(call)
        except UrlElicitationRequiredError as error:
            code, data = change(error.error.data)
            raise MCPError(code, "A page must be visited first", data) from error

    patches.tool("test_url_elicitation_required")(run)


def _each(change: Callable[[Params], Params]) -> None:
    _required(
        lambda data: (-32042, {"elicitations": [change(one) for one in data["elicitations"]]})
    )


@mutant(REQUIRED, "url.required-error", wires=LEGACY)
def fails_with_an_internal_error() -> None:
    """Fails with -32603 where a page must be visited first."""
    _required(lambda data: (-32603, data))


@mutant(REQUIRED, "url.required-error", wires=LEGACY)
def fails_within_the_result() -> None:
    """Says within a result of the tool that a page must be visited first."""

    async def run(call: Call) -> str:
        errand = Errand(pages.caller(), call.arguments["account"])
        return f"Please open {pages.address(call.context, errand)}"

    patches.tool("test_url_elicitation_required")(run)


@mutant(REQUIRED, "url.required-list", wires=LEGACY)
def fails_without_a_list() -> None:
    """Says that a page must be visited, and not which."""
    _required(lambda _: (-32042, None))


@mutant(REQUIRED, "url.required-list", wires=LEGACY)
def fails_with_a_bare_elicitation() -> None:
    """Puts the one elicitation into the error's data without a list around it."""
    _required(lambda data: (-32042, data["elicitations"][0]))


@mutant(REQUIRED, "url.required-url-mode", wires=LEGACY)
def requires_a_form() -> None:
    """Lists a form in the error."""
    _each(lambda one: {**_secret_form()["params"], "elicitationId": one["elicitationId"]})


@mutant(REQUIRED, "url.required-url-mode", wires=LEGACY)
def requires_without_a_mode() -> None:
    """Lists the elicitation in the error without its mode."""
    _each(lambda one: {key: value for key, value in one.items() if key != "mode"})


@mutant(REQUIRED, "url.required-id", wires=LEGACY)
def requires_without_an_id() -> None:
    """Lists the elicitation in the error without its id."""
    _each(lambda one: {key: value for key, value in one.items() if key != "elicitationId"})


@mutant(REQUIRED, "url.required-only-then", wires=LEGACY)
def answers_every_failure_with_a_page() -> None:
    """Fails with -32042 also for a tool that it does not have."""
    right = app.call_tool

    async def call_tool(context: Any, params: Any) -> Any:
        try:
            return await right(context, params)
        except MCPError as error:
            raise MCPError(-32042, error.error.message, error.error.data) from error

    app.call_tool = call_tool


@mutant("url/required-no-longer", "url.required-only-then", wires=LEGACY)
def requires_the_page_each_time() -> None:
    """Sends people to the page again although they have been there."""

    async def run(call: Call) -> Any:
        question = url.opening(call, Errand(pages.caller(), call.arguments["account"]))
        raise MCPError(-32042, "Open the page", {"elicitations": [question["params"]]})

    patches.tool("test_url_elicitation_required")(run)
