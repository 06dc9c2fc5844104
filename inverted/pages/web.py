"""A desk over HTTP: GET shows a question, POST answers it, and every trouble has a page.

Who may come in:

- the Host header must be one of ours, so that a hostile name that points at this machine
  (DNS rebinding) reaches nothing;
- a form is taken only from a page of ours: `Sec-Fetch-Site` must be `same-origin`, or in browsers
  that do not send it, `Origin` must be ours;
- a connection may be refused by whom it comes from (`peers`);
- nothing is cached, framed, run as a script or sent on as a referrer, and the token is not logged.

Called by `local`; a server that is on the web mounts `routes`.

Source: W3C Fetch Metadata; CSP Level 3; RFC 9110 (status codes); OWASP on cross-site request
forgery and DNS rebinding.
"""

from __future__ import annotations

import logging
import secrets
from collections.abc import Callable, Collection, Sequence
from typing import Final, NamedTuple
from urllib.parse import parse_qs, urlsplit

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import BaseRoute, Route
from starlette.types import Receive, Scope, Send

from inverted.errors import AnswerError
from inverted.pages.desk import Desk, State
from inverted.pages.form import FormProblems, Shown, Typed, chosen, read, render
from inverted.pages.shell import page, shown

PATH: Final = "/answer/"
"""The token follows this."""

Admits = Callable[[tuple[str, int], tuple[str, int]], bool]
"""Whether a connection may come in, by the address and port of its other end and of ours."""

LARGEST_BODY: Final = 256 * 1024
_LARGEST_READ: Final = 64 * LARGEST_BODY
_MOST_VALUES: Final = 10_000
_METHOD_NOT_ALLOWED: Final = 405
_TOO_LARGE: Final = 413
_FORM: Final = "application/x-www-form-urlencoded"


class _Notice(NamedTuple):
    """A page without a form."""

    status: int
    title: str
    words: str


GONE: Final[dict[State, _Notice]] = {
    "answered": _Notice(
        410,
        "Already answered",
        "This question has its answer, and nothing was changed. You can close this page.",
    ),
    "withdrawn": _Notice(
        410,
        "Not asked any more",
        "The agent does not wait for this answer any more. Nothing was recorded. You can close "
        "this page.",
    ),
    "ended": _Notice(
        410,
        "The run has ended",
        "The agent's run is over, so it needs no answer. Nothing was recorded. You can close this "
        "page.",
    ),
    "expired": _Notice(
        410,
        "This page has expired",
        "An address like this one works for a limited time. Nothing was recorded. Go back to your "
        "client and let the agent continue: it will ask again.",
    ),
    "unknown": _Notice(
        404,
        "No such question",
        "The address is incomplete, or the server was started anew since. Nothing was recorded. "
        "Go back to your client and let the agent continue: it will ask again.",
    ),
    "stopping": _Notice(
        503,
        "The server is stopping",
        "It takes no answers any more. Nothing was recorded. When the server runs again, let the "
        "agent continue in your client: it will ask again.",
    ),
}
"""What a person reads whose question does not wait."""

_log = logging.getLogger(__name__)


class _Refused(Exception):
    """A request that is not served, and what its sender reads."""

    def __init__(self, status: int, title: str, words: str) -> None:
        super().__init__(title)
        self.notice = _Notice(status, title, words)


def routes(desk: Desk, origins: Collection[str]) -> Sequence[BaseRoute]:
    """The routes of a desk, to mount in an application.

    Args:
        desk: The desk.
        origins: Where the application is reached, as browsers write it: "https://example.org".

    Returns:
        The routes: `/answer/` and a token.
    """
    return [Route(PATH + "{token}", endpoint=_Pages(desk, origins))]


def app(desk: Desk, origins: Collection[str], admits: Admits | None = None) -> Starlette:
    """An application that serves a desk and nothing else.

    Args:
        desk: The desk.
        origins: Where it is reached.
        admits: Whether a connection may come in; every one unless given.

    Returns:
        The application.
    """
    pages = _Pages(desk, origins, admits)
    paths = (PATH + "{token}", "/{elsewhere:path}")
    return Starlette(routes=[Route(path, endpoint=pages) for path in paths])


class _Pages:
    """The ASGI application behind the routes; it answers every method itself."""

    def __init__(self, desk: Desk, origins: Collection[str], admits: Admits | None = None) -> None:
        self._desk = desk
        self._admits = admits
        self._origins = frozenset(origins)
        self._hosts = frozenset(urlsplit(origin).netloc for origin in origins)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            response = await self._respond(Request(scope, receive))
        except _Refused as refused:
            response = _notice(refused.notice)
            if response.status_code == _METHOD_NOT_ALLOWED:
                response.headers["Allow"] = "GET, HEAD, POST"
            if response.status_code == _TOO_LARGE:
                response.headers["Connection"] = "close"  # or the rest would be read for ever
        await response(scope, receive, send)

    async def _respond(self, request: Request) -> Response:
        self._check_host(request)
        self._check_peer(request)
        token: str = request.path_params.get("token", "")
        if request.method == "POST":
            self._check_origin(request)
            return await self._take(token, await _typed(request))
        if request.method in ("GET", "HEAD"):
            state, question = self._desk.look(token)
            return _over(state) if question is None else _form(question)
        raise _Refused(
            _METHOD_NOT_ALLOWED, "Not possible", "A question can be looked at and answered only."
        )

    async def _take(self, token: str, typed: Typed) -> Response:
        state, question = self._desk.look(token)
        if question is None:
            return _over(state)
        try:
            result = read(typed, question.schema)
            state = await self._desk.answer(token, result)
        except FormProblems as wrong:
            return _form(question, 422, wrong.problems, typed)
        except AnswerError as wrong:
            return _form(question, 422, {"": str(wrong)}, typed)
        except Exception:  # noqa: BLE001  whatever it is, the person must be able to try again
            _log.exception("An answer that came by a page could not be recorded")
            trouble = "The server could not record this answer. Nothing was lost: try again."
            return _form(question, 500, {"": trouble}, typed)
        return _recorded(question, typed) if state == "recorded" else _over(state)

    def _check_host(self, request: Request) -> None:
        if request.headers.get("host", "").lower() not in self._hosts:
            raise _Refused(
                421,
                "Wrong address",
                "This server does not answer under that name. Open the address that your client "
                "shows.",
            )

    def _check_peer(self, request: Request) -> None:
        if self._admits is not None and not self._admits(
            request.scope["client"], request.scope["server"]
        ):
            raise _Refused(
                403,
                "Somebody else's page",
                "This page is for the user who runs the server, and your browser runs as another "
                "user of this machine.",
            )

    def _check_origin(self, request: Request) -> None:
        # Under `Referrer-Policy: no-referrer` browsers send "Origin: null" with our own forms,
        # so Sec-Fetch-Site decides where there is one.
        site = request.headers.get("sec-fetch-site")
        origin = request.headers.get("origin", "")
        if site != "same-origin" if site is not None else origin not in self._origins:
            raise _Refused(
                403,
                "Not taken",
                "The answer came from a page of another site, or your browser does not say where "
                "it came from. Nothing was recorded. Open the address that your client shows, in "
                "a current browser.",
            )


async def _typed(request: Request) -> Typed:
    """What the form holds.

    Raises:
        _Refused: It is no form, or too large a one.
    """
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != _FORM:
        raise _Refused(
            415, "Not a form", f"An answer is sent as {_FORM}, which a browser does by itself."
        )
    body = bytearray()
    size = 0
    async for chunk in request.stream():
        # Read on for a while: a browser shows no response before it has sent everything.
        size += len(chunk)
        if size <= LARGEST_BODY:
            body += chunk
        elif size > _LARGEST_READ:
            break
    if size > LARGEST_BODY:
        raise _Refused(
            _TOO_LARGE,
            "Too long",
            f"An answer may have {LARGEST_BODY // 1024} KiB. Nothing was recorded. Go back and "
            "shorten it.",
        )
    try:
        return parse_qs(
            body.decode(), keep_blank_values=True, errors="strict", max_num_fields=_MOST_VALUES
        )
    except ValueError:
        raise _Refused(
            400, "Not readable", "The form did not arrive whole. Go back and send it again."
        ) from None


def _form(
    question: Shown,
    status: int = 200,
    problems: dict[str, str] | None = None,
    filled: Typed | None = None,
) -> Response:
    nonce = secrets.token_urlsafe(16)
    return _html(status, render(question, nonce=nonce, problems=problems, filled=filled), nonce)


def _over(state: State) -> Response:
    return _notice(GONE[state])


def _recorded(question: Shown, typed: Typed) -> Response:
    said = f"You chose “{chosen(typed, question.schema)}”, and {question.server} has your answer."
    return _notice(_Notice(200, "Recorded", f"{said} You can close this page."))


def _notice(notice: _Notice) -> Response:
    nonce = secrets.token_urlsafe(16)
    body = f'<h1 tabindex="-1" autofocus>{shown(notice.title)}</h1>\n<p>{shown(notice.words)}</p>'
    return _html(notice.status, page(notice.title, body, nonce=nonce), nonce)


def _html(status: int, text: str, nonce: str) -> Response:
    return HTMLResponse(
        text,
        status,
        {
            "Cache-Control": "no-store",
            "Content-Security-Policy": (
                f"default-src 'none'; style-src 'nonce-{nonce}'; form-action 'self'; "
                "frame-ancestors 'none'; base-uri 'none'"
            ),
            "Cross-Origin-Opener-Policy": "same-origin",
            "Cross-Origin-Resource-Policy": "same-origin",
            "Referrer-Policy": "no-referrer",
            "X-Content-Type-Options": "nosniff",
        },
    )


def origin_of(url: str) -> str:
    """The origin of an address, as browsers write it.

    Args:
        url: An absolute `http` or `https` address.

    Raises:
        ValueError: It is none.
    """
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.netloc:
        raise ValueError(f"{url!r} is no address: write it as https://example.org.")
    return f"{parts.scheme}://{parts.netloc}"
